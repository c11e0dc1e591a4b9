/* A bounded pipe from the thread that computes an answer to the connection that sends it.
 * The writer waits when 256 KiB are unsent; it is told when the client left. */
#ifndef WEIR_HTTP_STREAM_H
#define WEIR_HTTP_STREAM_H

#include "base/error.h"

struct stream;

/* E_CANCELLED when the client left, E_TIMEOUT when it took nothing for 30 s. */
MUST_USE enum code stream_write(struct stream *stream, struct bytes bytes, struct error *err);
/* Ends the body; complete = false cuts the connection without the last chunk, so that the client
 * sees a broken transfer.  The stream is gone afterwards.  Once, always. */
void stream_end(struct stream *stream, bool complete);
/* Body bytes accepted so far, before compression. */
uint64_t stream_written(const struct stream *stream);

#endif
