/* POST /v1/sources:test: {"document": {…}, "body": "…", "status": 200, "headers": {…}, "partition":
 * 0, "each": {…}, "start": "…", "end": "…"}; without `body` the page is asked for. */
#include "handlers/source_trials.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "codec/json_scan.h"
#include "handlers/records.h"
#include "handlers/source_records.h"
#include "handlers/trial_turn.h"
#include "ingest/pace/window_set.h"
#include "ingest/pull/puller.h"
#include "ingest/pull/trial.h"

enum { DEPTH_MAX = 32, HEADERS_MAX = 64, EACH_MAX = 32 };

struct trying {
    struct record_job *job;
    struct bytes document, body;
    bool has_body;
    uint64_t partition;
    bool has_each;
    struct source_variable each[EACH_MAX];
    size_t each_count;
    unsigned status;
    struct answer_header headers[HEADERS_MAX];
    size_t header_count;
    bool has_start, has_end;
    int64_t start_ns, end_ns;
};

/* --- the question --- */

static enum code refuse(const char *pointer, struct error *err, const char *text)
{
    error_point(err, bytes_of(pointer));
    return error_set(err, E_BAD_PARAMETER, "%s: %s", pointer, text);
}

static enum code open_object(struct json_scan *scan, struct error *err)
{
    if (json_scan_peek(scan) != '{')
        return json_scan_fail(scan, "expected an object", err);
    return json_scan_open(scan, '{', err);
}

static enum code take_document(struct trying *trying, struct json_scan *scan, struct error *err)
{
    const char *begin = (json_scan_peek(scan), scan->at);
    enum code code = json_scan_skip(scan, err);

    trying->document = (struct bytes){begin, (size_t)(scan->at - begin)};
    return code;
}

static enum code take_body(struct trying *trying, struct json_scan *scan, struct error *err)
{
    trying->has_body = true;
    return json_scan_text(scan, &trying->body, err);
}

static enum code take_count(struct json_scan *scan, const char *pointer, uint64_t most,
                            uint64_t *count, struct error *err)
{
    struct bytes number;
    bool integer;
    enum code code = json_scan_number(scan, &number, &integer, err);

    if (code == OK && (number_parse_u64(number, count) != OK || *count > most))
        code = refuse(pointer, err, "a whole number that is not too large is wanted");
    return code;
}

static enum code take_partition(struct trying *trying, struct json_scan *scan, struct error *err)
{
    return take_count(scan, "/partition", UINT32_MAX, &trying->partition, err);
}

static enum code take_status(struct trying *trying, struct json_scan *scan, struct error *err)
{
    uint64_t status = 0;
    enum code code = take_count(scan, "/status", 599, &status, err);

    trying->status = (unsigned)status;
    return code;
}

static enum code take_headers(struct trying *trying, struct json_scan *scan, struct error *err)
{
    enum code code = open_object(scan, err);
    bool more = true;

    for (bool first = true; code == OK; first = false) {
        struct answer_header header;
        char *name;

        code = json_scan_more(scan, '}', first, &more, err);
        if (code || !more)
            break;
        if (trying->header_count == HEADERS_MAX)
            return refuse("/headers", err, "there are too many");
        code = json_scan_name(scan, &header.name, err);
        if (code == OK)
            code = json_scan_text(scan, &header.value, err);
        if (code)
            break;
        name = arena_alloc(&trying->job->arena, header.name.size);
        if (name == NULL)
            return error_set(err, E_MEMORY, "no memory for a trial");
        for (size_t i = 0; i < header.name.size; i++) {
            char c = header.name.data[i];

            name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
        }
        header.name.data = name;
        trying->headers[trying->header_count++] = header;
    }
    return code;
}

static int by_name(const void *a, const void *b)
{
    const struct source_variable *left = a, *right = b;

    return bytes_compare(left->name, right->name);
}

/* A partition that is given instead of one of the document's. */
static enum code take_each(struct trying *trying, struct json_scan *scan, struct error *err)
{
    enum code code = open_object(scan, err);
    bool more = true;

    trying->has_each = true;
    for (bool first = true; code == OK; first = false) {
        struct source_variable *variable = &trying->each[trying->each_count];

        code = json_scan_more(scan, '}', first, &more, err);
        if (code || !more)
            break;
        if (trying->each_count == EACH_MAX)
            return refuse("/each", err, "there are too many");
        code = json_scan_name(scan, &variable->name, err);
        if (code == OK)
            code = json_scan_text(scan, &variable->value, err);
        trying->each_count++;
    }
    qsort(trying->each, trying->each_count, sizeof(trying->each[0]), by_name);
    return code;
}

