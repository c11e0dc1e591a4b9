/* What every command begins with: --help, its flags, and the configuration where it takes one. */
#ifndef WEIR_SERVER_COMMAND_LINE_H
#define WEIR_SERVER_COMMAND_LINE_H

#include "server/arguments.h"
#include "server/commands.h"
#include "server/config.h"

struct command_line {
    const char *usage;      /* "usage: weir token …\n\nwhat it does\n", examples first */
    struct arguments *own;  /* the command's flags; NULL = none */
    struct config **config; /* loaded with the settings' flags; NULL = it takes none */
    bool data_alone;        /* of the settings it uses `data`: help tells no other */
};

/* False: the command ends at once with *exit_code (help was asked for, or something is wrong and
 * was told on stderr).  True: the caller frees *config. */
MUST_USE bool command_line_read(const struct command_line *line, int argc, char **argv,
                                int *exit_code);
/* "weir: <text>" on stderr; gives COMMAND_FAILED. */
int command_fail(const struct error *err);

#endif
