/* The life of a reader: live_finish() parks the request and gives the first job to a worker, which
 * begins the stream (or refuses, as any answer).  From then on the reader is in the list of those
 * that wait, or has a job at a worker, never both: who takes it out of the list owns it.  Whoever
 * finds that it is over ends its stream; the request's cleanup frees it. */
#include "handlers/live.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/condition.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/queries.h"
#include "http/problem.h"
#include "http/reply.h"
#include "query/query.h"
#include "store/store.h"

enum {
    QUESTION_BYTES_MAX = 1 << 20,
    /* A page and what may be unsent before it go into the stream together, so that a worker does
     * not wait for a client; but for a row that alone is larger.  Its view is held as long as it
     * waits then, so that it is given up like any answer that is read too slowly (`lost`). */
    PAGE_BYTES = 96 << 10,
    UNSENT_BYTES_MAX = 96 << 10,
    NEXT_BYTES_MAX = 64 << 10,
    PROBLEM_BYTES_MAX = 16 << 10,
    MISSING_BYTES_MAX = 1 << 20, /* a hundred texts of half a KiB, each character escaped */
    KEEP_UP_MS = 50, /* a client that takes a page in it gets the next one from the same job */
    AGAIN_MS = 1000, /* after "try again later" */
    SECOND_NS = 1000000000,
};

static const int64_t ms_ns = 1000000;

struct reader {
    struct job job; /* first */
    struct query_sink sink;
    struct request *request;
    struct live *live;
    struct reader *next;    /* in the list of those that wait */
    struct metric *readers; /* the gauge is also the limit's count; NULL = not counted */
    struct arena arena;     /* of the question */
    struct arena page;      /* of the cursor in it */
    struct query *query;
    struct stream *stream; /* NULL: not begun */
    int64_t since;         /* what the reader was told is as of it, */
    int64_t id;            /* and so the client can go on from here: <= what is durable */
    struct buf rest;       /* cursor of what is left of a page; empty: nothing is */
    int64_t told_ns, again_ns;
    int64_t moved_ns; /* when it last took something, and how much it had taken by then */
    uint64_t taken;
    int64_t page_as_of;
    struct hash128 missing; /* what the client was told last that answers lack; 0 = nothing */
    _Atomic bool lost;
};

struct live {
    struct app *app;
    int64_t interval_ns, heartbeat_ns, idle_ns;
    struct metric *batches, *rows;
    struct thread *thread;
    _Atomic bool closed;

    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;
    struct reader *first; /* that wait */
    bool stop;
};

static int64_t now_ns(const struct live *live)
{
    return clock_monotonic_ns(live->app->clock);
}

/* --- what goes out --- */

static enum code put_id(struct reader *reader, const char *before, const char *behind,
                        struct error *err)
{
    struct buf text = BUF_INIT(256);
    char id[TIMESTAMP_TEXT_SIZE];
    size_t size = timestamp_print(reader->id, id);
    enum code code;

    buf_put_text(&text, before);
    buf_put(&text, (struct bytes){id, size});
    buf_put_text(&text, behind);
    code = buf_finish(&text, err);
    if (!code)
        code = stream_write(reader->stream, buf_bytes(&text), err);
    buf_release(&text);
    return code;
}

/* A comment that keeps the connection alive, and an id without data: no event, but where the client
 * goes on. */
static enum code put_heartbeat(struct reader *reader, struct error *err)
{
    struct buf text = BUF_INIT(256);
    char id[TIMESTAMP_TEXT_SIZE];
    int size = (int)timestamp_print(reader->id, id);
    enum code code;

    buf_printf(&text, ": %.*s\nid: %.*s\n\n", size, id, size, id);
    code = buf_finish(&text, err);
    if (!code)
        code = stream_write(reader->stream, buf_bytes(&text), err);
    buf_release(&text);
    reader->told_ns = now_ns(reader->live);
    return code;
}

