/* What whoever adds a document says of it: ${set:KEY}, or ${set:KEY:-DEFAULT}, anywhere in its
 * texts.  They are filled before it is declared; no source has any.
 *
 * The document is JSON that was parsed, and a value becomes a part of the text that it stands in,
 * with what JSON wants escaped: so it never is more than a text.  A dollar is refused in values, as
 * it could begin another place (${secret:…}).  Pure. */
#ifndef WEIR_INGEST_SOURCE_SOURCE_SETTINGS_H
#define WEIR_INGEST_SOURCE_SOURCE_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"

enum { SOURCE_SETTINGS_MAX = 64 };

struct source_setting {
    struct bytes key, value;
};

/* What a document asks for, in the order in which it does. */
struct source_wishes {
    struct source_wish {
        struct bytes key;
        bool needed;          /* somewhere it has no default */
        struct bytes initial; /* else: of the first place, as JSON escapes it */
    } settings[SOURCE_SETTINGS_MAX];
    size_t setting_count;
    struct bytes secrets[SOURCE_SETTINGS_MAX]; /* names of ${secret:NAME} */
    size_t secret_count;
};

/* Everything is borrowed of `json`.  E_CONFIG: a place that is no setting, with what is one. */
MUST_USE enum code source_settings_find(struct bytes json, struct source_wishes *wishes,
                                        struct error *err);
/* The document with all places filled, in the arena.  `name` (empty: as it is) goes for its own.
 * E_CONFIG: settings that are missing, all of them; one that it does not have, with the nearest;
 * one twice; a value with a dollar. */
MUST_USE enum code source_settings_fill(struct bytes json, const struct source_setting *given,
                                        size_t count, struct bytes name, struct arena *arena,
                                        struct bytes *filled, struct error *err);

#endif
