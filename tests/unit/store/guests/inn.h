/* Two members and their shards, lists in memory: one writes and delivers (struct depot), the other
 * one reads what is there, as a node with a directory of its own does. */
#ifndef WEIR_TESTS_UNIT_STORE_GUESTS_INN_H
#define WEIR_TESTS_UNIT_STORE_GUESTS_INN_H

#include "store/delivery/away.h"
#include "store/guest_list.h"
#include "store/guests/guests.h"
#include "tests/unit/store/delivery/delivery_sample.h"

enum { INN_MEMBERS = 4 };

struct inn {
    struct depot author; /* member 1, its tenants as in depot_init() */
    struct house house;  /* member 2, who reads */
    struct delivery_rules delivery_rules;
    struct guest_rules rules;
    struct away *away;
    struct guests *guests;
    struct guest_author authors[INN_MEMBERS];
    size_t author_count;
    struct bytes shards[2];
    size_t shard_count;
    enum code survey_code;
    uint64_t version; /* of the registry */
};

static inline bool inn_shard_of(void *context, const struct tenant *tenant,
                                char name[SHARD_NAME_SIZE])
{
    (void)context, (void)tenant, (void)name;
    return false;
}

static inline enum code inn_open(void *context, const char *shard, struct archive **archive,
                                 struct error *err)
{
    struct inn *inn = context;

    return depot_open_archive(&inn->author, shard, archive, err);
}

static inline enum code inn_survey(void *context, struct arena *arena, struct guest_survey *survey,
                                   struct error *err)
{
    static const struct bytes name = BYTES("acme");
    struct inn *inn = context;
    struct guest_tenant *tenant = ARENA_NEW(arena, struct guest_tenant);

    if (inn->survey_code)
        return error_set(err, inn->survey_code, "the test's registry says no");
    assert_non_null(tenant);
    *tenant = (struct guest_tenant){name, inn->shards, inn->shard_count};
    *survey = (struct guest_survey){inn->authors, inn->author_count, tenant, 1, inn->version};
    return OK;
}

static inline void inn_enter(struct inn *inn)
{
    house_open(&inn->house);
    assert_int_equal(away_new(inn->house.store, &inn->delivery_rules, &inn->away, NULL), OK);
    assert_int_equal(guests_new(inn->house.store, &inn->rules, &inn->guests, NULL), OK);
}

static inline void inn_leave(struct inn *inn)
{
    guests_free(inn->guests);
    away_free(inn->away);
    inn->guests = NULL;
    inn->away = NULL;
    house_close(&inn->house);
}

static inline void inn_init(struct inn *inn)
{
    *inn = (struct inn){
        .shards = {BYTES("north"), BYTES("south")},
          .shard_count = 1, .version = 5
    };
    inn->author.rules = (struct delivery_rules){
        .context = &inn->author, .shard_of = depot_shard_of, .open = depot_open_archive};
    house_init(&inn->author.house);
    depot_open(&inn->author);
    inn->author.house.store->members = MEMBERS_SOME; /* it knows of the other, too */
    house_init(&inn->house);
    inn->delivery_rules =
        (struct delivery_rules){.context = inn, .shard_of = inn_shard_of, .open = inn_open};
    inn->rules = (struct guest_rules){inn, inn_survey, inn_open};
    inn_enter(inn);
    inn->authors[0] = (struct guest_author){1, inn->author.house.store->incarnation, true};
    inn->authors[1] = (struct guest_author){2, inn->house.store->incarnation, true};
    inn->author_count = 2;
}

static inline void inn_release(struct inn *inn)
{
    inn_leave(inn);
    house_remove(&inn->house);
    depot_release(&inn->author);
}

/* What was begun ends. */
static inline void inn_read(struct inn *inn)
{
    struct error err = {0};

    if (guests_look(inn->guests, &err) != OK)
        fail_msg("%s", err.text);
    inn->house.clock.monotonic_more += 2000000000;
    for (int i = 0; guests_step(inn->guests); i++)
        assert_true(i < 1000);
}

/* Member 1 delivers what it has, member 2 reads it. */
static inline void inn_pass(struct inn *inn)
{
    depot_drain(&inn->author);
    inn_read(inn);
}

static inline struct guest_list *inn_guests(struct inn *inn)
{
    struct store *store = inn->house.store;
    struct holding *holding = inn->house.tenant->ordinal < store->holding_capacity
                                  ? store->holdings[inn->house.tenant->ordinal]
                                  : NULL;

    return holding == NULL ? NULL : holding->guests;
}

static inline size_t inn_packs(struct inn *inn)
{
    const struct guest_list *list = inn_guests(inn);
    size_t count = 0;

    for (size_t i = 0; list != NULL && i < list->count; i++)
        count += list->parts[i].count;
    return count;
}

/* What a view of member 2 misses, one line each. */
static inline void inn_missing(struct inn *inn, char *text, size_t size)
{
    const struct bytes *missing;
    struct view *view;
    size_t count, at = 0;

    assert_int_equal(store_view(inn->house.store, inn->house.tenant, VIEW_LATEST, &view, NULL), OK);
    missing = view_missing(view, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%.*s\n", BYTES_ARG(missing[i]));
    assert_true(at < size);
    view_free(view);
}

static inline void inn_expect_missing(struct inn *inn, const char *want)
{
    char text[4096];

    inn_missing(inn, text, sizeof(text));
    if (want == NULL ? text[0] != '\0' : strstr(text, want) == NULL)
        fail_msg("missing: %s, and not %s", text, want == NULL ? "nothing" : want);
}

#endif
