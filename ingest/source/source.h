/* A source: what its document says (docs/reference/sources.md), checked, with its defaults, its
 * places and paths parsed.  Immutable once made; everything is in its arena; any thread. */
#ifndef WEIR_INGEST_SOURCE_SOURCE_H
#define WEIR_INGEST_SOURCE_SOURCE_H

#include "base/span.h"
#include "codec/csv_time.h"
#include "codec/tree/rows.h"
#include "ingest/source/text_places.h"

struct zone;

struct source_schedule {
    int64_t every_ns, jitter_ns;
    bool daily;   /* `at` was given */
    int32_t at_s; /* of the day */
    const struct zone *zone;
    bool respect_expires;
};

struct source_pair {
    struct bytes name;
    struct text_places value;
};

struct source_request {
    bool post;
    struct text_places url;
    const struct source_pair *query, *headers; /* as in the document's order */
    size_t query_count, header_count;
    bool has_body;
    struct text_places body;
    uint32_t redirects_max;
};

struct source_auth {
    enum source_auth_kind {
        SOURCE_AUTH_NONE,
        SOURCE_AUTH_BASIC,  /* first: user, second: password */
        SOURCE_AUTH_BEARER, /* first: token */
        SOURCE_AUTH_HEADER, /* first: name, without places; second: value */
        SOURCE_AUTH_QUERY,  /* the same */
        SOURCE_AUTH_OAUTH2, /* first: client_id, second: client_secret */
    } kind;
    struct text_places first, second;
    struct bytes token_url, scope; /* of OAUTH2 */
};

struct source_partition {
    const struct source_variable {
        struct bytes name, value;
    } * variables; /* by name */
    size_t count;
};

/* A request with what makes rows of its answer. */
struct source_decode {
    const struct tree_format *format;
    struct tree_columns csv;
    bool zip_archive;      /* documents are the files of an archive */
    struct tree_path rows; /* of CSV and NDJSON from the document, which is a line */
    bool rows_zip;
};

struct source_foreach {
    const struct source_partition *partitions; /* without foreach one, without variables */
    size_t count;
    /* Or asked for; NULL = not. */
    const struct source_request *request;
    const struct source_decode *decode;
    const struct source_pick {
        struct bytes name;
        struct tree_path path;
    } * picks;
    size_t pick_count;
    const struct tree_plan *plan; /* whose n-th slot is the n-th pick's */
    int64_t every_ns;
};

struct source_time_format {
    enum source_time_kind {
        SOURCE_TIME_ISO,
        SOURCE_TIME_DATE, /* to print alone */
        SOURCE_TIME_UNIX, /* in `unit` */
        SOURCE_TIME_EXCEL,
        SOURCE_TIME_PATTERN,
    } kind;
    enum time_unit unit;
    struct bytes pattern;
};

struct source_window {
    bool given;
    int64_t from_ns, until_ns; /* INT64_MAX = none */
    struct span step, step_min;
    struct span overlap, lag; /* all zero = none */
    struct source_time_format format;
    const struct zone *zone;
    bool end_inclusive, clip, retract_missing;
};

struct source_page {
    enum source_page_kind {
        SOURCE_PAGE_NONE,
        SOURCE_PAGE_OFFSET,
        SOURCE_PAGE_NUMBER,
        SOURCE_PAGE_CURSOR,
        SOURCE_PAGE_NEXT_URL,
        SOURCE_PAGE_LINK,
    } kind;
    struct bytes param, limit_param; /* empty = none */
    uint64_t limit, first;
    uint32_t path_slot;  /* of the cursor or address: a document slot; SOURCE_NO_SLOT */
    uint32_t total_slot; /* expect_total */
    bool same_host;
    bool stop_empty_page, stop_empty_body, stop_short_page, stop_total;
    uint32_t pages_max;
};

#define SOURCE_NO_SLOT UINT32_MAX

struct source_conditional {
    bool etag, last_modified, body_hash;
};

struct source_timeouts {
    int64_t connect_ns, first_byte_ns, idle_ns, total_ns;
};

/* The longest span of a rate: as far back as what began is kept over a restart (pace/asked.h), and
 * a little less, as clocks differ. */
#define SOURCE_RATE_SPAN_MAX_NS (2 * INT64_C(86400000000000))

struct source_rate {
    uint64_t count;
    int64_t span_ns;
};

struct source_limits {
    struct bytes host; /* of the document; empty: the address's */
    uint32_t concurrency;
    const struct source_rate *rates;
    size_t rate_count;
    uint32_t weight;
    uint64_t daily; /* 0 = none */
    uint64_t body_bytes_max, plain_bytes_max;
};

struct source_retry {
    uint32_t max;
    int64_t base_ns, cap_ns;
    bool retry_after;
};

enum source_do {
    SOURCE_OK,
    SOURCE_EMPTY,
    SOURCE_UNCHANGED,
    SOURCE_RETRY,
    SOURCE_RESTART,
    SOURCE_WAIT,
    SOURCE_SPLIT,
    SOURCE_SKIP,
    SOURCE_FAIL,
};
extern const char *const source_do_names[]; /* ended by NULL */

