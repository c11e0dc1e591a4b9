/* A ring of 256 KiB under one lock.  The writer compresses into it and waits for room; the HTTP
 * thread empties it into chunks and suspends its connection when it finds nothing (a content reader
 * of libmicrohttpd that gives 0 without that would spin).
 *
 * The connection is suspended with the lock held and `suspended` set, so that a writer sees either
 * room for a reader still running or a reader to wake, never neither. */
#include "http/pipe.h"

#include "base/condition.h"
#include "http/exchange.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A client that keeps up with the writer makes it wait for less than this at a time. */
enum { PATIENCE_MS = 50, LOOK_MS = 250 };

struct stream {
    struct exchange *exchange;
    struct compressor *compressor;              /* the writer's; NULL = identity */
    bool flushed;                               /* the writer's: the first bytes have left */
    void (*waits)(void *context, bool waiting); /* the writer's; NULL = nobody asks */
    void *waits_context;
    const _Atomic bool *given_up; /* NULL = nobody gives up */
    _Atomic uint64_t written;
    int64_t stall_ms;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t room;
    size_t first, size; /* of what is in the ring */
    uint64_t taken;     /* ever */
    int64_t waited_ns;  /* by the writer, and what was taken before: of one measure */
    uint64_t taken_before;
    bool suspended, ended, complete, abandoned;
    char ring[STREAM_BYTES_MAX];
};

enum code stream_new(struct exchange *exchange, enum coding coding, int64_t stall_ms,
                     struct stream **stream, struct error *err)
{
    struct stream *made = malloc(sizeof(*made)); /* not zeroed: the ring's pages come when used */

    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for a stream");
    memset(made, 0, offsetof(struct stream, ring));
    if (coding != CODING_IDENTITY) {
        enum code code = compressor_new(coding, &made->compressor, err);

        if (code) {
            free(made);
            return code;
        }
    }
    made->exchange = exchange;
    made->stall_ms = stall_ms;
    pthread_mutex_init(&made->lock, NULL);
    condition_init(&made->room);
    *stream = made;
    return OK;
}

