#include "store/view_pack.h"

#include "codec/block_codec.h"
#include "tests/unit/store/view_pack_sample.h"

static int open_house(void **state)
{
    static struct house house;

    house_init(&house);
    house_open(&house);
    *state = &house;
    return 0;
}

static int close_house(void **state)
{
    house_close(*state);
    house_remove(*state);
    return 0;
}

static struct view *view_of(struct house *house, int64_t as_of)
{
    struct view *view;

    assert_int_equal(store_view(house->store, house->tenant, as_of, &view, NULL), OK);
    return view;
}

/* Rows and fields of the pack as a text: "series time=field:value,... " in its own order. */
static void read_pack(struct house *house, const struct pack *pack, char *text, size_t room)
{
    struct block_decoder *decoder;
    const struct pack_block *blocks;
    struct arena arena;
    size_t count, size = 0;

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    blocks = pack_blocks(pack, &count);
    for (size_t b = 0; b < count; b++) {
        struct block_view view;
        struct bytes encoded;
        const int64_t *time;

        assert_int_equal(pack_read_block(pack, NULL, &blocks[b], &arena, &encoded, NULL), OK);
        assert_int_equal(block_open(encoded, &arena, &view, NULL), OK);
        assert_int_equal(block_read_time(decoder, &view, &arena, &time, NULL), OK);
        for (uint32_t s = 0; s < view.series_count; s++)
            for (uint32_t r = view.series_row_first[s]; r < view.series_row_first[s + 1]; r++) {
                for (uint32_t n = 1; n <= PACKED_SERIES; n++)
                    if (series_id_compare(house_series(house, n)->id, view.series[s]) == 0)
                        size += (size_t)snprintf(text + size, room - size, "%u %lld=", n,
                                                 (long long)time[r]);
                for (uint32_t c = 0; c < view.column_count; c++) {
                    const union cell *cells;
                    const uint8_t *present;

                    assert_int_equal(
                        block_read_column(decoder, &view, c, &arena, &cells, &present, NULL), OK);
                    if (present != NULL && !present[r])
                        continue;
                    size += (size_t)snprintf(text + size, room - size, "%.*s",
                                             BYTES_ARG(view.columns[c].name));
                    if (view.columns[c].type == TYPE_I64)
                        size += (size_t)snprintf(text + size, room - size, ":%lld,",
                                                 (long long)cells[r].i64);
                    else if (view.columns[c].type == TYPE_STRING)
                        size += (size_t)snprintf(text + size, room - size, ":'%.*s',",
                                                 (int)cells[r].text->size, cells[r].text->data);
                    else
                        size += (size_t)snprintf(text + size, room - size, ":null,");
                }
                size += (size_t)snprintf(text + size, room - size, " ");
                assert_true(size < room);
            }
    }
    block_decoder_free(decoder);
    arena_release(&arena);
}

static void expect(struct house *house, const struct view_pack_options *options, const char *want)
{
    struct pack *pack = packed(house, options);
    char text[4096] = "";

    if (pack != NULL)
        read_pack(house, pack, text, sizeof(text));
    if (strcmp(text, want) != 0)
        fail_msg("\"%s\", and not \"%s\"", text, want);
    pack_unref(pack);
}

static void put(struct house *house, uint32_t series, int64_t time, int64_t revision,
                const struct sample_cell *cells, uint32_t count)
{
    struct posting posting;

    posting_init(&posting, house);
    sample_row(&posting.batch, house_series(house, series), time, revision, cells, count);
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
}

static void put_v(struct house *house, uint32_t series, int64_t time, int64_t value)
{
    const struct sample_cell cell = {BYTES("v"), TYPE_I64, {.i64 = value}};

    put(house, series, time, INT64_MIN, &cell, 1);
}

static void test_head_and_packs_are_one_pack_in_order(void **state)
{
    struct house *house = *state;
    struct view_pack_options options;
    struct view *view;

    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    expect(house, &options, ""); /* nothing at all */
    view_free(view);
    put_v(house, 1, 20, 1);
    put_v(house, 1, 10, 2);
    house_seal(house);
    put_v(house, 1, 30, 3);
    put_v(house, 1, 10, 4); /* another version */
    put_v(house, 1, 15, 5);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    expect(house, &options, "1 10=v:2, 1 10=v:4, 1 15=v:5, 1 20=v:1, 1 30=v:3, ");
    options.start = 10;
    options.end = 20;
    expect(house, &options, "1 10=v:2, 1 10=v:4, 1 15=v:5, ");
    options.start = 31;
    options.end = 40;
    expect(house, &options, "");
    options.measurement = BYTES("mem"); /* whoever asks for series of it gives none */
    view_free(view);
}

