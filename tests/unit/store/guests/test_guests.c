#include "store/guests/guests.h"

#include "store/packs/pack_stub.h"
#include "tests/unit/store/guests/inn.h"

enum { ROWS_MAX = 100000 };

/* Member 2 has exactly the rows of member 1. */
static void expect_same(struct inn *inn, uint32_t series)
{
    static struct read_row theirs[ROWS_MAX], ours[ROWS_MAX];
    size_t want = house_read(&inn->author.house, series, VIEW_LATEST, theirs, ROWS_MAX);
    size_t have = house_read(&inn->house, series, VIEW_LATEST, ours, ROWS_MAX);

    assert_int_equal(have, want);
    assert_memory_equal(ours, theirs, have * sizeof(ours[0]));
}

static void put_noise(struct inn *inn, uint64_t seed)
{
    house_put_noise(&inn->author.house, 1, seed);
    house_seal(&inn->author.house);
}

static uint64_t fetched(struct inn *inn)
{
    return house_metric(&inn->house, "weir_guests_bytes_total", METRIC_COUNTER, "shard=\"north\"");
}

static void test_rows_of_another_member_are_read(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_add_pack(&inn.author, 2, 5);
    inn_pass(&inn);
    assert_int_equal(inn_packs(&inn), 2);
    expect_same(&inn, 1);
    expect_same(&inn, 2);
    assert_int_equal(catalog_series_count(inn.house.catalog, inn.house.tenant), 2);
    assert_int_equal(catalog_kind(inn.house.catalog, inn.house.tenant, BYTES("cpu"), BYTES("v")),
                     KIND_NUMBER);
    assert_int_equal(house_metric(&inn.house, "weir_guests_packs", METRIC_GAUGE, "shard=\"north\""),
                     2);
    inn_expect_missing(&inn, NULL);
    inn_release(&inn);
}

/* Of a large pack little is here: its blocks are brought as those of our own that are away. */
static void test_blocks_of_a_large_pack_are_brought(void **state)
{
    struct inn inn;
    struct pack *pack;

    (void)state;
    inn_init(&inn);
    put_noise(&inn, 5);
    inn_pass(&inn);
    pack = inn_guests(&inn)->parts[0].packs[0];
    assert_true(pack_is_away(pack));
    assert_true(pack_is_guest(pack));
    assert_string_equal(pack_shard(pack), "north");
    assert_non_null(strstr(pack_name(pack), "of member 1"));
    expect_same(&inn, 1);
    inn_release(&inn);
}

/* ... of the shard that it lies at, whatever the index says of a number of our own. */
static void test_our_own_packs_of_the_same_number_do_not_matter(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(house_put(&inn.house, 2, i, 1, NULL), OK);
        house_seal(&inn.house);
    }
    put_noise(&inn, 5);
    inn_pass(&inn);
    expect_same(&inn, 1);
    house_expect(&inn.house, 2, 0, 5);
    inn_release(&inn);
}

/* What is kept need not be fetched at the next start; what was damaged is. */
static void test_a_restart_uses_what_is_kept(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    put_noise(&inn, 5);
    depot_add_pack(&inn.author, 2, 0);
    inn_pass(&inn);
    assert_true(fetched(&inn) > 150000);
    inn_leave(&inn);
    inn_enter(&inn);
    inn_expect_missing(&inn, "other members have not been looked for yet");
    inn_read(&inn);
    assert_int_equal(fetched(&inn), 0);
    inn_expect_missing(&inn, NULL);
    expect_same(&inn, 1);
    expect_same(&inn, 2);
    inn_release(&inn);
}

struct files {
    struct inn *inn;
    size_t count;
    bool damage;
};

static void count_file(void *context, const char *name)
{
    struct files *files = context;
    char path[96];

    (void)snprintf(path, sizeof(path), "guests/acme/north/%.60s", name);
    if (files->damage)
        house_damage(&files->inn->house, path, 10);
    files->count++;
}

static size_t files_of(struct inn *inn, bool damage)
{
    struct files files = {inn, 0, damage};

    assert_int_equal(fs_list(&inn->house.fs.fs, "guests/acme/north", count_file, &files, NULL), OK);
    return files.count;
}

static void test_damaged_files_are_fetched_again(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    put_noise(&inn, 5);
    depot_add_pack(&inn.author, 2, 0);
    inn_pass(&inn);
    inn_leave(&inn);
    inn_enter(&inn);
    assert_int_equal(files_of(&inn, true), 3);
    inn_read(&inn);
    assert_true(fetched(&inn) > 150000);
    expect_same(&inn, 1);
    expect_same(&inn, 2);
    inn_release(&inn);
}

