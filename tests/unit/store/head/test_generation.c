#include "store/head/generation.h"

#include "base/thread.h"
#include "tests/unit/store/store_sample.h"

enum { SEED = 1, SERIES_MAX = 300 };

struct ground {
    struct arena arena, request;
    struct batch batch;
    struct tenant tenant;
    struct series series[SERIES_MAX];
    struct generation *generation;
};

static int open_ground(void **state)
{
    struct ground *ground = calloc(1, sizeof(*ground));

    if (!ground)
        return -1;
    arena_init(&ground->arena, SIZE_MAX, NULL);
    arena_init(&ground->request, SIZE_MAX, NULL);
    ground->tenant = (struct tenant){.name = BYTES("default")};
    for (uint32_t i = 0; i < SERIES_MAX; i++) /* over several pages of ordinals */
        sample_series_init(&ground->arena, &ground->tenant, "cpu", i, i * 64, &ground->series[i]);
    *state = ground;
    return generation_new(&ground->generation, NULL) == OK ? 0 : -1;
}

static int close_ground(void **state)
{
    struct ground *ground = *state;

    generation_unref(ground->generation);
    arena_release(&ground->arena);
    arena_release(&ground->request);
    free(ground);
    return 0;
}

static void request_begin(struct ground *ground)
{
    batch_init(&ground->batch, &ground->request, 10);
}

/* Applies what was gathered and forgets it, memory and all. */
static void request_apply(struct ground *ground, int64_t ingest)
{
    assert_int_equal(generation_apply(ground->generation, &ground->batch, ingest, NULL), OK);
    batch_release(&ground->batch);
    arena_release(&ground->request);
}

static void put(struct ground *ground, uint32_t series, int64_t time, int64_t revision,
                double value)
{
    struct sample_cell cell = {BYTES("user"), TYPE_F64, {.f64 = value}};

    sample_row(&ground->batch, &ground->series[series], time, revision, &cell, 1);
}

static const struct run *first_run(struct ground *ground, uint32_t series)
{
    const struct chain *chain = generation_chain(ground->generation, &ground->series[series]);

    assert_non_null(chain);
    return chain->first;
}

static void test_rows_are_found_by_series_in_order_of_arrival(void **state)
{
    struct ground *ground = *state;
    int64_t ingest = 0;

    for (int round = 0; round < 40; round++) {
        request_begin(ground);
        for (uint32_t i = 0; i < SERIES_MAX; i += 1 + (uint32_t)round % 5)
            put(ground, i, round * 100 + (int)i, INT64_MIN, round + i / 1000.0);
        request_apply(ground, ++ingest);
        assert_true(generation_check(ground->generation));
    }
    for (uint32_t i = 0; i < SERIES_MAX; i++) {
        const struct run *run = first_run(ground, i);
        uint32_t row = 0;

        for (int round = 0; round < 40; round++) {
            if (i % (1 + (uint32_t)round % 5) != 0)
                continue;
            if (row == run->count) {
                run = run->next;
                row = 0;
            }
            assert_non_null(run);
            assert_true(run->ordered);
            assert_int_equal(run->time[row], round * 100 + (int)i);
            assert_int_equal(run->ingest[row], round + 1);
            assert_null(run->revision);
            assert_true(run->columns[0][row++].f64 == round + i / 1000.0);
        }
        assert_int_equal(row, run->count);
        assert_null(run->next);
    }
    assert_int_equal(ground->generation->chain_count, SERIES_MAX);
    assert_int_equal(ground->generation->ingest_last, 40);
}

static void test_a_series_without_rows_has_no_chain(void **state)
{
    struct ground *ground = *state;

    request_begin(ground);
    put(ground, 1, 5, INT64_MIN, 1);
    request_apply(ground, 1);
    assert_non_null(generation_chain(ground->generation, &ground->series[1]));
    assert_null(generation_chain(ground->generation, &ground->series[2]));   /* a page that is */
    assert_null(generation_chain(ground->generation, &ground->series[250])); /* and one not */
}

