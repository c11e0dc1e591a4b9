#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "discovery/member_number.h"
#include "discovery/membership.h"
#include "discovery/registry_core.h"

enum { RECORDS_MAX = 1100 };

#define INCARNATION_A "00112233445566778899aabbccddeeff"
#define INCARNATION_B "ffeeddccbbaa99887766554433221100"

/* A registry in memory: what is put there is published at once. */
struct board {
    struct registry registry; /* first */
    pthread_mutex_t lock;     /* guards all of it, also publishing */
    struct registry_record records[RECORDS_MAX];
    char names[RECORDS_MAX][8], texts[RECORDS_MAX][256];
    size_t count;
    uint64_t version;
    /* Somebody makes this record right before the next put, which is not seen yet; */
    const char *rival;
    bool silent;               /* nor ever, as it cannot be read */
    _Atomic enum code refusal; /* of each put, */
    _Atomic unsigned slow_us;  /* after so long */
    _Atomic bool stuck;        /* each waits for a stop's hurry; */
    _Atomic bool waits;        /* one does */
    _Atomic unsigned puts;
};

static struct board board;
static struct membership *heard; /* by it */

static size_t board_find(enum registry_kind kind, struct bytes name)
{
    size_t at = 0;

    while (at < board.count &&
           (board.records[at].kind != kind || !bytes_equal(board.records[at].name, name)))
        at++;
    return at;
}

static void board_set(enum registry_kind kind, struct bytes name, struct bytes text)
{
    size_t at = board_find(kind, name);

    if (at == board.count)
        board.count++;
    assert_true(board.count <= RECORDS_MAX);
    (void)snprintf(board.names[at], sizeof(board.names[at]), "%.*s", BYTES_ARG(name));
    (void)snprintf(board.texts[at], sizeof(board.texts[at]), "%.*s", BYTES_ARG(text));
    board.records[at] = (struct registry_record){.kind = kind, .version = ++board.version};
}

static void board_publish(void)
{
    struct registry_record records[RECORDS_MAX];

    for (size_t i = 0; i < board.count; i++) {
        board.records[i].name = bytes_of(board.names[i]);
        board.records[i].text = bytes_of(board.texts[i]);
        records[i] = board.records[i];
    }
    assert_int_equal(registry_publish(&board.registry, records, board.count, "", NULL), OK);
}

/* By somebody else; NULL takes it away. */
static void others_put(enum registry_kind kind, const char *name, const char *text)
{
    pthread_mutex_lock(&board.lock);
    if (text) {
        board_set(kind, bytes_of(name), bytes_of(text));
    } else {
        size_t at = board_find(kind, bytes_of(name)), last = --board.count;

        board.records[at] = board.records[last];
        memcpy(board.names[at], board.names[last], sizeof(board.names[at]));
        memcpy(board.texts[at], board.texts[last], sizeof(board.texts[at]));
    }
    board_publish();
    pthread_mutex_unlock(&board.lock);
}

static enum code put(struct registry *registry, enum registry_kind kind, struct bytes name,
                     uint64_t expected, struct bytes text, uint64_t *version, struct error *err)
{
    enum code code = OK;
    size_t at;

    (void)registry;
    usleep(board.slow_us);
    for (int i = 0; i < 30000 && board.stuck; i++) {
        board.waits = true;
        if (registry->puts_end_ns != INT64_MAX)
            return error_set(err, E_TIMEOUT, "the test's registry is in a hurry");
        usleep(1000);
    }
    pthread_mutex_lock(&board.lock);
    if (board.refusal)
        code = error_set(err, board.refusal, "the test's registry does not answer");
    if (!code && board.rival) {
        if (!board.silent) {
            board_set(kind, name, bytes_of(board.rival));
            board_publish();
        }
        board.rival = NULL;
        code = error_set(err, E_EXISTS, "it is there already");
    }
    at = board_find(kind, name);
    if (!code && at < board.count)
        code = registry_expect(board.records[at].version, expected, err);
    else if (!code && expected > 0)
        code = error_set(err, E_NOT_FOUND, "it is not there");
    if (!code) {
        board_set(kind, name, text);
        board_publish();
    }
    *version = board.version;
    board.puts++; /* once it can be seen */
    pthread_mutex_unlock(&board.lock);
    if (!code) /* as of one that it tried beside */
        (void)error_set(err, E_NOT_FOUND, "what was done in the end is what counts");
    return code;
}

static enum code hold(struct registry *registry, enum registry_kind kind, struct bytes name,
                      struct bytes text, struct error *err)
{
    (void)registry, (void)err;
    pthread_mutex_lock(&board.lock);
    if (board_find(kind, name) == board.count) {
        board_set(kind, name, text);
        board_publish();
    }
    pthread_mutex_unlock(&board.lock);
    return OK;
}

