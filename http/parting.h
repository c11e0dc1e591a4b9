/* An answer written straight to the socket, because libmicrohttpd takes none at this point: to a
 * client that is too slow, or refused in the middle of its body.  The connection closes after it.
 *
 * Thread: the HTTP thread, from exchange_completed(), where nothing has been sent for the request
 * (but perhaps 100 Continue). */
#ifndef WEIR_HTTP_PARTING_H
#define WEIR_HTTP_PARTING_H

#include "base/bytes.h"

struct exchange;

/* The reply is made and sealed.  Never waits; true when the whole answer went to the kernel. */
bool parting_send(struct exchange *exchange, int fd);

#endif
