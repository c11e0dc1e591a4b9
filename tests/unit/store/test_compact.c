#include "catalog/match.h"
#include "model/rows.h"
#include "store/packs/manifest.h"
#include "tests/unit/store/house.h"

enum { SERIES = 3, TIMES = 12, FIELDS = 3, WRITTEN_MAX = 4000, DELETED_MAX = 200 };

static const struct bytes field_names[FIELDS] = {
    {"a", 1},
    {"b", 1},
    {"c", 1}
};

/* A version as it was written, or as the store gave it (then deletions up to `settled` are in it).
 */
struct version {
    uint32_t series;
    int64_t time, ingest, revision, settled;
    enum value_type type[FIELDS];
    int64_t value[FIELDS];
};

/* A deletion as it was asked for: of a series (SERIES = all), a field (FIELDS = all). */
struct deleted {
    int64_t ingest, start, end;
    uint32_t series, field;
    bool erase;
};

struct diary {
    struct house house;
    struct random random;
    struct version written[WRITTEN_MAX];
    size_t written_count;
    struct deleted deleted[DELETED_MAX];
    size_t deleted_count;
    int64_t newest;
    unsigned compactions, questions;
    bool scrubs;
};

static bool hides(const struct deleted *deleted, const struct version *version, uint32_t field,
                  int64_t as_of)
{
    return (deleted->erase || deleted->ingest <= as_of) && version->ingest < deleted->ingest &&
           version->settled < deleted->ingest && version->time >= deleted->start &&
           version->time < deleted->end &&
           (deleted->series == SERIES || deleted->series == version->series) &&
           (deleted->field == FIELDS || deleted->field == field);
}

/* The value of the field as of S: false = none. */
static bool come_to(const struct diary *diary, const struct version *versions, size_t count,
                    uint32_t series, int64_t time, uint32_t field, int64_t as_of, int64_t *value)
{
    const struct version *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct version *version = &versions[i];
        bool gone = version->series != series || version->time != time || version->ingest > as_of ||
                    version->type[field] == TYPE_NONE;

        for (size_t d = 0; !gone && d < diary->deleted_count; d++)
            gone = hides(&diary->deleted[d], version, field, as_of);
        if (!gone && (best == NULL || version_compare(version->revision, version->ingest,
                                                      best->revision, best->ingest) > 0))
            best = version;
    }
    if (best == NULL || best->type[field] == TYPE_RETRACTED)
        return false;
    *value = best->value[field];
    return true;
}

/* What the store gives of the series at S. */
static size_t ask(struct diary *diary, uint32_t series, int64_t as_of, bool versions,
                  struct version *got)
{
    const struct series *found = house_series(&diary->house, series);
    struct block_decoder *decoder;
    struct view *view;
    struct place *places;
    struct arena arena;
    size_t count = 0, place_count;

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(store_view(diary->house.store, diary->house.tenant, as_of, &view, NULL), OK);
    assert_int_equal(view_places(view, found, INT64_MIN, INT64_MAX, versions, &arena, &places,
                                 &place_count, NULL),
                     OK);
    for (size_t p = 0; p < place_count; p++) {
        struct rows rows;
        struct error err = {0};

        if (place_read(view, &places[p], found, field_names, FIELDS, decoder, &arena, &rows,
                       &err) != OK)
            fail_msg("%s", err.text);
        for (uint32_t r = 0; r < rows.count; r++) {
            struct version *version = &got[count++];

            assert_true(count < WRITTEN_MAX);
            *version = (struct version){
                .series = series,
                .time = rows.time[r],
                .ingest = rows.ingest[r],
                .revision = rows.revision == NULL ? INT64_MIN : rows.revision[r],
                .settled = places[p].settled,
            };
            for (uint32_t c = 0; c < rows.column_count; c++)
                if (rows.columns[c].present == NULL || rows.columns[c].present[r]) {
                    version->type[rows.columns[c].field] = rows.columns[c].type;
                    version->value[rows.columns[c].field] = rows.columns[c].cells[r].i64;
                }
        }
    }
    view_free(view);
    block_decoder_free(decoder);
    arena_release(&arena);
    return count;
}

