#include "http/leavers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DISCARD_BYTES = 1 << 20 };

void leavers_add(struct leavers *leavers, int fd, int64_t now_ns)
{
    int kept;

    if (leavers->count == LEAVERS_MAX)
        return;
    kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (kept < 0)
        return;
    shutdown(kept, SHUT_WR);
    leavers->items[leavers->count].fd = kept;
    leavers->items[leavers->count].until_ns = now_ns + LEAVERS_MS * INT64_C(1000000);
    leavers->count++;
}

size_t leavers_poll(const struct leavers *leavers, struct pollfd polls[LEAVERS_MAX])
{
    for (size_t i = 0; i < leavers->count; i++)
        polls[i] = (struct pollfd){.fd = leavers->items[i].fd, .events = POLLIN};
    return leavers->count;
}

/* MSG_TRUNC on TCP throws the bytes away without copying them. */
static bool ended(int fd)
{
    ssize_t got = recv(fd, NULL, DISCARD_BYTES, MSG_DONTWAIT | MSG_TRUNC);

    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

void leavers_sweep(struct leavers *leavers, int64_t now_ns)
{
    for (size_t i = leavers->count; i-- > 0;) {
        int fd = leavers->items[i].fd;

        if (!ended(fd) && now_ns < leavers->items[i].until_ns)
            continue;
        close(fd);
        leavers->items[i] = leavers->items[--leavers->count];
    }
}

void leavers_release(struct leavers *leavers)
{
    while (leavers->count > 0)
        close(leavers->items[--leavers->count].fd);
}
