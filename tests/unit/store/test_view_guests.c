#include "query/query.h"
#include "store/guests/caretaker.h"
#include "store/guests/guest_file.h"
#include "store/packs/pack_parts.h"
#include "store/packs/pack_writer.h"
#include "store/view_inside.h"
#include "tests/unit/store/guests/inn.h"

enum { ANSWER_MAX = 1 << 20, OPS_MAX = 250, ERASURES = 4, PARAMETERS_MAX = 16 };

/* --- questions --- */

struct answer {
    struct query_sink sink; /* first */
    size_t size;
    char text[ANSWER_MAX];
};

static enum code answer_begin(struct query_sink *sink, const struct query_head *head,
                              struct error *err)
{
    (void)sink, (void)head, (void)err;
    return OK;
}

static enum code answer_write(struct query_sink *sink, struct bytes bytes, struct error *err)
{
    struct answer *answer = (struct answer *)sink;

    (void)err;
    assert_true(answer->size + bytes.size < sizeof(answer->text));
    memcpy(answer->text + answer->size, bytes.data, bytes.size);
    answer->size += bytes.size;
    answer->text[answer->size] = '\0';
    return OK;
}

static bool answer_cancelled(struct query_sink *sink)
{
    (void)sink;
    return false;
}

static void ask(struct house *house, const char *question, struct answer *answer, char etag[48])
{
    struct query_parameter parameters[PARAMETERS_MAX];
    struct query_environment environment = {
        .store = house->store,
        .catalog = house->catalog,
        .tenant = house->tenant,
        .limits = &house->limits,
        .retention_ns = INT64_MAX,
        .history_ns = INT64_MAX,
        .clock = &house->clock.clock,
    };
    struct query_outcome outcome = {0};
    struct query *query = NULL;
    struct error err = {0};
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, SIZE_MAX, NULL);
    for (const char *at = question; *at != '\0'; count++) {
        size_t size = strcspn(at, "&"), name = strcspn(at, "=");

        parameters[count] = (struct query_parameter){
            {at,            name           },
            {at + name + 1, size - name - 1}
        };
        at += size + (at[size] == '&');
    }
    answer->sink = (struct query_sink){answer_begin, answer_write, answer_cancelled};
    answer->size = 0;
    answer->text[0] = '\0';
    if (query_parse(parameters, count, BYTES(""), clock_wall_ns(&house->clock.clock), &arena,
                    &query, &err) != OK ||
        query_run(query, &environment, &answer->sink, &outcome, &err) != OK)
        fail_msg("%s: %s", question, err.text);
    if (etag != NULL)
        memcpy(etag, outcome.etag, sizeof(outcome.etag));
    arena_release(&arena);
}

/* --- what is done --- */

struct op {
    bool deletes, erases;
    uint32_t series;
    int64_t start, step, count; /* of rows; a deletion is of [start, start + count) */
    unsigned fields;            /* bit 0 "v", bit 1 "w"; of a deletion 0: whole rows */
    int64_t value;
};

static int64_t apply(struct house *house, const struct op *op)
{
    static const struct bytes names[] = {BYTES("v"), BYTES("w")};
    struct matcher matcher = {BYTES("host"), MATCH_EQUAL, BYTES("h1")};
    struct posting posting;
    int64_t ingest;

    for (unsigned f = 0; f < 2; f++) /* what ingest does */
        assert_int_equal(catalog_claim(house->catalog, house->tenant, BYTES("cpu"), names[f],
                                       TYPE_I64, 100, NULL),
                         OK);
    posting_init(&posting, house);
    if (op->deletes)
        posting.tombstone = (struct tombstone){
            .selector = {BYTES("cpu"), &matcher, op->series == 1},
            .erase = op->erases,
            .start = op->start,
            .end = op->start + op->count,
            .fields = &names[op->fields == 2],
            .field_count = op->fields == 1 || op->fields == 2,
        };
    for (int64_t i = 0; !op->deletes && i < op->count; i++) {
        struct sample_cell cells[2];
        uint32_t count = 0;

        for (unsigned f = 0; f < 2; f++)
            if ((op->fields & (1u << f)) != 0)
                cells[count++] =
                    (struct sample_cell){names[f], TYPE_I64, {.i64 = op->value + i * 3}};
        sample_row(&posting.batch, house_series(house, op->series), op->start + i * op->step,
                   INT64_MIN, cells, count);
    }
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    ingest = posting.submission.ingest;
    posting_release(&posting);
    return ingest;
}

