/* weir query: a question to a server, its answer to stdout as it comes. */
#include <unistd.h>

#include "server/commands.h"
#include "server/output.h"
#include "server/plan_text.h"
#include "server/remote.h"
#include "server/source.h"
#include "server/table.h"

enum { TARGET_BYTES_MAX = 512 << 10, PLAN_BYTES_MAX = 64 << 10, DOCUMENT_BYTES_MAX = 1 << 20 };

/* The parameters of GET /v1/query by their flags; `name` is the parameter's. */
enum flag {
    MEASUREMENT,
    FIELDS,
    START,
    END,
    EVERY,
    TZ,
    OFFSET,
    AGG,
    GROUP_BY,
    FILL,
    TOP,
    BOTTOM,
    ORDER,
    LIMIT,
    CURSOR,
    AS_OF,
    VERSIONS,
    DOWNSAMPLE,
    POINTS,
    GAP,
    STRICT,
    EPOCH,
    INT64,
    SHAPE,
    EXPLAIN,
    FORMAT,
    DOCUMENT,
    FLAG_COUNT
};

static const char usage[] =
    "usage: weir query --measurement NAME [flags]\n"
    "       weir query --document FILE\n"
    "\n"
    "  weir query --measurement room --start now-1h\n"
    "  weir query --measurement cpu --match host=a --match 'region=~eu.*' --fields user,sys\n"
    "  weir query --measurement cpu --every 1h --agg mean,max --group-by host --format csv\n"
    "  weir query --measurement cpu --where 'user>90' --let idle=100-user --top 10,user\n"
    "  weir query --measurement room --as-of 2026-11-01T00:00:00Z --format ndjson | jq .\n"
    "  weir query --measurement cpu --every 1h --agg mean --explain\n"
    "  weir query --measurement power --downsample m4 --points 800 > plot.csv\n"
    "  weir query --document join.json\n"
    "\n"
    "Asks for rows or aggregates of a time range, docs/reference/query.md.  The answer is a table "
    "on\n"
    "a terminal and CSV elsewhere; it is streamed, and an answer that was cut off fails.\n"
    "\n"
    "Aggregates: count, sum, min, max, mean, first, last, variance, stddev, median, p95 (p1, "
    "p99.9,\n"
    "…), mode, distinct, increase, rate(1m), delta, derivative(1h), integral(1h), "
    "time_weighted_mean.\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage, 130 interrupted\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [MEASUREMENT] = {"measurement", "NAME",     "Which one."                                               },
    [FIELDS] = {"fields",      "LIST",     "a,b; else all."                                           },
    [START] = {"start",       "TIME",     "From then on: RFC 3339, ns since 1970, now-1h."           },
    [END] = {"end",         "TIME",     "Before then."                                             },
    [EVERY] = {"every",       "DURATION", "Windows so long: 15m, 1h, 1d, 3mo, 1y."                   },
    [TZ] = {"tz",          "ZONE",     "The zone of days, weeks, months and years."               },
    [OFFSET] = {"offset",      "DURATION", "Windows begin so much later; -1h: earlier."               },
    [AGG] = {"agg",         "LIST",     "Aggregates: mean,p95,rate(1m); above are all."            },
    [GROUP_BY] = {"group-by",    "LIST",     "Tags that keep results apart; * = each series."           },
    [FILL] = {"fill",        "WHAT",     "Empty windows: none, null, previous, linear, a number."   },
    [TOP] = {"top",         "N,COLUMN", "The best so many groups or rows alone: 5,mean_user."      },
    [BOTTOM] = {"bottom",      "N,COLUMN", "The least so many."                                       },
    [ORDER] = {"order",       "WHICH",    "Of time: asc or desc."                                    },
    [LIMIT] = {"limit",       "ROWS",     "So many rows; the next page's cursor is told."            },
    [CURSOR] = {"cursor",      "CURSOR",   "The next page; all other flags as before."                },
    [AS_OF] = {"as-of",       "TIME",     "What was known then."                                     },
    [VERSIONS] = {"versions",    "WHICH",    "latest, or all: each state of a row."                     },
    [DOWNSAMPLE] = {"downsample",  "HOW",      "What a plot needs of each series: m4, minmax or lttb."    },
    [POINTS] = {"points",      "COUNT",    "So many pixels (points) wide is the plot; 1000."          },
    [GAP] = {"gap",         "DURATION", "A plot's line is broken where nothing is for longer."     },
    [STRICT] = {"strict",      NULL,       "Refuse rather than answer with something missing."        },
    [EPOCH] = {"epoch",       "UNIT",     "Times as numbers of ns, us, ms or s."                     },
    [INT64] = {"int64",       "HOW",
                     "Of JSON: number, or string: integers keep all digits in JavaScript."                 },
    [SHAPE] = {"shape",       "WHICH",    "Of JSON: series, or rows: one object each."               },
    [EXPLAIN] = {"explain",     NULL,       "What it would cost, and no row: a text, or --format json."},
    [FORMAT] = {"format",      "NAME",     "table, csv, ndjson, json or line_protocol."               },
    [DOCUMENT] = {"document",    "FILE",     "The whole question as JSON (joins, too); - is stdin."     },
};

