/* How far an import is, in a small file of text that is replaced whole after every batch that the
 * server acknowledged: a process that dies leaves the state before or after, never between.
 *
 * weir import 1
 * options <32 hexadecimal digits>
 * file <bytes> <lines> <32 hexadecimal digits: hash of those bytes> <name> */
#ifndef WEIR_SERVER_RESUME_H
#define WEIR_SERVER_RESUME_H

#include "base/buf.h"
#include "base/hash.h"

struct resume;

struct resume_place {
    uint64_t bytes, lines; /* that are stored, of the decompressed text */
    struct hash128 hash;   /* of those bytes */
};

/* A file that is not there yet is an import at its beginning.  `options` is a hash of what gives
 * the bytes their meaning; with others E_CONFIG.  E_IO: it could not be written. */
MUST_USE enum code resume_open(const char *path, const struct hash128 *options,
                               struct resume **resume, struct error *err);
void resume_close(struct resume *resume); /* NULL is fine */
/* False: nothing of the file is stored. */
bool resume_find(const struct resume *resume, const char *name, struct resume_place *place);
/* Returns once it is on disk. */
MUST_USE enum code resume_note(struct resume *resume, const char *name,
                               const struct resume_place *place, struct error *err);
void resume_print_hash(struct buf *text, const struct hash128 *hash);

#endif
