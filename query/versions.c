#include "query/versions.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/hash.h"

/* So many spent places wait at most for the merged rows that point into them. */
enum { SPENT_MAX = 64 };
/* Nor do they wait while more versions than so many come to no row behind them: a page that is
 * full by then needs none of these. */
enum { GONE_MAX = 4096 };

static int64_t version_ingest(const struct version *version)
{
    return version->place->rows.ingest[version->row];
}

static int64_t version_revision(const struct version *version)
{
    const int64_t *revision = version->place->rows.revision;

    return revision ? revision[version->row] : INT64_MIN;
}

/* Versions of one ingest time are of one row but where two members have the same number by mistake;
 * then each node is to prefer the same of them. */
static int compare_author(const struct version *x, const struct version *y)
{
    const struct hash128 *author = x->place->author, *other = y->place->author;

    return author == other ? 0 : memcmp(author->bytes, other->bytes, sizeof(author->bytes));
}

/* The one place that orders versions. */
static int compare_newest(const void *a, const void *b)
{
    const struct version *x = a, *y = b;

    int order;

    if (sabotage("version_order"))
        return 0;
    order = version_compare(version_revision(y), version_ingest(y), version_revision(x),
                            version_ingest(x));
    if (order != 0)
        return order;
    order = compare_author(x, y);
    if (order != 0)
        return order;
    /* A row that stands for versions is no substitute for one of them; it may lack what the newest
     * retracts. */
    return x->place->settled < y->place->settled ? -1 : x->place->settled > y->place->settled;
}

size_t versions_sort(struct version *list, size_t count, int64_t as_of)
{
    size_t kept = 0;

    if (count > 1)
        qsort(list, count, sizeof(*list), compare_newest);
    for (size_t i = 0; i < count; i++) {
        if (version_ingest(&list[i]) > as_of)
            continue;
        /* One identity has one revision, so its copies stand side by side: the first stays. */
        if (kept > 0 && version_ingest(&list[kept - 1]) == version_ingest(&list[i]) &&
            compare_author(&list[kept - 1], &list[i]) == 0)
            continue;
        list[kept++] = list[i];
    }
    return kept;
}

static bool is_hidden(const struct version *version, int64_t as_of, uint32_t field)
{
    const struct opened *place = version->place;
    int64_t time = place->rows.time[version->row], ingest = place->rows.ingest[version->row];

    for (uint32_t i = 0; place->covering && i < place->covering->count; i++) {
        const struct deletion *deletion = place->covering->each[i];

        if (deletion->ingest > place->settled &&
            deletion_hides(deletion, as_of, time, ingest, field))
            return true;
    }
    return false;
}

uint32_t versions_resolve(const struct version *list, size_t count, int64_t as_of,
                          uint32_t field_count, struct datum *values, uint8_t *decided)
{
    uint32_t valid = 0, open = field_count;

    memset(decided, 0, field_count);
    for (uint32_t field = 0; field < field_count; field++)
        values[field].type = TYPE_NONE;
    for (size_t i = 0; i < count && open > 0; i++) {
        const struct rows *rows = &list[i].place->rows;
        uint32_t row = list[i].row;

        if (rows->ingest[row] > as_of)
            continue;
        for (uint32_t j = 0; j < rows->column_count; j++) {
            const struct rows_column *column = &rows->columns[j];

            if ((column->present && !column->present[row]) || decided[column->field] ||
                is_hidden(&list[i], as_of, column->field))
                continue;
            decided[column->field] = 1;
            open--;
            if (column->type == TYPE_RETRACTED)
                continue;
            values[column->field] =
                (struct datum){.type = column->type, .cell = column->cells[row]};
            valid++;
        }
    }
    return valid;
}

/* --- merged rows --- */

/* The column of the field and type, emptied when the merged rows begin. */
static bool merged_column(struct versions *versions, size_t slot)
{
    struct merged *merged = &versions->merged;

    if (merged->cells[slot])
        return true;
    merged->cells[slot] = ARENA_ARRAY(&versions->arena, union cell, MERGED_ROWS_MAX);
    merged->present[slot] = ARENA_ARRAY(&versions->arena, uint8_t, MERGED_ROWS_MAX);
    return merged->cells[slot] && merged->present[slot];
}

static bool merged_add(struct versions *versions, int64_t time)
{
    struct merged *merged = &versions->merged;

    for (uint32_t field = 0; field < versions->scan->setting->field_count; field++) {
        const struct datum *value = &versions->values[field];
        size_t slot = (size_t)field * TYPE_RETRACTED + value->type;

        if (value->type == TYPE_NONE)
            continue;
        if (!merged_column(versions, slot))
            return false;
        merged->cells[slot][merged->count] = value->cell;
        merged->present[slot][merged->count] = 1;
    }
    merged->time[merged->count++] = time;
    return true;
}

static void merged_clear(struct versions *versions)
{
    size_t slots = (size_t)versions->scan->setting->field_count * TYPE_RETRACTED;

    if (versions->merged.count == 0)
        return;
    for (size_t slot = 0; slot < slots; slot++)
        if (versions->merged.present[slot])
            memset(versions->merged.present[slot], 0, versions->merged.count);
    versions->merged.count = 0;
}

