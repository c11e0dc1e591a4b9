/* A list of names in a parameter: a,b,c.  `\,` is a comma and `\\` a backslash of a name. */
#ifndef WEIR_QUERY_NAME_LIST_H
#define WEIR_QUERY_NAME_LIST_H

#include "base/arena.h"
#include "base/error.h"

/* From `arena`; at least one name.  E_BAD_PARAMETER when one is empty or stands there twice. */
MUST_USE enum code name_list_parse(struct bytes text, const struct bytes **names, uint32_t *count,
                                   struct arena *arena, struct error *err);

#endif
