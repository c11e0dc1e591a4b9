#include "query/etag.h"

#include <stdio.h>

#include "base/hash.h"
#include "model/series.h"

/* Sizes go in too, so that no two questions run together to the same bytes. */
static void add_span(struct hash128_state *hash, struct bytes bytes)
{
    uint64_t size = bytes.size;

    hash128_add(hash, (struct bytes){(const char *)&size, sizeof(size)});
    hash128_add(hash, bytes);
}

static void add_spans(struct hash128_state *hash, const struct bytes *list, size_t count)
{
    uint64_t size = count;

    hash128_add(hash, (struct bytes){(const char *)&size, sizeof(size)});
    for (size_t i = 0; i < count; i++)
        add_span(hash, list[i]);
}

static void add_numbers(struct hash128_state *hash, const int64_t *numbers, size_t count)
{
    add_span(hash, (struct bytes){(const char *)numbers, count * sizeof(*numbers)});
}

static void add_question(struct hash128_state *hash, const struct plan *plan)
{
    const struct query *query = plan->query;
    /* What where=, let= and top= say is told by the texts alone. */
    bool conditional =
        query->filter_count > 0 || query->computed_count > 0 || query->top > 0 || query->stats;
    const int64_t conditions[] = {conditional ? (int64_t)query->identity : 0};
    const int64_t numbers[] = {
        plan->start,
        plan->end,
        plan->clamped,
        plan->final,
        query->as_of_given,
        query->as_of_given ? query->as_of : 0,
        query->grid.kind,
        query->grid.every,
        query->grid.first,
        query->grid.offset_ns,
        query->fill.kind,
        query->fill.value.type,
        query->fill.value.cell.i64,
        query->grouping,
        query->descending,
        query->versions,
        query->changes,
        query->since,
        query->downsample,
        query->points,
        query->gap,
        query->strict,
        query->format,
        query->flat,
        query->integer_text,
        query->epoch_given,
        query->epoch,
        (int64_t)query->limit,
        query->resumed,
        query->cursor.as_of,
        (int64_t)query->cursor.id.high,
        (int64_t)query->cursor.id.low,
        query->cursor.time,
        query->cursor.known_from,
    };

    add_numbers(hash, numbers, COUNT_OF(numbers));
    if (query->stats) /* each has a row, and others count for `missing` */
        add_spans(hash, plan->fields, plan->field_count);
    add_span(hash, query->tz);
    add_numbers(hash, conditions, COUNT_OF(conditions));
    add_span(hash, query->selector.measurement);
    for (uint32_t i = 0; i < query->selector.matcher_count; i++) {
        const struct matcher *matcher = &query->selector.matchers[i];
        const int64_t op[] = {matcher->op};

        add_numbers(hash, op, 1);
        add_span(hash, matcher->key);
        add_span(hash, matcher->value);
    }
    add_spans(hash, query->group_tags, query->group_tag_count);
    add_span(hash, query->resumed ? query->cursor.group : BYTES(""));
}

void etag_make(const struct plan *plan, char etag[ETAG_SIZE])
{
    const struct tenant *tenant = plan->environment->tenant;
    const int64_t newest[] = {plan->ingest_last, plan->erased_last,
                              plan->view ? view_deleted_last(plan->view) : 0};
    const int64_t guests = plan->view ? view_guests(plan->view) : 0;
    const uint64_t column_count = plan->column_count;
    struct hash128_state hash;
    struct hash128 sum;
    int size;

    hash128_begin(&hash);
    add_span(&hash, tenant ? tenant->name : BYTES(""));
    add_question(&hash, plan);
    add_span(&hash, plan->environment->content_encoding);
    add_span(&hash, (struct bytes){(const char *)&column_count, sizeof(column_count)});
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct aggregate_call *aggregate = plan->columns[i].aggregate;
        const int64_t unit[] = {aggregate ? aggregate->unit_ns : 0}; /* not in the name */

        add_span(&hash, plan->columns[i].name);
        add_numbers(&hash, unit, 1);
    }
    add_spans(&hash, plan->tag_keys, plan->tag_key_count);
    add_numbers(&hash, newest, COUNT_OF(newest));
    if (guests != 0) /* rows of other members come late, below what was answered */
        add_numbers(&hash, &guests, 1);
    add_spans(&hash, plan->missing.texts, plan->missing.count);
    add_spans(&hash, plan->warnings.texts, plan->warnings.count);
    sum = hash128_end(&hash);
    size = snprintf(etag, ETAG_SIZE, "%s\"", plan->query->as_of_given ? "" : "W/");
    for (size_t i = 0; i < sizeof(sum.bytes); i++)
        size += snprintf(etag + size, ETAG_SIZE - (size_t)size, "%02x", sum.bytes[i]);
    (void)snprintf(etag + size, ETAG_SIZE - (size_t)size, "\"");
}

static struct bytes without_weakness(struct bytes etag)
{
    bool weak = etag.size >= 2 && etag.data[0] == 'W' && etag.data[1] == '/';

    return weak ? bytes_slice(etag, 2, etag.size) : etag;
}

bool etag_matches(struct bytes if_none_match, const char *etag)
{
    struct bytes ours = without_weakness(bytes_of(etag));
    struct bytes rest = if_none_match;

    while (rest.size > 0) {
        const char *comma = memchr(rest.data, ',', rest.size);
        size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
        struct bytes part = bytes_slice(rest, 0, size);

        rest = bytes_slice(rest, comma ? size + 1 : size, rest.size);
        while (part.size > 0 && (part.data[0] == ' ' || part.data[0] == '\t'))
            part = bytes_slice(part, 1, part.size);
        while (part.size > 0 &&
               (part.data[part.size - 1] == ' ' || part.data[part.size - 1] == '\t'))
            part.size--;
        if (bytes_equal(part, BYTES("*")) || bytes_equal(without_weakness(part), ours))
            return true;
    }
    return false;
}
