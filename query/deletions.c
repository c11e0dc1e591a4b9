#include "query/deletions.h"

#include "query/watch.h"

/* The fields of the tombstone among those asked for, a byte each.  *any tells whether there are. */
static const uint8_t *fields_mask(const struct tombstone *tombstone, const struct bytes *fields,
                                  uint32_t field_count, struct arena *arena, bool *any)
{
    uint8_t *mask = ARENA_ARRAY(arena, uint8_t, field_count);

    *any = false;
    for (uint32_t i = 0; mask && i < field_count; i++) {
        for (uint32_t j = 0; j < tombstone->field_count && !mask[i]; j++)
            mask[i] = bytes_equal(fields[i], tombstone->fields[j]);
        *any |= mask[i] != 0;
    }
    return mask;
}

static bool touches(const struct tombstone *tombstone, struct bytes measurement, int64_t as_of,
                    int64_t start, int64_t end)
{
    return (tombstone->erase || tombstone->ingest <= as_of) && tombstone->start < end &&
           tombstone->end > start && bytes_equal(tombstone->selector.measurement, measurement);
}

/* The pattern was checked when the deletion was made: its fault is not the asker's. */
static enum code refuse_stored(enum code code, struct error *err)
{
    error_context(err, "a stored deletion");
    if (code == E_MEMORY)
        return code;
    if (err)
        err->code = E_INTERNAL;
    return E_INTERNAL;
}

enum code deletions_init(struct deletions *deletions, const struct tombstone *tombstones,
                         size_t count, struct bytes measurement, int64_t as_of, int64_t start,
                         int64_t end, const struct bytes *fields, uint32_t field_count,
                         const struct watch *watch, struct arena *arena, struct error *err)
{
    uint32_t touching = 0;

    *deletions = (struct deletions){0};
    for (size_t i = 0; i < count; i++)
        touching += touches(&tombstones[i], measurement, as_of, start, end);
    if (touching == 0)
        return OK;
    deletions->tombstones = ARENA_ARRAY(arena, const struct tombstone *, touching);
    deletions->each = ARENA_ARRAY(arena, struct deletion, touching);
    deletions->matchsets = ARENA_ARRAY(arena, struct matchset *, touching);
    if (!deletions->tombstones || !deletions->each || !deletions->matchsets)
        return watch_memory(watch, err);
    for (size_t i = 0; i < count; i++) {
        const struct tombstone *tombstone = &tombstones[i];
        struct deletion deletion = {.ingest = tombstone->ingest,
                                    .erase = tombstone->erase,
                                    .start = tombstone->start,
                                    .end = tombstone->end};
        bool any = true;
        enum code code;

        if (!touches(tombstone, measurement, as_of, start, end))
            continue;
        if (tombstone->field_count > 0) {
            deletion.fields = fields_mask(tombstone, fields, field_count, arena, &any);
            if (!deletion.fields)
                return watch_memory(watch, err);
        }
        if (!any)
            continue;
        code = matchset_new(&tombstone->selector, &deletions->matchsets[deletions->count], err);
        if (code)
            return refuse_stored(code, err);
        deletions->tombstones[deletions->count] = tombstone;
        deletions->each[deletions->count++] = deletion;
    }
    return OK;
}

enum code deletions_of(struct deletions *deletions, const struct series *series,
                       const struct watch *watch, struct arena *arena,
                       const struct deletion **of_series, uint32_t *count, struct error *err)
{
    struct deletion *found = NULL;

    *of_series = NULL;
    *count = 0;
    for (uint32_t i = 0; i < deletions->count; i++) {
        bool gave_up = false;
        bool matches = matchset_matches(deletions->matchsets[i], series, &gave_up);

        if (gave_up) /* better no answer than deleted rows in it */
            return error_set(err, E_INTERNAL,
                             "a stored deletion has a pattern that takes too many steps to decide");
        if (!matches)
            continue;
        if (!found)
            found = ARENA_ARRAY(arena, struct deletion, deletions->count - i);
        if (!found)
            return watch_memory(watch, err);
        found[(*count)++] = deletions->each[i];
    }
    *of_series = found;
    return OK;
}

void deletions_release(struct deletions *deletions)
{
    for (uint32_t i = 0; i < deletions->count; i++)
        matchset_free(deletions->matchsets[i]);
    *deletions = (struct deletions){0};
}
