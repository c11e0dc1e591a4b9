#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/roll.h"
#include "handlers/peer_manners.h"
#include "model/member.h"

enum { A = 3, B = 4 }; /* tenants */

static const int64_t second = 1000000000;

static struct roll *roll;
static struct peer_manners *manners;
static int64_t now_ns;

static int64_t read_clock(struct clock *clock)
{
    (void)clock;
    return now_ns;
}

static struct clock clock_of_test = {read_clock, read_clock, read_clock};

static int begin(void **state)
{
    (void)state;
    now_ns = 100 * second;
    return roll_new(&roll, NULL) != OK ||
           peer_manners_new(roll, &clock_of_test, &manners, NULL) != OK;
}

static int end(void **state)
{
    (void)state;
    peer_manners_free(manners);
    roll_free(roll);
    return 0;
}

/* One that was asked at that time. */
static void pulse(int64_t asked_ns, bool answers)
{
    const struct pulse told = {.number = 1, .wall_ns = asked_ns};

    if (answers)
        roll_answered(roll, &told, asked_ns, asked_ns);
    else
        roll_silent(roll, 1);
}

static void let_wait(uint64_t tenant, int64_t ms)
{
    const struct error err = {.code = E_TIMEOUT, .text = "it did not answer"};
    int64_t asked_ns = peer_manners_now(manners);

    now_ns += ms * 1000000;
    peer_manners_note(manners, 1, tenant, asked_ns, E_TIMEOUT, &err);
}

static void expect(bool a, bool b)
{
    assert_int_equal(peer_manners_rests(manners, 1, A), a);
    assert_int_equal(peer_manners_rests(manners, 1, B), b);
    assert_false(peer_manners_rests(manners, 2, A));
}

/* However long: the first question that waited in vain is the last one. */
static void test_one_that_stands_still_rests_until_a_pulse_is_answered(void **state)
{
    (void)state;
    pulse(now_ns, true);
    expect(false, false);
    pulse(now_ns, false); /* without a question that waited a pulse may be late */
    expect(false, false);
    let_wait(A, 2000);
    expect(true, true);
    for (int i = 0; i < 100; i++) {
        now_ns += second;
        pulse(now_ns, false);
        expect(true, true);
    }
    now_ns += second;
    pulse(now_ns, true);
    expect(false, false);
    let_wait(B, 2000); /* and once more */
    pulse(now_ns, false);
    expect(true, true);
}

/* A member that answers pulses stands not still: a question that it lets wait is heavy, and costs
 * others nothing. */
static void test_a_heavy_question_is_nobodys_rest(void **state)
{
    int64_t asked_ns = now_ns + second;

    (void)state;
    let_wait(A, 2000);
    pulse(asked_ns, true); /* while it waited */
    expect(false, false);
    pulse(now_ns, false);
    expect(false, false);
}

/* Before the next pulse nobody knows: who waited does not again, others try. */
static void test_until_a_pulse_tells_it_is_the_tenants_rest(void **state)
{
    (void)state;
    pulse(now_ns, true);
    now_ns += 1;
    let_wait(A, 10);
    expect(true, false);
    let_wait(B, 10);
    expect(true, true);
    now_ns += 1;
    pulse(now_ns, true);
    expect(false, false);
    let_wait(B, 10);
    expect(false, true);
    now_ns += 5 * second - 10000001; /* nobody is asked for a pulse */
    expect(false, true);
    now_ns += 1;
    expect(false, false);
}

/* An answer of any kind is one; that of a question from before says nothing. */
static void test_an_answer_ends_it(void **state)
{
    const struct error refused = {.code = E_NOT_READY, .text = "it answered 503"};
    int64_t before_ns = peer_manners_now(manners);

    (void)state;
    now_ns += 1;
    let_wait(A, 10);
    peer_manners_note(manners, 1, B, before_ns, OK, NULL);
    expect(true, false);
    peer_manners_note(manners, 1, B, peer_manners_now(manners), E_NOT_READY, &refused);
    expect(false, false);
    peer_manners_note(manners, MEMBER_NUMBER_MAX + 1, A, 0, E_TIMEOUT, &refused);
    assert_false(peer_manners_rests(manners, MEMBER_NUMBER_MAX + 1, A));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_that_stands_still_rests_until_a_pulse_is_answered,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_a_heavy_question_is_nobodys_rest, begin, end),
        cmocka_unit_test_setup_teardown(test_until_a_pulse_tells_it_is_the_tenants_rest, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_an_answer_ends_it, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