static struct op draw(struct random *random)
{
    struct op op = {
        .deletes = random_chance(random, 5),
        .series = 1 + (uint32_t)random_below(random, 2),
        .start = (int64_t)random_below(random, 1000),
        .step = 1 + (int64_t)random_below(random, 3),
        .count = 1 + (int64_t)random_below(random, random_chance(random, 8) ? 300 : 20),
        .fields = 1 + (unsigned)random_below(random, 3),
        .value = (int64_t)random_below(random, 1000000),
    };

    if (op.deletes)
        op.fields = (unsigned)random_below(random, 3);
    return op;
}

/* --- one store that has it all, and two members --- */

struct trial {
    struct inn inn;
    struct house all;
    struct random random;
    int64_t ingest[OPS_MAX + ERASURES][2]; /* of each thing done: of the members, and of the one */
    size_t count;
    bool forgets; /* versions that have lost go soon, and deletions that nothing needs */
};

/* Time passes everywhere. */
static void trial_age(struct trial *trial)
{
    struct house *const houses[] = {&trial->inn.author.house, &trial->inn.house, &trial->all};

    for (size_t i = 0; trial->forgets && i < COUNT_OF(houses); i++) {
        houses[i]->history_ns = 0;
        houses[i]->clock.wall_more += 2000000000;
    }
}

static void trial_do(struct trial *trial)
{
    struct op op = draw(&trial->random);
    struct house *house =
        random_chance(&trial->random, 2) ? &trial->inn.author.house : &trial->inn.house;

    if (trial->count == OPS_MAX)
        return;
    trial->ingest[trial->count][0] = apply(house, &op);
    trial->ingest[trial->count++][1] = apply(&trial->all, &op);
    if (random_chance(&trial->random, 4))
        house_seal(house);
    if (random_chance(&trial->random, 4))
        trial_age(trial);
    if (random_chance(&trial->random, 6) && generation_bytes(trial->all.store->active) > 0)
        house_seal(&trial->all);
    if (random_chance(&trial->random, 12))
        (void)house_compact(&trial->all, true);
    if (random_chance(&trial->random, 6))
        (void)house_compact(house, true);
    if (random_chance(&trial->random, 8))
        depot_drain(&trial->inn.author);
    if (random_chance(&trial->random, 8))
        inn_read(&trial->inn);
    if (random_chance(&trial->random, 16)) {
        inn_leave(&trial->inn);
        inn_enter(&trial->inn);
    }
}

static void trial_compare(struct trial *trial, size_t round)
{
    static const char *const questions[] = {
        "measurement=cpu&format=csv&fields=v,w",
        "measurement=cpu&format=csv&fields=w,v&order=desc",
        "measurement=cpu&format=csv&fields=v&start=100&end=400",
        "measurement=cpu&format=csv&every=50ns&agg=count,sum,min,max,first,last",
        "measurement=cpu&format=csv&every=2us&agg=count,sum,min,max,mean",
        "measurement=cpu&format=csv&every=500ns&agg=count,median&group_by=host",
    };
    static struct answer have, want;
    char question[200];

    for (size_t q = 0; q < COUNT_OF(questions); q++)
        for (int past = 0; past < (trial->forgets ? 1 : 2); past++) {
            size_t at = random_below(&trial->random, trial->count);

            for (int one = 0; one < 2; one++) {
                (void)snprintf(question, sizeof(question), past ? "%s&as_of=%lld" : "%s",
                               questions[q], (long long)trial->ingest[at][one]);
                ask(one ? &trial->all : &trial->inn.house, question, one ? &want : &have, NULL);
            }
            if (strcmp(have.text, want.text) != 0)
                fail_msg("round %zu, %s:\n%.3000s\n--- and not\n%.3000s", round, question,
                         have.text, want.text);
        }
}

/* --- one of them leaves --- */

static bool is_gone(void *context, const struct hash128 *incarnation)
{
    (void)context, (void)incarnation;
    return true;
}

static enum code be_wanted(void *context, const struct hash128 *incarnation, bool wanted,
                           struct error *err)
{
    (void)context, (void)incarnation, (void)wanted, (void)err;
    return OK;
}

