/* Answers.  Exactly one reply_*() a request; from its HTTP thread in start(), piece() (then the
 * rest of the body is swallowed up to a bound, or the connection cut) or finish(), or from the
 * thread that holds it parked, before request_resume().  Text and JSON bodies above 1 KiB, and
 * streams of them, are compressed when the client takes zstd or gzip; then Vary: Accept-Encoding is
 * added unless the handler set a Vary of its own (which should name it).  Every answer carries
 * X-Request-Id, X-Content-Type-Options: nosniff, and Cache-Control: no-store unless a header says
 * otherwise.
 *
 * A body that is refused: up to 256 KiB are read and thrown away and the connection lives on; else
 * the answer is sent at once and the connection closed. */
#ifndef WEIR_HTTP_REPLY_H
#define WEIR_HTTP_REPLY_H

#include "base/buf.h"
#include "http/request.h"
#include "http/stream.h"

/* Adds a header; before reply_*().  Both are copied; control bytes in the value become '?'. */
void reply_header(struct request *request, const char *name, struct bytes value);
void reply_empty(struct request *request, unsigned status);
/* The body is copied. */
void reply_bytes(struct request *request, unsigned status, const char *content_type,
                 struct bytes body);
/* Takes the buf's memory and leaves it empty. A failed buf gives 503 out_of_memory. */
void reply_buf_take(struct request *request, unsigned status, const char *content_type,
                    struct buf *body);
/* RFC 9457: type, title, status, detail, instance, code, and line / parameter when the error has
 * them. Status from the code's row (http/problem.c); Retry-After on 503 and 429: err->retry_s, or
 * what suits the code, with jitter, 1..60 s; WWW-Authenticate on 401.  In another shape where a
 * refusal_shape (http/route.h) has the path. */
void reply_problem(struct request *request, const struct error *err);
/* As reply_problem() with members appended to the object: `extra` is JSON text like
 * ",\"errors\":[...]", or empty. */
void reply_problem_with(struct request *request, const struct error *err, struct bytes extra);
/* The body is what is written to *stream from now on (any one thread), in chunks. */
MUST_USE enum code reply_stream(struct request *request, unsigned status, const char *content_type,
                                struct stream **stream, struct error *err);

/* The status of a code. */
unsigned problem_status(enum code code);

#endif
