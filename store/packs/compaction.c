#include "store/packs/compaction.h"

#include <stdlib.h>

#include "store/packs/period.h"

enum {
    PLAIN_AT_ONCE = 32,
    PERIODS_MAX = 4096, /* of one plan; longer times are cut more coarsely */
    PAIR_GROWTH = 4,    /* a pair is rewritten when what joins it is at least a part like this */
};

static const uint64_t period_bytes_max = UINT64_C(128) * 1024 * 1024;
static const uint64_t span_bytes_min = UINT64_C(1) * 1024 * 1024;

/* A plain pack, or a current one with its history (NULL: it has none). */
struct unit {
    struct pack *pack, *history;
    struct pack_about about;
    int64_t time_first, time_last;
    uint64_t bytes;
    bool has_rows, taken;
    bool away; /* its blocks would have to be brought: it is left alone until all of it goes */
};

struct planning {
    const struct compaction_wish *wish;
    bool notes; /* of what sources have done, else of rows: never merged with each other */
    struct unit *units;
    size_t count;
    struct compaction *compaction;
    uint64_t bytes;          /* taken so far */
    int64_t first, last;     /* times of what is taken */
    size_t packs, with_rows; /* taken */
};

static bool is_bad(const struct compaction_wish *wish, uint64_t number)
{
    for (size_t i = 0; i < wish->bad_count; i++)
        if (wish->bad[i] == number)
            return true;
    return false;
}

static bool needs_history(const struct pack *pack)
{
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    for (size_t i = 0; i < count; i++)
        if (blocks[i].has_history)
            return true;
    return false;
}

/* Of the unit that these are.  A current pack may be empty. */
static bool is_notes(const struct pack *pack, const struct pack *history)
{
    size_t count;

    (void)pack_blocks(pack, &count);
    return pack_is_notes(count == 0 && history != NULL ? history : pack);
}

static void unit_extend(struct unit *unit, const struct pack_about *about)
{
    unit->bytes += about->bytes;
    if (about->row_count == 0)
        return;
    if (!unit->has_rows || about->time_first < unit->time_first)
        unit->time_first = about->time_first;
    if (!unit->has_rows || about->time_last > unit->time_last)
        unit->time_last = about->time_last;
    if (about->ingest_first < unit->about.ingest_first || unit->about.row_count == 0)
        unit->about.ingest_first = about->ingest_first;
    unit->has_rows = true;
}

/* A current pack whose history is missing or damaged stays as it is: its rows alone are not all
 * there is. */
static void units_make(struct planning *planning)
{
    const struct compaction_wish *wish = planning->wish;

    for (size_t i = 0; i < wish->pack_count; i++) {
        struct unit *unit = &planning->units[planning->count];
        struct pack *pack = wish->packs[i], *next = NULL;
        struct pack_about about = pack_about(pack), other = {0};

        if (about.kind == PACK_HISTORY || is_bad(wish, about.number))
            continue;
        if (about.kind == PACK_CURRENT && i + 1 < wish->pack_count) {
            next = wish->packs[i + 1];
            other = pack_about(next);
            if (other.kind != PACK_HISTORY || other.number != about.number + 1)
                next = NULL;
        }
        if ((next != NULL && is_bad(wish, other.number)) || (next == NULL && needs_history(pack)) ||
            is_notes(pack, next) != planning->notes)
            continue;
        *unit = (struct unit){
            .pack = pack,
            .history = next,
            .about = about,
            .away = !wish->brings && (pack_is_away(pack) || (next != NULL && pack_is_away(next))),
        };
        unit_extend(unit, &about);
        if (next != NULL)
            unit_extend(unit, &other);
        planning->count++;
    }
}

static bool is_expired(const struct planning *planning, const struct unit *unit)
{
    return unit->has_rows && unit->time_last < planning->wish->time_floor;
}

/* Of what has expired no block is read. */
static bool take(struct planning *planning, struct unit *unit)
{
    struct compaction *compaction = planning->compaction;

    if (unit->taken || compaction->pack_count + 2 > COMPACTION_PACKS_MAX ||
        (unit->away && !is_expired(planning, unit)))
        return false;
    unit->taken = true;
    compaction->packs[compaction->pack_count++] = unit->pack;
    if (unit->history != NULL)
        compaction->packs[compaction->pack_count++] = unit->history;
    planning->bytes += unit->bytes;
    planning->packs++;
    if (!unit->has_rows)
        return true;
    if (planning->with_rows == 0 || unit->time_first < planning->first)
        planning->first = unit->time_first;
    if (planning->with_rows == 0 || unit->time_last > planning->last)
        planning->last = unit->time_last;
    planning->with_rows++;
    return true;
}

/* Versions in it may have lost to others before the floor, which has moved on since it was made. */
static bool is_purgeable(const struct planning *planning, const struct unit *unit)
{
    const struct compaction_wish *wish = planning->wish;
    int64_t since;

    if (unit->history == NULL || wish->floor == INT64_MIN ||
        unit->about.ingest_first > wish->floor || unit->about.floor >= wish->floor)
        return false;
    return wish->force || unit->about.floor == INT64_MIN ||
           __builtin_sub_overflow(wish->floor, unit->about.floor, &since) ||
           since > wish->history_ns / 8;
}

