#include "server/plan_text.h"

#include "codec/json_doc.h"

enum { DEPTH_MAX = 4, NAME_WIDTH = 26 };

/* `second` is of the same line: "FIRST to SECOND". */
static const struct {
    const char *name, *object, *first, *second;
} rows[] = {
    {"series",                  NULL,     "series",         NULL           },
    {"groups",                  NULL,     "groups",         NULL           },
    {"columns",                 NULL,     "columns",        NULL           },
    {"windows of each group",   NULL,     "windows",        NULL           },
    {"runs of rows in memory",  "places", "head",           NULL           },
    {"blocks in packs",         "places", "blocks",         NULL           },
    {"of these, headers alone", "places", "summarised",     NULL           },
    {"rows to read",            NULL,     "rows_at_least",  "rows_at_most" },
    {"bytes of blocks to read", NULL,     "bytes_at_least", "bytes_at_most"},
    {"range",                   "range",  "start",          "end"          },
    {"as of",                   NULL,     "as_of",          NULL           },
    {"refused",                 NULL,     "refused",        NULL           },
};

static void put_value(const struct json *value, struct buf *out)
{
    enum json_kind kind = value ? json_kind(value) : JSON_KIND_NULL;

    if (kind == JSON_KIND_INTEGER)
        buf_printf(out, "%lld", (long long)json_integer_of(value));
    else if (kind == JSON_KIND_TEXT)
        buf_put(out, json_text_of(value));
    else
        buf_put_text(out, "-");
}

static void put_row(const struct json *plan, size_t i, struct buf *out)
{
    const struct json *object = rows[i].object ? json_member(plan, rows[i].object) : plan;

    buf_printf(out, "%-*s", NAME_WIDTH, rows[i].name);
    put_value(json_member(object, rows[i].first), out);
    if (rows[i].second) {
        buf_put_text(out, " to ");
        put_value(json_member(object, rows[i].second), out);
    }
    buf_put_char(out, '\n');
}

static void put_limits(const struct json *limits, struct buf *out)
{
    struct json *value;
    struct bytes key;

    buf_put_text(out, "limits\n");
    for (void *at = NULL; json_next(limits, &at, &key, &value);) {
        buf_printf(out, "  %-*.*s", NAME_WIDTH - 2, BYTES_ARG(key));
        put_value(value, out);
        buf_put_char(out, '\n');
    }
}

enum code plan_text(struct bytes json, struct buf *out, struct error *err)
{
    struct json *plan = NULL;
    enum code code = json_doc_parse(json, DEPTH_MAX, &plan, err);

    if (!code && (json_kind(plan) != JSON_KIND_OBJECT || !json_member(plan, "series")))
        code = error_set(err, E_SYNTAX, "there is no \"series\" in it");
    if (code) {
        error_context(err, "the server's answer is no plan; --format json shows it");
        json_doc_free(plan);
        return code;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        put_row(plan, i, out);
    if (json_member(plan, "limits"))
        put_limits(json_member(plan, "limits"), out);
    json_doc_free(plan);
    return buf_finish(out, err);
}
