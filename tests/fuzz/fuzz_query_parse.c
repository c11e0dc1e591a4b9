/* Any parameters at all: name=value a line, the first line is the Accept header.  What parses must
 * parse again to the same question, and a cursor that reads must print back to itself. */
#include <assert.h>

#include "query/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARAMETERS_MAX = 64 };

static struct bytes next_line(struct bytes *rest)
{
    const char *found = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size = found ? (size_t)(found - rest->data) : rest->size;
    struct bytes line = bytes_slice(*rest, 0, size);

    *rest = bytes_slice(*rest, found ? size + 1 : size, rest->size);
    return line;
}

static struct query_parameter split(struct bytes line)
{
    const char *found = line.size ? memchr(line.data, '=', line.size) : NULL;
    size_t name = found ? (size_t)(found - line.data) : line.size;

    return (struct query_parameter){bytes_slice(line, 0, name),
                                    bytes_slice(line, found ? name + 1 : name, line.size)};
}

static void check_cursor(struct bytes text, struct arena *arena)
{
    struct cursor cursor;
    struct bytes again;

    if (cursor_parse(text, arena, &cursor, NULL))
        return;
    again = cursor_print(&cursor, arena);
    assert(!again.data || bytes_equal(again, text));
}

/* Every time has its window, whatever windows were asked for. */
static void check_grid(const struct grid *grid)
{
    static const int64_t times[] = {INT64_MIN, -1, 1711846800000000000, INT64_MAX - 1};

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        int64_t end, start = grid_start(grid, times[i], &end);

        assert(start <= times[i] && times[i] < end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {size ? (const char *)data : "", size};
    struct bytes accept = next_line(&rest);
    struct query_parameter parameters[PARAMETERS_MAX];
    struct query *query = NULL, *again = NULL;
    struct error err = {0};
    struct arena arena;
    size_t count = 0;
    enum code code;

    arena_init(&arena, 1 << 20, NULL);
    while (rest.size > 0 && count < PARAMETERS_MAX)
        parameters[count++] = split(next_line(&rest));
    for (size_t i = 0; i < count; i++)
        check_cursor(parameters[i].value, &arena);
    code = query_parse(parameters, count, accept, 1700000000000000000, &arena, &query, &err);
    if (code) {
        assert(err.code == code && err.text[0]);
    } else {
        assert(query->start < query->end && query->selector.measurement.size > 0);
        assert(!query_is_raw(query) || grid_is_whole(&query->grid));
        check_grid(&query->grid);
        if (query_parse(parameters, count, accept, 1700000000000000000, &arena, &again, &err) == OK)
            assert(again->identity == query->identity && again->start == query->start &&
                   again->end == query->end && again->grid.every == query->grid.every);
    }
    arena_release(&arena);
    return 0;
}
