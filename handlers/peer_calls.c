#include "handlers/peer_calls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/condition.h"
#include "discovery/cluster_secret.h"
#include "discovery/registry.h"
#include "discovery/source_record.h"
#include "handlers/peer_question.h"
#include "net/client.h"

enum {
    URL_SIZE = 400,
    QUESTION_BYTES_MAX = 1 << 20,
    HEADERS_MAX = 5,
    NUMBER_LINE_SIZE = 64,
    VALUE_BYTES_MAX = 384, /* an empty object, as jansson has it, and a name */
};

static const char bearer[] = "Authorization: Bearer ";

/* Connections of one question at a time; they stay for the next. */
struct caller {
    struct caller *next; /* of those that nobody uses */
    struct client_group *group;
    struct client **clients;
    size_t client_count;
};

struct peer_calls {
    struct cluster_secret *secret;
    struct clock *clock;
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;
    struct caller *idle;
    unsigned busy;
};

/* --- callers --- */

static void caller_free(struct caller *caller)
{
    for (size_t i = 0; i < caller->client_count; i++)
        client_close(caller->clients[i]);
    free(caller->clients);
    client_group_close(caller->group);
    free(caller);
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to ask other members");
}

static enum code caller_new(struct caller **out, struct error *err)
{
    struct caller *caller = calloc(1, sizeof(*caller));
    enum code code;

    *out = NULL;
    if (caller == NULL)
        return no_memory(err);
    code = client_group_open(&caller->group, err);
    if (code)
        caller_free(caller);
    else
        *out = caller;
    return code;
}

static enum code caller_grow(struct caller *caller, size_t count, struct error *err)
{
    static const struct client_options options = {.user_agent = "weir"};
    struct client **grown;
    enum code code = OK;

    if (count <= caller->client_count)
        return OK;
    grown = realloc(caller->clients, count * sizeof(struct client *));
    if (grown == NULL)
        return no_memory(err);
    caller->clients = grown;
    while (!code && caller->client_count < count) {
        code = client_open(&options, &grown[caller->client_count], err);
        caller->client_count += code == OK;
    }
    return code;
}

/* E_TIMEOUT: so many ask that this one's turn did not come. */
static enum code take_caller(struct peer_calls *calls, int64_t until_ns, struct caller **caller,
                             struct error *err)
{
    int64_t left_ns = until_ns - clock_monotonic_ns(calls->clock);
    const struct timespec until = condition_until(left_ns > 0 ? left_ns : 0);
    bool taken;

    pthread_mutex_lock(&calls->lock);
    while (calls->busy == PEER_QUESTIONS_MAX &&
           pthread_cond_timedwait(&calls->more, &calls->lock, &until) != ETIMEDOUT)
        ;
    taken = calls->busy < PEER_QUESTIONS_MAX;
    calls->busy += taken;
    *caller = calls->idle;
    if (taken && *caller != NULL)
        calls->idle = (*caller)->next;
    pthread_mutex_unlock(&calls->lock);
    if (!taken)
        return error_set(err, E_TIMEOUT, "other questions ask it, and it was not this one's turn");
    return *caller == NULL ? caller_new(caller, err) : OK;
}

/* NULL: one that could not be made. */
static void give_caller(struct peer_calls *calls, struct caller *caller)
{
    pthread_mutex_lock(&calls->lock);
    calls->busy--;
    if (caller != NULL) {
        caller->next = calls->idle;
        calls->idle = caller;
    }
    pthread_cond_signal(&calls->more);
    pthread_mutex_unlock(&calls->lock);
}

/* --- a call --- */

/* Of one that is under way. */
struct errand {
    const struct peer_call *call;
    const struct peer_terms *terms;
    struct peer_memory *memory;
    struct buf question, body;
    size_t sent;
    char url[URL_SIZE];
    const char *headers[HEADERS_MAX + 1];
};

