/* How fast rows of a source become points: a time, two numbers that are texts and a tag a row.
 * Prints rows a second, the best of the rounds: given to a sink that does nothing, and put into a
 * batch.
 *   bench_mapper [rows] [rounds] */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/decode.h"
#include "ingest/rows/mapper.h"
#include "model/limits.h"

enum { SLOTS = 4, CELL_SIZE = 32 };

struct cells {
    char text[SLOTS][CELL_SIZE];
};

static enum code ignore(void *context, struct point *point, int64_t revision, struct error *err)
{
    (void)context, (void)point, (void)revision, (void)err;
    return OK;
}

static enum code put(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct bytes duplicate;
    uint32_t series;
    enum code code = point_find_series(point, &series, err);

    (void)context, (void)revision;
    if (code == OK)
        code = point_find_table(point, &duplicate);
    return code ? code : point_put_row(point, series, 0, 0);
}

static struct cells *make_rows(unsigned rows)
{
    struct cells *cells = calloc(rows, sizeof(*cells));

    for (unsigned i = 0; cells != NULL && i < rows; i++) {
        snprintf(cells[i].text[0], CELL_SIZE, "2024-01-%02uT%02u:%02u:00Z", 1 + i / 1440 % 28,
                 i / 60 % 24, i % 60);
        snprintf(cells[i].text[1], CELL_SIZE, "%u.%03u", i % 1000, i * 7 % 1000);
        snprintf(cells[i].text[2], CELL_SIZE, "%u", i * 31 % 100000);
        snprintf(cells[i].text[3], CELL_SIZE, "station-%u", i % 50);
    }
    return cells;
}

static int64_t map_rows(const struct mapper_terms *terms, const struct mapper_sink *sink,
                        const struct cells *cells, unsigned rows)
{
    int64_t start = clock_monotonic_ns(clock_system()), took;
    struct error err = {0};
    struct mapper *mapper;
    struct arena arena;
    struct batch batch;

    arena_init(&arena, (size_t)1 << 32, NULL);
    batch_init(&batch, &arena, 10);
    check(mapper_open(terms, &batch, sink, &mapper, &err), &err);
    for (unsigned i = 0; i < rows; i++) {
        struct tree_value slots[SLOTS];
        struct tree_row row = {i + 1, 1, slots, "/0"};

        for (size_t slot = 0; slot < SLOTS; slot++)
            slots[slot] = (struct tree_value){TREE_TEXT, bytes_of(cells[i].text[slot])};
        check(mapper_take(mapper, &row, &err), &err);
    }
    check(mapper_finish(mapper, &err), &err);
    took = clock_monotonic_ns(clock_system()) - start;
    if (mapper_counts(mapper)->points != rows)
        exit(1);
    mapper_close(mapper);
    batch_release(&batch);
    arena_release(&arena);
    return took;
}

int main(int argc, char **argv)
{
    unsigned rows = argc > 1 ? (unsigned)atoi(argv[1]) : 50000;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 50;
    static const struct mapper_sink sinks[] = {
        {ignore, NULL},
        {put,    NULL}
    };
    static const char *const names[] = {"to nobody", "into a batch"};
    static const uint32_t time_slot = 0;
    struct source_value values[] = {
        {.slot = 1, .field = {.rest = BYTES("level")}, .unit_slot = SOURCE_NO_SLOT},
        {.slot = 2, .field = {.rest = BYTES("flow")},  .unit_slot = SOURCE_NO_SLOT},
    };
    struct source_tag tag = {.name = BYTES("station"), .from_slot = true, .slot = 3};
    struct source source = {
        .measurement = {.rest = BYTES("water")     },
        .values = values,
        .value_count = COUNT_OF(values),
        .tags = &tag,
        .tag_count = 1,
        .time = {.slots = &time_slot,
                        .slot_count = 1,
                        .step_slot = SOURCE_NO_SLOT,
                        .index_slot = SOURCE_NO_SLOT,
                        .fill_to_slot = SOURCE_NO_SLOT},
        .versions = {.known_at_slot = SOURCE_NO_SLOT},
    };
    struct source_partition partition = {0};
    struct cells *cells = make_rows(rows);
    struct limits limits;
    struct arena arena;
    struct mapper_terms terms = {
        .source = &source, .partition = &partition, .limits = &limits, .arena = &arena};

    limits_init(&limits);
    arena_init(&arena, (size_t)1 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        values[i].scale = 1;
        values[i].decimal = '.';
    }
    for (size_t sink = 0; cells != NULL && sink < COUNT_OF(sinks); sink++) {
        int64_t best = INT64_MAX;

        for (unsigned round = 0; round < rounds; round++) {
            int64_t took = map_rows(&terms, &sinks[sink], cells, rows);

            best = took < best ? took : best;
        }
        printf("%u rows %s: %.2f M rows/s\n", rows, names[sink], rows * 1e3 / (double)best);
    }
    free(cells);
    arena_release(&arena);
    return 0;
}
