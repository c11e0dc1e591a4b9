#include "ingest/rows/row_clock.h"

#include "base/zone.h"
#include "ingest/rows/row_text.h"

enum { TIME_SIZE_MAX = 1024, ORDER_BYTES_MAX = 16 << 20 };

#define SECOND_NS INT64_C(1000000000)
#define NEAR_S (2 * INT64_C(86400))   /* to a turn of clocks; rows may be sparse */
#define APART_S (20 * INT64_C(86400)) /* less than turns are from each other */

static bool is_ordered(const struct source_time *time)
{
    return time->ambiguous == SOURCE_AMBIGUOUS_ORDER && time->zone != NULL &&
           !zone_is_fixed(time->zone) && time->index_slot == SOURCE_NO_SLOT &&
           time->format.kind != SOURCE_TIME_UNIX;
}

bool row_clock_hangs_on_order(const struct source_time *time, int64_t start_ns, int64_t end_ns)
{
    int64_t end_s = end_ns / SECOND_NS + NEAR_S;

    if (!is_ordered(time))
        return false;
    for (int64_t at_s = start_ns / SECOND_NS - NEAR_S; at_s < end_s; at_s += APART_S)
        if (zone_offset(time->zone, at_s) != zone_offset(time->zone, at_s + APART_S))
            return true;
    return false;
}

void row_clock_init(struct row_clock *clock, const struct source_time *time, struct arena *arena)
{
    *clock = (struct row_clock){.time = time, .arena = arena, .text = BUF_INIT(TIME_SIZE_MAX)};
    clock->asked_from_ns = INT64_MIN;
    clock->ordered = is_ordered(time);
}

void row_clock_release(struct row_clock *clock)
{
    map_release(&clock->before_by_series);
    buf_release(&clock->text);
}

/* --- texts --- */

static enum code leaf(const struct tree_row *row, uint32_t slot, const char *what,
                      struct bytes *text, struct error *err)
{
    return row_leaf(&row->slots[slot], text)
               ? OK
               : error_set(err, E_BAD_TIME, "the row has no %s", what);
}

/* One of the paths of `time`. */
static enum code time_leaf(const struct source_time *time, const struct tree_row *row, size_t index,
                           struct bytes *text, struct error *err)
{
    const struct tree_value *value = &row->slots[time->slots[index]];
    enum code code = leaf(row, time->slots[index], "time", text, err);

    if (code == OK || time->paths == NULL)
        return code;
    return error_set(err, code, "the row has no time: \"%.*s\" %s", BYTES_ARG(time->paths[index]),
                     value->kind == TREE_END    ? "leads nowhere"
                     : value->kind == TREE_NULL ? "is null"
                                                : "is no text and no number");
}

/* The text, or the texts joined by a space. */
static enum code joined(struct row_clock *clock, const struct tree_row *row, struct bytes *text,
                        struct error *err)
{
    const struct source_time *time = clock->time;
    enum code code = time_leaf(time, row, 0, text, err);

    if (time->slot_count > 1) {
        buf_clear(&clock->text);
        for (size_t i = 0; code == OK && i < time->slot_count; i++) {
            code = time_leaf(time, row, i, text, err);
            if (i > 0)
                buf_put_char(&clock->text, ' ');
            buf_put(&clock->text, *text);
        }
        if (clock->text.failed && !clock->text.limited)
            return error_set(err, E_MEMORY, "no memory for a time");
        *text = buf_bytes(&clock->text);
    }
    if (code == OK && (clock->text.limited || text->size > TIME_SIZE_MAX))
        return error_set(err, E_BAD_TIME, "the time has more than %d bytes", TIME_SIZE_MAX);
    return code;
}

static bool remembered(const struct row_memo *memo, struct bytes text)
{
    return memo->size > 0 && memo->size == text.size &&
           memcmp(memo->text, text.data, text.size) == 0;
}

static void remember(struct row_memo *memo, struct bytes text)
{
    memo->size = text.size <= sizeof(memo->text) ? text.size : 0;
    if (memo->size > 0)
        memcpy(memo->text, text.data, text.size);
}

/* With the day that it is, where it is a date. */
static enum code memo_base(struct row_memo *memo, const struct source_time_format *format,
                           const struct zone *zone, enum source_ambiguous ambiguous,
                           struct bytes text, struct row_base *base, struct error *err)
{
    bool date_only;
    enum code code;

    if (!remembered(memo, text)) {
        memo->size = 0;
        code = row_time_parse(format, zone, ambiguous, text, NULL, &memo->ns, &date_only, err);
        if (code)
            return code;
        memo->end_ns = date_only ? row_step_day_end(zone, memo->ns) : INT64_MAX;
        remember(memo, text);
    }
    *base = (struct row_base){memo->ns, memo->end_ns};
    return OK;
}

enum code row_memo_time(struct row_memo *memo, const struct source_time_format *format,
                        const struct zone *zone, enum source_ambiguous ambiguous, struct bytes text,
                        int64_t *ns, struct error *err)
{
    struct row_base base;
    enum code code = memo_base(memo, format, zone, ambiguous, text, &base, err);

    if (code == OK)
        *ns = base.ns;
    return code;
}

static enum code read_step(struct row_clock *clock, const struct tree_row *row, struct span *step,
                           struct error *err)
{
    struct row_memo *memo = &clock->step;
    struct bytes text;
    enum code code;

    *step = clock->time->step;
    if (clock->time->step_slot == SOURCE_NO_SLOT)
        return OK;
    code = leaf(row, clock->time->step_slot, "step", &text, err);
    if (code == OK && !remembered(memo, text)) {
        code = row_step_parse(text, &memo->step, err);
        if (code == OK)
            remember(memo, text);
    }
    if (code == OK)
        *step = memo->step;
    return code;
}

