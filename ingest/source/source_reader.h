/* The walk through a source's document: where it stands, what was found wrong, and what is to be
 * compared when all of it is known.  For the files that make a struct source alone. */
#ifndef WEIR_INGEST_SOURCE_SOURCE_READER_H
#define WEIR_INGEST_SOURCE_SOURCE_READER_H

#include "codec/json_doc.h"
#include "ingest/source/source.h"

/* A member or an element of what is around it. */
struct source_at {
    const struct source_at *around; /* NULL: the document */
    struct bytes key;
    size_t index; /* where `key` has no data */
};

/* A place in a text, to be held against partitions, window and page. */
struct source_use {
    enum place_kind kind;
    struct bytes name, pointer;
};

struct source_reader {
    struct source *source;
    struct arena *arena;  /* the source's */
    struct arena *speech; /* of the faults: the caller's */
    struct source_faults *faults;
    const struct source_at *at;
    bool starved; /* memory ran out: nothing that was read counts */
    struct source_use *uses;
    size_t use_count, use_capacity;
    struct tree_slot slots[TREE_SLOTS_MAX];
    struct bytes slot_pointers[TREE_SLOTS_MAX];
    size_t slot_count;
};

/* --- where it stands, and what is wrong there --- */

/* Goes to a member or an element; `at` is the caller's until source_leave(). */
void source_enter(struct source_reader *reader, struct source_at *at, struct bytes key);
void source_enter_element(struct source_reader *reader, struct source_at *at, size_t index);
void source_leave(struct source_reader *reader);
/* RFC 6901, in the faults' arena. */
struct bytes source_pointer(struct source_reader *reader);
void source_fault(struct source_reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);
/* Of a member that may be absent. */
void source_fault_key(struct source_reader *reader, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);
void source_fault_at(struct source_reader *reader, struct bytes pointer, const char *format, ...)
    PRINTF_LIKE(3, 4);
static inline size_t source_fault_total(const struct source_reader *reader)
{
    return reader->faults->count + reader->faults->more;
}
/* What a function said that knows nothing of documents; true: OK. */
bool source_good(struct source_reader *reader, enum code code, const struct error *err);
/* Notes that memory ran out where `memory` is NULL; true: it did not. */
bool source_has(struct source_reader *reader, const void *memory);
bool source_is(struct source_reader *reader, const struct json *value, enum json_kind kind,
               const char *want);

/* --- blocks: objects whose keys are known --- */

enum source_key_kind {
    KEY_BOOL,
    KEY_COUNT,         /* uint64_t within [least, most] */
    KEY_COUNT_32,      /* uint32_t */
    KEY_REAL,          /* double */
    KEY_DURATION,      /* int64_t ns within [least, most] milliseconds */
    KEY_SPAN,          /* struct span, likewise, as span_about_ns() has it */
    KEY_SIZE,          /* uint64_t bytes */
    KEY_CHOICE,        /* unsigned or enum: the index of `choices` */
    KEY_EITHER,        /* bool: whether it is the second of `choices` */
    KEY_TEXT,          /* struct bytes: no control characters, at most `most` bytes (0 = any) */
    KEY_TEXTS,         /* struct bytes * and, at `count_offset`, size_t: a list of such */
    KEY_ZONE,          /* const struct zone * */
    KEY_PLACES,        /* struct text_places, of the kinds in `places` */
    KEY_SLOT,          /* uint32_t: a path from the row */
    KEY_DOCUMENT_SLOT, /* uint32_t: a path from the document, wanted once */
    KEY_READ,          /* was read before the block: which of several it is */
    KEY_TAKE,          /* by `take`, also where it is absent and not required */
};

struct source_key {
    const char *name;
    enum source_key_kind kind;
    bool required;
    bool empty; /* KEY_TEXT, KEY_PLACES: may be "" */
    size_t offset, count_offset;
    int64_t initial, least, most;
    const char *const *choices; /* NULL-terminated */
    unsigned places;
    void (*take)(struct source_reader *reader, const struct json *value /* or NULL */, void *block);
};

/* Rows of tables: a key whose value goes to a member, one that a function takes, one that was read
 * before; and a value that is the whole block. */
#define KEY(NAME, KIND, TYPE, MEMBER, ...)                                                         \
    {                                                                                              \
        .name = (NAME), .kind = (KIND), .offset = offsetof(struct TYPE, MEMBER), __VA_ARGS__       \
    }
#define TAKE(NAME, FUNCTION, ...)                                                                  \
    {                                                                                              \
        .name = (NAME), .kind = KEY_TAKE, .take = (FUNCTION), __VA_ARGS__                          \
    }
#define READ(NAME)                                                                                 \
    {                                                                                              \
        .name = (NAME), .kind = KEY_READ                                                           \
    }
#define VALUE(NAME, KIND, ...)                                                                     \
    {                                                                                              \
        .name = (NAME), .kind = (KIND), __VA_ARGS__                                                \
    }

