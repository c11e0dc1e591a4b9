#include "tests/unit/store/guests/care_sample.h"

#include <unistd.h>

#include "base/log.h"

static const uint64_t number = 4711;

/* The chain of who left, of which this node has begun to take care. */
static struct care *care_init(struct village *village)
{
    struct node *node = &village->nodes[0];

    village_init(village);
    depot_add_pack(&village->author, 1, 0);
    village_part(village);
    (void)node_go_on(node);
    assert_non_null(node->caretaker->cares);
    return node->caretaker->cares;
}

static enum code pass_over(struct care *care, uint64_t which, enum code code)
{
    struct error err = {.code = code, .text = "the test says no"};
    enum code got = care_pass_over(care, which, code, &err);

    assert_int_equal(err.code, got);
    return got;
}

static bool is_passed(struct care *care)
{
    uint64_t numbers[8];
    size_t count = care_passed(care, numbers);

    assert_true(count == 0 || numbers[0] == number);
    return count == 1;
}

static void test_what_is_not_the_packs_is_left_to_the_chain(void **state)
{
    static const struct {
        enum code code;
        bool passed;
    } cases[] = {
        {E_CORRUPT,       true },
        {E_SHARD,         true },
        {E_NOT_SUPPORTED, true },
        {E_MEMORY,        true }, /* also: more versions of a row than can be merged */
        {E_DISK_FULL,     true },
        {E_IO,            true },
        {E_NOT_READY,     false},
        {E_TIMEOUT,       false},
        {E_CONFIG,        false},
        {E_DRAINING,      false},
        {E_BUSY,          false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static struct village village;
        struct care *care = care_init(&village);
        enum code got = pass_over(care, number, cases[i].code);

        if (got != (cases[i].passed ? OK : cases[i].code) || is_passed(care) != cases[i].passed)
            fail_msg("%s: %d", code_row(cases[i].code)->slug, got);
        village_release(&village);
    }
}

static void test_it_rests_for_twice_as_long_each_time_up_to_a_day(void **state)
{
    static struct village village;
    struct care *care = care_init(&village);
    int64_t rest = 600, day = 24 * 3600;

    (void)state;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(pass_over(care, number, E_MEMORY), OK);
        node_time(&village.nodes[0], rest - 1);
        assert_true(is_passed(care));
        node_time(&village.nodes[0], 1);
        assert_false(is_passed(care));
        rest = 2 * rest < day ? 2 * rest : day;
    }
    care_pass_end(care, number); /* from now on as any other */
    assert_int_equal(pass_over(care, number, E_MEMORY), OK);
    node_time(&village.nodes[0], 600);
    assert_false(is_passed(care));
    village_release(&village);
}

/* How often something was told. */
static unsigned told(FILE *log)
{
    char line[1024];
    unsigned count = 0;

    fflush(stderr);
    rewind(log);
    while (fgets(line, sizeof(line), log) != NULL)
        count += strstr(line, "passed over") != NULL;
    return count;
}

/* Once for each reason. */
static void test_each_of_several_is_told(void **state)
{
    static struct village village;
    struct care *care = care_init(&village);
    FILE *log = tmpfile();
    int kept = dup(STDERR_FILENO);
    unsigned counts[3];

    (void)state;
    assert_non_null(log);
    fflush(stderr);
    assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
    log_setup(LOG_WARN, LOG_LOGFMT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pass_over(care, number, i < 2 ? E_CORRUPT : E_MEMORY), OK);
        assert_int_equal(pass_over(care, number + 1, E_CORRUPT), OK);
        counts[i] = told(log);
    }
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    fclose(log);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 3);
    village_release(&village);
}

static void test_there_are_not_more_than_are_counted(void **state)
{
    static struct village village;
    struct care *care = care_init(&village);

    (void)state;
    for (uint64_t i = 0; i < 1024; i++)
        assert_int_equal(pass_over(care, i, E_CORRUPT), OK);
    assert_int_equal(pass_over(care, number, E_CORRUPT), E_CORRUPT);
    assert_int_equal(pass_over(care, 1023, E_CORRUPT), OK);
    care_pass_end(care, 5);
    assert_int_equal(pass_over(care, number, E_CORRUPT), OK);
    village_release(&village);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_the_packs_is_left_to_the_chain),
        cmocka_unit_test(test_it_rests_for_twice_as_long_each_time_up_to_a_day),
        cmocka_unit_test(test_each_of_several_is_told),
        cmocka_unit_test(test_there_are_not_more_than_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
