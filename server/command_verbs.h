/* Commands with verbs, each of which asks a server: weir source add, weir secret set.  A table says
 * what belongs to each; here are the rest: finding the verb, help, flags, and what is missing. */
#ifndef WEIR_SERVER_COMMAND_VERBS_H
#define WEIR_SERVER_COMMAND_VERBS_H

#include "server/remote.h"

struct verb_line {
    const char *verb, *name;              /* the name: NULL where none belongs to the verb */
    const char *const *values;            /* of the verb's flags */
    const struct argument_list *repeated; /* of the one that may be repeated */
};

struct verb {
    const char *name;
    const struct argument_row *rows; /* its flags, VERB_FLAGS_MAX at most */
    size_t row_count;
    const struct argument_row *repeated; /* one that may stand several times; likewise */
    const char *wanted;                  /* said where its name is missing; NULL: it takes none */
    const char *needed; /* said where the repeated flag is missing; NULL: it may be */
    enum code (*run)(struct remote *remote, const struct verb_line *line, struct error *err);
};

struct command_verbs {
    const char *name;  /* "source" */
    const char *usage; /* as struct command_line has it */
    const struct verb *verbs;
    size_t count; /* at most COMMAND_VERBS_MAX */
};

enum { COMMAND_VERBS_MAX = 16, VERB_FLAGS_MAX = 4 };

/* The exit code. */
int command_verbs_run(const struct command_verbs *command, int argc, char **argv);

#endif
