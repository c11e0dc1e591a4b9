/* A span of bytes somebody else owns.  Not NUL-terminated; may hold any byte. */
#ifndef WEIR_BASE_BYTES_H
#define WEIR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct bytes {
    const char *data;
    size_t size;
};

/* For string literals and char arrays whose size the compiler knows. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})
/* For printf: ("%.*s", BYTES_ARG(span)). */
#define BYTES_ARG(span) (int)(span).size, (span).data

/* The span of a NUL-terminated text of our own (never of input). */
static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Order of memcmp, the shorter first when one is the other's beginning. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

/* The part [first, end); both within the span. */
static inline struct bytes bytes_slice(struct bytes span, size_t first, size_t end)
{
    return (struct bytes){span.data + first, end - first};
}

#endif
