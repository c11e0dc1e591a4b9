#include "server/interrupt.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t came;

static void note(int number)
{
    (void)number;
    came = 1;
}

void interrupt_watch(void)
{
    /* SA_RESETHAND: who asks twice means it.  No SA_RESTART: a read that waits gives up. */
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};

    came = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool interrupt_came(void)
{
    return came != 0;
}

bool interrupt_sleep(uint64_t ms)
{
    const uint64_t step_ms = 100; /* a signal may come just before the sleep begins */

    while (ms > 0 && !came) {
        uint64_t now_ms = ms < step_ms ? ms : step_ms;
        const struct timespec time = {.tv_nsec = (long)(now_ms * 1000000)};

        (void)nanosleep(&time, NULL);
        ms -= now_ms;
    }
    return !came;
}

_Noreturn void interrupt_die_of_pipe(void)
{
    signal(SIGPIPE, SIG_DFL);
    (void)raise(SIGPIPE);
    _exit(EXIT_FAILURE); /* it was blocked */
}
