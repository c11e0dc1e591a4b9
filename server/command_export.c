/* weir export: what a tenant has, as a stream that `weir import` takes.  Everything is of one S:
 * the server's watermark when it begins. */
#include "base/number.h"
#include "base/reader.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "server/commands.h"
#include "server/output.h"
#include "server/remote.h"
#include "server/trailer.h"

enum {
    TARGET_BYTES_MAX = 512 << 10,
    NAMES_BYTES_MAX = 1 << 30,
    LIST_LIMIT = 10000,
    LIST_DEPTH_MAX = 8,
    PAGE_ROWS = 1000000,
};

enum flag { FIELDS, START, END, AS_OF, FORMAT, OUT, PAGE, PARTIAL, FLAG_COUNT };
enum repeated { MEASUREMENT, MATCH, REPEATED_COUNT };

static const char usage[] =
    "usage: weir export [flags]\n"
    "\n"
    "  weir export --out all.lp\n"
    "  weir export | zstd > all.lp.zst\n"
    "  weir export --measurement cpu --match host=a --start 2026-01-01 --end 2026-02-01 --out "
    "a.lp\n"
    "  weir export --measurement cpu --format csv --out cpu.csv\n"
    "\n"
    "Writes all rows of all measurements as line protocol that `weir import` takes: each value "
    "with\n"
    "its type, the latest version of each row, all as of one moment.  CSV and NDJSON are for one\n"
    "measurement; CSV is one answer, within the query limits of the server.\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage, 130 interrupted\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [FIELDS] = {"fields",        "LIST", "a,b; else all."                                               },
    [START] = {"start",         "TIME", "From then on: RFC 3339, ns since 1970, now-1h."               },
    [END] = {"end",           "TIME", "Before then."                                                 },
    [AS_OF] = {"as-of",         "TIME", "What was known then; else now."                               },
    [FORMAT] = {"format",        "NAME", "line_protocol, csv or ndjson; line_protocol."                 },
    [OUT] = {"out",           "FILE", "Appears once it is whole (FILE.part until then); else stdout."},
    [PAGE] = {"page-rows",     "ROWS", "Rows asked for at once; 1000000."                             },
    [PARTIAL] = {"allow-partial", NULL,   "Export what there is when the server misses something."       },
};

static const struct argument_row repeated_rows[REPEATED_COUNT] = {
    [MEASUREMENT] = {"measurement", "NAME",    "Only this one; repeat it."                             },
    [MATCH] = {"match",       "MATCHER", "tag=a, tag!=a, tag=~pattern; repeat it, all must hold."},
};

struct names {
    struct buf text; /* spans */
    uint64_t count;
};

struct export
{
    struct remote *remote;
    const char *const *values;
    const struct argument_list *match;
    const char *format;
    uint64_t page_rows;
    char as_of[TIMESTAMP_TEXT_SIZE];
    struct output *output;
    uint64_t rows, measurement, measurement_count;
    bool named; /* by --measurement: of all of them some lack a field or tag that is asked for */
};

/* --- which measurements --- */

static enum code take_names(struct names *names, struct bytes answer, struct buf *cursor,
                            struct error *err)
{
    struct json *root, *items, *next;
    enum code code = json_doc_parse(answer, LIST_DEPTH_MAX, &root, err);

    if (code)
        return code;
    items = json_member(root, "items");
    next = json_member(root, "next");
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *item = json_element(items, i);

        if (json_kind(item) == JSON_KIND_TEXT) {
            buf_put_span(&names->text, json_text_of(item));
            names->count++;
        }
    }
    buf_clear(cursor);
    if (next && json_kind(next) == JSON_KIND_TEXT)
        buf_put(cursor, json_text_of(next));
    json_doc_free(root);
    code = buf_finish(&names->text, err);
    return code ? code : buf_finish(cursor, err);
}

/* A measurement that is not in the list would not be missed by anybody. */
static enum code check_whole(const struct export *export, struct error *err)
{
    struct bytes partial;

    if (!client_header(export->remote->client, "Weir-Partial", &partial))
        return OK;
    if (!export->values[PARTIAL])
        return error_set(err, E_PARTIAL,
                         "another member of the registry may have measurements that it did not "
                         "tell; --allow-partial exports what there is");
    remote_say(export->remote, "measurements may be missing that another member has");
    return OK;
}

static enum code list(struct export *export, struct names *names, struct error *err)
{
    struct remote *remote = export->remote;
    struct buf target = BUF_INIT(TARGET_BYTES_MAX), cursor = BUF_INIT(TRAILER_CURSOR_BYTES_MAX);
    enum code code;