static void test_a_claim_from_the_future_is_lowered_to_the_ingest_time(void **state)
{
    static const int64_t ingest = 1000;
    static const struct {
        int64_t claimed, want;
    } cases[] = {
        {999,           999          },
        {1000,          1000         },
        {1001,          1000         },
        {INT64_MAX,     1000         },
        {0,             0            },
        {INT64_MIN + 1, INT64_MIN + 1},
        {INT64_MIN,     INT64_MIN    }, /* none */
    };
    struct ground *ground = *state;
    const struct run *run;
    uint32_t row = 0;

    request_begin(ground);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        put(ground, 0, (int64_t)i, cases[i].claimed, 0);
    request_apply(ground, ingest);
    run = first_run(ground, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (row == run->count) {
            run = run->next;
            row = 0;
        }
        assert_int_equal(run->revision[row++], cases[i].want);
    }
}

static void test_runs_know_whether_they_are_ordered(void **state)
{
    static const struct {
        const char *name;
        int64_t times[2], revision;
        bool want;
    } cases[] = {
        {"ascending",                       {1, 2}, INT64_MIN, true },
        {"the same time again",             {2, 2}, INT64_MIN, true },
        {"descending",                      {2, 1}, INT64_MIN, false},
        {"ascending, revised",              {1, 2}, 7,         true },
        {"the same time, another revision", {2, 2}, 7,         false},
    };
    struct ground *ground = *state;

    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        const struct run *run;

        for (int r = 0; r < 2; r++) {
            request_begin(ground);
            put(ground, i, cases[i].times[r], cases[i].revision, 0);
            request_apply(ground, 10 + r);
        }
        run = first_run(ground, i);
        assert_int_equal(run->count, 2);
        if (run->ordered != cases[i].want)
            fail_msg("%s", cases[i].name);
        assert_int_equal(run->time_first, cases[i].times[0] < cases[i].times[1]
                                              ? cases[i].times[0]
                                              : cases[i].times[1]);
        assert_int_equal(run->time_last, cases[i].times[0] > cases[i].times[1] ? cases[i].times[0]
                                                                               : cases[i].times[1]);
    }
    assert_true(generation_check(ground->generation));
}

/* The request's memory is overwritten and freed right after. */
static void test_strings_are_copied(void **state)
{
    struct ground *ground = *state;
    const struct run *run;

    for (int i = 0; i < 5; i++) {
        char data[100];
        size_t size = (size_t)i * 20;
        struct sample_cell cell = {BYTES("note"), TYPE_STRING, {0}};
        struct text *text;

        memset(data, 'a' + i, sizeof(data));
        request_begin(ground);
        text = (struct text *)sample_text(&ground->request, data, size);
        cell.cell.text = text;
        sample_row(&ground->batch, &ground->series[0], i, INT64_MIN, &cell, 1);
        assert_int_equal(generation_apply(ground->generation, &ground->batch, i + 1, NULL), OK);
        memset(text->data, 'X', size);
        batch_release(&ground->batch);
        arena_release(&ground->request);
    }
    run = first_run(ground, 0);
    for (int i = 0, row = 0; i < 5; i++, row++) {
        if ((uint32_t)row == run->count) {
            run = run->next;
            row = 0;
        }
        assert_int_equal(run->columns[0][row].text->size, i * 20);
        for (int c = 0; c < i * 20; c++)
            assert_int_equal(run->columns[0][row].text->data[c], 'a' + i);
    }
}

static void test_another_shape_begins_a_run(void **state)
{
    struct sample_cell number = {BYTES("v"), TYPE_F64, {.f64 = 1}};
    struct sample_cell integer = {BYTES("v"), TYPE_I64, {.i64 = 2}};
    struct ground *ground = *state;
    const struct run *run;

    for (int i = 0; i < 4; i++) {
        request_begin(ground);
        sample_row(&ground->batch, &ground->series[0], i, INT64_MIN, i % 2 ? &integer : &number, 1);
        request_apply(ground, i + 1);
    }
    run = first_run(ground, 0);
    for (int i = 0; i < 4; i++, run = run->next) {
        assert_int_equal(run->count, 1);
        assert_int_equal(run->shape->fields[0].type, i % 2 ? TYPE_I64 : TYPE_F64);
        assert_true(bytes_equal(run->shape->measurement, BYTES("cpu")));
    }
    assert_int_equal(ground->generation->shapes.count, 2); /* one list for all runs */
}

