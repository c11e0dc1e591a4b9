/* One server for all tests of a program, in open mode.  Where it wants other limits, tenants or
 * rows to begin with, the program has a setup of its own. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_ONE_SERVING_H
#define WEIR_TESTS_UNIT_HANDLERS_ONE_SERVING_H

#include "tests/unit/handlers/serving.h"

static struct serving serving;

static inline int serving_open(void **state)
{
    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    return 0;
}

static inline int serving_close(void **state)
{
    (void)state;
    serving_stop(&serving);
    return 0;
}

#endif