/* A later revision time wins whatever came later. */
static void test_versions_stand_in_their_order(void **state)
{
    const struct sample_cell cells[] = {
        {BYTES("v"), TYPE_I64, {.i64 = 1}},
        {BYTES("v"), TYPE_I64, {.i64 = 2}},
        {BYTES("v"), TYPE_I64, {.i64 = 3}},
    };
    struct house *house = *state;
    struct view_pack_options options;
    struct view *view;
    int64_t now_ns = clock_wall_ns(clock_system());

    put(house, 2, 5, now_ns - 1000, &cells[0], 1);
    house_seal(house);
    put(house, 2, 5, now_ns - 3000, &cells[1], 1);
    house_seal(house);
    put(house, 2, 5, now_ns - 2000, &cells[2], 1);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    expect(house, &options, "2 5=v:2, 2 5=v:3, 2 5=v:1, ");
    view_free(view);
}

/* Also of a field that no value was ever written of here: it may be another member's. */
static void test_all_fields_and_retractions_are_in_it(void **state)
{
    struct house *house = *state;
    struct arena arena;
    struct view_pack_options options;
    struct view *view;

    arena_init(&arena, 1 << 20, NULL);
    {
        const struct sample_cell cells[] = {
            {BYTES("s"), TYPE_STRING, {.text = sample_text(&arena, "one", 3)}},
            {BYTES("v"), TYPE_I64,    {.i64 = 7}                             },
        };
        const struct sample_cell gone = {BYTES("strange"), TYPE_RETRACTED, {.i64 = 0}};
        const struct sample_cell other = {BYTES("w"), TYPE_I64, {.i64 = 8}};

        put(house, 1, 1, INT64_MIN, cells, 2);
        house_seal(house);
        put(house, 1, 1, INT64_MIN, &other, 1);
        house_seal(house);
        put(house, 1, 1, INT64_MIN, &gone, 1);
    }
    for (int sealed = 0; sealed < 2; sealed++) {
        view = view_of(house, VIEW_LATEST);
        options = packed_options(house, view);
        expect(house, &options, "1 1=s:'one',v:7, 1 1=w:8, 1 1=strange:null, ");
        view_free(view);
        if (sealed == 0)
            house_seal(house);
    }
    arena_release(&arena);
}

/* Rows above it are not told: they may be half of what was acknowledged. */
static void test_nothing_is_above_the_moment(void **state)
{
    struct house *house = *state;
    struct view_pack_options options;
    struct view *view;
    int64_t moment;

    put_v(house, 1, 1, 1);
    assert_int_equal(house_put(house, 1, 2, 1, &moment), OK);
    put_v(house, 1, 1, 3);
    put_v(house, 3, 1, 3);
    view = view_of(house, moment);
    options = packed_options(house, view);
    expect(house, &options, "1 1=v:1, 1 2=v:2, ");
    view_free(view);
}

/* A compacted pair is told as the versions that it stands for. */
static void test_a_pair_is_told_as_its_versions(void **state)
{
    struct house *house = *state;
    struct view_pack_options options;
    struct view *view;

    for (int64_t i = 0; i < 4; i++) {
        put_v(house, 1, 1, i);
        put_v(house, 1, 10 + i, 100 + i);
        house_seal(house);
    }
    assert_true(house_compact(house, true) > 0);
    assert_int_equal(house_packs(house, PACK_HISTORY, NULL), 1);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    expect(house, &options,
           "1 1=v:0, 1 1=v:1, 1 1=v:2, 1 1=v:3, 1 10=v:100, 1 11=v:101, 1 12=v:102, 1 13=v:103, ");
    view_free(view);
}

static enum code count_deletion(void *context, struct bytes entry, struct error *err)
{
    struct tombstone tombstone;
    struct arena arena;

    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(tombstone_decode(entry, &arena, &tombstone, err), OK);
    *(int64_t *)context = 10 * *(int64_t *)context + tombstone.start;
    arena_release(&arena);
    return OK;
}

static int64_t deletion(struct house *house, const char *measurement, int64_t start, int64_t end)
{
    struct posting posting;
    int64_t ingest;

    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = bytes_of(measurement)}, .start = start, .end = end};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    ingest = posting.submission.ingest;
    posting_release(&posting);
    return ingest;
}

/* The digits are where they begin. */
static void expect_deletions(struct house *house, const struct view_pack_options *options,
                             int64_t want)
{
    struct pack *pack = packed(house, options);
    int64_t got = 0;

    if (pack != NULL)
        assert_int_equal(pack_walk_tombstones(pack, count_deletion, &got, NULL), OK);
    assert_int_equal(got, want);
    pack_unref(pack);
}

