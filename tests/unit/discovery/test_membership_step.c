#include "tests/unit/discovery/member_ground.h"

static void test_a_node_takes_the_lowest_number_that_nobody_had(void **state)
{
    struct node node = {.noted = 0};

    (void)state;
    others_put(REGISTRY_MEMBERS, "1", RECORD("drained", INCARNATION_B));
    others_put(REGISTRY_MEMBERS, "2", "{");
    others_put(REGISTRY_MEMBERS, "4", RECORD("active", INCARNATION_B));
    begin(&node, INCARNATION_A); /* which is enough */
    assert_int_equal(node.noted, 3);
    assert_true(node.joined);
    assert_int_equal(board.puts, 1);
    expect_text(REGISTRY_MEMBERS, "3", RECORD("active", INCARNATION_A));
    end(&node);
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 3, OK));
    end(&node);
    node.noted = 0; /* the end came between the claim and the note */
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 3, OK));
    end(&node);
    assert_int_equal(board.puts, 1);
    assert_int_equal(node.notes, 2);
}

static void test_who_is_overtaken_takes_the_next(void **state)
{
    struct node node = {.noted = 0};

    (void)state;
    others_put(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_B));
    board.rival = RECORD("active", INCARNATION_B);
    begin(&node, INCARNATION_A);
    assert_int_equal(node.noted, 3);
    end(&node);
    node.noted = 0;
    board.rival = "";
    board.silent = true; /* there, and not to be read: 4 is somebody's */
    begin(&node, "0a");
    assert_int_equal(node.noted, 5);
    end(&node);
    node.noted = 0;
    board.silent = false;
    board.rival = RECORD("active", "0b"); /* ours: its answer was lost */
    begin(&node, "0b");
    assert_int_equal(node.noted, 4);
    end(&node);
}

static void test_nothing_is_taken_before_there_is_a_number(void **state)
{
    struct node node = {.refusal = E_DISK_FULL};

    (void)state;
    begin(&node, INCARNATION_A); /* without contact */
    assert_int_equal(node.parted, E_NOT_READY);
    assert_int_equal(board.puts, 0);
    board.refusal = E_TIMEOUT;
    others_put(REGISTRY_TENANTS, "t", "{}"); /* there is contact, but for putting */
    for (int i = 0; i < 20000 && board.puts == 0; i++)
        usleep(1000);
    assert_true(comes(&node, 0, E_NOT_READY));
    assert_non_null(strstr(membership_health(node.membership).why.text, "no member number yet: "));
    board.refusal = OK;
    assert_true(comes(&node, 1, E_DISK_FULL)); /* by itself; the disk does not take it */
    expect_text(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A));
    node.refusal = OK;
    membership_changed(node.membership);
    assert_true(comes(&node, 1, OK));
    end(&node);
}

static void test_a_record_that_is_gone_is_put_again_as_it_was(void **state)
{
    static const char *const texts[] = {
        "{\"state\":\"active\",\"incarnation\":\"" INCARNATION_A "\",\"address\":\"h:1\"}",
        RECORD("drained", INCARNATION_A),
    };
    struct node node = {.noted = 0};

    (void)state;
    others_put(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A));
    begin(&node, INCARNATION_A);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        unsigned puts;

        others_put(REGISTRY_MEMBERS, "1", texts[i]);
        assert_true(comes(&node, 1, i == 0 ? OK : E_NO_MEMBER));
        puts = board.puts;
        others_put(REGISTRY_MEMBERS, "1", NULL);
        for (int n = 0; n < 5000 && board.puts == puts; n++)
            usleep(1000);
        assert_true(whole(&node));
        expect_text(REGISTRY_MEMBERS, "1", texts[i]);
        assert_true(comes(&node, 1, i == 0 ? OK : E_NO_MEMBER));
    }
    others_put(REGISTRY_MEMBERS, "1", "{\"state\":\"lost\"}"); /* by hand: it names nobody */
    for (int n = 0; n < 5000 && board.puts < 3; n++)
        usleep(1000);
    assert_true(comes(&node, 1, E_NO_MEMBER));
    expect_text(REGISTRY_MEMBERS, "1", RECORD("lost", INCARNATION_A));
    end(&node);
}

