#include "base/failpoint.h"

#ifdef WEIR_FAILPOINTS

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"

enum { RULES_MAX = 32 };

enum action { ACTION_KILL, ACTION_FAIL, ACTION_WAIT };

struct rule {
    struct bytes name; /* within the environment, or a copy that is never freed */
    enum action action;
    uint64_t wait_ms;
    uint64_t first, last; /* hits, from 1 */
    _Atomic uint64_t hits;
};

static struct rule rules[RULES_MAX]; /* written once, before the first hit */
static size_t rule_count;
static pthread_once_t rules_once = PTHREAD_ONCE_INIT;

/* The part before `separator`; *rest gets what follows, {NULL, 0} when there is none. */
static struct bytes split(struct bytes text, char separator, struct bytes *rest)
{
    const char *at = text.size == 0 ? NULL : memchr(text.data, separator, text.size);
    size_t size = at == NULL ? text.size : (size_t)(at - text.data);

    *rest = at == NULL ? (struct bytes){NULL, 0} : bytes_slice(text, size + 1, text.size);
    return bytes_slice(text, 0, size);
}

static bool parse_rule(struct bytes text, struct rule *rule)
{
    struct bytes hits, wait, action;

    rule->name = split(text, '=', &text);
    action = split(text, '@', &hits);
    action = split(action, ':', &wait);
    rule->first = 1;
    rule->last = UINT64_MAX;
    if (hits.data != NULL) {
        bool open = hits.size > 0 && hits.data[hits.size - 1] == '+';

        if (number_parse_u64(bytes_slice(hits, 0, hits.size - open), &rule->first))
            return false;
        rule->last = open ? UINT64_MAX : rule->first;
    }
    if (bytes_equal(action, BYTES("kill")))
        rule->action = ACTION_KILL;
    else if (bytes_equal(action, BYTES("fail")))
        rule->action = ACTION_FAIL;
    else if (bytes_equal(action, BYTES("wait")))
        rule->action = ACTION_WAIT;
    else
        return false;
    if (rule->action == ACTION_WAIT)
        return number_parse_u64(wait, &rule->wait_ms) == OK && rule->name.size > 0;
    return wait.data == NULL && rule->name.size > 0;
}

static void read_rules(void)
{
    const char *text = getenv("WEIR_FAILPOINTS");
    struct bytes left;

    if (text == NULL)
        return;
    text = strdup(text); /* a later setenv() may move it */
    if (text == NULL)
        abort();
    left = bytes_of(text);
    while (left.size > 0) {
        struct bytes one = split(left, ';', &left);

        if (rule_count == RULES_MAX || !parse_rule(one, &rules[rule_count])) {
            (void)fprintf(stderr,
                          "WEIR_FAILPOINTS: \"%.*s\": want name=kill|fail|wait:MS[@HIT[+]]\n",
                          BYTES_ARG(one));
            abort();
        }
        rule_count++;
    }
}

/* True when the place is to fail. */
static bool obey(const struct rule *rule)
{
    struct timespec pause = {(time_t)(rule->wait_ms / 1000),
                             (long)(rule->wait_ms % 1000) * 1000000};

    switch (rule->action) {
    case ACTION_KILL:
        (void)kill(getpid(), SIGKILL);
        return true;
    case ACTION_WAIT:
        while (nanosleep(&pause, &pause) != 0)
            continue;
        return false;
    case ACTION_FAIL:
        break;
    }
    return true;
}

bool sabotage(const char *name)
{
    const char *chosen = getenv("WEIR_SABOTAGE");

    return chosen != NULL && strcmp(chosen, name) == 0;
}

bool failpoint(const char *name)
{
    bool fails = false;

    (void)pthread_once(&rules_once, read_rules);
    for (size_t i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        uint64_t hit;

        if (!bytes_equal(rule->name, bytes_of(name)))
            continue;
        hit = 1 + atomic_fetch_add(&rule->hits, 1);
        if (hit >= rule->first && hit <= rule->last && obey(rule))
            fails = true;
    }
    return fails;
}

#endif
