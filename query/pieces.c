/* A piece is some hundred microseconds at least, and the wanted number of them for what is large:
 * few enough that merging does not count, and enough that the thread that ends first does not wait
 * long for the other. */
#include "query/pieces.h"

enum {
    STANDING_ROWS = 64,     /* a header that stands for a block's rows costs as much as these */
    SOUGHT_SERIES_MAX = 64, /* whose places are looked for, where the plan kept none */
};

/* --- how much there is --- */

static uint64_t weigh_place(const struct pieces *pieces, const struct place *place)
{
    const struct summary_use *use = pieces->order.use;
    bool stands = use->allowed && place->in_pack && !place->apart &&
                  summary_in_one_window(use, place->time_first, place->time_last);
    uint64_t rows = stands && place->row_count > STANDING_ROWS ? STANDING_ROWS : place->row_count;

    return rows * pieces->order.plan->field_count;
}

static const struct plan_places *places_of(const struct pieces *pieces, size_t series)
{
    return &pieces->places[series - pieces->series_base];
}

static uint64_t weigh_series(const struct pieces *pieces, size_t series)
{
    const struct plan_places *list = places_of(pieces, series);
    uint64_t values = 0;

    if (!list->places)
        return pieces->values_guessed;
    for (size_t i = 0; i < list->count; i++)
        values += weigh_place(pieces, &list->places[i]);
    return values;
}

/* Of all series, or of some of many. */
static enum code look_for_places(struct pieces *pieces, size_t first, size_t end,
                                 struct arena *arena, struct error *err)
{
    const struct plan *plan = pieces->order.plan;
    struct plan_places *found = ARENA_ARRAY(arena, struct plan_places, end - first);
    size_t step = 1 + (end - first) / SOUGHT_SERIES_MAX;

    if (!found)
        return watch_memory(plan->watch, err);
    pieces->places = found;
    pieces->series_base = first;
    for (size_t i = first; i < end; i += step) {
        struct plan_places *list = &found[i - first];
        enum code code =
            view_places(plan->view, plan->series[i], plan->start, plan->end,
                        query_wants_versions(plan->query), arena, &list->places, &list->count, err);

        if (!code)
            code = watch_step(plan->watch, err);
        if (code)
            return code == E_MEMORY ? watch_memory(plan->watch, err) : code;
    }
    return OK;
}

/* Those whose places are not known are taken for one like the others. */
static void sum_up(struct pieces *pieces, size_t first, size_t end)
{
    size_t known = 0;

    for (size_t i = first; i < end; i++) {
        pieces->values += weigh_series(pieces, i);
        known += places_of(pieces, i)->places != NULL;
    }
    pieces->values_guessed = known ? pieces->values / known : 0;
    pieces->values += pieces->values_guessed * (end - first - known);
}

enum code pieces_init(struct pieces *pieces, const struct pieces_order *order, uint64_t values_min,
                      struct arena *arena, struct error *err)
{
    const struct plan *plan = order->plan;
    size_t first, end;
    enum code code = OK;

    *pieces = (struct pieces){.order = *order, .places = plan->places, .group = order->group_first};
    if (order->group_first == order->group_end || !plan->view)
        return OK;
    first = pieces->series = plan->groups[order->group_first].series_first;
    end = plan->groups[order->group_end - 1].series_end;
    if (!plan->places)
        code = look_for_places(pieces, first, end, arena, err);
    if (code)
        return code;
    sum_up(pieces, first, end);
    pieces->target = 1 + pieces->values / PIECES_WANTED;
    if (pieces->target < values_min / 2)
        pieces->target = values_min / 2;
    return OK;
}

/* --- cuts --- */

/* Where the next part of the series ends, at a place's beginning, so that few blocks are read
 * twice; `end`: there is no cut any more. */
static int64_t cut(struct pieces *pieces, int64_t end)
{
    const struct plan_places *list = places_of(pieces, pieces->series);
    uint64_t values = 0;

    for (size_t i = pieces->part_place; i + 1 < list->count; i++) {
        int64_t time;

        values += weigh_place(pieces, &list->places[i]);
        if (values < pieces->target)
            continue;
        time = list->places[i + 1].time_first;
        if (pieces->order.align && time > pieces->part_start && time < end)
            time = pieces->order.align(pieces->order.context, time);
        if (time <= pieces->part_start || time >= end)
            continue;
        pieces->part_place = i + 1;
        return time;
    }
    return end;
}

static void next_part(struct pieces *pieces, struct piece *piece)
{
    piece->part = true;
    piece->series_end = piece->series_first + 1;
    piece->start = pieces->part_start;
    piece->end = cut(pieces, piece->end);
    pieces->part_start = piece->end;
}

/* Whether the series' rows are parted: they are much more than a piece. */
static bool is_long(const struct pieces *pieces, size_t series, uint64_t values)
{
    return !pieces->order.series_whole && places_of(pieces, series)->places &&
           values >= 2 * pieces->target;
}

/* Series up to the piece's size, up to one that is parted. */
static void next_series(struct pieces *pieces, struct piece *piece)
{
    const struct group *group = &pieces->order.plan->groups[piece->group];
    uint64_t values = 0;
    size_t i = piece->series_first;

    while (i < group->series_end && values < pieces->target) {
        uint64_t more = weigh_series(pieces, i);

        if (is_long(pieces, i, more)) {
            pieces->parted = i == piece->series_first;
            break;
        }
        values += more;
        i++;
    }
    piece->series_end = i;
    pieces->part_start = piece->start;
    pieces->part_place = 0;
}

bool pieces_next(struct pieces *pieces, struct piece *piece)
{
    const struct pieces_order *order = &pieces->order;
    const struct group *group = &order->plan->groups[pieces->group];
    int64_t end;

    if (pieces->group == order->group_end)
        return false;
    *piece = (struct piece){
        .group = pieces->group,
        .first = pieces->series == group->series_first && !pieces->parted,
        .series_first = pieces->series,
        .start = pieces->group == order->group_first ? order->start : order->plan->start,
        .end = pieces->group == order->group_first ? order->end : order->plan->end,
    };
    end = piece->end;
    if (!pieces->parted)
        next_series(pieces, piece);
    if (pieces->parted)
        next_part(pieces, piece);
    pieces->parted = pieces->parted && piece->end < end;
    if (!pieces->parted)
        pieces->series = piece->series_end;
    piece->last = pieces->series == group->series_end;
    pieces->group += piece->last;
    return true;
}