static size_t give_question(void *context, char *into, size_t room)
{
    struct errand *errand = context;
    size_t left = errand->question.size - errand->sent, size = left < room ? left : room;

    memcpy(into, errand->question.data + errand->sent, size);
    errand->sent += size;
    return size;
}

static bool restart_question(void *context)
{
    ((struct errand *)context)->sent = 0;
    return true;
}

/* Twice: a pack has a copy of its own. */
static enum code take_body(void *context, struct bytes piece, struct error *err)
{
    struct errand *errand = context;
    struct peer_memory *memory = errand->memory;

    if (memory->budget != NULL && !budget_take(memory->budget, 2 * piece.size))
        return error_set(err, E_MEMORY, "questions use all memory for its reply");
    memory->taken += 2 * piece.size;
    memory->received += piece.size;
    buf_put(&errand->body, piece);
    return errand->body.failed ? error_set(err, E_CORRUPT, "its reply is too large") : OK;
}

static bool stopped(void *context)
{
    const struct errand *errand = context;

    return errand->terms->stop != NULL && *errand->terms->stop;
}

/* One that has no body. */
static bool is_get(const struct peer_call *call)
{
    return call->names || call->source.size > 0;
}

static enum code print_question(const struct peer_call *call, struct buf *out, struct error *err)
{
    const struct selector selector = {call->measurement, call->matchers, call->matcher_count};

    if (call->erases != NULL)
        return peer_question_print_erasure(call->asked.tenant, call->erases, out, err);
    if (!is_get(call))
        peer_question_print_rows(call->asked.tenant, &selector, call->start, call->end,
                                 call->asked.as_of, out);
    return buf_finish(out, err);
}

/* The lines that all calls of a question have. */
struct lines {
    char authorization[sizeof(bearer) + CLUSTER_SECRET_TEXT_SIZE];
    char peer[NUMBER_LINE_SIZE], clock[NUMBER_LINE_SIZE];
};

static void lines_make(const struct peer_calls *calls, uint32_t own, struct lines *lines)
{
    memcpy(lines->authorization, bearer, sizeof(bearer) - 1);
    cluster_secret_copy(calls->secret, lines->authorization + sizeof(bearer) - 1);
    (void)snprintf(lines->peer, sizeof(lines->peer), "Weir-Peer: %u", own);
    (void)snprintf(lines->clock, sizeof(lines->clock), "Weir-Clock: %lld",
                   (long long)clock_wall_ns(calls->clock));
}

/* The secret goes to a host and a port, and nowhere that an address could smuggle in. */
static bool make_url(const struct peer_call *call, char url[URL_SIZE])
{
    int size = snprintf(url, URL_SIZE, "http://%s", call->address), more;

    if (size < 0 || size >= URL_SIZE || strchr(call->address, '/') != NULL ||
        client_url_check(url, NULL))
        return false;
    if (!is_get(call))
        more = snprintf(url + size, URL_SIZE - (size_t)size, "/peer/v1/%s",
                        call->erases != NULL ? "erase" : "rows");
    else if (!registry_name_valid(REGISTRY_TENANTS, call->asked.tenant) ||
             (!call->names && !source_name_valid(call->source)))
        return false;
    else if (call->names)
        more = snprintf(url + size, URL_SIZE - (size_t)size, "/peer/v1/names?tenant=%.*s",
                        BYTES_ARG(call->asked.tenant));
    else
        more = snprintf(url + size, URL_SIZE - (size_t)size,
                        "/peer/v1/source?tenant=%.*s&source=%.*s&limit=%zu",
                        BYTES_ARG(call->asked.tenant), BYTES_ARG(call->source), call->fetches);
    return more > 0 && more < URL_SIZE - size;
}

static enum code errand_make(struct errand *errand, const struct peer_call *call,
                             const struct lines *lines, struct peer_memory *memory,
                             struct error *err)
{
    const char *headers[] = {lines->authorization, lines->peer, lines->clock,
                             "Content-Type: application/json", "Expect:"};
    enum code code;

