/* weir serve: runs until SIGTERM or SIGINT; SIGHUP reads the tenants file, or the
 * registry's credentials, again. */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "server/app.h"
#include "server/command_line.h"
#include "server/notify.h"

enum { EXIT_DISK_FAILED = 70 };

static const char usage[] =
    "usage: weir serve [--config FILE] [settings]\n"
    "\n"
    "Serves HTTP out of a data directory, on one machine.  SIGTERM: answers what is under way, "
    "then\n"
    "ends; SIGHUP: reads the tenants file, or the registry's credentials, again.  Exit code 70\n"
    "after a disk error: start it again when the disk is well.\n"
    "\n"
    "  weir serve --data weir-data --listen 127.0.0.1:8090\n"
    "  weir serve --config weir.yaml\n";

/* As many as the system grants: what a shell or systemd gives at first is less than connections_max
 * and the wal take together. */
static void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* else there are as many as there were */
}

/* A core would hold the tokens of requests under way. */
static void core_forbid(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &limit); /* lowering it is always allowed */
}

static void reload(struct server *server)
{
    struct error err = {0};

    notify_service("RELOADING=1");
    if (server_reload(server, &err))
        log_error(LOG_ERROR, "what SIGHUP reads was not taken; the old one stays", &err);
    else
        log_event(LOG_INFO, "read again what SIGHUP reads",
                  LOG_CSTR("address", server_address(server)));
    notify_service("READY=1");
}

/* Waits for signals; looks at the disk's health in between. */
static int serve(struct server *server, const sigset_t *signals)
{
    const struct timespec period = {.tv_nsec = 500 * 1000000L};
    struct error err = {0};

    for (;;) {
        int number = sigtimedwait(signals, NULL, &period);

        if (number == SIGTERM || number == SIGINT) {
            log_event(LOG_INFO, "stopping", LOG_INT("signal", number));
            return COMMAND_DONE;
        }
        if (number == SIGHUP)
            reload(server);
        if (server_check(server, &err)) {
            log_error(LOG_ERROR, "the disk failed; nothing more is taken in", &err);
            return EXIT_DISK_FAILED;
        }
        notify_service("WATCHDOG=1");
    }
}

int command_serve(int argc, char **argv)
{
    struct config *config;
    const struct command_line line = {usage, NULL, &config, false};
    struct server *server = NULL;
    struct error err = {0};
    sigset_t signals;
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    /* What is made at the start, and large, stays: of pages of its own those that nobody writes to
     * cost nothing, LMDB's list of changed pages being 2 MiB.  The allocator would move the limit
     * itself with the first such piece that is given back.  Two heaps for each core: it would make
     * eight of them for dozens of threads, and each keeps what nothing needs any more. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_ARENA_MAX, (int)(2 * sysconf(_SC_NPROCESSORS_ONLN)));
    log_setup(config_settings(config)->log_level, config_log_format(config));
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    /* Before any thread is made, so that none of them takes a signal. */
    sigprocmask(SIG_BLOCK, &signals, NULL);
    descriptors_raise();
    core_forbid();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), not our death */
    if (server_start(config_settings(config), &server, &err)) {
        config_free(config);
        return command_fail(&err);
    }
    /* From here on arenas come and go in chunks of 1 MiB: kept by the allocator they cost no page
     * faults. */
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    notify_service("READY=1");
    exit_code = serve(server, &signals);
    notify_service("STOPPING=1");
    if (exit_code == EXIT_DISK_FAILED)
        _exit(exit_code); /* closing would wait for a disk that does not answer */
    server_stop(server);
    config_free(config);
    return exit_code;
}
