#include "query/explain.h"

#include "query/answer.h"
#include "query/cost.h"

enum { TEXT_BYTES_MAX = 64 << 10 };

static void put_count(struct buf *text, const char *name, uint64_t count)
{
    buf_printf(text, "%s\"%s\":%llu",
               text->size > 0 && text->data[text->size - 1] != '{' ? "," : "", name,
               (unsigned long long)count);
}

/* A time, or null where the range has no such end. */
static void put_time(struct buf *text, const char *name, bool known, int64_t ns)
{
    char time[TIMESTAMP_TEXT_SIZE];

    buf_printf(text, "\"%s\":", name);
    if (known)
        buf_printf(text, "\"%.*s\"", (int)timestamp_print(ns, time), time);
    else
        buf_put_text(text, "null");
}

/* All limits of queries, by the names that they are set by. */
static void put_limits(struct buf *text, const struct limits *limits)
{
    static const char *const others[] = {"page_rows_max"};
    struct limits copy = *limits;

    buf_put_text(text, ",\"limits\":{");
    for (size_t i = 0; i < limit_row_count; i++) {
        const struct limit_row *row = &limit_rows[i];
        bool shown = strncmp(row->name, "query_", 6) == 0;

        for (size_t k = 0; k < COUNT_OF(others); k++)
            shown |= strcmp(row->name, others[k]) == 0;
        if (shown)
            put_count(text, row->name, *limit_of(&copy, row));
    }
    buf_put_char(text, '}');
}

static void print(const struct plan *plan, const struct cost *cost, enum code refused,
                  struct buf *text)
{
    buf_put_char(text, '{');
    put_count(text, "series", plan->series_count);
    put_count(text, "groups", plan->group_count - plan->group_first);
    put_count(text, "columns", plan->column_count);
    buf_put_text(text, ",\"places\":{");
    put_count(text, "head", cost->head_places);
    put_count(text, "blocks", cost->blocks);
    put_count(text, "summarised", cost->summarised);
    buf_put_char(text, '}');
    put_count(text, "rows_at_least", cost->rows_least);
    put_count(text, "rows_at_most", cost->rows_most);
    put_count(text, "bytes_at_least", cost->bytes_least);
    put_count(text, "bytes_at_most", cost->bytes_most);
    if (cost->windows_known)
        put_count(text, "windows", cost->windows);
    else
        buf_put_text(text, ",\"windows\":null");
    if (refused)
        buf_printf(text, ",\"refused\":\"%s\"", code_row(refused)->slug);
    else
        buf_put_text(text, ",\"refused\":null");
    put_limits(text, plan->environment->limits);
    buf_put_text(text, ",\"range\":{");
    put_time(text, "start", plan->start > INT64_MIN, plan->start);
    buf_put_char(text, ',');
    put_time(text, "end", plan->end < INT64_MAX, plan->end);
    buf_put_text(text, "},");
    put_time(text, "as_of", true, plan->as_of);
    result_put_warnings(plan, text);
    buf_put_text(text, "}\n");
}

enum code explain_run(struct answer *answer, struct query_sink *sink, struct query_outcome *outcome,
                      struct error *err)
{
    const struct plan *plan = &answer->plan;
    const struct query_head head = {
        .content_type = format_rows[FORMAT_JSON].content_type,
        .cache_control = "no-cache",
        .as_of = plan->as_of,
        .missing = plan->missing.texts,
        .missing_count = plan->missing.count,
        .warnings = plan->warnings.texts,
        .warning_count = plan->warnings.count,
        .whole = true,
    };
    struct buf text = BUF_INIT(TEXT_BYTES_MAX);
    struct cost cost;
    enum code code = cost_survey(answer, &cost, err);

    if (code)
        return code;
    print(plan, &cost, cost_limit(answer, &cost, NULL), &text);
    code = buf_finish(&text, err);
    if (!code)
        code = sink->begin(sink, &head, err);
    outcome->begun = code == OK;
    if (!code)
        code = sink->write(sink, buf_bytes(&text), err);
    outcome->bytes_out = code ? 0 : text.size;
    buf_release(&text);
    return code;
}
