/* What of a request may go out.  Texts of methods and headers may hold what tenants wrote and what
 * other hosts answered: nothing in them may begin a line of its own, or change what the connection
 * is.  The address is for libcurl to read.  Pure. */
#ifndef WEIR_NET_FETCH_REQUEST_H
#define WEIR_NET_FETCH_REQUEST_H

#include "net/fetcher.h"

/* E_CONFIG with what is wrong, without the value of a header. */
MUST_USE enum code fetch_request_check(const struct fetch_request *request, struct error *err);
/* Whether there is a header of that name, in any case. */
bool fetch_request_has(const struct fetch_request *request, struct bytes name);

#endif
