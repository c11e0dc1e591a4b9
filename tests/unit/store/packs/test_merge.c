#include "store/packs/merge.h"

#include "store/packs/manifest.h"
#include "tests/unit/store/house.h"

enum {
    SEED = 1,
    MEASUREMENTS = 3,
    HOSTS = 3,
    SERIES = MEASUREMENTS * HOSTS,
    FIELDS = 4,
    VERSIONS_MAX = 60000,
    DELETIONS_MAX = 6,
    PACKS_MAX = 64,
};

static const char *const measurement_names[MEASUREMENTS] = {"cpu", "disk", "mem"};
static const struct bytes field_names[FIELDS] = {BYTES("a"), BYTES("b"), BYTES("c"), BYTES("d")};

/* A row that was written, or that a pack has.  Texts are "t<value>". */
struct version {
    uint32_t series;
    int64_t time, ingest, revision;
    enum value_type type[FIELDS];
    uint64_t value[FIELDS];
    bool flagged;
};

struct deletion {
    int64_t ingest, start, end;
    uint32_t measurement, host, field; /* HOSTS, FIELDS: all */
    bool erase;
};

struct versions {
    struct version *rows;
    size_t count;
};

struct world {
    struct house house;
    struct random random;
    struct series *series[SERIES];
    struct versions written, want_current, want_history, current, history;
    struct deletion deletions[DELETIONS_MAX];
    size_t deletion_count;
    struct pack *made[PACKS_MAX];
    size_t made_count;
    uint64_t number;
    int64_t newest;
};

static struct version *add(struct versions *versions, const struct version *version)
{
    assert_true(versions->count < VERSIONS_MAX);
    versions->rows[versions->count] = *version;
    return &versions->rows[versions->count++];
}

/* --- what is written --- */

static void fill(struct world *world, struct version *version)
{
    static const enum value_type types[] = {TYPE_F64,  TYPE_I64,    TYPE_U64,
                                            TYPE_BOOL, TYPE_STRING, TYPE_RETRACTED};
    bool any = false;

    for (uint32_t f = 0; f < FIELDS; f++) {
        if (!random_chance(&world->random, 2) && !(f == FIELDS - 1 && !any))
            continue;
        any = true;
        version->type[f] = types[random_below(&world->random, COUNT_OF(types))];
        version->value[f] = random_below(&world->random, 1000);
        if (version->type[f] == TYPE_RETRACTED)
            version->value[f] = 0;
        if (version->type[f] == TYPE_BOOL)
            version->value[f] &= 1;
    }
}

static void put_row(struct world *world, struct posting *posting, const struct version *version)
{
    struct sample_cell cells[FIELDS];
    uint32_t count = 0;

    for (uint32_t f = 0; f < FIELDS; f++) {
        char text[24];

        if (version->type[f] == TYPE_NONE)
            continue;
        cells[count] =
            (struct sample_cell){field_names[f], version->type[f], {.u64 = version->value[f]}};
        if (version->type[f] == TYPE_STRING)
            cells[count].cell.text =
                sample_text(&posting->arena, text,
                            (size_t)snprintf(text, sizeof(text), "t%llu",
                                             (unsigned long long)version->value[f]));
        count++;
    }
    sample_row(&posting->batch, world->series[version->series], version->time, version->revision,
               cells, count);
}

/* A request of some rows of a series; of one, dense enough for blocks of its own, many. */
static void write_some(struct world *world)
{
    size_t first = world->written.count;
    uint32_t series = (uint32_t)random_below(&world->random, SERIES);
    bool many = series == 0 && random_chance(&world->random, 2);
    uint64_t count = 1 + random_below(&world->random, many ? 3000 : 20);
    int64_t time = (int64_t)random_below(&world->random, many ? 3000 : 40) - 20;
    struct posting posting;

    posting_init(&posting, &world->house);
    for (uint64_t i = 0; i < count; i++, time++) {
        struct version version = {.series = series, .time = time, .revision = INT64_MIN};

        if (random_chance(&world->random, 6) && world->newest > 0)
            version.revision =
                world->newest - (int64_t)random_below(&world->random, INT64_C(100000000));
        if (many && !random_chance(&world->random, 20)) {
            version.type[0] = TYPE_I64;
            version.value[0] = random_below(&world->random, 1000);
        } else {
            fill(world, &version);
        }
        put_row(world, &posting, add(&world->written, &version));
    }
    assert_int_equal(posting_submit(&posting, &world->house, NULL), OK);
    house_steps(&world->house);
    assert_int_equal(posting_wait(&posting), OK);
    world->newest = posting.submission.ingest;
    for (size_t i = first; i < world->written.count; i++)
        world->written.rows[i].ingest = world->newest;
    posting_release(&posting);
}

