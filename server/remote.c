/* Requests with their retries.  What a retry may do: a connection that failed has sent nothing, a
 * GET changes nothing, and a write with an Idempotency-Key is stored once however often it is
 * sent.  So an answer that was lost on its way back is asked for again, and only an answer that
 * has begun to be passed on cannot be taken back. */
#include "server/remote.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/json_doc.h"
#include "server/command_line.h"
#include "server/interrupt.h"
#include "server/remote_flags.h"

enum {
    TARGET_BYTES_MAX = 1 << 20,
    HEADERS_MAX = 6,
    BACKOFF_MS_FIRST = 200,
    BACKOFF_MS_MAX = 10000,
    PROBLEM_DEPTH_MAX = 8,
    SAY_BYTES_MAX = 2048,
};

/* --- the command line --- */

static void help_print(const struct remote_line *line)
{
    const struct arguments shared = {remote_rows, REMOTE_FLAG_COUNT, NULL};

    fputs(line->usage, stdout);
    fputs("\nflags:\n", stdout);
    for (size_t i = 0; line->more && i < line->more->count; i++)
        argument_row_print(&line->more->rows[i], stdout);
    arguments_print(line->own, stdout);
    fputs("\nthe server and the way to it:\n", stdout);
    arguments_print(&shared, stdout);
}

bool remote_open(const struct remote_line *line, int argc, char **argv, struct remote *remote,
                 int *exit_code)
{
    const char *values[REMOTE_FLAG_COUNT] = {NULL};
    struct arguments tables[] = {
        *line->own, {remote_rows, REMOTE_FLAG_COUNT, values}
    };
    struct argument_more none = {.count = 0};
    struct error err = {0};

    if (arguments_ask_help(argc, argv)) {
        help_print(line);
        *exit_code = COMMAND_DONE;
        return false;
    }
    *exit_code = COMMAND_USAGE;
    if (arguments_read_more(argc, argv, tables, COUNT_OF(tables), line->more ? line->more : &none,
                            &err)) {
        fprintf(stderr, "weir %s: %s (weir %s --help tells all)\n", argv[0], err.text, argv[0]);
        return false;
    }
    if (remote_flags_apply(values, remote, &err)) {
        fprintf(stderr, "weir %s: %s\n", argv[0], err.text);
        remote_close(remote);
        return false;
    }
    interrupt_watch();
    return true;
}

void remote_close(struct remote *remote)
{
    progress_wipe(&remote->progress);
    client_close(remote->client);
    buf_release(&remote->url);
    buf_release(&remote->bearer);
    buf_release(&remote->answer);
}

void remote_say(struct remote *remote, const char *format, ...)
{
    va_list arguments;
    char line[SAY_BYTES_MAX];

    if (remote->quiet)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    progress_wipe(&remote->progress);
    fprintf(stderr, "weir: %s\n", line);
}

void remote_say_warnings(struct remote *remote)
{
    struct bytes text;

    for (size_t i = 0; client_header_at(remote->client, "Weir-Warning", i, &text); i++)
        remote_say(remote, "warning: %.*s", BYTES_ARG(text));
}

int remote_fail(struct remote *remote, const struct error *err)
{
    progress_wipe(&remote->progress);
    if (err->code == E_CANCELLED)
        return COMMAND_INTERRUPTED;
    return command_fail(err);
}

/* --- parameters --- */

void remote_put_parameter(struct buf *target, const char *name, struct bytes value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    bool first = target->size == 0 || memchr(target->data, '?', target->size) == NULL;

    buf_put_char(target, first ? '?' : '&');
    buf_put_text(target, name);
    buf_put_char(target, '=');
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (memchr(plain, c, sizeof(plain) - 1) != NULL)
            buf_put_char(target, c);
        else
            buf_printf(target, "%%%02X", (unsigned char)c);
    }
}

/* --- one try --- */

struct attempt {
    struct remote *remote;
    const struct remote_request *request;
    remote_take take;
    void *context;
    size_t sent; /* of the body */
    bool passed; /* something went to `take` */
    bool good;   /* the status is a 2xx */
};