static const char *const parameters[FLAG_COUNT] = {
    [MEASUREMENT] = "measurement",
    [FIELDS] = "fields",
    [START] = "start",
    [END] = "end",
    [EVERY] = "every",
    [TZ] = "tz",
    [OFFSET] = "offset",
    [AGG] = "agg",
    [GROUP_BY] = "group_by",
    [FILL] = "fill",
    [TOP] = "top",
    [BOTTOM] = "bottom",
    [ORDER] = "order",
    [LIMIT] = "limit",
    [CURSOR] = "cursor",
    [AS_OF] = "as_of",
    [VERSIONS] = "versions",
    [DOWNSAMPLE] = "downsample",
    [POINTS] = "points",
    [GAP] = "gap",
    [STRICT] = "strict",
    [EPOCH] = "epoch",
    [INT64] = "int64",
    [SHAPE] = "shape",
    [EXPLAIN] = "explain",
};

/* Flags that may be repeated; the parameters have their names. */
enum repeated { MATCH, LET, WHERE, REPEATED_COUNT };

static const struct argument_row repeated_rows[REPEATED_COUNT] = {
    [MATCH] = {"match", "MATCHER",
               "tag=a, tag!=a, tag=~pattern, tag!~pattern; repeat it, all must hold."          },
    [LET] = {"let",   "NAME=EXPR", "A computed column: power=voltage*current; repeat it."    },
    [WHERE] = {"where", "CONDITION", "On values: user>90, state!=on; repeat it, all must hold."},
};

static enum code target_make(const char *const *values, const struct argument_list *lists,
                             const char *format, struct buf *target, struct error *err)
{
    buf_put_text(target, "/v1/query");
    for (int i = 0; i < FLAG_COUNT; i++)
        if (values[i] && parameters[i])
            remote_put_parameter(target, parameters[i], bytes_of(values[i]));
    for (int i = 0; i < REPEATED_COUNT; i++)
        for (size_t j = 0; j < lists[i].count; j++)
            remote_put_parameter(target, repeated_rows[i].name, bytes_of(lists[i].items[j]));
    remote_put_parameter(target, "format", bytes_of(format));
    return buf_finish(target, err);
}

static enum code to_output(void *context, struct bytes piece, struct error *err)
{
    return output_write(context, piece, err);
}

/* The cursor in <…cursor=X>; rel="next", which CSV has it in. */
static struct bytes cursor_of_link(struct bytes link)
{
    static const char name[] = "cursor=";
    const char *at = memmem(link.data, link.size, name, sizeof(name) - 1);
    size_t size = 0;

    if (!at || !memmem(link.data, link.size, "rel=\"next\"", 10))
        return BYTES("");
    at += sizeof(name) - 1;
    while (at + size < link.data + link.size && at[size] != '&' && at[size] != '>')
        size++;
    return (struct bytes){at, size};
}

static void tell_facts(struct remote *remote)
{
    struct bytes value;

    remote_say_warnings(remote);
    if (client_header(remote->client, "Weir-Partial", &value))
        remote_say(remote, "something is missing from this answer: `weir verify` names it, and "
                           "--format ndjson tells it");
    if (client_header(remote->client, "Link", &value)) {
        value = cursor_of_link(value);
        if (value.size > 0)
            remote_say(remote, "there is more: --cursor %.*s", BYTES_ARG(value));
    }
}

static enum code ask(struct remote *remote, struct bytes target, bool as_table, struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = target};
    struct output *output = NULL;
    struct table *table = NULL;
    enum code code = output_open(NULL, &output, err);

    if (!code && as_table)
        code = table_new(to_output, output, &table, err);
    if (!code)
        code = remote_send(remote, &request, as_table ? table_take : to_output,
                           as_table ? (void *)table : (void *)output, err);
    if (!code && table)
        code = table_finish(table, err);
    if (!code)
        tell_facts(remote);
    table_free(table);
    output_close(output);
    return code;
}