static enum code take_time(struct trying *trying, struct json_scan *scan, const char *pointer,
                           int64_t *ns, struct error *err)
{
    int64_t now_ns = clock_wall_ns(app_of(trying->job->request)->clock);
    struct bytes text;
    enum code code = json_scan_text(scan, &text, err);

    if (code == OK)
        code = time_parameter_parse(text, TIME_S, now_ns, ns, err);
    if (code)
        error_point(err, bytes_of(pointer));
    return code;
}

static enum code take_start(struct trying *trying, struct json_scan *scan, struct error *err)
{
    trying->has_start = true;
    return take_time(trying, scan, "/start", &trying->start_ns, err);
}

static enum code take_end(struct trying *trying, struct json_scan *scan, struct error *err)
{
    trying->has_end = true;
    return take_time(trying, scan, "/end", &trying->end_ns, err);
}

static enum code take_member(struct trying *trying, struct json_scan *scan, struct error *err)
{
    static const struct {
        const char *name;
        enum code (*take)(struct trying *trying, struct json_scan *scan, struct error *err);
    } members[] = {
        {"document",  take_document },
        {"body",      take_body     },
        {"status",    take_status   },
        {"headers",   take_headers  },
        {"partition", take_partition},
        {"each",      take_each     },
        {"start",     take_start    },
        {"end",       take_end      },
    };
    struct bytes name;
    enum code code = json_scan_name(scan, &name, err);

    if (code)
        return code;
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (bytes_equal(name, bytes_of(members[i].name)))
            return members[i].take(trying, scan, err);
    return error_set(err, E_BAD_PARAMETER,
                     "/%.*s: is not known; document, body, status, headers, partition, each, start "
                     "and end are",
                     BYTES_ARG(name));
}

static enum code parse(struct trying *trying, struct error *err)
{
    struct buf *text = &trying->job->body;
    struct json_scan scan = {.arena = &trying->job->arena, .depth_max = DEPTH_MAX};
    bool more = true;
    enum code code;

    for (int i = 0; i < JSON_SCAN_SLACK; i++)
        buf_put_char(text, '\0');
    code = buf_finish(text, err);
    if (code)
        return code;
    scan.start = scan.at = text->data;
    scan.end = text->data + text->size - JSON_SCAN_SLACK;
    code = open_object(&scan, err);
    for (bool first = true; code == OK; first = false) {
        code = json_scan_more(&scan, '}', first, &more, err);
        if (code || !more)
            break;
        code = take_member(trying, &scan, err);
    }
    if (code == OK)
        code = json_scan_finish(&scan, err);
    if (code == OK && trying->document.size == 0)
        code = refuse("/document", err, "is needed");
    return code;
}

/* --- the page --- */

/* The window that was named, or the newest. */
static enum code choose_window(struct trying *trying, const struct source *source,
                               struct stretch_of_time *window, struct error *err)
{
    int64_t now_ns = clock_wall_ns(app_of(trying->job->request)->clock);
    struct window_set windows;
    enum code code;

    if (trying->has_start != trying->has_end)
        return refuse("/start", err, "start and end are given together, or neither");
    if (trying->has_start && trying->start_ns >= trying->end_ns)
        return refuse("/end", err, "is not after start");
    if (trying->has_start) {
        *window = (struct stretch_of_time){trying->start_ns, trying->end_ns};
        return OK;
    }
    window_set_init(&windows, &source->window);
    code = window_set_at(
        &windows, now_ns > source->window.from_ns ? now_ns : source->window.from_ns, window, err);
    window_set_release(&windows);
    if (code == OK && window->end_ns > now_ns && window->start_ns < now_ns)
        window->end_ns = now_ns;
    return code;
}

static bool has_each(const struct trying *trying, struct bytes name)
{
    for (size_t i = 0; i < trying->each_count; i++)
        if (bytes_equal(trying->each[i].name, name))
            return true;
    return false;
}

/* A partition has each of the source's variables: places look for theirs, and rely on it. */
static enum code check_each(const struct trying *trying, const struct source *source,
                            struct error *err)
{
    const struct source_foreach *foreach = &source->foreach;
    const struct source_partition *first = foreach->partitions;
    size_t count = foreach->request != NULL ? foreach->pick_count : first->count;

    for (size_t i = 0; i < count; i++) {
        struct bytes name =
            foreach->request != NULL ? foreach->picks[i].name : first->variables[i].name;

        if (!has_each(trying, name)) {
            error_point(err, BYTES("/each"));
            return error_set(err, E_BAD_PARAMETER,
                             "/each: lacks \"%.*s\", a variable of the document's foreach",
                             BYTES_ARG(name));
        }
    }
    if (trying->each_count == count)
        return OK;
    error_point(err, BYTES("/each"));
    return error_set(err, E_BAD_PARAMETER,
                     "/each: has %zu variables; the document's foreach has %zu, each of which "
                     "stands there once",
                     trying->each_count, count);
}