static void test_a_member_that_left_takes_nothing_until_it_is_back(void **state)
{
    static const char *const states[] = {"drained", "lost"};
    struct node node = {.noted = 0};
    char text[128];

    (void)state;
    others_put(REGISTRY_TENANTS, "t", "{}");
    begin(&node, INCARNATION_A);
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        (void)snprintf(text, sizeof(text), "{\"state\":\"%s\",\"incarnation\":\"%s\"}", states[i],
                       INCARNATION_A);
        others_put(REGISTRY_MEMBERS, "1", text);
        assert_true(comes(&node, 1, E_NO_MEMBER));
        (void)snprintf(text, sizeof(text), "member 1 of its registry, is %s there", states[i]);
        assert_non_null(strstr(membership_health(node.membership).why.text, text));
        end(&node);
        begin(&node, INCARNATION_A);
        assert_int_equal(node.parted, E_NO_MEMBER); /* also over a start */
        others_put(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A));
        assert_true(comes(&node, 1, OK));
    }
    others_put(REGISTRY_MEMBERS, "1", "{"); /* what cannot be read stops nobody */
    for (int i = 0; i < 20000 && !membership_health(node.membership).flaw.code; i++)
        usleep(1000);
    assert_true(comes(&node, 1, OK));
    assert_int_equal(membership_health(node.membership).flaw.code, E_CONFIG);
    assert_non_null(strstr(membership_health(node.membership).flaw.text, INCARNATION_A));
    end(&node);
    assert_int_equal(node.notes, 1);
}

static void test_who_is_to_leave_does_so_when_all_is_delivered(void **state)
{
    struct node node = {.noted = 0};
    struct registry_snapshot *records;
    const struct registry_record *record;

    (void)state;
    others_put(REGISTRY_TENANTS, "t", "{}");
    begin(&node, INCARNATION_A);
    others_put(REGISTRY_MEMBERS, "1",
               "{\"state\":\"draining\",\"incarnation\":\"" INCARNATION_A
               "\",\"at\":\"then\",\"by\":\"me\"}");
    assert_true(comes(&node, 1, E_NO_MEMBER));
    for (int i = 0; i < 20000 && !membership_health(node.membership).waits.code; i++)
        usleep(1000);
    assert_string_equal(membership_health(node.membership).waits.text, "the test's shard is slow");
    assert_int_equal(membership_health(node.membership).state, MEMBER_DRAINING);
    end(&node);
    begin(&node, INCARNATION_A); /* over a start */
    assert_int_equal(node.parted, E_NO_MEMBER);
    node.empty = true; /* it looks again by itself */
    for (int i = 0; i < 20000 && node.state != MEMBER_DRAINED; i++)
        usleep(1000);
    assert_true(comes(&node, 1, E_NO_MEMBER));
    records = registry_get(&board.registry);
    record = registry_find(records, REGISTRY_MEMBERS, BYTES("1"));
    assert_memory_equal(record->text.data, "{\"state\":\"drained\"", 18);
    assert_null(memmem(record->text.data, record->text.size, "\"then\"", 6)); /* it is now */
    assert_non_null(memmem(record->text.data, record->text.size, "\"by\":\"me\"", 9));
    registry_snapshot_put(records);
    assert_int_equal(membership_health(node.membership).waits.code, OK);
    end(&node);
}

