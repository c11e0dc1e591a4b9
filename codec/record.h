/* The content of a wal record: the rows of one request, or one deletion, with tenant and
 * idempotency note.  The frame around it (LSN, commit number, CRC) is store/wal/frame.h.
 * docs/formats/record.md */
#ifndef WEIR_CODEC_RECORD_H
#define WEIR_CODEC_RECORD_H

#include "base/buf.h"
#include "model/batch.h"
#include "model/matcher.h"
#include "model/note.h"

enum record_type { RECORD_ROWS = 1, RECORD_DELETE = 2 };

struct record {
    enum record_type type;
    struct bytes tenant;
    struct note note;           /* .ingest is not stored here: it is the frame's */
    struct batch *batch;        /* ROWS */
    struct tombstone tombstone; /* DELETE; .ingest likewise */
};

/* Columns as they are, little-endian, at most 8 bytes a cell; a series' key only while it is not
 * `stored`, its id always.  Every batch series is resolved.  `out` remembers failure. */
void record_encode_rows(struct bytes tenant, const struct note *note, const struct batch *batch,
                        struct buf *out);
void record_encode_delete(struct bytes tenant, const struct note *note,
                          const struct tombstone *tombstone, struct buf *out);
/* Everything is copied into or allocated from `arena`, spans may point into `payload`.  The batch's
 * series have ids, and keys where given, and are not resolved. E_CORRUPT on any inconsistency. */
MUST_USE enum code record_decode(struct bytes payload, struct arena *arena, struct record *record,
                                 struct error *err);

/* Also used by packs and the index. */
void tombstone_encode(const struct tombstone *tombstone, struct buf *out); /* with ingest */
MUST_USE enum code tombstone_decode(struct bytes bytes, struct arena *arena,
                                    struct tombstone *tombstone, struct error *err);
void note_encode(const struct note *note, struct buf *out); /* with ingest */
MUST_USE enum code note_decode(struct bytes bytes, struct note *note, struct error *err);

#endif
