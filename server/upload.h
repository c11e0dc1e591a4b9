/* Files of points on their way into a server, in parts that are each stored whole or not at all.
 * Every part has an Idempotency-Key made of what it is, so it is stored once however often it is
 * sent: after a lost answer, and, for an import, by a later run too. */
#ifndef WEIR_SERVER_UPLOAD_H
#define WEIR_SERVER_UPLOAD_H

#include "base/hash.h"
#include "server/points_format.h"
#include "server/remote.h"

struct resume;

struct upload {
    struct remote *remote;              /* borrowed */
    const struct points_format *format; /* NULL = by each file's name */
    struct bytes target;                /* "/v1/points?…", borrowed */
    struct hash128 salt;   /* of keys: the same bytes under the same salt are one part */
    struct resume *resume; /* NULL = none */
    uint64_t part_bytes;
    bool headless; /* CSV without a header: header=no */
    bool json;     /* refused lines on stdout, an object each */
    /* What became of it. */
    uint64_t files, parts, bytes, lines, refused;
    uint64_t line_stored; /* of the last file: the last line that is stored; 0 = none */
};

enum { UPLOAD_PART_BYTES = 4 << 20 };

/* "-" is stdin.  E_INVALID_POINTS: lines were refused, they have been told, and nothing of their
 * part is stored.  Lines that the server left out (on_error=skip) are told and counted: OK. */
MUST_USE enum code upload_file(struct upload *upload, const char *path, struct error *err);

#endif