static void let_go(struct registry *registry, enum registry_kind kind, struct bytes name)
{
    char text[8];

    (void)registry;
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(name));
    others_put(kind, text, NULL);
}

static void changed(void *context)
{
    (void)context;
    if (heard)
        membership_changed(heard);
}

static const struct registry_operations operations = {.put = put, .hold = hold, .release = let_go};

static int setup(void **state)
{
    const struct registry_rules rules = {.changed = changed};

    (void)state;
    memset(&board, 0, sizeof(board));
    pthread_mutex_init(&board.lock, NULL);
    return registry_core_init(&board.registry, &operations, &rules, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    registry_core_release(&board.registry);
    pthread_mutex_destroy(&board.lock);
    return 0;
}

/* --- a node --- */

struct node {
    struct membership *membership;
    _Atomic unsigned noted, notes;
    _Atomic bool joined;
    _Atomic enum code parted, refusal;
    _Atomic enum member_state state;
    _Atomic unsigned leaves;
    _Atomic bool empty, meets, met, joins;
};

static enum code note(void *context, unsigned number, struct error *err)
{
    struct node *node = context;

    assert_false(node->joined && node->noted == number);
    if (node->refusal)
        return error_set(err, node->refusal, "the test's disk is full");
    node->noted = number;
    node->notes++;
    return OK;
}

static void join(void *context)
{
    struct node *node = context;

    assert_true(node->noted > 0); /* never before it is durable */
    node->joined = true;
    node->parted = OK;
}

static void part(void *context, const struct error *why)
{
    struct node *node = context;

    node->joined = false;
    node->parted = why->code;
}

static void stand(void *context, enum member_state state)
{
    struct node *node = context;

    node->state = state;
}

static enum code leave(void *context, struct error *why)
{
    struct node *node = context;

    assert_false(node->joined); /* not before it was parted from */
    node->leaves++;
    return node->empty ? OK : error_set(why, E_BUSY, "the test's shard is slow");
}

static enum code meet(void *context, const struct registry_snapshot *records, unsigned number,
                      bool joins, struct error *why)
{
    struct node *node = context;

    assert_non_null(member_record(records, number));
    assert_false(node->joined && joins);
    node->joins = joins;
    return node->met ? OK : error_set(why, E_NOT_READY, "the test's members are slow");
}

/* With what it had noted. */
static void begin(struct node *node, const char *incarnation)
{
    const struct membership_rules rules = {
        .registry = &board.registry,
        .incarnation = bytes_of(incarnation),
        .number = node->noted,
        .program = "0.1.0",
        .actions = {note, join, part, stand, leave, node->meets ? meet : NULL, node},
    };

    node->joined = false;
    assert_int_equal(membership_new(&node->membership, NULL), OK);
    heard = node->membership;
    assert_int_equal(membership_start(node->membership, &rules, NULL), OK);
}

static void end(struct node *node)
{
    membership_stop(node->membership);
    heard = NULL;
    membership_free(node->membership);
}

static void expect_text(enum registry_kind kind, const char *name, const char *text)
{
    struct registry_snapshot *records = registry_get(&board.registry);
    const struct registry_record *record = registry_find(records, kind, bytes_of(name));

    if (!record || !bytes_equal(record->text, bytes_of(text)) || record->missing)
        fail_msg("%s is %.*s, and was to be %s", name, record ? (int)record->text.size : 0,
                 record ? record->text.data : "", text);
    registry_snapshot_put(records);
}

/* Whether it comes to that in time. */
static bool comes(const struct node *node, unsigned number, enum code parted)
{
    for (int i = 0; i < 5000; i++) {
        struct membership_health health = membership_health(node->membership);

        if (health.number == number && health.why.code == parted && node->parted == parted &&
            node->joined == (parted == OK) && health.active == (parted == OK))
            return true;
        usleep(1000);
    }
    return false;
}

static bool whole(const struct node *node)
{
    for (int i = 0; i < 5000 && membership_health(node->membership).flaw.code; i++)
        usleep(1000);
    return !membership_health(node->membership).flaw.code;
}

#define RECORD(state, incarnation) "{\"state\":\"" state "\",\"incarnation\":\"" incarnation "\"}"

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
    for (int i = 0; i < 5000 && board.puts == 0; i++)
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

static void test_what_was_noted_serves_without_the_registry(void **state)
{
    struct node node = {.noted = 7};

    (void)state;
    begin(&node, INCARNATION_A);
    assert_true(comes(&node, 7, OK));
    assert_int_equal(board.puts, 0);
    others_put(REGISTRY_TENANTS, "t", "{}"); /* an empty one, as after a wipe */
    for (int i = 0; i < 5000 && board.puts == 0; i++)
        usleep(1000);
    assert_true(whole(&node));
    expect_text(REGISTRY_MEMBERS, "7", RECORD("active", INCARNATION_A));
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
    for (int i = 0; i < 5000 && !membership_health(node.membership).flaw.code; i++)
        usleep(1000);
    assert_true(comes(&node, 1, OK));
    assert_int_equal(membership_health(node.membership).flaw.code, E_CONFIG);
    assert_non_null(strstr(membership_health(node.membership).flaw.text, INCARNATION_A));
    end(&node);
    assert_int_equal(node.notes, 1);
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
    for (int i = 0; i < 5000 && !membership_health(node.membership).doubled; i++)
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
    for (int i = 0; i < 5000 && !membership_health(node.membership).waits.code; i++)
        usleep(1000);
    assert_string_equal(membership_health(node.membership).waits.text, "the test's shard is slow");
    assert_int_equal(membership_health(node.membership).state, MEMBER_DRAINING);
    end(&node);
    begin(&node, INCARNATION_A); /* over a start */
    assert_int_equal(node.parted, E_NO_MEMBER);
    node.empty = true; /* it looks again by itself */
    for (int i = 0; i < 5000 && node.state != MEMBER_DRAINED; i++)
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
    for (int i = 0; i < 5000 && !node.joins; i++)
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
    for (int i = 0; i < 5000 && node.noted != 3; i++)
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

/* Soon, or after the patience that others have. */
static bool is_put(const char *name, const char *text)
{
    for (int i = 0; i < 10000; i++) {
        struct registry_snapshot *records = registry_get(&board.registry);
        const struct registry_record *found =
            registry_find(records, REGISTRY_MEMBERS, bytes_of(name));
        bool there = found && !found->missing && bytes_equal(found->text, bytes_of(text));

        registry_snapshot_put(records);
        if (there)
            return true;
        usleep(1000);
    }
    return false;
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
    for (int i = 0; i < 5000 && !board.waits; i++)
        usleep(1000);
    assert_true(board.waits);
    end(&node);
    assert_int_equal(board.registry.health.missing_count, 1); /* nobody waited until it was there */
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

static void test_another_process_that_is_this_member_is_told(void **state)
{
    struct node node = {.noted = 0};
    struct membership_health health;

    (void)state;
    others_put(REGISTRY_ALIVE, "1", "{\"listen\":\"other:1\"}");
    begin(&node, INCARNATION_A);
    assert_false(membership_health(node.membership).doubled); /* it serves nobody yet */
    assert_int_equal(membership_serve(node.membership, "h:1", NULL, NULL), OK);
    for (int i = 0; i < 5000 && !membership_health(node.membership).doubled; i++)
        usleep(1000);
    health = membership_health(node.membership);
    assert_true(health.doubled && health.active);
    assert_string_equal(health.other, "{\"listen\":\"other:1\"}");
    others_put(REGISTRY_ALIVE, "1", NULL);
    for (int i = 0; i < 5000 && membership_health(node.membership).doubled; i++)
        usleep(1000);
    assert_false(membership_health(node.membership).doubled);
    end(&node);
    assert_int_equal(membership_new(&node.membership, NULL), OK);
    membership_stop(node.membership); /* one that was never started */
    membership_stop(NULL);
    membership_free(node.membership);
    membership_free(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_node_takes_the_lowest_number_that_nobody_had),
        TEST(test_who_is_overtaken_takes_the_next),
        TEST(test_nothing_is_taken_before_there_is_a_number),
        TEST(test_what_was_noted_serves_without_the_registry),
        TEST(test_a_record_that_is_gone_is_put_again_as_it_was),
        TEST(test_a_member_that_left_takes_nothing_until_it_is_back),
        TEST(test_the_record_says_where_others_reach_the_node),
        TEST(test_who_joins_waits_for_the_others),
        TEST(test_who_is_to_leave_does_so_when_all_is_delivered),
        TEST(test_a_number_that_is_anothers_is_left_for_a_new_one),
        TEST(test_who_starts_without_its_record_joins_again),
        TEST(test_records_of_others_that_are_gone_are_put_again),
        TEST(test_a_record_that_cannot_be_put_is_told_with_the_reason),
        TEST(test_records_of_many_others_keep_nobody_waiting),
        TEST(test_a_stop_does_not_wait_for_a_put_as_others_do),
        TEST(test_when_all_numbers_are_given_that_is_told),
        TEST(test_another_process_that_is_this_member_is_told),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
