/* The seeded simulator: the real store over a fake machine that fails in every way it may.
 *
 *   simulator [--steps N] [--seed S] [--until-fail] [--flips N] [--only]
 *
 * A run is episodes of some thousand steps; episode i has the seed S + i, so that what fails is
 * played again alone with the seed it prints.  --only leaves out the tests of the harness itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "flip.h"
#include "self_test.h"
#include "world.h"

enum { EPISODE_STEPS = 2000 };

struct options {
    uint64_t seed, steps, flips;
    bool until_fail, only;
};

static struct world world; /* one at a time; large, and wanted by the handler of signals */
static uint64_t totals[COUNT_OF_COUNTS];
static bool flipping;

static void tell_failure(const char *text)
{
    size_t first = world.trace_count > TRACE_COUNT ? world.trace_count - TRACE_COUNT : 0;

    for (size_t i = first; i < world.trace_count; i++)
        printf("    %s\n", world.trace[i % TRACE_COUNT]);
    printf("FAILED: %s\n  again with: --only --seed %" PRIu64 " --steps %" PRIu64 " --flips %d\n",
           text, world.seed, world.step, flipping);
    fflush(stdout);
}

/* An assertion of the store, or worse. */
static void on_signal(int number)
{
    char text[64];

    snprintf(text, sizeof(text), "signal %d (%s)", number, strsignal(number));
    tell_failure(text); /* not safe in a handler; better than silence in a program that ends */
    _exit(1);
}

/* True when all was as promised. */
static bool episode(uint64_t seed, uint64_t steps, enum sabotage sabotage, bool flips)
{
    struct error err = {0};

    world_init(&world, seed, sabotage);
    if (flips) {
        flip_episode(&world);
    } else if (world_open(&world, &err) != OK) {
        world_fail(&world, "store_open of an empty directory: %s", err.text);
    } else {
        while (world.step < steps && !world.failed)
            world_step(&world);
        if (!world.failed) /* what the end left open is settled too */
            world_recover(&world);
    }
    for (size_t i = 0; i < FAULT_COUNT; i++)
        world.counts[COUNT_IO_FAULTS] += world.disk.fault_count[i];
    for (size_t i = 0; i < COUNT_OF_COUNTS; i++)
        totals[i] += world.counts[i];
    if (world.failed) {
        tell_failure(world.failure);
        return false; /* the world is not worth cleaning */
    }
    world_release(&world);
    return true;
}

/* A storage stack that lies must be found out; in a process of its own, since the store may rightly
 * refuse to go on. */
static bool sabotage_is_found(enum sabotage sabotage, uint64_t seed)
{
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        bool fine = true;

        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(2);
        for (uint64_t i = 0; i < 100 && fine; i++)
            fine = episode(seed + i, EPISODE_STEPS, sabotage, false);
        _exit(fine ? 0 : 1);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void test_harness(uint64_t seed, size_t *passed, size_t *failed)
{
    static const char *const names[SABOTAGE_COUNT] = {
        [SABOTAGE_SYNC] = "a sync that does nothing",
        [SABOTAGE_SYNC_DIR] = "a directory sync that does nothing",
        [SABOTAGE_COMMIT] = "an index commit that is not durable",
    };
    size_t count;

    *failed = self_test(&count);
    *passed = count - *failed;
    for (int i = SABOTAGE_NONE + 1; i < SABOTAGE_COUNT; i++) {
        bool found = sabotage_is_found((enum sabotage)i, seed);

        printf("sabotage: %s: %s\n", names[i], found ? "found" : "NOT FOUND");
        *(found ? passed : failed) += 1;
    }
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (*end != '\0' || end == text) {
        fprintf(stderr, "simulator: %s is not a number\n", text);
        exit(2);
    }
    return value;
}

static struct options parse(int count, char **arguments)
{
    struct options options = {.seed = 1, .steps = 1000000, .flips = 2000};

    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        bool more = i + 1 < count;

        if (strcmp(name, "--until-fail") == 0)
            options.until_fail = true;
        else if (strcmp(name, "--only") == 0)
            options.only = true;
        else if (more && strcmp(name, "--seed") == 0)
            options.seed = number(arguments[++i]);
        else if (more && strcmp(name, "--steps") == 0)
            options.steps = number(arguments[++i]);
        else if (more && strcmp(name, "--flips") == 0)
            options.flips = number(arguments[++i]);
        else {
            fprintf(stderr,
                    "simulator: unknown option %s; known: --steps N --seed S --flips N "
                    "--until-fail --only\n",
                    name);
            exit(2);
        }
    }
    return options;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_result(size_t passed, size_t failed)
{
    const char *directory = getenv("WEIR_RESULTS");
    char path[256];
    FILE *file;

    printf("%zu passed, %zu failed\n", passed, failed);
    if (!directory)
        return;
    snprintf(path, sizeof(path), "%s/simulator.txt", directory);
    file = fopen(path, "w");
    if (!file) {
        perror(path);
        return;
    }
    fprintf(file, "passed %zu failed %zu skipped 0\n", passed, failed);
    fclose(file);
}

int main(int count, char **arguments)
{
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct options options = parse(count, arguments);
    size_t passed = 0, failed = 0;
    uint64_t steps = 0, episodes = 0;
    double began;

    for (size_t i = 0; i < COUNT_OF(deadly); i++)
        signal(deadly[i], on_signal);
    map_hash_seed(1); /* not the seed: an episode is the same wherever it stands in a run */
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    printf("seed %" PRIu64 "\n", options.seed);
    if (!options.only)
        test_harness(options.seed, &passed, &failed);
    began = seconds();
    while ((steps < options.steps || options.until_fail) && failed == 0) {
        uint64_t left = options.steps - steps;
        uint64_t now = left < EPISODE_STEPS && !options.until_fail ? left : EPISODE_STEPS;

        if (episode(options.seed + episodes++, now, SABOTAGE_NONE, false))
            passed++;
        else
            failed++;
        steps += now;
    }
    printf("%" PRIu64 " steps in %" PRIu64 " episodes, %.0f steps/s\n", steps, episodes,
           (double)steps / (seconds() - began));
    flipping = true;
    for (uint64_t i = 0; i < options.flips && failed == 0; i++) {
        if (episode(options.seed + i, 0, SABOTAGE_NONE, true))
            passed++;
        else
            failed++;
    }
    for (size_t i = 0; i < COUNT_OF_COUNTS; i++)
        printf("  %-20s %" PRIu64 "\n", count_names[i], totals[i]);
    write_result(passed, failed);
    return failed > 0;
}
