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

/* The version as a row of its own, without the cells that nobody may see any more: erased ones, and
 * those that a deletion at or below the floor hides.  *touched: another deletion hides a cell. */
static enum code row_take(const struct resolve_version *version,
                          const struct resolve_deletion *deletions, size_t deletion_count,
                          int64_t floor, struct arena *arena, struct resolve_row *row,
                          bool *touched)
{
    const struct rows *rows = version->rows;
    uint32_t n = 0, v = version->row;

    row->columns = ARENA_ARRAY(arena, struct rows_column, rows->column_count);
    row->cells = ARENA_ARRAY(arena, union cell, rows->column_count);
    if (row->columns == NULL || row->cells == NULL)
        return E_MEMORY;
    row->time = rows->time[v];
    row->ingest = rows->ingest[v];
    row->revision = revision_of(version);
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const struct rows_column *column = &rows->columns[c];
        bool gone = false, hit = false;

        if (column->present != NULL && !column->present[v])
            continue;
        for (size_t d = 0; d < deletion_count; d++) {
            const struct resolve_deletion *deletion = &deletions[d];

            if (!resolve_touches(deletion, row->time, row->ingest) ||
                (deletion->fields != NULL && !deletion->fields[column->field]))
                continue;
            hit = true;
            gone |= deletion->erase || deletion->ingest <= floor;
        }
        *touched |= hit && !gone;
        if (gone)
            continue;
        row->cells[n] = column->cells[v];
        row->columns[n] = (struct rows_column){column->field, column->type, &row->cells[n], NULL};
        n++;
    }
    row->rows.column_count = n;
    return OK;
}

/* Its pointers, once it is where it stays. */
static void row_settle(struct resolve_row *row)
{
    uint32_t count = row->rows.column_count;

    row->rows = (struct rows){.count = 1,
                              .time = &row->time,
                              .ingest = &row->ingest,
                              .revision = row->revision == INT64_MIN ? NULL : &row->revision,
                              .columns = row->columns,
                              .column_count = count};
}

/* Drops versions none of whose cells anybody can ask for: a newer version at or below the floor has
 * each of them.  (A deletion above the floor that hides the newer cell hides the older one too.)
 * `rows` are oldest first; returns how many stay. */
static size_t losers_drop(struct resolve_row *rows, size_t count, int64_t floor, uint8_t *taken)
{
    size_t kept = count;

    for (size_t i = count; i-- > 0;) {
        bool wins = rows[i].ingest > floor;

        for (uint32_t c = 0; c < rows[i].rows.column_count; c++) {
            uint32_t field = rows[i].columns[c].field;

            wins |= !taken[field];
            if (rows[i].ingest <= floor)
                taken[field] = 1;
        }
        if (rows[i].rows.column_count > 0 && wins)
            rows[--kept] = rows[i];
    }
    memmove(rows, rows + kept, (count - kept) * sizeof(*rows));
    return count - kept;
}

static bool hidden(const struct resolve_row *row, uint32_t field,
                   const struct resolve_deletion *deletions, size_t deletion_count)
{
    for (size_t d = 0; d < deletion_count; d++)
        if (resolve_touches(&deletions[d], row->time, row->ingest) &&
            (deletions[d].fields == NULL || deletions[d].fields[field]))
            return true;
    return false;
}

/* The newest version's cell of each field, if it is not deleted and no retraction. */
static enum code combine(const struct resolve_row *rows, size_t count,
                         const struct resolve_deletion *deletions, size_t deletion_count,
                         uint32_t field_count, uint8_t *taken, struct arena *arena,
                         struct resolve_row *current)
{
    uint32_t n = 0, most = 0;

    for (size_t i = 0; i < count; i++)
        most += rows[i].rows.column_count;
    current->columns = ARENA_ARRAY(arena, struct rows_column, most);
    current->cells = ARENA_ARRAY(arena, union cell, most);
    if (current->columns == NULL || current->cells == NULL)
        return E_MEMORY;
    memset(taken, 0, field_count);
    for (size_t i = count; i-- > 0;)
        for (uint32_t c = 0; c < rows[i].rows.column_count; c++) {
            const struct rows_column *column = &rows[i].columns[c];

            if (taken[column->field] || hidden(&rows[i], column->field, deletions, deletion_count))
                continue;
            taken[column->field] = 1;
            if (column->type == TYPE_RETRACTED)
                continue;
            current->cells[n] = column->cells[0];
            current->columns[n] =
                (struct rows_column){column->field, column->type, &current->cells[n], NULL};
            n++;
        }
    current->rows.column_count = n;
    current->time = rows[count - 1].time;
    current->ingest = rows[count - 1].ingest;
    current->revision = rows[count - 1].revision;
    return OK;
}

enum code resolve(struct resolve_version *versions, size_t count,
                  const struct resolve_deletion *deletions, size_t deletion_count, int64_t floor,
                  uint32_t field_count, struct arena *arena, struct resolved *resolved,
                  struct error *err)
{
    struct resolve_row *rows = ARENA_ARRAY(arena, struct resolve_row, count);
    uint8_t *taken = ARENA_ARRAY(arena, uint8_t, field_count);
    bool touched = false;
    enum code code = rows == NULL || taken == NULL ? E_MEMORY : OK;
    size_t kept = 0;

    *resolved = (struct resolved){0};
    if (count > 1)
        qsort(versions, count, sizeof(*versions), version_order);
    for (size_t i = 0; code == OK && i < count; i++) {
        /* One identity has one revision, so its copies stand side by side. */
        if (i > 0 && ingest_of(&versions[i]) == ingest_of(&versions[i - 1]))
            continue;
        code = row_take(&versions[i], deletions, deletion_count, floor, arena, &rows[kept++],
                        &touched);
    }
    if (code == OK) {
        kept = losers_drop(rows, kept, floor, taken);
        if (kept == 0)
            return OK;
        if (kept > 1 || touched)
            code = combine(rows, kept, deletions, deletion_count, field_count, taken, arena,
                           &resolved->current);
        else
            resolved->current = rows[0];
    }
    if (code)
        return error_set(err, E_MEMORY, "no memory to merge versions");
    if (kept > 1 || touched) {
        resolved->history = rows;
        resolved->history_count = kept;
    }
    for (size_t i = 0; i < resolved->history_count; i++)
        row_settle(&rows[i]);
    resolved->has_current = resolved->current.rows.column_count > 0;
    row_settle(&resolved->current);
    return OK;
}
