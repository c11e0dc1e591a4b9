/* What tests of the registry's documents stand on: an arena for all of a program's. */
#ifndef WEIR_TESTS_UNIT_DISCOVERY_DOCUMENT_GROUND_H
#define WEIR_TESTS_UNIT_DISCOVERY_DOCUMENT_GROUND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena arena;

static inline int setup(void **state)
{
    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

#endif