static size_t give_body(void *context, char *into, size_t room)
{
    struct attempt *attempt = context;
    size_t left = attempt->request->body.size - attempt->sent, size = left < room ? left : room;

    if (size > 0)
        memcpy(into, attempt->request->body.data + attempt->sent, size);
    attempt->sent += size;
    return size;
}

static bool restart_body(void *context)
{
    ((struct attempt *)context)->sent = 0;
    return true;
}

static enum code take_head(void *context, unsigned status, struct error *err)
{
    struct attempt *attempt = context;

    (void)err;
    attempt->good = status >= 200 && status < 300;
    return OK;
}

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    struct attempt *attempt = context;
    struct buf *answer = &attempt->remote->answer;

    if (attempt->good && attempt->take) {
        attempt->passed = true;
        return attempt->take(attempt->context, piece, err);
    }
    buf_put(answer, piece);
    return buf_finish(answer, err);
}

static bool stopped(void *context)
{
    (void)context;
    return interrupt_came();
}

/* One request as it goes out; OK is an answer of any status. */
static enum code try_once(struct attempt *attempt, const char *url, struct error *err)
{
    const struct remote_request *request = attempt->request;
    const struct client_sink sink = {take_head, take_piece, stopped, attempt};
    const struct client_source source = {give_body, restart_body, attempt, request->body.size};
    const char *headers[HEADERS_MAX + 1] = {NULL};
    char type[128], encoding[64], key[300];
    size_t count = 0;

    if (attempt->remote->bearer.size > 0)
        headers[count++] = attempt->remote->bearer.data;
    if (request->content_type) {
        (void)snprintf(type, sizeof(type), "Content-Type: %s", request->content_type);
        headers[count++] = type;
    }
    if (request->encoding) {
        (void)snprintf(encoding, sizeof(encoding), "Content-Encoding: %s", request->encoding);
        headers[count++] = encoding;
    }
    if (request->key.size > 0) {
        (void)snprintf(key, sizeof(key), "Idempotency-Key: %.*s", BYTES_ARG(request->key));
        headers[count++] = key;
    }
    if (request->precondition)
        headers[count++] = request->precondition;
    const struct client_request out = {request->method, url, headers,
                                       request->content_type ? &source : NULL,
                                       attempt->remote->compressed};

    attempt->sent = 0;
    attempt->good = false;
    buf_clear(&attempt->remote->answer);
    return client_run(attempt->remote->client, &out, &sink, err);
}

/* --- what an answer means --- */

static struct bytes member_text(const struct json *problem, const char *name)
{
    const struct json *value = json_member(problem, name);

    return value && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

static enum code code_of_status(unsigned status, struct bytes slug)
{
    if (bytes_equal(slug, BYTES("invalid_points")))
        return E_INVALID_POINTS;
    if (bytes_equal(slug, BYTES("partial_result")))
        return E_PARTIAL;
    if (bytes_equal(slug, BYTES("missing_parameter")))
        return E_MISSING_PARAMETER;
    switch (status) {
    case 401:
        return E_UNAUTHORIZED;
    case 404:
        return E_NOT_FOUND;
    case 413:
        return E_BODY_LARGE;
    case 429:
    case 503:
        return E_BUSY;
    default:
        return status >= 500 ? E_INTERNAL : E_BAD_REQUEST;
    }
}

/* The text is for people who do not know HTTP: what the server said, then what to do. */
static enum code refusal(struct attempt *attempt, struct error *err)
{
    struct remote *remote = attempt->remote;
    unsigned status = client_status(remote->client);
    struct json *problem = NULL;
    struct bytes slug = BYTES(""), detail = BYTES("");
    const char *advice = status == 401 ? "; --token-file FILE or WEIR_TOKEN gives the token" : "";
    enum code code;