/* --explain; the server tells a plan in JSON. */
static enum code ask_plan(struct remote *remote, struct bytes target, bool as_text,
                          struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = target};
    struct buf text = BUF_INIT(PLAN_BYTES_MAX);
    struct output *output = NULL;
    enum code code = output_open(NULL, &output, err);

    if (!code)
        code = remote_send(remote, &request, NULL, NULL, err);
    if (!code && as_text)
        code = plan_text(buf_bytes(&remote->answer), &text, err);
    if (!code)
        code = output_write(output, buf_bytes(as_text ? &text : &remote->answer), err);
    if (!code)
        tell_facts(remote);
    output_close(output);
    buf_release(&text);
    return code;
}

/* --document; what the answer looks like is in it, so that it goes out as it comes. */
static enum code ask_document(struct remote *remote, const char *path, struct error *err)
{
    struct buf document = BUF_INIT((size_t)2 * DOCUMENT_BYTES_MAX);
    struct remote_request request = {.method = "POST",
                                     .target = BYTES("/v1/query"),
                                     .content_type = "application/json",
                                     .question = true};
    struct output *output = NULL;
    struct source *source = NULL;
    enum code code = source_open(path, &source, err);

    while (code == OK && !source_ended(source) && document.size <= DOCUMENT_BYTES_MAX)
        code = source_fill(source, &document, document.size + 1, err);
    if (code == OK && document.size > DOCUMENT_BYTES_MAX)
        code = error_set(err, E_CONFIG, "%s: larger than %d bytes", path, DOCUMENT_BYTES_MAX);
    if (code == OK)
        code = output_open(NULL, &output, err);
    request.body = buf_bytes(&document);
    if (code == OK)
        code = remote_send(remote, &request, to_output, output, err);
    if (code == OK)
        tell_facts(remote);
    output_close(output);
    source_close(source);
    buf_release(&document);
    return code;
}

/* What is wrong with the flags together; NULL: nothing is. */
static const char *flags_fault(const char *const *values, const struct argument_list *lists)
{
    const char *format = values[FORMAT];
    size_t others = 0;

    for (int i = 0; i < FLAG_COUNT; i++)
        others += i != DOCUMENT && values[i] != NULL;
    for (int i = 0; i < REPEATED_COUNT; i++)
        others += lists[i].count;
    if (values[DOCUMENT])
        return others > 0
                   ? "--document is the whole question: what the other flags say goes into it"
                   : NULL;
    if (!values[MEASUREMENT])
        return "--measurement is needed";
    if (values[EXPLAIN] && format && strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
        return "--explain is told as a text, or with --format json";
    return NULL;
}

int command_query(int argc, char **argv)
{
    const char *values[FLAG_COUNT] = {NULL}, *format, *fault;
    struct argument_list lists[REPEATED_COUNT] = {{.count = 0}};
    struct arguments own = {rows, FLAG_COUNT, values};
    struct argument_more more = {repeated_rows, REPEATED_COUNT, lists, false, NULL, 0};
    const struct remote_line line = {usage, &own, &more};
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    struct remote remote;
    struct error err = {0};
    int exit_code;
    bool as_table;
    enum code code;

    if (!remote_open(&line, argc, argv, &remote, &exit_code))
        return exit_code;
    format = values[FORMAT] ? values[FORMAT] : isatty(STDOUT_FILENO) ? "table" : "csv";
    as_table = strcmp(format, "table") == 0;
    fault = flags_fault(values, lists);
    if (fault) {
        fprintf(stderr, "weir query: %s (weir query --help tells all)\n", fault);
        exit_code = COMMAND_USAGE;
    } else if (values[DOCUMENT]) {
        exit_code = ask_document(&remote, values[DOCUMENT], &err) ? remote_fail(&remote, &err)
                                                                  : COMMAND_DONE;
    } else {
        code = target_make(values, lists,
                           values[EXPLAIN] ? "json"
                           : as_table      ? "csv"
                                           : format,
                           &target, &err);
        if (!code && values[EXPLAIN])
            code = ask_plan(&remote, buf_bytes(&target), strcmp(format, "json") != 0, &err);
        else if (!code)
            code = ask(&remote, buf_bytes(&target), as_table, &err);
        exit_code = code ? remote_fail(&remote, &err) : COMMAND_DONE;
    }
    buf_release(&target);
    remote_close(&remote);
    return exit_code;
}