    do {
        struct remote_request request = {.method = "GET"};

        buf_clear(&target);
        buf_printf(&target, "/v1/measurements?limit=%d", LIST_LIMIT);
        if (cursor.size > 0)
            remote_put_parameter(&target, "cursor", buf_bytes(&cursor));
        request.target = buf_bytes(&target);
        code = buf_finish(&target, err);
        if (!code)
            code = remote_send(remote, &request, NULL, NULL, err);
        if (!code)
            code = check_whole(export, err);
        if (!code)
            code = take_names(names, buf_bytes(&remote->answer), &cursor, err);
    } while (!code && cursor.size > 0);
    buf_release(&target);
    buf_release(&cursor);
    return code;
}

/* --- rows --- */

static void put_target(const struct export *export, struct bytes measurement, struct buf *target)
{
    const char *const *values = export->values;

    buf_clear(target);
    buf_put_text(target, "/v1/query");
    remote_put_parameter(target, "measurement", measurement);
    for (size_t i = 0; i < export->match->count; i++)
        remote_put_parameter(target, "match", bytes_of(export->match->items[i]));
    if (values[FIELDS])
        remote_put_parameter(target, "fields", bytes_of(values[FIELDS]));
    if (values[START])
        remote_put_parameter(target, "start", bytes_of(values[START]));
    if (values[END])
        remote_put_parameter(target, "end", bytes_of(values[END]));
    if (!values[PARTIAL])
        remote_put_parameter(target, "strict", BYTES("true"));
    remote_put_parameter(target, "format", bytes_of(export->format));
}

/* The moment that all of it is of: that of a small question, or as told. */
static enum code settle(struct export *export, struct bytes measurement, struct error *err)
{
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    struct remote_request request = {.method = "GET"};
    const char *told = export->values[AS_OF];
    struct bytes as_of;
    enum code code;

    put_target(export, measurement, &target);
    remote_put_parameter(&target, "limit", BYTES("1"));
    if (told)
        remote_put_parameter(&target, "as_of", bytes_of(told));
    request.target = buf_bytes(&target);
    code = buf_finish(&target, err);
    if (!code)
        code = remote_send(export->remote, &request, NULL, NULL, err);
    buf_release(&target);
    if (code)
        return code;
    if (!client_header(export->remote->client, "Weir-As-Of", &as_of) ||
        as_of.size >= sizeof(export->as_of))
        return error_set(err, E_INTERNAL, "the server does not say as of when it answered");
    memcpy(export->as_of, as_of.data, as_of.size);
    export->as_of[as_of.size] = '\0';
    return OK;
}

static enum code write_rows(void *context, struct bytes piece, struct error *err)
{
    struct export *export = context;
    char rest[128];

    (void)snprintf(rest, sizeof(rest), "measurement %llu of %llu",
                   (unsigned long long)export->measurement,
                   (unsigned long long)export->measurement_count);
    progress_tell(&export->remote->progress, output_bytes(export->output), 0, rest);
    return output_write(export->output, piece, err);
}

/* One page; *end tells whether another follows. */
static enum code page(struct export *export, struct bytes target, struct trailer_end *end,
                      struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = target};
    bool csv = strcmp(export->format, "csv") == 0;
    struct trailer trailer = {
        .prefix = strcmp(export->format, "ndjson") == 0 ? "" : "# ",
        .take = write_rows,
        .context = export,
        .held = BUF_INIT(TRAILER_LINE_BYTES_MAX),
    };
    enum code code = remote_send(export->remote, &request, csv ? write_rows : trailer_take,
                                 csv ? (void *)export : (void *)&trailer, err);

    if (code)
        trailer_explain(&trailer, err);
    else if (!csv)
        code = trailer_finish(&trailer, end, err);
    trailer_release(&trailer);
    return code;
}

static enum code export_measurement(struct export *export, struct bytes measurement,
                                    struct error *err)
{
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    struct trailer_end end = {.next = BUF_INIT(TRAILER_CURSOR_BYTES_MAX)};
    bool csv = strcmp(export->format, "csv") == 0;
    bool first = true;
    enum code code;

