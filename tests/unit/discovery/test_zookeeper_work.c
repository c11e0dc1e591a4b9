/* Stands in for functions of zookeeper_link.c: answers come from a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/zookeeper_work.h"

/* A link that only notes what went out; linked in place of the real one. */
static struct {
    char what; /* 'c'reate, 'e'phemeral, 's'ync, 'r'ead, 'w'rite, 'd'elete; 0 = nothing went out */
    int32_t version;
    bool refuse;
} sent;

static bool note(char what)
{
    sent.what = sent.refuse ? 0 : what;
    return !sent.refuse;
}

bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link;
    (void)path;
    assert_int_equal(tag->what, WORK_PROOF);
    return note('s');
}

/* What decides about a put is not older than what the leader has. */
bool link_read(struct zookeeper_link *link, const char *path, bool watch,
               const struct link_tag *tag)
{
    (void)link;
    (void)watch;
    assert_string_equal(path, tag->what == WORK_PUT ? "/weir/tenants/acme" : "/weir/leases/merge");
    if (tag->what == WORK_PUT)
        assert_int_equal(sent.what, 's');
    return note('r');
}

bool link_create(struct zookeeper_link *link, const char *path, struct bytes text, bool ephemeral,
                 const struct link_tag *tag)
{
    (void)link;
    (void)path;
    (void)text;
    (void)tag;
    return note(ephemeral ? 'e' : 'c');
}

bool link_write(struct zookeeper_link *link, const char *path, struct bytes text, int32_t version,
                const struct link_tag *tag)
{
    (void)link;
    (void)path;
    (void)text;
    (void)tag;
    sent.version = version;
    return note('w');
}

bool link_remove(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link;
    (void)path;
    (void)tag;
    return note('d');
}

static const struct zookeeper_address address = {.root = "/weir"};

/* One answer: how it went, and what was found. */
struct answer {
    enum link_outcome outcome;
    const char *text;
    int64_t changed, owner;
};

static struct link_event event_of(const struct answer *answer)
{
    return (struct link_event){
        .kind = LINK_ANSWER,
        .outcome = answer->outcome,
        .text = bytes_of(answer->text ? answer->text : ""),
        .node = {.created = answer->changed,
                 .changed = answer->changed,
                 .owner = answer->owner,
                 .version = 3}
    };
}