static void delete_some(struct world *world)
{
    struct deletion *deletion = &world->deletions[world->deletion_count++];

    *deletion = (struct deletion){
        .ingest = world->newest + 1,
        .start = (int64_t)random_below(&world->random, 40) - 20,
        .measurement = (uint32_t)random_below(&world->random, MEASUREMENTS),
        .host = (uint32_t)random_below(&world->random, HOSTS + 1),
        .field = (uint32_t)random_below(&world->random, FIELDS + 2),
        .erase = random_chance(&world->random, 3),
    };
    deletion->field = deletion->field > FIELDS ? FIELDS : deletion->field;
    deletion->end = deletion->start + 1 + (int64_t)random_below(&world->random, 30);
}

/* --- what is to come out --- */

static bool hits(const struct world *world, const struct version *version, uint32_t field,
                 bool erase)
{
    for (size_t d = 0; d < world->deletion_count; d++) {
        const struct deletion *deletion = &world->deletions[d];

        if (deletion->erase == erase && version->ingest < deletion->ingest &&
            version->time >= deletion->start && version->time < deletion->end &&
            deletion->measurement == version->series / HOSTS &&
            (deletion->host == HOSTS || deletion->host == version->series % HOSTS) &&
            (deletion->field == FIELDS || deletion->field == field))
            return true;
    }
    return false;
}

static int row_order(const void *a, const void *b)
{
    const struct version *x = a, *y = b;

    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return version_compare(x->revision, x->ingest, y->revision, y->ingest);
}

/* Versions of one time, oldest first, without what was erased. */
static void expect_time(struct world *world, const struct version *versions, size_t count)
{
    struct version current = versions[count - 1];
    bool touched = false, any = false;

    for (size_t i = 0; i < count; i++)
        for (uint32_t f = 0; f < FIELDS; f++)
            touched |= versions[i].type[f] != TYPE_NONE && hits(world, &versions[i], f, false);
    if (count == 1 && !touched) {
        add(&world->want_current, &current);
        return;
    }
    for (uint32_t f = 0; f < FIELDS; f++) {
        current.type[f] = TYPE_NONE;
        current.value[f] = 0;
        for (size_t i = count; i-- > 0;)
            if (versions[i].type[f] != TYPE_NONE && !hits(world, &versions[i], f, false)) {
                if (versions[i].type[f] != TYPE_RETRACTED) {
                    current.type[f] = versions[i].type[f];
                    current.value[f] = versions[i].value[f];
                    any = true;
                }
                break;
            }
    }
    current.flagged = true;
    if (any)
        add(&world->want_current, &current);
    for (size_t i = 0; i < count; i++)
        add(&world->want_history, &versions[i]);
}

static void expect_all(struct world *world)
{
    struct version *kept = calloc(world->written.count + 1, sizeof(*kept));
    size_t count = 0;

    assert_non_null(kept);
    world->want_current.count = world->want_history.count = 0;
    for (size_t i = 0; i < world->written.count; i++) {
        struct version version = world->written.rows[i];
        bool any = false;

        for (uint32_t f = 0; f < FIELDS; f++) {
            if (version.type[f] != TYPE_NONE && hits(world, &version, f, true)) {
                version.type[f] = TYPE_NONE;
                version.value[f] = 0;
            }
            any |= version.type[f] != TYPE_NONE;
        }
        if (any)
            kept[count++] = version;
    }
    qsort(kept, count, sizeof(*kept), row_order);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && kept[end].series == kept[first].series &&
                              kept[end].time == kept[first].time;)
            end++;
        expect_time(world, kept + first, end - first);
    }
    free(kept);
}

/* --- what came out --- */

static uint64_t text_value(const struct text *text)
{
    char digits[24] = "";

    assert_true(text->size > 1 && text->size < sizeof(digits) && text->data[0] == 't');
    memcpy(digits, text->data + 1, text->size - 1);
    return strtoull(digits, NULL, 10);
}

