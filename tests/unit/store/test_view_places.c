#include "codec/block_codec.h"
#include "store/packs/manifest.h"
#include "tests/unit/store/house.h"

enum { TEXT_SIZE = 300 * 1024, ROWS_MAX = 50000 };

static const struct bytes fields[] = {BYTES("v"), BYTES("w"), BYTES("s")};

/* One row of one field; its ingest time. */
static int64_t put(struct house *house, int64_t time, int64_t revision, const char *field,
                   enum value_type type, union cell value)
{
    struct sample_cell cell = {bytes_of(field), type, value};
    struct posting posting;
    int64_t ingest;

    posting_init(&posting, house);
    sample_row(&posting.batch, house_series(house, 1), time, revision, &cell, 1);
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    ingest = posting.submission.ingest;
    posting_release(&posting);
    return ingest;
}

static int64_t put_value(struct house *house, int64_t time, const char *field, int64_t value)
{
    return put(house, time, INT64_MIN, field, TYPE_I64, (union cell){.i64 = value});
}

static int64_t retract(struct house *house, int64_t time)
{
    return put(house, time, INT64_MIN, "v", TYPE_RETRACTED, (union cell){0});
}

static void put_text(struct house *house, int64_t time)
{
    static struct {
        uint32_t size;
        char data[TEXT_SIZE];
    } text;
    struct random random;

    random_seed(&random, (uint64_t)time);
    text.size = TEXT_SIZE;
    for (size_t i = 0; i < TEXT_SIZE; i++)
        text.data[i] = (char)('a' + random_below(&random, 26));
    (void)put(house, time, INT64_MIN, "s", TYPE_STRING,
              (union cell){.text = (const struct text *)&text});
}

/* Rows of "v" that no packing makes small, at the times [0, count) but for [hole, hole_end). */
static void put_rows(struct house *house, uint32_t count, uint32_t hole, uint32_t hole_end)
{
    struct posting posting;
    struct random random;

    random_seed(&random, 1);
    posting_init(&posting, house);
    for (uint32_t i = 0; i < count; i++)
        if (i < hole || i >= hole_end)
            posting_row(&posting, house_series(house, 1), i,
                        (int64_t)(random_next(&random) & INT64_MAX));
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
}

struct found {
    int64_t revision, ingest, settled;
    bool has_cell;
    enum value_type type;
    int64_t value;
};

/* The newest first; of copies of one row the one that stands for less. */
static int found_order(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    int order = version_compare(right->revision, right->ingest, left->revision, left->ingest);

    if (order != 0)
        return order;
    return left->settled < right->settled ? -1 : left->settled > right->settled;
}

/* What readers make of the places: the field at the time; false = no value. */
static bool read_field(struct house *house, int64_t as_of, bool versions, int64_t time,
                       uint32_t field, int64_t *value)
{
    const struct series *series = house_series(house, 1);
    struct found found[100];
    struct block_decoder *decoder;
    struct arena arena;
    struct view *view;
    struct place *places;
    size_t count = 0, place_count;
    bool valid = false;

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(store_view(house->store, house->tenant, as_of, &view, NULL), OK);
    assert_int_equal(view_places(view, series, INT64_MIN, INT64_MAX, versions, &arena, &places,
                                 &place_count, NULL),
                     OK);
    if (!versions)
        view_mark_alone(view, series, places, place_count);
    for (size_t p = 0; p < place_count; p++) {
        struct rows rows;

        assert_true(p == 0 || places[p - 1].time_first <= places[p].time_first);
        assert_int_equal(place_read(view, &places[p], series, fields, COUNT_OF(fields), decoder,
                                    &arena, &rows, NULL),
                         OK);
        for (uint32_t r = 0; r < rows.count; r++) {
            struct found *at = &found[count];
            int64_t ingest = rows.ingest == NULL ? places[p].ingest_last : rows.ingest[r];

            assert_true(rows.ingest != NULL || places[p].alone);
            if (rows.time[r] != time || ingest > view_as_of(view))
                continue;
            *at = (struct found){rows.revision == NULL ? INT64_MIN : rows.revision[r],
                                 ingest,
                                 places[p].settled,
                                 false,
                                 TYPE_NONE,
                                 0};
            for (uint32_t c = 0; c < rows.column_count; c++)
                if (rows.columns[c].field == field &&
                    (rows.columns[c].present == NULL || rows.columns[c].present[r])) {
                    at->has_cell = true;
                    at->type = rows.columns[c].type;
                    at->value = rows.columns[c].cells[r].i64;
                }
            assert_true(++count < COUNT_OF(found));
        }
    }
    qsort(found, count, sizeof(*found), found_order);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && found[i].ingest == found[i - 1].ingest)
            continue;
        if (!found[i].has_cell)
            continue;
        valid = found[i].type != TYPE_RETRACTED;
        *value = found[i].value;
        break;
    }
    view_free(view);
    block_decoder_free(decoder);
    arena_release(&arena);
    return valid;
}

