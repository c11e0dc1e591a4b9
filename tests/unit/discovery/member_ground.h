/* A node as a member of a registry in memory, which does as it is told. */
#ifndef WEIR_TESTS_UNIT_DISCOVERY_MEMBER_GROUND_H
#define WEIR_TESTS_UNIT_DISCOVERY_MEMBER_GROUND_H

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

static inline void board_set(enum registry_kind kind, struct bytes name, struct bytes text)
{
    size_t at = board_find(kind, name);

    if (at == board.count)
        board.count++;
    assert_true(board.count <= RECORDS_MAX);
    (void)snprintf(board.names[at], sizeof(board.names[at]), "%.*s", BYTES_ARG(name));
    (void)snprintf(board.texts[at], sizeof(board.texts[at]), "%.*s", BYTES_ARG(text));
    board.records[at] = (struct registry_record){.kind = kind, .version = ++board.version};
}

static inline void board_publish(void)
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
static inline void others_put(enum registry_kind kind, const char *name, const char *text)
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

static inline enum code put(struct registry *registry, enum registry_kind kind, struct bytes name,
                            uint64_t expected, struct bytes text, uint64_t *version,
                            struct error *err)
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

static inline enum code hold(struct registry *registry, enum registry_kind kind, struct bytes name,
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

static inline void let_go(struct registry *registry, enum registry_kind kind, struct bytes name)
{
    char text[8];

    (void)registry;
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(name));
    others_put(kind, text, NULL);
}

static inline void changed(void *context)
{
    (void)context;
    if (heard)
        membership_changed(heard);
}

static const struct registry_operations operations = {.put = put, .hold = hold, .release = let_go};

static inline int setup(void **state)
{
    const struct registry_rules rules = {.changed = changed};

    (void)state;
    memset(&board, 0, sizeof(board));
    pthread_mutex_init(&board.lock, NULL);
    return registry_core_init(&board.registry, &operations, &rules, NULL) ? -1 : 0;
}

static inline int teardown(void **state)
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

static inline enum code note(void *context, unsigned number, struct error *err)
{
    struct node *node = context;

    assert_false(node->joined && node->noted == number);
    if (node->refusal)
        return error_set(err, node->refusal, "the test's disk is full");
    node->noted = number;
    node->notes++;
    return OK;
}

static inline void join(void *context)
{
    struct node *node = context;

    assert_true(node->noted > 0); /* never before it is durable */
    node->joined = true;
    node->parted = OK;
}

static inline void part(void *context, const struct error *why)
{
    struct node *node = context;

    node->joined = false;
    node->parted = why->code;
}

static inline void stand(void *context, enum member_state state)
{
    struct node *node = context;

    node->state = state;
}

static inline enum code leave(void *context, struct error *why)
{
    struct node *node = context;

    assert_false(node->joined); /* not before it was parted from */
    node->leaves++;
    return node->empty ? OK : error_set(why, E_BUSY, "the test's shard is slow");
}

static inline enum code meet(void *context, const struct registry_snapshot *records,
                             unsigned number, bool joins, struct error *why)
{
    struct node *node = context;

    assert_non_null(member_record(records, number));
    assert_false(node->joined && joins);
    node->joins = joins;
    return node->met ? OK : error_set(why, E_NOT_READY, "the test's members are slow");
}

/* With what it had noted. */
static inline void begin(struct node *node, const char *incarnation)
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

static inline void end(struct node *node)
{
    membership_stop(node->membership);
    heard = NULL;
    membership_free(node->membership);
}

static inline void expect_text(enum registry_kind kind, const char *name, const char *text)
{
    struct registry_snapshot *records = registry_get(&board.registry);
    const struct registry_record *record = registry_find(records, kind, bytes_of(name));

    if (!record || !bytes_equal(record->text, bytes_of(text)) || record->missing)
        fail_msg("%s is %.*s, and was to be %s", name, record ? (int)record->text.size : 0,
                 record ? record->text.data : "", text);
    registry_snapshot_put(records);
}

/* Whether it comes to that in time. */
static inline bool comes(const struct node *node, unsigned number, enum code parted)
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

static inline bool whole(const struct node *node)
{
    for (int i = 0; i < 5000 && membership_health(node->membership).flaw.code; i++)
        usleep(1000);
    return !membership_health(node->membership).flaw.code;
}

#define RECORD(state, incarnation) "{\"state\":\"" state "\",\"incarnation\":\"" incarnation "\"}"

/* Soon, or after the patience that others have. */
static inline bool is_put(const char *name, const char *text)
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
