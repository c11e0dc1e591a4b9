/* A bounded pipe from the thread that computes an answer to the connection that sends it.
 * The writer waits when 256 KiB are unsent; it is told when the client left.  Nothing is sent
 * before request_resume(), so call that before writing; the request stays valid until stream_end().
 * Never write from an HTTP thread: it would wait for itself. */
#ifndef WEIR_HTTP_STREAM_H
#define WEIR_HTTP_STREAM_H

#include "base/error.h"

struct stream;

/* E_CANCELLED when the client left (or asked with HEAD: only the head was wanted), E_TIMEOUT when
 * it was waited for over idle_ms_max in which it took less than 1 KB/s.  The first bytes leave at
 * once, later ones of a compressed stream when a block is full. */
MUST_USE enum code stream_write(struct stream *stream, struct bytes bytes, struct error *err);
/* `waits` tells whoever shares out the writer's thread that the writer begins (true) and ends to
 * wait for a client that does not keep up; from stream_write() and stream_end(), without a lock. */
void stream_watch(struct stream *stream, void (*waits)(void *context, bool waiting), void *context);
/* Once *given_up is true (looked at within a quarter of a second) a write that waits for the client
 * ends with E_TIMEOUT and the connection is cut.  The flag outlives the stream. */
void stream_give_up_on(struct stream *stream, const _Atomic bool *given_up);
/* Ends the body; complete = false cuts the connection without the last chunk, so that the client
 * sees a broken transfer (HTTP/1.0 has no chunks: there the end looks like any other).  The stream
 * and the request are gone afterwards.  Once, always. */
void stream_end(struct stream *stream, bool complete);
/* How much was written and is not sent yet, and how much was sent ever.  Any thread. */
size_t stream_unsent(struct stream *stream, uint64_t *taken);
/* Waits until at most `size` bytes are unsent, no longer than timeout_ms; false: there are more. */
bool stream_drain(struct stream *stream, size_t size, int64_t timeout_ms);
/* Body bytes accepted so far, before compression. */
uint64_t stream_written(const struct stream *stream);

#endif
