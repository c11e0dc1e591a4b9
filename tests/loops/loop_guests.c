/* Who looks for other members under failing allocations: a member that there is is named to readers
 * when memory is there again, be it that nothing changes any more. */
#include "tests/loops/loop.h"

#include "tests/unit/store/guests/inn.h"

static bool armed;

/* What the test tells does not fail. */
static enum code survey(void *context, struct arena *arena, struct guest_survey *survey,
                        struct error *err)
{
    enum code code;

    faults_disarm();
    code = inn_survey(context, arena, survey, err);
    if (armed)
        faults_arm();
    return code;
}

static enum code loop_look(struct error *err)
{
    struct inn inn;
    enum code code;

    armed = false;
    inn_init(&inn);
    inn.rules.survey = survey;
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_expect_missing(&inn, NULL);
    inn.authors[2] = (struct guest_author){3, {{3}}, true};
    inn.author_count = 3;
    armed = true;
    ARMED(code = guests_look(inn.guests, err));
    armed = false;
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    inn_expect_missing(&inn, "member 3");
    inn_read(&inn);
    inn_expect_missing(&inn, "member 3 has not told what it has of this tenant");
    assert_int_equal(inn_packs(&inn), 1);
    inn_release(&inn);
    return code;
}

static void test_a_member_is_named_when_memory_is_back(void **state)
{
    static const struct loop loop = {"who there is", loop_look, {OK}};

    (void)state;
    loop_run(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_named_when_memory_is_back),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