    _Static_assert(COUNT_OF(headers) == HEADERS_MAX, "all of them");
    errand->call = call;
    errand->memory = memory;
    errand->question = BUF_INIT(QUESTION_BYTES_MAX);
    errand->body = BUF_INIT(PEER_REPLY_BYTES_MAX);
    memcpy(errand->headers, headers, sizeof(headers));
    if (is_get(call))
        errand->headers[HEADERS_MAX - 2] = NULL; /* no body, and nothing to say of it */
    code = print_question(call, &errand->question, err);
    if (code)
        return code;
    return make_url(call, errand->url)
               ? OK
               : error_set(err, E_CONFIG, "its address is none that can be asked");
}

/* Copied: the next question of the client has others. */
static struct bytes header_of(struct client *client, const char *name, struct arena *arena)
{
    struct bytes value = {"", 0};

    if (!client_header(client, name, &value))
        return BYTES("");
    value = arena_copy(arena, value);
    return value.data == NULL ? BYTES("") : value; /* then the reply is none */
}

/* What a document of it takes, at the most: each value of it, and the texts. */
static enum code take_document(struct peer_memory *memory, struct bytes body, struct error *err)
{
    size_t want = body.size;

    for (size_t i = 0; i < body.size; i++)
        if (body.data[i] == ',' || body.data[i] == ':' || body.data[i] == '[' ||
            body.data[i] == '{')
            want += VALUE_BYTES_MAX;
    if (memory->budget != NULL && !budget_take(memory->budget, want))
        return error_set(err, E_MEMORY, "questions use all memory for its reply");
    memory->taken += want;
    return OK;
}

static void take_reply(struct peer_call *call, const struct client_errand *done,
                       const struct errand *errand, struct arena *arena)
{
    const struct peer_head head = {
        .status = client_status(done->client),
        .member = header_of(done->client, "Weir-Member", arena),
        .through = header_of(done->client, "Weir-Through", arena),
        .delivered = header_of(done->client, "Weir-Delivered", arena),
        .newest = header_of(done->client, "Weir-Newest", arena),
        .settled = header_of(done->client, "Weir-Settled", arena),
        .floor = header_of(done->client, "Weir-Floor", arena),
    };
    struct bytes body = buf_bytes(&errand->body);

    if (call->erases != NULL)
        call->code = peer_reply_erased(&call->asked, &head, body, &call->ingest, &call->err);
    else if (!is_get(call))
        call->code = peer_reply_read(&call->asked, &head, body, &call->reply, &call->err);
    else if ((call->code = take_document(errand->memory, body, &call->err)) != OK)
        return;
    else if (call->names)
        call->code = peer_reply_names(&call->asked, &head, body, arena, &call->measurements,
                                      &call->measurement_count, &call->err);
    else
        call->code = peer_reply_told(&call->asked, &head, body, arena, &call->told, &call->err);
}

/* libcurl's words may name the address; they are for the operator, as all `partial` is. */
static void note_failure(struct peer_call *call, const struct client_errand *done,
                         const struct peer_terms *terms)
{
    call->code = done->code;
    if (done->code == E_TIMEOUT)
        error_set(&call->err, E_TIMEOUT, "it did not answer within %llu ms (%s)",
                  (unsigned long long)terms->ms_max, terms->limit);
    else if (done->code == E_NOT_READY)
        error_set(&call->err, E_NOT_READY, "it takes no connection");
    else if (done->code == E_IO)
        error_set(&call->err, E_IO, "its reply was cut");
    else
        call->err = done->err;
}

/* --- all of a question --- */

struct sending {
    struct client_source *sources;
    struct client_errand *due; /* those that go out, in the order of: */
    struct errand *errands;
    size_t *which; /* of the calls */
    size_t due_count;
};