    if (json_doc_parse(buf_bytes(&remote->answer), PROBLEM_DEPTH_MAX, &problem, NULL) == OK) {
        slug = member_text(problem, "code");
        detail = member_text(problem, "detail");
    }
    code = code_of_status(status, slug);
    if (slug.size > 0)
        error_set(err, code, "the server refused: %.*s (%.*s, %u)%s", BYTES_ARG(detail),
                  BYTES_ARG(slug), status, advice);
    else
        error_set(err, code, "%.*s answered %u, and not as Weir does; is --url right?%s",
                  BYTES_ARG(buf_bytes(&remote->url)), status, advice);
    json_doc_free(problem);
    return code;
}

static enum code lost(struct attempt *attempt, enum code code, struct error *err)
{
    struct remote *remote = attempt->remote;

    if (code == E_NOT_READY)
        error_context(err, "cannot reach %.*s (is `weir serve` running there? --url says where)",
                      BYTES_ARG(buf_bytes(&remote->url)));
    else if (code == E_IO && attempt->passed)
        error_context(err, "the answer was cut off, what came is not all of it");
    else if (code == E_IO || code == E_TIMEOUT || code == E_CONFIG)
        error_context(err, "%.*s", BYTES_ARG(buf_bytes(&remote->url)));
    return code;
}

/* --- retries --- */

static bool worth_retry(const struct attempt *attempt, enum code code)
{
    const struct remote_request *request = attempt->request;
    bool write = request->key.size > 0;
    bool safe = write || request->question || strcmp(request->method, "GET") == 0;
    unsigned status = client_status(attempt->remote->client);

    if (attempt->passed || !safe)
        return false;
    if (code == E_NOT_READY || code == E_IO || code == E_TIMEOUT)
        return true;
    if (code != OK)
        return false;
    if (status == 429 || status == 503)
        return true;
    /* 409: the first try is still under way; 500: whether it was stored is not known. */
    return write &&
           (status == 408 || status == 409 || status == 500 || status == 502 || status == 504);
}

/* As long as the server says and some more, so that many clients do not come back at once. */
static uint64_t delay_ms(struct remote *remote, unsigned tries)
{
    uint64_t ms = BACKOFF_MS_FIRST, seconds;

    for (unsigned i = 1; i < tries && ms < BACKOFF_MS_MAX; i++)
        ms *= 2;
    if (ms > BACKOFF_MS_MAX)
        ms = BACKOFF_MS_MAX;
    ms = ms / 2 + random_below(&remote->random, ms / 2 + 1);
    if (client_status(remote->client) != 0 && client_retry_after(remote->client, &seconds) &&
        seconds < UINT32_MAX)
        ms += seconds * 1000;
    return ms;
}

/* True: try again. */
static bool wait_for_retry(struct remote *remote, unsigned tries, int64_t *until_ns,
                           struct error *err)
{
    uint64_t ms = delay_ms(remote, tries);
    int64_t now_ns = clock_monotonic_ns(clock_system());

    if (tries == 1)
        *until_ns = now_ns + (int64_t)(remote->retry_ms * 1000000);
    if (now_ns + (int64_t)(ms * 1000000) > *until_ns) {
        if (remote->retry_ms > 0)
            error_context(err, "given up after %u tries (--retry-for)", tries);
        return false;
    }
    remote_say(remote, "%s; trying again in %.1f s", err->text, (double)ms / 1000);
    return interrupt_sleep(ms);
}

enum code remote_send(struct remote *remote, const struct remote_request *request, remote_take take,
                      void *context, struct error *err)
{
    struct attempt attempt = {remote, request, take, context, 0, false, false};
    struct buf url = BUF_INIT(TARGET_BYTES_MAX);
    int64_t until_ns = 0;
    enum code code;

    buf_put(&url, buf_bytes(&remote->url));
    buf_put(&url, request->target);
    buf_put_char(&url, '\0');
    code = buf_finish(&url, err);
    for (unsigned tries = 1; code == OK; tries++) {
        bool again;

        code = try_once(&attempt, url.data, err);
        if (code == OK && attempt.good)
            break;
        again = worth_retry(&attempt, code);
        code = code == OK ? refusal(&attempt, err) : lost(&attempt, code, err);
        if (again && code != E_PARTIAL && wait_for_retry(remote, tries, &until_ns, err))
            code = OK; /* once more */
        if (interrupt_came())
            code = error_set(err, E_CANCELLED, "interrupted");
    }
    buf_release(&url);
    return code;
}
