/* Questions as text, and the faults they have, for tests. */
#ifndef WEIR_TESTS_UNIT_QUERY_PARSING_H
#define WEIR_TESTS_UNIT_QUERY_PARSING_H

#include "query/question.h"

#define M "measurement=m&"

/* "a=b&c=d", not decoded. */
static inline enum code parse(const char *text, const char *accept, struct arena *arena,
                              struct query **query, struct error *err)
{
    struct query_parameter parameters[32];
    const char *at = text;
    size_t count = 0;

    while (*at) {
        size_t size = strcspn(at, "&"), name = strcspn(at, "=");

        parameters[count++] = (struct query_parameter){
            {at,            name           },
            {at + name + 1, size - name - 1}
        };
        at += size + (at[size] == '&');
    }
    return query_parse(parameters, count, bytes_of(accept), 1000000000000, arena, query, err);
}

struct parse_fault {
    const char *text;
    enum code code;
    const char *pointer, *part; /* where the error points, and what its text has in it */
};

static inline void parse_faults(const struct parse_fault *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, 1 << 20, NULL);
        code = parse(cases[i].text, "", &arena, &query, &err);
        if (code != cases[i].code || strcmp(err.pointer, cases[i].pointer) != 0 ||
            !strstr(err.text, cases[i].part) || query)
            fail_msg("%s: got %d, \"%s\", \"%s\"", cases[i].text, code, err.pointer, err.text);
        arena_release(&arena);
    }
}

#endif