/* --- times --- */

/* Of the pages before, or nothing. */
static struct row_time_before recalled(const struct row_clock *clock, struct bytes series)
{
    const struct row_time_before *before = NULL;

    if (clock->order != NULL)
        before = series.size == 0 ? &clock->order->alone
                                  : map_get(&clock->order->before_by_series, series);
    return before == NULL ? (struct row_time_before){0} : *before;
}

/* NULL: no memory. */
static struct row_time_before *before_of(struct row_clock *clock, struct bytes series)
{
    struct row_time_before *before;
    struct bytes key;

    if (series.size == 0) {
        if (!clock->begun)
            clock->alone = recalled(clock, series);
        clock->begun = true;
        return &clock->alone;
    }
    before = map_get(&clock->before_by_series, series);
    if (before != NULL)
        return before;
    before = ARENA_NEW(clock->arena, struct row_time_before);
    key = arena_copy(clock->arena, series);
    if (before == NULL || key.data == NULL || !map_put(&clock->before_by_series, key, before))
        return NULL;
    *before = recalled(clock, series);
    return before;
}

static bool is_near_turn(const struct zone *zone, int64_t ns)
{
    int64_t second = ns / SECOND_NS;

    return zone_offset(zone, second - NEAR_S) != zone_offset(zone, second + NEAR_S);
}

static bool keep_series(struct row_order *order, const struct map_slot *slot)
{
    struct row_time_before *before =
        map_get_hashed(&order->before_by_series, slot->key, slot->hash);
    struct bytes key;

    if (before == NULL) {
        before = ARENA_NEW(&order->arena, struct row_time_before);
        key = arena_copy(&order->arena, slot->key);
        if (before == NULL || key.data == NULL ||
            !map_put_hashed(&order->before_by_series, key, slot->hash, before))
            return false;
    }
    *before = *(const struct row_time_before *)slot->value;
    return true;
}

void row_clock_keep(const struct row_clock *clock, struct row_order *order)
{
    const struct map_slot *slot;
    bool room = true;

    if (!clock->ordered)
        return;
    if (order->arena.chunks == NULL)
        arena_init(&order->arena, ORDER_BYTES_MAX, NULL);
    if (clock->begun)
        order->alone = clock->alone;
    for (size_t i = 0; room && (slot = map_next(&clock->before_by_series, &i)) != NULL;) {
        const struct row_time_before *before = slot->value;

        if (before->any && is_near_turn(clock->time->zone, before->ns))
            room = keep_series(order, slot);
    }
}

void row_order_release(struct row_order *order)
{
    map_release(&order->before_by_series);
    arena_release(&order->arena);
    *order = (struct row_order){0};
}

/* A row that would be before all that was asked for, as none so far was, is of the second time. */
static enum code place_asked(struct row_clock *clock, struct bytes text,
                             const struct row_time_before *before, struct row_place *place,
                             struct error *err)
{
    const struct source_time *time = clock->time;

    if (place->ns >= clock->asked_from_ns || (before->any && before->ns < clock->asked_from_ns))
        return OK;
    return row_time_parse(&time->format, time->zone, SOURCE_AMBIGUOUS_SECOND, text, NULL,
                          &place->ns, NULL, err);
}

static enum code told(struct row_clock *clock, struct bytes text, struct bytes series,
                      struct row_place *place, struct error *err)
{
    const struct source_time *time = clock->time;
    struct row_time_before *before = clock->ordered ? before_of(clock, series) : NULL;
    enum code code;

    if (clock->ordered && before == NULL)
        return error_set(err, E_MEMORY, "no memory for the times of series");
    code = row_time_parse(&time->format, time->zone, time->ambiguous, text, before, &place->ns,
                          NULL, err);
    if (code == OK && before != NULL)
        code = place_asked(clock, text, before, place, err);
    if (code)
        return code;
    place->origin_ns = place->ns;
    if (before != NULL) {
        if (!before->any || place->ns != before->ns)
            before->falls = before->any && place->ns < before->ns;
        before->any = true;
        before->ns = place->ns;
    }
    return OK;
}

enum code row_clock_place(struct row_clock *clock, const struct tree_row *row, struct bytes series,
                          struct row_place *place, struct error *err)
{
    const struct source_time *time = clock->time;
    struct bytes text, index;
    struct row_base base;
    struct span step = {0};
    enum code code = joined(clock, row, &text, err);

    *place = (struct row_place){0};
    if (code == OK && (time->index_slot != SOURCE_NO_SLOT || time->label_end || time->fill))
        code = read_step(clock, row, &step, err);
    if (code == OK && time->index_slot != SOURCE_NO_SLOT) {
        code =
            memo_base(&clock->base, &time->format, time->zone, time->ambiguous, text, &base, err);
        if (code == OK)
            code = leaf(row, time->index_slot, "index", &index, err);
        if (code == OK)
            code = row_step_index(time, &base, &step, index, place, err);
    } else if (code == OK) {
        code = told(clock, text, series, place, err);
    }
    if (code)
        return code;
    place->step = step;
    if (time->label_end) {
        place->count--;
        code = row_step_from(place, 0, time->zone, &place->ns, err);
    }
    return code;
}

enum code row_clock_to(struct row_clock *clock, const struct tree_row *row, int64_t *to_ns,
                       bool *given, struct error *err)
{
    const struct source_time *time = clock->time;
    struct bytes text;
    enum code code;

    *given = time->fill_to_slot != SOURCE_NO_SLOT;
    if (!*given)
        return OK;
    code = leaf(row, time->fill_to_slot, "end of what is repeated", &text, err);
    if (code == OK)
        code =
            row_memo_time(&clock->to, &time->format, time->zone, time->ambiguous, text, to_ns, err);
    return code;
}