struct source_outcome {
    const struct source_status {
        uint16_t first, last;
    } * statuses; /* none: any */
    size_t status_count;
    const struct source_contains {
        struct bytes name, text; /* of a header; the name in lower case */
    } * headers;
    size_t header_count;
    const struct bytes *body_has; /* one of them is enough */
    size_t body_has_count;
    bool counts;
    uint64_t count;
    enum source_do what;
    enum source_until {
        SOURCE_NEXT_MINUTE,
        SOURCE_NEXT_HOUR,
        SOURCE_NEXT_UTC_DAY,
        SOURCE_FOR
    } until;
    int64_t for_ns;
    struct bytes warn;
    uint32_t message_slot; /* or SOURCE_NO_SLOT */
};

struct source_time {
    const uint32_t *slots;     /* joined by a space */
    const struct bytes *paths; /* of the slots, as they were given; NULL: nobody knows */
    size_t slot_count;
    struct source_time_format format;
    const struct zone *zone;
    enum source_ambiguous {
        SOURCE_AMBIGUOUS_ORDER,
        SOURCE_AMBIGUOUS_FIRST,
        SOURCE_AMBIGUOUS_SECOND,
        SOURCE_AMBIGUOUS_FAIL,
    } ambiguous;
    bool label_end;
    struct span step;    /* all zero: none */
    uint32_t step_slot;  /* or SOURCE_NO_SLOT */
    uint32_t index_slot; /* given: `slots` are the base */
    int64_t index_first;
    bool fill;
    const struct source_match {
        uint32_t slot;
        struct bytes text;
    } * fill_when;
    size_t fill_when_count;
    uint32_t fill_to_slot;
};

struct source_unit {
    struct bytes name;
    double scale, offset;
};

struct source_tag {
    struct bytes name;
    bool from_slot; /* else `text` */
    uint32_t slot;
    struct text_places text;
    bool required;
};

enum { SOURCE_VALUES_MAX = 200 };

struct source_value {
    struct bytes path; /* as it was given */
    uint32_t slot;
    struct text_places field;
    bool has_measurement;
    struct text_places measurement;
    const struct source_tag *tags;
    size_t tag_count;
    enum source_type { SOURCE_NUMBER, SOURCE_INTEGER, SOURCE_BOOL, SOURCE_TEXT } type;
    struct bytes unit;
    uint32_t unit_slot; /* or SOURCE_NO_SLOT */
    const struct source_unit *units;
    size_t unit_count;
    double scale, offset;
    char decimal, thousands; /* '\0' = none */
    const struct bytes *nulls;
    size_t null_count;
    bool required;
    const struct bytes *qualifiers;
    size_t qualifier_count;
    enum source_coded { SOURCE_CODED_FAIL, SOURCE_CODED_SKIP, SOURCE_CODED_KEEP } coded;
};

/* Instead of a request: files that grow (ingest/follow/). */
struct source_files {
    bool given;
    const struct bytes *paths; /* absolute; steps may have wildcards */
    size_t path_count;
    bool from_end;           /* what stands there when the source begins is not read */
    int64_t settle_ns;       /* 0 = a last line waits for its end */
    uint64_t line_bytes_max; /* of a line of NDJSON, a record of CSV */
    uint64_t faults_max;     /* of a file */
};

struct source {
    struct bytes name;
    struct source_files files;
    struct source_schedule schedule;
    struct source_request request;
    struct source_auth auth;
    struct source_foreach foreach;
    struct source_window window;
    struct source_page page;
    struct source_conditional conditional;
    struct source_timeouts timeouts;
    struct source_limits limits;
    struct source_retry retry;
    const struct source_outcome *outcomes;
    size_t outcome_count;
    struct source_decode decode;
    const struct tree_plan *plan;  /* of files; of pages each has its own: source_plan() */
    const struct tree_slot *slots; /* what a plan is made of */
    size_t slot_count;
    const struct source_match *where;
    size_t where_count;
    struct source_time time;
    struct text_places measurement;
    const struct source_value *values;
    size_t value_count;
    const struct source_tag *tags;
    size_t tag_count;
    uint64_t faults_max;
    struct source_versions {
        uint32_t known_at_slot; /* SOURCE_NO_SLOT: the fetch */
        struct source_time_format format;
        const struct zone *zone;
        bool latest;
    } versions;
    bool paused;
    struct arena *arena; /* its own; source_free() gives it back */
};

/* What is wrong with a document, all of it. */
struct source_faults {
    struct source_fault {
        struct bytes pointer; /* "/values/1/path" */
        struct bytes text;
    } items[20];
    size_t count; /* of items; `more` were not kept */
    size_t more;
};

/* `name` is of the address, empty where there is none (then the document has it).  JSON of at most
 * 64 KiB.  OK: *source is to be freed.  E_BAD_PARAMETER (the first fault in `err`, with its
 * pointer; all of them in `faults`, in `arena`), E_SYNTAX, E_MEMORY. */
MUST_USE enum code source_parse(struct bytes name, struct bytes json, struct arena *arena,
                                struct source **source, struct source_faults *faults,
                                struct error *err);
/* What a page is read by, in `arena`, with all slots: a quarter of what a source would keep while
 * it rests, and made in microseconds.  E_MEMORY. */
MUST_USE enum code source_plan(const struct source *source, struct arena *arena,
                               const struct tree_plan **plan, struct error *err);
/* A document of YAML as one of JSON: texts that JSON would take as a number, true, false or null
 * and that stand without quotes are these.  In the arena.  E_CONFIG with the line. */
MUST_USE enum code source_of_yaml(struct bytes yaml, struct arena *arena, struct bytes *json,
                                  struct error *err);
void source_free(struct source *source); /* NULL is fine */

#endif
