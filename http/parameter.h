/* Query strings and form bodies: "a=1&b=x+y&b=%7A".  Pure, any thread. */
#ifndef WEIR_HTTP_PARAMETER_H
#define WEIR_HTTP_PARAMETER_H

#include "http/request.h"

enum { PARAMETERS_MAX = 1000 };

struct parameter_list {
    struct parameter *items; /* in the arena */
    size_t count, capacity;
};

/* Decodes %XX, and '+' to a space when `form`.  E_BAD_REQUEST on a broken escape or a NUL. */
MUST_USE enum code percent_decode(struct bytes text, bool form, struct arena *arena,
                                  struct bytes *decoded, struct error *err);
/* Appends what `text` holds, also repeated names; empty pieces ("&&") are skipped.
 * E_BAD_REQUEST, E_MEMORY. */
MUST_USE enum code parameters_parse(struct bytes text, struct arena *arena,
                                    struct parameter_list *list, struct error *err);
/* E_UNKNOWN_PARAMETER, pointing at the first one that is not in `known` (NULL-terminated, may be
 * NULL), with the name that was probably meant. */
MUST_USE enum code parameters_check(const struct parameter_list *list, const char *const *known,
                                    struct error *err);

#endif
