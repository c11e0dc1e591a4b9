/* The commands of `weir`; main.c holds the table.  argv[0] is the command's own name.  The result
 * is the exit code.  What was asked for goes to stdout, talk to stderr. */
#ifndef WEIR_SERVER_COMMANDS_H
#define WEIR_SERVER_COMMANDS_H

enum {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,    /* the command line is wrong; nothing was tried */
    COMMAND_CONFLICT = 4, /* a record of the registry is at another version than was expected */
};

int command_serve(int argc, char **argv);
int command_tenant(int argc, char **argv);
int command_shard(int argc, char **argv);
int command_token(int argc, char **argv);
int command_member(int argc, char **argv);
int command_secret(int argc, char **argv);
int command_source(int argc, char **argv);
int command_check_config(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_write(int argc, char **argv);
int command_query(int argc, char **argv);
int command_export(int argc, char **argv);
int command_import(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
