/* gzip and zstd bodies, decompressed as they arrive, with caps on output and ratio. */
#ifndef WEIR_CODEC_INFLATE_H
#define WEIR_CODEC_INFLATE_H

#include "base/error.h"

struct inflate;

/* `encoding` is the Content-Encoding: "gzip", "x-gzip", "zstd", "deflate" (zlib), "identity" or
 * empty (passes through).  E_UNSUPPORTED_ENCODING otherwise, also for two codings. bytes_max:
 * E_BODY_LARGE when the output would pass it.  ratio_max: E_COMPRESSION_RATIO when the output
 * passes ratio_max times the input and 1 MiB.  A zstd window above 8 MiB is E_BAD_COMPRESSION. */
MUST_USE enum code inflate_new(struct bytes encoding, uint64_t bytes_max, uint64_t ratio_max,
                               struct inflate **inflate, struct error *err);
/* Of deflate without anything around it, as files stand in an archive. */
MUST_USE enum code inflate_new_raw(uint64_t bytes_max, struct inflate **inflate, struct error *err);
/* CRC-32 of gzip and zip, of all pieces so far; 0 before the first. */
uint32_t inflate_checksum(uint32_t before, struct bytes piece);
/* Hands decompressed pieces (at most 128 KiB each, valid during the call) to `take`, whose code
 * other than OK ends it. */
MUST_USE enum code inflate_feed(struct inflate *inflate, struct bytes piece,
                                enum code (*take)(void *context, struct bytes piece,
                                                  struct error *err),
                                void *context, struct error *err);
/* E_BAD_COMPRESSION when the stream is not complete.  Concatenated gzip members and zstd frames are
 * fine. */
MUST_USE enum code inflate_finish(struct inflate *inflate, struct error *err);
void inflate_free(struct inflate *inflate);

#endif