static void test_notes_are_kept_newest_first(void **state)
{
    struct ground *ground = *state;
    char text[] = "first";
    struct generation_note *note;

    assert_int_equal(generation_note(ground->generation, &ground->generation->notes,
                                     &ground->tenant, bytes_of(text), 5, NULL),
                     OK);
    memset(text, 'x', 5);
    assert_int_equal(generation_note(ground->generation, &ground->generation->notes,
                                     &ground->tenant, BYTES("second"), 6, NULL),
                     OK);
    note = ground->generation->notes;
    assert_true(bytes_equal(note->encoded, BYTES("second")));
    assert_int_equal(note->ingest, 6);
    assert_true(bytes_equal(note->next->encoded, BYTES("first")));
    assert_null(note->next->next);
    assert_null(ground->generation->tombstones);
    assert_int_equal(ground->generation->ingest_last, 6);
}

struct cost_case {
    const char *name;
    uint32_t series, fields, rows; /* rows of each series */
    uint32_t at_once;              /* of them in a request */
    bool strings, revised, shapes; /* shapes: each request has another one than that before */
};

/* What was reserved for all requests together is what their rows take, or more; an arena's last
 * chunk and the one that did not fit may be left over. */
static void test_the_cost_of_requests_bounds_what_they_take(void **state)
{
    static const struct cost_case cases[] = {
        {"one row each",         300, 3,    1,     1,     false, false, false},
        {"just a second run",    300, 10,   3,     1,     false, false, false},
        {"just a third run",     300, 10,   11,    1,     false, false, false},
        {"just a fourth run",    300, 10,   43,    1,     false, true,  false},
        {"just a fifth run",     60,  10,   171,   1,     false, false, false},
        {"a long series",        1,   10,   3000,  1,     false, false, false},
        {"many fields",          10,  1000, 11,    1,     false, false, false},
        {"strings",              300, 4,    11,    1,     true,  true,  false},
        {"a shape for each row", 300, 2,    20,    1,     false, false, true },
        {"a fifth run at once",  60,  10,   171,   171,   false, false, false},
        {"a sixth run at once",  60,  10,   683,   683,   false, true,  false},
        {"requests of a run",    20,  10,   5000,  1024,  false, false, false},
        {"requests of 300 rows", 20,  10,   6000,  300,   false, false, false},
        {"long requests",        2,   10,   60000, 20000, false, false, false},
        {"long, two shapes",     2,   10,   60000, 7000,  false, false, true },
    };

    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        static struct sample_cell cells[SAMPLE_FIELDS_MAX];
        const struct cost_case *plan = &cases[c];
        void *opened;
        struct ground *ground;
        uint64_t cost = 0, allowance = (uint64_t)2 << 20;

        assert_int_equal(open_ground(&opened), 0);
        ground = opened;
        for (uint32_t r = 0; r < plan->rows; r += plan->at_once) {
            request_begin(ground);
            for (uint32_t f = 0; f < plan->fields; f++) {
                char name[16];
                size_t size = (size_t)snprintf(name, sizeof(name), "f%04u%u", f,
                                               plan->shapes ? r / plan->at_once % 2 : 0);

                cells[f].name = arena_copy(&ground->request, (struct bytes){name, size});
                cells[f].type = plan->strings ? TYPE_STRING : TYPE_U64;
                cells[f].cell.u64 = f;
                if (plan->strings)
                    cells[f].cell.text = sample_text(&ground->request, "a text of 17 byte", 17);
            }
            for (uint32_t k = r; k < r + plan->at_once && k < plan->rows; k++)
                for (uint32_t i = 0; i < plan->series; i++)
                    sample_row(&ground->batch, &ground->series[i], k, plan->revised ? 1 : INT64_MIN,
                               cells, plan->fields);
            cost += generation_cost(&ground->batch);
            request_apply(ground, r + 1);
            if (generation_bytes(ground->generation) > cost + allowance)
                fail_msg("%s: after %u rows %llu bytes are held, %llu were reserved", plan->name,
                         r + 1, (unsigned long long)generation_bytes(ground->generation),
                         (unsigned long long)cost);
        }
        assert_true(generation_check(ground->generation));
        close_ground(&opened);
    }
}

