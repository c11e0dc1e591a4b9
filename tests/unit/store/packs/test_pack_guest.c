#include "tests/unit/store/house.h"

static struct pack *some_pack(struct house *house)
{
    house_init(house);
    house_open(house);
    assert_int_equal(house_put(house, 1, 0, 10, NULL), OK);
    house_seal(house);
    return house->store->holdings[house->tenant->ordinal]->packs->packs[0];
}

static void test_a_guest_says_whose_it_is(void **state)
{
    struct house house;
    struct pack *pack = some_pack(&house);
    char name[100];

    (void)state;
    assert_false(pack_is_guest(pack));
    assert_int_equal(pack_refused(pack, NULL), 0);
    assert_false(pack_refuses(pack, BYTES("cpu"), BYTES("v"), TYPE_I64));
    snprintf(name, sizeof(name), "%s of member 12", pack_name(pack));
    assert_int_equal(pack_make_guest(pack, 12, NULL), OK);
    assert_true(pack_is_guest(pack));
    assert_string_equal(pack_name(pack), name);
    house_close(&house);
    house_remove(&house);
}

static void test_what_is_refused_is_refused_and_nothing_else(void **state)
{
    const struct pack_refused *list;
    struct house house;
    struct pack *pack = some_pack(&house);
    char text[] = "v";

    (void)state;
    assert_int_equal(pack_make_guest(pack, 1, NULL), OK);
    assert_int_equal(pack_refuse(pack, BYTES("cpu"), bytes_of(text), TYPE_I64, NULL), OK);
    assert_int_equal(pack_refuse(pack, BYTES("cpu"), bytes_of(text), TYPE_F64, NULL), OK);
    text[0] = 'x'; /* it was copied */
    assert_int_equal(pack_refused(pack, &list), 2);
    assert_true(bytes_equal(list[1].field, BYTES("v")));
    assert_true(pack_refuses(pack, BYTES("cpu"), BYTES("v"), TYPE_I64));
    assert_true(pack_refuses(pack, BYTES("cpu"), BYTES("v"), TYPE_F64));
    assert_false(pack_refuses(pack, BYTES("cpu"), BYTES("v"), TYPE_STRING));
    assert_false(pack_refuses(pack, BYTES("cpu"), BYTES("w"), TYPE_I64));
    assert_false(pack_refuses(pack, BYTES("mem"), BYTES("v"), TYPE_I64));
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_guest_says_whose_it_is),
        cmocka_unit_test(test_what_is_refused_is_refused_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