/* NULL: it is asked for. */
static enum code choose_partition(struct trying *trying, const struct source *source,
                                  const struct source_partition **partition, struct error *err)
{
    struct source_partition *given = ARENA_NEW(&trying->job->arena, struct source_partition);

    *partition = NULL;
    if (given == NULL)
        return error_set(err, E_MEMORY, "no memory for a trial");
    *given = (struct source_partition){trying->each, trying->each_count};
    if (trying->has_each) {
        *partition = given;
        return check_each(trying, source, err);
    }
    if (source->foreach.request != NULL && trying->has_body)
        return refuse("/each", err,
                      "is needed beside a body, as partitions come out of a request: a map of the "
                      "variables of one");
    if (source->foreach.request == NULL && trying->partition >= source->foreach.count)
        return refuse("/partition", err, "there is none of that number");
    if (source->foreach.request == NULL)
        *partition = &source->foreach.partitions[trying->partition];
    return OK;
}

/* It has no place of those that compute: a page is slow, and few are tried at once. */
static enum code ask_page(const struct record_job *job, const struct trial_terms *terms,
                          struct buf *out, struct error *err)
{
    const struct app *app = app_of(job->request);
    struct trial_turn turn;
    enum code code = trial_turn_take(&turn, job->request, err);

    if (code)
        return code;
    workers_wait(app->workers, true);
    code = puller_try(app->puller, session_of(job->request)->settings->name, terms, out, err);
    workers_wait(app->workers, false);
    trial_turn_end(&turn, job->request);
    return code;
}

static enum code run_trial(struct trying *trying, const struct source *source, struct error *err)
{
    struct record_job *job = trying->job;
    const struct session *session = session_of(job->request);
    struct trial_terms terms = {
        .source = source,
        .windowed = source->window.given,
        .now_ns = clock_wall_ns(app_of(job->request)->clock),
        .body = page_bytes_of(&trying->body),
        .status = trying->status == 0 ? 200 : trying->status,
        .headers = trying->headers,
        .header_count = trying->header_count,
        .url = "http://localhost/",
        .limits = &session->settings->limits,
        .plain_bytes_max = source->limits.plain_bytes_max,
        .patience_ns = (int64_t)session->settings->limits.trial_ms_max * 1000000,
    };
    struct stretch_of_time window = {0, 0};
    enum code code = OK;

    code = choose_partition(trying, source, &terms.partition, err);
    terms.partition_index = trying->partition;
    if (code == OK && terms.windowed)
        code = choose_window(trying, source, &window, err);
    terms.start_ns = window.start_ns;
    terms.end_ns = window.end_ns;
    if (code == OK && !trying->has_body && source->files.given)
        return refuse("/body", err, "is needed of a source of files: some lines, as they stand");
    if (code == OK && !trying->has_body && app_of(job->request)->puller == NULL)
        code = error_set(err, E_NOT_READY, "nothing is pulled here: give a \"body\"");
    buf_put_char(&job->out, '{');
    if (code == OK && !trying->has_body)
        return ask_page(job, &terms, &job->out, err);
    if (code == OK)
        code = trial_run(&terms, &job->out, err);
    buf_put_char(&job->out, '}');
    return code;
}

static enum code test(struct record_job *job, struct error *err)
{
    struct trying *trying = ARENA_NEW(&job->arena, struct trying);
    struct source_faults faults = {.count = 0};
    struct source *source = NULL;
    enum code code;

    if (trying == NULL)
        return error_set(err, E_MEMORY, "no memory for a trial");
    trying->job = job;
    code = parse(trying, err);
    if (code == OK)
        code = source_parse(BYTES(""), trying->document, &job->arena, &source, &faults, err);
    if (faults.count > 0) { /* both name places of the question, not of the document in it */
        char pointer[ERROR_POINTER_SIZE];

        (void)snprintf(pointer, sizeof(pointer), "/document%.*s",
                       BYTES_ARG(faults.items[0].pointer));
        error_point(err, bytes_of(pointer));
        source_faults_put(&faults, BYTES("/document"), &job->extra);
    }
    if (code == OK)
        code = source_takes(job, source, err);
    if (code == OK)
        code = run_trial(trying, source, err);
    source_free(source);
    return code;
}

DECLARED_FINISH(test_finish, test)

const struct handler source_test_handler = {
    .start = record_start, .piece = record_piece, .finish = test_finish, .cleanup = record_cleanup};