/* Every row as of S comes to what was written, from rows that stand for their versions and from
 * the versions themselves. */
static void check(struct diary *diary, int64_t as_of)
{
    static struct version got[WRITTEN_MAX];

    for (uint32_t series = 0; series < SERIES; series++) {
        bool wanted[TIMES][FIELDS];
        int64_t want[TIMES][FIELDS] = {{0}};

        for (uint32_t at = 0; at < TIMES * FIELDS; at++)
            wanted[at / FIELDS][at % FIELDS] =
                come_to(diary, diary->written, diary->written_count, series, at / FIELDS,
                        at % FIELDS, as_of, &want[at / FIELDS][at % FIELDS]);
        for (int versions = 0; versions < 2; versions++) {
            size_t count = ask(diary, series, as_of, versions == 1, got);

            for (int64_t time = 0; time < TIMES; time++)
                for (uint32_t field = 0; field < FIELDS; field++) {
                    int64_t have = 0;
                    bool had = come_to(diary, got, count, series, time, field, as_of, &have);

                    diary->questions++;
                    if (wanted[time][field] != had || want[time][field] != have)
                        fail_msg("series %u time %lld field %u as of %lld%s: %d %lld, not %d %lld",
                                 series, (long long)time, field, (long long)as_of,
                                 versions ? " of all versions" : "", had, (long long)have,
                                 wanted[time][field], (long long)want[time][field]);
                }
        }
    }
}

static void submit(struct diary *diary, struct posting *posting)
{
    struct error err = {0};

    if (posting_submit(posting, &diary->house, &err) != OK)
        fail_msg("%s", err.text);
    house_steps(&diary->house);
    assert_int_equal(posting_wait(posting), OK);
    diary->newest = posting->submission.ingest;
}

static void write_some(struct diary *diary)
{
    uint64_t count = 1 + random_below(&diary->random, 5);
    bool used[SERIES][TIMES] = {{false}};
    size_t first = diary->written_count;
    struct posting posting;

    posting_init(&posting, &diary->house);
    for (uint64_t i = 0; i < count; i++) {
        struct version version = {
            .series = (uint32_t)random_below(&diary->random, SERIES),
            .time = (int64_t)random_below(&diary->random, TIMES),
            .revision = INT64_MIN,
            .settled = INT64_MIN,
        };
        struct sample_cell cells[FIELDS];
        uint32_t cell_count = 0;

        if (used[version.series][version.time])
            continue;
        used[version.series][version.time] = true;
        if (random_chance(&diary->random, 4) && diary->newest > 0)
            version.revision = diary->newest - (int64_t)random_below(&diary->random, 3000000000);
        for (uint32_t f = 0; f < FIELDS; f++) {
            if (!random_chance(&diary->random, 2) && !(f == FIELDS - 1 && cell_count == 0))
                continue;
            version.type[f] = random_chance(&diary->random, 8) ? TYPE_RETRACTED : TYPE_I64;
            version.value[f] =
                version.type[f] == TYPE_I64 ? (int64_t)random_below(&diary->random, 1000) : 0;
            cells[cell_count++] =
                (struct sample_cell){field_names[f], version.type[f], {.i64 = version.value[f]}};
        }
        sample_row(&posting.batch, house_series(&diary->house, version.series), version.time,
                   version.revision, cells, cell_count);
        assert_true(diary->written_count < WRITTEN_MAX);
        diary->written[diary->written_count++] = version;
    }
    submit(diary, &posting);
    for (size_t i = first; i < diary->written_count; i++)
        diary->written[i].ingest = diary->newest;
    posting_release(&posting);
}

