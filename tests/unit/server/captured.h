/* Runs a command with its stdout and stderr caught in memory. */
#ifndef WEIR_TESTS_UNIT_SERVER_CAPTURED_H
#define WEIR_TESTS_UNIT_SERVER_CAPTURED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPTURED_MAX = 32 << 10, CAPTURED_ARGUMENTS_MAX = 12 };

struct captured {
    int exit_code;
    char out[CAPTURED_MAX], err[CAPTURED_MAX];
};

static inline void captured_stream(FILE *from, char text[CAPTURED_MAX])
{
    size_t size;

    rewind(from);
    size = fread(text, 1, CAPTURED_MAX - 1, from);
    text[size] = '\0';
    fclose(from);
}

/* `line` is NULL-terminated. */
static inline void captured_run(int (*command)(int, char **), const char *const *line,
                                struct captured *captured)
{
    char *argv[CAPTURED_ARGUMENTS_MAX + 1] = {NULL};
    FILE *out = tmpfile(), *err = tmpfile();
    int out_was, err_was, argc = 0;

    if (!out || !err)
        abort();
    while (argc < CAPTURED_ARGUMENTS_MAX && line[argc]) {
        argv[argc] = (char *)line[argc];
        argc++;
    }
    fflush(stdout);
    fflush(stderr);
    out_was = dup(STDOUT_FILENO);
    err_was = dup(STDERR_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    captured->exit_code = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(out_was, STDOUT_FILENO);
    dup2(err_was, STDERR_FILENO);
    close(out_was);
    close(err_was);
    captured_stream(out, captured->out);
    captured_stream(err, captured->err);
}

#endif
