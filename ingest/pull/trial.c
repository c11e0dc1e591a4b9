#include "ingest/pull/trial.h"

#include <inttypes.h>

#include "base/number.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "ingest/pull/asking.h"

struct trial {
    const struct trial_terms *terms;
    struct buf points;
    uint64_t shown;
};

/* --- points --- */

static void put_value(struct buf *out, const struct point_field *field)
{
    char text[NUMBER_TEXT_SIZE];

    switch (field->type) {
    case TYPE_F64:
        buf_put(out, (struct bytes){text, number_print_f64(field->cell.f64, text)});
        break;
    case TYPE_I64:
        buf_printf(out, "%" PRId64, field->cell.i64);
        break;
    case TYPE_U64:
        buf_printf(out, "%" PRIu64, field->cell.u64);
        break;
    case TYPE_BOOL:
        buf_put_text(out, field->cell.u64 != 0 ? "true" : "false");
        break;
    case TYPE_STRING:
        json_put_text(out, text_bytes(field->cell.text));
        break;
    case TYPE_NONE:
    case TYPE_RETRACTED:
        buf_put_text(out, "null");
        break;
    }
}

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)timestamp_print(ns, text), text);
}

static void put_point(struct buf *out, const struct point *point, int64_t revision)
{
    bool any = false;

    buf_put_text(out, "{\"measurement\":");
    json_put_text(out, point->measurement);
    buf_put_text(out, ",\"tags\":{");
    for (uint32_t i = 0; i < point->tag_count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        json_put_text(out, point->tags[i].key);
        buf_put_char(out, ':');
        json_put_text(out, point->tags[i].value);
    }
    buf_put_char(out, '}');
    put_time(out, "time", point->time);
    if (revision != INT64_MIN)
        put_time(out, "known_at", revision);
    buf_put_text(out, ",\"fields\":{");
    for (uint32_t i = 0; i < point->field_count; i++) {
        if (point->fields[i].type == TYPE_RETRACTED) /* a row that is new has none */
            continue;
        if (any)
            buf_put_char(out, ',');
        any = true;
        json_put_text(out, point->fields[i].name);
        buf_put_char(out, ':');
        put_value(out, &point->fields[i]);
    }
    buf_put_text(out, "}}");
}

static enum code take_point(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct trial *trial = context;

    (void)err;
    if (trial->shown == TRIAL_POINTS_MAX)
        return OK;
    if (trial->shown++ > 0)
        buf_put_char(&trial->points, ',');
    put_point(&trial->points, point, revision);
    return OK;
}

static void forget_points(void *context)
{
    struct trial *trial = context;

    buf_clear(&trial->points);
    trial->shown = 0;
}

/* --- what is told --- */

static void put_faults(struct buf *out, const struct mapper_counts *counts)
{
    buf_put_text(out, ",\"faults\":[");
    for (size_t i = 0; i < counts->fault_count; i++) {
        buf_printf(out, "%s{\"row\":%" PRIu64 ",\"at\":", i > 0 ? "," : "", counts->faults[i].row);
        json_put_text(out, counts->faults[i].at);
        buf_put_text(out, ",\"detail\":");
        json_put_text(out, counts->faults[i].text);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void put_next(const struct trial_terms *terms, const struct reading_facts *facts,
                     struct buf *out)
{
    const struct page_position first = {BYTES(""), 0};
    const struct page_facts page = {
        .rows = facts_rows(facts),
        .empty_body = facts->empty_body,
        .at_path = facts->at_path,
        .total = facts->total,
        .headers = terms->headers,
        .header_count = terms->header_count,
        .url = terms->url,
    };
    struct page_position next;
    struct error why = {0};
    struct arena arena;
    bool more = false;

    arena_init(&arena, SIZE_MAX, NULL);
    buf_put_text(out, ",\"next\":");
    if (paging_next(terms->source, &first, &page, &arena, &more, &next, &why) != OK || !more)
        buf_put_text(out, "null");
    else
        json_put_text(out, next.text);
    if (why.text[0] != '\0') {
        buf_put_text(out, ",\"next_fault\":");
        json_put_text(out, bytes_of(why.text));
    }
    arena_release(&arena);
}

static void put_all(const struct trial *trial, const struct reading_facts *facts,
                    const struct error *why, struct buf *out)
{
    const struct source_outcome *rule = facts->verdict.rule;

    buf_printf(out, "\"outcome\":\"%s\",\"rule\":", source_do_names[facts->verdict.what]);
    if (rule == NULL)
        buf_put_text(out, "null");
    else
        buf_printf(out, "\"/outcomes/%td\"", rule - trial->terms->source->outcomes);
    buf_printf(out,
               ",\"bytes\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"clipped\":%" PRIu64
               ",\"without_values\":%" PRIu64 ",\"faulty\":%" PRIu64,
               facts->plain_bytes, facts->counts.rows, facts->counts.clipped, facts->counts.empty,
               facts->counts.faulty);
    buf_put_text(out, ",\"message\":");
    if (facts->message.size > 0)
        json_put_text(out, facts->message);
    else if (why->text[0] != '\0')
        json_put_text(out, bytes_of(why->text));
    else
        buf_put_text(out, "null");
    put_faults(out, &facts->counts);
    buf_put_text(out, ",\"warnings\":");
    value_finds_put(&facts->counts.finds, trial->terms->source, out);
    if (facts->verdict.what == SOURCE_OK)
        put_next(trial->terms, facts, out);
    buf_printf(out, ",\"points_made\":%" PRIu64 ",\"points\":[", facts->counts.points);
    if (facts->verdict.what == SOURCE_OK)
        buf_put(out, buf_bytes(&trial->points));
    buf_put_char(out, ']');
}

static void mask(const struct hidden *hidden, struct reading_facts *facts, struct error *why)
{
    char *message = (char *)(uintptr_t)facts->message.data; /* a copy of the reading's */

    hidden_mask(hidden, message, facts->message.size);
    hidden_mask(hidden, why->text, strlen(why->text));
}

enum code trial_run(const struct trial_terms *terms, struct buf *out, struct error *err)
{
    struct trial trial = {.terms = terms, .points = BUF_INIT(16 << 20)};
    const struct reading_terms page = {
        .source = terms->source,
        .partition = terms->partition,
        .windowed = terms->windowed,
        .start_ns = terms->start_ns,
        .end_ns = terms->end_ns,
        .fetched_ns = terms->now_ns,
        .body = terms->body,
        .status = terms->status,
        .headers = terms->headers,
        .header_count = terms->header_count,
        .body_before = BYTES(""),
        .limits = terms->limits,
        .plain_bytes_max = terms->plain_bytes_max,
    };
    const struct reading_sink sink = {take_point, forget_points, &trial};
    struct reading_facts facts;
    struct reading *reading;
    struct error why = {0};
    enum code code = reading_look(&page, &sink, &reading, &facts, &why);

    if (code) {
        *err = why;
        goto out;
    }
    if (facts.verdict.what == SOURCE_OK && trial.shown == 0 && facts.counts.points > 0) /* large */
        code = reading_write(reading, err);
    if (code == OK && terms->hidden != NULL)
        mask(terms->hidden, &facts, &why);
    if (code == OK)
        put_all(&trial, &facts, &why, out);
    reading_free(reading);

out:
    buf_release(&trial.points);
    return code ? code : buf_finish(out, err);
}
