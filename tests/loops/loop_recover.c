/* A data directory is made of what was delivered while allocations fail: whole and the same, or an
 * error. */
#include "tests/loops/loop.h"

#include "store/delivery/chain_read.h"
#include "tests/unit/store/delivery/delivered_house.h"

static struct ground ground;

static enum code loop_recover(struct error *err)
{
    enum code code;

    shelf_init(&ground.made);
    ground.options.to = ground.made.fs;
    ground.steps = 0;
    ARMED(code = recover_run(&ground.options, &ground.report, err));
    if (code == OK) {
        assert_int_equal(ground.report.packs, 5);
        assert_int_equal(ground.report.rows, 60020);
    }
    shelf_release(&ground.made);
    return code;
}

static enum code loop_survey(struct error *err)
{
    struct chain_about *chains = NULL;
    size_t count = 0;
    enum code code;

    ARMED(code = chain_survey(&ground.listed.archive, BYTES("acme"), &chains, &count, err));
    assert_int_equal(count, code == OK);
    free(chains);
    return code;
}

static const struct loop loops[] = {
    {"chains: survey",       loop_survey,  {0}   },
    {"store: out of shards", loop_recover, {E_IO}},
};

static void test_what_was_delivered_is_there_whole_or_refused(void **state)
{
    (void)state;
    ground_init(&ground, NULL);
    shelf_release(&ground.made);
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
    house_close(&ground.house);
    house_remove(&ground.house);
    listed_release(&ground.listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_delivered_is_there_whole_or_refused),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
