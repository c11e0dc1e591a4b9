/* What requests come in on: a real store in a directory of its own, catalog, idempotency keys. */
#ifndef WEIR_TESTS_UNIT_INGEST_GROUND_H
#define WEIR_TESTS_UNIT_INGEST_GROUND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "ingest/idempotency.h"
#include "ingest/intake.h"
#include "ingest/rate.h"
#include "store/index.h"
#include "store/store.h"
#include "tests/unit/store/memory_place.h"

struct ground {
    char directory[64];
    struct fs *fs;
    struct index *index;
    struct limits limits; /* can be changed before ground_open(), as can */
    const struct compaction_rules *rules;
    struct budget budget, promises;
    struct drain drain;
    struct metrics *metrics;
    struct catalog *catalog;
    struct idempotency *idempotency;
    struct rate *rate;
    struct store *store;
    const struct tenant *tenant;
    struct intake_environment environment;
};

static inline void ground_init(struct ground *ground)
{
    *ground = (struct ground){.budget = {.bytes_max = (size_t)64 << 20},
                              .promises = {.bytes_max = (size_t)64 << 20}};
    memory_place_make(ground->directory, sizeof(ground->directory));
    limits_init(&ground->limits);
    log_setup(LOG_ERROR, LOG_LOGFMT);
}

/* Opens what the directory holds, as a start of the server does. */
static inline void ground_open(struct ground *ground)
{
    struct store_options options = {.clock = clock_system(), .limits = &ground->limits};
    struct error err = {0};
    char path[96];

    snprintf(path, sizeof(path), "%s/index", ground->directory);
    if (fs_posix_open(ground->directory, &ground->fs, &err) != OK ||
        index_lmdb_open(path, (uint64_t)1 << 30, false, &ground->index, &err) != OK ||
        rate_new(clock_system(), &ground->rate, &err) != OK ||
        metrics_new(&ground->metrics, &err) != OK || catalog_new(&ground->catalog, &err) != OK ||
        idempotency_new(&ground->limits, clock_system(), &ground->idempotency, &err) != OK)
        fail_msg("%s", err.text);
    options.fs = ground->fs;
    options.index = ground->index;
    options.registry = catalog_registry(ground->catalog);
    options.notes = idempotency_sink(ground->idempotency);
    options.metrics = ground->metrics;
    options.rules = ground->rules;
    if (store_open(&options, &ground->store, &err) != OK || store_start(ground->store, &err) != OK)
        fail_msg("%s", err.text);
    ground->tenant = catalog_tenant(ground->catalog, BYTES("default"));
    drain_init(&ground->drain, clock_system());
    ground->environment = (struct intake_environment){
        .store = ground->store,
        .catalog = ground->catalog,
        .idempotency = ground->idempotency,
        .rate = ground->rate,
        .clock = clock_system(),
        .budget = &ground->budget,
        .promises = &ground->promises,
        .drain = &ground->drain,
        .metrics = ground->metrics,
    };
}

static inline void ground_close(struct ground *ground)
{
    store_close(ground->store);
    idempotency_free(ground->idempotency);
    rate_free(ground->rate);
    drain_release(&ground->drain);
    catalog_free(ground->catalog);
    metrics_free(ground->metrics);
    index_lmdb_close(ground->index);
    fs_posix_close(ground->fs);
    assert_int_equal(budget_used(&ground->budget), 0);
    assert_int_equal(budget_used(&ground->promises), 0);
}

static int ground_remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void ground_remove(struct ground *ground)
{
    (void)nftw(ground->directory, ground_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Rows that are not in packs yet. */
static inline uint64_t ground_rows(struct ground *ground)
{
    store_measure(ground->store);
    return metric_value(metrics_get(ground->metrics, "weir_head_rows", "", METRIC_GAUGE, ""));
}

#endif
