/* Any JSON document as a question, or as a join: the first line is the Accept header.  What parses
 * must parse again to the same question, and what does not has a fault that says where. */
#include <assert.h>

#include "query/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_join(const struct query *query)
{
    const struct join *join = query->join;
    uint32_t driving = 0;

    assert(join->count > 0 && join->count <= JOIN_SELECTIONS_MAX && !query->resumed);
    for (uint32_t i = 0; i < join->count; i++) {
        const struct selection *selection = &join->selections[i];

        assert(selection->name.size > 0 && selection->query->selector.measurement.size > 0);
        assert(selection->query->grouping != GROUP_SERIES && !selection->query->resumed);
        assert(selection->query->start < selection->query->end && selection->spread_ns >= 0);
        driving += selection->spread_ns == 0;
    }
    assert(driving > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {size ? (const char *)data : "", size};
    const char *end = size ? memchr(text.data, '\n', size) : NULL;
    struct bytes accept = end ? bytes_slice(text, 0, (size_t)(end - text.data)) : BYTES("");
    struct query *query = NULL, *again = NULL;
    struct error err = {0};
    struct arena arena;
    enum code code;

    text = bytes_slice(text, end ? accept.size + 1 : 0, size);
    arena_init(&arena, 4 << 20, NULL);
    code = query_parse_json(text, accept, 1700000000000000000, &arena, &query, &err);
    if (code) {
        assert(err.code == code && err.text[0] && !query);
        assert(err.pointer[0] == '\0' || err.pointer[0] == '/');
    } else {
        assert(query->of_json);
        if (query->join)
            check_join(query);
        if (query_parse_json(text, accept, 1700000000000000000, &arena, &again, &err) == OK)
            assert(again->identity == query->identity && !again->join == !query->join);
    }
    arena_release(&arena);
    return 0;
}