/* What goes out after each answer, until it is decided or written. */
static void test_a_put_finds_out_what_happened(void **state)
{
    static const struct {
        const char *name;
        uint64_t expected;
        struct answer answers[5];
        const char *sent; /* "c", then one a answer; '.' = nothing more */
        enum code want;   /* E_END: it waits on */
    } cases[] = {
        {"made",                                              0, {{LINK_OK, NULL, 5, 0}},                                                        "c.",  OK         },
        {"made after a loss",                                 0, {{LINK_LOST, NULL, 0, 0}, {LINK_OK, "x", 5, 0}},                                "cr.", OK         },
        {"lost, and not made",
         0,                                                      {{LINK_LOST, NULL, 0, 0}, {LINK_ABSENT, NULL, 0, 0}, {LINK_OK, NULL, 6, 0}},
         "crc.",                                                                                                                                        OK         },
        {"lost, made, and read of a server that lags behind",
         0,                                                      {{LINK_LOST, NULL, 0, 0},
          {LINK_ABSENT, NULL, 0, 0},
          {LINK_THERE, NULL, 0, 0},
          {LINK_OK, "x", 5, 0}},
         "crcr.",                                                                                                                                       OK         },
        {"lost, and another's in the end",
         0,                                                      {{LINK_LOST, NULL, 0, 0},
          {LINK_ABSENT, NULL, 0, 0},
          {LINK_THERE, NULL, 0, 0},
          {LINK_OK, "y", 5, 0}},
         "crcr.",                                                                                                                                       E_EXISTS   },
        {"another was quicker",
         0,                                                      {{LINK_THERE, NULL, 0, 0}, {LINK_OK, "x", 5, 0}},
         "cr.",                                                                                                                                         E_EXISTS   },
        {"another after a loss",
         0,                                                      {{LINK_LOST, NULL, 0, 0}, {LINK_OK, "y", 5, 0}},
         "cr.",                                                                                                                                         E_EXISTS   },
        {"there, then gone",
         0,                                                      {{LINK_THERE, NULL, 0, 0}, {LINK_ABSENT, NULL, 0, 0}, {LINK_OK, NULL, 7, 0}},
         "crc.",                                                                                                                                        OK         },
        {"no rights",                                         0, {{LINK_REFUSED, NULL, 0, 0}},                                                   "c.",  E_CONFIG   },
        {"nobody knows why",                                  0, {{LINK_FAILED, NULL, 0, 0}},                                                    "c.",  E_IO       },
        {"replaced",                                          4, {{LINK_OK, "old", 4, 0}, {LINK_OK, NULL, 5, 0}},                                "rw.", OK         },
        {"nothing to replace",                                4, {{LINK_ABSENT, NULL, 0, 0}},                                                    "r.",  E_NOT_FOUND},
        {"at another version",                                4, {{LINK_OK, "new", 6, 0}},                                                       "r.",  E_CONFLICT },
        {"the same, of another",                              4, {{LINK_OK, "x", 6, 0}},                                                         "r.",  E_CONFLICT },
        {"changed in between",
         4,                                                      {{LINK_OK, "old", 4, 0}, {LINK_CHANGED, NULL, 0, 0}, {LINK_OK, "y", 6, 0}},
         "rwr.",                                                                                                                                        E_CONFLICT },
        {"gone in between",
         4,                                                      {{LINK_OK, "old", 4, 0}, {LINK_ABSENT, NULL, 0, 0}, {LINK_ABSENT, NULL, 0, 0}},
         "rwr.",                                                                                                                                        E_NOT_FOUND},
        {"replaced after a loss",
         4,                                                      {{LINK_OK, "old", 4, 0}, {LINK_LOST, NULL, 0, 0}, {LINK_OK, "x", 5, 0}},
         "rwr.",                                                                                                                                        OK         },
        {"lost, and not replaced",
         4,                                                      {{LINK_OK, "old", 4, 0},
          {LINK_LOST, NULL, 0, 0},
          {LINK_OK, "old", 4, 0},
          {LINK_OK, NULL, 5, 0}},
         "rwrw.",                                                                                                                                       OK         },
        {"another's after a loss",
         4,                                                      {{LINK_OK, "old", 4, 0}, {LINK_LOST, NULL, 0, 0}, {LINK_OK, "y", 9, 0}},
         "rwr.",                                                                                                                                        E_CONFLICT },
        {"a read that was lost",
         4,                                                      {{LINK_LOST, NULL, 0, 0}, {LINK_OK, "old", 4, 0}, {LINK_OK, NULL, 5, 0}},
         "rrw.",                                                                                                                                        OK         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zookeeper_put put = {.kind = REGISTRY_TENANTS,
                                    .name = BYTES("acme"),
                                    .text = BYTES("x"),
                                    .expected = cases[i].expected};
        enum code code;

        for (size_t step = 0;; step++) {
            sent.what = 0;
            if (step > 0) {
                struct link_event event = event_of(&cases[i].answers[step - 1]);

                zookeeper_put_answer(&put, &event, NULL, &address);
            }
            zookeeper_put_step(&put, NULL, &address);
            if (cases[i].sent[step] == '.')
                break;
            if (sent.what != cases[i].sent[step])
                fail_msg("%s: step %zu sent '%c'", cases[i].name, step, sent.what);
            if (sent.what == 'w' && sent.version != 3)
                fail_msg("%s: of version %d", cases[i].name, sent.version);
        }
        code = put.decided ? put.code : put.stage == PUT_WRITTEN ? OK : E_END;
        if (sent.what || code != cases[i].want)
            fail_msg("%s: %d, sent '%c' (%s)", cases[i].name, code, sent.what, put.err.text);
    }
}

static void test_a_put_without_a_home_waits_for_it(void **state)
{
    struct zookeeper_put put = {
        .kind = REGISTRY_TENANTS, .name = BYTES("acme"), .text = BYTES("x")};
    struct link_event absent = {.kind = LINK_ANSWER, .outcome = LINK_ABSENT};

    (void)state;
    zookeeper_put_step(&put, NULL, &address);
    zookeeper_put_answer(&put, &absent, NULL, &address);
    assert_true(put.homeless);
    sent.what = 0;
    zookeeper_put_step(&put, NULL, &address);
    assert_int_equal(sent.what, 0);
    zookeeper_put_home(&put, LINK_THERE, &address);
    sent.refuse = true; /* no memory: the next time will do */
    zookeeper_put_step(&put, NULL, &address);
    assert_int_equal(put.stage, PUT_WAITS);
    sent.refuse = false;
    zookeeper_put_step(&put, NULL, &address);
    assert_int_equal(sent.what, 'c');
    zookeeper_put_answer(&put, &absent, NULL, &address);
    zookeeper_put_home(&put, LINK_REFUSED, &address); /* nor can it be made */
    assert_true(put.decided);
    assert_int_equal(put.code, E_CONFIG);
}

static void test_when_its_time_is_over_a_put_says_what_may_be(void **state)
{
    static const struct {
        enum put_stage stage;
        bool tried;
        enum code want;
    } cases[] = {
        {PUT_WAITS,   false, E_NOT_READY},
        {PUT_READS,   false, E_NOT_READY},
        {PUT_WRITES,  false, E_TIMEOUT  },
        {PUT_WAITS,   true,  E_TIMEOUT  },
        {PUT_READS,   true,  E_TIMEOUT  },
        {PUT_WRITTEN, true,  OK         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zookeeper_put put = {.stage = cases[i].stage, .tried = cases[i].tried};

        zookeeper_put_end(&put, "disconnected");
        assert_true(put.decided);
        assert_int_equal(put.code, cases[i].want);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) { /* and a session that ends is a loss */
        struct zookeeper_put put = {.stage = cases[i].stage, .tried = cases[i].tried};

        zookeeper_put_lost(&put);
        assert_int_equal(put.stage, cases[i].stage == PUT_WRITTEN ? PUT_WRITTEN : PUT_WAITS);
        assert_int_equal(put.tried, cases[i].tried || cases[i].stage == PUT_WRITES);
    }
}

enum { SESSION = 77 };

static void present(struct zookeeper_nodes *nodes, int64_t owner)
{
    assert_true(zookeeper_nodes_read(nodes, REGISTRY_LEASES, BYTES("merge"),
                                     (struct bytes){strdup("x"), 1}, 5, owner));
}

static void step(struct zookeeper_hold *hold, const struct zookeeper_nodes *nodes, char want)
{
    sent.what = 0;
    zookeeper_hold_step(hold, NULL, &address, nodes, SESSION, 1);
    if (sent.what != want)
        fail_msg("sent '%c', wanted '%c'", sent.what, want);
}

static bool tell(struct zookeeper_hold *hold, enum link_outcome outcome, int64_t owner)
{
    struct answer answer = {.outcome = outcome, .changed = 9, .owner = owner};
    struct link_event event = event_of(&answer);

    return zookeeper_hold_answer(hold, &event, SESSION, 1);
}

static void test_a_hold_makes_what_nobody_has(void **state)
{
    struct zookeeper_hold hold = {
        .wanted = {.kind = REGISTRY_LEASES, .name = "merge"}
    };
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    step(&hold, &nodes, 'e');
    step(&hold, &nodes, 0);
    assert_true(tell(&hold, LINK_OK, SESSION));
    assert_true(hold.stage == HOLD_HELD && hold.epoch == 9);
    step(&hold, &nodes, 0);
    present(&nodes, SESSION);
    zookeeper_hold_check(&hold, &nodes, SESSION);
    assert_int_equal(hold.stage, HOLD_HELD);
    zookeeper_nodes_gone(&nodes, REGISTRY_LEASES, BYTES("merge"));
    zookeeper_hold_check(&hold, &nodes, SESSION); /* somebody took it away: it is made again */
    step(&hold, &nodes, 'e');
    assert_true(tell(&hold, LINK_OK, SESSION));
    hold.wanted.released = true;
    step(&hold, &nodes, 'd');
    assert_false(tell(&hold, LINK_LOST, 0));
    step(&hold, &nodes, 'r'); /* is it ours still? */
    assert_false(tell(&hold, LINK_LOST, 0));
    step(&hold, &nodes, 'r');
    assert_true(tell(&hold, LINK_OK, SESSION));
    step(&hold, &nodes, 'd');
    assert_false(tell(&hold, LINK_ABSENT, 0));
    assert_int_equal(hold.stage, HOLD_OVER);
    zookeeper_nodes_release(&nodes);
}

/* The answer was lost, it was removed, and somebody has it since. */
static void test_a_hold_that_is_over_is_not_removed_of_another(void **state)
{
    struct zookeeper_hold hold = {
        .wanted = {.kind = REGISTRY_LEASES, .name = "merge", .released = true},
        .stage = HOLD_HELD,
    };
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    step(&hold, &nodes, 'd');
    assert_false(tell(&hold, LINK_LOST, 0));
    step(&hold, &nodes, 'r');
    assert_false(tell(&hold, LINK_OK, SESSION + 1));
    step(&hold, &nodes, 0);
    assert_int_equal(hold.stage, HOLD_OVER);
    zookeeper_nodes_release(&nodes);
}

static void test_a_hold_waits_for_who_has_it(void **state)
{
    struct zookeeper_hold hold = {
        .wanted = {.kind = REGISTRY_LEASES, .name = "merge"}
    };
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    present(&nodes, SESSION + 1);
    step(&hold, &nodes, 0);
    zookeeper_nodes_gone(&nodes, REGISTRY_LEASES, BYTES("merge"));
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_THERE, 0)); /* somebody was quicker, or it is ours */
    step(&hold, &nodes, 'r');
    assert_false(tell(&hold, LINK_OK, SESSION + 1));
    present(&nodes, SESSION + 1);
    step(&hold, &nodes, 0);
    zookeeper_nodes_gone(&nodes, REGISTRY_LEASES, BYTES("merge"));
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_THERE, 0));
    step(&hold, &nodes, 'r');
    assert_false(tell(&hold, LINK_REFUSED, 0)); /* theirs, and whose cannot be told */
    step(&hold, &nodes, 0);                     /* not before some time has passed */
    hold.wanted.released = true;
    step(&hold, &nodes, 0);
    assert_int_equal(hold.stage, HOLD_OVER);
    zookeeper_nodes_release(&nodes);
}

