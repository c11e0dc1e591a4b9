/* A remote API on loopback: answers by what is asked, remembers in which order it was asked, and
 * holds an answer back until it is told to go on. */
#ifndef WEIR_TESTS_UNIT_INGEST_PULL_PULL_SITE_H
#define WEIR_TESTS_UNIT_INGEST_PULL_PULL_SITE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/unit/net/peer.h"

/* The first whose `when` stands in the request's head, and that was not given `times`, answers.
 * In texts ' stands for " and @ for the site's address. */
struct site_rule {
    const char *when, *status, *headers, *body; /* status as "200 OK", which NULL means too */
    size_t times;                               /* 0 = for ever */
    bool held;                                  /* until site_release() */
};

enum { SITE_ASKED_MAX = 512, SITE_RULES_MAX = 16, SITE_LINE_SIZE = 512 };

struct site {
    int listener;
    char url[64];
    pthread_t thread, threads[SITE_ASKED_MAX];
    size_t thread_count;
    /* Under the lock: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct site_rule *rules;
    size_t rule_count, given[SITE_RULES_MAX];
    size_t asked_count, under_way, under_way_most;
    bool released;
    char asked[SITE_ASKED_MAX][SITE_LINE_SIZE]; /* heads */
};

struct site_visit {
    struct site *site;
    int fd;
};

static inline void site_write(const struct site *site, const struct site_rule *rule, int fd)
{
    struct buf body = BUF_INIT(1 << 20), all = BUF_INIT(1 << 20);
    const char *const parts[] = {rule->body == NULL ? "" : rule->body,
                                 rule->headers == NULL ? "" : rule->headers};

    for (int i = 0; i < 2; i++) {
        if (i == 1)
            buf_printf(&all, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
                       rule->status == NULL ? "200 OK" : rule->status, body.size);
        for (const char *at = parts[i]; *at != '\0'; at++) {
            struct buf *out = i == 0 ? &body : &all;

            if (*at == '@')
                buf_put_text(out, site->url);
            else
                buf_put_char(out, *at == '\'' ? '"' : *at);
        }
    }
    buf_put_text(&all, "\r\n");
    buf_put(&all, buf_bytes(&body));
    (void)peer_write(fd, buf_bytes(&all));
    buf_release(&body);
    buf_release(&all);
}

static inline const struct site_rule *site_choose(struct site *site, const char *head)
{
    static const struct site_rule none = {.status = "404 Not Found"};

    for (size_t i = 0; i < site->rule_count; i++) {
        const struct site_rule *rule = &site->rules[i];

        if (strstr(head, rule->when) != NULL &&
            (rule->times == 0 || site->given[i] < rule->times)) {
            site->given[i]++;
            return rule;
        }
    }
    return &none;
}

/* What is left of it: a connection that is closed with bytes unread takes its answer along. */
static inline void site_read_body(int fd, const char *head, size_t size)
{
    const char *length = strstr(head, "Content-Length: "), *end = strstr(head, "\r\n\r\n");
    size_t left = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
    char body[4096];

    if (end == NULL)
        return;
    for (size_t got = size - (size_t)(end + 4 - head); got < left;) {
        ssize_t more = read(fd, body, sizeof(body));

        if (more <= 0)
            return;
        got += (size_t)more;
    }
}

static inline void *site_visit(void *context)
{
    struct site_visit visit = *(struct site_visit *)context;
    struct site *site = visit.site;
    const struct site_rule *rule;
    char head[8192];
    size_t size = 0;
    ssize_t got;

    free(context);
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL &&
           (got = read(visit.fd, head + size, sizeof(head) - 1 - size)) > 0)
        head[size += (size_t)got] = '\0';
    site_read_body(visit.fd, head, size);
    pthread_mutex_lock(&site->lock);
    if (site->asked_count == SITE_ASKED_MAX)
        abort();
    (void)snprintf(site->asked[site->asked_count++], SITE_LINE_SIZE, "%.500s", head);
    rule = site_choose(site, head);
    if (++site->under_way > site->under_way_most)
        site->under_way_most = site->under_way;
    pthread_cond_broadcast(&site->changed);
    while (rule->held && !site->released)
        pthread_cond_wait(&site->changed, &site->lock);
    site->under_way--;
    pthread_mutex_unlock(&site->lock);
    site_write(site, rule, visit.fd);
    close(visit.fd);
    return NULL;
}

static inline void *site_accept(void *context)
{
    struct site *site = context;
    int fd;

    while ((fd = accept4(site->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct site_visit *visit = malloc(sizeof(*visit));

        *visit = (struct site_visit){site, fd};
        if (site->thread_count == SITE_ASKED_MAX ||
            pthread_create(&site->threads[site->thread_count], NULL, site_visit, visit) != 0)
            abort();
        site->thread_count++;
    }
    return NULL;
}

static inline void site_open(struct site *site)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    memset(site, 0, sizeof(*site));
    pthread_mutex_init(&site->lock, NULL);
    pthread_cond_init(&site->changed, NULL);
    site->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(site->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(site->listener, 64), 0);
    assert_int_equal(getsockname(site->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(site->url, sizeof(site->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&site->thread, NULL, site_accept, site), 0);
}

/* From now on; what was asked is forgotten. */
static inline void site_answers(struct site *site, const struct site_rule *rules, size_t count)
{
    assert_true(count <= SITE_RULES_MAX);
    pthread_mutex_lock(&site->lock);
    site->rules = rules;
    site->rule_count = count;
    memset(site->given, 0, sizeof(site->given));
    site->asked_count = site->under_way_most = 0;
    site->released = false;
    pthread_mutex_unlock(&site->lock);
}

#define SITE_ANSWERS(site, ...)                                                                    \
    do {                                                                                           \
        static const struct site_rule rules_[] = {__VA_ARGS__};                                    \
        site_answers(site, rules_, COUNT_OF(rules_));                                              \
    } while (0)

static inline void site_release(struct site *site)
{
    pthread_mutex_lock(&site->lock);
    site->released = true;
    pthread_cond_broadcast(&site->changed);
    pthread_mutex_unlock(&site->lock);
}

/* How many requests had `text` in their heads. */
static inline size_t site_asked(struct site *site, const char *text)
{
    size_t count = 0;

    pthread_mutex_lock(&site->lock);
    for (size_t i = 0; i < site->asked_count; i++)
        count += strstr(site->asked[i], text) != NULL;
    pthread_mutex_unlock(&site->lock);
    return count;
}

/* Fails unless request number `index` had the text in its head. */
static inline void site_was_asked(struct site *site, size_t index, const char *text)
{
    pthread_mutex_lock(&site->lock);
    if (index >= site->asked_count || strstr(site->asked[index], text) == NULL)
        fail_msg("request %zu of %zu is not %s:\n%s", index, site->asked_count, text,
                 index < site->asked_count ? site->asked[index] : "");
    pthread_mutex_unlock(&site->lock);
}

/* The clients have left. */
static inline void site_close(struct site *site)
{
    site_release(site);
    shutdown(site->listener, SHUT_RDWR);
    pthread_join(site->thread, NULL);
    close(site->listener);
    for (size_t i = 0; i < site->thread_count; i++)
        pthread_join(site->threads[i], NULL);
    pthread_cond_destroy(&site->changed);
    pthread_mutex_destroy(&site->lock);
}

#endif
