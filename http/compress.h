/* Content codings of answers: which one the client takes, whole bodies, and streams. */
#ifndef WEIR_HTTP_COMPRESS_H
#define WEIR_HTTP_COMPRESS_H

#include "base/buf.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODING_COUNT };

const char *coding_name(enum coding coding); /* as in Content-Encoding */
/* The best one by Accept-Encoding with its q-values; zstd before gzip where they are equal. */
enum coding coding_choose(struct bytes accept_encoding);
/* Text and JSON are worth it, pictures and packed formats are not; text/event-stream neither, its
 * events must leave at once. */
bool coding_pays(struct bytes content_type);

/* One thread at a time. */
struct compressor;

enum compress_step { COMPRESS_MORE, COMPRESS_FLUSH, COMPRESS_END };

/* `coding` is not CODING_IDENTITY. *compressor is NULL on failure (E_MEMORY). */
MUST_USE enum code compressor_new(enum coding coding, struct compressor **compressor,
                                  struct error *err);
void compressor_free(struct compressor *compressor); /* NULL is fine */
/* Hands what comes out to `sink`, in pieces below 32 KiB.  COMPRESS_FLUSH: all that went in has
 * come out.  Gives what the sink gave, E_MEMORY or E_INTERNAL. */
MUST_USE enum code
compressor_run(struct compressor *compressor, struct bytes bytes, enum compress_step step,
               enum code (*sink)(void *context, struct bytes piece, struct error *err),
               void *context, struct error *err);

/* A whole body; a failed `out` or E_MEMORY mean: send it as it is. */
MUST_USE enum code compress_whole(enum coding coding, struct bytes bytes, struct buf *out,
                                  struct error *err);

#endif
