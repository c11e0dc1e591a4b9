/* Pages of the catalog: {"items":[...],"next":cursor or null} and a Link header.  A cursor is the
 * last item's name (or a series' id) in base64url behind a version letter; it stays good while the
 * list grows. */
#include "handlers/lists.h"

#include <inttypes.h>
#include <stdlib.h>

#include <sodium.h>

#include "catalog/catalog.h"
#include "catalog/match.h"
#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/learn.h"
#include "handlers/link.h"
#include "handlers/peers.h"
#include "handlers/turn.h"
#include "http/reply.h"

enum { PAGE_INITIAL = 1000, PAGE_MAX = 10000, PAGE_BYTES_MAX = 64 * 1024 * 1024 };

static const char cursor_version = 'a';

struct page {
    struct job job; /* first */
    struct request *request;
    struct turn turn;
    int64_t begun_ns; /* monotonic */
    struct arena arena;
    struct bytes measurement, after;
    struct selector selector;
    uint64_t limit;
    struct buf out;
    size_t item_count;
    struct bytes last; /* what the next page comes after; empty = this was the last page */
    enum code (*fill)(struct page *page, struct error *err);
};

static enum code refuse_cursor(struct error *err)
{
    error_point(err, BYTES("cursor"));
    return error_set(err, E_BAD_CURSOR,
                     "the cursor is not one of this list; take `next` of the page before");
}

static void item_begin(struct page *page)
{
    if (page->item_count++ > 0)
        buf_put_char(&page->out, ',');
}

/* One more than the page holds was asked for: it tells whether there is a next page. */
static size_t page_cut(struct page *page, size_t count)
{
    return count > page->limit ? (size_t)page->limit : count;
}

static void fill_names(struct page *page, const struct bytes *names, size_t count)
{
    size_t shown = page_cut(page, count);

    for (size_t i = 0; i < shown; i++) {
        item_begin(page);
        json_put_text(&page->out, names[i]);
    }
    if (shown < count)
        page->last = names[shown - 1];
}

static enum code fill_measurements(struct page *page, struct error *err)
{
    const struct session *session = session_of(page->request);
    struct bytes *names;
    size_t count;
    enum code code =
        catalog_measurements(app_of(page->request)->catalog, session->tenant, page->after,
                             page->limit + 1, &page->arena, &names, &count, err);

    if (code == OK)
        fill_names(page, names, count);
    return code;
}

static enum code fill_tags(struct page *page, struct error *err)
{
    const struct session *session = session_of(page->request);
    struct bytes *names;
    size_t count;
    enum code code =
        catalog_tag_keys(app_of(page->request)->catalog, session->tenant, page->measurement,
                         page->after, page->limit + 1, &page->arena, &names, &count, err);

    if (code == OK)
        fill_names(page, names, count);
    return code;
}

static enum code fill_tag_values(struct page *page, struct error *err)
{
    const struct session *session = session_of(page->request);
    struct bytes *names;
    size_t count;
    enum code code = catalog_tag_values(app_of(page->request)->catalog, session->tenant,
                                        page->measurement, page->request->variable, page->after,
                                        page->limit + 1, &page->arena, &names, &count, err);

    if (code == OK)
        fill_names(page, names, count);
    return code;
}

static enum code fill_fields(struct page *page, struct error *err)
{
    const struct session *session = session_of(page->request);
    struct field_info *fields;
    size_t count, shown;
    enum code code;

    if (page->measurement.size == 0) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER, "measurement= is needed: whose fields");
    }
    code = catalog_fields(app_of(page->request)->catalog, session->tenant, page->measurement,
                          page->after, page->limit + 1, &page->arena, &fields, &count, err);
    if (code)
        return code;
    shown = page_cut(page, count);
    for (size_t i = 0; i < shown; i++) {
        const char *separator = "";

        item_begin(page);
        buf_put_text(&page->out, "{\"field\":");
        json_put_text(&page->out, fields[i].name);
        buf_printf(&page->out, ",\"kind\":\"%s\",\"types\":[", value_kind_name(fields[i].kind));
        for (int type = TYPE_F64; type <= TYPE_STRING; type++) {
            if ((fields[i].types & (1 << type)) == 0)
                continue;
            buf_printf(&page->out, "%s\"%s\"", separator, value_type_name((enum value_type)type));
            separator = ",";
        }
        buf_put_text(&page->out, "]}");
    }
    if (shown < count)
        page->last = fields[shown - 1].name;
    return OK;
}

