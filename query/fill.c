/* Walks the grid in the order of the answer, beside the sorted list of windows that rows made.  A
 * hole of a column is filled from the last window passed with a value and from the next one that
 * has one; the latter is searched once and then kept until it is passed. */
#include "query/fill.h"

#include <math.h>

#include "query/plan.h"
#include "query/window.h"

enum { LOOK_STEPS = 1024 }; /* 0.1 ms of calendar windows between two looks at the clock */

/* The nearest window on one side that has a value in a column. */
struct side {
    bool any;
    size_t index; /* in the order of the answer; the side ahead looks on from here */
    int64_t time;
    struct datum value;
};

struct filling {
    const struct plan *plan;
    const struct windows *windows;
    enum fill_kind kind;
    bool descending;
    bool done;
    size_t at; /* of the windows that rows made so many are behind the one at hand */
    struct window empty;
    int64_t start, end;          /* the window at hand */
    int64_t last;                /* start of the answer's last */
    struct side *passed, *ahead; /* by column */
};

/* The `index`th in the order of the answer. */
static const struct window *window_at(const struct filling *filling, size_t index)
{
    const struct windows *windows = filling->windows;

    return &windows->windows[filling->descending ? windows->count - 1 - index : index];
}

static void finish(const struct filling *filling, const struct window *window, uint32_t column,
                   struct datum *value)
{
    const struct plan_column *row = &filling->plan->columns[column];

    window_finish(filling->windows, window, row->field, row->aggregate, value);
}

/* Where the answer begins and ends, and that it may have so many windows. */
static enum code lay_out(struct filling *filling, struct watch *watch, struct error *err)
{
    const struct plan *plan = filling->plan;
    const struct windows *windows = filling->windows;
    const struct grid *grid = &windows->grid;
    int64_t first = windows->windows[0].start, last = windows->windows[windows->count - 1].start;
    int64_t start, end;
    size_t steps = 0;
    enum code code = OK;

    if (plan->query->start_given)
        first = grid_start(grid, plan->start, &end);
    if (plan->end < INT64_MAX)
        last = grid_start(grid, plan->end - 1, &end);
    start = grid_start(grid, first, &end);
    for (size_t i = 0; start <= last && !code;) {
        if (i < windows->count && windows->windows[i].start == start)
            i++;
        else
            code = watch_window(watch, plan->column_count, err);
        if (!code && ++steps % LOOK_STEPS == 0)
            code = watch_look(watch, err);
        if (start == last)
            break;
        start = grid_start(grid, end, &end);
    }
    filling->last = filling->descending ? first : last;
    filling->start = grid_start(grid, filling->descending ? last : first, &filling->end);
    return code;
}

enum code filling_begin(const struct plan *plan, struct windows *windows, struct filling **filling,
                        struct error *err)
{
    struct arena *arena = &windows->arena;
    struct filling *walk = ARENA_NEW(arena, struct filling);

    *filling = walk;
    if (!walk)
        return watch_memory(windows->watch, err);
    *walk = (struct filling){
        .plan = plan,
        .windows = windows,
        .kind = plan->query->fill.kind,
        .descending = plan->query->descending,
        /* A group without rows says nothing, whatever the fill: else a series that is made later
         * would change answers as of before. */
        .done = windows->count == 0,
    };
    if (walk->done || walk->kind == FILL_NONE)
        return OK;
    walk->empty.states = arena_zero(arena, windows->field_count * windows->field_size);
    walk->passed = ARENA_ARRAY(arena, struct side, plan->column_count);
    walk->ahead = ARENA_ARRAY(arena, struct side, plan->column_count);
    if (!walk->empty.states || !walk->passed || !walk->ahead)
        return watch_memory(windows->watch, err);
    return lay_out(walk, windows->watch, err);
}

static const struct side *look_ahead(struct filling *filling, uint32_t column)
{
    struct side *side = &filling->ahead[column];
    size_t index = side->index > filling->at ? side->index : filling->at;

    if (side->any && side->index >= filling->at)
        return side;
    side->any = false;
    for (; index < filling->windows->count && !side->any; index++) {
        const struct window *window = window_at(filling, index);

        finish(filling, window, column, &side->value);
        *side = (struct side){side->value.type != TYPE_NONE, index, window->start, side->value};
    }
    if (!side->any)
        side->index = index;
    return side;
}

static double real_of(const struct datum *value)
{
    if (value->is_wide)
        return (double)value->integer;
    if (value->type == TYPE_F64)
        return value->cell.f64;
    return value->type == TYPE_I64 ? (double)value->cell.i64 : (double)value->cell.u64;
}

static void between(const struct side *before, const struct side *after, int64_t time,
                    struct datum *value)
{
    double from, to, part;

    if (!before->any || !after->any || value_kind(before->value.type) != KIND_NUMBER ||
        value_kind(after->value.type) != KIND_NUMBER)
        return;
    from = real_of(&before->value);
    to = real_of(&after->value);
    part = (double)((wide)time - before->time) / (double)((wide)after->time - before->time);
    /* Of opposite ends of f64 the difference is infinite, but not the halves of it. */
    from = isfinite(to - from) ? from + (to - from) * part : from * (1 - part) + to * part;
    if (isfinite(from))
        *value = (struct datum){.type = TYPE_F64, .cell.f64 = from};
}

/* Puts what the fill says in place of a null. */
static void fill_in(struct filling *filling, uint32_t column, struct datum *value)
{
    const struct side *passed = &filling->passed[column], *before = passed;

    switch (filling->kind) {
    case FILL_NONE:
    case FILL_NULL:
        break;
    case FILL_VALUE:
        *value = filling->plan->query->fill.value;
        break;
    case FILL_PREVIOUS:
        if (filling->descending)
            before = look_ahead(filling, column);
        if (before->any)
            *value = before->value;
        break;
    case FILL_LINEAR:
        if (filling->descending)
            between(look_ahead(filling, column), passed, filling->start, value);
        else
            between(passed, look_ahead(filling, column), filling->start, value);
        break;
    }
}

static void step(struct filling *filling)
{
    const struct grid *grid = &filling->windows->grid;

    if (filling->kind == FILL_NONE)
        filling->done = filling->at == filling->windows->count;
    else if (filling->start == filling->last)
        filling->done = true;
    else if (filling->descending)
        filling->start = grid_start(grid, filling->start - 1, &filling->end);
    else
        filling->start = grid_start(grid, filling->end, &filling->end);
}

bool filling_next(struct filling *filling, int64_t *start, struct datum *values)
{
    const struct window *window = NULL;

    if (filling->done)
        return false;
    if (filling->at < filling->windows->count)
        window = window_at(filling, filling->at);
    if (window && (filling->kind == FILL_NONE || window->start == filling->start)) {
        filling->start = window->start;
        filling->at++;
    } else {
        window = &filling->empty;
    }
    for (uint32_t i = 0; i < filling->plan->column_count; i++) {
        finish(filling, window, i, &values[i]);
        if (filling->kind == FILL_NONE)
            continue;
        if (values[i].type == TYPE_NONE)
            fill_in(filling, i, &values[i]);
        else if (window != &filling->empty)
            filling->passed[i] = (struct side){true, filling->at - 1, window->start, values[i]};
    }
    *start = filling->start;
    step(filling);
    return true;
}
