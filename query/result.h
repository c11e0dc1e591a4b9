/* The answer on its way out: rows become text in a buffer, full buffers go to the sink, and the
 * head goes before the first of them, as late as can be: whatever fails until then is a plain
 * error.  Each format is an encoder, a table of functions; this file owns the buffer and the
 * rules of the head. */
#ifndef WEIR_QUERY_RESULT_H
#define WEIR_QUERY_RESULT_H

#include "base/buf.h"
#include "base/map.h"
#include "query/plan.h"
#include "query/text.h"

struct result;

struct result_row {
    int64_t time;
    struct bytes field;           /* of statistics, in place of the time */
    int64_t known_from, known_to; /* versions=all; known_to KNOWN_STILL = open */
    const char *change;           /* of changes: "added", "changed" or "removed" */
    const struct datum *values;   /* by column */
};

struct encoder {
    /* What this format cannot say, before anything is read; NULL: it can say all. */
    enum code (*check)(const struct plan *plan, struct error *err);
    /* Before anything else; what it puts stands at the beginning of the body. */
    bool (*open)(struct result *result);
    /* Renders the tags of a group into result->group_text (which is empty). */
    void (*group)(struct result *result, const struct group *group);
    /* A row, into room of result_row_size(). */
    char *(*row)(struct result *result, char *at, const struct result_row *row);
    /* The end.  `next` is empty when there is no further page. */
    void (*close)(struct result *result, struct bytes next, struct buf *tail);
    /* After a failure in the middle, where the format can say it; NULL: it cannot. */
    void (*fail)(struct result *result, const struct error *err, struct buf *tail);
    size_t (*text_size)(struct bytes text); /* bound of a text in it */
};

struct result {
    struct plan *plan;
    struct query_sink *sink;
    struct query_outcome *outcome;
    const struct encoder *encoder;
    struct time_writer times, full_times; /* of rows; RFC 3339 whatever epoch= says */
    char *data;                           /* owned, its room is taken from the watch's memory */
    size_t size, capacity;
    bool hold;           /* all rows before the head: CSV has its cursor there */
    size_t missing_told; /* in the head */
    struct buf group_text;
    struct buf head_text; /* what each group of JSON begins with behind its tags */
    size_t group;         /* of the last row; SIZE_MAX = none yet */
    bool first_in_group, first_of_all;
    const struct bytes *keys;                     /* by column: what stands before its value */
    const struct bytes *tag_names, *column_names; /* in flat formats, all different */
    size_t keys_size;
    uint64_t rows;
    uint64_t skipped; /* values that numeric aggregates left out */
};

extern const struct encoder encoder_json_series, encoder_json_rows, encoder_ndjson, encoder_csv,
    encoder_line_protocol, encoder_events;

/* Release also after a failure. */
MUST_USE enum code result_init(struct result *result, struct plan *plan, struct query_sink *sink,
                               struct query_outcome *outcome, struct error *err);
/* Groups in order.  E_QUERY_RESULT, E_QUERY_MEMORY, E_PARTIAL, and those of the sink. */
MUST_USE enum code result_put(struct result *result, size_t group, const struct result_row *row,
                              struct error *err);
MUST_USE enum code result_finish(struct result *result, struct bytes next, struct error *err);
/* The head is out: says in the body why it ends, as far as the format can. */
void result_fail(struct result *result, const struct error *err);
void result_release(struct result *result);

/* --- for encoders --- */

/* Appends to the buffer; false when memory ran out. */
MUST_USE bool result_text(struct result *result, struct bytes text);
/* "next":…,"partial":… : what all JSON formats tell at their end. */
void result_put_facts(struct result *result, struct bytes next, struct buf *tail);
/* ,"warnings":[…] where there are any. */
void result_put_warnings(const struct plan *plan, struct buf *tail);
/* The value of a column as JSON. */
char *result_put_json(const struct result *result, char *at, const struct datum *value);
/* One row as a JSON object with its tags. */
char *result_put_object(struct result *result, char *at, const struct result_row *row);
void result_group_object(struct result *result, const struct group *group);
/* Names and keys of flat JSON. */
MUST_USE bool result_object_keys(struct result *result);
/* Appends a JSON text. */
void buf_put_json(struct buf *buf, struct bytes text);

#endif
