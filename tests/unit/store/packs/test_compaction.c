#include "store/packs/compaction.h"

#include "store/packs/period.h"
#include "tests/unit/store/packs/pack_sample.h"

enum { PACKS_MAX = 200, SEED = 1 };

static const int64_t hour = INT64_C(3600000000000);

/* A pack with `rows` rows at the times [first, last]; 0 rows: none. */
struct sample_pack {
    uint64_t number;
    enum pack_kind kind;
    int64_t first, last;
    uint32_t rows;
    bool flagged; /* a block has history */
    int64_t ingest, settled, floor;
    bool notes; /* of a source */
};

static struct pack *make(struct pack_fixture *fixture, const struct sample_pack *sample)
{
    enum { ROWS_MAX = 64 };
    static int64_t time[ROWS_MAX], ingest[ROWS_MAX];
    static union cell cells[ROWS_MAX];
    static const uint8_t history[ROWS_MAX] = {1};
    static const uint32_t ends[] = {0, 0};
    struct pack_identity identity = {.tenant = BYTES("acme"),
                                     .number = sample->number,
                                     .kind = sample->kind,
                                     .settled = sample->settled,
                                     .floor = sample->floor};
    struct bytes measurement = sample->notes ? BYTES("\x01grid") : BYTES("m000");
    struct sample_series *series = sample_series_make(&fixture->arena, measurement, 1);
    struct block_column column = {BYTES("v"), TYPE_I64, cells, NULL};
    uint32_t row_first[] = {ends[0], sample->rows};
    struct block block = {.measurement = measurement,
                          .row_count = sample->rows,
                          .series_count = 1,
                          .series = &series[0].id,
                          .series_row_first = row_first,
                          .time = time,
                          .ingest = ingest,
                          .history = sample->flagged ? history : NULL,
                          .columns = &column,
                          .column_count = 1};
    struct pack_writer *writer;
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;
    struct pack *pack = NULL;

    assert_true(sample->rows <= ROWS_MAX);
    for (uint32_t i = 0; i < sample->rows; i++) {
        time[i] = i + 1 == sample->rows ? sample->last : sample->first;
        ingest[i] = sample->ingest + i;
        cells[i].u64 = random_next(&fixture->random);
    }
    if (sample->kind == PACK_PLAIN)
        identity.settled = identity.floor = INT64_MIN;
    assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, &err), OK);
    if (sample->rows > 0) {
        assert_int_equal(pack_writer_block(writer, &block, NULL), OK);
        assert_int_equal(pack_writer_series(writer, series[0].id, series[0].key, NULL), OK);
    }
    if (pack_writer_finish(writer, &summary, &bytes, &err) || pack_open_memory(bytes, &pack, &err))
        fail_msg("%s", err.text);
    free((void *)bytes.data);
    return pack;
}

static size_t make_all(struct pack_fixture *fixture, const struct sample_pack *samples,
                       size_t count_max, struct pack **packs)
{
    size_t count = 0;

    for (; count < count_max && samples[count].number != 0; count++)
        packs[count] = make(fixture, &samples[count]);
    return count;
}

static void release(struct pack_fixture *fixture, struct pack **packs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pack_unref(packs[i]);
    arena_release(&fixture->arena);
}

#define PLAIN(n, from, to)                                                                         \
    {                                                                                              \
        n, PACK_PLAIN, from, to, 4, false, 100, 0, 0, false                                        \
    }
#define CURRENT(n, from, to, has, since)                                                           \
    {                                                                                              \
        n, PACK_CURRENT, from, to, 4, has, 100, 200, since, false                                  \
    }
#define HISTORY(n, from, to, since)                                                                \
    {                                                                                              \
        n, PACK_HISTORY, from, to, 4, false, 100, 200, since, false                                \
    }

#define NOTES(n, kind, from, to, rows)                                                             \
    {                                                                                              \
        n, kind, from, to, rows, false, 100, 200, 0, true                                          \
    }

