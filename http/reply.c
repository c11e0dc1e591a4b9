/* Replies are made in the exchange, by whichever thread has it, and given to libmicrohttpd by the
 * HTTP thread alone (mhd.c).  Header names and values lie in one buf, so that an answer can be
 * made when the request's arena is used up. */
#include "http/exchange.h"
#include "http/problem.h"
#include "http/server_state.h"

#include "base/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HEADERS_BYTES_MAX = 32768,
    PROBLEM_BYTES_MAX = 16 << 20,
    COMPRESS_LEAST = 1024,
    RETRY_SECONDS_MAX = 60,
};

/* Values can hold user text: a control byte would end the header, or the head. */
static void put_clean(struct buf *out, struct bytes value)
{
    char *to = buf_extend(out, value.size);

    for (size_t i = 0; to != NULL && i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        to[i] = (c < ' ' && c != '\t') || c == 0x7f ? '?' : value.data[i];
    }
    buf_put_char(out, '\0');
}

static void add_header(struct reply *reply, const char *name, struct bytes value)
{
    if (reply->headers.size_max == 0)
        reply->headers = BUF_INIT(HEADERS_BYTES_MAX);
    buf_put(&reply->headers, (struct bytes){name, strlen(name) + 1});
    put_clean(&reply->headers, value);
    reply->failed |= reply->headers.failed;
}

bool reply_next_header(const struct reply *reply, size_t *at, const char **name, const char **value)
{
    if (*at >= reply->headers.size)
        return false;
    *name = reply->headers.data + *at;
    *value = *name + strlen(*name) + 1;
    *at += strlen(*name) + 1 + strlen(*value) + 1;
    return true;
}

static const char *header_of(const struct reply *reply, const char *wanted)
{
    const char *name, *value;

    for (size_t at = 0; reply_next_header(reply, &at, &name, &value);)
        if (strcasecmp(name, wanted) == 0)
            return value;
    return NULL;
}

void reply_header(struct request *request, const char *name, struct bytes value)
{
    struct reply *reply = &exchange_of(request)->reply;

    assert(!reply->made);
    add_header(reply, name, value);
}

static struct reply *begin(struct request *request, unsigned status, const char *content_type)
{
    struct reply *reply = &exchange_of(request)->reply;

    assert(!reply->made);
    assert(status >= 200 && status < 600);
    reply->made = true;
    reply->status = status;
    if (content_type != NULL)
        add_header(reply, "Content-Type", bytes_of(content_type));
    return reply;
}

/* What to code this body with; also says that the answer depends on what the client takes. */
static enum coding choose(struct request *request, const char *content_type)
{
    struct reply *reply = &exchange_of(request)->reply;
    enum coding coding = exchange_of(request)->coding;

    if (!coding_pays(bytes_of(content_type)) || header_of(reply, "Content-Encoding") != NULL)
        return CODING_IDENTITY;
    if (header_of(reply, "Vary") == NULL)
        add_header(reply, "Vary", BYTES("Accept-Encoding"));
    return coding;
}

static void set_coding(struct reply *reply, enum coding coding)
{
    if (coding != CODING_IDENTITY)
        add_header(reply, "Content-Encoding", bytes_of(coding_name(coding)));
}

void reply_empty(struct request *request, unsigned status)
{
    begin(request, status, NULL);
}

/* True when the body went in compressed.  Without memory for that it goes as it is. */
static bool compressed(struct request *request, struct reply *reply, const char *content_type,
                       struct bytes body)
{
    enum coding coding =
        body.size > COMPRESS_LEAST ? choose(request, content_type) : CODING_IDENTITY;
    struct buf out = BUF_INIT(body.size);

    if (coding == CODING_IDENTITY || compress_whole(coding, body, &out, NULL) != OK) {
        buf_release(&out);
        return false;
    }
    set_coding(reply, coding);
    reply->body = out.data;
    reply->size = out.size;
    return true;
}

void reply_bytes(struct request *request, unsigned status, const char *content_type,
                 struct bytes body)
{
    struct reply *reply = begin(request, status, content_type);

    if (compressed(request, reply, content_type, body) || body.size == 0)
        return;
    reply->body = malloc(body.size);
    reply->failed |= reply->body == NULL;
    if (reply->body == NULL)
        return;
    memcpy(reply->body, body.data, body.size);
    reply->size = body.size;
}

void reply_buf_take(struct request *request, unsigned status, const char *content_type,
                    struct buf *body)
{
    struct error err = {0};
    struct reply *reply;

