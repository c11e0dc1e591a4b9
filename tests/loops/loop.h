/* Loops over faults: an operation is tried with its 1st, 2nd, 3rd ... allocation failing, once
 * alone and once with all that follow, until a run meets none of them.  After each fault the answer
 * is one that the operation may give, with a text; nothing leaks; the operation itself checks that
 * what it touched is whole.
 *
 * LOOP_STRIDE=1 takes every fault, a larger one every so manieth on average, chosen by a seed that
 * is always the same (of bits an eighth of that).  Include it before everything that makes what the
 * tests keep: that shall not fail. */
#ifndef WEIR_TESTS_LOOPS_LOOP_H
#define WEIR_TESTS_LOOPS_LOOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"
#include "tests/loops/faults.h"

#define malloc(size) steady_malloc(size)
#define calloc(count, size) steady_calloc(count, size)
#define realloc(old, size) steady_realloc(old, size)

__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

enum { LOOP_CODES_MAX = 4 };

struct loop {
    const char *name;
    enum code (*operation)(struct error *err);
    enum code allowed[LOOP_CODES_MAX]; /* besides OK and E_MEMORY; ends with OK */
};

static struct random loop_random;
static uint64_t loop_stride, loop_faults;
static char loop_at[200];

static inline void loop_say(void)
{
    faults_disarm();
    (void)!write(STDERR_FILENO, loop_at, strlen(loop_at));
}

static inline void loop_abort(int number)
{
    loop_say();
    signal(number, SIG_DFL);
    raise(number);
}

static inline int loop_setup(void **state)
{
    const char *stride = getenv("LOOP_STRIDE");

    (void)state;
    loop_stride = stride == NULL ? 1 : strtoull(stride, NULL, 10);
    random_seed(&loop_random, 1);
    signal(SIGABRT, loop_abort);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(loop_say);
    return loop_stride == 0 ? -1 : 0;
}

/* Bits are so many that a sample takes fewer of them. */
static inline int loop_setup_bits(void **state)
{
    int failed = loop_setup(state);

    if (loop_stride > 1)
        loop_stride *= 8;
    return failed;
}

/* 1 .. 2 * stride - 1: on average the stride. */
static inline uint64_t loop_step(void)
{
    return 1 + random_below(&loop_random, 2 * loop_stride - 1);
}

static inline bool loop_may(const struct loop *loop, enum code code)
{
    if (code == OK || code == E_MEMORY)
        return true;
    for (size_t i = 0; i < LOOP_CODES_MAX && loop->allowed[i] != OK; i++)
        if (loop->allowed[i] == code)
            return true;
    return false;
}

/* One run; false when it met no fault. */
static inline bool loop_once(const struct loop *loop, uint64_t n, bool on)
{
    struct error err = {0};
    int64_t live = faults_live();
    enum code code;

    snprintf(loop_at, sizeof(loop_at), "%s, allocation %llu%s\n", loop->name, (unsigned long long)n,
             on ? " and all later" : "");
    faults_plan(n, on);
    code = loop->operation(&err);
    faults_disarm();
    if (faults_struck() == 0 && code != OK)
        fail_msg("%s: without a fault: %s (%s)", loop_at, code_row(code)->slug, err.text);
    if (!loop_may(loop, code))
        fail_msg("%s: %s (%s)", loop_at, code_row(code)->slug, err.text);
    if (code != OK && err.text[0] == '\0')
        fail_msg("%s: %s without a text", loop_at, code_row(code)->slug);
    if (faults_live() != live)
        fail_msg("%s: %lld blocks are left", loop_at, (long long)(faults_live() - live));
    return faults_struck() > 0;
}

static inline void loop_run(const struct loop *loop)
{
    uint64_t injected = 0, seen;

    faults_plan(0, false);
    (void)loop->operation(&(struct error){0}); /* what libraries make once and keep */
    (void)loop_once(loop, 0, false);
    seen = faults_seen();
    for (int on = 0; on < 2; on++) {
        uint64_t n = loop_stride == 1 ? 1 : loop_step();

        while (loop_once(loop, n, on)) {
            injected += 1;
            n += loop_stride == 1 ? 1 : loop_step();
        }
    }
    loop_faults += injected;
    fprintf(stderr, "%-40s %6llu allocations, %6llu faults\n", loop->name, (unsigned long long)seen,
            (unsigned long long)injected);
}

static inline int loop_teardown(void **state)
{
    (void)state;
    fprintf(stderr, "figure: %llu allocation faults\n", (unsigned long long)loop_faults);
    return 0;
}

/* The fault counts while `call` runs. */
#define ARMED(call)                                                                                \
    do {                                                                                           \
        faults_arm();                                                                              \
        call;                                                                                      \
        faults_disarm();                                                                           \
    } while (0)

#endif