static void read_block(struct world *world, const struct pack *pack, const struct pack_block *entry,
                       struct block_decoder *decoder, struct versions *into)
{
    struct block_view view;
    const int64_t *time, *ingest, *revision;
    const uint8_t *history;
    struct bytes encoded;
    struct arena arena;
    size_t first = into->count;

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(pack_read_block(pack, NULL, entry, &arena, &encoded, NULL), OK);
    assert_int_equal(block_open(encoded, &arena, &view, NULL), OK);
    assert_int_equal(block_read_time(decoder, &view, &arena, &time, NULL), OK);
    assert_int_equal(block_read_ingest(decoder, &view, &arena, &ingest, NULL), OK);
    assert_int_equal(block_read_revision(decoder, &view, &arena, &revision, NULL), OK);
    assert_int_equal(block_read_history(decoder, &view, &arena, &history, NULL), OK);
    for (uint32_t s = 0; s < view.series_count; s++)
        for (uint32_t r = view.series_row_first[s]; r < view.series_row_first[s + 1]; r++) {
            struct version version = {.time = time[r],
                                      .ingest = ingest[r],
                                      .revision = revision == NULL ? INT64_MIN : revision[r],
                                      .flagged = history != NULL && history[r]};

            while (series_id_compare(world->series[version.series]->id, view.series[s]) != 0)
                assert_true(++version.series < SERIES);
            add(into, &version);
        }
    for (uint32_t c = 0; c < view.column_count; c++) {
        const union cell *cells;
        const uint8_t *present;
        uint32_t f = 0;

        while (!bytes_equal(field_names[f], view.columns[c].name))
            assert_true(++f < FIELDS);
        assert_int_equal(block_read_column(decoder, &view, c, &arena, &cells, &present, NULL), OK);
        for (uint32_t r = 0; r < view.row_count; r++) {
            struct version *version = &into->rows[first + r];

            if (present != NULL && !present[r])
                continue;
            assert_int_equal(version->type[f], TYPE_NONE);
            version->type[f] = view.columns[c].type;
            version->value[f] =
                view.columns[c].type == TYPE_STRING ? text_value(cells[r].text) : cells[r].u64;
        }
    }
    arena_release(&arena);
}

static void compare(const char *name, uint64_t seed, struct versions *have, struct versions *want)
{
    qsort(have->rows, have->count, sizeof(*have->rows), row_order);
    qsort(want->rows, want->count, sizeof(*want->rows), row_order);
    for (size_t i = 0; i < have->count && i < want->count; i++) {
        const struct version *x = &have->rows[i], *y = &want->rows[i];

        if (row_order(x, y) != 0 || x->ingest != y->ingest || x->flagged != y->flagged ||
            memcmp(x->type, y->type, sizeof(x->type)) != 0 ||
            memcmp(x->value, y->value, sizeof(x->value)) != 0)
            fail_msg("seed %llu, %s row %zu: series %u time %lld flagged %d, not %u %lld %d",
                     (unsigned long long)seed, name, i, x->series, (long long)x->time, x->flagged,
                     y->series, (long long)y->time, y->flagged);
    }
    if (have->count != want->count)
        fail_msg("seed %llu, %s: %zu rows, not %zu", (unsigned long long)seed, name, have->count,
                 want->count);
}

/* --- the merge --- */

/* The rest at which the merge is to end; 0: at none. */
struct rests {
    unsigned count, end_at;
};

static enum code pace(void *context, struct error *err)
{
    struct rests *rests = context;

    return ++rests->count == rests->end_at ? error_set(err, E_DRAINING, "enough") : OK;
}

static void pack_finish(struct world *world, struct pack_writer *writer, char path[PACK_PATH_SIZE],
                        struct pack **made, size_t *count)
{
    struct pack_summary summary;
    struct bytes bytes;

    assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
    assert_true(*count < PACKS_MAX);
    if (summary.in_file)
        assert_int_equal(pack_open_file(&world->house.fs.fs, path, &made[*count], NULL), OK);
    else
        assert_int_equal(pack_open_memory(bytes, &made[*count], NULL), OK);
    free((void *)bytes.data);
    ++*count;
}

static void span(struct world *world, struct merge *merge, int64_t start, int64_t end,
                 struct pack **made, size_t *count)
{
    struct pack_writer *writers[2];
    char paths[2][PACK_PATH_SIZE];

    for (int i = 0; i < 2; i++) {
        struct pack_identity identity = {.tenant = BYTES("acme"),
                                         .number = ++world->number,
                                         .kind = i == 0 ? PACK_CURRENT : PACK_HISTORY,
                                         .settled = INT64_MAX,
                                         .floor = INT64_MIN};

        pack_path(identity.tenant, identity.number, paths[i]);
        assert_int_equal(
            pack_writer_open(&world->house.fs.fs, paths[i], &identity, &writers[i], NULL), OK);
    }
    assert_int_equal(merge_span(merge, start, end, writers[0], writers[1], NULL), OK);
    for (int i = 0; i < 2; i++)
        pack_finish(world, writers[i], paths[i], made, count);
}