bool compaction_may_hold(const struct pack_about *about, const struct tombstone *tombstone)
{
    return about->row_count > 0 && about->ingest_first < tombstone->ingest &&
           about->settled < tombstone->ingest && tombstone->start <= about->time_last &&
           tombstone->end > about->time_first;
}

static bool is_to_erase(const struct planning *planning, const struct unit *unit)
{
    const struct compaction_wish *wish = planning->wish;
    struct pack_about both = unit->about;

    both.row_count = unit->has_rows;
    both.time_first = unit->time_first;
    both.time_last = unit->time_last;
    for (size_t i = 0; i < wish->tombstone_count; i++)
        if (wish->tombstones[i].erase && wish->tombstones[i].ingest <= wish->sealed &&
            compaction_may_hold(&both, &wish->tombstones[i]))
            return true;
    both.settled = INT64_MIN;
    for (size_t i = 0; i < wish->foreign_count; i++)
        if (wish->foreign[i].erase && wish->foreign[i].ingest <= wish->sealed &&
            compaction_may_hold(&both, &wish->foreign[i]))
            return true;
    return false;
}

/* What is to be erased must be rewritten, so its blocks have to come back. */
static void want_back(const struct planning *planning)
{
    for (size_t i = 0; i < planning->count; i++) {
        const struct unit *unit = &planning->units[i];

        if (!unit->away || !is_to_erase(planning, unit))
            continue;
        if (pack_is_away(unit->pack))
            pack_want(unit->pack);
        if (unit->history != NULL && pack_is_away(unit->history))
            pack_want(unit->history);
    }
}

static void take_where(struct planning *planning,
                       bool (*wanted)(const struct planning *planning, const struct unit *unit))
{
    for (size_t i = 0; i < planning->count; i++)
        if (wanted(planning, &planning->units[i]))
            (void)take(planning, &planning->units[i]);
}

static void take_plain(struct planning *planning)
{
    size_t count = 0, taken = 0;

    for (size_t i = 0; i < planning->count; i++)
        count += planning->units[i].about.kind == PACK_PLAIN;
    if (count < planning->wish->plain_max && !(planning->wish->force && count > 0))
        return;
    for (size_t i = 0; i < planning->count && taken < PLAIN_AT_ONCE; i++)
        if (planning->units[i].about.kind == PACK_PLAIN)
            taken += take(planning, &planning->units[i]);
}

static bool touches(const struct planning *planning, const struct unit *unit)
{
    return planning->with_rows > 0 && unit->has_rows && unit->time_first <= planning->last &&
           unit->time_last >= planning->first;
}

/* Pairs of the same times, the smallest first. */
static void take_along(struct planning *planning)
{
    for (;;) {
        struct unit *smallest = NULL;

        for (size_t i = 0; i < planning->count; i++) {
            struct unit *unit = &planning->units[i];

            if (!unit->taken && !unit->away && unit->about.kind == PACK_CURRENT &&
                touches(planning, unit) && (smallest == NULL || unit->bytes < smallest->bytes))
                smallest = unit;
        }
        if (smallest == NULL ||
            (!planning->wish->force && smallest->bytes > PAIR_GROWTH * planning->bytes) ||
            !take(planning, smallest))
            return;
    }
}

/* Asked for everything, and no plain pack is left: pairs of the same times. */
static void take_overlapping(struct planning *planning)
{
    for (size_t i = 0; planning->wish->force && planning->packs == 0 && i < planning->count; i++)
        for (size_t j = i + 1; j < planning->count; j++) {
            struct unit *a = &planning->units[i], *b = &planning->units[j];

            if (a->away || b->away || !a->has_rows || !b->has_rows ||
                a->time_first > b->time_last || b->time_first > a->time_last)
                continue;
            (void)take(planning, a);
            (void)take(planning, b);
            take_along(planning);
            return;
        }
}

/* Pairs without rows, that notes or deletions travelled in, go along with whatever is merged.  One
 * that is away does not, so a single other has none to be merged with. */
static void take_empty(struct planning *planning)
{
    size_t empty = 0;

    for (size_t i = 0; i < planning->count; i++)
        empty += !planning->units[i].has_rows && !planning->units[i].away;
    if (planning->packs == 0 && empty < 2)
        return;
    for (size_t i = 0; i < planning->count; i++)
        if (!planning->units[i].has_rows)
            (void)take(planning, &planning->units[i]);
}

/* Bytes of the pack's blocks, a share for each period they touch. */
static void share_out(const struct pack *pack, int64_t first, double width, double *bytes,
                      size_t count)
{
    size_t block_count;
    const struct pack_block *blocks = pack_blocks(pack, &block_count);

    for (size_t b = 0; b < block_count; b++) {
        double at = ((double)blocks[b].time_first - (double)first) / width;
        double end = ((double)blocks[b].time_last - (double)first) / width;
        size_t i = at < 0 ? 0 : (size_t)at, last = end < 0 ? 0 : (size_t)end;

        i = i < count ? i : count - 1;
        last = last < count ? last : count - 1;
        for (size_t p = i; p <= last; p++)
            bytes[p] += (double)blocks[b].size / (double)(last - i + 1);
    }
}

