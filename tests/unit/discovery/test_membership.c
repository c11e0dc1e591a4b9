#include "tests/unit/discovery/member_ground.h"

static void test_what_was_noted_serves_without_the_registry(void **state)
{
    struct node node = {.noted = 7};

    (void)state;
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 7, OK));
    assert_int_equal(board.puts, 0);
    others_put(REGISTRY_TENANTS, "t", "{}"); /* an empty one, as after a wipe */
    for (int i = 0; i < 20000 && board.puts == 0; i++)
        usleep(1000);
    assert_true(whole(&node));
    expect_text(REGISTRY_MEMBERS, "7", RECORD("active", INCARNATION_A));
    end(&node);
}

/* Soon. */
static bool says(const char *record)
{
    for (int i = 0; i < 5000; i++) {
        struct registry_snapshot *records = registry_get(&board.registry);
        const struct registry_record *found = registry_find(records, REGISTRY_MEMBERS, BYTES("1"));
        bool equal = found && bytes_equal(found->text, bytes_of(record));

        registry_snapshot_put(records);
        if (equal)
            return true;
        usleep(1000);
    }
    return false;
}

#define RECORD_AT(state, incarnation, address)                                                     \
    "{\"state\":\"" state "\",\"incarnation\":\"" incarnation "\",\"address\":\"" address "\"}"

static void test_the_record_says_where_others_reach_the_node(void **state)
{
    struct node node = {.noted = 0};
    unsigned puts;

    (void)state;
    others_put(REGISTRY_TENANTS, "t", "{}");
    begin(&node, INCARNATION_A);
    assert_true(says(RECORD("active", INCARNATION_A))); /* it is not known yet */
    assert_int_equal(membership_serve(node.membership, "h:1", "h:2", NULL), OK);
    assert_true(says(RECORD_AT("active", INCARNATION_A, "h:2")));
    others_put(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A)); /* by hand */
    assert_true(says(RECORD_AT("active", INCARNATION_A, "h:2")));
    others_put(REGISTRY_MEMBERS, "1", RECORD("drained", INCARNATION_A));
    assert_true(says(RECORD_AT("drained", INCARNATION_A, "h:2"))); /* its state is not touched */
    others_put(REGISTRY_MEMBERS, "1", RECORD_AT("active", INCARNATION_A, "h:2"));
    end(&node);

    others_put(REGISTRY_ALIVE, "1", "{\"listen\":\"other:1\"}"); /* another one is this member */
    puts = board.puts;
    begin(&node, INCARNATION_A);
    assert_int_equal(membership_serve(node.membership, "h:1", "h:3", NULL), OK);
    for (int i = 0; i < 20000 && !membership_health(node.membership).doubled; i++)
        usleep(1000);
    others_put(REGISTRY_TENANTS, "t", "{\"state\":\"active\"}");
    usleep(50000);
    assert_int_equal(board.puts, puts); /* else the two would change it for ever */
    end(&node);
    others_put(REGISTRY_ALIVE, "1", NULL);

    begin(&node, INCARNATION_A); /* and one that is for no other member */
    assert_int_equal(membership_serve(node.membership, "h:1", NULL, NULL), OK);
    assert_true(says(RECORD("active", INCARNATION_A)));
    end(&node);
}

/* All at once. */
static void lose_others(void)
{
    pthread_mutex_lock(&board.lock);
    for (size_t at = board.count; at-- > 0;)
        if (board.records[at].kind == REGISTRY_MEMBERS && strcmp(board.names[at], "1") != 0) {
            size_t last = --board.count;

            board.records[at] = board.records[last];
            memcpy(board.names[at], board.names[last], sizeof(board.names[at]));
            memcpy(board.texts[at], board.texts[last], sizeof(board.texts[at]));
        }
    board_publish();
    pthread_mutex_unlock(&board.lock);
}

/* Each waits in vain for a registry that has gone again; a stop waits for one of them at most. */
static void test_records_of_many_others_keep_nobody_waiting(void **state)
{
    enum { OTHERS = 20, SLOW_US = 50000 };
    static const enum code refusals[] = {E_TIMEOUT, E_EXISTS};
    char name[8], text[128];

    (void)state;
    for (unsigned i = 0; i < OTHERS; i++) {
        (void)snprintf(name, sizeof(name), "%u", i + 2);
        (void)snprintf(text, sizeof(text), RECORD("drained", "%032x"), i + 1);
        others_put(REGISTRY_MEMBERS, name, text);
    }
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct node node = {.noted = i == 0 ? 0 : 1};
        unsigned before;

        begin(&node, INCARNATION_A);
        assert_true(comes(&node, 1, OK));
        before = board.puts;
        board.refusal = refusals[i];
        board.slow_us = SLOW_US;
        lose_others();
        for (int n = 0; n < 5000 && board.puts == before; n++)
            usleep(1000);
        if (refusals[i] == E_TIMEOUT)
            usleep(4 * SLOW_US); /* no more in this step */
        end(&node);
        assert_in_range(board.puts, before + 1, before + (refusals[i] == E_TIMEOUT ? 2 : 4));
        board.refusal = OK;
        board.slow_us = 0;
        begin(&node, INCARNATION_A);
        for (unsigned n = 0; n < OTHERS; n++) {
            (void)snprintf(name, sizeof(name), "%u", n + 2);
            (void)snprintf(text, sizeof(text), RECORD("drained", "%032x"), n + 1);
            assert_true(is_put(name, text));
        }
        end(&node);
    }
}

static void test_a_stop_does_not_wait_for_a_put_as_others_do(void **state)
{
    struct node node = {.noted = 0};

    (void)state;
    others_put(REGISTRY_TENANTS, "acme", "{}"); /* there is contact */
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 1, OK));
    board.stuck = true;
    others_put(REGISTRY_MEMBERS, "1", NULL); /* which is put again */
    for (int i = 0; i < 20000 && !board.waits; i++)
        usleep(1000);
    assert_true(board.waits);
    end(&node);
    assert_int_equal(board.registry.health.missing_count, 1); /* nobody waited until it was there */
}

static void test_another_process_that_is_this_member_is_told(void **state)
{
    struct node node = {.noted = 0};
    struct membership_health health;

    (void)state;
    others_put(REGISTRY_ALIVE, "1", "{\"listen\":\"other:1\"}");
    begin(&node, INCARNATION_A);
    assert_false(membership_health(node.membership).doubled); /* it serves nobody yet */
    assert_int_equal(membership_serve(node.membership, "h:1", NULL, NULL), OK);
    for (int i = 0; i < 20000 && !membership_health(node.membership).doubled; i++)
        usleep(1000);
    health = membership_health(node.membership);
    assert_true(health.doubled && health.active);
    assert_string_equal(health.other, "{\"listen\":\"other:1\"}");
    others_put(REGISTRY_ALIVE, "1", NULL);
    for (int i = 0; i < 20000 && membership_health(node.membership).doubled; i++)
        usleep(1000);
    assert_false(membership_health(node.membership).doubled);
    end(&node);
    assert_int_equal(membership_new(&node.membership, NULL), OK);
    membership_stop(node.membership); /* one that was never started */
    membership_stop(NULL);
    membership_free(node.membership);
    membership_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_noted_serves_without_the_registry),
        TEST(test_the_record_says_where_others_reach_the_node),
        TEST(test_records_of_many_others_keep_nobody_waiting),
        TEST(test_a_stop_does_not_wait_for_a_put_as_others_do),
        TEST(test_another_process_that_is_this_member_is_told),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