static void test_who_joins_waits_for_the_others(void **state)
{
    struct node node = {.meets = true};

    (void)state;
    others_put(REGISTRY_TENANTS, "t", "{}");
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 1, E_NOT_READY));
    for (int i = 0; i < 20000 && !node.joins; i++)
        usleep(1000);
    expect_text(REGISTRY_MEMBERS, "1", RECORD("joining", INCARNATION_A));
    end(&node);
    begin(&node, INCARNATION_A); /* over a start */
    assert_true(comes(&node, 1, E_NOT_READY));
    assert_non_null(strstr(membership_health(node.membership).why.text, "members are slow"));
    assert_int_equal(membership_health(node.membership).state, MEMBER_JOINING);
    node.met = true;
    membership_changed(node.membership);
    assert_true(comes(&node, 1, OK));
    expect_text(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A));
    end(&node);
    node.met = false; /* a later start: it was asked for its clock alone */
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 1, E_NOT_READY));
    assert_false(node.joins);
    node.met = true;
    membership_changed(node.membership);
    assert_true(comes(&node, 1, OK));
    end(&node);
    node.meets = false; /* and one that asks nobody any more */
    others_put(REGISTRY_MEMBERS, "1", RECORD("joining", INCARNATION_A));
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 1, OK));
    expect_text(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_A));
    end(&node);
    assert_int_equal(node.notes, 1);
}

static void test_a_number_that_is_anothers_is_left_for_a_new_one(void **state)
{
    struct node node = {.noted = 1};

    (void)state;
    others_put(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_B));
    begin(&node, INCARNATION_A);
    assert_int_equal(node.noted, 2);
    assert_true(node.joined);
    expect_text(REGISTRY_MEMBERS, "1", RECORD("active", INCARNATION_B));
    expect_text(REGISTRY_MEMBERS, "2", RECORD("active", INCARNATION_A));
    assert_int_equal(membership_serve(node.membership, "h:1", NULL, NULL), OK);
    others_put(REGISTRY_MEMBERS, "2", RECORD("active", INCARNATION_B)); /* under way */
    for (int i = 0; i < 20000 && node.noted != 3; i++)
        usleep(1000);
    assert_true(comes(&node, 3, OK));
    for (int i = 0; i < 5000; i++) {
        struct registry_snapshot *records = registry_get(&board.registry);
        bool moved = registry_find(records, REGISTRY_ALIVE, BYTES("3")) &&
                     !registry_find(records, REGISTRY_ALIVE, BYTES("2"));

        registry_snapshot_put(records);
        if (moved)
            break;
        assert_int_not_equal(i, 4999);
        usleep(1000);
    }
    end(&node);
}

/* One that starts and is not there, as the registry was emptied meanwhile, is not known to who came
 * since: it writes when it is.  What it was told before holds. */
static void test_who_starts_without_its_record_joins_again(void **state)
{
    static const struct {
        const char *before; /* NULL: never seen here */
        enum code want;
        const char *put;
    } cases[] = {
        {NULL,            E_NOT_READY, RECORD("joining", INCARNATION_A)},
        { RECORD("active", INCARNATION_A), E_NOT_READY, RECORD("joining", INCARNATION_A)},
        { RECORD("lost", INCARNATION_A), E_NO_MEMBER,    RECORD("lost", INCARNATION_A)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct node node = {.noted = 1, .meets = true};

        others_put(REGISTRY_TENANTS, "t", "{}");
        if (i > 0) {
            others_put(REGISTRY_MEMBERS, "1", cases[i].before);
            others_put(REGISTRY_MEMBERS, "1", NULL);
        }
        begin(&node, INCARNATION_A);
        assert_int_equal(node.parted, cases[i].want);
        assert_true(is_put("1", cases[i].put));
        assert_true(comes(&node, 1, cases[i].want));
        node.met = true;
        membership_changed(node.membership);
        assert_true(comes(&node, 1, i == 2 ? E_NO_MEMBER : OK));
        if (i < 2) {
            assert_true(is_put("1", RECORD("active", INCARNATION_A)));
            node.met = false; /* who writes goes on, as those who know of it do */
            others_put(REGISTRY_MEMBERS, "1", NULL);
            assert_true(is_put("1", RECORD("active", INCARNATION_A)));
        }
        end(&node);
    }
}

/* ... and so it is with others that are not there to do it. */
static void test_records_of_others_that_are_gone_are_put_again(void **state)
{
    struct node node = {.noted = 0};

    (void)state;
    others_put(REGISTRY_MEMBERS, "2", RECORD("drained", INCARNATION_B));
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 1, OK));
    others_put(REGISTRY_MEMBERS, "2", NULL);
    assert_true(is_put("2", RECORD("drained", INCARNATION_B)));
    others_put(REGISTRY_MEMBERS, "2", RECORD("active", "0123456789abcdef0123456789abcdef"));
    assert_true(is_put("3", RECORD("drained", INCARNATION_B)));
    expect_text(REGISTRY_MEMBERS, "2", RECORD("active", "0123456789abcdef0123456789abcdef"));
    assert_true(comes(&node, 1, OK));
    end(&node);
}

