/* A name that is known costs a lookup or two; only for one that is not the others are gone
 * through. */
#include "query/warnings.h"

#include "base/buf.h"
#include "catalog/catalog.h"
#include "codec/utf8.h"
#include "query/plan.h"

enum {
    TEXT_BYTES_MAX = 1024,
    NAME_BYTES_MAX = 64, /* of a name that is told: four warnings stand in the answer's head */
};

static void put_name(struct buf *text, struct bytes name)
{
    struct bytes told =
        bytes_slice(name, 0, name.size < NAME_BYTES_MAX ? name.size : NAME_BYTES_MAX);

    told = bytes_slice(told, 0, utf8_check(told)); /* whole characters */
    buf_put_char(text, '"');
    buf_put(text, told); /* a NUL in it, too */
    buf_put_text(text, told.size < name.size ? "...\"" : "\"");
}

/* Takes the text. */
static bool add(struct warnings *warnings, struct buf *text, struct arena *arena)
{
    struct bytes copy = {NULL, 0};

    for (uint32_t i = 0; i < warnings->count && !text->failed; i++) {
        if (bytes_equal(warnings->texts[i], buf_bytes(text))) {
            buf_release(text);
            return true;
        }
    }
    if (!text->failed)
        copy = arena_copy(arena, buf_bytes(text));
    buf_release(text);
    if (!copy.data)
        return false;
    warnings->texts[warnings->count++] = copy;
    return true;
}

static bool is_computed(const struct query *query, struct bytes name)
{
    for (uint32_t i = 0; i < query->computed_count; i++)
        if (bytes_equal(query->computed[i].name, name))
            return true;
    return false;
}

/* A tag asked for as a field, or the other way round; NULL when it is neither. */
static const char *mistaken_for(const struct plan *plan, enum noun noun, struct bytes name)
{
    const struct query_environment *environment = plan->environment;
    enum noun other = noun == NOUN_FIELD ? NOUN_TAG : NOUN_FIELD;

    if (noun == NOUN_MEASUREMENT || !catalog_knows(environment->catalog, environment->tenant, other,
                                                   plan->query->selector.measurement, name))
        return NULL;
    return other == NOUN_TAG ? "; it is a tag, for match and group_by"
                             : "; it is a field, for fields and where";
}

/* False when memory ran out, or the catalog would have to be gone through for a question at once.
 */
static bool check(struct plan *plan, enum noun noun, struct bytes name)
{
    const struct query_environment *environment = plan->environment;
    struct bytes measurement = plan->query->selector.measurement, nearest = BYTES("");
    struct buf text = BUF_INIT(TEXT_BYTES_MAX);
    const char *mistaken = NULL;

    if (plan->warnings.count == WARNINGS_MAX ||
        (noun == NOUN_FIELD && is_computed(plan->query, name)))
        return true;
    for (uint32_t i = 0; i < plan->warnings.count; i++)
        if (plan->warnings.nouns[i] == noun && bytes_equal(plan->warnings.names[i], name))
            return true;
    if (environment->tenant) {
        if (catalog_knows(environment->catalog, environment->tenant, noun, measurement, name))
            return true;
        if (query_is_at_once(environment))
            return false;
        mistaken = mistaken_for(plan, noun, name);
        nearest =
            catalog_nearest(environment->catalog, environment->tenant, noun, measurement, name);
    }
    if (noun == NOUN_TAG) {
        buf_put_text(&text, "no series of ");
        put_name(&text, measurement);
        buf_put_text(&text, " has the tag ");
        put_name(&text, name);
    } else {
        buf_put_text(&text, noun == NOUN_FIELD ? "no field " : "no measurement ");
        put_name(&text, name);
    }
    if (noun == NOUN_FIELD) {
        buf_put_text(&text, " in ");
        put_name(&text, measurement);
    }
    if (mistaken) {
        buf_put_text(&text, mistaken);
    } else if (nearest.size > 0) {
        buf_put_text(&text, "; the nearest is ");
        put_name(&text, nearest);
    }
    plan->warnings.nouns[plan->warnings.count] = noun;
    plan->warnings.names[plan->warnings.count] = name; /* lives as long as the question */
    return add(&plan->warnings, &text, &plan->arena);
}

static bool check_fields(struct plan *plan)
{
    const struct query *query = plan->query;
    bool ok = true;

    for (uint32_t i = 0; i < query->field_count && ok; i++)
        ok = check(plan, NOUN_FIELD, query->fields[i]);
    for (uint32_t i = 0; i < query->filter_count && ok; i++)
        ok = check(plan, NOUN_FIELD, query->filters[i].name);
    for (uint32_t i = 0; i < query->computed_count; i++)
        for (uint32_t n = 0; n < query->computed[i].expression.name_count && ok; n++)
            ok = check(plan, NOUN_FIELD, query->computed[i].expression.names[n]);
    return ok;
}

static bool check_tags(struct plan *plan)
{
    const struct query *query = plan->query;
    bool ok = true;

    for (uint32_t i = 0; i < query->selector.matcher_count && ok; i++)
        ok = check(plan, NOUN_TAG, query->selector.matchers[i].key);
    for (uint32_t i = 0; i < query->group_tag_count && ok; i++)
        ok = check(plan, NOUN_TAG, query->group_tags[i]);
    return ok;
}

bool warnings_make(struct plan *plan)
{
    if (plan->query->events) /* which say nothing but rows */
        return true;
    if (!check(plan, NOUN_MEASUREMENT, plan->query->selector.measurement))
        return false;
    if (plan->warnings.count > 0) /* where nothing is known, nothing else would be */
        return true;
    return check_fields(plan) && check_tags(plan);
}

bool warnings_take(struct plan *plan, const struct warnings *from, struct bytes selection)
{
    bool ok = true;

    for (uint32_t i = 0; i < from->count && plan->warnings.count < WARNINGS_MAX && ok; i++) {
        struct buf text = BUF_INIT(TEXT_BYTES_MAX);

        buf_put_text(&text, "selection ");
        put_name(&text, selection);
        buf_put_text(&text, ": ");
        buf_put(&text, from->texts[i]);
        ok = add(&plan->warnings, &text, &plan->arena);
    }
    return ok;
}
