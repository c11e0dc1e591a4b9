#include "query/join_rows.h"

#include <assert.h>
#include <stdlib.h>

/* --- groups --- */

struct member {
    const struct bytes *values; /* of the tags, in the order of the first selection that has some */
    uint32_t key_count;
    uint32_t selection;
    size_t group; /* of its table */
};

static struct bytes value_of(const struct group *group, struct bytes key)
{
    for (uint32_t i = 0; i < group->tag_count; i++)
        if (bytes_equal(group->tags[i].key, key))
            return group->tags[i].value;
    return BYTES("");
}

static int compare_values(const struct member *a, const struct member *b)
{
    int order = 0;

    for (uint32_t i = 0; i < a->key_count && order == 0; i++)
        order = bytes_compare(a->values[i], b->values[i]);
    return order;
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = compare_values(x, y);

    return order != 0 ? order : (x->selection > y->selection) - (x->selection < y->selection);
}

static bool is_grouped(const struct selection *selection)
{
    return selection->query->group_tag_count > 0;
}

/* Of all selections that are grouped, in the order of the answer. */
static bool collect_members(const struct join *join, const struct plan *const *plans,
                            const struct table *tables, struct plan *plan, struct member **members,
                            size_t *count)
{
    uint32_t keys = (uint32_t)plan->tag_key_count;
    size_t n = 0;

    for (uint32_t i = 0; i < join->count; i++)
        n += is_grouped(&join->selections[i]) ? tables[i].group_count : 0;
    *members = ARENA_ARRAY(&plan->arena, struct member, n);
    *count = 0;
    for (uint32_t i = 0; *members && i < join->count; i++) {
        for (size_t g = 0; is_grouped(&join->selections[i]) && g < tables[i].group_count; g++) {
            const struct group *group = &plans[i]->groups[tables[i].groups[g].group];
            struct bytes *values = ARENA_ARRAY(&plan->arena, struct bytes, keys);

            if (!values)
                return false;
            for (uint32_t k = 0; k < keys; k++)
                values[k] = value_of(group, plan->tag_keys[k]);
            (*members)[(*count)++] = (struct member){values, keys, i, g};
        }
    }
    if (*count > 1)
        qsort(*members, *count, sizeof(**members), compare_members);
    return *members != NULL;
}

/* Whether the kind of join has a group of which these selections have rows. */
static bool wanted(const struct join *join, const size_t *picked)
{
    for (uint32_t i = 0; i < join->count; i++)
        if (picked[i] == SIZE_MAX &&
            (join->kind == JOIN_INNER || (join->kind == JOIN_LEFT && i == 0)))
            return false;
    return true;
}

static bool name_group(struct plan *plan, const struct member *member)
{
    struct series_tag *tags = ARENA_ARRAY(&plan->arena, struct series_tag, plan->tag_key_count);
    struct group *group = &plan->groups[plan->group_count];

    if (!tags)
        return false;
    *group = (struct group){.tags = tags};
    for (uint32_t k = 0; member && k < member->key_count; k++)
        if (member->values[k].size > 0)
            tags[group->tag_count++] = (struct series_tag){plan->tag_keys[k], member->values[k]};
    return true;
}

/* Those with equal tags, from `first` on, with what joins all groups; sets *end behind them. */
static void pick(const struct join *join, const struct table *tables, const struct member *members,
                 size_t count, size_t first, size_t *end, size_t *picked)
{
    size_t at = first;

    for (uint32_t i = 0; i < join->count; i++)
        picked[i] = is_grouped(&join->selections[i]) || tables[i].group_count == 0 ? SIZE_MAX : 0;
    for (; at < count && compare_values(&members[first], &members[at]) == 0; at++)
        picked[members[at].selection] = members[at].group;
    *end = at;
}

static void choose_keys(const struct join *join, struct plan *plan)
{
    for (uint32_t i = 0; i < join->count && plan->tag_key_count == 0; i++) {
        plan->tag_keys = join->selections[i].query->group_tags;
        plan->tag_key_count = join->selections[i].query->group_tag_count;
    }
}