static void test_a_hold_whose_answer_was_lost_is_found(void **state)
{
    struct zookeeper_hold hold = {
        .wanted = {.kind = REGISTRY_LEASES, .name = "merge"}
    };
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_LOST, 0));
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_THERE, 0));
    step(&hold, &nodes, 'r');
    assert_true(tell(&hold, LINK_OK, SESSION));
    assert_int_equal(hold.stage, HOLD_HELD);
    zookeeper_hold_lost(&hold); /* the session ended */
    present(&nodes, SESSION);   /* as the nodes still say */
    step(&hold, &nodes, 'r');
    assert_false(tell(&hold, LINK_ABSENT, 0));
    zookeeper_nodes_gone(&nodes, REGISTRY_LEASES, BYTES("merge"));
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_REFUSED, 0));
    step(&hold, &nodes, 0); /* not before some time has passed */
    zookeeper_hold_lost(&hold);
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_ABSENT, 0));
    assert_true(hold.homeless);
    step(&hold, &nodes, 0);
    zookeeper_hold_home(&hold, LINK_OK, 1);
    step(&hold, &nodes, 'e');
    assert_false(tell(&hold, LINK_ABSENT, 0));
    zookeeper_hold_home(&hold, LINK_REFUSED, 1);
    step(&hold, &nodes, 0);
    zookeeper_nodes_release(&nodes);
}