static void expect(struct house *house, int64_t time, uint32_t field, bool wanted, int64_t want)
{
    for (int versions = 0; versions < 2; versions++) {
        int64_t have = 0;
        bool had = read_field(house, VIEW_LATEST, versions, time, field, &have);

        if (had != wanted || (wanted && have != want))
            fail_msg("time %lld, versions %d: %d %lld, not %d %lld", (long long)time, versions, had,
                     (long long)have, wanted, (long long)want);
    }
}

/* Makes a pair of small plain packs without the large one that is there. */
static void compact_apart_from(struct house *house, size_t pairs)
{
    bool did;

    assert_int_equal(store_step_compact(house->store, false, &did, NULL), OK);
    assert_true(did);
    assert_int_equal(house_packs(house, PACK_CURRENT, NULL), pairs + 1);
    assert_int_equal(house_packs(house, PACK_PLAIN, NULL), 0);
}

/* A row that came to nothing is in no current pack, and yet has a say in what another pair has. */
static void test_what_came_to_nothing_counts_against_another_pair(void **state)
{
    struct house house;
    int64_t first, last;

    (void)state;
    house_init(&house);
    house.limits.compact_packs_max = 2;
    house_open(&house);
    put_rows(&house, 20000, 0, 0);
    first = put_value(&house, 5, "v", 1);
    last = retract(&house, 5);
    house_seal(&house);
    assert_int_equal(house_compact(&house, true), 1);
    expect(&house, 5, 0, false, 0);
    assert_true(last - first > 1);
    (void)put(&house, 5, first + 1, "v", TYPE_I64, (union cell){.i64 = 7}); /* older news */
    house_seal(&house);
    (void)put_value(&house, 6, "w", 3);
    house_seal(&house);
    expect(&house, 5, 0, false, 0);
    compact_apart_from(&house, 1);
    expect(&house, 5, 0, false, 0);
    expect(&house, 6, 1, true, 3);
    house_close(&house);
    house_remove(&house);
}

/* A block of history goes over two blocks of current rows, and something touches one of them. */
static void test_a_row_and_its_versions_beside_each_other(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    put_rows(&house, 20000, 0, 0);
    (void)put_value(&house, 10, "w", 1);
    (void)retract(&house, 10);
    (void)put_value(&house, 5000, "v", 2);
    house_seal(&house);
    assert_int_equal(house_compact(&house, true), 1);
    expect(&house, 10, 0, false, 0);
    (void)put_value(&house, 5001, "v", 3);
    expect(&house, 10, 0, false, 0);
    expect(&house, 10, 1, true, 1);
    expect(&house, 5000, 0, true, 2);
    expect(&house, 5001, 0, true, 3);
    house_close(&house);
    house_remove(&house);
}

/* The versions of one time are in several blocks of history. */
static void test_versions_that_go_on_in_the_next_block(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    put_rows(&house, 100, 4, 6);
    (void)put_value(&house, 3, "w", 1);
    put_text(&house, 4); /* so that a block of current rows ends there */
    put_text(&house, 5);
    for (int i = 0; i < 4; i++)
        put_text(&house, 20);
    (void)retract(&house, 20);
    house_seal(&house);
    assert_int_equal(house_compact(&house, true), 1);
    expect(&house, 20, 0, false, 0);
    (void)put_value(&house, 3, "v", 8);
    expect(&house, 3, 0, true, 8);
    expect(&house, 20, 0, false, 0);
    house_close(&house);
    house_remove(&house);
}