/* What member 1 left is gone on with, as far as it goes; how many packs went. */
static uint64_t go_on(struct trial *trial)
{
    struct inn *inn = &trial->inn;
    const struct caretaker_rules rules = {inn, is_gone, be_wanted, is_gone, inn_open};
    struct caretaker *caretaker;

    assert_int_equal(caretaker_new(inn->house.store, inn->guests, &rules, &caretaker, NULL), OK);
    for (unsigned step = 0, idle = 0; idle < 4; step++) {
        inn_read(inn);
        inn_read(inn);
        inn->house.clock.monotonic_more += 61000000000;
        idle = caretaker_step(caretaker) ? 0 : idle + 1;
        assert_true(step < 1000);
    }
    caretaker_free(caretaker);
    inn_read(inn);
    return house_metric(&inn->house, "weir_caretaker_packs_total", METRIC_COUNTER,
                        "shard=\"north\"");
}

/* Of the other one alone. */
static void erase_some(struct trial *trial)
{
    struct op op = draw(&trial->random);

    op.deletes = op.erases = true;
    op.count = 1 + (int64_t)random_below(&trial->random, 100);
    trial->ingest[trial->count][0] = apply(&trial->inn.house, &op);
    trial->ingest[trial->count++][1] = apply(&trial->all, &op);
}

static void leave(struct trial *trial)
{
    uint64_t packs = 0;

    trial->inn.authors[0].active = false;
    for (size_t round = 0; round < ERASURES; round++) {
        erase_some(trial);
        house_seal(&trial->inn.house);
        packs = go_on(trial);
        trial_compare(trial, 1000 + round);
        if (round % 2 == 0)
            (void)house_compact(&trial->inn.house, true);
        trial_compare(trial, 2000 + round);
    }
    assert_true(packs > 0);
}

static void run(uint64_t seed, bool forgets)
{
    static struct trial trial;

    memset(&trial, 0, sizeof(trial));
    random_seed(&trial.random, seed);
    trial.forgets = forgets;
    inn_init(&trial.inn);
    house_init(&trial.all);
    house_open(&trial.all);
    for (size_t round = 0; trial.count < OPS_MAX; round++) {
        for (uint64_t n = 1 + random_below(&trial.random, 12); n > 0; n--)
            trial_do(&trial);
        if (trial.inn.author.house.store->generation_count > 1 ||
            generation_bytes(trial.inn.author.house.store->active) > 0)
            house_seal(&trial.inn.author.house);
        inn_pass(&trial.inn);
        trial_compare(&trial, round);
    }
    leave(&trial);
    house_close(&trial.all);
    house_remove(&trial.all);
    inn_release(&trial.inn);
}

/* Whatever the two write, correct and delete, in whatever order it is sealed, compacted, delivered
 * and read: answers are those of one node that did it all.  So they are when one of them has left
 * and the other one goes on with its chain. */
