/* The data sets of the benchmark as line protocol, the same bytes for the same options: rows in the
 * order of time, all series at each time, as a fleet of agents sends them.
 *
 *   integers  cpu: 10 fields, each a walk with steps of N(0, 1) held in 0..100, whole numbers, as
 *             TSBS's cpu set.  Entropy of a step: 0.27 bytes.
 *   gauges    the same walk with 6 significant digits, as %g prints it (57.1234, 7.12345): 1.94
 * bytes mixed     9 fields of whole numbers and one gauge, steps uniform in -3..3 station   one
 * field, a walk with 2 decimals (1.1 bytes), two tags; for many series */
#ifndef WEIR_BENCH_DATA_H
#define WEIR_BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;
struct data;

struct data_options {
    const char *set;
    uint64_t series;     /* hosts or stations, numbered from 0 */
    int64_t step_s;      /* from one row of a series to its next */
    int64_t first_s;     /* the first row, after DATA_START_S */
    int64_t span_s;      /* rows of [first, first + span) */
    double late_share;   /* of the rows, which come at any later moment of the span */
    double chosen_share; /* of the rows, the others are left out; 1: all */
    uint64_t seed;       /* of values and choices */
};

#define DATA_START_S 1700000000

/* NULL when there is no such set.  The caller frees it. */
struct data *data_new(const struct data_options *options);

/* Appends up to `lines` lines to `body`; how many, 0 at the end. */
size_t data_lines(struct data *data, size_t lines, struct text *body);

/* Values in each line. */
size_t data_fields(const struct data *data);

void data_free(struct data *data);

#endif