/* A block of current rows with history, and what lets it answer alone. */
static void test_when_a_block_stands_apart(void **state)
{
    enum { HEAD = 1, PACKED, DELETED, OTHER_MEASUREMENT, BEHIND, EARLIER, VERSIONS };
    static const struct {
        const char *name;
        int what;
        bool apart;
    } cases[] = {
        {"nothing has a say",                   0,                 false},
        {"a row of the head between its times", HEAD,              true },
        {"a plain pack between its times",      PACKED,            true },
        {"a later deletion in its times",       DELETED,           true },
        {"a deletion of another measurement",   OTHER_MEASUREMENT, false},
        {"a row behind its times",              BEHIND,            false},
        {"as of before what is settled",        EARLIER,           true },
        {"every version is asked for",          VERSIONS,          true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct house house;
        struct view *view;
        struct place *places;
        struct arena arena;
        size_t count, apart = 0, history = 0;
        int64_t before, as_of = VIEW_LATEST;

        house_init(&house);
        house_open(&house);
        put_rows(&house, 10, 0, 0);
        before = put_value(&house, 4, "v", 2);
        (void)put_value(&house, 5, "v", 2);
        house_seal(&house);
        assert_int_equal(house_compact(&house, true), 1);
        if (cases[i].what == HEAD || cases[i].what == PACKED)
            (void)put_value(&house, 7, "v", 1);
        if (cases[i].what == PACKED)
            house_seal(&house);
        if (cases[i].what == BEHIND)
            (void)put_value(&house, 10, "v", 1);
        if (cases[i].what == EARLIER)
            as_of = before;
        if (cases[i].what == DELETED || cases[i].what == OTHER_MEASUREMENT) {
            struct posting posting;

            posting_init(&posting, &house);
            posting.tombstone = (struct tombstone){
                .selector.measurement = cases[i].what == DELETED ? BYTES("cpu") : BYTES("mem"),
                .start = 0,
                .end = 2};
            assert_int_equal(posting_submit(&posting, &house, NULL), OK);
            house_steps(&house);
            posting_release(&posting);
        }
        arena_init(&arena, SIZE_MAX, NULL);
        assert_int_equal(store_view(house.store, house.tenant, as_of, &view, NULL), OK);
        assert_int_equal(view_places(view, house_series(&house, 1), INT64_MIN, INT64_MAX,
                                     cases[i].what == VERSIONS, &arena, &places, &count, NULL),
                         OK);
        view_mark_alone(view, house_series(&house, 1), places, count);
        for (size_t p = 0; p < count; p++) {
            if (!places[p].in_pack)
                continue;
            apart += places[p].apart;
            history += pack_kind(places[p].source) == PACK_HISTORY;
            if (pack_kind(places[p].source) == PACK_CURRENT &&
                (places[p].settled == INT64_MIN) != places[p].apart)
                fail_msg("%s: deletions that are in the rows", cases[i].name);
            if (pack_kind(places[p].source) == PACK_CURRENT && places[p].alone == cases[i].apart)
                fail_msg("%s: alone, or not", cases[i].name);
        }
        if (apart != cases[i].apart || history != cases[i].apart)
            fail_msg("%s: %zu apart, %zu of history", cases[i].name, apart, history);
        view_free(view);
        arena_release(&arena);
        house_close(&house);
        house_remove(&house);
    }
}

/* "first..last" of the times of what is newer than `since` in all places, "" = nothing is. */
static const char *newer(const struct place *places, size_t count, int64_t since, char text[64])
{
    int64_t first, last, least = INT64_MAX, greatest = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        if (!place_times_since(&places[i], since, &first, &last))
            continue;
        least = first < least ? first : least;
        greatest = last > greatest ? last : greatest;
    }
    text[0] = '\0';
    if (least <= greatest)
        (void)snprintf(text, 64, "%lld..%lld", (long long)least, (long long)greatest);
    return text;
}