static void delete_some(struct diary *diary, bool erase)
{
    struct deleted *deleted = &diary->deleted[diary->deleted_count++];
    char host[8];
    struct matcher matcher = {
        BYTES("host"), MATCH_EQUAL, {host, 2}
    };
    struct posting posting;

    assert_true(diary->deleted_count < DELETED_MAX);
    *deleted = (struct deleted){
        .start = (int64_t)random_below(&diary->random, TIMES),
        .series = (uint32_t)random_below(&diary->random, SERIES + 1),
        .field = (uint32_t)random_below(&diary->random, FIELDS * 2),
        .erase = erase,
    };
    deleted->field = deleted->field > FIELDS ? FIELDS : deleted->field;
    deleted->end = deleted->start + 1 + (int64_t)random_below(&diary->random, 6);
    snprintf(host, sizeof(host), "h%u", deleted->series);
    posting_init(&posting, &diary->house);
    posting.tombstone = (struct tombstone){
        .selector = {BYTES("cpu"), &matcher, deleted->series == SERIES ? 0 : 1},
        .start = deleted->start,
        .end = deleted->end,
        .fields = &field_names[deleted->field % FIELDS],
        .field_count = deleted->field == FIELDS ? 0 : 1,
        .erase = erase,
    };
    submit(diary, &posting);
    deleted->ingest = diary->newest;
    posting_release(&posting);
}

static void seal(struct diary *diary)
{
    bool did;

    assert_int_equal(store_step_seal(diary->house.store, true, &did, NULL), OK);
}

static void compact(struct diary *diary, bool force)
{
    struct error err = {0};
    bool did;

    if (store_step_compact(diary->house.store, force, &did, &err) != OK)
        fail_msg("%s", err.text);
    diary->compactions += did;
}

/* Overwriting what was erased takes longer than all else together: one diary of five has it. */
static void diary_open(struct diary *diary)
{
    static struct index_operations unscrubbed;

    house_open(&diary->house);
    if (diary->scrubs)
        return;
    unscrubbed = *diary->house.index->operations;
    unscrubbed.scrub = NULL;
    diary->house.index->operations = &unscrubbed;
}

static void diary_step(struct diary *diary, int64_t history_ns)
{
    uint64_t dice = random_below(&diary->random, 100);

    if (dice < 55)
        write_some(diary);
    else if (dice < 63)
        delete_some(diary, random_chance(&diary->random, 4));
    else if (dice < 78)
        seal(diary);
    else if (dice < 88)
        compact(diary, random_chance(&diary->random, 3));
    else if (dice < 95)
        diary->house.clock.wall_more += (int64_t)random_below(&diary->random, 1000000000);
    else if (dice < 96) {
        house_close(&diary->house);
        diary_open(diary);
    } else if (diary->newest > 0) {
        int64_t floor = clock_wall_ns(&diary->house.clock.clock) - history_ns;

        check(diary, diary->newest);
        if (history_ns == INT64_MAX)
            check(diary, diary->written[random_below(&diary->random, diary->written_count)].ingest);
        else if (floor < diary->newest)
            check(diary,
                  floor + (int64_t)random_below(&diary->random, (uint64_t)(diary->newest - floor)));
    }
}

/* Whatever was written, deleted, sealed and compacted in whatever order, an answer as of any moment
 * that may be asked for is the one that the versions give. */
static void test_answers_do_not_change(void **state)
{
    static const struct {
        const char *name;
        int64_t history_ns;
    } cases[] = {
        {"every version is kept",         INT64_MAX },
        {"versions are kept for a while", 1500000000},
        {"no version is kept",            1         },
    };
    unsigned compactions = 0, questions = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct diary *diary = calloc(1, sizeof(*diary));

        assert_non_null(diary);
        random_seed(&diary->random, seed);
        house_init(&diary->house);
        diary->house.history_ns = cases[seed % 3].history_ns;
        diary->house.limits.compact_packs_max = 2 + seed % 4;
        diary->scrubs = seed % 5 == 0;
        diary_open(diary);
        for (int step = 0; step < 250; step++)
            diary_step(diary, diary->house.history_ns);
        seal(diary);
        compactions += house_compact(&diary->house, true);
        check(diary, diary->newest);
        compactions += diary->compactions;
        questions += diary->questions;
        house_close(&diary->house);
        house_remove(&diary->house);
        free(diary);
    }
    printf("# %u compactions, %u questions\n", compactions, questions);
    assert_true(compactions > 500 && questions > 10000);
}

