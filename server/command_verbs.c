#include "server/command_verbs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "server/command_line.h"

enum { WHOLE_SIZE = 48 }; /* "source examples", as messages call it */

static const struct verb *verb_find(const struct command_verbs *command, const char *name)
{
    const char *names[COMMAND_VERBS_MAX + 1] = {NULL}, *near;

    assert(command->count <= COMMAND_VERBS_MAX);
    for (size_t i = 0; i < command->count; i++) {
        if (strcmp(command->verbs[i].name, name) == 0)
            return &command->verbs[i];
        names[i] = command->verbs[i].name;
    }
    near = nearest_name(bytes_of(name), names);
    fprintf(stderr, "weir %s: \"%s\" is not known%s%s%s (weir %s --help tells all)\n",
            command->name, name, near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "", command->name);
    return NULL;
}

/* What is wrong with the line; NULL: nothing is. */
static const char *line_fault(const struct verb *verb, const struct argument_more *more,
                              const struct argument_list *repeated)
{
    if (more->rest_count != (verb->wanted != NULL ? 1 : 0))
        return verb->wanted != NULL ? verb->wanted : "no name belongs to it";
    return repeated->count == 0 ? verb->needed : NULL;
}

static int run(const struct command_verbs *command, const struct verb *verb, int argc, char **argv)
{
    const char *values[VERB_FLAGS_MAX] = {NULL}, *fault;
    struct argument_list repeated = {.count = 0};
    struct arguments own = {verb->rows, verb->row_count, values};
    struct argument_more more = {verb->repeated, verb->repeated != NULL, &repeated, true, NULL, 0};
    const struct remote_line line = {command->usage, &own, &more};
    char whole[WHOLE_SIZE];
    struct remote remote;
    struct error err = {0};
    int exit_code;

    (void)snprintf(whole, sizeof(whole), "%s %s", command->name, verb->name);
    argv[0] = whole;
    if (!remote_open(&line, argc, argv, &remote, &exit_code))
        return exit_code;
    fault = line_fault(verb, &more, &repeated);
    if (fault != NULL) {
        fprintf(stderr, "weir %s: %s (weir %s --help tells all)\n", whole, fault, whole);
        exit_code = COMMAND_USAGE;
    } else {
        const struct verb_line wish = {verb->name, verb->wanted != NULL ? more.rest[0] : NULL,
                                       values, &repeated};

        exit_code = verb->run(&remote, &wish, &err) ? remote_fail(&remote, &err) : COMMAND_DONE;
    }
    remote_close(&remote);
    return exit_code;
}

int command_verbs_run(const struct command_verbs *command, int argc, char **argv)
{
    const struct verb *verb;

    if (argc == 2 && arguments_ask_help(argc, argv)) {
        fputs(command->usage, stdout);
        fprintf(stdout, "\n`weir %s %s --help` tells the flags of `%s`, and so on.\n",
                command->name, command->verbs[0].name, command->verbs[0].name);
        return COMMAND_DONE;
    }
    if (argc < 2) {
        fputs(command->usage, stderr);
        return COMMAND_USAGE;
    }
    verb = verb_find(command, argv[1]);
    return verb != NULL ? run(command, verb, argc - 1, argv + 1) : COMMAND_USAGE;
}
