/* What is different from the answer as of `since` (GET /v1/changes): of each row time the values of
 * now, whether it was added, changed or removed, and from when on it has been so.  With where= the
 * answer has rows that pass alone: one that did and does not any more is removed, so that who keeps
 * the answer does not keep it.
 *
 * Only where something of a later ingest time lies can anything differ: the times of such rows and
 * deletions are gathered into spans first, and the series is read within these alone.
 *
 * What was erased since then is removed here, as if it had been deleted: as long as its rows are in
 * the files at all. */
#include <assert.h>
#include <stdlib.h>

#include "query/answer.h"

/* Times [first, last] in which something is newer than `since`. */
struct span {
    int64_t first, last;
};

struct spans {
    struct arena arena;
    struct place *places; /* of the series */
    size_t place_count;
    struct span *spans; /* ascending, apart from each other */
    size_t count;
};

/* --- where to look --- */

/* Rows that were erased since then were there at `since`. */
static void changes_group_begin(struct answer *answer)
{
    const struct plan *plan = &answer->plan;

    for (uint32_t i = 0; i < plan->deletions.list.count; i++) {
        struct deletion *deletion = &plan->deletions.list.each[i];

        if (deletion->ingest > plan->query->since && deletion->ingest <= plan->as_of)
            deletion->erase = false;
    }
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static void spans_add(struct spans *spans, int64_t first, int64_t last, int64_t start, int64_t end)
{
    first = first < start ? start : first;
    last = last >= end ? end - 1 : last;
    if (first <= last)
        spans->spans[spans->count++] = (struct span){first, last};
}

static void spans_merge(struct spans *spans)
{
    size_t kept = 0;

    if (spans->count > 1)
        qsort(spans->spans, spans->count, sizeof(*spans->spans), compare_spans);
    for (size_t i = 0; i < spans->count; i++) {
        struct span span = spans->spans[i];

        if (kept > 0 && span.first <= spans->spans[kept - 1].last) {
            if (span.last > spans->spans[kept - 1].last)
                spans->spans[kept - 1].last = span.last;
        } else {
            spans->spans[kept++] = span;
        }
    }
    spans->count = kept;
}

static enum code find_places(struct answer *answer, size_t index, int64_t start, int64_t end,
                             struct spans *spans, struct error *err)
{
    const struct plan *plan = &answer->plan;
    enum code code;

    if (plan->places && plan->places[index].places) {
        spans->places = plan->places[index].places;
        spans->place_count = plan->places[index].count;
        return OK;
    }
    code = view_places(plan->view, plan->series[index], start, end, true, &spans->arena,
                       &spans->places, &spans->place_count, err);
    return code == E_MEMORY ? watch_memory(plan->watch, err) : code;
}

/* Release also after a failure. */
static enum code spans_find(struct answer *answer, size_t index, int64_t start, int64_t end,
                            struct spans *spans, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct budget *memory = &plan->watch->memory;
    struct deletion_list deletions;
    int64_t since = plan->query->since, first, last;
    enum code code;

    *spans = (struct spans){0};
    arena_init(&spans->arena, memory->bytes_max, memory);
    code = find_places(answer, index, start, end, spans, err);
    if (!code)
        code = deletions_of(&plan->deletions, plan->series[index], spans->places,
                            spans->place_count, plan->watch, &spans->arena, &deletions, err);
    if (code)
        return code;
    spans->spans = ARENA_ARRAY(&spans->arena, struct span, spans->place_count + deletions.count);
    if (!spans->spans)
        return watch_memory(plan->watch, err);
    for (size_t i = 0; i < spans->place_count; i++)
        if (spans->places[i].ingest_first <= plan->as_of &&
            place_times_since(&spans->places[i], since, &first, &last))
            spans_add(spans, first, last, start, end);
    for (uint32_t i = 0; i < deletions.count; i++)
        if (deletions.each[i].ingest > since && deletions.each[i].ingest <= plan->as_of)
            spans_add(spans, deletions.each[i].start, deletions.each[i].end - 1, start, end);
    spans_merge(spans);
    return OK;
}

/* --- one row --- */

static int64_t ingest_of(const struct version *version)
{
    return version->place->rows.ingest[version->row];
}

/* The newest ingest time in (since, until] at which the row's answer may have changed; `since`:
 * there is none. */
static int64_t newest_event(const struct scan *scan, const struct stretch *stretch, int64_t since,
                            int64_t until)
{
    const struct covering *covering = &scan->covering;
    int64_t newest = since;

    for (size_t i = 0; i < stretch->version_count; i++) {
        int64_t ingest = ingest_of(&stretch->versions[i]);

        if (ingest > newest && ingest <= until)
            newest = ingest;
    }
    for (uint32_t i = 0; i < covering->count; i++)
        if (covering->each[i]->ingest > newest && covering->each[i]->ingest <= until)
            newest = covering->each[i]->ingest;
    return newest;
}

static bool same(const struct datum *a, const struct datum *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!datum_equal(&a[i], &b[i]))
            return false;
    return true;
}

