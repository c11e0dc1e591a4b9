/* Conditions on stored fields come first, so that columns are computed of rows that pass alone.
 * Rows are moved only where some of a run fail: then those that pass are gathered into columns of
 * their own. */
#include "query/sieve.h"

#include "query/versions.h"

bool sifting_init(struct sifting *sifting, const struct sieve *sieve, struct watch *watch,
                  struct arena *arena)
{
    uint32_t depth = 0;

    *sifting = (struct sifting){.sieve = sieve, .watch = watch};
    arena_init(&sifting->arena, watch->memory.bytes_max, &watch->memory);
    for (uint32_t i = 0; sieve && i < sieve->computed_count; i++)
        if (sieve->computed[i].expression.depth > depth)
            depth = sieve->computed[i].expression.depth;
    return expression_stack_init(&sifting->stack, depth, arena);
}

void sifting_release(struct sifting *sifting)
{
    arena_release(&sifting->arena);
}

/* Copies the columns that hold something, with room for computed ones, and lets rows begin at 0. */
static struct rows_column *take_columns(struct sifting *sifting, struct run *run)
{
    struct rows_column *columns = ARENA_ARRAY(&sifting->arena, struct rows_column,
                                              run->column_count + sifting->sieve->computed_count);
    uint32_t count = 0;

    if (!columns)
        return NULL;
    for (uint32_t i = 0; i < run->column_count; i++) {
        struct rows_column *column = &columns[count];

        if (run->columns[i].type == TYPE_RETRACTED)
            continue;
        *column = run->columns[i];
        column->cells += run->first;
        if (column->present)
            column->present += run->first;
        count++;
    }
    run->columns = columns;
    run->column_count = count;
    run->time += run->first;
    run->end -= run->first;
    run->first = 0;
    return columns;
}

/* --- conditions --- */

/* The rows that pass, ascending, and how many; NULL when memory ran out. */
static uint32_t *passing_rows(struct sifting *sifting, const struct run *run,
                              const struct filter *filters, uint32_t filter_count, uint32_t *count)
{
    uint8_t *passes = arena_alloc(&sifting->arena, run->end);
    uint8_t *scratch = arena_alloc(&sifting->arena, run->end);
    uint32_t *rows = arena_alloc(&sifting->arena, run->end * sizeof(*rows));
    uint32_t n = 0;

    if (!passes || !scratch || !rows)
        return NULL;
    memset(passes, 1, run->end);
    for (uint32_t i = 0; i < filter_count; i++)
        filter_test(&filters[i], run->columns, run->column_count, 0, run->end, passes, scratch);
    for (uint32_t i = 0; i < run->end; i++) {
        rows[n] = i;
        n += passes[i];
    }
    *count = n;
    return rows;
}

static bool gather_column(struct arena *arena, struct rows_column *column, const uint32_t *rows,
                          uint32_t count)
{
    union cell *cells = arena_alloc(arena, count * sizeof(*cells));
    uint8_t *present = NULL;

    if (!cells)
        return false;
    for (uint32_t i = 0; i < count; i++)
        cells[i] = column->cells[rows[i]];
    column->cells = cells;
    if (!column->present)
        return true;
    present = arena_alloc(arena, count);
    if (!present)
        return false;
    for (uint32_t i = 0; i < count; i++)
        present[i] = column->present[rows[i]];
    column->present = present;
    return true;
}

static bool gather(struct sifting *sifting, struct run *run, struct rows_column *columns,
                   const uint32_t *rows, uint32_t count)
{
    int64_t *time = arena_alloc(&sifting->arena, count * sizeof(*time));
    uint32_t kept = 0;

    if (!time)
        return false;
    for (uint32_t i = 0; i < count; i++)
        time[i] = run->time[rows[i]];
    for (uint32_t i = 0; i < run->column_count; i++) {
        if (!sifting->sieve->kept[columns[i].field])
            continue;
        columns[kept] = columns[i];
        if (!gather_column(&sifting->arena, &columns[kept++], rows, count))
            return false;
    }
    run->time = time;
    run->column_count = kept;
    run->end = count;
    return true;
}

