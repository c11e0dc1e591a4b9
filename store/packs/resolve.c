#include "store/packs/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

bool resolve_touches(const struct resolve_deletion *deletion, int64_t time, int64_t ingest)
{
    return ingest < deletion->ingest && time >= deletion->start && time < deletion->end;
}

static int64_t ingest_of(const struct resolve_version *version)
{
    return version->rows->ingest[version->row];
}

static int64_t revision_of(const struct resolve_version *version)
{
    return version->rows->revision == NULL ? INT64_MIN : version->rows->revision[version->row];
}

static int version_order(const void *a, const void *b)
{
    const struct resolve_version *x = a, *y = b;

    return version_compare(revision_of(x), ingest_of(x), revision_of(y), ingest_of(y));
}

/* Whether the version has a cell in the column that somebody may still see: not an erased one, nor
 * one that a deletion at or below the floor hides.  *touched: another deletion hides it. */
static bool cell_stays(const struct resolve_version *version, const struct rows_column *column,
                       const struct resolve_deletion *deletions, size_t deletion_count,
                       int64_t floor, bool *touched)
{
    const struct rows *rows = version->rows;
    uint32_t v = version->row;
    bool gone = false, hit = false;

    if (column->present != NULL && !column->present[v])
        return false;
    for (size_t d = 0; d < deletion_count; d++) {
        const struct resolve_deletion *deletion = &deletions[d];

        if (!resolve_touches(deletion, rows->time[v], rows->ingest[v]) ||
            (deletion->fields != NULL && !deletion->fields[column->field]))
            continue;
        hit = true;
        gone |= deletion->erase || deletion->ingest <= floor;
    }
    *touched |= hit && !gone;
    return !gone;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to merge versions");
}

static enum code row_new(uint32_t column_count, struct arena *arena, struct resolve_row *row,
                         struct error *err)
{
    row->columns = ARENA_ARRAY(arena, struct rows_column, column_count);
    row->cells = ARENA_ARRAY(arena, union cell, column_count);
    return row->columns == NULL || row->cells == NULL ? no_memory(err) : OK;
}

static void row_put(struct resolve_row *row, const struct rows_column *column, uint32_t from)
{
    uint32_t n = row->rows.column_count++;

    row->cells[n] = column->cells[from];
    row->columns[n] = (struct rows_column){column->field, column->type, &row->cells[n], NULL};
}

/* Its pointers, where it stays: the caller's place. */
static void row_settle(struct resolve_row *row, const struct resolve_version *version)
{
    row->time = version->rows->time[version->row];
    row->ingest = ingest_of(version);
    row->revision = revision_of(version);
    row->rows.count = 1;
    row->rows.time = &row->time;
    row->rows.ingest = &row->ingest;
    row->rows.revision = row->revision == INT64_MIN ? NULL : &row->revision;
    row->rows.columns = row->columns;
}

enum code resolve_row_take(const struct resolve_version *version,
                           const struct resolve_deletion *deletions, size_t deletion_count,
                           int64_t floor, struct arena *arena, struct resolve_row *row,
                           struct error *err)
{
    const struct rows *rows = version->rows;
    bool touched = false;

    *row = (struct resolve_row){0};
    if (row_new(rows->column_count, arena, row, err) != OK)
        return E_MEMORY;
    for (uint32_t c = 0; c < rows->column_count; c++)
        if (cell_stays(version, &rows->columns[c], deletions, deletion_count, floor, &touched))
            row_put(row, &rows->columns[c], version->row);
    row_settle(row, version);
    return OK;
}

/* One identity has one revision, so its copies stand side by side: the first stays. */
static size_t copies_drop(struct resolve_version *versions, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ingest_of(&versions[i]) != ingest_of(&versions[kept - 1]))
            versions[kept++] = versions[i];
    return kept;
}

