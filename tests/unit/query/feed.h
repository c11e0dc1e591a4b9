/* Values for one aggregate, without windows around it. */
#ifndef WEIR_TESTS_UNIT_QUERY_FEED_H
#define WEIR_TESTS_UNIT_QUERY_FEED_H

#include <math.h>

#include "query/parts.h"

#include "tests/unit/query/calls.h"

enum { FEED_STATE_SIZE = 256 };

struct feed {
    _Alignas(16) char state[FEED_STATE_SIZE];
    struct aggregate_call call;
    struct arena arena;
    struct pool pool;
    struct part_carry carry;
    uint64_t series;
};

/* Of at most so many bytes beside the state. */
static inline void feed_init(struct feed *feed, const char *call, size_t bytes_max)
{
    *feed = (struct feed){.call = call_of(call), .series = 1};
    assert_true(part_rows[feed->call.row->part].size <= FEED_STATE_SIZE);
    arena_init(&feed->arena, bytes_max, NULL);
}

static inline void feed_release(struct feed *feed)
{
    arena_release(&feed->arena);
}

static inline void feed_series(struct feed *feed)
{
    feed->series++;
    feed->carry = (struct part_carry){0};
}

static inline bool feed_rows(struct feed *feed, const struct rows_column *column,
                             const int64_t *time, uint32_t first, uint32_t end)
{
    struct part_input input = {.column = column,
                               .time = time,
                               .first = first,
                               .end = end,
                               .pool = &feed->pool,
                               .carry = &feed->carry,
                               .series = feed->series};

    feed->pool.arena = &feed->arena;
    return part_rows[feed->call.row->part].add(feed->state, &input);
}

static inline void feed_merge(struct feed *feed, const struct feed *other)
{
    feed->pool.arena = &feed->arena;
    assert_true(part_rows[feed->call.row->part].merge(feed->state, other->state, &feed->pool));
}

static inline struct datum feed_answer(const struct feed *feed)
{
    struct datum datum;

    feed->call.row->finish(feed->state, &feed->call, &datum);
    return datum;
}

/* Cells of one type, a second apart from *time on. */
static inline void feed_cells(struct feed *feed, enum value_type type, const union cell *cells,
                              uint32_t count, int64_t *time)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct rows_column column = {0, type, &cells[i], NULL};

        assert_true(feed_rows(feed, &column, time, 0, 1));
        *time += 1000000000;
    }
}

/* What the aggregate makes of one series: a stretch of type a, then one of type b. */
static inline struct datum feed_two(const char *call, enum value_type type_a, const union cell *a,
                                    uint32_t count_a, enum value_type type_b, const union cell *b,
                                    uint32_t count_b)
{
    struct datum datum;
    struct feed feed;
    int64_t time = 0;

    feed_init(&feed, call, 1 << 20);
    feed_cells(&feed, type_a, a, count_a, &time);
    feed_cells(&feed, type_b, b, count_b, &time);
    datum = feed_answer(&feed);
    feed_release(&feed);
    return datum;
}

/* Of f64 a second apart; the answer must be one. */
static inline double feed_reals(const char *call, const double *reals, uint32_t count)
{
    struct datum datum = feed_two(call, TYPE_F64, (const union cell *)reals, count, TYPE_F64,
                                  (const union cell *)reals, 0);

    assert_int_equal(datum.type, TYPE_F64);
    return datum.cell.f64;
}

#endif