static void put_problem(struct reader *reader, const struct error *why)
{
    struct buf text = BUF_INIT(PROBLEM_BYTES_MAX);

    buf_put_text(&text, "event: error\ndata: ");
    problem_print(&text, why, reader->request->id, BYTES("")); /* one line, with its end */
    buf_put_text(&text, "\n");
    if (!text.failed)
        (void)!stream_write(reader->stream, buf_bytes(&text), NULL);
    buf_release(&text);
}

static struct reader *reader_of_sink(struct query_sink *sink)
{
    return (struct reader *)((char *)sink - offsetof(struct reader, sink));
}

static enum code begin_stream(struct reader *reader, struct error *err)
{
    struct request *request = reader->request;
    enum code code;

    reply_header(request, "X-Accel-Buffering", BYTES("no")); /* of proxies that would hold it up */
    code = reply_stream(request, 200, "text/event-stream", &reader->stream, err);
    if (code)
        return code;
    stream_watch(reader->stream, workers_wait, app_of(request)->workers);
    stream_give_up_on(reader->stream, &reader->lost);
    request_resume(request);
    return OK;
}

/* Told once, not with each event that lacks it. */
static enum code tell_missing(struct reader *reader, const struct query_head *head,
                              struct error *err)
{
    struct buf text = BUF_INIT(MISSING_BYTES_MAX);
    struct hash128 hash = {0};
    enum code code;

    if (head->missing_count == 0) {
        reader->missing = hash;
        return OK;
    }
    buf_put_text(&text, "event: missing\ndata: {\"missing\":[");
    for (size_t i = 0; i < head->missing_count; i++) {
        buf_put_text(&text, i == 0 ? "" : ",");
        json_put_text(&text, head->missing[i]);
    }
    buf_put_text(&text, "]}\n\n");
    code = buf_finish(&text, err);
    if (!code)
        hash = hash128(buf_bytes(&text));
    if (!code && memcmp(&hash, &reader->missing, sizeof(hash)) != 0)
        code = stream_write(reader->stream, buf_bytes(&text), err);
    reader->missing = hash;
    buf_release(&text);
    return code;
}

/* The whole page is at hand by now. */
static enum code sink_begin(struct query_sink *sink, const struct query_head *head,
                            struct error *err)
{
    struct reader *reader = reader_of_sink(sink);
    enum code code = OK;

    reader->page_as_of = head->as_of;
    buf_clear(&reader->rest);
    buf_put(&reader->rest, head->next);
    if (head->next.size == 0 && head->as_of > reader->id)
        reader->id = head->as_of;
    if (buf_finish(&reader->rest, err))
        return E_MEMORY;
    if (reader->stream == NULL)
        code = begin_stream(reader, err);
    return code ? code : tell_missing(reader, head, err);
}

/* Only the last page of what changed has an id: a client that loses the connection before it begins
 * with the first one again. */
static enum code sink_write(struct query_sink *sink, struct bytes bytes, struct error *err)
{
    struct reader *reader = reader_of_sink(sink);
    bool last = reader->rest.size == 0;
    enum code code = last ? put_id(reader, "id: ", "\nevent: rows\n", err)
                          : stream_write(reader->stream, BYTES("event: rows\n"), err);

    if (!code)
        code = stream_write(reader->stream, bytes, err);
    if (!code)
        code = stream_write(reader->stream, BYTES("\n"), err);
    metric_add(reader->live->batches, 1);
    reader->told_ns = now_ns(reader->live);
    return code;
}

static bool sink_cancelled(struct query_sink *sink)
{
    struct reader *reader = reader_of_sink(sink);

    return reader->live->closed || request_cancelled(reader->request);
}

/* --- a job --- */

static enum code run_page(struct reader *reader, struct error *err)
{
    struct query_environment environment = query_environment_of(reader->request, &reader->lost);
    struct query_outcome outcome = {0};
    enum code code;

