/* A source as the registry has it: its document as it came, and whether it is pulled.  What the
 * document says is for who pulls (ingest/pull/source.h).  docs/formats/registry.md */
#ifndef WEIR_DISCOVERY_SOURCE_RECORD_H
#define WEIR_DISCOVERY_SOURCE_RECORD_H

#include "base/arena.h"
#include "base/buf.h"

enum { SOURCE_DOCUMENT_BYTES_MAX = 64 << 10 };

struct source_record {
    bool deleted, paused;
    struct bytes document; /* empty where deleted */
};

/* In the arena.  E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code source_record_parse(struct bytes text, struct arena *arena,
                                       struct source_record *record, struct error *err);
void source_record_print(const struct source_record *record, struct buf *out);

/* "acme.weather"; false: memory, or no name of a source: [a-z0-9][a-z0-9_-]{0,63}. */
bool source_record_name(struct bytes tenant, struct bytes source, struct buf *out);
bool source_name_valid(struct bytes source);
/* Of a record's name; false: it is none of a source. */
bool source_record_split(struct bytes name, struct bytes *tenant, struct bytes *source);

#endif