static void test_many_packs_become_one_pair(void **state)
{
    struct house house;
    struct view *view;
    size_t all;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 8; i++) {
        house_put_noise(&house, 1, (uint64_t)i); /* the same times: the last one wins */
        house_seal(&house);
    }
    assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), 8);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(house_compact(&house, false), 1);
    assert_int_equal(house_packs(&house, PACK_CURRENT, &all), 1);
    assert_int_equal(house_packs(&house, PACK_HISTORY, NULL), 1);
    assert_int_equal(all, 2);
    { /* who looks at the old packs still can */
        static struct read_row rows[200000];
        char path[160];

        assert_int_equal(house_read_view(&house, view, 1, rows, COUNT_OF(rows)), 160000);
        assert_true(house_path(&house, "packs/acme/0000000000000001.pack", path));
        view_free(view);
        assert_int_equal(house_compact(&house, false), 0);
        assert_false(house_path(&house, "packs/acme/0000000000000001.pack", path));
        assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 160000);
    }
    house_close(&house);
    house_open(&house);
    assert_int_equal(house_packs(&house, PACK_CURRENT, &all), 1);
    assert_int_equal(all, 2);
    house_close(&house);
    house_remove(&house);
}

static void test_rows_past_retention_go_with_their_packs(void **state)
{
    int64_t now, day = INT64_C(86400000000000);
    struct house house;
    size_t all;

    (void)state;
    house_init(&house);
    house.retention_ns = 10 * day;
    house_open(&house);
    now = clock_wall_ns(&house.clock.clock);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(house_put(&house, 1, now - (20 - i) * day, 5, NULL), OK);
        assert_int_equal(house_put(&house, 1, now - i * day, 5, NULL), OK);
        house_seal(&house);
    }
    house_compact(&house, true);
    {
        struct read_row rows[100];

        assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 15);
    }
    house.retention_ns = 1; /* the tenant's file says another */
    house.clock.wall_more += 3000000000;
    house_compact(&house, false);
    assert_int_equal(house_packs(&house, PACK_CURRENT, &all), 0);
    assert_int_equal(all, 0);
    house_close(&house);
    house_remove(&house);
}

/* A floor before 1970 is rounded towards the past, too. */
static void test_rows_within_a_long_retention_stay(void **state)
{
    int64_t now, year = INT64_C(365) * 86400000000000;
    struct read_row rows[100];
    struct house house;

    (void)state;
    house_init(&house);
    house.retention_ns = 100 * year;
    house_open(&house);
    now = clock_wall_ns(&house.clock.clock);
    assert_int_equal(house_put(&house, 1, now - 100 * year + year / 12, 5, NULL), OK);
    house_seal(&house);
    assert_int_equal(house_put(&house, 1, now, 5, NULL), OK);
    house_seal(&house);
    house_compact(&house, true);
    assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 10);
    house_close(&house);
    house_remove(&house);
}

static enum code hardly_any_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    (void)fs, (void)err;
    *bytes_free = 1000;
    return OK;
}