/* All that is in the packs, with nothing deleted and no limits. */
static struct merge_options options_of(const struct world *world, struct pack *const *packs,
                                       size_t count)
{
    return (struct merge_options){
        .tenant = world->house.tenant,
        .registry = catalog_registry(world->house.catalog),
        .rules = &world->house.rules,
        .packs = packs,
        .pack_count = count,
        .settled = INT64_MAX,
        .floor = INT64_MIN,
        .time_floor = INT64_MIN,
        .versions_max = SIZE_MAX,
    };
}

/* Merges the packs, in some spans, into packs that take the place of what was made before. */
static void merge_all(struct world *world, uint64_t seed, struct pack *const *packs, size_t count)
{
    struct tombstone tombstones[DELETIONS_MAX];
    struct matcher matchers[DELETIONS_MAX];
    char hosts[DELETIONS_MAX][8];
    struct merge_options options = options_of(world, packs, count);
    struct pack *made[PACKS_MAX];
    struct block_decoder *decoder;
    struct merge *merge;
    size_t made_count = 0;
    int64_t middle = (int64_t)random_below(&world->random, 3000) - 20;

    options.tombstones = tombstones;
    options.tombstone_count = world->deletion_count;
    for (size_t d = 0; d < world->deletion_count; d++) {
        const struct deletion *deletion = &world->deletions[d];

        snprintf(hosts[d], sizeof(hosts[d]), "h%u", deletion->host);
        matchers[d] = (struct matcher){
            BYTES("host"), MATCH_EQUAL, {hosts[d], 2}
        };
        tombstones[d] = (struct tombstone){
            .ingest = deletion->ingest,
            .selector = {bytes_of(measurement_names[deletion->measurement]), &matchers[d],
                         deletion->host == HOSTS ? 0 : 1},
            .start = deletion->start,
            .end = deletion->end,
            .fields = &field_names[deletion->field % FIELDS],
            .field_count = deletion->field == FIELDS ? 0 : 1,
            .erase = deletion->erase,
        };
    }
    assert_int_equal(merge_new(&options, &merge, NULL), OK);
    span(world, merge, INT64_MIN, middle, made, &made_count);
    span(world, merge, middle, middle + 1, made, &made_count);
    span(world, merge, middle + 1, INT64_MAX, made, &made_count);
    merge_free(merge);
    world->current.count = world->history.count = 0;
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    for (size_t i = 0; i < made_count; i++) {
        struct error err = {0};
        size_t block_count;
        const struct pack_block *blocks = pack_blocks(made[i], &block_count);

        if (pack_check(made[i], decoder, &err) != OK)
            fail_msg("%s", err.text);
        for (size_t b = 0; b < block_count; b++)
            read_block(world, made[i], &blocks[b], decoder,
                       i % 2 == 0 ? &world->current : &world->history);
    }
    block_decoder_free(decoder);
    expect_all(world);
    compare("current", seed, &world->current, &world->want_current);
    compare("history", seed, &world->history, &world->want_history);
    for (size_t i = 0; i < world->made_count; i++)
        pack_unref(world->made[i]);
    memcpy(world->made, made, sizeof(made));
    world->made_count = made_count;
}

static struct world *world_open(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    struct versions *const lists[] = {&world->written, &world->want_current, &world->want_history,
                                      &world->current, &world->history};
    struct arena arena;

    assert_non_null(world);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        lists[i]->rows = calloc(VERSIONS_MAX, sizeof(*lists[i]->rows));
        assert_non_null(lists[i]->rows);
    }
    random_seed(&world->random, seed);
    world->number = 1000;
    house_init(&world->house);
    house_open(&world->house);
    arena_init(&arena, 1 << 20, NULL);
    for (uint32_t i = 0; i < SERIES; i++) {
        struct series made;

        sample_series_init(&arena, world->house.tenant, measurement_names[i / HOSTS], i % HOSTS, 0,
                           &made);
        assert_int_equal(catalog_series(world->house.catalog, world->house.tenant, made.key,
                                        1000000, &world->series[i], NULL),
                         OK);
    }
    arena_release(&arena);
    return world;
}

static void world_close(struct world *world)
{
    struct versions *const lists[] = {&world->written, &world->want_current, &world->want_history,
                                      &world->current, &world->history};

    for (size_t i = 0; i < world->made_count; i++)
        pack_unref(world->made[i]);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        free(lists[i]->rows);
    house_close(&world->house);
    house_remove(&world->house);
    free(world);
}

/* Whatever packs go in, plain ones and pairs of a merge before, the rows that come out are those
 * of a model that sorts all versions and looks at each time. */