/* Of the head only the rows themselves, of a pack the whole block. */
static void test_times_of_what_is_newer(void **state)
{
    static const int64_t times[] = {50, 10, 40, 20, 30};
    int64_t ingest[COUNT_OF(times)];
    struct house house;
    char text[64];

    (void)state;
    house_init(&house);
    house_open(&house);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        ingest[i] = put_value(&house, times[i], "v", 1);
    for (int sealed = 0; sealed < 2; sealed++) {
        struct view *view = NULL;
        struct place *places = NULL;
        struct error err = {0};
        struct arena arena;
        size_t count = 0;

        if (sealed)
            house_seal(&house);
        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, &err), OK);
        assert_int_equal(view_newest(view), ingest[4]);
        assert_int_equal(view_places(view, house_series(&house, 1), INT64_MIN, INT64_MAX, true,
                                     &arena, &places, &count, &err),
                         OK);
        assert_string_equal(newer(places, count, ingest[4], text), "");
        assert_string_equal(newer(places, count, ingest[4] - 1, text),
                            sealed ? "10..50" : "30..30");
        assert_string_equal(newer(places, count, ingest[1], text), sealed ? "10..50" : "20..40");
        assert_string_equal(newer(places, count, 0, text), "10..50");
        view_free(view);
        arena_release(&arena);
    }
    house_close(&house);
    house_remove(&house);
}

/* Of a block that nothing else has a say in, they are told where its own rows need them. */
static void test_ingest_times_are_read_where_versions_need_them(void **state)
{
    enum { PLAIN, CORRECTED, RETRACTED };
    static const struct {
        const char *name;
        int what;
        bool told;
    } cases[] = {
        {"rows of different times",    PLAIN,     false},
        {"two versions of one row",    CORRECTED, true },
        {"a value that was retracted", RETRACTED, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct block_decoder *decoder;
        struct house house;
        struct arena arena;
        struct view *view;
        struct place *places;
        struct rows rows;
        size_t count;

        house_init(&house);
        house_open(&house);
        put_rows(&house, 10, 0, 0);
        if (cases[i].what == CORRECTED)
            (void)put_value(&house, 4, "v", 2);
        if (cases[i].what == RETRACTED)
            (void)retract(&house, 20);
        house_seal(&house);
        arena_init(&arena, SIZE_MAX, NULL);
        assert_int_equal(block_decoder_new(&decoder, NULL), OK);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        assert_int_equal(view_places(view, house_series(&house, 1), INT64_MIN, INT64_MAX, false,
                                     &arena, &places, &count, NULL),
                         OK);
        view_mark_alone(view, house_series(&house, 1), places, count);
        assert_int_equal(count, 1);
        assert_true(places->alone);
        assert_int_equal(place_read(view, places, house_series(&house, 1), fields, COUNT_OF(fields),
                                    decoder, &arena, &rows, NULL),
                         OK);
        if ((rows.ingest != NULL) != cases[i].told)
            fail_msg("%s", cases[i].name);
        view_free(view);
        block_decoder_free(decoder);
        arena_release(&arena);
        house_close(&house);
        house_remove(&house);
    }
}

static void test_want_of_memory_is_told(void **state)
{
    struct house house;
    struct view *view;
    struct place *places;
    struct arena arena;
    struct error err = {0};
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    put_rows(&house, 10, 0, 0);
    arena_init(&arena, 16, NULL);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(view_places(view, house_series(&house, 1), INT64_MIN, INT64_MAX, false, &arena,
                                 &places, &count, &err),
                     E_QUERY_MEMORY);
    view_free(view);
    arena_release(&arena);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_a_block_stands_apart),
        cmocka_unit_test(test_what_came_to_nothing_counts_against_another_pair),
        cmocka_unit_test(test_a_row_and_its_versions_beside_each_other),
        cmocka_unit_test(test_versions_that_go_on_in_the_next_block),
        cmocka_unit_test(test_times_of_what_is_newer),
        cmocka_unit_test(test_ingest_times_are_read_where_versions_need_them),
        cmocka_unit_test(test_want_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
