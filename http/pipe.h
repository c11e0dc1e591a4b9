/* The server's side of a stream (http/stream.h): who makes it, who empties it, who breaks it off.
 *
 * Life: made by reply_stream(), freed with its exchange, on which the writer has a reference until
 * stream_end().  Thread: each function says. */
#ifndef WEIR_HTTP_PIPE_H
#define WEIR_HTTP_PIPE_H

#include "http/compress.h"
#include "http/stream.h"

#include <sys/types.h>

struct exchange;

enum { STREAM_BYTES_MAX = 262144, STREAM_BYTES_PER_SECOND = 1000 };

/* `stall_ms`: how long a writer waits for a client that takes less than STREAM_BYTES_PER_SECOND.
 * E_MEMORY. */
MUST_USE enum code stream_new(struct exchange *exchange, enum coding coding, int64_t stall_ms,
                              struct stream **stream, struct error *err);
void stream_free(struct stream *stream); /* nobody uses it any more; NULL is fine */

enum { STREAM_WAIT = 0, STREAM_DONE = -1, STREAM_BROKEN = -2 };

/* The HTTP thread takes up to `size` bytes.  STREAM_WAIT: nothing is there, and the connection has
 * been suspended; the next write resumes it. */
ssize_t stream_take(struct stream *stream, char *data, size_t size);
/* Nobody will read on: wakes the writer with E_CANCELLED and, when `resume`, a suspended
 * connection, which then is cut.  Any thread. */
void stream_abandon(struct stream *stream, bool resume);

#endif