/* What makes room asks for none, even beside packs that are due to be merged. */
static void test_retention_goes_on_when_the_disk_is_full(void **state)
{
    int64_t now, day = INT64_C(86400000000000);
    struct error err = {0};
    struct house house;
    size_t all;
    bool did;

    (void)state;
    house_init(&house);
    house.retention_ns = day;
    house.limits.compact_packs_max = 2;
    house_open(&house);
    now = clock_wall_ns(&house.clock.clock);
    house_put_noise(&house, 1, 1); /* of 1970 */
    house_seal(&house);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(house_put(&house, 1, now, 5, NULL), OK);
        house_seal(&house);
    }
    house.fs.operations.space = hardly_any_space;
    if (store_step_compact(house.store, false, &did, &err) != OK)
        fail_msg("%s", err.text);
    assert_true(did);
    assert_int_equal(house_packs(&house, PACK_PLAIN, &all), 2);
    assert_int_equal(all, 2);
    assert_int_equal(store_step_compact(house.store, false, &did, &err), E_DISK_FULL);
    house_close(&house);
    house_remove(&house);
}

/* What was dropped is not there again when history is made longer: that is remembered. */
static void test_a_floor_does_not_sink(void **state)
{
    struct house house;
    struct view *view;
    int64_t floor = 0;

    (void)state;
    house_init(&house);
    house.history_ns = 1;
    house.clock.wall_stopped = clock_wall_ns(clock_system());
    house_open(&house);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(house_put(&house, 1, 0, 5, NULL), OK);
        house_seal(&house);
    }
    assert_int_equal(house_compact(&house, true), 1); /* the step of the floor is a second */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        if (i == 0)
            assert_int_equal(view_history_floor(view),
                             INT64_MIN); /* all is younger: nothing went */
        else if (i == 1)
            floor = view_history_floor(view);
        else
            assert_int_equal(view_history_floor(view), floor);
        assert_true(i == 0 || floor > 0);
        view_free(view);
        house.clock.wall_more += 2000000000;
        if (i == 1)
            house.history_ns = INT64_MAX;
        house_compact(&house, true);
        if (i == 2) {
            house_close(&house);
            house_open(&house);
        }
    }
    house_close(&house);
    house_remove(&house);
}

static enum code count_entry(void *context, struct bytes entry, struct error *err)
{
    (void)entry, (void)err;
    ++*(size_t *)context;
    return OK;
}

/* No deletion of rows can hide it. */
static void test_what_a_source_noted_once_keeps_no_deletion(void **state)
{
    (void)state;
    for (int noted = 0; noted < 2; noted++) {
        const struct tombstone_list *list;
        struct posting posting;
        struct house house;

        house_init(&house);
        house.history_ns = 1;
        house.clock.wall_stopped = clock_wall_ns(clock_system());
        house_open(&house);
        assert_int_equal(house_put(&house, 1, 0, 5, NULL), OK);
        if (noted)
            house_note(&house, 0);
        house_seal(&house);
        posting_init(&posting, &house);
        posting.tombstone =
            (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 0, .end = 3};
        house_post(&house, &posting);
        house_seal(&house);
        for (int i = 0; i < 60; i++) {
            house.clock.wall_more += 2000000000;
            assert_int_equal(house_put(&house, 1, 0, 5, NULL), OK);
            house_seal(&house);
            (void)house_compact(&house, false);
        }
        list = house.store->holdings[house.tenant->ordinal]->tombstones;
        if (list != NULL)
            assert_int_equal(list->count, 0);
        house_close(&house);
        house_remove(&house);
    }
}

/* Also those whose pack was not merged in the run that ended them. */
static void test_deletions_that_died_do_not_travel_on(void **state)
{
    const struct pack_list *list;
    struct house house;
    size_t carried = 0;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    for (int i = 0; i < 5; i++) {
        struct posting posting;

        posting_init(&posting, &house);
        posting.tombstone = (struct tombstone){
            .selector = {.measurement = BYTES("cpu")}, .start = 2, .end = 4, .erase = true};
        assert_int_equal(posting_submit(&posting, &house, NULL), OK);
        house_steps(&house);
        posting_release(&posting);
        assert_int_equal(house_put(&house, 1, 1000, 5, NULL), OK);
        house_seal(&house);
        house_compact(&house, false);
    }
    house_compact(&house, true);
    list = house.store->holdings[house.tenant->ordinal]->packs;
    for (size_t i = 0; i < list->count; i++)
        assert_int_equal(pack_walk_tombstones(list->packs[i], count_entry, &carried, NULL), OK);
    assert_int_equal(house.store->holdings[house.tenant->ordinal]->tombstones->count, 0);
    assert_int_equal(carried, 0);
    house_close(&house);
    house_remove(&house);
}

