/* A source as the registry has it: its document as it came, and whether it is pulled.  What the
 * document says is for who pulls (ingest/source/source.h).  docs/formats/registry.md */
#ifndef WEIR_DISCOVERY_SOURCE_RECORD_H
#define WEIR_DISCOVERY_SOURCE_RECORD_H

#include "base/arena.h"
#include "base/buf.h"

enum { SOURCE_DOCUMENT_BYTES_MAX = 64 << 10, SOURCE_BACKFILLS_MAX = 16 };

/* What somebody asked of whoever pulls it (docs/decisions/0053-wishes.md).  Times are wall clocks
 * of the nodes that were asked; each is above those before it. */
struct pull_wishes {
    int64_t pull_ns;              /* a pull, asked for then; 0 = never */
    struct source_backfill {      /* what was begun of it before `asked` is not done */
        int64_t start_ns, end_ns; /* [start, end) */
        int64_t asked_ns;
    } backfills[SOURCE_BACKFILLS_MAX]; /* the newest last */
    size_t backfill_count;
};

struct registry_snapshot;
struct source_record {
    bool deleted, paused;
    struct bytes document; /* empty where deleted */
    struct pull_wishes wishes;
};

/* In the arena.  E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code source_record_parse(struct bytes text, struct arena *arena,
                                       struct source_record *record, struct error *err);
void source_record_print(const struct source_record *record, struct buf *out);

/* Asked at `now_ns`, or as much later as keeps the order.  Where there is no room, the two oldest
 * backfills become one of all that both have, and what is between. */
void source_wish_pull(struct pull_wishes *wishes, int64_t now_ns);
void source_wish_backfill(struct pull_wishes *wishes, int64_t start_ns, int64_t end_ns,
                          int64_t now_ns);

/* "acme.weather"; false: memory, or no name of a source: [a-z0-9][a-z0-9_-]{0,63}. */
bool source_record_name(struct bytes tenant, struct bytes source, struct buf *out);
bool source_name_valid(struct bytes source);
/* Of a record's name; false: it is none of a source. */
bool source_record_split(struct bytes name, struct bytes *tenant, struct bytes *source);
/* Records of the tenant's sources, deleted ones included. */
size_t source_records_count(const struct registry_snapshot *records, struct bytes tenant);

#endif