/* Which packs are taken, in whatever order, as their numbers. */
static void test_which_packs_are_merged(void **state)
{
    static const struct tombstone erases[] = {
        {.ingest = 500, .start = 0, .end = 15, .erase = true}
    };
    static const struct tombstone hides[] = {
        {.ingest = 500, .start = 0, .end = 15}
    };
    static const uint64_t bad_second[] = {2};
    static const struct {
        const char *name;
        struct sample_pack packs[6];
        struct compaction_wish wish;
        uint64_t want[6]; /* ascending */
    } cases[] = {
        {"nothing",                                                                           {{0}},                                            {.plain_max = 2, .force = true}, {0}      },
        {"fewer plain packs than many",                                                       {PLAIN(1, 0, 9), PLAIN(2, 0, 9)},                 {.plain_max = 3},                {0}      },
        {"as many",                                                                           {PLAIN(1, 0, 9), PLAIN(2, 0, 9), PLAIN(3, 0, 9)}, {.plain_max = 3},                {1, 2, 3}},
        {"one, asked for",                                                                    {PLAIN(1, 0, 9)},                                 {.plain_max = 3, .force = true}, {1}      },
        {"a pair alone stays",
         {CURRENT(1, 0, 9, true, 0), HISTORY(2, 0, 9, 0)},
         {.plain_max = 2, .force = true},
         {0}                                                                                                                                                                              },
        {"a small pair of the same times goes along, whole",
         {CURRENT(1, 0, 9, true, 0), HISTORY(2, 0, 9, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2},
         {1, 2, 3, 4}                                                                                                                                                                     },
        {"a pair of other times does not",
         {CURRENT(1, 20, 29, true, 0), HISTORY(2, 20, 29, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2},
         {3, 4}                                                                                                                                                                           },
        {"it is in between: taken by what its history covers",
         {CURRENT(1, 20, 29, true, 0), HISTORY(2, 6, 29, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2},
         {1, 2, 3, 4}                                                                                                                                                                     },
        {"a current pack without its history is left alone",
         {CURRENT(1, 0, 9, true, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2, .force = true},
         {3, 4}                                                                                                                                                                           },
        {"one that needs none is not",
         {CURRENT(1, 0, 9, false, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2},
         {1, 3, 4}                                                                                                                                                                        },
        {"a history whose current pack is missing is left alone",
         {HISTORY(2, 0, 9, 0), PLAIN(3, 5, 6), PLAIN(4, 5, 6)},
         {.plain_max = 2, .force = true},
         {3, 4}                                                                                                                                                                           },
        {"two pairs of the same times, asked for",
         {CURRENT(1, 0, 9, true, 0), HISTORY(2, 0, 9, 0), CURRENT(5, 9, 12, false, 0)},
         {.plain_max = 2, .force = true},
         {1, 2, 5}                                                                                                                                                                        },
        {"two pairs that meet nowhere, asked for",
         {CURRENT(1, 0, 9, true, 0), HISTORY(2, 0, 9, 0), CURRENT(5, 10, 12, false, 0)},
         {.plain_max = 2, .force = true},
         {0}                                                                                                                                                                              },
        {"a bad pack is left alone",
         {PLAIN(1, 0, 9), PLAIN(2, 0, 9), PLAIN(3, 0, 9)},
         {.plain_max = 2, .bad = bad_second, .bad_count = 1},
         {1, 3}                                                                                                                                                                           },
        {"a bad history keeps its pair",
         {CURRENT(1, 0, 9, true, 0), HISTORY(2, 0, 9, 0), PLAIN(3, 0, 9), PLAIN(4, 0, 9)},
         {.plain_max = 2, .force = true, .bad = bad_second, .bad_count = 1},
         {3, 4}                                                                                                                                                                           },
        {"past retention",
         {PLAIN(1, 0, 9), PLAIN(2, 0, 10)},
         {.plain_max = 9, .time_floor = 10},
         {1}                                                                                                                                                                              },
        {"an erasure takes what it touches",
         {PLAIN(1, 0, 9), PLAIN(2, 15, 20), CURRENT(5, 14, 15, true, 0), HISTORY(6, 14, 15, 0)},
         {.plain_max = 9, .tombstones = erases, .tombstone_count = 1, .sealed = 500},
         {1, 5, 6}                                                                                                                                                                        },
        {"not before it is in a pack itself",
         {PLAIN(1, 0, 9)},
         {.plain_max = 9, .tombstones = erases, .tombstone_count = 1, .sealed = 499},
         {0}                                                                                                                                                                              },
        {"another deletion takes nothing",
         {PLAIN(1, 0, 9)},
         {.plain_max = 9, .tombstones = hides, .tombstone_count = 1, .sealed = 500},
         {0}                                                                                                                                                                              },
        {"versions below a floor that moved",
         {CURRENT(1, 0, 9, true, 10), HISTORY(2, 0, 9, 10), CURRENT(5, 20, 29, false, 10)},
         {.plain_max = 9, .floor = 150, .history_ns = 80},
         {1, 2}                                                                                                                                                                           },
        {"it has hardly moved",
         {CURRENT(1, 0, 9, true, 145), HISTORY(2, 0, 9, 145)},
         {.plain_max = 9, .floor = 150, .history_ns = 80},
         {0}                                                                                                                                                                              },
        {"hardly, but asked for",
         {CURRENT(1, 0, 9, true, 145), HISTORY(2, 0, 9, 145)},
         {.plain_max = 9, .floor = 150, .history_ns = 80, .force = true},
         {1, 2}                                                                                                                                                                           },
        {"every version is above the floor",
         {CURRENT(1, 0, 9, true, 10), HISTORY(2, 0, 9, 10)},
         {.plain_max = 9, .floor = 99, .history_ns = 80, .force = true},
         {0}                                                                                                                                                                              },
        {"rows go first, without what sources note",
         {PLAIN(1, 0, 9), NOTES(2, PACK_PLAIN, 0, 9, 4), PLAIN(3, 0, 9),
          NOTES(4, PACK_PLAIN, 0, 9, 4)},
         {.plain_max = 2},
         {1, 3}                                                                                                                                                                           },
        {"then what sources note, which is counted by itself",
         {PLAIN(1, 0, 9), NOTES(2, PACK_PLAIN, 0, 9, 4), NOTES(3, PACK_PLAIN, 0, 9, 4)},
         {.plain_max = 2},
         {2, 3}                                                                                                                                                                           },
        {"fewer of each than many",
         {PLAIN(1, 0, 9), NOTES(2, PACK_PLAIN, 0, 9, 4)},
         {.plain_max = 2},
         {0}                                                                                                                                                                              },
        {"a pair of notes goes along with notes, also one whose rows are all in its history",
         {NOTES(1, PACK_CURRENT, 0, 9, 0), NOTES(2, PACK_HISTORY, 0, 9, 4), PLAIN(3, 0, 9),
          NOTES(4, PACK_PLAIN, 0, 9, 4), NOTES(5, PACK_PLAIN, 0, 9, 4)},
         {.plain_max = 2},
         {1, 2, 4, 5}                                                                                                                                                                     },
        {"and not with rows",
         {NOTES(1, PACK_CURRENT, 0, 9, 4), NOTES(2, PACK_HISTORY, 0, 9, 4), PLAIN(3, 0, 9),
          PLAIN(4, 0, 9)},
         {.plain_max = 2},
         {3, 4}                                                                                                                                                                           },
    };
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pack *packs[6];
        size_t count = make_all(fixture, cases[i].packs, 6, packs), want = 0;
        struct compaction_wish wish = cases[i].wish;
        struct compaction plan;
        uint64_t bytes = 0;

        wish.packs = packs;
        wish.pack_count = count;
        if (wish.floor == 0)
            wish.floor = INT64_MIN;
        if (wish.time_floor == 0)
            wish.time_floor = INT64_MIN;
        assert_int_equal(compaction_plan(&wish, &plan, NULL), OK);
        while (want < 6 && cases[i].want[want] != 0)
            want++;
        if (plan.pack_count != want)
            fail_msg("%s: %zu packs", cases[i].name, plan.pack_count);
        for (size_t p = 0; p < plan.pack_count; p++) {
            struct pack_about about = pack_about(plan.packs[p]);
            bool found = false;

            for (size_t w = 0; w < want; w++)
                found |= cases[i].want[w] == about.number;
            if (!found)
                fail_msg("%s: pack %llu", cases[i].name, (unsigned long long)about.number);
            bytes += about.bytes;
        }
        assert_int_equal(plan.bytes, bytes);
        if (want == 0)
            assert_int_equal(plan.span_count, 0);
        compaction_release(&plan);
        release(fixture, packs, count);
    }
}

/* No more than so many at once, and never half a pair. */
static void test_packs_at_once_have_a_limit(void **state)
{
    struct pack_fixture *fixture = *state;

    for (size_t units = COMPACTION_PACKS_MAX / 2 - 1; units <= COMPACTION_PACKS_MAX / 2 + 1;
         units++) {
        struct pack *packs[PACKS_MAX];
        struct compaction plan;
        size_t count = 0;
        struct compaction_wish wish = {.packs = packs,
                                       .floor = INT64_MIN,
                                       .time_floor = 1000, /* all are past retention */
                                       .plain_max = 1000};

        for (size_t i = 0; i < units; i++) {
            packs[count] = make(fixture, &(struct sample_pack)CURRENT(2 * i + 1, 0, 9, true, 0));
            packs[count + 1] = make(fixture, &(struct sample_pack)HISTORY(2 * i + 2, 0, 9, 0));
            count += 2;
        }
        wish.pack_count = count;
        assert_int_equal(compaction_plan(&wish, &plan, NULL), OK);
        assert_int_equal(plan.pack_count,
                         count < COMPACTION_PACKS_MAX ? count : COMPACTION_PACKS_MAX);
        assert_int_equal(plan.span_count, 0);
        for (size_t i = 0; i < plan.pack_count; i += 2)
            assert_int_equal(pack_about(plan.packs[i]).number + 1,
                             pack_about(plan.packs[i + 1]).number);
        compaction_release(&plan);
        release(fixture, packs, count);
    }
}

/* Whatever the packs, the spans lie one behind another at the ends of periods and cover every row
 * that stays, once. */
static void test_spans_cover_every_row_once(void **state)
{
    static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 2, -1, 0, INT64_MAX - 1};
    struct pack_fixture *fixture = *state;

    for (uint64_t seed = SEED; seed < SEED + 200; seed++) {
        struct pack *packs[8];
        struct compaction plan;
        size_t count;
        int64_t first = INT64_MAX, last = INT64_MIN, floor_max = INT64_MAX;
        struct compaction_wish wish = {
            .packs = packs, .floor = INT64_MIN, .time_floor = INT64_MIN, .force = true};

        random_seed(&fixture->random, seed);
        count = 1 + random_below(&fixture->random, 8);
        for (size_t i = 0; i < count; i++) {
            int64_t width = random_chance(&fixture->random, 2) ? hour : 10000 * hour;
            int64_t a = (int64_t)random_below(&fixture->random, (uint64_t)width);
            int64_t b = (int64_t)random_below(&fixture->random, (uint64_t)width);
            struct sample_pack sample = PLAIN(i + 1, a < b ? a : b, a < b ? b : a);

            if (random_chance(&fixture->random, 8))
                sample.first = extremes[random_below(&fixture->random, 4)];
            if (random_chance(&fixture->random, 8) || sample.last < sample.first)
                sample.last = INT64_MAX - 1;
            first = sample.first < first ? sample.first : first;
            last = sample.last > last ? sample.last : last;
            floor_max = sample.last < floor_max ? sample.last : floor_max;
            packs[i] = make(fixture, &sample);
        }
        if (random_chance(&fixture->random, 3))
            wish.time_floor = first / 2 + last / 2;
        if (wish.time_floor > floor_max) /* packs that are past it go alone */
            wish.time_floor = floor_max;
        wish.pack_count = count;
        assert_int_equal(compaction_plan(&wish, &plan, NULL), OK);
        assert_int_equal(plan.pack_count, count);
        assert_true(plan.span_count > 0);
        assert_true(plan.spans[0].start <= (first > wish.time_floor ? first : wish.time_floor));
        assert_true(plan.spans[plan.span_count - 1].end > last);
        for (size_t i = 0; i < plan.span_count; i++) {
            assert_true(plan.spans[i].start < plan.spans[i].end);
            assert_true(i == 0 || plan.spans[i].start == plan.spans[i - 1].end);
            assert_true(plan.spans[i].start == period_start(PERIOD_HOUR, plan.spans[i].start));
        }
        compaction_release(&plan);
        release(fixture, packs, count);
    }
}

static void test_when_a_deletion_has_outlived_its_use(void **state)
{
    static const struct {
        const char *name;
        struct sample_pack packs[3];
        int64_t sealed, floor;
        bool erase, outlived;
    } cases[] = {
        {"no pack at all, below the floor",            {{0}},              500, 300,       false, true },
        {"at the floor",                               {{0}},              500, 250,       false, true },
        {"above it",                                   {{0}},              500, 249,       false, false},
        {"an erasure needs no floor",                  {{0}},              500, INT64_MIN, true,  true },
        {"rows of before it may still be in the head", {{0}},              249, 300,       true,  false},
        {"a plain pack",                               {PLAIN(1, 0, 9)},   500, 300,       true,  false},
        {"a plain pack of other times",                {PLAIN(1, 10, 19)}, 500, 300,       true,  true },
        {"a plain pack of later news",
         {{1, PACK_PLAIN, 0, 9, 4, false, 250, 0, 0, false}},
         500,                                                                   300,
         true,                                                                                    true },
        {"a compacted one that does not know it",
         {CURRENT(1, 0, 9, false, 0)},
         500,                                                                   300,
         true,                                                                                    false},
        {"one that does",
         {{1, PACK_CURRENT, 0, 9, 4, false, 100, 250, 0, false}},
         500,                                                                   300,
         true,                                                                                    true },
        {"its history, of an erasure",
         {{1, PACK_CURRENT, 0, 9, 4, true, 100, 250, 0, false},
          {2, PACK_HISTORY, 0, 9, 4, false, 100, 250, 0, false}},
         500,                                                                   300,
         true,                                                                                    true },
        {"its history, whose floor is lower",
         {{1, PACK_CURRENT, 0, 9, 4, true, 100, 250, 249, false},
          {2, PACK_HISTORY, 0, 9, 4, false, 100, 250, 249, false}},
         500,                                                                   300,
         false,                                                                                   false},
        {"its history, whose floor it is",
         {{1, PACK_CURRENT, 0, 9, 4, true, 100, 250, 250, false},
          {2, PACK_HISTORY, 0, 9, 4, false, 100, 250, 250, false}},
         500,                                                                   300,
         false,                                                                                   true },
        {"a pack without rows",
         {{1, PACK_PLAIN, 0, 0, 0, false, 0, 0, 0, false}},
         500,                                                                   300,
         true,                                                                                    true },
    };
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tombstone tombstone = {
            .ingest = 250, .start = 0, .end = 10, .erase = cases[i].erase};
        struct pack *packs[3];
        size_t count = make_all(fixture, cases[i].packs, 3, packs);

        if (compaction_outlived(&tombstone, packs, count, cases[i].sealed, cases[i].floor) !=
            cases[i].outlived)
            fail_msg("%s", cases[i].name);
        release(fixture, packs, count);
    }
}

static void test_which_packs_may_hold_what_was_deleted(void **state)
{
    static const struct tombstone tombstone = {.ingest = 500, .start = 10, .end = 20};
    static const struct {
        const char *name;
        int64_t first, last, ingest, settled;
        uint64_t rows;
        bool want;
    } cases[] = {
        {"older, of these times",            0,  30, 499, INT64_MIN, 1, true },
        {"its last row is the first one",    0,  10, 499, INT64_MIN, 1, true },
        {"its first row is the last one",    19, 30, 499, INT64_MIN, 1, true },
        {"it ends before",                   0,  9,  499, INT64_MIN, 1, false},
        {"it begins behind",                 20, 30, 499, INT64_MIN, 1, false},
        {"all of it came later",             0,  30, 500, INT64_MIN, 1, false},
        {"it stands for what was deleted",   0,  30, 499, 500,       1, false},
        {"it stands for what was before",    0,  30, 499, 499,       1, true },
        {"it has deletions and notes alone", 0,  0,  0,   INT64_MIN, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct pack_about about = {
            .row_count = cases[i].rows,
            .time_first = cases[i].first,
            .time_last = cases[i].last,
            .ingest_first = cases[i].ingest,
            .settled = cases[i].settled,
        };

        if (compaction_may_hold(&about, &tombstone) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

/* Hashes of rows between the notes of two sources. */
static void test_hashes_are_no_notes(void **state)
{
    static const struct bytes names[] = {BYTES("\x01north"), BYTES("\x01north\x01m000"),
                                         BYTES("\x01south")};
    static const uint32_t row_first[] = {0, 1};
    static const int64_t one[] = {1};
    static union cell cell = {.u64 = 7};
    struct pack_fixture *fixture = *state;
    struct pack_identity identity = {
        .tenant = BYTES("acme"), .number = 1, .settled = INT64_MIN, .floor = INT64_MIN};
    struct block_column column = {BYTES("v"), TYPE_I64, &cell, NULL};

    for (size_t count = 1; count <= COUNT_OF(names); count++) {
        struct pack_writer *writer;
        struct pack_summary summary;
        struct bytes bytes;
        struct pack *pack;

        assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, NULL), OK);
        for (size_t i = 0; i < count; i++) {
            struct sample_series *series = sample_series_make(&fixture->arena, names[i], 1);
            struct block block = {.measurement = names[i],
                                  .row_count = 1,
                                  .series_count = 1,
                                  .series = &series[0].id,
                                  .series_row_first = row_first,
                                  .time = one,
                                  .ingest = one,
                                  .columns = &column,
                                  .column_count = 1};

            assert_int_equal(pack_writer_block(writer, &block, NULL), OK);
        }
        assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
        assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
        assert_int_equal(pack_is_notes(pack), count == 1);
        pack_unref(pack);
        free((void *)bytes.data);
    }
    arena_release(&fixture->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_packs_are_merged),
        cmocka_unit_test(test_packs_at_once_have_a_limit),
        cmocka_unit_test(test_spans_cover_every_row_once),
        cmocka_unit_test(test_when_a_deletion_has_outlived_its_use),
        cmocka_unit_test(test_which_packs_may_hold_what_was_deleted),
        cmocka_unit_test(test_hashes_are_no_notes),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
