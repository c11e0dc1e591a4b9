/* Link: the same question with the cursor of its next page (RFC 8288). */
#ifndef WEIR_HANDLERS_LINK_H
#define WEIR_HANDLERS_LINK_H

#include "http/request.h"

/* Before reply_*().  False: there is no link, for want of memory or because it would be longer than
 * a header should be; a body of JSON tells the cursor too. */
bool link_next(struct request *request, struct bytes cursor);

#endif