    if (buf_finish(body, &err) != OK) {
        buf_release(body);
        reply_problem(request, &err);
        return;
    }
    reply = begin(request, status, content_type);
    if (!compressed(request, reply, content_type, buf_bytes(body))) {
        reply->body = body->data;
        reply->size = body->size;
        *body = BUF_INIT(body->size_max);
    }
    buf_release(body);
}

/* Where whoever refused could not tell how long it takes. */
static unsigned retry_of(enum code code)
{
    switch (code) {
    case E_DISK_FULL: /* somebody has to make room, or put the clock right, or the parts back */
    case E_CLOCK_SKEW:
    case E_PARTIAL:
    case E_UNERASED:
    case E_NO_MEMBER:
        return 10;
    case E_DRAINING: /* about as long as a restart takes */
    case E_NOT_READY:
        return 2;
    default:
        return 1;
    }
}

/* With up to a quarter and two seconds more, at random, so that those who were refused together do
 * not come back together. */
static void add_retry_after(struct reply *reply, const struct error *err)
{
    unsigned seconds = err->retry_s > 0 ? err->retry_s : retry_of(err->code);
    unsigned char chance;
    char text[16];

    random_secure(&chance, sizeof(chance));
    seconds += chance % (seconds / 4 + 3);
    if (seconds > RETRY_SECONDS_MAX)
        seconds = RETRY_SECONDS_MAX - chance % (RETRY_SECONDS_MAX / 4);
    (void)snprintf(text, sizeof(text), "%u", seconds);
    add_header(reply, "Retry-After", bytes_of(text));
}

/* NULL: a problem. */
static const struct refusal_shape *shape_of(const struct exchange *x)
{
    const struct http_options *options = &x->server->options;
    struct bytes path = x->request.path;

    for (size_t i = 0; i < options->shape_count; i++) {
        struct bytes fits = bytes_of(options->shapes[i].path);
        bool below = fits.data[fits.size - 1] == '/';

        if (below ? path.size >= fits.size && memcmp(path.data, fits.data, fits.size) == 0
                  : bytes_equal(path, fits))
            return &options->shapes[i];
    }
    return NULL;
}

void reply_problem_with(struct request *request, const struct error *err, struct bytes extra)
{
    struct exchange *x = exchange_of(request);
    const struct refusal_shape *shape = shape_of(x);
    struct buf body = BUF_INIT(PROBLEM_BYTES_MAX);
    unsigned status = shape == NULL ? problem_status(err->code) : shape->status(err->code);

    assert(err->code != OK);
    meter_refusal(&x->server->meter, err->code);
    if (status == 503 || status == 429)
        add_retry_after(&x->reply, err);
    if (status == 401)
        add_header(&x->reply, "WWW-Authenticate", BYTES("Bearer"));
    if (shape == NULL)
        problem_print(&body, err, request->id, extra);
    else
        shape->print(request, err, extra, &body);
    if (buf_finish(&body, NULL) == OK) {
        reply_buf_take(request, status,
                       shape == NULL ? "application/problem+json" : "application/json", &body);
    } else {
        buf_release(&body);
        reply_empty(request, status);
    }
}

void reply_problem(struct request *request, const struct error *err)
{
    reply_problem_with(request, err, BYTES(""));
}

enum code reply_stream(struct request *request, unsigned status, const char *content_type,
                       struct stream **stream, struct error *err)
{
    struct exchange *x = exchange_of(request);
    enum coding coding =
        coding_pays(bytes_of(content_type)) && header_of(&x->reply, "Content-Encoding") == NULL
            ? x->coding
            : CODING_IDENTITY;
    struct stream *made = NULL;
    enum code code = stream_new(x, coding, (int64_t)x->server->limits.idle_ms_max, &made, err);
    struct reply *reply;

    if (code)
        return code;
    reply = begin(request, status, content_type);
    set_coding(reply, choose(request, content_type));
    exchange_ref(x);
    x->stream = made;
    /* Either whoever cancels sees the stream, or we see that it was cancelled.  To HEAD nothing of
     * the body is sent: the writer is told at once. */
    if (x->cancelled || x->head)
        stream_abandon(made, true);
    *stream = made;
    return OK;
}

bool reply_seal(struct exchange *x)
{
    struct reply *reply = &x->reply;

    reply->close |= x->server->draining;
    add_header(reply, "X-Request-Id", x->request.id);
    add_header(reply, "X-Content-Type-Options", BYTES("nosniff"));
    if (header_of(reply, "Cache-Control") == NULL)
        add_header(reply, "Cache-Control", BYTES("no-store"));
    if (reply->close)
        add_header(reply, "Connection", BYTES("close"));
    return !reply->failed;
}
