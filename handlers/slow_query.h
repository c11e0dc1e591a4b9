/* Questions that took long: how long each took is counted, and slow ones are told in the log, with
 * the values they ask for: who looks for what is slow needs to see match= and where= as they were,
 * in a document as in parameters.  docs/reference/config.md says so, and slow_query_ms=0 ends it.
 * Only questions that were understood get here, so nothing stands in one but what they know. */
#ifndef WEIR_HANDLERS_SLOW_QUERY_H
#define WEIR_HANDLERS_SLOW_QUERY_H

#include "base/buf.h"

struct query_outcome;
struct request;

enum { SLOW_QUESTION_BYTES_MAX = 1024 };

/* The question as it was asked: parameters, and a JSON body, cut to SLOW_QUESTION_BYTES_MAX.
 * `question` has room for no less. */
void slow_query_question(const struct request *request, struct bytes body, struct buf *question);
/* It took so long, from its coming to its end.  Call it before the request is resumed. */
void slow_query_note(const struct request *request, struct bytes question,
                     const struct query_outcome *outcome, enum code code, int64_t duration_ns);

#endif