/* The row of the answer as of `as_of`, which may have none: how many of `values` there are. */
static uint32_t state_at(struct answer *answer, const struct stretch *stretch, size_t count,
                         int64_t as_of, struct datum *values)
{
    const struct plan *plan = &answer->plan;
    struct datum *resolved = plan->sieve ? answer->sources : values;
    uint32_t valid = versions_resolve(stretch->versions, count, as_of, plan->field_count, resolved,
                                      answer->decided);

    if (!plan->sieve)
        return valid;
    if (valid > 0)
        valid = sieve_row(plan->sieve, resolved, values);
    for (uint32_t i = 0; valid == 0 && i < plan->column_count; i++)
        values[i].type = TYPE_NONE;
    return valid;
}

/* From when on the row has been what it is now: the newest event before which it was not.  `event`
 * is the newest of all. */
static enum code find_known_from(struct answer *answer, const struct stretch *stretch, size_t count,
                                 int64_t event, int64_t *known_from, struct error *err)
{
    const struct plan *plan = &answer->plan;
    int64_t since = plan->query->since;
    enum code code = OK;

    while (!code) {
        assert(event > since); /* at `since` it was not */
        (void)state_at(answer, stretch, count, event - 1, answer->before);
        *known_from = event;
        if (!same(answer->before, answer->values, plan->column_count))
            return OK;
        event = newest_event(&answer->scan, stretch, since, event - 1);
        code = watch_work(plan->watch, count + answer->scan.covering.count, err);
    }
    return code;
}

static enum code tell(struct answer *answer, size_t group, const struct stretch *stretch,
                      struct error *err)
{
    const struct plan *plan = &answer->plan;
    int64_t since = plan->query->since;
    int64_t event = newest_event(&answer->scan, stretch, since, plan->as_of);
    struct result_row out = {.time = stretch->time, .values = answer->values};
    uint32_t now, then;
    size_t count;
    enum code code;

    if (event == since)
        return OK;
    count = versions_sort(stretch->versions, stretch->version_count, plan->as_of);
    now = state_at(answer, stretch, count, plan->as_of, answer->values);
    then = state_at(answer, stretch, count, since, answer->before);
    if (same(answer->values, answer->before, plan->column_count))
        return OK;
    out.change = then == 0 ? "added" : now == 0 ? "removed" : "changed";
    code = find_known_from(answer, stretch, count, event, &out.known_from, err);
    return code ? code : answer_emit(answer, group, &out, err);
}

/* --- one series --- */

static enum code changes_span(struct answer *answer, size_t group, const struct span *span,
                              struct error *err)
{
    struct scan *scan = &answer->scan;
    enum code code = watch_step(answer->plan.watch, err);

    scan_seek(scan, span->first, span->last);
    while (!code && !answer->more) {
        struct stretch stretch;

        scan_forget(scan);
        code = scan_next(scan, &stretch, err);
        if (!code)
            code = tell(answer, group, &stretch, err);
    }
    return code == E_END ? OK : code;
}

/* One scan for all spans: a block that many of them touch is read once. */
static enum code changes_spans(struct answer *answer, size_t group, size_t index,
                               const struct spans *spans, struct error *err)
{
    bool descending = answer->plan.query->descending;
    struct scan *scan = &answer->scan;
    enum code code =
        scan_open(scan, &answer->setting, answer->plan.series[index], spans->spans[0].first,
                  spans->spans[spans->count - 1].last + 1, spans->places, spans->place_count, err);

    for (size_t i = 0; i < spans->count && !code && !answer->more; i++)
        code =
            changes_span(answer, group, &spans->spans[descending ? spans->count - 1 - i : i], err);
    scan_release(scan);
    return code;
}

static enum code changes_scan(struct answer *answer, size_t group, size_t index, int64_t start,
                              int64_t end, struct error *err)
{
    struct spans spans;
    enum code code = watch_step(answer->plan.watch, err);

    if (code)
        return code;
    code = spans_find(answer, index, start, end, &spans, err);
    if (!code && spans.count > 0)
        code = changes_spans(answer, group, index, &spans, err);
    arena_release(&spans.arena);
    return code;
}

const struct answer_way way_changes = {.begin = changes_group_begin, .scan = changes_scan};
