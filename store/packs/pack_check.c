/* What opening and reading a pack do not look at.  Walks it once from front to back per aspect; a
 * block at a time is in memory, and the keys of all series. */
#include "codec/record.h"
#include "codec/series_key.h"
#include "store/packs/pack_inside.h"
#include "store/packs/pack_parts.h"

#include <stdlib.h>

enum { CHECK_BYTES_MAX = 1 << 30 };

struct known_series {
    struct series_id id;
    struct bytes measurement;
};

struct check {
    const struct pack *pack;
    struct block_decoder *decoder;
    struct arena keys;  /* of `series` */
    struct arena arena; /* of one entry */
    struct known_series *series;
    size_t series_count;
    struct pack_footer totals;
};

/* Parts are all bytes before their table, and have the hashes that stand there. */
static enum code check_parts(const struct pack *pack, struct error *err)
{
    struct buf part = BUF_INIT(CHECK_BYTES_MAX);
    struct pack_parts *parts = NULL;
    struct hash128 hash;
    enum code code = pack_parts_open(pack, &parts, err);

    for (uint32_t i = 0; code == OK && i + 1 < pack_parts_count(parts); i++) {
        buf_clear(&part);
        code = pack_parts_read(parts, i, &part, &hash, err);
    }
    pack_parts_close(parts);
    buf_release(&part);
    return code;
}

static enum code check_key(void *context, struct bytes key, struct error *err)
{
    struct check *check = context;
    struct known_series *known = &check->series[check->series_count];
    const struct series_tag *tags;
    struct bytes measurement;
    uint32_t tag_count;
    enum code code;

    code = series_key_decode(key, &check->arena, &measurement, &tags, &tag_count, err);
    if (code == OK) {
        known->id = series_key_id(key);
        known->measurement = arena_copy(&check->keys, measurement);
        if (!known->measurement.data)
            code = error_set(err, E_MEMORY, "no memory for a measurement");
    }
    arena_release(&check->arena);
    if (code)
        return code;
    if (check->series_count > 0 && series_id_compare(known[-1].id, known->id) >= 0)
        return error_set(err, E_CORRUPT, "out of order");
    check->series_count++;
    return OK;
}

static enum code check_keys(struct check *check, struct error *err)
{
    check->series = ARENA_ARRAY(&check->keys, struct known_series,
                                (size_t)check->pack->footer.count[PACK_SERIES] + 1);
    if (!check->series)
        return error_set(err, E_MEMORY, "no memory for %llu series",
                         (unsigned long long)check->pack->footer.count[PACK_SERIES]);
    return pack_walk(check->pack, PACK_SERIES, check_key, check, err);
}

static int known_compare(const void *id, const void *known)
{
    return series_id_compare(*(const struct series_id *)id,
                             ((const struct known_series *)known)->id);
}

/* Every series of the block has its key in the pack. */
static enum code check_series(const struct check *check, const struct block_view *view,
                              struct error *err)
{
    for (uint32_t i = 0; i < view->series_count; i++) {
        const struct known_series *known =
            bsearch(&view->series[i], check->series, check->series_count, sizeof(*check->series),
                    known_compare);

        if (!known || !bytes_equal(known->measurement, view->measurement))
            return error_set(err, E_CORRUPT, "series %u of it has %s", i,
                             known ? "a key of another measurement" : "no key in the pack");
    }
    return OK;
}

bool pack_block_is(const struct pack_block *entry, const struct block_view *view)
{
    return bytes_equal(entry->measurement, view->measurement) &&
           entry->series_count == view->series_count && entry->row_count == view->row_count &&
           series_id_compare(entry->series_first, view->series[0]) == 0 &&
           series_id_compare(entry->series_last, view->series[view->series_count - 1]) == 0 &&
           entry->time_first == view->time_first && entry->time_last == view->time_last &&
           entry->ingest_first == view->ingest_first && entry->ingest_last == view->ingest_last &&
           entry->times_unique == view->times_unique && entry->has_history == view->has_history;
}

static enum code check_block(struct check *check, const struct pack_block *entry, struct error *err)
{
    struct block_view view;
    struct bytes encoded;
    enum code code = pack_read_block(check->pack, NULL, entry, &check->arena, &encoded, err);

    if (code)
        return code;
    code = block_open(encoded, &check->arena, &view, err);
    if (code == OK && !pack_block_is(entry, &view))
        code = error_set(err, E_CORRUPT, "its header is not what the directory says");
    if (code == OK)
        code = check_series(check, &view, err);
    if (code == OK)
        code = block_check(encoded, check->decoder, &check->arena, err);
    if (code)
        error_context(err, "block at byte %llu", (unsigned long long)entry->offset);
    else
        pack_footer_add(&check->totals, &view);
    return code;
}

static enum code check_totals(const struct check *check, struct error *err)
{
    const struct pack_footer *footer = &check->pack->footer, *totals = &check->totals;

    if (totals->row_count != footer->row_count || totals->value_count != footer->value_count)
        return error_set(
            err, E_CORRUPT, "blocks have %llu rows and %llu values, the footer says %llu and %llu",
            (unsigned long long)totals->row_count, (unsigned long long)totals->value_count,
            (unsigned long long)footer->row_count, (unsigned long long)footer->value_count);
    if (totals->time_first != footer->time_first || totals->time_last != footer->time_last ||
        totals->ingest_first != footer->ingest_first || totals->ingest_last != footer->ingest_last)
        return error_set(err, E_CORRUPT, "the footer's bounds are not those of the blocks");
    return OK;
}

static enum code check_tombstone(void *context, struct bytes entry, struct error *err)
{
    struct check *check = context;
    struct tombstone tombstone;
    enum code code = tombstone_decode(entry, &check->arena, &tombstone, err);

    arena_release(&check->arena);
    return code;
}

static enum code check_note(void *context, struct bytes entry, struct error *err)
{
    struct note note;

    (void)context;
    return note_decode(entry, &note, err);
}

enum code pack_check(const struct pack *pack, struct block_decoder *decoder, struct error *err)
{
    struct check check = {.pack = pack, .decoder = decoder};
    enum code code;

    arena_init(&check.keys, CHECK_BYTES_MAX, NULL);
    arena_init(&check.arena, CHECK_BYTES_MAX, NULL);
    code = check_parts(pack, err);
    if (code == OK)
        code = check_keys(&check, err);
    for (size_t i = 0; code == OK && i < pack->block_count; i++) {
        code = check_block(&check, &pack->blocks[i], err);
        arena_release(&check.arena);
    }
    if (code == OK)
        code = check_totals(&check, err);
    if (code == OK)
        code = pack_walk(pack, PACK_TOMBSTONES, check_tombstone, &check, err);
    if (code == OK)
        code = pack_walk(pack, PACK_NOTES, check_note, &check, err);
    arena_release(&check.arena);
    arena_release(&check.keys);
    return code;
}
