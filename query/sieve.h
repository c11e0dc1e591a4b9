/* What becomes of rows before they are told or counted: computed columns are added, rows that fail
 * a condition go, and columns that were read for these alone are left out.
 *
 * Two index spaces.  *Sources*: the fields that are read, in the order of plan.fields, then the
 * computed columns.  *Shown*: what the answer is made of, in the order asked for.  Scans, versions
 * and headers speak of sources, answers of shown ones; without where= and let= they are the same
 * and there is no sieve. */
#ifndef WEIR_QUERY_SIEVE_H
#define WEIR_QUERY_SIEVE_H

#include "query/expression.h"
#include "query/filter.h"

struct run;
struct watch;

/* A column as let= has it. */
struct computed {
    struct bytes name;
    struct expression expression;
};

enum { SIEVE_NOT_SHOWN = UINT32_MAX };

/* Immutable; in the plan's arena. */
struct sieve {
    uint32_t field_count;            /* sources that are read */
    const struct computed *computed; /* bound, the sources behind them: each needed by something */
    uint32_t computed_count;
    const struct filter *filters; /* bound, those of fields first */
    uint32_t filter_count, field_filter_count;
    const uint32_t *shown; /* by source: its index in answers, or SIEVE_NOT_SHOWN */
    const uint8_t *kept;   /* by source: 1 = shown, or a computed column needs it */
    bool computed_shown;   /* some computed column is */
};

/* The memory of one query's sieving: of the run at hand, and the stack. */
struct sifting {
    const struct sieve *sieve; /* NULL: runs stay as they are */
    struct watch *watch;
    struct arena arena; /* of the run */
    struct expression_stack stack;
};

/* What all runs share is from `arena`.  False when memory ran out. */
MUST_USE bool sifting_init(struct sifting *sifting, const struct sieve *sieve, struct watch *watch,
                           struct arena *arena);
/* Makes a run of sources one of shown columns, which lives until the next call; it may have no row
 * left.  A summary stays: it is of shown columns already. */
MUST_USE enum code sift_run(struct sifting *sifting, struct run *run, struct error *err);
void sifting_release(struct sifting *sifting);

/* One row: `values` by source, those of computed columns are filled in; `shown` by shown column.
 * How many of them have a value; 0 when a condition fails. */
uint32_t sieve_row(const struct sieve *sieve, struct datum *values, struct datum *shown);
/* What a block's header says of its rows. */
enum verdict sieve_judge(const struct sieve *sieve, const struct place_summary *columns,
                         size_t column_count, uint32_t row_count);
/* Makes columns of sources such of shown ones, in place, in their order; how many there are. */
size_t sieve_summaries(const struct sieve *sieve, struct place_summary *columns, size_t count);

#endif