static void test_deletions_of_the_measurement_and_range_are_in_it(void **state)
{
    struct house *house = *state;
    struct view_pack_options options;
    struct view *view;
    int64_t first = deletion(house, "cpu", 1, 5), last;

    (void)deletion(house, "mem", 2, 5);
    house_seal(house);
    (void)deletion(house, "cpu", 3, 9);
    last = deletion(house, "cpu", 4, 9);
    (void)deletion(house, "cpu", 7, 9);
    view = view_of(house, last);
    options = packed_options(house, view);
    expect_deletions(house, &options, 134); /* 7 came later */
    options.deletions_after = first;
    expect_deletions(house, &options, 34);
    options.deletions_after = INT64_MIN;
    options.start = 5;
    expect_deletions(house, &options, 34);
    options.end = 9;
    options.start = 4;
    expect_deletions(house, &options, 134);
    options.end = 3;
    options.start = 2;
    expect_deletions(house, &options, 1);
    view_free(view);
}

static void put_much(struct house *house)
{
    for (uint32_t series = 1; series <= PACKED_SERIES; series++)
        house_put_noise(house, series, series);
}

static void test_a_pack_is_as_large_as_it_may_be(void **state)
{
    struct house *house = *state;
    struct view *view;
    struct view_pack_options options;
    struct error err = {0};
    struct bytes bytes;
    size_t size;

    put_much(house);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    assert_int_equal(packed_make(house, &options, &bytes, NULL), OK);
    size = bytes.size;
    assert_true(size > 400000);
    free((void *)bytes.data);
    for (size_t more = 0; more < 3; more++) {
        options.bytes_max = size - 1 + more;
        assert_int_equal(packed_make(house, &options, &bytes, &err),
                         more == 0 ? E_QUERY_RESULT : OK);
        assert_int_equal(bytes.size, more == 0 ? 0 : size);
        free((void *)bytes.data);
    }
    assert_non_null(strstr(err.text, "peer_reply_bytes_max"));
    options.bytes_max = 100000; /* long before the end */
    assert_int_equal(packed_make(house, &options, &bytes, &err), E_QUERY_RESULT);
    view_free(view);
}

static void test_its_memory_is_counted_and_given_back(void **state)
{
    struct budget budget = {.bytes_max = (size_t)64 << 20};
    struct house *house = *state;
    struct view *view;
    struct view_pack_options options;
    struct view_pack *pack;
    struct error err = {0};
    struct bytes bytes;

    put_much(house);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    options.memory = &budget;
    assert_int_equal(view_pack_begin(&options, &pack, NULL), OK);
    assert_int_equal(view_pack_series(pack, house_series(house, 1), NULL), OK);
    assert_int_equal(view_pack_end(pack, &bytes, NULL), OK);
    assert_int_equal(budget_used(&budget), bytes.size); /* until the reply is sent */
    view_pack_free(pack);
    free((void *)bytes.data);
    assert_int_equal(budget_used(&budget), 0);

    options.memory_max = 100000; /* a series has more */
    assert_int_equal(packed_make(house, &options, &bytes, &err), E_QUERY_MEMORY);
    options.memory_max = 64 << 20;
    budget.bytes_max = (size_t)1 << 20; /* all questions together */
    assert_int_equal(view_pack_begin(&options, &pack, &err), OK);
    assert_int_equal(view_pack_series(pack, house_series(house, 1), &err), E_QUERY_MEMORY);
    view_pack_free(pack);
    budget.bytes_max = 1000;
    assert_int_equal(packed_make(house, &options, &bytes, &err), E_BUSY);
    assert_int_equal(budget_used(&budget), 0);
    view_free(view);
}

static void test_a_pack_that_is_damaged_is_named(void **state)
{
    struct house *house = *state;
    struct view *view;
    struct view_pack_options options;
    struct error err = {0};
    struct bytes bytes;

    put_much(house);
    house_seal(house);
    house_damage(house, "packs/acme/0000000000000001.pack", 5000);
    view = view_of(house, VIEW_LATEST);
    options = packed_options(house, view);
    assert_int_equal(packed_make(house, &options, &bytes, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "acme/0000000000000001"));
    view_free(view);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_head_and_packs_are_one_pack_in_order),
        TEST(test_versions_stand_in_their_order),
        TEST(test_all_fields_and_retractions_are_in_it),
        TEST(test_nothing_is_above_the_moment),
        TEST(test_a_pair_is_told_as_its_versions),
        TEST(test_deletions_of_the_measurement_and_range_are_in_it),
        TEST(test_a_pack_is_as_large_as_it_may_be),
        TEST(test_its_memory_is_counted_and_given_back),
        TEST(test_a_pack_that_is_damaged_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