    if (!app_is_authorized(reader->request))
        return error_set(err, E_UNAUTHORIZED, "the token is not known any more or has expired");
    reader->lost = false;
    arena_release(&reader->page);
    code = live_go_on(reader->query, reader->since, buf_bytes(&reader->rest), &reader->page, err);
    if (!code)
        code = query_run(reader->query, &environment, &reader->sink, &outcome, err);
    reader->lost = false; /* nothing is held any more: what comes now may wait */
    query_count_scanned(reader->request, &outcome);
    metric_add(reader->live->rows, outcome.rows_out);
    if (!code && reader->rest.size == 0 && reader->page_as_of > reader->since)
        reader->since = reader->page_as_of;
    return code;
}

/* Pages as long as the client keeps up with them and nobody waits for the thread: who reads all
 * there is may take hours, and what is left comes at the next look, behind the others. */
static enum code run_pages(struct reader *reader, struct error *err)
{
    struct workers *workers = app_of(reader->request)->workers;
    enum code code;

    do {
        code = run_page(reader, err);
    } while (!code && reader->rest.size > 0 && !sink_cancelled(&reader->sink) &&
             workers_waiting(workers) == 0 &&
             stream_drain(reader->stream, UNSENT_BYTES_MAX, KEEP_UP_MS));
    return code;
}

/* Nobody else has it. */
static void reader_end(struct reader *reader, bool complete)
{
    stream_end(reader->stream, complete); /* the reader may be gone from here on */
}

/* Back to those that wait; when nothing more is to come, to its end. */
static void reader_wait(struct reader *reader)
{
    struct live *live = reader->live;
    bool closed;

    pthread_mutex_lock(&live->lock);
    closed = live->closed;
    if (!closed) {
        reader->next = live->first;
        live->first = reader;
        pthread_cond_signal(&live->more);
    }
    pthread_mutex_unlock(&live->lock);
    if (closed)
        reader_end(reader, true);
}

/* The first page failed: there is no stream yet. */
static void refuse(struct reader *reader, struct error *err)
{
    struct request *request = reader->request;

    if (reader->live->closed)
        error_set(err, E_DRAINING, "the server is stopping");
    else if (err->code == E_BUSY)
        error_retry(err, workers_seconds(app_of(request)->workers, 1));
    reply_problem(request, err);
    request_resume(request);
}

static void reader_run(struct job *job)
{
    struct reader *reader = (struct reader *)job;
    struct live *live = reader->live;
    bool first = reader->stream == NULL;
    struct error err = {0};
    enum code code = run_pages(reader, &err);

    if (reader->stream == NULL) {
        refuse(reader, &err);
        return;
    }
    if (!code && first)
        code = put_heartbeat(reader, &err);
    if (code == E_BUSY) { /* of memory, or of what it holds: the same question later */
        reader->again_ns = now_ns(live) + AGAIN_MS * ms_ns;
        code = OK;
    }
    if (!code || live->closed) {
        reader_wait(reader);
        return;
    }
    if (code != E_CANCELLED)
        put_problem(reader, &err);
    reader_end(reader, code != E_CANCELLED);
}

/* --- the thread --- */

enum due { DUE_NOTHING, DUE_JOB, DUE_HEARTBEAT, DUE_END, DUE_CUT };

/* What is to be done about a reader that waits. */
static enum due look_at(struct reader *reader, int64_t now)
{
    struct live *live = reader->live;
    struct store_progress progress =
        store_progress(live->app->store, session_of(reader->request)->tenant);
    uint64_t taken;
    size_t unsent = stream_unsent(reader->stream, &taken);

    if (live->closed)
        return DUE_END;
    if (request_cancelled(reader->request))
        return DUE_CUT;
    if (taken != reader->taken || unsent == 0) {
        reader->taken = taken;
        reader->moved_ns = now;
    }
    if (now - reader->moved_ns > live->idle_ns)
        return DUE_CUT;
    if (unsent > UNSENT_BYTES_MAX || now < reader->again_ns)
        return DUE_NOTHING;
    if (reader->rest.size > 0 || progress.newest > reader->since)
        return DUE_JOB;
    if (progress.settled > reader->since)
        reader->since = progress.settled;
    if (progress.durable > reader->id)
        reader->id = progress.durable;
    return unsent == 0 && now - reader->told_ns >= live->heartbeat_ns ? DUE_HEARTBEAT : DUE_NOTHING;
}

