#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    HOST_SIZE = 256,
    /* Accepted sockets inherit it.  Without it a socket takes megabytes for a slow client and then
     * nothing for minutes, which looks like a client that takes nothing; and they are our memory.
     */
    UNSENT_BYTES_MAX = 131072,
};

/* "[::1]:80" or "host:80" into its two parts. */
static bool split(const char *text, char host[HOST_SIZE], const char **port)
{
    const char *first = text, *end;

    if (text[0] == '[') {
        first++;
        end = strchr(first, ']');
        if (end == NULL || end[1] != ':')
            return false;
        *port = end + 2;
    } else {
        end = strrchr(text, ':');
        if (end == NULL || memchr(text, ':', (size_t)(end - text)) != NULL)
            return false;
        *port = end + 1;
    }
    if (end == first || (size_t)(end - first) >= HOST_SIZE)
        return false;
    memcpy(host, first, (size_t)(end - first));
    host[end - first] = '\0';
    return (*port)[0] != '\0' && strspn(*port, "0123456789") == strlen(*port) && strlen(*port) <= 5;
}

static enum code print_address(int fd, char *address, size_t size, struct error *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t bound_size = sizeof(bound);
    char host[INET6_ADDRSTRLEN], port[8];

    if (getsockname(fd, (struct sockaddr *)&bound, &bound_size) != 0)
        return error_set_errno(err, errno, "getsockname");
    if (getnameinfo((struct sockaddr *)&bound, bound_size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return error_set(err, E_INTERNAL, "the bound address cannot be printed");
    snprintf(address, size, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return OK;
}

enum code listen_open(const char *text, int *fd, char *address, size_t address_size,
                      struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_SIZE];
    const char *port;
    int made = -1, on = 1, unsent = UNSENT_BYTES_MAX, status;
    enum code code = OK;

    if (!split(text, host, &port))
        return error_set(err, E_CONFIG,
                         "listen address '%s': write it like 127.0.0.1:8086 or [::1]:8086", text);
    status = getaddrinfo(host, port, &hints, &found);
    if (status != 0)
        return error_set(err, E_CONFIG, "listen address '%s': %s", text, gai_strerror(status));
    made = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        code = error_set_errno(err, errno, "listen address '%s': socket", text);
        goto out;
    }
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(made, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    if (bind(made, found->ai_addr, found->ai_addrlen) != 0 || listen(made, BACKLOG) != 0) {
        code = error_set(err, E_CONFIG, "listen address '%s': %s", text, strerror(errno));
        goto out;
    }
    code = print_address(made, address, address_size, err);

out:
    freeaddrinfo(found);
    if (code) {
        if (made >= 0)
            close(made);
        return code;
    }
    *fd = made;
    return OK;
}
