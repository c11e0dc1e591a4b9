/* Texts with places, as "…/${each.mpan}/…": parsed once, filled for each request or row.  "$$" is a
 * dollar, as is one in front of anything else than '{'. */
#ifndef WEIR_INGEST_SOURCE_TEXT_PLACES_H
#define WEIR_INGEST_SOURCE_TEXT_PLACES_H

#include "base/arena.h"
#include "base/buf.h"

/* What a place may be of; which are allowed where is the caller's (a set of bits). */
enum place_kind {
    PLACE_EACH,         /* ${each.NAME} */
    PLACE_WINDOW_START, /* ${window.start} */
    PLACE_WINDOW_END,   /* ${window.end} */
    PLACE_PAGE_VALUE,   /* ${page.value} */
    PLACE_PAGE_LIMIT,   /* ${page.limit} */
    PLACE_NOW,          /* ${now} */
    PLACE_SECRET,       /* ${secret:NAME} */
    PLACE_ROW,          /* ${row.PATH} */
    PLACE_KIND_COUNT
};

enum { PLACE_NAME_SIZE_MAX = 64 };

struct place {
    struct bytes before; /* text in front of it */
    enum place_kind kind;
    struct bytes name; /* of PLACE_EACH, _SECRET; the path of PLACE_ROW */
    uint32_t slot;     /* of PLACE_ROW: for the owner, who gives it */
};

struct text_places {
    struct place *items;
    size_t count;
    struct bytes rest; /* behind the last place; all of it where there is none */
};

/* What NAME of ${each.NAME} and ${secret:NAME} may be: 1 to 64 letters, digits, '_', '-' and '.'.
 */
bool place_name_good(struct bytes name);

/* Copied into the arena.  `allowed` has a bit (1 << kind) for each.  E_BAD_PARAMETER: what is wrong
 * and where: not closed, unknown (with those that are allowed), a kind that has no place here;
 * E_MEMORY. */
MUST_USE enum code text_places_parse(struct bytes text, unsigned allowed, struct arena *arena,
                                     struct text_places *places, struct error *err);
bool text_places_has(const struct text_places *places, enum place_kind kind);

/* What stands for a place; a code other than OK (there is nothing) ends the filling. */
struct place_values {
    enum code (*value)(void *context, const struct place *place, struct bytes *value,
                       struct error *err);
    void *context;
};

/* Each byte but unreserved ones (RFC 3986: letters, digits, "-._~") as %XX ... */
enum place_manner {
    PLACE_PLAIN,       /* ... nowhere */
    PLACE_PERCENT,     /* ... in what stands for places, for addresses: the text between is one */
    PLACE_PERCENT_ALL, /* ... everywhere, for a name or value of a query */
};
/* Appends to `out`, whose failure stays in it.  What value() says. */
MUST_USE enum code text_places_fill(const struct text_places *places, enum place_manner manner,
                                    const struct place_values *values, struct buf *out,
                                    struct error *err);
void place_put_percent(struct buf *out, struct bytes text);

#endif
