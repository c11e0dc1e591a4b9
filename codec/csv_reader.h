/* Records of CSV (RFC 4180), fed piece by piece: cells between separators, quoted ones with "" for
 * a quote, ends of line \n or \r\n also within quotes, a byte order mark before the first record.
 * Blank lines are passed over; spaces and tabs around a cell without quotes are not part of it.
 *
 * A record that is bad ends at its first line end, whatever quotes it holds: a quote that is not
 * closed takes no other record with it.  One thread at a time; pure. */
#ifndef WEIR_CODEC_CSV_READER_H
#define WEIR_CODEC_CSV_READER_H

#include "base/arena.h"
#include "base/buf.h"

struct csv_cell {
    struct bytes text; /* without its quotes */
    bool quoted;
    bool doubled; /* holds "" that stand for quotes; the reader has made them one already */
};

struct csv_record {
    uint32_t line; /* its first one, from 1 */
    enum code fault;
    const char *what; /* is wrong with it; of a fault alone */
    size_t column;    /* where: the byte of the record, from 1; 0 = the whole */
    const struct csv_cell *cells;
    size_t count;             /* may be above the `cells_max` that `cells` holds */
    const char *readable_end; /* bytes can be read up to here, behind the last cell too */
};

struct csv_reader {
    /* By the caller.  `take` gets each record, good or not; an error of its ends the feeding. */
    enum code (*take)(void *context, const struct csv_record *record, struct error *err);
    void *context;
    struct arena *arena; /* borrowed */
    char separator;
    size_t record_bytes_max; /* without its line end */
    size_t cells_max;
    /* The reader's own. */
    struct csv_cell *cells;
    size_t cell_capacity;
    struct buf carry;  /* the beginning of a record */
    struct buf plain;  /* cells whose quotes were doubled, without that */
    size_t carry_next; /* look at the carry again when it has this size; 0 = at a line end */
    uint32_t line;     /* number of the line at hand */
    bool begun;        /* behind the byte order mark, or where it would be */
    bool skipping;     /* the rest of a line that is too long */
};

/* Sets the reader's own members; those of the caller stay. */
void csv_reader_init(struct csv_reader *reader);
void csv_reader_release(struct csv_reader *reader);

/* What take() says, or E_MEMORY. */
MUST_USE enum code csv_reader_feed(struct csv_reader *reader, struct bytes piece,
                                   struct error *err);
/* Once, after the last piece. */
MUST_USE enum code csv_reader_finish(struct csv_reader *reader, struct error *err);
/* What was fed of a record that is not whole is not to count. */
void csv_reader_drop(struct csv_reader *reader);

#endif
