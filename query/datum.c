#include "query/datum.h"

static wide whole_of(const struct datum *datum)
{
    return datum->is_wide ? datum->integer : integer_of(datum->type, datum->cell);
}

/* An integer against a real. */
static int compare_mixed(wide integer, double real)
{
    wide whole;

    if (real >= 0x1p126)
        return -1;
    if (real <= -0x1p126)
        return 1;
    whole = (wide)real;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    return real > (double)whole ? -1 : real < (double)whole;
}

int datum_compare(const struct datum *a, const struct datum *b)
{
    bool real_a = a->type == TYPE_F64, real_b = b->type == TYPE_F64;
    wide x, y;

    if (real_a && real_b)
        return a->cell.f64 < b->cell.f64 ? -1 : a->cell.f64 > b->cell.f64;
    if (real_a)
        return -compare_mixed(whole_of(b), a->cell.f64);
    if (real_b)
        return compare_mixed(whole_of(a), b->cell.f64);
    x = whole_of(a);
    y = whole_of(b);
    return x < y ? -1 : x > y;
}
