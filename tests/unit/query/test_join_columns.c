#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/join_columns.h"

/* A join of selections "a" (columns x and y) and "b" (column x); "c" has none. */
struct world {
    struct arena arena;
    struct watch watch;
    struct query *query;
    struct plan plan[3];
    const struct plan *plans[3];
    struct join_columns columns;
    struct error err;
};

static enum code make(struct world *world, const char *more)
{
    static const struct plan_column columns[] = {{.name = BYTES("x")}, {.name = BYTES("y")}};
    char text[1024];

    *world = (struct world){0};
    arena_init(&world->arena, 1 << 20, NULL);
    (void)snprintf(text, sizeof(text),
                   "{\"selections\":{\"a\":{\"measurement\":\"m\"},\"b\":{\"measurement\":\"m\"},"
                   "\"c\":{\"measurement\":\"m\"}}%s}",
                   more);
    if (query_parse_json(bytes_of(text), BYTES(""), 0, &world->arena, &world->query, &world->err))
        fail_msg("%s: %s", more, world->err.text);
    for (uint32_t i = 0; i < 3; i++) {
        world->plan[i] = (struct plan){.columns = columns, .column_count = 2 - i};
        world->plans[i] = &world->plan[i];
    }
    return join_columns_make(world->query, world->plans, &world->arena, &world->watch,
                             &world->columns, &world->err);
}

static void expect(const char *more, const char *want)
{
    struct world world;
    struct buf got = BUF_INIT(4096);

    if (make(&world, more))
        fail_msg("%s: %s", more, world.err.text);
    for (uint32_t i = 0; i < world.columns.shown_count; i++) {
        buf_put_text(&got, i ? " " : "");
        buf_put(&got, world.columns.names[world.columns.shown[i]]);
    }
    if (!bytes_equal(buf_bytes(&got), bytes_of(want)))
        fail_msg("%s: got %.*s", more, BYTES_ARG(buf_bytes(&got)));
    buf_release(&got);
    arena_release(&world.arena);
}

static void test_names_and_their_order(void **state)
{
    (void)state;
    expect("", "a.x a.y b.x");
    expect(",\"let\":[\"p=a.x*b.x\",\"q=p+1\"]", "a.x a.y b.x p q");
    expect(",\"let\":[\"p=a.x\"],\"fields\":[\"p\",\"b.x\"]", "p b.x");
    expect(",\"fields\":[\"c.z\",\"a.y\"]", "a.y"); /* nothing was ever written of it */
}

static void test_unknown_names_are_refused(void **state)
{
    static const struct {
        const char *more, *pointer, *part;
    } cases[] = {
        {",\"let\":[\"p=a.z\"]",    "let",    "\"a.z\"; the nearest is \"a.x\""   },
        {",\"let\":[\"p=zzzz+1\"]", "let",    "\"zzzz\"; the first is \"a.x\""    },
        {",\"let\":[\"a.x=b.x\"]",  "let",    "\"a.x\" is a column of a selection"},
        {",\"fields\":[\"x\"]",     "fields", "\"x\""                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world world;

        if (make(&world, cases[i].more) != E_BAD_PARAMETER ||
            strcmp(world.err.pointer, cases[i].pointer) != 0 ||
            !strstr(world.err.text, cases[i].part))
            fail_msg("%s: \"%s\" \"%s\"", cases[i].more, world.err.pointer, world.err.text);
        arena_release(&world.arena);
    }
}

static void test_values_are_computed(void **state)
{
    struct world world;
    struct datum values[6] = {
        {.type = TYPE_I64, .is_wide = true, .integer = (wide)1 << 70},
        {.type = TYPE_U64,                .cell.u64 = 3               },
        {.type = TYPE_F64,                .cell.f64 = 0.5},
    };

    (void)state;
    assert_int_equal(make(&world, ",\"let\":[\"p=a.x*b.x\",\"q=p/a.y\",\"r=c.x+1\"]"), OK);
    join_columns_compute(&world.columns, values);
    assert_true(values[3].type == TYPE_F64 && values[3].cell.f64 == 0x1p69);
    assert_true(values[4].type == TYPE_F64 && values[4].cell.f64 == 0x1p69 / 3);
    assert_int_equal(values[5].type, TYPE_NONE);
    values[2].type = TYPE_NONE;
    join_columns_compute(&world.columns, values);
    assert_int_equal(values[3].type, TYPE_NONE);
    assert_int_equal(values[4].type, TYPE_NONE);
    arena_release(&world.arena);
}

static void test_memory_ends_with_a_code(void **state)
{
    struct world world;
    struct limits limits = {0};
    enum code code = E_QUERY_MEMORY;

    (void)state;
    assert_int_equal(make(&world, ",\"let\":[\"p=a.x*b.x\"]"), OK);
    world.watch.limits = &limits;
    for (size_t most = 0; code; most += 4096) {
        struct arena small;

        arena_init(&small, most, NULL);
        code = join_columns_make(world.query, world.plans, &small, &world.watch, &world.columns,
                                 &world.err);
        assert_true(code == OK || code == E_QUERY_MEMORY || code == E_MEMORY);
        arena_release(&small);
        assert_true(most < 1 << 20);
    }
    arena_release(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_their_order),
        cmocka_unit_test(test_unknown_names_are_refused),
        cmocka_unit_test(test_values_are_computed),
        cmocka_unit_test(test_memory_ends_with_a_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