static void test_two_members_answer_as_one_would(void **state)
{
    const char *given = getenv("WEIR_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20261122;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < 4; i++)
        run(seed + i, i % 2 == 1);
}

/* --- what is missing --- */

static bool is_final(struct inn *inn, int64_t as_of)
{
    struct view *view;
    bool final;

    assert_int_equal(store_view(inn->house.store, inn->house.tenant, as_of, &view, NULL), OK);
    final = view_final(view);
    view_free(view);
    return final;
}

/* A member that lives is believed up to what its chain says, and not further. */
static void test_what_a_member_has_not_told_is_missing(void **state)
{
    int64_t early, late;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    assert_int_equal(house_put(&inn.house, 1, 100, 1, &early), OK);
    assert_int_equal(house_put(&inn.author.house, 1, 0, 10, NULL), OK);
    house_seal(&inn.author.house);
    inn_expect_missing(&inn, "other members have not been looked for yet");
    inn_read(&inn);
    inn_expect_missing(&inn, "member 1 has not told what it has of this tenant");
    inn_pass(&inn);
    inn_expect_missing(&inn, NULL);
    assert_true(is_final(&inn, early));
    assert_int_equal(house_put(&inn.house, 1, 101, 1, &late), OK);
    inn_expect_missing(&inn, "member 1 has told up to 20");
    assert_true(is_final(&inn, early));
    assert_false(is_final(&inn, late));
    /* One that left has told all. */
    inn.authors[0].active = false;
    inn_read(&inn);
    inn_expect_missing(&inn, NULL);
    assert_true(is_final(&inn, late));
    inn_release(&inn);
}

/* Rows that others have stored since our own last one are in an answer that asks for no moment. */
static void test_s_is_not_before_what_others_stored(void **state)
{
    struct read_row rows[20];
    struct inn inn;

    (void)state;
    inn_init(&inn);
    assert_int_equal(house_put(&inn.house, 1, 100, 1, NULL), OK);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    assert_int_equal(house_read(&inn.house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 11);
    /* What we store after such an answer is above its S. */
    assert_int_equal(house_put(&inn.house, 1, 101, 1, NULL), OK);
    assert_int_equal(house_read(&inn.house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 12);
    inn_release(&inn);
}

/* A clock that is hours ahead elsewhere does not carry ours along. */
static void test_a_member_from_the_future_does_not_take_us_along(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.author.house.clock.wall_more = INT64_C(3600000000000);
    inn.author.house.accept_clock = true;
    depot_restart(&inn.author);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_expect_missing(&inn, "ahead of this node's clock");
    assert_int_equal(house_put(&inn.house, 1, 100, 1, NULL), OK);
    inn_release(&inn);
}

/* An answer's ETag changes with rows that come below its S. */
static void test_rows_that_come_late_change_the_etag(void **state)
{
    static const char question[] = "measurement=cpu&format=csv&fields=v";
    static struct answer answer;
    char before[48], behind[48], again[48];
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    assert_int_equal(house_put(&inn.house, 1, 100, 1, NULL), OK);
    inn_read(&inn);
    inn.authors[0].active = false;
    inn_read(&inn);
    ask(&inn.house, question, &answer, before);
    inn_pass(&inn);
    ask(&inn.house, question, &answer, behind);
    ask(&inn.house, question, &answer, again);
    assert_string_not_equal(before, behind);
    assert_string_equal(behind, again);
    inn_release(&inn);
}

/* --- what a living member is asked for --- */

/* The newest of member 1, as a reply would bring it. */
static struct pack *take_pack(struct inn *inn)
{
    const struct pack_list *list =
        inn->author.house.store->holdings[inn->author.house.tenant->ordinal]->packs;
    const struct pack *newest = list->packs[list->count - 1];
    struct guest_place place = {
        .store = inn->house.store, .tenant = inn->house.tenant, .member = 1};
    struct buf bytes = BUF_INIT(1 << 20);
    struct pack_parts *parts;
    struct hash128 hash;
    struct pack *pack;

    assert_int_equal(pack_parts_open(newest, &parts, NULL), OK);
    for (uint32_t i = 0; i < pack_parts_count(parts); i++)
        assert_int_equal(pack_parts_read(parts, i, &bytes, &hash, NULL), OK);
    pack_parts_close(parts);
    assert_int_equal(pack_open_memory(buf_bytes(&bytes), &pack, NULL), OK);
    assert_int_equal(guest_enter(&place, pack, NULL), OK);
    buf_release(&bytes);
    return pack;
}

/* All that it has up to S is here. */
static void add_told(const struct inn *inn, struct view *view, int64_t settled)
{
    assert_int_equal(view_add_told(view,
                                   &(struct view_told){.member = 1,
                                                       .incarnation = inn->authors[0].incarnation,
                                                       .through = view_as_of(view),
                                                       .settled = settled},
                                   1, NULL),
                     OK);
}

static void test_undelivered_rows_can_be_added_to_a_view(void **state)
{
    static struct read_row rows[20];
    const struct bytes *missing;
    struct view *view;
    struct inn inn;
    int64_t told;
    size_t count;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    assert_int_equal(house_put(&inn.author.house, 1, 10, 5, &told), OK);
    house_seal(&inn.author.house);
    assert_int_equal(house_put(&inn.house, 1, 15, 1, NULL), OK);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    (void)view_missing(view, &count);
    assert_int_equal(count, 1);
    assert_int_equal(house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows)), 11);
    assert_int_equal(view_add_told(view,
                                   &(struct view_told){.member = 1,
                                                       .incarnation = inn.authors[0].incarnation,
                                                       .pack = take_pack(&inn),
                                                       .through = told},
                                   1, NULL),
                     OK);
    assert_int_equal(house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows)), 16);
    missing = view_missing(view, &count); /* it has told up to less than S */
    assert_int_equal(count, 1);
    assert_non_null(strstr(missing[0].data, "member 1 has told up to"));
    add_told(&inn, view, view_as_of(view));
    (void)view_missing(view, &count);
    assert_int_equal(count, 0);
    assert_true(view_final(view));
    assert_int_equal(house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows)), 16);
    view_free(view);
    inn_release(&inn);
}

