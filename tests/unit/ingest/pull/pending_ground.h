/* Where tests put points that wait, and what they become. */
#ifndef WEIR_TESTS_UNIT_INGEST_PULL_PENDING_GROUND_H
#define WEIR_TESTS_UNIT_INGEST_PULL_PENDING_GROUND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/pending.h"

struct ground {
    struct pending pending;
    struct arena arena;
    struct batch batch;
    struct limits limits;
    struct point point;
};

static inline void ground_init(struct ground *ground)
{
    pending_init(&ground->pending);
    arena_init(&ground->arena, SIZE_MAX, NULL);
    batch_init(&ground->batch, &ground->arena, 1);
    limits_init(&ground->limits);
    point_init(&ground->point, &ground->batch, &ground->limits);
}

static inline void ground_release(struct ground *ground)
{
    point_release(&ground->point);
    batch_release(&ground->batch);
    arena_release(&ground->arena);
    pending_release(&ground->pending);
}

#endif
