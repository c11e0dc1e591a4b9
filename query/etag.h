/* The ETag of an answer: a hash of everything that decides its bytes.  Weak ("W/") where S was not
 * asked for: then S, which the body tells, may have moved on while the rows are the same. */
#ifndef WEIR_QUERY_ETAG_H
#define WEIR_QUERY_ETAG_H

#include "query/plan.h"

enum { ETAG_SIZE = 48 };

void etag_make(const struct plan *plan, char etag[ETAG_SIZE]);
/* Whether an If-None-Match header admits it ("*", or a list); W/ does not count. */
bool etag_matches(struct bytes if_none_match, const char *etag);

#endif