/* Leaves the rows that pass the filters.  False when memory ran out. */
static bool pass(struct sifting *sifting, struct run *run, struct rows_column *columns,
                 const struct filter *filters, uint32_t filter_count)
{
    uint32_t count, *rows;

    if (filter_count == 0 || run->end == 0)
        return true;
    rows = passing_rows(sifting, run, filters, filter_count, &count);
    if (!rows)
        return false;
    if (count == 0)
        run->end = 0;
    return count == 0 || count == run->end || gather(sifting, run, columns, rows, count);
}

/* --- columns --- */

static bool compute(struct sifting *sifting, struct run *run, struct rows_column *columns)
{
    const struct sieve *sieve = sifting->sieve;

    for (uint32_t i = 0; i < sieve->computed_count && run->end > 0; i++) {
        union cell *cells = arena_alloc(&sifting->arena, run->end * sizeof(*cells));
        uint8_t *present = arena_alloc(&sifting->arena, run->end);

        if (!cells || !present)
            return false;
        expression_evaluate(&sieve->computed[i].expression, columns, run->column_count, 0, run->end,
                            &sifting->stack, cells, present);
        columns[run->column_count++] = (struct rows_column){
            sieve->field_count + i, TYPE_F64, cells, memchr(present, 0, run->end) ? present : NULL};
    }
    return true;
}

/* Leaves the columns that are shown, by their index there; few, so they are sorted by insertion. */
static void show(const struct sieve *sieve, struct run *run, struct rows_column *columns)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < run->column_count; i++) {
        struct rows_column column = columns[i];
        uint32_t at = count;

        column.field = sieve->shown[column.field];
        if (column.field == SIEVE_NOT_SHOWN)
            continue;
        for (; at > 0 && columns[at - 1].field > column.field; at--)
            columns[at] = columns[at - 1];
        columns[at] = column;
        count++;
    }
    run->column_count = count;
}

enum code sift_run(struct sifting *sifting, struct run *run, struct error *err)
{
    const struct sieve *sieve = sifting->sieve;
    uint32_t computed_filters;
    struct rows_column *columns;
    enum code code;

    if (!sieve || run->summary)
        return OK;
    computed_filters = sieve->filter_count - sieve->field_filter_count;
    code = watch_work(sifting->watch, run->end - run->first, err);
    if (code)
        return code;
    arena_release(&sifting->arena);
    columns = take_columns(sifting, run);
    if (!columns || !pass(sifting, run, columns, sieve->filters, sieve->field_filter_count) ||
        !compute(sifting, run, columns) ||
        !pass(sifting, run, columns, sieve->filters + sieve->field_filter_count, computed_filters))
        return watch_memory(sifting->watch, err);
    show(sieve, run, columns);
    return OK;
}

/* --- a row, and headers --- */

uint32_t sieve_row(const struct sieve *sieve, struct datum *values, struct datum *shown)
{
    uint32_t source_count = sieve->field_count + sieve->computed_count, valid = 0;

    for (uint32_t i = 0; i < sieve->computed_count; i++)
        expression_evaluate_row(&sieve->computed[i].expression, values,
                                &values[sieve->field_count + i]);
    for (uint32_t i = 0; i < sieve->filter_count; i++)
        if (!filter_passes(&sieve->filters[i], &values[sieve->filters[i].field]))
            return 0;
    for (uint32_t i = 0; i < source_count; i++) {
        if (sieve->shown[i] == SIEVE_NOT_SHOWN)
            continue;
        shown[sieve->shown[i]] = values[i];
        valid += values[i].type != TYPE_NONE;
    }
    return valid;
}

enum verdict sieve_judge(const struct sieve *sieve, const struct place_summary *columns,
                         size_t column_count, uint32_t row_count)
{
    enum verdict verdict =
        sieve->filter_count > sieve->field_filter_count ? VERDICT_SOME : VERDICT_ALL;

    for (uint32_t i = 0; i < sieve->field_filter_count; i++) {
        enum verdict each = filter_judge(&sieve->filters[i], columns, column_count, row_count);

        verdict = each < verdict ? each : verdict;
    }
    return verdict;
}

size_t sieve_summaries(const struct sieve *sieve, struct place_summary *columns, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct place_summary column = columns[i];
        size_t at = kept;

        column.field = sieve->shown[column.field];
        if (column.field == SIEVE_NOT_SHOWN)
            continue;
        for (; at > 0 && columns[at - 1].field > column.field; at--)
            columns[at] = columns[at - 1];
        columns[at] = column;
        kept++;
    }
    return kept;
}
