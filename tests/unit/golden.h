/* Golden files: the bytes of a format as hexadecimal digits, 32 bytes a line, which every later
 * version reads.  WEIR_GOLDEN_WRITE=1 writes anew those of the version that is written now. */
#ifndef WEIR_TESTS_UNIT_GOLDEN_H
#define WEIR_TESTS_UNIT_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

static inline size_t golden_read(const char *path, char *bytes, size_t size_max)
{
    FILE *file = fopen(path, "r");
    unsigned byte;
    size_t size = 0;

    if (file == NULL)
        fail_msg("%s: cannot be opened", path);
    for (; size < size_max && fscanf(file, "%2x", &byte) == 1; size++)
        bytes[size] = (char)byte;
    fclose(file);
    return size;
}

static inline void golden_write(const char *path, struct bytes bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(file, "%02x%s", (unsigned char)bytes.data[i],
                i % 32 == 31 || i + 1 == bytes.size ? "\n" : "");
    fclose(file);
}

/* `bytes` are what is written now. */
static inline void golden_write_if_asked(const char *path, struct bytes bytes)
{
    if (getenv("WEIR_GOLDEN_WRITE") != NULL)
        golden_write(path, bytes);
}

#endif
