/* Flags of a command line, by tables: --name value, --name=value, --switch.  A table's values point
 * into argv. */
#ifndef WEIR_SERVER_ARGUMENTS_H
#define WEIR_SERVER_ARGUMENTS_H

#include <stdio.h>

#include "base/error.h"

struct argument_row {
    const char *name;  /* without the dashes */
    const char *value; /* what help calls it, "FILE"; NULL = a switch; "" = one whose text whoever
                          has the table judges */
    const char *help;
};

struct arguments {
    const struct argument_row *rows;
    size_t count;
    const char **values; /* one a row: NULL = not given; a switch gives "true", and NULL for
                            --name=false */
};

enum { ARGUMENT_REPEATS_MAX = 64 };

struct argument_list {
    const char *items[ARGUMENT_REPEATS_MAX];
    size_t count;
};

/* What some commands take besides flags that stand once. */
struct argument_more {
    const struct argument_row *rows; /* flags that may stand several times */
    size_t count;
    struct argument_list *lists; /* by row, empty before */
    bool takes_rest;             /* names of files and the like; behind "--" anything is one */
    char **rest;                 /* out: they, packed together at the beginning of argv */
    size_t rest_count;
};

/* argv[0] is skipped.  E_CONFIG: unknown (with the nearest name), given twice, without its value,
 * or no flag at all. */
MUST_USE enum code arguments_read(int argc, char **argv, struct arguments *tables,
                                  size_t table_count, struct error *err);
/* As arguments_read(), and what `more` takes; argv is reordered. */
MUST_USE enum code arguments_read_more(int argc, char **argv, struct arguments *tables,
                                       size_t table_count, struct argument_more *more,
                                       struct error *err);
/* "-h" or "--help" stands somewhere. */
bool arguments_ask_help(int argc, char **argv);
void arguments_print(const struct arguments *table, FILE *out);
void argument_row_print(const struct argument_row *row, FILE *out);

#endif