enum { SOURCE_KEYS_MAX = 32 };
/* Defaults, and what `value` says; NULL: it is absent, then nothing is required.  False: it is no
 * object. */
bool source_block(struct source_reader *reader, const struct json *value,
                  const struct source_key *keys, size_t key_count, void *block);
/* One value that is there. */
void source_key_take(struct source_reader *reader, const struct source_key *key,
                     const struct json *value, void *block);
/* One value of a list, the `index`-th. */
void source_element_take(struct source_reader *reader, const struct source_key *key,
                         const struct json *value, size_t index, void *block);
/* "it is not known; did you mean …". */
void source_fault_unknown(struct source_reader *reader, const char *what, struct bytes name,
                          const char *const *names);

/* --- values --- */

/* A text, or a number or bool as one, in the arena.  False: it is none, or has control characters
 * (of which `lines` allows ends of lines and tabs). */
bool source_text(struct source_reader *reader, const struct json *value, bool lines,
                 struct bytes *text);
bool source_places(struct source_reader *reader, const struct json *value, unsigned allowed,
                   bool lines, struct text_places *places);
/* A path from the row, or of the document where `document`; SOURCE_NO_SLOT after a fault. */
uint32_t source_slot(struct source_reader *reader, const struct json *value, bool document);
bool source_format(struct source_reader *reader, const struct json *value, bool printed,
                   struct source_time_format *format);
/* In seconds: "10s", "P1D". Months only where `span`. */
bool source_span(struct source_reader *reader, const struct json *value, int64_t least_ms,
                 int64_t most_ms, struct span *span);
bool source_zone(struct source_reader *reader, const struct json *value, const struct zone **zone);
/* What goes on the wire as a name: RFC 9110's token.  `what` is it. */
bool source_header_name(struct source_reader *reader, struct bytes name);
/* http or https, a host, no user, no fragment; places behind the host alone. */
bool source_address(struct source_reader *reader, struct bytes text);
/* Texts of a list, in the arena; a text alone is a list of one where `alone`. */
bool source_texts(struct source_reader *reader, const struct json *value, bool alone,
                  size_t count_max, const struct bytes **texts, size_t *count);
/* A map of paths to texts. */
void source_matches(struct source_reader *reader, const struct json *value,
                    const struct source_match **matches, size_t *count);

/* --- the blocks of a document: each of its file; `block` is the struct source --- */

enum { SOURCE_MEASUREMENT_PLACES = 1 << PLACE_EACH | 1 << PLACE_ROW };

void source_take_name(struct source_reader *reader, const struct json *value, void *block);
void source_take_decode(struct source_reader *reader, const struct json *value, void *block);
void source_take_rows(struct source_reader *reader, const struct json *value, void *block);
void source_take_where(struct source_reader *reader, const struct json *value, void *block);
void source_take_tags(struct source_reader *reader, const struct json *value, void *block);
void source_take_schedule(struct source_reader *reader, const struct json *value, void *block);
void source_take_request(struct source_reader *reader, const struct json *value, void *block);
void source_take_auth(struct source_reader *reader, const struct json *value, void *block);
void source_take_foreach(struct source_reader *reader, const struct json *value, void *block);
void source_take_window(struct source_reader *reader, const struct json *value, void *block);
void source_take_page(struct source_reader *reader, const struct json *value, void *block);
void source_take_conditional(struct source_reader *reader, const struct json *value, void *block);
void source_take_timeouts(struct source_reader *reader, const struct json *value, void *block);
void source_take_limits(struct source_reader *reader, const struct json *value, void *block);
void source_take_retry(struct source_reader *reader, const struct json *value, void *block);
void source_take_outcomes(struct source_reader *reader, const struct json *value, void *block);
void source_take_files(struct source_reader *reader, const struct json *value, void *block);
void source_take_time(struct source_reader *reader, const struct json *value, void *block);
void source_take_values(struct source_reader *reader, const struct json *value, void *block);
void source_take_versions(struct source_reader *reader, const struct json *value, void *block);

/* A request; `allowed` places of its texts. */
void source_read_request(struct source_reader *reader, const struct json *value, unsigned allowed,
                         struct source_request *request);
void source_read_decode(struct source_reader *reader, const struct json *value,
                        struct source_decode *decode);
/* Behind source_read_decode(); `value` may be NULL. */
void source_read_rows(struct source_reader *reader, const struct json *value,
                      struct source_decode *decode);
/* What is looked for in a header of CSV: the columns of these slots. */
void source_want_columns(struct source_reader *reader, const struct tree_slot *slots, size_t count,
                         struct source_decode *decode);
void source_read_tags(struct source_reader *reader, const struct json *value,
                      const struct source_tag **tags, size_t *count);
/* The keys of a document with `files`: what is of requests is told to be none of theirs. */
extern const struct source_key source_file_keys[];
extern const size_t source_file_key_count;
void source_check_files(struct source_reader *reader);
/* What holds between blocks, when all of them are read; makes the plan. */
void source_check(struct source_reader *reader, const struct json *root);

#endif
