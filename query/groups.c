#include "query/groups.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/reader.h"

enum { POSITION_BYTES_MAX = 32 << 10 }; /* a cursor must fit a request line */

struct member {
    const struct bytes *values; /* of the tags that group, in their order */
    struct series *series;
};

static struct bytes tag_value(const struct series_tag *tags, uint32_t count, struct bytes key)
{
    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal(tags[i].key, key))
            return tags[i].value;
    return BYTES("");
}

static int compare_values(const struct bytes *a, const struct bytes *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int order = bytes_compare(a[i], b[i]);

        if (order != 0)
            return order;
    }
    return 0;
}

static int compare_members(const void *a, const void *b, void *tag_count)
{
    const struct member *x = a, *y = b;
    int order = compare_values(x->values, y->values, *(const uint32_t *)tag_count);

    return order != 0 ? order : series_id_compare(x->series->id, y->series->id);
}

static struct member *sorted_members(struct plan *plan)
{
    const struct query *query = plan->query;
    uint32_t tag_count = query->group_tag_count;
    struct member *members = ARENA_ARRAY(&plan->arena, struct member, plan->series_count);
    struct bytes *values = NULL;
    size_t value_count;

    if (!__builtin_mul_overflow(plan->series_count, (size_t)tag_count, &value_count))
        values = ARENA_ARRAY(&plan->arena, struct bytes, value_count);
    if (!members || !values)
        return NULL;
    for (size_t i = 0; i < plan->series_count; i++) {
        const struct series *series = plan->series[i];

        members[i] = (struct member){values, plan->series[i]};
        for (uint32_t tag = 0; tag < tag_count; tag++)
            *values++ = tag_value(series->tags, series->tag_count, query->group_tags[tag]);
    }
    if (plan->series_count > 1)
        qsort_r(members, plan->series_count, sizeof(*members), compare_members, &tag_count);
    return members;
}

static bool group_by_tags(struct plan *plan)
{
    const struct query *query = plan->query;
    uint32_t tag_count = query->group_tag_count;
    struct member *members = sorted_members(plan);

    plan->groups = ARENA_ARRAY(&plan->arena, struct group, plan->series_count);
    if (!members || !plan->groups)
        return false;
    for (size_t i = 0; i < plan->series_count; i++) {
        struct group *group = &plan->groups[plan->group_count];
        struct series_tag *tags;

        plan->series[i] = members[i].series;
        if (i > 0 && compare_values(members[i - 1].values, members[i].values, tag_count) == 0) {
            group[-1].series_end = i + 1;
            continue;
        }
        tags = ARENA_ARRAY(&plan->arena, struct series_tag, tag_count);
        if (!tags)
            return false;
        *group = (struct group){.tags = tags, .series_first = i, .series_end = i + 1};
        for (uint32_t tag = 0; tag < tag_count; tag++)
            if (members[i].values[tag].size > 0)
                tags[group->tag_count++] =
                    (struct series_tag){query->group_tags[tag], members[i].values[tag]};
        plan->group_count++;
    }
    return true;
}

static bool group_each(struct plan *plan)
{
    plan->groups = ARENA_ARRAY(&plan->arena, struct group, plan->series_count);
    if (!plan->groups)
        return false;
    for (size_t i = 0; i < plan->series_count; i++)
        plan->groups[i] =
            (struct group){plan->series[i]->tags, plan->series[i]->tag_count, i, i + 1};
    plan->group_count = plan->series_count;
    return true;
}

static bool group_all(struct plan *plan)
{
    plan->groups = ARENA_NEW(&plan->arena, struct group);
    if (!plan->groups)
        return false;
    plan->groups[0] = (struct group){.series_end = plan->series_count};
    plan->group_count = plan->series_count > 0;
    return true;
}

/* --- pages --- */

bool group_position(struct plan *plan, const struct group *group, struct series_id *id,
                    struct bytes *values)
{
    const struct query *query = plan->query;
    struct buf buf = BUF_INIT(POSITION_BYTES_MAX);
    bool made;

    *id = (struct series_id){0, 0};
    *values = (struct bytes){"", 0};
    if (query_is_raw(query) || query->grouping == GROUP_SERIES) {
        *id = plan->series[group->series_first]->id;
        return true;
    }
    for (uint32_t i = 0; i < query->group_tag_count; i++)
        buf_put_span(&buf, tag_value(group->tags, group->tag_count, query->group_tags[i]));
    made = !buf.failed;
    if (made && buf.size > 0) {
        *values = arena_copy(&plan->arena, buf_bytes(&buf));
        made = values->data != NULL;
    }
    buf_release(&buf);
    return made;
}

/* The group against where the cursor stands. */
static int compare_to_cursor(const struct plan *plan, const struct group *group)
{
    const struct query *query = plan->query;
    struct reader reader = reader_of(query->cursor.group);

    if (query_is_raw(query) || query->grouping == GROUP_SERIES)
        return series_id_compare(plan->series[group->series_first]->id, query->cursor.id);
    for (uint32_t i = 0; i < query->group_tag_count; i++) {
        struct bytes value = reader_span(&reader);
        int order =
            bytes_compare(tag_value(group->tags, group->tag_count, query->group_tags[i]), value);

        if (order != 0)
            return order;
    }
    return 0;
}

static void skip_pages(struct plan *plan)
{
    const struct query *query = plan->query;
    bool whole = !query_is_raw(query) && grid_is_whole(&query->grid); /* its one row was told */

    if (!query->resumed)
        return;
    while (plan->group_first < plan->group_count) {
        int order = compare_to_cursor(plan, &plan->groups[plan->group_first]);

        if (order > 0 || (order == 0 && !whole))
            return;
        plan->group_first++;
    }
}

/* --- tags as columns --- */

static int compare_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* The keys of all series' tags, sorted. */
static bool collect_tag_keys(struct plan *plan)
{
    struct map seen = MAP_INIT;
    struct bytes *keys = NULL;
    const struct map_slot *slot;
    size_t count = 0;
    bool made = true;

    for (size_t i = 0; i < plan->series_count && made; i++) {
        const struct series *series = plan->series[i];

        for (uint32_t tag = 0; tag < series->tag_count && made; tag++)
            if (!map_get(&seen, series->tags[tag].key))
                made = map_put(&seen, series->tags[tag].key, plan);
    }
    if (made)
        keys = ARENA_ARRAY(&plan->arena, struct bytes, seen.count);
    for (size_t i = 0; keys && (slot = map_next(&seen, &i)) != NULL;)
        keys[count++] = slot->key;
    if (count > 1)
        qsort(keys, count, sizeof(*keys), compare_bytes);
    plan->tag_keys = keys;
    plan->tag_key_count = count;
    map_release(&seen);
    return keys != NULL;
}

enum code groups_make(struct plan *plan, struct error *err)
{
    const struct query *query = plan->query;
    bool each = query_is_raw(query) || query->grouping == GROUP_SERIES, made;

    if (each)
        made = group_each(plan);
    else if (query->grouping == GROUP_TAGS)
        made = group_by_tags(plan);
    else
        made = group_all(plan);
    if (made && query->flat && each)
        made = collect_tag_keys(plan);
    if (query->grouping == GROUP_TAGS) {
        plan->tag_keys = query->group_tags;
        plan->tag_key_count = query->group_tag_count;
    }
    if (!made)
        return watch_memory(plan->watch, err);
    skip_pages(plan);
    return OK;
}