static bool sending_make(struct sending *sending, size_t count, struct arena *arena)
{
    sending->sources = ARENA_ARRAY(arena, struct client_source, count);
    sending->due = ARENA_ARRAY(arena, struct client_errand, count);
    sending->errands = ARENA_ARRAY(arena, struct errand, count);
    sending->which = ARENA_ARRAY(arena, size_t, count);
    return sending->sources && sending->due && sending->errands && sending->which;
}

static void send_all(struct caller *caller, struct sending *sending, const struct peer_terms *terms,
                     struct peer_call *call, size_t count, const struct lines *lines,
                     struct peer_memory *memory)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = sending->due_count;
        struct errand *errand = &sending->errands[at];

        *errand = (struct errand){.terms = terms};
        call[i].code = errand_make(errand, &call[i], lines, memory, &call[i].err);
        if (call[i].code) {
            buf_release(&errand->question);
            continue;
        }
        sending->sources[at] =
            (struct client_source){give_question, restart_question, errand, errand->question.size};
        sending->due[at] = (struct client_errand){
            .client = caller->clients[at],
            .request = {.method = is_get(&call[i]) ? "GET" : "POST",
                        .url = errand->url,
                        .headers = errand->headers,
                        .source = is_get(&call[i]) ? NULL : &sending->sources[at]},
            .sink = {.take = take_body,                                           .stopped = stopped, .context = errand},
        };
        sending->which[sending->due_count++] = i;
    }
}

/* At least one, so that nobody waits without an end. */
static uint64_t left_ms(const struct peer_calls *calls, int64_t until_ns)
{
    int64_t left_ns = until_ns - clock_monotonic_ns(calls->clock);

    return left_ns < 1000000 ? 1 : (uint64_t)left_ns / 1000000;
}

enum code peer_calls_run(struct peer_calls *calls, const struct peer_terms *terms,
                         struct peer_call *call, size_t count, struct arena *arena,
                         struct peer_memory *memory, struct error *err)
{
    struct sending sending = {0};
    struct caller *caller = NULL;
    struct lines lines = {0};
    enum code code;

    if (!sending_make(&sending, count, arena))
        return no_memory(err);
    code = take_caller(calls, terms->until_ns, &caller, err);
    if (code == E_TIMEOUT)
        return code;
    if (!code)
        code = caller_grow(caller, count, err);
    if (code) {
        give_caller(calls, caller);
        return code;
    }
    lines_make(calls, terms->own, &lines);
    send_all(caller, &sending, terms, call, count, &lines, memory);
    client_group_run(caller->group, sending.due, sending.due_count,
                     left_ms(calls, terms->until_ns));
    explicit_bzero(&lines, sizeof(lines));
    for (size_t i = 0; i < sending.due_count; i++) {
        struct peer_call *one = &call[sending.which[i]];

        if (sending.due[i].code)
            note_failure(one, &sending.due[i], terms);
        else
            take_reply(one, &sending.due[i], &sending.errands[i], arena);
        buf_release(&sending.errands[i].question);
        buf_release(&sending.errands[i].body);
    }
    give_caller(calls, caller);
    return OK;
}

/* --- all of it --- */

enum code peer_calls_new(struct cluster_secret *secret, struct clock *clock,
                         struct peer_calls **out, struct error *err)
{
    struct peer_calls *calls = calloc(1, sizeof(*calls));

    *out = calls;
    if (calls == NULL)
        return no_memory(err);
    calls->secret = secret;
    calls->clock = clock;
    pthread_mutex_init(&calls->lock, NULL);
    condition_init(&calls->more);
    return OK;
}

void peer_calls_free(struct peer_calls *calls)
{
    if (calls == NULL)
        return;
    while (calls->idle != NULL) {
        struct caller *caller = calls->idle;

        calls->idle = caller->next;
        caller_free(caller);
    }
    pthread_cond_destroy(&calls->more);
    pthread_mutex_destroy(&calls->lock);
    free(calls);
}
