/* Link: the same question with the cursor of its next page (RFC 8288). */
#ifndef WEIR_HANDLERS_LINK_H
#define WEIR_HANDLERS_LINK_H

#include "http/request.h"

/* Before reply_*().  Without memory, or when it would be longer than a header should be, there is
 * no link: the body tells the cursor too. */
void link_next(struct request *request, struct bytes cursor);

#endif
