/* One value of an answer: a cell with its type, or an exact sum that may be wider than a cell. */
#ifndef WEIR_QUERY_DATUM_H
#define WEIR_QUERY_DATUM_H

#include "model/value.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

struct datum {
    enum value_type type; /* TYPE_NONE = null */
    bool is_wide;         /* an integer, in `integer`; `type` is TYPE_I64 */
    union cell cell;
    wide integer;
};

/* An i64 or u64. */
static inline wide integer_of(enum value_type type, union cell cell)
{
    return type == TYPE_I64 ? (wide)cell.i64 : (wide)cell.u64;
}

/* -1, 0, 1, exactly: numbers of any types. */
int datum_compare(const struct datum *a, const struct datum *b);

/* The very same value: type and bits, texts by content. */
static inline bool datum_equal(const struct datum *a, const struct datum *b)
{
    if (a->type != b->type || a->is_wide != b->is_wide)
        return false;
    if (a->type == TYPE_NONE)
        return true;
    if (a->is_wide)
        return a->integer == b->integer;
    if (a->type == TYPE_STRING)
        return bytes_equal(text_bytes(a->cell.text), text_bytes(b->cell.text));
    return a->cell.u64 == b->cell.u64;
}

#endif
