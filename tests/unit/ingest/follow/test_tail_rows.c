#include "tests/unit/ingest/follow/tail_fixture.h"

#include "ingest/follow/tail_rows.h"

struct world {
    struct arena arena, rows_arena;
    struct source *source;
    struct limits limits;
    struct batch batch;
    struct tail_rows *rows;
    struct error err;
};

static void open_world(struct world *world, const char *blocks, bool within)
{
    *world = (struct world){.err = {0}};
    limits_init(&world->limits);
    arena_init(&world->arena, SIZE_MAX, NULL);
    arena_init(&world->rows_arena, SIZE_MAX, NULL);
    batch_init(&world->batch, &world->rows_arena, 1);
    world->source = tail_source(&world->arena, "/x", blocks);
    assert_int_equal(tail_rows_open(&(struct tail_rows_terms){.source = world->source,
                                                              .limits = &world->limits,
                                                              .batch = &world->batch,
                                                              .within = within},
                                    &world->rows, &world->err),
                     OK);
}

static void close_world(struct world *world)
{
    tail_rows_close(world->rows);
    batch_release(&world->batch);
    arena_release(&world->rows_arena);
    source_free(world->source);
    arena_release(&world->arena);
}

static void begin(struct world *world, const char *text, bool whole, bool want, size_t want_size)
{
    bool known;
    size_t size;

    assert_int_equal(
        tail_rows_begin(world->rows, bytes_of(text), whole, &known, &size, &world->err), OK);
    assert_int_equal(known, want);
    if (want)
        assert_int_equal(size, want_size);
}

/* In pieces of so many bytes: what comes of it is the same. */
static void feed(struct world *world, const char *text, size_t piece)
{
    struct bytes rest = bytes_of(text);

    while (rest.size > 0) {
        size_t size = piece < rest.size ? piece : rest.size;

        assert_int_equal(tail_rows_feed(world->rows, bytes_slice(rest, 0, size), &world->err), OK);
        rest = bytes_slice(rest, size, rest.size);
    }
}

static void has(const struct world *world, uint64_t points, uint64_t faults, size_t held)
{
    const struct tail_counts *counts = tail_rows_counts(world->rows);

    if (counts->points != points || world->batch.row_count != points || counts->faults != faults ||
        tail_rows_held(world->rows) != held)
        fail_msg("%lu points (%lu in the batch), %lu faults (%s), %zu held", counts->points,
                 world->batch.row_count, counts->faults, tail_rows_fault(world->rows),
                 tail_rows_held(world->rows));
}

static void test_names_are_waited_for(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "'decode': {'csv': {'skip': 1}}", false);
    begin(&world, "", false, false, 0);
    begin(&world, "# a\nn,p", false, false, 0);
    begin(&world, "# a\nn,p,v\n1,a,2\n", false, true, 10);
    feed(&world, "1,a,2\n", 1);
    has(&world, 1, 0, 0);
    close_world(&world);
    open_world(&world, "", false);
    begin(&world, "n,p,v", true, true, 5);
    close_world(&world);
    open_world(&world, "'decode': {'csv': {'columns': ['n', 'p', 'v']}}", false);
    begin(&world,
          "\xef\xbb\xbf"
          "1,",
          false, true, 3);
    close_world(&world);
    open_world(&world, "", false);
    {
        bool known;
        size_t size;

        assert_int_equal(
            tail_rows_begin(world.rows, BYTES("n,n\n"), false, &known, &size, &world.err),
            E_SYNTAX);
        assert_non_null(strstr(world.err.text, "both called"));
    }
    close_world(&world);
}

static void test_bad_records_are_passed_over(void **state)
{
    static const char text[] = "1,a,1\n"
                               "x,a,1\n"        /* no time */
                               "2,a,1,4\n"      /* more cells than names */
                               "3,\"a\nb\",1\n" /* a line end within */
                               "4,a\"b,1\n"     /* a quote within */
                               "5,a\n"          /* nothing there: no row, no fault */
                               "6,a,7\r\n"
                               "7,a";

    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece += 3) {
        struct world world;

        open_world(&world, "", false);
        begin(&world, "n,p,v\n", false, true, 6);
        feed(&world, text, piece);
        has(&world, 2, 4, 3); /* a tag has no line end */
        assert_int_equal(tail_rows_finish(world.rows, &world.err), OK);
        has(&world, 2, 4, 0);
        close_world(&world);
    }
}

static void test_a_line_that_is_too_long(void **state)
{
    static const char *const blocks[] = {"", "'decode': 'ndjson'"};
    static const char *const good[] = {"1,a,1\n", "{\"n\":1,\"p\":\"a\",\"v\":1}\n"};
    char text[3000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        struct world world;

        open_world(&world, blocks[i], false);
        begin(&world, "n,p,v\n", false, true, i == 0 ? 6 : 0);
        feed(&world, text, 700);
        has(&world, 0, 1, 0);
        assert_true(tail_rows_within(world.rows)); /* which is kept with how far it goes */
        close_world(&world);
        open_world(&world, blocks[i], true);
        begin(&world, "n,p,v\n", false, true, i == 0 ? 6 : 0);
        feed(&world, "xxx\n", 2);
        feed(&world, good[i], 5);
        has(&world, 1, 0, 0);
        assert_false(tail_rows_within(world.rows));
        close_world(&world);
    }
}

static void test_ndjson(void **state)
{
    static const char text[] = "{\"n\":1,\"p\":\"a\",\"v\":1}\n"
                               "{\"n\":2,\"p\":\n"
                               "\n"
                               "{\"n\":3,\"v\":[1]}\n"
                               "{\"n\":4,\"v\":2}";

    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece += 4) {
        struct world world;

        open_world(&world, "'decode': 'ndjson'", false);
        begin(&world, text, false, true, 0);
        feed(&world, text, piece);
        has(&world, 1, 2, 13);
        assert_int_equal(tail_rows_finish(world.rows, &world.err), OK);
        has(&world, 2, 2, 0);
        close_world(&world);
    }
}

static void test_points_go_into_the_batch_at_hand(void **state)
{
    struct world world;
    struct arena arena;
    struct batch other;

    (void)state;
    open_world(&world, "", false);
    begin(&world, "n,p,v\n", false, true, 6);
    feed(&world, "1,a,1\n2,a", 4);
    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&other, &arena, 1);
    tail_rows_batch(world.rows, &other);
    feed(&world, ",2\n", 4);
    assert_int_equal(other.row_count, 1);
    assert_int_equal(world.batch.row_count, 1);
    tail_rows_discard(world.rows, true);
    feed(&world, "3,a,1\n", 9);
    assert_int_equal(other.row_count, 1);
    batch_release(&other);
    arena_release(&arena);
    close_world(&world);
}

/* The mapper keeps twenty; all are counted. */
static void test_many_faults_are_counted(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "", false);
    begin(&world, "n,p,v\n", false, true, 6);
    for (int i = 0; i < 50; i++)
        feed(&world, "x,a,1\n", 9);
    feed(&world, "1,a,1\n", 9);
    has(&world, 1, 50, 0);
    assert_non_null(strstr(tail_rows_fault(world.rows), "line 50"));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_waited_for),
        cmocka_unit_test(test_bad_records_are_passed_over),
        cmocka_unit_test(test_a_line_that_is_too_long),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_points_go_into_the_batch_at_hand),
        cmocka_unit_test(test_many_faults_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