/* A request of long series reserves little more than its rows take: two of the largest bodies must
 * fit into the head at once. */
static void test_the_cost_of_long_series_is_near_to_what_they_take(void **state)
{
    static struct sample_cell cells[10];
    struct ground *ground = *state;
    enum { ROWS = 20000, BYTES = ROWS * (2 + 10) * 8 };

    for (uint32_t f = 0; f < COUNT_OF(cells); f++) {
        static const char names[] = "abcdefghij";

        cells[f].name = (struct bytes){names + f, 1};
        cells[f].type = TYPE_U64;
    }
    request_begin(ground);
    for (uint32_t r = 0; r < ROWS; r++)
        sample_row(&ground->batch, &ground->series[r % 2], r, INT64_MIN, cells, COUNT_OF(cells));
    assert_in_range(generation_cost(&ground->batch), BYTES, BYTES + BYTES / 4);
    request_apply(ground, 1);
}

struct reading {
    struct ground *ground;
    struct generation *generation;
    atomic_bool stop;
    uint64_t seen;
};

/* Rows that are published are whole: the value says which time and ingest time it must have. */
static void read_all(struct reading *reading)
{
    for (uint32_t i = 0; i < 20; i++) {
        const struct chain *chain =
            generation_chain(reading->generation, &reading->ground->series[i]);
        const struct run *run =
            chain == NULL ? NULL : atomic_load_explicit(&chain->first, memory_order_acquire);
        uint64_t rows = 0;

        for (; run != NULL; run = atomic_load_explicit(&run->next, memory_order_acquire)) {
            uint32_t count = atomic_load_explicit(&run->count, memory_order_acquire);

            for (uint32_t r = 0; r < count; r++) {
                const struct text *text = run->columns[0][r].text;

                if (text->size != 8 || memcmp(text->data, &run->time[r], 8) != 0 ||
                    run->revision[r] != run->ingest[r] - 1 || run->time[r] < run->time_first ||
                    run->time[r] > run->time_last)
                    abort();
            }
            rows += count;
        }
        reading->seen += rows;
    }
}

static void reader_run(void *context)
{
    struct reading *reading = context;

    while (!atomic_load(&reading->stop))
        read_all(reading);
    generation_unref(reading->generation);
}

static void test_readers_see_whole_rows_while_they_are_applied(void **state)
{
    struct ground *ground = *state;
    struct reading reading = {ground, generation_ref(ground->generation), false, 0};
    struct thread *thread;
    struct random random;

    random_seed(&random, SEED);
    assert_int_equal(thread_start("reader", reader_run, &reading, &thread, NULL), OK);
    for (int64_t ingest = 1; ingest <= 1000; ingest++) {
        request_begin(ground);
        for (uint32_t i = 0; i < 20; i++) {
            int64_t time = (int64_t)random_below(&random, 1000000);
            struct sample_cell cell = {BYTES("note"), TYPE_STRING, {0}};

            cell.cell.text = sample_text(&ground->request, (const char *)&time, sizeof(time));
            sample_row(&ground->batch, &ground->series[i], time, ingest - 1, &cell, 1);
        }
        request_apply(ground, ingest);
    }
    atomic_store(&reading.stop, true);
    thread_join(thread);
    assert_true(generation_check(ground->generation));
    assert_int_equal(ground->generation->row_count, 20000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_ground, close_ground)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_rows_are_found_by_series_in_order_of_arrival),
        TEST(test_a_series_without_rows_has_no_chain),
        TEST(test_a_claim_from_the_future_is_lowered_to_the_ingest_time),
        TEST(test_runs_know_whether_they_are_ordered),
        TEST(test_strings_are_copied),
        TEST(test_another_shape_begins_a_run),
        TEST(test_notes_are_kept_newest_first),
        cmocka_unit_test(test_the_cost_of_requests_bounds_what_they_take),
        TEST(test_the_cost_of_long_series_is_near_to_what_they_take),
        TEST(test_readers_see_whole_rows_while_they_are_applied),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
