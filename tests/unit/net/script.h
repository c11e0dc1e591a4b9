/* A server on a loopback port that gives prepared answers and keeps what it was asked. */
#ifndef WEIR_TESTS_UNIT_NET_SCRIPT_H
#define WEIR_TESTS_UNIT_NET_SCRIPT_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

struct script {
    int listener;
    const char *const *answers; /* NULL-terminated; "" = nothing until the client leaves */
    const struct bytes *tails;  /* by answer: what goes out behind it; NULL: nothing */
    char seen[8][4096];         /* by connection: what came */
    _Atomic size_t connections; /* that began */
    pthread_t thread;
    char url[64];
};

static inline size_t script_body_size(const char *head)
{
    const char *at = strstr(head, "Content-Length: ");

    return at ? strtoul(at + 16, NULL, 10) : 0;
}

/* Until the request is whole, or the client leaves. */
static inline void script_take(int fd, char *seen)
{
    size_t size = 0;

    for (;;) {
        ssize_t got = read(fd, seen + size, 4095 - size);
        const char *end;

        if (got <= 0)
            return;
        size += (size_t)got;
        seen[size] = '\0';
        end = strstr(seen, "\r\n\r\n");
        if (end && size >= (size_t)(end + 4 - seen) + script_body_size(seen))
            return;
    }
}

static inline void *script_run(void *context)
{
    struct script *script = context;

    for (size_t i = 0; script->answers[i]; i++) {
        int fd = accept(script->listener, NULL, NULL);
        char rest[64];

        if (fd < 0)
            return NULL;
        script_take(fd, script->seen[script->connections++]);
        (void)!write(fd, script->answers[i], strlen(script->answers[i]));
        if (script->tails != NULL && script->tails[i].size > 0)
            (void)!write(fd, script->tails[i].data, script->tails[i].size);
        if (script->answers[i][0] == '\0')
            while (read(fd, rest, sizeof(rest)) > 0)
                ;
        close(fd);
    }
    return NULL;
}

static inline void script_begin_with(struct script *script, const char *const *answers,
                                     const struct bytes *tails)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *script = (struct script){.answers = answers, .tails = tails};
    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(script->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(script->listener, 8), 0);
    assert_int_equal(getsockname(script->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(script->url, sizeof(script->url), "http://127.0.0.1:%d",
                   ntohs(address.sin_port));
    assert_int_equal(pthread_create(&script->thread, NULL, script_run, script), 0);
}

static inline void script_begin(struct script *script, const char *const *answers)
{
    script_begin_with(script, answers, NULL);
}

static inline void script_end(struct script *script)
{
    shutdown(script->listener, SHUT_RDWR);
    close(script->listener);
    pthread_join(script->thread, NULL);
}

#endif
