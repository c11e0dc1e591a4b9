#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/nearest.h"
#include "server/commands.h"

/* libmongoc makes /dev/shm/mongoc-PID for its counters while it is loaded, before main(), and
 * removes it in exit(): who is killed would leave one behind each time, and who gets that PID next
 * a warning on stderr.  It calls this instead, and gets memory that goes with the process; others
 * get what they ask for. */
__attribute__((visibility("default"))) int shm_open(const char *name, int flags, mode_t mode)
{
    static const char prefix[] = "/mongoc-";
    union {
        void *address;
        int (*call)(const char *name, int flags, mode_t mode);
    } next;

    if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
        return memfd_create(name, MFD_CLOEXEC);
    next.address = dlsym(RTLD_NEXT, "shm_open");
    if (next.address != NULL)
        return next.call(name, flags, mode);
    errno = ENOSYS;
    return -1;
}

/* A limit of file sizes that leaves no room for that memory would be our death, and not an error of
 * a write. */
static void limit_is_an_error(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
}

static void (*const before_libraries)(void)
    __attribute__((section(".preinit_array"), used)) = limit_is_an_error;

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve",        "serve HTTP out of a data directory",             command_serve       },
    {"write",        "send points from files or stdin to a server",    command_write       },
    {"query",        "ask a server for a time range",                  command_query       },
    {"export",       "write all that a tenant has to a file",          command_export      },
    {"import",       "send what was exported, and go on after a kill", command_import      },
    {"token",        "make a token; add and revoke in a registry",     command_token       },
    {"tenant",       "add, list, set, delete tenants of a registry",   command_tenant      },
    {"shard",        "the same of shards, where packs are delivered",  command_shard       },
    {"member",       "list the nodes of a registry",                   command_member      },
    {"secret",       "keys and passwords of sources, by a server",     command_secret      },
    {"source",       "declare remote APIs that a server pulls",        command_source      },
    {"check-config", "read the configuration and say what is wrong",   command_check_config},
    {"verify",       "walk everything stored, offline, and check it",  command_verify      },
    {"backup",       "copy a data directory while it is served",       command_backup      },
    {"restore",      "make one out of a backup, or of shards",         command_restore     },
    {"version",      "print the version and those of the libraries",   command_version     },
};

static void help_print(FILE *out)
{
    fputs("Weir takes time series in and gives time ranges back.\n"
          "\n"
          "  weir serve --data weir-data --listen 127.0.0.1:8090\n"
          "  curl -d 'room,floor=1 temperature=21.5' http://127.0.0.1:8090/v1/points\n"
          "  curl 'http://127.0.0.1:8090/v1/query?measurement=room'\n"
          "\n"
          "usage: weir COMMAND [flags]\n"
          "\n",
          out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-14s%s\n", commands[i].name, commands[i].summary);
    fputs("\n`weir help COMMAND`, or `weir COMMAND --help`, tells its flags.\n", out);
}

static int unknown_command(const char *name)
{
    const char *names[COUNT_OF(commands) + 1] = {NULL}, *near;

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i].name;
    near = nearest_name(bytes_of(name), names);
    fprintf(stderr, "weir: unknown command \"%s\"%s%s%s\n", name,
            near ? "; did you mean \"" : " (weir --help lists them)", near ? near : "",
            near ? "\"?" : "");
    return COMMAND_USAGE;
}

/* argv[0] is the command's name. */
static int run(int argc, char **argv)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    return unknown_command(argv[0]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_print(stderr);
        return COMMAND_USAGE;
    }
    if (argc > 2 && strcmp(argv[1], "help") == 0) {
        char help[] = "--help", *line[] = {argv[2], help, NULL};

        return run(2, line);
    }
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help_print(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return command_version(argc - 1, argv + 1);
    return run(argc - 1, argv + 1);
}