static void act(struct reader *reader, enum due due)
{
    struct live *live = reader->live;

    switch (due) {
    case DUE_JOB:
        if (!workers_submit(live->app->workers, &reader->job)) { /* full: when it is not */
            reader->again_ns = now_ns(live) + AGAIN_MS * ms_ns;
            reader_wait(reader);
        }
        break;
    case DUE_HEARTBEAT:
        if (put_heartbeat(reader, NULL) == OK)
            reader_wait(reader);
        else
            reader_end(reader, false);
        break;
    case DUE_END:
        reader_end(reader, true);
        break;
    case DUE_CUT:
        reader_end(reader, false);
        break;
    case DUE_NOTHING:
        assert(false);
        break;
    }
}

/* Looks at all that wait.  They are out of the list meanwhile, so that one lock is held at a time.
 */
static void look(struct live *live)
{
    struct reader *looked_at, *next, *kept = NULL, **kept_end = &kept;
    int64_t now = now_ns(live);

    pthread_mutex_lock(&live->lock);
    looked_at = live->first;
    live->first = NULL;
    pthread_mutex_unlock(&live->lock);
    for (struct reader *reader = looked_at; reader != NULL; reader = next) {
        enum due due = look_at(reader, now);

        next = reader->next;
        if (due == DUE_NOTHING) {
            *kept_end = reader;
            kept_end = &reader->next;
        } else {
            act(reader, due);
        }
    }
    pthread_mutex_lock(&live->lock);
    *kept_end = live->first;
    live->first = kept;
    pthread_mutex_unlock(&live->lock);
}

/* Until the next look is due; without readers until there is one. */
static void rest(struct live *live)
{
    struct timespec until = condition_until(live->interval_ns);

    while (!live->stop && live->first == NULL)
        pthread_cond_wait(&live->more, &live->lock);
    while (!live->stop && !live->closed &&
           pthread_cond_timedwait(&live->more, &live->lock, &until) == 0)
        continue; /* somebody came: the next look is soon enough */
}

static void run(void *context)
{
    struct live *live = context;

    pthread_mutex_lock(&live->lock);
    while (!live->stop) {
        rest(live);
        pthread_mutex_unlock(&live->lock);
        look(live);
        pthread_mutex_lock(&live->lock);
    }
    pthread_mutex_unlock(&live->lock);
}

enum code live_start(struct app *app, const struct limits *limits, struct live **out,
                     struct error *err)
{
    struct live *live = calloc(1, sizeof(*live));
    enum code code;

    *out = NULL;
    if (live == NULL)
        return error_set(err, E_MEMORY, "no memory for live readers");
    live->app = app;
    live->interval_ns = (int64_t)limits->live_interval_ms_max * ms_ns;
    live->heartbeat_ns = (int64_t)limits->live_heartbeat_ms_max * ms_ns;
    live->idle_ns = (int64_t)limits->idle_ms_max * ms_ns;
    live->batches = metrics_get(app->metrics, "weir_live_batches_total",
                                "Events with rows that were sent.", METRIC_COUNTER, "");
    live->rows = metrics_get(app->metrics, "weir_live_rows_total", "Rows that were sent in events.",
                             METRIC_COUNTER, "");
    pthread_mutex_init(&live->lock, NULL);
    condition_init(&live->more);
    code = thread_start("weir-live", run, live, &live->thread, err);
    if (code) {
        live_stop(live);
        return code;
    }
    *out = live;
    return OK;
}

void live_close(struct live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    live->closed = true;
    pthread_cond_signal(&live->more);
    pthread_mutex_unlock(&live->lock);
}