/* Who has nothing stored above S promises in memory alone that nothing comes below it. */
static void test_final_is_what_is_settled_at_the_asked_ones(void **state)
{
    int64_t as_of;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    assert_int_equal(house_put(&inn.house, 1, 15, 1, &as_of), OK);
    for (int more = -1; more <= 1; more++) {
        struct view *view;
        size_t count;

        assert_int_equal(store_view(inn.house.store, inn.house.tenant, as_of, &view, NULL), OK);
        add_told(&inn, view, as_of + more);
        (void)view_missing(view, &count);
        assert_int_equal(count, 0);
        assert_int_equal(view_final(view), more >= 0);
        add_told(&inn, view, INT64_MAX); /* another one is */
        assert_int_equal(view_final(view), more >= 0);
        view_free(view);
    }
    inn_release(&inn);
}

/* A reply whose deletions cannot be read is told as missing; the question goes on. */
static void test_a_reply_that_cannot_be_read_is_missing(void **state)
{
    struct pack_identity identity = {
        .tenant = BYTES("acme"), .kind = PACK_PLAIN, .settled = INT64_MIN, .floor = INT64_MIN};
    static struct read_row rows[20];
    const struct bytes *missing;
    struct pack_summary summary;
    struct pack_writer *writer;
    struct bytes bytes;
    struct pack *pack;
    struct view *view;
    struct inn inn;
    size_t count;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    identity.incarnation = inn.authors[0].incarnation;
    assert_int_equal(pack_writer_open_memory(&identity, &writer, NULL), OK);
    assert_int_equal(pack_writer_tombstone(writer, BYTES("no deletion"), NULL), OK);
    assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    free((void *)bytes.data);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(view_add_told(view,
                                   &(struct view_told){.member = 1,
                                                       .incarnation = inn.authors[0].incarnation,
                                                       .pack = pack,
                                                       .through = INT64_MIN},
                                   1, NULL),
                     OK);
    missing = view_missing(view, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(missing[0].data, "member 1: what it answered cannot be read"));
    assert_false(view_final(view));
    assert_int_equal(house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows)), 10);
    view_free(view);
    inn_release(&inn);
}

/* What it says of versions that it let go of holds for an answer that has its rows. */
static void test_a_reply_tells_which_versions_are_gone(void **state)
{
    struct view *view;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    depot_add_pack(&inn.author, 1, 50);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_true(view_history_floor(view) < 4711);
    assert_int_equal(view_add_told(view,
                                   &(struct view_told){.member = 1,
                                                       .incarnation = inn.authors[0].incarnation,
                                                       .pack = take_pack(&inn),
                                                       .through = INT64_MIN,
                                                       .floor = 4711},
                                   1, NULL),
                     OK);
    assert_int_equal(view_history_floor(view), 4711);
    view_free(view);
    inn_release(&inn);
}

/* A member that lives is asked: what it told by its chain, S lies above. */
static void test_s_is_above_what_chains_told(void **state)
{
    struct view *view;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.author.house.clock.wall_more = INT64_C(2000000000);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_AHEAD, &view, NULL), OK);
    assert_true(view_owing(view, &inn.authors[0].incarnation));
    view_free(view);
    inn_release(&inn);
}

static void expect_far(struct inn *inn, int64_t as_of, bool told)
{
    const struct bytes *missing;
    struct view *view;
    size_t count;
    bool far = false;

    assert_int_equal(store_view(inn->house.store, inn->house.tenant, as_of, &view, NULL), OK);
    missing = view_missing(view, &count);
    for (size_t i = 0; i < count; i++)
        far |= strstr(missing[i].data, "far ahead of this node's clock") != NULL;
    assert_int_equal(far, told);
    view_free(view);
}

/* Who joins with a clock that is behind, while nobody is there whom it could ask, writes above what
 * is delivered, of whatever tenant: an answer that was final stays what it was. */
static void test_own_rows_come_above_what_was_delivered(void **state)
{
    struct house *author;
    int64_t theirs, ours;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    author = &inn.author.house;
    author->clock.wall_more = INT64_C(30000000000);
    assert_int_equal(house_put(author, 1, 0, 10, NULL), OK);
    author->tenant = catalog_tenant(author->catalog, BYTES("other"));
    assert_int_equal(house_put(author, 1, 0, 10, &theirs), OK);
    author->tenant = catalog_tenant(author->catalog, BYTES("acme"));
    house_seal(author);
    inn_pass(&inn);
    assert_int_equal(house_put(&inn.house, 1, 100, 1, &ours), OK);
    assert_true(ours > theirs);
    inn_release(&inn);
}

