#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/tags.h"

static const struct series_tag first[] = {
    {BYTES("dc"),   BYTES("eu")},
    {BYTES("host"), BYTES("a") }
};
static const struct series_tag second[] = {
    {BYTES("dc"),   BYTES("eu")},
    {BYTES("host"), BYTES("b") }
};

static void add(struct tags *tags, struct arena *arena, const struct series_tag *tag,
                uint32_t place)
{
    struct tag_value *values[2];

    assert_true(tags_prepare(tags, arena, tag, 2, values));
    for (size_t i = 0; i < 2; i++)
        tag_value_add(values[i], place);
}

static const struct tag_value *find(const struct tags *tags, struct bytes key, struct bytes value)
{
    const struct tag_key *found = tags_key(tags, key);

    return found ? tag_key_value(found, value) : NULL;
}

static void test_places_come_back_in_order_from_the_first_to_the_many(void **state)
{
    struct tags tags = {0};
    struct arena arena;
    const struct tag_value *shared, *own;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (uint32_t place = 0; place < 1000; place++) {
        add(&tags, &arena, place % 2 ? second : first, place);
        shared = find(&tags, BYTES("dc"), BYTES("eu"));
        assert_non_null(shared);
        assert_int_equal(shared->count, place + 1);
        assert_int_equal(tag_value_places(shared)[place], place);
        assert_int_equal(tag_value_places(shared)[0], 0);
    }
    own = find(&tags, BYTES("host"), BYTES("b"));
    assert_non_null(own);
    assert_int_equal(own->count, 500);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(tag_value_places(own)[i], 2 * i + 1);
    assert_null(find(&tags, BYTES("host"), BYTES("c")));
    assert_null(find(&tags, BYTES("rack"), BYTES("a")));
    assert_int_equal(tags_key(&tags, BYTES("host"))->values.count, 2);
    tags_release(&tags);
    arena_release(&arena);
}

static void test_what_was_prepared_and_given_up_has_no_place(void **state)
{
    struct tags tags = {0};
    struct arena arena;
    struct tag_value *values[2];

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    add(&tags, &arena, first, 0);
    assert_true(tags_prepare(&tags, &arena, second, 2, values));
    assert_int_equal(find(&tags, BYTES("host"), BYTES("b"))->count, 0);
    assert_int_equal(find(&tags, BYTES("dc"), BYTES("eu"))->count, 1);
    add(&tags, &arena, second, 1);
    assert_int_equal(find(&tags, BYTES("host"), BYTES("b"))->count, 1);
    tags_release(&tags);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_come_back_in_order_from_the_first_to_the_many),
        cmocka_unit_test(test_what_was_prepared_and_given_up_has_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
