#include "ingest/rows/row_group.h"

#include <inttypes.h>

#include "codec/point.h"

enum { SHOWN_MAX = 64 };

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the tags of a source");
}

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

enum code row_name_check(struct bytes text, const char *what, uint64_t bytes_max,
                         enum code code_long, struct error *err)
{
    size_t at;

    if (text.size > bytes_max)
        return error_set(err, code_long, "the %s has %zu bytes, %" PRIu64 " are allowed", what,
                         text.size, bytes_max);
    return name_plain(text) ? OK : name_check(text, what, &at, err);
}

static enum code check_name(const struct row_groups *groups, struct bytes name, const char *what,
                            struct error *err)
{
    return row_name_check(name, what, groups->limits->name_bytes_max, E_NAME_LONG, err);
}

static enum code tag_value(struct row_groups *groups, const struct row_group_tag *tag,
                           const struct tree_row *row, struct bytes *value, struct error *err)
{
    bool there = true;
    enum code code = OK;

    if (tag->tag->from_slot)
        there = row_leaf(&row->slots[tag->tag->slot], value);
    else
        code = row_text_of(&tag->text, row, groups->texts, value, &there, err);
    if (code)
        return code;
    if (value->size == 0)
        return tag->tag->required ? error_set(err, E_SYNTAX, "the row has no tag \"%.*s\"",
                                              BYTES_ARG(shown(tag->tag->name)))
                                  : OK;
    code =
        row_name_check(*value, "tag value", groups->limits->tag_value_bytes_max, E_VALUE_LONG, err);
    if (code)
        error_context(err, "tag \"%.*s\"", BYTES_ARG(shown(tag->tag->name)));
    return code;
}

/* `row` is NULL for a group that is constant. */
static enum code fill_group(struct row_groups *groups, struct row_group *group,
                            const struct tree_row *row, struct error *err)
{
    bool there;
    enum code code =
        row_text_of(&group->measurement, row, groups->texts, &group->measured, &there, err);

    if (code == OK && !there)
        return error_set(err, E_SYNTAX, "the row has no measurement: its path leads nowhere");
    if (code == OK && !(groups->bare && group == groups->items && group->measured.size == 0))
        code = check_name(groups, group->measured, "measurement", err);
    group->now_count = 0;
    for (size_t i = 0; code == OK && i < group->tag_count; i++) {
        struct bytes value = {"", 0};

        code = tag_value(groups, &group->tags[i], row, &value, err);
        if (code || value.size == 0)
            continue;
        if (group->now_count == groups->limits->tags_max)
            return error_set(err, E_TAGS_MANY, "more than the %" PRIu64 " tags allowed of a point",
                             groups->limits->tags_max);
        group->now[group->now_count++] =
            (struct series_tag){.key = group->tags[i].tag->name, .value = value};
    }
    group->ready = code == OK;
    return code;
}

static bool same_series(const struct row_group *a, const struct row_group *b)
{
    if (!bytes_equal(a->measured, b->measured) || a->now_count != b->now_count)
        return false;
    for (size_t i = 0; i < a->now_count; i++)
        if (!bytes_equal(a->now[i].key, b->now[i].key) ||
            !bytes_equal(a->now[i].value, b->now[i].value))
            return false;
    return true;
}

/* Finds the first group that comes to the same. */
static void join(struct row_groups *groups, struct row_group *group)
{
    group->same = group;
    for (struct row_group *other = groups->items; other < group; other++)
        if (other->ready && other->same == other && same_series(other, group)) {
            group->same = other;
            return;
        }
}

enum code row_group_ready(struct row_groups *groups, struct row_group *group,
                          const struct tree_row *row, struct error *err)
{
    enum code code;

    if (group->ready)
        return OK;
    code = fill_group(groups, group, row, err);
    if (code == OK)
        join(groups, group);
    return code;
}

static enum code make_tag(struct row_groups *groups, const struct source_tag *tag,
                          struct arena *arena, struct row_group *group, struct error *err)
{
    struct row_group_tag *made = group->tags;
    enum code code = check_name(groups, tag->name, "tag key", err);

    while (made < group->tags + group->tag_count && !bytes_equal(made->tag->name, tag->name))
        made++; /* a value's own tag goes for the document's */
    group->tag_count += made == group->tags + group->tag_count;
    *made = (struct row_group_tag){.tag = tag};
    if (code == OK && !tag->from_slot)
        code = row_text_make(&tag->text, groups->partition, arena, &made->text, err);
    return code;
}

enum code row_group_add(struct row_groups *groups, const struct source_value *value,
                        struct arena *arena, struct error *err)
{
    const struct source *source = groups->source;
    struct row_group *group = &groups->items[groups->count++];
    size_t own = value == NULL ? 0 : value->tag_count, most = source->tag_count + own;
    bool has = value != NULL && value->has_measurement;
    enum code code = row_text_make(has ? &value->measurement : &source->measurement,
                                   groups->partition, arena, &group->measurement, err);

    group->tags = ARENA_ARRAY(arena, struct row_group_tag, most);
    group->now = ARENA_ARRAY(arena, struct series_tag, most);
    if (group->tags == NULL || group->now == NULL)
        return no_memory(err);
    for (size_t i = 0; code == OK && i < most; i++)
        code = make_tag(
            groups, i < source->tag_count ? &source->tags[i] : &value->tags[i - source->tag_count],
            arena, group, err);
    group->constant = group->measurement.constant;
    for (size_t i = 0; i < group->tag_count; i++)
        group->constant =
            group->constant && !group->tags[i].tag->from_slot && group->tags[i].text.constant;
    group->same = group;
    if (code == OK && group->constant)
        code = row_group_ready(groups, group, NULL, err);
    return code;
}