static void test_what_was_erased_is_in_no_file(void **state)
{
    struct house house;
    struct posting posting;
    size_t count;
    struct view *view;
    int64_t erased;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    house_compact(&house, true);
    posting_init(&posting, &house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("cpu")}, .start = 2, .end = 8, .erase = true};
    assert_int_equal(posting_submit(&posting, &house, NULL), OK);
    house_steps(&house);
    posting_release(&posting);
    house_seal(&house);
    assert_int_equal(house_compact(&house, false), 1); /* without being asked */
    {
        struct read_row rows[100];

        assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 4);
        assert_int_equal(rows[1].time, 1);
        assert_int_equal(rows[2].time, 8);
    }
    assert_int_equal(house_packs(&house, PACK_HISTORY, NULL), 0);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    (void)view_tombstones(view, &count);
    assert_int_equal(count, 0); /* nothing is left that it would hide */
    erased = view_deleted_last(view);
    assert_true(erased > 0);
    view_free(view);
    house_close(&house);
    house_open(&house); /* it is remembered that something was */
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(view_deleted_last(view), erased);
    view_free(view);
    house_close(&house);
    house_remove(&house);
}

static void test_a_damaged_pack_is_left_alone(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 4; i++) {
        house_put_noise(&house, 1, (uint64_t)i);
        house_seal(&house);
    }
    house_damage(&house, "packs/acme/0000000000000002.pack", 5000);
    {
        struct error err = {0};
        bool did;

        assert_int_equal(store_step_compact(house.store, true, &did, &err), OK);
        assert_true(did); /* it found the damage */
    }
    assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), 4);
    house_compact(&house, true); /* the others */
    assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), 1);
    assert_int_equal(house_packs(&house, PACK_CURRENT, NULL), 1);
    house_close(&house);
    house_remove(&house);
}

static void test_a_failure_of_the_disk_changes_nothing(void **state)
{
    enum { ROWS = 9000 }; /* in two blocks, in files of their own */

    (void)state;
    for (uint64_t n = 1;; n++) {
        static struct read_row rows[2 * ROWS + 1];
        struct house house;
        struct error err = {0};
        bool did, failed;

        house_init(&house);
        house_open(&house);
        for (int i = 0; i < 2; i++) {
            house_put_noise_rows(&house, 1, (uint64_t)i, ROWS);
            house_seal(&house);
        }
        house_fail(&house, n, false, E_DISK_FULL);
        failed = store_step_compact(house.store, true, &did, &err) != OK;
        house_fail(&house, 0, false, OK);
        assert_int_equal(did, !failed);
        assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), failed ? 2 : 0);
        assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 2 * ROWS);
        house_compact(&house, true); /* now it goes */
        assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), 0);
        assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 2 * ROWS);
        house_close(&house);
        house_remove(&house);
        if (!failed)
            break;
        assert_true(n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_do_not_change),
        cmocka_unit_test(test_many_packs_become_one_pair),
        cmocka_unit_test(test_rows_past_retention_go_with_their_packs),
        cmocka_unit_test(test_rows_within_a_long_retention_stay),
        cmocka_unit_test(test_retention_goes_on_when_the_disk_is_full),
        cmocka_unit_test(test_a_floor_does_not_sink),
        cmocka_unit_test(test_what_a_source_noted_once_keeps_no_deletion),
        cmocka_unit_test(test_deletions_that_died_do_not_travel_on),
        cmocka_unit_test(test_what_was_erased_is_in_no_file),
        cmocka_unit_test(test_a_damaged_pack_is_left_alone),
        cmocka_unit_test(test_a_failure_of_the_disk_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