void live_stop(struct live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->lock);
    assert(live->first == NULL);
    live->closed = live->stop = true;
    pthread_cond_signal(&live->more);
    pthread_mutex_unlock(&live->lock);
    thread_join(live->thread);
    pthread_cond_destroy(&live->more);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

/* --- the request --- */

static enum code count_reader(struct reader *reader, struct error *err)
{
    const struct session *session = session_of(reader->request);
    uint64_t live_max = session->settings->limits.live_max;
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "tenant", session->tenant->name);
    buf_put_char(&labels, 0);
    if (!labels.failed)
        reader->readers = metrics_get(app_of(reader->request)->metrics, "weir_live_readers",
                                      "Readers of live changes.", METRIC_GAUGE, labels.data);
    buf_release(&labels);
    metric_move(reader->readers, 1);
    if (metric_value(reader->readers) <= live_max)
        return OK;
    return error_set(err, E_LIVE_MANY,
                     "%llu live readers of this tenant are connected already, which is the limit "
                     "live_max",
                     (unsigned long long)live_max);
}

static enum code parse(struct reader *reader, struct error *err)
{
    struct request *request = reader->request;
    const struct session *session = session_of(request);
    struct store *store = app_of(request)->store;
    uint64_t page_bytes = session->settings->limits.query_result_bytes_max / 2;
    struct query_parameter *parameters =
        ARENA_ARRAY(&reader->arena, struct query_parameter, request->parameter_count);
    struct store_progress progress;
    bool from_now = false;
    enum code code;

    if (parameters == NULL)
        return error_set(err, E_MEMORY, "no memory for a question");
    for (size_t i = 0; i < request->parameter_count; i++) {
        parameters[i].name = request->parameters[i].name;
        parameters[i].value = request->parameters[i].value;
    }
    code = live_parse(parameters, request->parameter_count,
                      request_header(request, "last-event-id"), clock_wall_ns(store_clock(store)),
                      page_bytes < PAGE_BYTES ? page_bytes : PAGE_BYTES, &reader->arena,
                      &reader->query, &from_now, err);
    if (code)
        return code;
    progress = store_progress(store, session->tenant);
    reader->since = from_now ? progress.settled : live_since(reader->query);
    reader->id = from_now && progress.durable > 0 ? progress.durable : reader->since;
    return OK;
}

static void live_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct reader *reader = calloc(1, sizeof(*reader));
    struct error err = {0};
    enum code code;

    if (reader == NULL) {
        error_set(&err, E_MEMORY, "no memory for a live reader");
        reply_problem(request, &err);
        return;
    }
    request->state = reader;
    reader->request = request;
    reader->live = app->live;
    reader->job.run = reader_run;
    reader->job.owner = session_of(request)->tenant->ordinal;
    reader->sink = (struct query_sink){sink_begin, sink_write, sink_cancelled};
    reader->rest = BUF_INIT(NEXT_BYTES_MAX);
    reader->moved_ns = now_ns(app->live);
    arena_init(&reader->arena, QUESTION_BYTES_MAX, NULL);
    arena_init(&reader->page, QUESTION_BYTES_MAX, NULL);
    code = app->live->closed ? error_set(&err, E_DRAINING, "the server is stopping") : OK;
    if (!code)
        code = parse(reader, &err);
    if (!code)
        code = count_reader(reader, &err);
    if (!reply_unless_ok(request, code, &err))
        return;
    request_park(request);
    if (!workers_submit(app->workers, &reader->job)) {
        error_set(&err, E_BUSY, "too many queries wait for a worker; try again");
        refuse(reader, &err);
    }
}

static void live_cleanup(struct request *request)
{
    struct reader *reader = request->state;

    if (reader == NULL)
        return;
    metric_move(reader->readers, -1);
    arena_release(&reader->page);
    arena_release(&reader->arena);
    buf_release(&reader->rest);
    free(reader);
}

const struct handler live_handler = {
    .finish = live_finish,
    .cleanup = live_cleanup,
};