/* Our clock is far behind a member's, whose rows of this tenant are not that new, but what it told
 * by another one's is: S cannot be above it, so nobody asks it, and that is said. */
static void test_who_told_more_than_s_can_be_is_named(void **state)
{
    struct house *author;
    struct inn inn;

    (void)state;
    inn_init(&inn);
    author = &inn.author.house;
    author->accept_clock = true;
    author->clock.wall_more = INT64_C(40000000000);
    depot_restart(&inn.author);
    assert_int_equal(house_put(author, 1, 0, 10, NULL), OK);
    author->clock.wall_more = INT64_C(90000000000);
    author->tenant = catalog_tenant(author->catalog, BYTES("other"));
    assert_int_equal(house_put(author, 1, 0, 10, NULL), OK);
    author->tenant = catalog_tenant(author->catalog, BYTES("acme"));
    house_seal(author);
    inn_pass(&inn);
    expect_far(&inn, VIEW_AHEAD, true);
    expect_far(&inn, VIEW_LATEST, false); /* which is no more than what was delivered */
    inn.authors[0].active = false;
    inn_read(&inn);
    expect_far(&inn, VIEW_AHEAD, false);
    inn_release(&inn);
}

/* S goes where somebody said that rows are, and is still not one that was asked for. */
static void test_s_can_be_ahead_of_the_clock(void **state)
{
    struct view *view;
    struct inn inn;
    int64_t moment, ingest;

    (void)state;
    inn_init(&inn);
    inn_read(&inn);
    moment = clock_wall_ns(&inn.house.clock.clock) + INT64_C(3000000000);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, moment, &view, NULL),
                     E_AS_OF_FUTURE);
    assert_int_equal(store_view_ahead(inn.house.store, inn.house.tenant, moment, &view, NULL), OK);
    assert_int_equal(view_as_of(view), moment);
    view_free(view);
    assert_int_equal(house_put(&inn.house, 1, 15, 1, &ingest), OK);
    assert_true(ingest > moment);
    inn_release(&inn);
}

/* --- deletions live on --- */

/* One that no row of ours needs may be needed by those of others: an erasure is carried out here,
 * and goes on to hide what others have. */
static void test_deletions_stay_where_there_are_others(void **state)
{
    struct op row = {.series = 1, .start = 0, .step = 1, .count = 10, .fields = 1};
    struct op erasure = {.deletes = true, .erases = true, .series = 1, .start = 2, .count = 6};

    (void)state;
    for (int others = 0; others < 2; others++) {
        struct read_row rows[20];
        struct inn inn;
        struct view *view;
        size_t count;

        inn_init(&inn);
        inn.author_count = others ? 2 : 0;
        inn_read(&inn);
        (void)apply(&inn.house, &row);
        house_seal(&inn.house);
        (void)apply(&inn.house, &erasure);
        house_seal(&inn.house);
        assert_int_equal(house_compact(&inn.house, false), 1);
        assert_int_equal(house_read(&inn.house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 4);
        assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL),
                         OK);
        (void)view_tombstones(view, &count);
        view_free(view);
        assert_int_equal(count, others);
        assert_int_equal(house_compact(&inn.house, false), 0);
        inn_release(&inn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_member_has_not_told_is_missing),
        cmocka_unit_test(test_s_is_not_before_what_others_stored),
        cmocka_unit_test(test_a_member_from_the_future_does_not_take_us_along),
        cmocka_unit_test(test_rows_that_come_late_change_the_etag),
        cmocka_unit_test(test_undelivered_rows_can_be_added_to_a_view),
        cmocka_unit_test(test_final_is_what_is_settled_at_the_asked_ones),
        cmocka_unit_test(test_a_reply_that_cannot_be_read_is_missing),
        cmocka_unit_test(test_a_reply_tells_which_versions_are_gone),
        cmocka_unit_test(test_s_is_above_what_chains_told),
        cmocka_unit_test(test_own_rows_come_above_what_was_delivered),
        cmocka_unit_test(test_who_told_more_than_s_can_be_is_named),
        cmocka_unit_test(test_s_can_be_ahead_of_the_clock),
        cmocka_unit_test(test_deletions_stay_where_there_are_others),
        cmocka_unit_test(test_two_members_answer_as_one_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