    do {
        put_target(export, measurement, &target);
        remote_put_parameter(&target, "as_of", bytes_of(export->as_of));
        if (!csv) {
            char limit[NUMBER_TEXT_SIZE];
            size_t size = number_print_u64(export->page_rows, limit);

            remote_put_parameter(&target, "limit", (struct bytes){limit, size});
        }
        if (end.next.size > 0)
            remote_put_parameter(&target, "cursor", buf_bytes(&end.next));
        buf_clear(&end.next);
        code = buf_finish(&target, err);
        if (!code)
            code = page(export, buf_bytes(&target), &end, err);
        if (!code && first && export->named)
            remote_say_warnings(export->remote);
        first = false;
        export->rows += end.rows;
        if (!code && end.partial)
            remote_say(export->remote, "something is missing from measurement %.*s",
                       BYTES_ARG(measurement));
    } while (!code && end.next.size > 0);
    if (code && code != E_CANCELLED)
        error_context(err, "measurement %.*s", BYTES_ARG(measurement));
    buf_release(&target);
    buf_release(&end.next);
    return code;
}

static enum code export_all(struct export *export, const struct names *names, struct error *err)
{
    struct reader reader = reader_of(buf_bytes(&names->text));
    enum code code = OK;

    export->measurement_count = names->count;
    while (!code && export->measurement < names->count) {
        struct bytes measurement = reader_span(&reader);

        if (export->measurement++ == 0)
            code = settle(export, measurement, err);
        if (!code)
            code = export_measurement(export, measurement, err);
    }
    return code;
}

/* --- the command --- */

static enum code flags_apply(struct export *export, const struct argument_list *measurements,
                             struct error *err)
{
    const char *page_rows = export->values[PAGE];

    if (strcmp(export->format, "line_protocol") != 0 && strcmp(export->format, "csv") != 0 &&
        strcmp(export->format, "ndjson") != 0)
        return error_set(err, E_CONFIG,
                         "--format %s is not known; there is line_protocol, csv and ndjson",
                         export->format);
    if (strcmp(export->format, "line_protocol") != 0 && measurements->count != 1)
        return error_set(err, E_CONFIG,
                         "--format %s is for one measurement; name it (--measurement), or take "
                         "line_protocol",
                         export->format);
    export->page_rows = PAGE_ROWS;
    if (page_rows &&
        (number_parse_u64(bytes_of(page_rows), &export->page_rows) || export->page_rows == 0))
        return error_set(err, E_CONFIG, "--page-rows %s: want a number from 1", page_rows);
    return OK;
}

static enum code run(struct export *export, const struct argument_list *measurements,
                     struct error *err)
{
    struct names names = {.text = BUF_INIT(NAMES_BYTES_MAX)};
    enum code code = output_open(export->values[OUT], &export->output, err);

    for (size_t i = 0; i < measurements->count; i++) {
        buf_put_span(&names.text, bytes_of(measurements->items[i]));
        names.count++;
    }
    export->named = names.count > 0;
    if (!code && !export->named)
        code = list(export, &names, err);
    if (!code)
        code = buf_finish(&names.text, err);
    if (!code)
        code = export_all(export, &names, err);
    if (!code)
        code = output_finish(export->output, err);
    if (!code)
        remote_say(export->remote, "%llu measurement%s%s%s, %llu bytes",
                   (unsigned long long)names.count, names.count == 1 ? "" : "s",
                   names.count ? " as of " : "", export->as_of,
                   (unsigned long long)output_bytes(export->output));
    output_close(export->output);
    buf_release(&names.text);
    return code;
}

int command_export(int argc, char **argv)
{
    const char *values[FLAG_COUNT] = {NULL};
    struct argument_list lists[REPEATED_COUNT] = {{.count = 0}};
    struct arguments own = {rows, FLAG_COUNT, values};
    struct argument_more more = {repeated_rows, REPEATED_COUNT, lists, false, NULL, 0};
    const struct remote_line line = {usage, &own, &more};
    struct remote remote;
    struct export export = {.remote = &remote, .values = values, .match = &lists[MATCH]};
    struct error err = {0};
    int exit_code;
    enum code code;

    if (!remote_open(&line, argc, argv, &remote, &exit_code))
        return exit_code;
    export.format = values[FORMAT] ? values[FORMAT] : "line_protocol";
    if (flags_apply(&export, &lists[MEASUREMENT], &err)) {
        fprintf(stderr, "weir export: %s\n", err.text);
        exit_code = COMMAND_USAGE;
    } else {
        code = run(&export, &lists[MEASUREMENT], &err);
        exit_code = code ? remote_fail(&remote, &err) : COMMAND_DONE;
        if (code == E_CANCELLED)
            remote_say(&remote, "interrupted; what was written is not whole%s",
                       values[OUT] ? " and was removed" : "");
    }
    remote_close(&remote);
    return exit_code;
}