static void put_series(struct page *page, const struct series *series)
{
    item_begin(page);
    buf_put_text(&page->out, "{\"measurement\":");
    json_put_text(&page->out, series->measurement);
    buf_put_text(&page->out, ",\"tags\":{");
    for (uint32_t i = 0; i < series->tag_count; i++) {
        if (i > 0)
            buf_put_char(&page->out, ',');
        json_put_text(&page->out, series->tags[i].key);
        buf_put_char(&page->out, ':');
        json_put_text(&page->out, series->tags[i].value);
    }
    buf_put_text(&page->out, "}}");
}

/* The first series above the cursor's id. */
static size_t series_after(struct series *const *series, size_t count, struct series_id id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (series_id_compare(series[middle]->id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A pattern over a million series takes seconds. */
static enum code page_look(void *context, struct error *err)
{
    struct page *page = context;
    uint64_t ms = session_of(page->request)->settings->limits.query_ms_max;

    if (request_cancelled(page->request))
        return error_set(err, E_CANCELLED, "the client left");
    if ((uint64_t)(clock_monotonic_ns(app_of(page->request)->clock) - page->begun_ns) / 1000000 <=
        ms)
        return OK;
    return error_set(err, E_TIMEOUT,
                     "the list took longer than %" PRIu64 " ms (query_ms_max); ask with matchers "
                     "that select less",
                     ms);
}

static enum code fill_series(struct page *page, struct error *err)
{
    const struct session *session = session_of(page->request);
    struct series **series;
    struct series_id after;
    const struct look look = {page_look, page};
    size_t count, first = 0, shown;
    enum code code;

    if (page->measurement.size == 0) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER, "measurement= is needed: whose series");
    }
    if (page->after.size != 0 && page->after.size != sizeof(after))
        return refuse_cursor(err);
    page->selector.measurement = page->measurement;
    code = catalog_select(app_of(page->request)->catalog, session->tenant, &page->selector,
                          session->settings->limits.query_series_max, &look, &page->arena, &series,
                          &count, err);
    if (code)
        return code;
    if (page->after.size > 0) {
        memcpy(&after, page->after.data, sizeof(after));
        first = series_after(series, count, after);
    }
    shown = page_cut(page, count - first);
    for (size_t i = 0; i < shown; i++)
        put_series(page, series[first + i]);
    if (first + shown < count && shown > 0)
        page->last =
            (struct bytes){(const char *)&series[first + shown - 1]->id, sizeof(struct series_id)};
    return OK;
}

/* The cursor of the next page into `text`, which must be 4/3 of last + 2 bytes. */
static void cursor_print(const struct page *page, char *text, size_t size)
{
    text[0] = cursor_version;
    sodium_bin2base64(text + 1, size - 1, (const unsigned char *)page->last.data, page->last.size,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static enum code cursor_parse(struct page *page, struct bytes text, struct error *err)
{
    unsigned char *after = arena_alloc(&page->arena, text.size + 1);
    size_t size = 0;

    if (after == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    if (text.size < 1 || text.data[0] != cursor_version ||
        sodium_base642bin(after, text.size, text.data + 1, text.size - 1, NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        size == 0)
        return refuse_cursor(err);
    page->after = (struct bytes){(const char *)after, size};
    return OK;
}

static void page_finish(struct page *page)
{
    size_t size = page->last.size * 4 / 3 + 8;
    char *cursor = arena_alloc(&page->arena, size);

    buf_put_text(&page->out, "],\"next\":");
    if (page->last.size == 0 || cursor == NULL) {
        buf_put_text(&page->out, "null}\n");
    } else {
        cursor_print(page, cursor, size);
        json_put_text(&page->out, bytes_of(cursor));
        buf_put_text(&page->out, "}\n"); /* as answers of queries end */
        (void)link_next(page->request, bytes_of(cursor));
    }
    reply_buf_take(page->request, 200, "application/json", &page->out);
}

/* What members that live know and have not delivered comes first.  Tags of all measurements are not
 * asked for: that would be all rows. */
static enum code learn(struct page *page, struct error *err)
{
    bool all, of_all = page->measurement.size == 0 && page->fill != fill_measurements;
    enum code code = learn_names(page->request, page->measurement, &all, err);

    if (code == OK && (!all || (of_all && peers_are_there(app_of(page->request)->peers))))
        reply_header(page->request, "Weir-Partial", BYTES("true"));
    return code;
}

static void page_run(struct job *job)
{
    struct page *page = (struct page *)job;
    struct request *request = page->request;
    struct error err = {0};
    enum code code;

    page->begun_ns = clock_monotonic_ns(app_of(request)->clock);
    buf_put_text(&page->out, "{\"items\":[");
    code = learn(page, &err);
    if (code == OK)
        code = page->fill(page, &err);
    if (code)
        reply_problem(request, &err);
    else
        page_finish(page);
    turn_end(&page->turn);
    request_resume(request);
}

static enum code page_parse(struct page *page, struct error *err)
{
    struct request *request = page->request;
    struct matcher *matchers = ARENA_ARRAY(&page->arena, struct matcher, request->parameter_count);
    struct bytes text;
    enum code code = parameters_once(request, "match", err);

    if (code == OK)
        code = parameter_number(request, "limit", 1, PAGE_MAX, PAGE_INITIAL, &page->limit, err);
    (void)request_parameter(request, "measurement", &page->measurement);
    if (code == OK && request_parameter(request, "cursor", &text))
        code = cursor_parse(page, text, err);
    if (code == OK && matchers == NULL)
        code = error_set(err, E_MEMORY, "no memory for a request");
    for (size_t i = 0; code == OK && i < request->parameter_count; i++)
        if (bytes_equal(request->parameters[i].name, BYTES("match"))) {
            code = matcher_parse(request->parameters[i].value,
                                 &matchers[page->selector.matcher_count++], err);
            if (code)
                error_point(err, BYTES("match"));
        }
    page->selector.matchers = matchers;
    return code;
}

static void page_serve(struct request *request,
                       enum code (*fill)(struct page *page, struct error *err))
{
    struct workers *workers = app_of(request)->workers;
    struct page *page = calloc(1, sizeof(*page));
    struct error err = {0};
    enum code code;

    if (page == NULL) {
        error_set(&err, E_MEMORY, "no memory for a request");
        reply_problem(request, &err);
        return;
    }
    request->state = page;
    page->request = request;
    page->fill = fill;
    page->job.run = page_run;
    page->out = BUF_INIT(PAGE_BYTES_MAX);
    arena_init(&page->arena, PAGE_BYTES_MAX, NULL);
    page->job.owner = session_of(request)->tenant->ordinal;
    code = page_parse(page, &err);
    if (code == OK)
        code = turn_take(&page->turn, request, &err);
    if (!reply_unless_ok(request, code, &err))
        return;
    request_park(request);
    if (!workers_submit(workers, &page->job)) {
        error_retry(&err, workers_seconds(workers, workers_waiting(workers)));
        error_set(&err, E_BUSY, "too many requests wait for a worker; try again");
        reply_problem(request, &err);
        request_resume(request);
    }
}

static void page_cleanup(struct request *request)
{
    struct page *page = request->state;

    if (page == NULL)
        return;
    turn_end(&page->turn);
    buf_release(&page->out);
    arena_release(&page->arena);
    free(page);
}

static void measurements_finish(struct request *request)
{
    page_serve(request, fill_measurements);
}

static void fields_finish(struct request *request)
{
    page_serve(request, fill_fields);
}

static void tags_finish(struct request *request)
{
    page_serve(request, fill_tags);
}

static void tag_values_finish(struct request *request)
{
    page_serve(request, fill_tag_values);
}

static void series_finish(struct request *request)
{
    page_serve(request, fill_series);
}

const struct handler measurements_handler = {.finish = measurements_finish,
                                             .cleanup = page_cleanup};
const struct handler fields_handler = {.finish = fields_finish, .cleanup = page_cleanup};
const struct handler tags_handler = {.finish = tags_finish, .cleanup = page_cleanup};
const struct handler tag_values_handler = {.finish = tag_values_finish, .cleanup = page_cleanup};
const struct handler series_handler = {.finish = series_finish, .cleanup = page_cleanup};

const char *const measurements_parameter_names[] = {"limit", "cursor", NULL};
const char *const measurement_parameter_names[] = {"measurement", "limit", "cursor", NULL};
const char *const series_parameter_names[] = {"measurement", "match", "limit", "cursor", NULL};
