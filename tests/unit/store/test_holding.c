#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/holding.h"
#include "store/packs/pack_inside.h"
#include "tests/unit/store/packs/pack_sample.h"

static void holding_begin(struct holding *holding)
{
    *holding = (struct holding){0};
    arena_init(&holding->arena, SIZE_MAX, NULL);
}

static struct pack *make_pack(struct pack_fixture *fixture)
{
    static const struct pack_plan plan = {1, 1, 3, 0, 0, 0, 0};
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;

    assert_int_equal(sample_write(fixture, &plan, "x.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    free((void *)bytes.data);
    return pack;
}

static void test_nothing_is_a_list_too(void **state)
{
    struct holding holding;

    (void)state;
    holding_begin(&holding);
    assert_null(pack_list_ref(NULL));
    assert_null(tombstone_list_ref(NULL));
    pack_list_unref(NULL);
    tombstone_list_unref(NULL);
    holding_release(&holding);
}

/* Who took a list keeps its packs open, whatever comes after. */
static void test_a_list_that_was_taken_does_not_change(void **state)
{
    struct pack_fixture *fixture = *state;
    struct holding holding;
    struct pack *first = make_pack(fixture), *second = make_pack(fixture);
    struct pack_list *taken;

    holding_begin(&holding);
    assert_int_equal(holding_add_pack(&holding, first, NULL), OK);
    taken = pack_list_ref(holding.packs);
    assert_int_equal(holding_add_pack(&holding, pack_ref(second), NULL), OK);
    assert_int_equal(taken->count, 1);
    assert_ptr_equal(taken->packs[0], first);
    assert_int_equal(holding.packs->count, 2);
    assert_ptr_equal(holding.packs->packs[0], first);
    assert_ptr_equal(holding.packs->packs[1], second);
    assert_int_equal(first->references, 2);
    holding_release(&holding);
    assert_int_equal(first->references, 1); /* the list's that was taken */
    assert_int_equal(second->references, 1);
    pack_list_unref(taken);
    pack_unref(second);
}

static void test_deletions_are_copied_whole(void **state)
{
    char measurement[] = "cpu", key[] = "host", value[] = "a.*", field[] = "user";
    struct matcher matcher = {bytes_of(key), MATCH_REGEX, bytes_of(value)};
    struct bytes fields[] = {bytes_of(field), {0}};
    struct tombstone tombstone = {
        .ingest = 5,
        .selector = {bytes_of(measurement), &matcher, 1},
        .start = -7,
        .end = 7,
        .fields = fields,
        .field_count = 2,
    };
    struct holding holding;
    struct tombstone_list *taken;
    const struct tombstone *got;

    (void)state;
    holding_begin(&holding);
    assert_int_equal(holding_add_tombstone(&holding, &tombstone, NULL), OK);
    taken = tombstone_list_ref(holding.tombstones);
    tombstone.ingest = 6;
    tombstone.selector.matcher_count = 0;
    tombstone.field_count = 0;
    assert_int_equal(holding_add_tombstone(&holding, &tombstone, NULL), OK);
    memset(measurement, 'x', 3);
    memset(key, 'x', 4);
    memset(value, 'x', 3);
    memset(field, 'x', 4);
    memset(&matcher, 0, sizeof(matcher));
    memset(fields, 0, sizeof(fields));

    assert_int_equal(taken->count, 1);
    assert_int_equal(holding.tombstones->count, 2);
    assert_int_equal(holding.tombstones->tombstones[1].ingest, 6);
    for (int i = 0; i < 2; i++) { /* the old list and the first of the new one */
        got = i == 0 ? taken->tombstones : holding.tombstones->tombstones;
        assert_int_equal(got->ingest, 5);
        assert_int_equal(got->start, -7);
        assert_int_equal(got->end, 7);
        assert_true(bytes_equal(got->selector.measurement, BYTES("cpu")));
        assert_int_equal(got->selector.matcher_count, 1);
        assert_int_equal(got->selector.matchers[0].op, MATCH_REGEX);
        assert_true(bytes_equal(got->selector.matchers[0].key, BYTES("host")));
        assert_true(bytes_equal(got->selector.matchers[0].value, BYTES("a.*")));
        assert_int_equal(got->field_count, 2);
        assert_true(bytes_equal(got->fields[0], BYTES("user")));
        assert_int_equal(got->fields[1].size, 0);
    }
    tombstone_list_unref(taken);
    holding_release(&holding);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_a_list_too),
        cmocka_unit_test(test_a_list_that_was_taken_does_not_change),
        cmocka_unit_test(test_deletions_are_copied_whole),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
