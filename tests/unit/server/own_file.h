/* A file of the program's own, empty at first, for as long as a test or a group of them. */
#ifndef WEIR_TESTS_UNIT_SERVER_OWN_FILE_H
#define WEIR_TESTS_UNIT_SERVER_OWN_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[32];

static inline int own_file_make(void **state)
{
    int descriptor;

    (void)state;
    snprintf(path, sizeof(path), "%s", "/tmp/weir-test-XXXXXX");
    descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static inline int own_file_remove(void **state)
{
    (void)state;
    return unlink(path);
}

/* In place of what is in it. */
static inline void own_file_write(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#endif
