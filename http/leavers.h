/* Connections that were refused while the client was still sending.  Closing them at once would
 * send a reset, which can destroy the answer before the client has read it; so their sockets are
 * kept for up to two seconds and what still comes is thrown away.
 *
 * Thread: leavers_add() under the server's lock from any thread, the rest the watch's. */
#ifndef WEIR_HTTP_LEAVERS_H
#define WEIR_HTTP_LEAVERS_H

#include "base/bytes.h"

#include <poll.h>

enum { LEAVERS_MAX = 64, LEAVERS_MS = 2000 };

struct leavers {
    struct {
        int fd;
        int64_t until_ns;
    } items[LEAVERS_MAX];
    size_t count;
};

/* Keeps a duplicate of `fd` and ends our side of it; when all places are taken, does nothing. */
void leavers_add(struct leavers *leavers, int fd, int64_t now_ns);
/* What to poll; gives their number. */
size_t leavers_poll(const struct leavers *leavers, struct pollfd polls[LEAVERS_MAX]);
/* Throws away what came, closes what has ended or stayed too long. */
void leavers_sweep(struct leavers *leavers, int64_t now_ns);
void leavers_release(struct leavers *leavers); /* closes all */

#endif
