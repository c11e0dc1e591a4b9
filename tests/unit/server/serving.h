/* The program's own server on a directory of its own, and one request at a time to it. */
#ifndef WEIR_TESTS_UNIT_SERVER_SERVING_H
#define WEIR_TESTS_UNIT_SERVER_SERVING_H

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

static inline int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

/* A new directory in `path`, which is a mkdtemp() template. */
static inline void directory_make(char *path)
{
    assert_non_null(mkdtemp(path));
}

static inline void directory_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The status of the answer to the request; 0 when there is none.  `answer` gets its text. */
static inline int ask(const char *address, const char *request, char *answer, size_t answer_size)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    size_t size = 0;
    ssize_t got;

    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    answer[0] = '\0';
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        write(fd, request, strlen(request)) == (ssize_t)strlen(request))
        while ((got = read(fd, answer + size, answer_size - 1 - size)) > 0)
            size += (size_t)got;
    answer[size] = '\0';
    close(fd);
    (void)sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
/* A body of 5 bytes. */
#define POST_5(target, body)                                                                       \
    "POST " target                                                                                 \
    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\n" body

#endif
