/* Text that grows, for the load generator.  There is no answer to a failed allocation here: the
 * program says so and ends. */
#ifndef WEIR_BENCH_TEXT_H
#define WEIR_BENCH_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes; /* owned; not ended by a NUL */
    size_t size, capacity;
};

static inline void die(const char *what)
{
    fprintf(stderr, "load: ");
    perror(what);
    exit(1);
}

/* Room for `size` more bytes. */
static inline void text_reserve(struct text *text, size_t size)
{
    if (text->capacity - text->size >= size)
        return;
    text->capacity =
        text->capacity * 2 > text->size + size ? text->capacity * 2 : text->size + size;
    text->bytes = realloc(text->bytes, text->capacity);
    if (!text->bytes)
        die("memory");
}

static inline void text_append(struct text *text, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    text_reserve(text, size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static inline void text_release(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

#endif
