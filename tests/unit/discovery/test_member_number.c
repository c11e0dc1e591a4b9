#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/member_number.h"
#include "discovery/registry_core.h"

static struct registry_record record(const char *name, const char *text)
{
    return (struct registry_record){
        .kind = REGISTRY_MEMBERS, .name = bytes_of(name), .text = bytes_of(text), .version = 1};
}

static struct registry_snapshot *snapshot_of(struct registry_record *records, size_t count)
{
    struct registry_snapshot *snapshot;

    qsort(records, count, sizeof(*records), registry_record_order);
    snapshot = registry_snapshot_new(records, count);
    assert_non_null(snapshot);
    return snapshot;
}

static void test_names_are_numbers_and_back(void **state)
{
    static const struct {
        const char *name;
        unsigned number;
    } cases[] = {
        {"1",    1   },
        {"1023", 1023},
        {"1024", 0   },
        {"0",    0   },
        {"01",   0   },
        {"",     0   },
        {"a",    0   },
        {"-1",   0   },
    };
    char text[NUMBER_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (member_number(bytes_of(cases[i].name)) != cases[i].number)
            fail_msg("%s: %u", cases[i].name, member_number(bytes_of(cases[i].name)));
    assert_true(bytes_equal(member_name(1023, text), BYTES("1023")));
}

/* At one below the limit, at it and where nothing is left. */
static void test_the_lowest_without_a_record_is_free(void **state)
{
    struct registry_record records[MEMBER_NUMBER_MAX];
    char names[MEMBER_NUMBER_MAX][8];
    struct registry_snapshot *snapshot = snapshot_of(records, 0);

    (void)state;
    assert_int_equal(member_number_free(snapshot, 1), 1);
    registry_snapshot_put(snapshot);
    for (size_t i = 0; i < MEMBER_NUMBER_MAX; i++)
        (void)snprintf(names[i], sizeof(names[i]), "%zu", i + 1);
    for (size_t count = MEMBER_NUMBER_MAX - 2; count <= MEMBER_NUMBER_MAX; count++) {
        for (size_t i = 0; i < count; i++)
            records[i] = record(names[i], "{\"state\":\"lost\"}");
        records[3].missing = true;
        snapshot = snapshot_of(records, count);
        assert_int_equal(member_number_free(snapshot, 1),
                         count == MEMBER_NUMBER_MAX ? 0 : count + 1);
        registry_snapshot_put(snapshot);
    }
    for (size_t i = 0; i < 3; i++)
        records[i] = record(names[2 * i], ""); /* 1, 3, 5: whatever they say */
    snapshot = snapshot_of(records, 3);
    assert_int_equal(member_number_free(snapshot, 1), 2);
    assert_int_equal(member_number_free(snapshot, 3), 4);
    assert_int_equal(member_number_free(snapshot, MEMBER_NUMBER_MAX + 1), 0);
    assert_null(member_record(snapshot, 2));
    assert_non_null(member_record(snapshot, 5));
    registry_snapshot_put(snapshot);
}

static void test_a_record_names_whose_it_is(void **state)
{
    struct registry_record records[] = {
        record("1", "{"),
        record("2", "{\"state\":\"drained\",\"incarnation\":\"aa\"}"),
        record("3", "{\"incarnation\":\"bb\"}"),
        record("4", "{\"incarnation\":\"aa\"}"),
        record("5", "{\"state\":\"lost\",\"incarnation\":\"cc\"}"),
        record("x", "{\"incarnation\":\"dd\"}"),
    };
    struct registry_snapshot *snapshot = snapshot_of(records, COUNT_OF(records));
    static const struct {
        const char *incarnation;
        unsigned number;
    } cases[] = {
        {"aa", 4},
        {"bb", 3},
        {"cc", 5},
        {"dd", 0},
        {"ee", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned number;

        assert_int_equal(member_number_of(snapshot, bytes_of(cases[i].incarnation), &number, NULL),
                         OK);
        assert_int_equal(number, cases[i].number);
    }
    registry_snapshot_put(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_numbers_and_back),
        cmocka_unit_test(test_the_lowest_without_a_record_is_free),
        cmocka_unit_test(test_a_record_names_whose_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