/* What the chain names no more goes, also where it was taken out while we were not there. */
static void test_files_that_nobody_names_go(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct inn inn;

        inn_init(&inn);
        put_noise(&inn, 5);
        for (int64_t i = 0; i < 6; i++)
            depot_add_pack(&inn.author, 2, i * 10);
        inn_pass(&inn);
        assert_int_equal(files_of(&inn, false), 8);
        if (!there)
            inn_leave(&inn);
        (void)house_compact(&inn.author.house, true);
        depot_drain(&inn.author);
        if (!there)
            inn_enter(&inn);
        inn_pass(&inn);
        assert_true(files_of(&inn, false) <= 4);
        expect_same(&inn, 1);
        expect_same(&inn, 2);
        inn_release(&inn);
    }
}

/* Until it answers, what is there is missing; it is not asked all the time. */
static void test_a_shard_that_is_down_is_told(void **state)
{
    struct inn inn;
    uint64_t calls;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    inn.author.north.fail_at = 1;
    inn.author.north.fail_on = true;
    inn_read(&inn);
    inn_expect_missing(&inn, "member 1: what it delivered to shard north could not be read yet");
    calls = inn.author.north.calls;
    for (int i = 0; i < 100; i++)
        (void)guests_step(inn.guests);
    assert_int_equal(inn.author.north.calls, calls);
    assert_int_equal(
        house_metric(&inn.house, "weir_guests_failures_total", METRIC_COUNTER, "shard=\"north\""),
        1);
    fake_heal(&inn.author.north);
    inn.house.clock.monotonic_more += 60000000000;
    inn_read(&inn);
    inn_expect_missing(&inn, NULL);
    expect_same(&inn, 1);
    /* Down again, what is known stays known: a small pack is all here. */
    inn.author.north.fail_at = 1;
    inn.author.north.fail_on = true;
    inn_read(&inn);
    inn_expect_missing(&inn, NULL);
    expect_same(&inn, 1);
    fake_heal(&inn.author.north);
    inn_release(&inn);
}

/* Whatever call fails, rows are there or told as missing, and all there in the end. */
static void test_each_call_may_fail(void **state)
{
    uint64_t calls = 1;

    (void)state;
    for (uint64_t n = 1; n <= calls; n++) {
        struct inn inn;
        uint64_t before;

        inn_init(&inn);
        put_noise(&inn, 5);
        depot_add_pack(&inn.author, 2, 0);
        depot_drain(&inn.author);
        before = inn.author.north.calls;
        inn.author.north.fail_at = before + n;
        inn_read(&inn);
        if (inn.author.north.failed > 0)
            inn_expect_missing(&inn, "member 1");
        for (int i = 0; i < 3; i++) {
            inn.house.clock.monotonic_more += 60000000000;
            inn_read(&inn);
        }
        calls = inn.author.north.calls - before - 4;
        inn_expect_missing(&inn, NULL);
        expect_same(&inn, 1);
        expect_same(&inn, 2);
        inn_release(&inn);
    }
    assert_true(calls > 5);
}

/* Whatever is asked of one chain fails, as if there were no right to it. */
static enum code denied_get(struct archive *archive, struct bytes database,
                            enum archive_collection collection, struct bytes id, struct buf *body,
                            struct error *err)
{
    char hex[HASH128_TEXT_SIZE];
    struct hash128 denied = {{9}};

    hash128_print(&denied, hex);
    if (id.size > strlen(hex) && memcmp(id.data, hex, strlen(hex)) == 0)
        return error_set(err, E_CONFIG, "no access");
    return fake_get(archive, database, collection, id, body, err);
}

static enum code denied_open(void *context, const char *shard, struct archive **archive,
                             struct error *err)
{
    static struct archive_operations operations;
    enum code code = inn_open(context, shard, archive, err);

    if (code == OK) {
        operations = *(*archive)->operations;
        operations.get = denied_get;
        (*archive)->operations = &operations;
    }
    return code;
}

/* Chains that always fail do not keep others waiting. */
static void test_a_chain_that_is_denied_harms_no_other(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct inn inn;

        inn_init(&inn);
        inn.rules.open = denied_open;
        inn.authors[2] = (struct guest_author){9, {{9}}, false};
        inn.author_count = 3;
        if (first) {
            inn.authors[2] = inn.authors[0];
            inn.authors[0] = (struct guest_author){9, {{9}}, false};
        }
        depot_add_pack(&inn.author, 1, 0);
        depot_drain(&inn.author);
        for (int i = 0; i < 4; i++) {
            inn.house.clock.monotonic_more += 60000000000;
            inn_read(&inn);
        }
        expect_same(&inn, 1);
        inn_expect_missing(&inn, "member 9: what it delivered to shard north could not be read");
        inn_release(&inn);
    }
}

