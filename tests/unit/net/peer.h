/* A host of the other side, on loopback: a thread for each connection, answers in the order in
 * which requests come, byte for byte, and then what is told to follow. */
#ifndef WEIR_TESTS_UNIT_NET_PEER_H
#define WEIR_TESTS_UNIT_NET_PEER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

enum peer_then {
    PEER_KEEPS,    /* the next request of this connection is answered */
    PEER_CLOSES,   /* at once */
    PEER_RESETS,   /* RST */
    PEER_HOLDS,    /* silent, until the client leaves */
    PEER_DRIBBLES, /* a byte now and then, until the client leaves */
};

struct peer_answer {
    struct bytes text;
    enum peer_then then;
    bool unread; /* nothing is read of the request */
};

enum { PEER_SEEN_SIZE = 8192, PEER_CONNECTIONS_MAX = 600, PEER_PACE_MS = 20 };

struct peer {
    const struct peer_answer *answers;
    size_t count;                               /* the last one goes on for ever */
    size_t gathered;                            /* no answer before so many requests have come */
    _Atomic size_t requests, connections, left; /* left: by the client */
    _Atomic size_t closed;                      /* by the peer, or after the client left */
    _Atomic bool over;
    int listener;
    char seen[PEER_SEEN_SIZE]; /* the last request's head */
    pthread_mutex_t lock;      /* of seen */
    pthread_t thread, threads[PEER_CONNECTIONS_MAX];
    size_t thread_count;
    unsigned port;
    char url[64];
};

struct peer_connection {
    struct peer *peer;
    int fd;
};

static inline bool peer_write(int fd, struct bytes text)
{
    while (text.size > 0) {
        ssize_t size = send(fd, text.data, text.size, MSG_NOSIGNAL);

        if (size <= 0)
            return false;
        text = bytes_slice(text, (size_t)size, text.size);
    }
    return true;
}

/* A request and its body; false: the client left. */
static inline bool peer_take(struct peer *peer, int fd)
{
    char head[PEER_SEEN_SIZE], rest[4096];
    const char *end = NULL, *length;
    size_t size = 0, more;

    while (end == NULL) {
        ssize_t got = read(fd, head + size, sizeof(head) - 1 - size);

        if (got <= 0)
            return false;
        size += (size_t)got;
        head[size] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    length = strstr(head, "Content-Length: ");
    more = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    for (size_t had = size - (size_t)(end + 4 - head); had < more;) {
        ssize_t got = read(fd, rest, sizeof(rest));

        if (got <= 0)
            return false;
        had += (size_t)got;
    }
    pthread_mutex_lock(&peer->lock);
    memcpy(peer->seen, head, size + 1);
    pthread_mutex_unlock(&peer->lock);
    return true;
}

static inline void peer_wait(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* Until the client leaves; what it sends is of no interest. */
static inline void peer_hold(int fd, int pace_ms)
{
    for (;;) {
        struct pollfd client = {.fd = fd, .events = POLLIN};
        char rest[4096];

        if (poll(&client, 1, pace_ms) == 0) {
            if (!peer_write(fd, BYTES("x")))
                return;
        } else if (read(fd, rest, sizeof(rest)) <= 0) {
            return;
        }
    }
}

static inline void peer_end(struct peer *peer, int fd, enum peer_then then)
{
    const struct linger none = {.l_onoff = 1};

    if (then == PEER_RESETS)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    if (then == PEER_HOLDS || then == PEER_DRIBBLES)
        peer_hold(fd, then == PEER_HOLDS ? -1 : PEER_PACE_MS);
    if (then == PEER_HOLDS || then == PEER_DRIBBLES || then == PEER_KEEPS)
        peer->left++;
    close(fd);
    peer->closed++;
}

static inline void *peer_serve(void *context)
{
    struct peer_connection mine = *(struct peer_connection *)context;
    struct peer *peer = mine.peer;
    enum peer_then then = PEER_KEEPS;

    free(context);
    while (then == PEER_KEEPS) {
        size_t index = peer->requests;
        const struct peer_answer *answer =
            &peer->answers[index < peer->count ? index : peer->count - 1];

        if (!answer->unread && !peer_take(peer, mine.fd))
            break;
        index = peer->requests++;
        answer = &peer->answers[index < peer->count ? index : peer->count - 1];
        while (peer->requests < peer->gathered && !peer->over)
            peer_wait(1);
        (void)peer_write(mine.fd, answer->text);
        then = answer->then;
    }
    peer_end(peer, mine.fd, then);
    return NULL;
}

static inline void *peer_accept(void *context)
{
    struct peer *peer = context;
    int fd;

    while ((fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct peer_connection *mine = malloc(sizeof(*mine));

        *mine = (struct peer_connection){peer, fd};
        peer->connections++;
        if (peer->thread_count == PEER_CONNECTIONS_MAX ||
            pthread_create(&peer->threads[peer->thread_count], NULL, peer_serve, mine) != 0)
            abort();
        peer->thread_count++;
    }
    return NULL;
}

static inline void peer_begin(struct peer *peer, const struct peer_answer *answers, size_t count,
                              size_t gathered)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *peer = (struct peer){.answers = answers, .count = count, .gathered = gathered};
    pthread_mutex_init(&peer->lock, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(peer->listener, PEER_CONNECTIONS_MAX), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &size), 0);
    peer->port = ntohs(address.sin_port);
    (void)snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%u/a", peer->port);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_accept, peer), 0);
}

/* The clients have left: a fetcher is closed before. */
static inline void peer_finish(struct peer *peer)
{
    peer->over = true; /* those who wait for more to come wait for nobody */
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (size_t i = 0; i < peer->thread_count; i++)
        pthread_join(peer->threads[i], NULL);
    pthread_mutex_destroy(&peer->lock);
}

static inline void peer_seen(struct peer *peer, char seen[PEER_SEEN_SIZE])
{
    pthread_mutex_lock(&peer->lock);
    memcpy(seen, peer->seen, sizeof(peer->seen));
    pthread_mutex_unlock(&peer->lock);
}

#endif