/* One that is there, and gives no rights, is as one that is gone to all who could read it. */
static void test_a_record_that_cannot_be_put_is_told_with_the_reason(void **state)
{
    static const enum code refusals[] = {E_CONFIG, E_EXISTS};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct node node = {.noted = (unsigned)i + 1, .meets = true, .met = true};
        struct membership_health health;

        others_put(REGISTRY_TENANTS, "t", "{}");
        board.refusal = refusals[i];
        begin(&node, i == 0 ? INCARNATION_A : INCARNATION_B);
        for (int n = 0; n < 5000; n++) {
            health = membership_health(node.membership);
            if (strstr(health.why.text, "cannot be read in the registry"))
                break;
            usleep(1000);
        }
        assert_int_equal(health.why.code, E_NOT_READY);
        assert_non_null(strstr(health.why.text, "and others may not know of it: "));
        assert_non_null(strstr(health.why.text, "the test's registry does not answer"));
        assert_true(comes(&node, (unsigned)i + 1, E_NOT_READY));
        board.refusal = OK; /* as where somebody took it away */
        assert_true(comes(&node, (unsigned)i + 1, OK));
        end(&node);
    }
}

static void test_when_all_numbers_are_given_that_is_told(void **state)
{
    struct node node = {.noted = 0};
    char name[8];

    (void)state;
    pthread_mutex_lock(&board.lock);
    for (unsigned number = 1; number < MEMBER_NUMBER_MAX; number++) {
        (void)snprintf(name, sizeof(name), "%u", number);
        board_set(REGISTRY_MEMBERS, bytes_of(name), BYTES("{\"state\":\"lost\"}"));
    }
    board_publish();
    pthread_mutex_unlock(&board.lock);
    begin(&node, INCARNATION_A);
    assert_int_equal(node.noted, MEMBER_NUMBER_MAX); /* the last one */
    end(&node);
    node.noted = 0;
    begin(&node, INCARNATION_B);
    assert_int_equal(node.parted, E_NO_MEMBER);
    assert_non_null(strstr(membership_health(node.membership).why.text, "1 to 1023, are given"));
    end(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_node_takes_the_lowest_number_that_nobody_had),
        TEST(test_who_is_overtaken_takes_the_next),
        TEST(test_nothing_is_taken_before_there_is_a_number),
        TEST(test_a_record_that_is_gone_is_put_again_as_it_was),
        TEST(test_a_member_that_left_takes_nothing_until_it_is_back),
        TEST(test_who_joins_waits_for_the_others),
        TEST(test_who_is_to_leave_does_so_when_all_is_delivered),
        TEST(test_a_number_that_is_anothers_is_left_for_a_new_one),
        TEST(test_who_starts_without_its_record_joins_again),
        TEST(test_records_of_others_that_are_gone_are_put_again),
        TEST(test_a_record_that_cannot_be_put_is_told_with_the_reason),
        TEST(test_when_all_numbers_are_given_that_is_told),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