/* What a member listed before it left may not be here yet: it is named until its chains were read
 * to their end since then. */
static void test_one_that_left_is_named_until_its_last_words_are_read(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_expect_missing(&inn, NULL);
    depot_add_pack(&inn.author, 2, 0);
    depot_drain(&inn.author);
    assert_int_equal(house_put(&inn.house, 1, 100, 1, NULL), OK);
    inn.authors[0].active = false;
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    inn_expect_missing(&inn, "member 1: what it delivered to shard north could not be read yet");
    assert_int_equal(inn_packs(&inn), 1);
    inn_read(&inn);
    inn_read(&inn);
    inn_expect_missing(&inn, NULL);
    assert_int_equal(inn_packs(&inn), 2);
    inn.authors[0].active = true; /* it is back */
    assert_int_equal(house_put(&inn.house, 1, 101, 1, NULL), OK);
    inn_read(&inn);
    inn_expect_missing(&inn, "member 1 has told up to");
    inn_release(&inn);
}

/* A registry that was emptied gave its number to another data directory: what it wrote is read,
 * also what it delivers later, and it is named for what it did not deliver. */
static void test_one_whose_number_another_got_is_read_on(void **state)
{
    struct depot other = {
        .rules = {.context = &other, .shard_of = depot_shard_of, .open = depot_open_archive}
    };
    struct inn inn;

    (void)state;
    inn_init(&inn);
    house_init(&other.house);
    depot_open(&other);
    other.house.store->members = MEMBERS_SOME;
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    depot_add_pack(&other, 2, 0);
    depot_drain(&other); /* later: what it lists goes beyond all of member 1 */
    for (size_t i = 0; i < other.north.count; i++) {
        const struct fake_document *document = &other.north.documents[i];

        fake_insert(&inn.author.north, document->database, document->collection,
                    bytes_of(document->id), (struct bytes){document->body, document->size});
    }
    inn.authors[0] = (struct guest_author){1, other.house.store->incarnation, true};
    inn_read(&inn);
    assert_int_equal(inn_packs(&inn), 2);
    depot_add_pack(&inn.author, 1, 10);
    inn_expect_missing(&inn, "member 1 has told up to");
    inn_pass(&inn);
    assert_int_equal(inn_packs(&inn), 3);
    expect_same(&inn, 1);
    house_expect(&inn.house, 2, 0, 10);
    inn.authors[2] = (struct guest_author){3, inn.author.house.store->incarnation, false};
    inn.author_count = 3; /* it is back, and has left, as has the other one */
    inn.authors[0].active = false;
    inn_read(&inn);
    inn_read(&inn);
    inn_expect_missing(&inn, NULL);
    depot_release(&other);
    inn_release(&inn);
}

/* A registry that was emptied and filled again may have two records of one member: it is named
 * once, and lives when one of them says so, whichever. */
static void test_one_with_two_records_is_named_once(void **state)
{
    struct inn inn;
    char text[4096];
    struct view_told told = {.through = INT64_MAX, .settled = INT64_MAX, .floor = INT64_MIN};

    (void)state;
    for (size_t left = 0; left < 3; left++) { /* neither, the first, the second */
        struct view *view;
        size_t count;

        inn_init(&inn);
        inn.authors[2] = (struct guest_author){5, inn.author.house.store->incarnation, left != 2};
        inn.authors[0].active = left != 1;
        inn.author_count = 3;
        depot_add_pack(&inn.author, 1, 0);
        inn_pass(&inn);
        assert_int_equal(inn_guests(&inn)->member_count, 1);
        assert_true(inn_guests(&inn)->members[0].active);
        depot_add_pack(&inn.author, 1, 10); /* it lives: its last words are not read yet */
        assert_int_equal(house_put(&inn.house, 1, 100, 1, NULL), OK);
        inn_missing(&inn, text, sizeof(text));
        assert_non_null(strstr(text, "has told up to"));
        assert_int_equal(strchr(text, '\n') - text, (ptrdiff_t)strlen(text) - 1); /* once */
        told.member = left == 1 ? 5 : 1;
        told.incarnation = inn.author.house.store->incarnation;
        assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL),
                         OK);
        assert_int_equal(view_add_told(view, &told, 1, NULL), OK);
        (void)view_missing(view, &count);
        assert_int_equal(count, 0); /* it has been asked, and all is told */
        view_free(view);
        inn_release(&inn);
    }
}

/* A document that is gone or is another one: that pack is missing, by name, and the others are
 * not. */