bool join_groups_make(const struct join *join, const struct plan *const *plans,
                      const struct table *tables, struct plan *plan, const size_t **picked)
{
    struct member *members;
    size_t *all, count, most;

    choose_keys(join, plan);
    if (!collect_members(join, plans, tables, plan, &members, &count))
        return false;
    most = count ? count : 1; /* no groups: what joins all of them stands alone */
    plan->groups = ARENA_ARRAY(&plan->arena, struct group, most);
    all = __builtin_mul_overflow(most, (size_t)join->count, &most)
              ? NULL
              : ARENA_ARRAY(&plan->arena, size_t, most);
    if (!plan->groups || !all)
        return false;
    for (size_t first = 0, end = 0; first < count || (count == 0 && end == 0); first = end) {
        size_t *mine = &all[plan->group_count * join->count];

        pick(join, tables, members, count, first, &end, mine);
        if (wanted(join, mine)) {
            if (!name_group(plan, count ? &members[first] : NULL))
                return false;
            plan->group_count++;
        }
        if (count == 0)
            break;
    }
    *picked = all;
    return true;
}

/* --- times --- */

void join_rows_init(struct join_rows *rows, enum join_kind kind, bool descending,
                    struct join_source *sources, uint32_t count, struct watch *watch)
{
    bool one = kind != JOIN_OUTER, driven = false;

    *rows = (struct join_rows){
        .kind = kind, .descending = descending, .sources = sources, .count = count, .watch = watch};
    for (uint32_t i = 0; i < count; i++) {
        sources[i].drives = sources[i].selection->spread_ns == 0 && !(one && driven);
        driven |= sources[i].drives;
    }
    assert(driven);
}

void join_rows_begin(struct join_rows *rows, const size_t *picked)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct join_source *source = &rows->sources[i];
        struct table_group none = {0, 0, 0};
        const struct table_group *group =
            picked[i] == SIZE_MAX ? &none : &source->table->groups[picked[i]];

        source->row_first = group->row_first;
        source->row_end = group->row_end;
        source->at = rows->descending ? group->row_end : group->row_first;
    }
}

/* The next row of the walk; SIZE_MAX: there is none. */
static size_t row_ahead(const struct join_rows *rows, const struct join_source *source)
{
    if (rows->descending)
        return source->at > source->row_first ? source->at - 1 : SIZE_MAX;
    return source->at < source->row_end ? source->at : SIZE_MAX;
}

static bool next_time(struct join_rows *rows)
{
    bool found = false;

    for (uint32_t i = 0; i < rows->count; i++) {
        size_t row = rows->sources[i].drives ? row_ahead(rows, &rows->sources[i]) : SIZE_MAX;
        int64_t time;

        if (row == SIZE_MAX)
            continue;
        time = table_time(rows->sources[i].table, row);
        if (!found || (rows->descending ? time > rows->time : time < rows->time))
            rows->time = time;
        found = true;
    }
    return found;
}

/* The row at that very time; those before it in the walk are passed. */
static size_t row_at(struct join_rows *rows, struct join_source *source)
{
    for (;;) {
        size_t row = row_ahead(rows, source);
        int64_t time = row == SIZE_MAX ? 0 : table_time(source->table, row);

        if (row == SIZE_MAX || (rows->descending ? time < rows->time : time > rows->time))
            return SIZE_MAX;
        source->at = rows->descending ? row : row + 1;
        rows->passed++;
        if (time == rows->time)
            return row;
    }
}

/* The last one that is not later, if it is not too old. */
static size_t row_held(struct join_rows *rows, struct join_source *source)
{
    size_t before = source->at;
    int64_t age;

    while (source->at < source->row_end && table_time(source->table, source->at) <= rows->time)
        source->at++;
    while (source->at > source->row_first && table_time(source->table, source->at - 1) > rows->time)
        source->at--;
    rows->passed += source->at > before ? source->at - before : before - source->at;
    if (source->at == source->row_first)
        return SIZE_MAX;
    if (source->selection->spread_ns != INT64_MAX &&
        (__builtin_sub_overflow(rows->time, table_time(source->table, source->at - 1), &age) ||
         age >= source->selection->spread_ns))
        return SIZE_MAX;
    return source->at - 1;
}

enum code join_rows_next(struct join_rows *rows, size_t *row, struct error *err)
{
    while (next_time(rows)) {
        bool whole = true;
        enum code code;

        for (uint32_t i = 0; i < rows->count; i++) {
            struct join_source *source = &rows->sources[i];

            row[i] =
                source->selection->spread_ns > 0 ? row_held(rows, source) : row_at(rows, source);
            whole = whole && row[i] != SIZE_MAX;
        }
        code = watch_work(rows->watch, rows->passed + 1, err);
        rows->passed = 0;
        if (code)
            return code;
        if (whole || rows->kind != JOIN_INNER)
            return OK;
    }
    return E_END;
}
