/* A member that wrote, delivered and left, and nodes that go on with its chain, each with a
 * directory of its own; their shards are lists in memory. */
#ifndef WEIR_TESTS_UNIT_STORE_GUESTS_CARE_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_GUESTS_CARE_SAMPLE_H

#include "store/delivery/away.h"
#include "store/guest_list.h"
#include "store/guests/caretaker_inside.h"
#include "store/guests/guests.h"
#include "tests/unit/store/delivery/delivery_sample.h"

enum { CARE_NODES = 2, CARE_AUTHORS = 4, CARE_ROWS_MAX = 100000 };

struct village;

/* Who reads, and may be the one who goes on. */
struct node {
    struct village *village;
    struct house house;
    struct delivery_rules delivery_rules;
    struct guest_rules guest_rules;
    struct caretaker_rules rules;
    struct away *away;
    struct guests *guests;
    struct caretaker *caretaker;
    bool wanted, held; /* the lease of the member that left */
};

struct village {
    struct depot author; /* member 1 */
    struct node nodes[CARE_NODES];
    struct guest_author authors[CARE_AUTHORS];
    size_t author_count;
    struct bytes shards[2];
    size_t shard_count;
    bool gone;          /* member 1 is, by the registry */
    size_t checks;      /* how often that was asked */
    size_t held_for;    /* from so many of these on the lease is not held any more; 0: always */
    uint64_t put_bytes; /* what had been put by then, and how much was there */
    size_t documents;
};

static inline bool care_gone(void *context, const struct hash128 *incarnation)
{
    struct node *node = context;

    (void)incarnation;
    return node->village->gone;
}

static inline enum code care_want(void *context, const struct hash128 *incarnation, bool wanted,
                                  struct error *err)
{
    struct node *node = context;

    (void)incarnation, (void)err;
    node->wanted = wanted;
    return OK;
}

static inline bool care_held(void *context, const struct hash128 *incarnation)
{
    struct node *node = context;
    struct village *village = node->village;

    (void)incarnation;
    village->checks++;
    if (village->held_for != 0 && village->checks == village->held_for) {
        village->put_bytes = village->author.north.put_bytes;
        village->documents = village->author.north.count;
    }
    return node->wanted && node->held &&
           (village->held_for == 0 || village->checks < village->held_for);
}

static inline bool care_shard_of(void *context, const struct tenant *tenant,
                                 char name[SHARD_NAME_SIZE])
{
    (void)context, (void)tenant, (void)name;
    return false;
}

static inline enum code care_open_shard(void *context, const char *shard, struct archive **archive,
                                        struct error *err)
{
    struct node *node = context;

    return depot_open_archive(&node->village->author, shard, archive, err);
}

static inline enum code care_survey(void *context, struct arena *arena, struct guest_survey *survey,
                                    struct error *err)
{
    static const struct bytes name = BYTES("acme");
    struct village *village = ((struct node *)context)->village;
    struct guest_tenant *tenant = ARENA_NEW(arena, struct guest_tenant);

    (void)err;
    assert_non_null(tenant);
    *tenant = (struct guest_tenant){name, village->shards, village->shard_count};
    *survey = (struct guest_survey){village->authors, village->author_count, tenant, 1, 1};
    return OK;
}

static inline void node_enter(struct node *node)
{
    house_open(&node->house);
    assert_int_equal(away_new(node->house.store, &node->delivery_rules, &node->away, NULL), OK);
    assert_int_equal(guests_new(node->house.store, &node->guest_rules, &node->guests, NULL), OK);
    assert_int_equal(
        caretaker_new(node->house.store, node->guests, &node->rules, &node->caretaker, NULL), OK);
}

static inline void node_leave(struct node *node)
{
    caretaker_free(node->caretaker);
    guests_free(node->guests);
    away_free(node->away);
    house_close(&node->house);
}

static inline void node_restart(struct node *node)
{
    node_leave(node);
    node_enter(node);
}

static inline void node_init(struct village *village, struct node *node)
{
    node->village = village;
    house_init(&node->house);
    node->delivery_rules = (struct delivery_rules){
        .context = node, .shard_of = care_shard_of, .open = care_open_shard};
    node->guest_rules = (struct guest_rules){node, care_survey, care_open_shard};
    node->rules = (struct caretaker_rules){node, care_gone, care_want, care_held, care_open_shard};
    node_enter(node);
}

static inline void village_init(struct village *village)
{
    *village = (struct village){
        .shards = {BYTES("north"), BYTES("south")},
          .shard_count = 1
    };
    village->author.rules = (struct delivery_rules){
        .context = &village->author, .shard_of = depot_shard_of, .open = depot_open_archive};
    house_init(&village->author.house);
    depot_open(&village->author);
    village->author.house.store->members = MEMBERS_SOME; /* it knows of the others, too */
    for (size_t i = 0; i < CARE_NODES; i++) {
        node_init(village, &village->nodes[i]);
        village->nodes[i].held = i == 0;
    }
    village->authors[0] = (struct guest_author){1, village->author.house.store->incarnation, true};
    village->author_count = 1; /* and whoever looks */
}

static inline void village_release(struct village *village)
{
    for (size_t i = 0; i < CARE_NODES; i++) {
        node_leave(&village->nodes[i]);
        house_remove(&village->nodes[i].house);
    }
    depot_release(&village->author);
}

/* The author delivers all it has, and leaves. */
static inline void village_part(struct village *village)
{
    depot_drain(&village->author);
    village->authors[0].active = false;
    village->gone = true;
}

static inline void node_time(struct node *node, int64_t seconds)
{
    node->house.clock.monotonic_more += seconds * 1000000000;
}

