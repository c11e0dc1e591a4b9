/* How far a file was read: a row of its tenant in a measurement that nobody can name, in the same
 * record as the rows that were read (docs/decisions/0052-collectors.md).  Pure; any thread. */
#ifndef WEIR_INGEST_FOLLOW_TAIL_MARK_H
#define WEIR_INGEST_FOLLOW_TAIL_MARK_H

#include "codec/point.h"
#include "ingest/pull/progress.h"

/* A part of a file as it was: of so many bytes, 0 = not known. */
struct tail_print {
    uint32_t size;
    uint64_t hash;
};

struct tail_mark {
    int64_t time_ns; /* of the row: the minute that it was written in */
    uint64_t device, inode;
    uint64_t offset;        /* plain bytes that are in rows */
    struct tail_print head; /* of its first bytes, as they lie there */
    struct tail_print last; /* of those before the offset; not of what is packed */
    uint64_t raw;           /* bytes of the file that these are of, a half line aside */
    bool packed;            /* it is compressed */
    bool within;            /* the offset is within a line that is passed over */
    uint64_t rows, faults;  /* of the file, for people and faults_max */
    struct bytes path;      /* where it was found last */
};

enum { TAIL_PRINT_SIZE = 1024, TAIL_KEY_SIZE = 34, TAIL_NODE_SIZE = 24 };

/* Tells files apart: "device-inode", in hex. */
void tail_key(uint64_t device, uint64_t inode, char key[TAIL_KEY_SIZE]);
struct tail_print tail_print_of(struct bytes bytes);

/* Adds the mark's row to the point's batch; `node` tells nodes of a registry apart: its number, or
 * nothing where it has none.  E_MEMORY. */
MUST_USE enum code tail_mark_put(const struct tail_mark *mark, struct bytes measurement,
                                 struct bytes node, struct point *point, struct error *err);
/* The texts are the row's.  False: it is no mark, or another node's.  Not *own: of one that had no
 * number, which may have been this one before it had its own; only what stands in the file tells.
 */
MUST_USE bool tail_mark_read(const struct recalled_row *row, struct bytes node,
                             struct tail_mark *mark, bool *own);

#endif