/* Drops versions none of whose cells anybody can ask for: a newer version at or below the floor has
 * each of them.  (A deletion above the floor that hides the newer cell hides the older one too.)
 * Oldest first; returns how many stay. */
static size_t losers_drop(struct resolve_version *versions, size_t count,
                          const struct resolve_deletion *deletions, size_t deletion_count,
                          int64_t floor, uint8_t *taken, bool *touched)
{
    size_t kept = count;

    for (size_t i = count; i-- > 0;) {
        const struct rows *rows = versions[i].rows;
        bool above = ingest_of(&versions[i]) > floor, wins = false;

        for (uint32_t c = 0; c < rows->column_count; c++) {
            uint32_t field = rows->columns[c].field;

            if (!cell_stays(&versions[i], &rows->columns[c], deletions, deletion_count, floor,
                            touched))
                continue;
            wins |= above || !taken[field];
            if (!above)
                taken[field] = 1;
        }
        if (wins)
            versions[--kept] = versions[i];
    }
    memmove(versions, versions + kept, (count - kept) * sizeof(*versions));
    return count - kept;
}

static bool hidden(const struct resolve_version *version, uint32_t field,
                   const struct resolve_deletion *deletions, size_t deletion_count)
{
    int64_t time = version->rows->time[version->row], ingest = ingest_of(version);

    for (size_t d = 0; d < deletion_count; d++)
        if (resolve_touches(&deletions[d], time, ingest) &&
            (deletions[d].fields == NULL || deletions[d].fields[field]))
            return true;
    return false;
}

/* The newest version's cell of each field, if it is not deleted and no retraction. */
static enum code combine(const struct resolve_version *versions, size_t count,
                         const struct resolve_deletion *deletions, size_t deletion_count,
                         uint32_t field_count, uint8_t *taken, struct arena *arena,
                         struct resolve_row *current, struct error *err)
{
    uint32_t open = field_count, most = 0;

    for (size_t i = 0; i < count && most < field_count; i++)
        most += versions[i].rows->column_count;
    if (row_new(most < field_count ? most : field_count, arena, current, err) != OK)
        return E_MEMORY;
    memset(taken, 0, field_count);
    for (size_t i = count; i-- > 0 && open > 0;) {
        const struct rows *rows = versions[i].rows;
        uint32_t v = versions[i].row;

        for (uint32_t c = 0; c < rows->column_count; c++) {
            const struct rows_column *column = &rows->columns[c];

            if ((column->present != NULL && !column->present[v]) || taken[column->field] ||
                hidden(&versions[i], column->field, deletions, deletion_count))
                continue;
            taken[column->field] = 1;
            open--;
            if (column->type != TYPE_RETRACTED)
                row_put(current, column, v);
        }
    }
    row_settle(current, &versions[count - 1]);
    return OK;
}

enum code resolve(struct resolve_version *versions, size_t count,
                  const struct resolve_deletion *deletions, size_t deletion_count, int64_t floor,
                  uint32_t field_count, struct arena *arena, struct resolved *resolved,
                  struct error *err)
{
    uint8_t *taken = ARENA_ARRAY(arena, uint8_t, field_count);
    bool touched = false;
    enum code code;

    *resolved = (struct resolved){0};
    if (taken == NULL)
        return no_memory(err);
    if (count > 1)
        qsort(versions, count, sizeof(*versions), version_order);
    count = copies_drop(versions, count);
    count = losers_drop(versions, count, deletions, deletion_count, floor, taken, &touched);
    if (count == 0)
        return OK;
    if (count == 1 && !touched) {
        code = resolve_row_take(&versions[0], deletions, deletion_count, floor, arena,
                                &resolved->current, err);
    } else {
        resolved->history = versions;
        resolved->history_count = count;
        code = combine(versions, count, deletions, deletion_count, field_count, taken, arena,
                       &resolved->current, err);
    }
    resolved->has_current = code == OK && resolved->current.rows.column_count > 0;
    return code;
}