static void test_a_pack_that_is_lost_is_named(void **state)
{
    struct inn inn;
    struct fake_archive *north;
    size_t lost = SIZE_MAX;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_add_pack(&inn.author, 2, 0);
    depot_drain(&inn.author);
    north = &inn.author.north;
    for (size_t i = 0; i < north->count && lost == SIZE_MAX; i++)
        if (north->documents[i].collection == ARCHIVE_PACKS)
            lost = i;
    fake_delete(north, &north->documents[lost]);
    inn_read(&inn);
    inn_expect_missing(&inn, "is there no more");
    inn_expect_missing(&inn, "at shard north");
    assert_int_equal(inn_packs(&inn), 1);
    expect_same(&inn, 2);
    inn_release(&inn);
}

/* Another kind of values in a field than ours: they are left out, and that is told. */
static void test_a_field_of_another_kind_is_left_out(void **state)
{
    const struct bytes field = BYTES("v");
    struct block_decoder *decoder;
    struct place *places;
    struct arena arena;
    struct rows rows;
    struct view *view;
    struct inn inn;
    size_t count;

    (void)state;
    inn_init(&inn);
    assert_int_equal(catalog_claim(inn.house.catalog, inn.house.tenant, BYTES("cpu"), field,
                                   TYPE_STRING, 100, NULL),
                     OK);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_expect_missing(&inn,
                       "of member 1 at shard north: field \"v\" of measurement \"cpu\" holds");
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(store_view(inn.house.store, inn.house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(view_places(view, house_series(&inn.house, 1), 0, 100, false, &arena, &places,
                                 &count, NULL),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(place_read(view, &places[0], house_series(&inn.house, 1), &field, 1, decoder,
                                &arena, &rows, NULL),
                     OK);
    assert_int_equal(rows.count, 10);
    assert_int_equal(rows.column_count, 0);
    view_free(view);
    block_decoder_free(decoder);
    arena_release(&arena);
    inn_release(&inn);
}

/* Alone, or without a registry that is known, nothing is asked of a shard. */
static void test_who_is_alone_misses_nothing(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.authors[0] = inn.authors[1];
    inn.author_count = 1;
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_expect_missing(&inn, NULL);
    assert_null(inn_guests(&inn));
    assert_int_equal(inn.house.store->members, MEMBERS_NONE);
    inn.survey_code = E_NOT_READY;
    assert_int_equal(guests_look(inn.guests, NULL), E_NOT_READY);
    inn_expect_missing(&inn, NULL);
    inn_release(&inn);
}

/* A tenant that moved is asked for at all its shards, and nothing counts twice. */
static void test_all_shards_that_a_tenant_had_are_read(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.shard_count = 2;
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    inn.author.everybody = "south";
    depot_add_pack(&inn.author, 1, 10);
    inn.author.south.fail_at = 1;
    inn.author.south.fail_on = true;
    (void)depot_step(&inn.author);
    inn_read(&inn);
    assert_int_equal(inn_packs(&inn), 1); /* at the first one still */
    fake_heal(&inn.author.south);
    inn.house.clock.monotonic_more += 60000000000;
    inn_pass(&inn);
    assert_int_equal(inn_packs(&inn), 2);
    expect_same(&inn, 1);
    inn_expect_missing(&inn, NULL);
    inn_release(&inn);
}

/* With threads, as the server has it. */
static void test_threads_do_it_by_themselves(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    assert_int_equal(guests_start(inn.guests, NULL), OK);
    for (int i = 0; i < 1000; i++) {
        static struct read_row rows[ROWS_MAX];

        if (house_read(&inn.house, 1, VIEW_LATEST, rows, ROWS_MAX) == 10)
            break;
        usleep(10000);
    }
    house_expect(&inn.house, 1, 0, 10);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_another_member_are_read),
        cmocka_unit_test(test_blocks_of_a_large_pack_are_brought),
        cmocka_unit_test(test_our_own_packs_of_the_same_number_do_not_matter),
        cmocka_unit_test(test_a_restart_uses_what_is_kept),
        cmocka_unit_test(test_damaged_files_are_fetched_again),
        cmocka_unit_test(test_files_that_nobody_names_go),
        cmocka_unit_test(test_a_shard_that_is_down_is_told),
        cmocka_unit_test(test_each_call_may_fail),
        cmocka_unit_test(test_a_chain_that_is_denied_harms_no_other),
        cmocka_unit_test(test_one_that_left_is_named_until_its_last_words_are_read),
        cmocka_unit_test(test_one_whose_number_another_got_is_read_on),
        cmocka_unit_test(test_one_with_two_records_is_named_once),
        cmocka_unit_test(test_a_pack_that_is_lost_is_named),
        cmocka_unit_test(test_a_field_of_another_kind_is_left_out),
        cmocka_unit_test(test_who_is_alone_misses_nothing),
        cmocka_unit_test(test_all_shards_that_a_tenant_had_are_read),
        cmocka_unit_test(test_threads_do_it_by_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
