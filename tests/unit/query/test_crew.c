#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "query/crew.h"

#include "tests/unit/query/lent.h"

enum { PIECES = 1000 };

/* Pieces that note who did them, and that none is taken out of turn. */
struct trial {
    uint32_t next, taken, count, fail_at, fail_take_at;
    uint32_t of_slot[CREW_SLOTS_MAX];
    uint32_t done[PIECES];
    uint32_t members[2];
    bool ahead; /* more than one piece at once */
    _Atomic bool stopped;
};

static bool next(void *context, unsigned slot)
{
    struct trial *trial = context;

    assert_true(slot < CREW_SLOTS_MAX);
    assert_true(trial->next - __atomic_load_n(&trial->taken, __ATOMIC_RELAXED) < CREW_SLOTS_MAX);
    if (trial->next == trial->count)
        return false;
    trial->of_slot[slot] = trial->next++;
    return true;
}

static bool roomy(void *context)
{
    return ((struct trial *)context)->ahead;
}

static enum code perform(void *context, unsigned member, unsigned slot, struct error *err)
{
    struct trial *trial = context;
    volatile uint32_t work = 0;

    assert_true(member < 2);
    while (work < 2000)
        work++;
    trial->done[trial->of_slot[slot]]++;
    trial->members[member]++;
    if (trial->of_slot[slot] == trial->fail_at)
        return error_set(err, E_QUERY_ROWS, "piece %u", trial->fail_at);
    return OK;
}

static enum code take(void *context, unsigned slot, struct error *err)
{
    struct trial *trial = context;

    assert_int_equal(trial->of_slot[slot], trial->taken);
    assert_int_equal(trial->done[trial->taken], 1);
    if (trial->taken == trial->fail_take_at)
        return error_set(err, E_CANCELLED, "the client left");
    __atomic_fetch_add(&trial->taken, 1, __ATOMIC_RELAXED);
    return OK;
}

static void stop(void *context)
{
    ((struct trial *)context)->stopped = true;
}

static enum code run(struct trial *trial, struct lent *lent, uint64_t *helped, struct error *err)
{
    const struct crew_work work = {trial, next, roomy, perform, take, stop};

    *helped = 0;
    return crew_run(&work, &lent->helpers, helped, err);
}

static void test_pieces_are_done_once_and_taken_in_order(void **state)
{
    static const struct {
        bool refuses, ahead;
        uint32_t count;
    } cases[] = {
        {false, true,  PIECES},
        {true,  true,  PIECES},
        {false, false, PIECES},
        {false, true,  1     },
        {false, true,  0     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trial trial = {.count = cases[i].count,
                              .ahead = cases[i].ahead,
                              .fail_at = UINT32_MAX,
                              .fail_take_at = UINT32_MAX};
        uint64_t helped;
        struct lent lent;

        lent_init(&lent, cases[i].refuses);
        assert_int_equal(run(&trial, &lent, &helped, NULL), OK);
        assert_int_equal(trial.taken, cases[i].count);
        assert_int_equal(trial.members[1], helped);
        assert_int_equal(trial.members[0] + trial.members[1], cases[i].count);
        assert_false(trial.stopped);
        if (cases[i].refuses)
            assert_int_equal(helped, 0);
        assert_int_equal(lent.lent_count > 0, cases[i].count > 1 && !cases[i].refuses);
        lent_release(&lent);
    }
}

static void test_the_first_failure_ends_all(void **state)
{
    struct trial trial = {
        .count = PIECES, .ahead = true, .fail_at = 20, .fail_take_at = UINT32_MAX};
    struct error err = {0};
    uint64_t helped;
    struct lent lent;

    (void)state;
    lent_init(&lent, false);
    assert_int_equal(run(&trial, &lent, &helped, &err), E_QUERY_ROWS);
    assert_string_equal(err.text, "piece 20");
    assert_true(trial.stopped);
    assert_true(trial.taken <= 20);
    assert_true(trial.members[0] + trial.members[1] < 20 + CREW_SLOTS_MAX);
    trial =
        (struct trial){.count = PIECES, .ahead = true, .fail_at = UINT32_MAX, .fail_take_at = 30};
    assert_int_equal(run(&trial, &lent, &helped, &err), E_CANCELLED);
    assert_int_equal(trial.taken, 30);
    assert_true(trial.stopped);
    lent_release(&lent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_done_once_and_taken_in_order),
        cmocka_unit_test(test_the_first_failure_ends_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
