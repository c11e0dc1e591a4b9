#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/limits.h"

static void test_every_default_is_within_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < limit_row_count; i++) {
        const struct limit_row *row = &limit_rows[i];

        if (row->initial < row->least || row->initial > row->most)
            fail_msg("%s: default %llu", row->name, (unsigned long long)row->initial);
        assert_true(row->help[0] >= 'A' && row->help[0] <= 'Z');
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
    }
}

static void test_every_member_has_its_own_row(void **state)
{
    struct limits limits;

    (void)state;
    memset(&limits, 0xff, sizeof(limits));
    limits_init(&limits);
    for (size_t i = 0; i < sizeof(limits) / sizeof(uint64_t); i++)
        assert_int_not_equal(((uint64_t *)&limits)[i], UINT64_MAX);
    for (size_t i = 0; i < limit_row_count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(limit_rows[i].offset, limit_rows[j].offset);
            assert_string_not_equal(limit_rows[i].name, limit_rows[j].name);
        }
    assert_int_equal(limits.body_bytes_max, 32 * 1024 * 1024);
    assert_int_equal(limits.idempotency_ms_max, 24 * 3600 * 1000);
    assert_ptr_equal(limit_of(&limits, limit_row_find(BYTES("tags_max"))), &limits.tags_max);
}

static void test_an_unknown_name_is_not_found(void **state)
{
    (void)state;
    assert_null(limit_row_find(BYTES("tags_ma")));
    assert_null(limit_row_find(BYTES("tags_max_")));
    assert_null(limit_row_find(BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_default_is_within_its_range),
        cmocka_unit_test(test_every_member_has_its_own_row),
        cmocka_unit_test(test_an_unknown_name_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