static void merged_run(const struct versions *versions, struct run *run)
{
    const struct merged *merged = &versions->merged;
    size_t slots = (size_t)versions->scan->setting->field_count * TYPE_RETRACTED;

    *run = (struct run){.time = merged->time,
                        .columns = merged->columns,
                        .end = merged->count,
                        .gone = merged->gone};
    for (size_t slot = 0; slot < slots; slot++) {
        if (!merged->cells[slot])
            continue;
        merged->columns[run->column_count++] = (struct rows_column){
            .field = (uint32_t)(slot / TYPE_RETRACTED),
            .type = (enum value_type)(slot % TYPE_RETRACTED),
            .cells = merged->cells[slot],
            .present = merged->present[slot],
        };
    }
}

uint64_t run_gone_all(const struct run *run)
{
    return run->gone ? run->gone_end : run->end - run->first;
}

uint64_t run_gone(const struct run *run, int64_t time)
{
    for (uint32_t i = 0; i < run->end - run->first; i++)
        if (run->time[run->reversed ? run->end - 1 - i : run->first + i] == time)
            return run->gone ? run->gone[i] : i;
    return run_gone_all(run);
}

uint32_t run_row_behind(const struct run *run, uint32_t first, int64_t time)
{
    uint32_t step = 1, end;

    while (run->end - first > step && run->time[first + step] < time) {
        first += step;
        step *= 2;
    }
    end = run->end - first > step ? first + step : run->end;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;

        if (run->time[middle] < time)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* --- all rows --- */

enum code versions_init(struct versions *versions, const struct scan_setting *setting,
                        struct error *err)
{
    struct budget *memory = &setting->watch->memory;
    size_t slots = (size_t)setting->field_count * TYPE_RETRACTED;
    struct merged *merged = &versions->merged;

    *versions = (struct versions){0};
    arena_init(&versions->arena, memory->bytes_max, memory);
    versions->values = ARENA_ARRAY(&versions->arena, struct datum, setting->field_count);
    versions->decided = ARENA_ARRAY(&versions->arena, uint8_t, setting->field_count);
    merged->time = ARENA_ARRAY(&versions->arena, int64_t, MERGED_ROWS_MAX);
    merged->gone = ARENA_ARRAY(&versions->arena, uint32_t, MERGED_ROWS_MAX);
    merged->cells = ARENA_ARRAY(&versions->arena, union cell *, slots);
    merged->present = ARENA_ARRAY(&versions->arena, uint8_t *, slots);
    merged->columns = ARENA_ARRAY(&versions->arena, struct rows_column, slots);
    if (!versions->values || !versions->decided || !merged->time || !merged->gone ||
        !merged->cells || !merged->present || !merged->columns)
        return watch_memory(setting->watch, err);
    return OK;
}

void versions_begin(struct versions *versions, struct scan *scan)
{
    versions->scan = scan;
    versions->waiting = (struct stretch){0};
    merged_clear(versions);
}

static void stretch_run(const struct stretch *stretch, bool reversed, struct run *run)
{
    const struct rows *rows = &stretch->place->rows;

    *run = (struct run){.time = rows->time,
                        .columns = rows->columns,
                        .column_count = rows->column_count,
                        .first = stretch->first,
                        .end = stretch->end,
                        .reversed = reversed,
                        .summary = stretch->place->summary};
}

enum code versions_next(struct versions *versions, struct run *run, struct error *err)
{
    struct scan *scan = versions->scan;
    const struct scan_setting *setting = scan->setting;
    struct merged *merged = &versions->merged;
    struct stretch stretch = versions->waiting;
    uint32_t gone = 0;
    enum code code;

    versions->waiting = (struct stretch){0};
    if (stretch.place) {
        stretch_run(&stretch, setting->descending, run);
        return OK;
    }
    merged_clear(versions);
    scan_forget(scan);
    while (merged->count < MERGED_ROWS_MAX && scan->spent_count < SPENT_MAX && gone < GONE_MAX) {
        size_t count;

        code = scan_next(scan, &stretch, err);
        if (code == E_END && merged->count > 0)
            break;
        if (code)
            return code;
        if (stretch.place && merged->count > 0) {
            versions->waiting = stretch;
            break;
        }
        if (stretch.place) {
            stretch_run(&stretch, setting->descending, run);
            return OK;
        }
        count = versions_sort(stretch.versions, stretch.version_count, setting->as_of);
        if (versions_resolve(stretch.versions, count, setting->as_of, setting->field_count,
                             versions->values, versions->decided) > 0) {
            merged->gone[merged->count] = gone;
            if (!merged_add(versions, stretch.time))
                return watch_memory(setting->watch, err);
        }
        gone += (uint32_t)stretch.version_count;
        if (merged->count > 0)
            continue;
        code = setting->uncounted ? watch_rows(setting->watch, gone, err) : OK;
        if (code)
            return code;
        gone = 0;
    }
    merged_run(versions, run);
    run->gone_end = gone;
    return OK;
}

void versions_release(struct versions *versions)
{
    arena_release(&versions->arena);
}