void stream_free(struct stream *stream)
{
    if (stream == NULL)
        return;
    compressor_free(stream->compressor);
    pthread_cond_destroy(&stream->room);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

/* Under the lock. */
static void wake_reader(struct stream *stream)
{
    if (stream->suspended) {
        stream->suspended = false;
        exchange_resume(stream->exchange);
    }
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Under the lock: until the client takes something, but not beyond `until_ns`. */
static void wait_until(struct stream *stream, int64_t until_ns)
{
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

    while (!stream->abandoned && stream->size == STREAM_BYTES_MAX && now_ns() < until_ns)
        (void)pthread_cond_timedwait(&stream->room, &stream->lock, &until);
}

/* Under the lock, which is left meanwhile. */
static void tell_waiting(struct stream *stream, bool waiting)
{
    if (stream->waits == NULL)
        return;
    pthread_mutex_unlock(&stream->lock);
    stream->waits(stream->waits_context, waiting);
    pthread_mutex_lock(&stream->lock);
}

/* Under the lock: a measure is through.  Was enough taken in it? */
static bool keeps_up(struct stream *stream)
{
    uint64_t taken = stream->taken - stream->taken_before;

    stream->waited_ns = 0;
    stream->taken_before = stream->taken;
    return taken >= (uint64_t)stream->stall_ms * STREAM_BYTES_PER_SECOND / 1000;
}

/* Under the lock: waits until there is room.  E_CANCELLED, E_TIMEOUT. */
static enum code wait_for_room(struct stream *stream, struct error *err)
{
    int64_t stall_ns = stream->stall_ms * 1000000, began_ns = now_ns(), at_ns;
    int64_t soon_ns = began_ns + PATIENCE_MS * INT64_C(1000000);
    bool told = false, slow = false, given_up = false;

    while (!slow && !stream->abandoned && stream->size == STREAM_BYTES_MAX) {
        int64_t end_ns = began_ns + stall_ns - stream->waited_ns;

        end_ns = told || end_ns < soon_ns ? end_ns : soon_ns;
        if (stream->given_up != NULL && end_ns > began_ns + LOOK_MS * INT64_C(1000000))
            end_ns = began_ns + LOOK_MS * INT64_C(1000000);
        wait_until(stream, end_ns);
        at_ns = now_ns();
        stream->waited_ns += at_ns - began_ns;
        began_ns = at_ns;
        given_up = stream->given_up != NULL && *stream->given_up;
        slow = given_up || (stream->waited_ns >= stall_ns && !keeps_up(stream));
        if (!told && !slow && !stream->abandoned && stream->size == STREAM_BYTES_MAX) {
            tell_waiting(stream, true);
            told = true;
        }
    }
    if (told)
        tell_waiting(stream, false);
    if (given_up && !stream->abandoned)
        return error_set(err, E_TIMEOUT, "the client reads too slowly to go on for it");
    if (slow && !stream->abandoned)
        return error_set(err, E_TIMEOUT, "the client took less than %d bytes a second for %lld ms",
                         STREAM_BYTES_PER_SECOND, (long long)stream->stall_ms);
    if (stream->abandoned)
        return error_set(err, E_CANCELLED, "the client has left");
    return OK;
}

/* The ring's free part that lies in one piece. */
static size_t put_some(struct stream *stream, struct bytes bytes)
{
    size_t at = (stream->first + stream->size) % STREAM_BYTES_MAX;
    size_t size = STREAM_BYTES_MAX - stream->size;

    if (size > STREAM_BYTES_MAX - at)
        size = STREAM_BYTES_MAX - at;
    if (size > bytes.size)
        size = bytes.size;
    memcpy(stream->ring + at, bytes.data, size);
    stream->size += size;
    return size;
}

static enum code push(void *context, struct bytes bytes, struct error *err)
{
    struct stream *stream = context;
    enum code code = OK;
    bool stalled;

    pthread_mutex_lock(&stream->lock);
    while (bytes.size > 0) {
        code = wait_for_room(stream, err);
        if (code)
            break;
        bytes = bytes_slice(bytes, put_some(stream, bytes), bytes.size);
        wake_reader(stream);
    }
    stalled = code == E_TIMEOUT;
    if (stalled)
        stream->abandoned = true;
    pthread_mutex_unlock(&stream->lock);
    if (stalled)
        exchange_cut(stream->exchange);
    return code;
}

enum code stream_write(struct stream *stream, struct bytes bytes, struct error *err)
{
    enum code code;

    if (bytes.size == 0)
        return OK;
    if (stream->compressor == NULL) {
        code = push(stream, bytes, err);
    } else {
        /* The first bytes leave at once, so that a client sees that work has begun; later ones when
         * the compressor has filled a block. */
        enum compress_step step = stream->flushed ? COMPRESS_MORE : COMPRESS_FLUSH;

        stream->flushed = true;
        code = compressor_run(stream->compressor, bytes, step, push, stream, err);
    }
    if (!code)
        stream->written += bytes.size;
    return code;
}

void stream_give_up_on(struct stream *stream, const _Atomic bool *given_up)
{
    stream->given_up = given_up;
}

void stream_watch(struct stream *stream, void (*waits)(void *context, bool waiting), void *context)
{
    stream->waits = waits;
    stream->waits_context = context;
}

void stream_end(struct stream *stream, bool complete)
{
    struct exchange *exchange = stream->exchange;

    if (complete && stream->compressor != NULL)
        complete =
            compressor_run(stream->compressor, BYTES(""), COMPRESS_END, push, stream, NULL) == OK;
    pthread_mutex_lock(&stream->lock);
    assert(!stream->ended);
    stream->ended = true;
    stream->complete = complete;
    wake_reader(stream);
    pthread_mutex_unlock(&stream->lock);
    exchange_unref(exchange);
}

size_t stream_unsent(struct stream *stream, uint64_t *taken)
{
    size_t size;

    pthread_mutex_lock(&stream->lock);
    size = stream->size;
    *taken = stream->taken;
    pthread_mutex_unlock(&stream->lock);
    return size;
}

bool stream_drain(struct stream *stream, size_t size, int64_t timeout_ms)
{
    int64_t until_ns = now_ns() + timeout_ms * 1000000;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    bool drained;

    pthread_mutex_lock(&stream->lock);
    while (!stream->abandoned && stream->size > size && now_ns() < until_ns)
        (void)pthread_cond_timedwait(&stream->room, &stream->lock, &until);
    drained = stream->size <= size;
    pthread_mutex_unlock(&stream->lock);
    return drained;
}

uint64_t stream_written(const struct stream *stream)
{
    return stream->written;
}

ssize_t stream_take(struct stream *stream, char *data, size_t size)
{
    size_t taken = 0;
    ssize_t result;

    pthread_mutex_lock(&stream->lock);
    while (!stream->abandoned && taken < size && stream->size > 0) {
        size_t piece = STREAM_BYTES_MAX - stream->first;

        if (piece > stream->size)
            piece = stream->size;
        if (piece > size - taken)
            piece = size - taken;
        memcpy(data + taken, stream->ring + stream->first, piece);
        stream->first = (stream->first + piece) % STREAM_BYTES_MAX;
        stream->size -= piece;
        stream->taken += piece;
        taken += piece;
    }
    if (taken > 0) {
        pthread_cond_signal(&stream->room);
        result = (ssize_t)taken;
    } else if (stream->abandoned || (stream->ended && !stream->complete)) {
        result = STREAM_BROKEN;
    } else if (stream->ended) {
        result = STREAM_DONE;
    } else {
        stream->suspended = true;
        exchange_suspend(stream->exchange);
        result = STREAM_WAIT;
    }
    pthread_mutex_unlock(&stream->lock);
    return result;
}

void stream_abandon(struct stream *stream, bool resume)
{
    pthread_mutex_lock(&stream->lock);
    stream->abandoned = true;
    pthread_cond_broadcast(&stream->room);
    if (resume)
        wake_reader(stream);
    else
        stream->suspended = false;
    pthread_mutex_unlock(&stream->lock);
}