/* Follows all chains to their end. */
static inline void node_read(struct node *node)
{
    struct error err = {0};

    for (int look = 0; look < 3; look++) {
        if (guests_look(node->guests, &err) != OK)
            fail_msg("%s", err.text);
        node_time(node, 2);
        for (int i = 0; guests_step(node->guests); i++)
            assert_true(i < 1000);
    }
}

/* Reads and goes on, until nothing is left to do at this moment, over rests after failures. */
static inline unsigned node_go_on(struct node *node)
{
    unsigned count = 0;

    node_read(node);
    (void)caretaker_step(node->caretaker); /* the minute begins */
    node_time(node, 61);
    for (unsigned idle = 0; idle < 2;) {
        bool did;

        node_read(node);
        did = caretaker_step(node->caretaker);
        count += did;
        idle = did ? 0 : idle + 1;
        node_time(node, 40);
        assert_true(count < 1000);
    }
    node_read(node);
    return count;
}

/* A deletion by a node of rows of the series, 0: of all. */
static inline int64_t house_delete(struct house *house, uint32_t series, int64_t start, int64_t end,
                                   bool erase)
{
    char host[16];
    struct matcher matcher = {
        BYTES("host"), MATCH_EQUAL, {host, 0}
    };
    struct posting posting;
    int64_t ingest;

    matcher.value.size = (size_t)snprintf(host, sizeof(host), "h%u", series);
    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){
        .selector = {BYTES("cpu"), &matcher, series > 0},
        .erase = erase,
        .start = start,
        .end = end,
    };
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    ingest = posting.submission.ingest;
    posting_release(&posting);
    return ingest;
}

/* Of the author's packs the chain's list at the shard. */
static inline uint64_t village_chain(struct village *village, struct chain_list *list)
{
    int64_t through;

    return depot_chain(&village->author, BYTES("acme"), "north", list, &through);
}

/* All documents of all packs that the chain lists are there; how many packs there are.  `exact`:
 * and no others. */
static inline size_t village_expect_whole(struct village *village, bool exact)
{
    struct chain_list list = {0};
    size_t documents = 0, count;

    (void)village_chain(village, &list);
    for (size_t i = 0; i < list.count; i++) {
        depot_expect_pack(&village->author, BYTES("acme"), "north", &list.packs[i]);
        documents += list.packs[i].parts;
    }
    if (exact)
        assert_int_equal(depot_documents(&village->author, BYTES("acme"), "north"), documents);
    count = list.count;
    chain_list_release(&list);
    return count;
}

/* Rows of series 1 in a pair with history, of series 2 in a plain pack, and a deletion of some that
 * does not erase. */
static inline void village_write(struct village *village)
{
    struct house *house = &village->author.house;

    assert_int_equal(house_put(house, 1, 0, 100, NULL), OK);
    house_seal(house);
    assert_int_equal(house_put(house, 1, 20, 30, NULL), OK); /* versions */
    (void)house_delete(house, 1, 40, 45, false);
    house_seal(house);
    (void)house_compact(house, true);
    assert_int_equal(house_put(house, 2, 0, 50, NULL), OK);
    house_seal(house);
}

struct picture {
    struct read_row rows[2][CARE_ROWS_MAX / 10];
    size_t count[2];
};

static inline void picture_take(struct node *node, struct picture *picture)
{
    for (uint32_t i = 0; i < 2; i++)
        picture->count[i] = house_read(&node->house, i + 1, VIEW_LATEST, picture->rows[i],
                                       COUNT_OF(picture->rows[i]));
}

/* Those of [start, end) of the series are gone, all versions of others are there. */
static inline void picture_expect(const struct picture *now, const struct picture *before,
                                  uint32_t series, int64_t start, int64_t end)
{
    for (uint32_t s = 0; s < 2; s++) {
        size_t at = 0;

        for (size_t i = 0; i < before->count[s]; i++) {
            const struct read_row *row = &before->rows[s][i];

            if ((series == 0 || series == s + 1) && row->time >= start && row->time < end)
                continue;
            assert_true(at < now->count[s]);
            assert_memory_equal(&now->rows[s][at], row, sizeof(*row));
            at++;
        }
        assert_int_equal(at, now->count[s]);
    }
}

/* Of all packs that the chain lists. */
static inline size_t village_rows(struct village *village)
{
    struct chain_list list = {0};
    size_t rows = 0;

    (void)village_chain(village, &list);
    for (size_t i = 0; i < list.count; i++)
        rows += list.packs[i].entry.row_count;
    chain_list_release(&list);
    return rows;
}

/* Rows of [10, 42) are erased by the first node, which goes on with the chain: nothing else differs
 * for a witness that has an empty disk. */
struct scene {
    struct village village;
    struct picture before, after;
    struct node *node, *witness;
    size_t rows;
};

static inline void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    village_init(&scene->village);
    scene->node = &scene->village.nodes[0];
    scene->witness = &scene->village.nodes[1];
    village_write(&scene->village);
    village_part(&scene->village);
    node_read(scene->witness);
    picture_take(scene->witness, &scene->before);
    scene->rows = village_rows(&scene->village);
    node_read(scene->node);
    (void)house_delete(&scene->node->house, 0, 10, 42, true);
}

/* Ten minutes and more pass, several times. */
static inline void scene_end(struct scene *scene, struct node *node)
{
    for (int i = 0; i < 4; i++) {
        (void)node_go_on(node);
        node_time(node, 700);
    }
    (void)village_expect_whole(&scene->village, true);
}

static inline void scene_expect(struct scene *scene)
{
    node_restart(scene->witness);
    node_read(scene->witness);
    picture_take(scene->witness, &scene->after);
    picture_expect(&scene->after, &scene->before, 0, 10, 42);
}

static inline void scene_release(struct scene *scene)
{
    village_release(&scene->village);
}

#endif