/* Cuts [first, last] at the ends of periods, joining them while they are small. */
static enum code spans_make(struct planning *planning, struct error *err)
{
    struct compaction *compaction = planning->compaction;
    int64_t first =
        planning->first > planning->wish->time_floor ? planning->first : planning->wish->time_floor;
    enum period period = period_choose(planning->bytes, first, planning->last, period_bytes_max);
    double width = ((double)planning->last - (double)first + 1) / PERIODS_MAX;
    double *bytes = calloc(PERIODS_MAX, sizeof(*bytes));
    int64_t start = period_start(period, first), at = start;
    double gathered = 0;

    compaction->spans = calloc(PERIODS_MAX + 1, sizeof(*compaction->spans));
    if (bytes == NULL || compaction->spans == NULL) {
        free(bytes);
        return error_set(err, E_MEMORY, "no memory to plan a compaction");
    }
    for (size_t i = 0; i < compaction->pack_count; i++)
        share_out(compaction->packs[i], first, width, bytes, PERIODS_MAX);
    for (size_t i = 0; i < PERIODS_MAX && at <= planning->last;) {
        int64_t end = period_end(period, at);
        double slot_end = (double)first + (double)(i + 1) * width;

        /* Slots are finer than periods, or coarser: then several periods leave at once. */
        if (slot_end <= (double)end || end == INT64_MAX) {
            gathered += bytes[i++];
            continue;
        }
        at = end;
        if (gathered < (double)span_bytes_min)
            continue;
        compaction->spans[compaction->span_count++] = (struct compaction_span){start, end};
        start = end;
        gathered = 0;
    }
    if (start <= planning->last)
        compaction->spans[compaction->span_count++] = (struct compaction_span){
            start, planning->last == INT64_MAX ? INT64_MAX : period_end(period, planning->last)};
    free(bytes);
    return OK;
}

static enum code plan(struct planning *planning, struct error *err)
{
    const struct compaction_wish *wish = planning->wish;

    units_make(planning);
    take_where(planning, is_expired);
    if (planning->packs == 0) { /* else these go alone: that takes no room, it makes some */
        want_back(planning);
        take_where(planning, is_to_erase);
        take_where(planning, is_purgeable);
        take_plain(planning);
        take_along(planning);
        take_overlapping(planning);
    }
    take_empty(planning);
    planning->compaction->bytes = planning->bytes;
    return planning->with_rows > 0 && planning->last >= wish->time_floor ? spans_make(planning, err)
                                                                         : OK;
}

enum code compaction_plan(const struct compaction_wish *wish, struct compaction *compaction,
                          struct error *err)
{
    struct unit *units = calloc(wish->pack_count + 1, sizeof(*units));
    enum code code = OK;

    *compaction = (struct compaction){0};
    if (units == NULL)
        return error_set(err, E_MEMORY, "no memory to plan a compaction");
    for (int notes = 0; code == OK && notes < 2 && compaction->pack_count == 0; notes++) {
        struct planning planning = {
            .wish = wish, .notes = notes != 0, .compaction = compaction, .units = units};

        code = plan(&planning, err);
    }
    free(units);
    if (code)
        compaction_release(compaction);
    return code;
}

void compaction_release(struct compaction *compaction)
{
    free(compaction->spans);
    *compaction = (struct compaction){0};
}

int64_t compaction_floor(int64_t now_ns, int64_t age_ns)
{
    static const int64_t step_ns_min = 1000000000;
    int64_t step = age_ns / 64 > step_ns_min ? age_ns / 64 : step_ns_min, floor, into;

    if (age_ns == INT64_MAX || __builtin_sub_overflow(now_ns, age_ns, &floor))
        return INT64_MIN;
    into = floor % step;
    return floor - (into < 0 ? into + step : into);
}

bool compaction_outlived(const struct tombstone *tombstone, struct pack *const *packs,
                         size_t pack_count, int64_t sealed, int64_t floor)
{
    if (tombstone->ingest > sealed)
        return false;
    if (!tombstone->erase && tombstone->ingest > floor)
        return false;
    for (size_t i = 0; i < pack_count; i++) {
        struct pack_about about = pack_about(packs[i]);

        if (about.row_count == 0 || about.ingest_first >= tombstone->ingest ||
            tombstone->start > about.time_last || tombstone->end <= about.time_first ||
            (pack_is_notes(packs[i]) && !measurement_is_note(tombstone->selector.measurement)))
            continue;
        if (about.kind == PACK_PLAIN || about.settled < tombstone->ingest)
            return false;
        if (about.kind == PACK_HISTORY && !tombstone->erase && about.floor < tombstone->ingest)
            return false;
    }
    return true;
}