static void test_rows_come_out_as_the_model_says(void **state)
{
    size_t rows = 0, flagged = 0;

    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 30; seed++) {
        struct world *world = world_open(seed);
        size_t sealed = 0;

        for (int round = 0; round < 3; round++) {
            struct pack *packs[PACKS_MAX];
            const struct pack_list *list;
            size_t count = 0, fresh = 1 + random_below(&world->random, 5);

            for (size_t i = 0; i < fresh; i++) {
                for (uint64_t n = 1 + random_below(&world->random, 8); n > 0; n--)
                    write_some(world);
                if (world->deletion_count < DELETIONS_MAX && random_chance(&world->random, 2))
                    delete_some(world);
                house_seal(&world->house);
            }
            for (size_t i = 0; i < world->made_count; i++)
                packs[count++] = world->made[i];
            list = world->house.store->holdings[world->house.tenant->ordinal]->packs;
            for (; sealed < list->count; sealed++)
                packs[count++] = list->packs[sealed];
            merge_all(world, seed, packs, count);
        }
        rows += world->current.count;
        flagged += world->history.count;
        world_close(world);
    }
    printf("# %zu current rows, %zu of history\n", rows, flagged);
    assert_true(rows > 10000 && flagged > 10000);
}

/* Everything into two packs that are thrown away; how many rows they would have had. */
static enum code merge_whole(struct world *world, const struct merge_options *options,
                             uint64_t rows[2], struct error *err)
{
    struct pack_writer *writers[2];
    struct merge *merge;
    enum code code;

    for (int i = 0; i < 2; i++) {
        struct pack_identity identity = {
            .tenant = BYTES("acme"), .number = 1000, .kind = PACK_CURRENT};

        assert_int_equal(pack_writer_open(&world->house.fs.fs,
                                          i == 0 ? "packs/acme/a" : "packs/acme/b", &identity,
                                          &writers[i], NULL),
                         OK);
    }
    assert_int_equal(merge_new(options, &merge, NULL), OK);
    code = merge_span(merge, INT64_MIN, INT64_MAX, writers[0], writers[1], err);
    merge_free(merge);
    for (int i = 0; i < 2; i++) {
        rows[i] = pack_writer_rows(writers[i]);
        pack_writer_abort(writers[i]);
    }
    return code;
}

/* Three versions of a row. */
static void test_more_versions_than_may_be_are_named(void **state)
{
    struct world *world = world_open(SEED);
    const struct pack_list *list;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(house_put(&world->house, 1, 7, 2, NULL), OK);
        house_seal(&world->house);
    }
    list = world->house.store->holdings[world->house.tenant->ordinal]->packs;
    for (size_t most = 2; most <= 4; most++) {
        struct merge_options options = options_of(world, list->packs, list->count);
        struct error err = {0};
        uint64_t rows[2];

        options.versions_max = most;
        assert_int_equal(merge_whole(world, &options, rows, &err), most < 3 ? E_MEMORY : OK);
        if (most < 3)
            assert_string_equal(err.text,
                                "a series of cpu has more than 2 versions of its row at "
                                "1970-01-01T00:00:00.000000007Z, which are too many to be merged");
        else
            assert_true(rows[0] == 2 && rows[1] == 6);
    }
    world_close(world);
}

/* It rests after some thousand rows, and ends there when it is told to. */
static void test_a_merge_rests_and_can_be_ended(void **state)
{
    struct world *world = world_open(SEED);
    const struct pack_list *list;

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        house_put_noise(&world->house, 1, i);
        house_seal(&world->house);
    }
    list = world->house.store->holdings[world->house.tenant->ordinal]->packs;
    for (unsigned end_at = 0; end_at <= 3; end_at++) {
        struct rests rests = {.end_at = end_at};
        struct merge_options options = options_of(world, list->packs, list->count);
        uint64_t rows[2];

        options.pace = pace;
        options.context = &rests;
        assert_int_equal(merge_whole(world, &options, rows, NULL), end_at == 0 ? OK : E_DRAINING);
        if (end_at == 0) { /* 20,000 rows and their 60,000 versions */
            assert_int_equal(rests.count, 80000 / 16384);
            assert_int_equal(rows[0], 20000);
            assert_int_equal(rows[1], 60000);
        } else {
            assert_int_equal(rests.count, end_at);
        }
    }
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_merge_rests_and_can_be_ended),
        cmocka_unit_test(test_more_versions_than_may_be_are_named),
        cmocka_unit_test(test_rows_come_out_as_the_model_says),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
