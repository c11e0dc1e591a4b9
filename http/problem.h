/* Problems (RFC 9457) from errors: problem_status() in http/reply.h, and the JSON text. Pure.
 *
 * `type` is the relative reference "/docs/errors#<slug>": it resolves against the server that
 * answered, so that it names a page of the version in use and none in the wide web. */
#ifndef WEIR_HTTP_PROBLEM_H
#define WEIR_HTTP_PROBLEM_H

#include "base/buf.h"

/* `extra` as in reply_problem_with(). */
void problem_print(struct buf *out, const struct error *err, struct bytes id, struct bytes extra);

#endif