/* Given up and wanted again at once: the second is not the record of the first, which goes. */
static void test_a_hold_waits_for_the_end_of_the_one_before(void **state)
{
    struct hold before = {.kind = REGISTRY_LEASES, .name = "merge", .released = true};
    struct hold other = {.kind = REGISTRY_ALIVE, .name = "merge", .next = &before};
    struct hold again = {.kind = REGISTRY_LEASES, .name = "merge", .next = &other};

    (void)state;
    assert_true(zookeeper_hold_awaits(&again, &again));
    assert_false(zookeeper_hold_awaits(&again, &other));
    assert_false(zookeeper_hold_awaits(&again, &before));
    again.released = true; /* two that go do not wait for each other */
    assert_false(zookeeper_hold_awaits(&again, &again));
    again.released = before.released = false;
    assert_false(zookeeper_hold_awaits(&again, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_put_finds_out_what_happened),
        cmocka_unit_test(test_a_put_without_a_home_waits_for_it),
        cmocka_unit_test(test_when_its_time_is_over_a_put_says_what_may_be),
        cmocka_unit_test(test_a_hold_makes_what_nobody_has),
        cmocka_unit_test(test_a_hold_that_is_over_is_not_removed_of_another),
        cmocka_unit_test(test_a_hold_waits_for_who_has_it),
        cmocka_unit_test(test_a_hold_whose_answer_was_lost_is_found),
        cmocka_unit_test(test_a_hold_waits_for_the_end_of_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
