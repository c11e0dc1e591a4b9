/* The known name that a misspelt one was probably meant to be, for error texts. */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include "base/bytes.h"

/* `names` is NULL-terminated and may be NULL.  NULL when nothing is near: more than a third of the
 * letters would have to change (at least one may).  Names above 64 bytes are near nothing. */
const char *nearest_name(struct bytes name, const char *const *names);
/* The same of names that are met one after another. */
struct nearest {
    struct bytes name;
    struct bytes best; /* the caller's; empty: none is near; of equally near ones the lesser */
    size_t distance;   /* of it */
    uint32_t compared; /* letter by letter, which takes some time */
};

void nearest_begin(struct nearest *nearest, struct bytes name);
void nearest_look(struct nearest *nearest, struct bytes name);
/* Letters to insert, drop, change or swap with their neighbour, case ignored; SIZE_MAX when one of
 * them is above 64 bytes. */
size_t nearest_distance(struct bytes a, struct bytes b);

#endif
