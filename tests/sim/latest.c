#include "latest.h"

#include "catalog/match.h"
#include "model/rows.h"

static bool deletes(const struct tombstone *tombstone, const struct series *series,
                    const struct known_row *row, uint32_t field)
{
    struct matchset *matchset = NULL;
    bool selected, named = tombstone->field_count == 0;

    if (row->ingest >= tombstone->ingest || row->settled >= tombstone->ingest ||
        row->time < tombstone->start || row->time >= tombstone->end)
        return false;
    for (uint32_t i = 0; i < tombstone->field_count; i++)
        named |= bytes_equal(tombstone->fields[i], field_name(field));
    if (!named || matchset_new(&tombstone->selector, &matchset, NULL) != OK)
        return false;
    selected = matchset_matches(matchset, series, NULL);
    matchset_free(matchset);
    return selected;
}

/* The rows of one time: [first, return value). */
static size_t same_time(const struct answer *answer, size_t first)
{
    size_t end = first;

    while (end < answer->count && answer->rows[end].time == answer->rows[first].time)
        end++;
    return end;
}

/* The cell of the newest version that has one and was not deleted; TYPE_NONE also when a retraction
 * won. */
static struct known_cell winner(const struct view *view, const struct series *series,
                                const struct answer *answer, size_t first, size_t end,
                                uint32_t field)
{
    const struct known_row *best = NULL;
    size_t count;
    const struct tombstone *tombstones = view_tombstones(view, &count);

    for (size_t i = first; i < end; i++) {
        const struct known_row *row = &answer->rows[i];
        bool gone = row->cells[field].type == TYPE_NONE;

        for (size_t t = 0; t < count && !gone; t++)
            gone = tombstones[t].ingest <= view_as_of(view) &&
                   deletes(&tombstones[t], series, row, field);
        if (!gone && (!best || version_compare(row->revision, row->ingest, best->revision,
                                               best->ingest) > 0))
            best = row;
    }
    if (!best || best->cells[field].type == TYPE_RETRACTED)
        return (struct known_cell){.type = TYPE_NONE};
    return best->cells[field];
}

static bool same(const struct known_cell *a, const struct known_cell *b)
{
    return a->type == b->type && a->bits == b->bits && bytes_equal(a->text, b->text);
}

void latest_compare(struct world *world, const struct view *view, uint32_t series,
                    const struct answer *written, const struct answer *got)
{
    const struct known_series *known = &world->series[series];
    struct series_registry *registry = catalog_registry(world->catalog);
    const struct tenant *tenant =
        catalog_tenant_find(world->catalog, bytes_of(tenant_name(known->tenant)));
    const struct series *found =
        tenant ? registry->series_by_id(registry, tenant, known->id) : NULL;
    size_t w = 0, g = 0;

    while (found && !world->failed && (w < written->count || g < got->count)) {
        int64_t time =
            w == written->count || (g < got->count && got->rows[g].time < written->rows[w].time)
                ? got->rows[g].time
                : written->rows[w].time;
        size_t w_end =
            w < written->count && written->rows[w].time == time ? same_time(written, w) : w;
        size_t g_end = g < got->count && got->rows[g].time == time ? same_time(got, g) : g;

        for (uint32_t field = 0; field < FIELD_COUNT; field++) {
            struct known_cell want = winner(view, found, written, w, w_end, field);
            struct known_cell have = winner(view, found, got, g, g_end, field);

            if (!same(&want, &have))
                world_fail(world,
                           "series %u at S %lld, time %lld: field %u is of type %d, not %d, or of "
                           "another value",
                           series, (long long)view_as_of(view), (long long)time, field, have.type,
                           want.type);
        }
        w = w_end;
        g = g_end;
    }
}
