#include "tests/unit/ingest/follow/tail_fixture.h"

#include "ingest/follow/tail.h"

struct world {
    struct tail_fixture fixture;
    struct limits limits;
    struct arena arena;
    struct batch batch;
    char *buffer;
    uint64_t left, read;
    struct tail_terms terms;
    struct tail *tail;
    struct error err;
};

static void new_tail(struct world *world)
{
    struct stat stat;

    assert_int_equal(lstat(tail_path(&world->fixture, "a"), &stat), 0);
    world->tail = tail_new(tail_path(&world->fixture, "a"), &stat);
    assert_non_null(world->tail);
    assert_true(tail_look(world->tail, &stat, 1));
    assert_true(world->tail->due);
    assert_false(tail_look(world->tail, &stat, 2));
}

static void open_world(struct world *world, const char *text)
{
    *world = (struct world){.left = UINT64_MAX};
    tail_fixture_init(&world->fixture, "a", "");
    limits_init(&world->limits);
    arena_init(&world->arena, SIZE_MAX, NULL);
    batch_init(&world->batch, &world->arena, 1);
    world->buffer = malloc(TAIL_BUFFER_SIZE);
    world->terms = (struct tail_terms){.source = world->fixture.source,
                                       .limits = &world->limits,
                                       .places = &world->fixture.places,
                                       .tenant = BYTES("a"),
                                       .batch = &world->batch,
                                       .buffer = world->buffer,
                                       .bytes_left = &world->left,
                                       .bytes_read = &world->read};
    tail_put(&world->fixture, "a", 0, text);
    new_tail(world);
}

static void close_world(struct world *world)
{
    tail_free(world->tail);
    batch_release(&world->batch);
    arena_release(&world->arena);
    free(world->buffer);
    tail_fixture_release(&world->fixture);
}

/* Reads, and what comes of it: rows in all that the batch has, and the offset. */
static void reads(struct world *world, bool final, uint64_t rows, uint64_t offset)
{
    bool more;
    enum code code = tail_read(world->tail, &world->terms, final, &more, &world->err);

    if (code)
        fail_msg("%s", world->err.text);
    assert_false(more);
    assert_int_equal(world->batch.row_count, rows);
    if (world->tail->joined) {
        assert_int_equal(world->tail->coming.offset, offset);
        tail_prepare(world->tail, 5);
        tail_settle(world->tail, true);
    }
    assert_int_equal(world->tail->mark.offset, offset);
}

static void test_it_is_read_on(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\n2,a");
    reads(&world, false, 1, 12);
    assert_int_equal(tail_lag(world.tail), 3);
    tail_put(&world.fixture, "a", 0, ",2\n3,a,3");
    reads(&world, false, 2, 18);
    tail_rest(world.tail, true); /* and again, with the names of the beginning */
    reads(&world, false, 2, 18);
    reads(&world, true, 3, 23);
    assert_int_equal(tail_lag(world.tail), 0);
    close_world(&world);
}

static void test_a_half_line_may_be_taken_back(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\nx,a,");
    reads(&world, false, 1, 12);
    assert_int_equal(truncate(tail_path(&world.fixture, "a"), 12), 0);
    tail_put(&world.fixture, "a", 0, "3,b,3\n4,b,4\n");
    reads(&world, false, 3, 24);
    assert_int_equal(world.tail->mark.faults, 0);
    close_world(&world);
}

/* There is no mark of it yet. */
static void test_so_may_half_of_the_names(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "p,q,ti");
    reads(&world, false, 0, 0);
    tail_put(&world.fixture, "a", O_TRUNC, "n,p,v\n1,a,1\n");
    reads(&world, false, 1, 12);
    assert_int_equal(world.tail->mark.faults, 0);
    close_world(&world);
    open_world(&world, "p,v,ti");
    reads(&world, false, 0, 0);
    tail_put(&world.fixture, "a", O_TRUNC, "n,p");
    reads(&world, false, 0, 0);
    tail_put(&world.fixture, "a", 0, ",v\n1,a,1\n");
    reads(&world, false, 1, 12);
    assert_int_equal(world.tail->mark.rows, 1);
    close_world(&world);
}

static void test_what_stands_before_a_fault_of_a_packed_file_counts(void **state)
{
    /* n,v\n1,2\n */
    static const unsigned char rows[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                         0xcb, 0xd3, 0x29, 0xe3, 0x32, 0xd4, 0x31, 0xe2, 0x02, 0x00,
                                         0x5a, 0x55, 0xf0, 0x4b, 0x08, 0x00, 0x00, 0x00};
    struct world world;
    bool more;
    int fd;

    (void)state;
    open_world(&world, "");
    fd = open(tail_path(&world.fixture, "a"), O_WRONLY);
    assert_int_equal(write(fd, rows, sizeof(rows)), sizeof(rows));
    assert_int_equal(write(fd, "no more of it", 13), 13);
    close(fd);
    assert_int_equal(tail_read(world.tail, &world.terms, false, &more, &world.err),
                     E_BAD_COMPRESSION);
    assert_true(world.tail->joined && !world.tail->wrong);
    assert_int_equal(world.tail->coming.offset, 8);
    assert_int_equal(world.batch.row_count, 1);
    tail_settle(world.tail, false); /* nobody has them yet */
    assert_true(world.tail->due && !world.tail->wrong);
    assert_int_equal(tail_read(world.tail, &world.terms, false, &more, &world.err),
                     E_BAD_COMPRESSION);
    assert_int_equal(world.batch.row_count, 2);
    assert_true(world.tail->joined);
    tail_settle(world.tail, true);
    assert_true(world.tail->wrong);
    assert_int_equal(world.tail->mark.offset, 8);
    close_world(&world);
}

static void test_what_is_not_kept_is_read_again(void **state)
{
    struct world world;
    bool more;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\n");
    assert_int_equal(tail_read(world.tail, &world.terms, false, &more, &world.err), OK);
    assert_true(world.tail->joined);
    tail_settle(world.tail, false);
    assert_true(world.tail->due && world.tail->mark.offset == 0);
    reads(&world, false, 2, 12);
    assert_int_equal(world.tail->mark.rows, 1);
    close_world(&world);
}

static void test_a_file_that_was_cut_begins_anew(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\n2,a,2\n");
    reads(&world, false, 2, 18);
    tail_put(&world.fixture, "a", O_TRUNC, "n,p,v\n3,a,3\n");
    reads(&world, false, 3, 12);
    tail_put(&world.fixture, "a", O_TRUNC, "n,v\n4,3\n5,3\n6,3\n7,3\n8,3\n"); /* longer */
    reads(&world, false, 8, 24);
    close_world(&world);
}

static void test_which_file_a_mark_is_of(void **state)
{
    struct tail_mark mark;
    struct world world;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\n2,a,2\n");
    reads(&world, false, 2, 18);
    mark = world.tail->mark;
    assert_true(mark.head.size == 18 && mark.last.size == 18 && mark.rows == 2);
    tail_free(world.tail);
    new_tail(&world);
    assert_true(tail_is_marked(world.tail, &world.terms, &mark));
    mark.device++; /* as after a start: of the same bytes */
    tail_adopt(world.tail, &mark);
    assert_true(world.tail->mark.device != mark.device);
    tail_put(&world.fixture, "a", 0, "3,a,3\n");
    reads(&world, false, 3, 24);
    mark.last.hash++;
    assert_false(tail_is_marked(world.tail, &world.terms, &mark));
    close_world(&world);
}

static void test_what_stands_there_is_passed_over(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "n,p,v\n1,a,1\n2,a");
    world.tail->skips = true;
    reads(&world, false, 0, 12);
    assert_false(world.tail->skips);
    tail_put(&world.fixture, "a", 0, ",2\n");
    reads(&world, false, 1, 18);
    close_world(&world);
}

static void test_a_long_file_goes_in_pieces(void **state)
{
    struct world world;
    bool more = false;
    uint64_t rows = 0;

    (void)state;
    open_world(&world, "n,p,v\n");
    for (int i = 0; i < 100; i++) {
        char text[8000] = "";

        for (int j = 0; j < 1000; j++)
            memcpy(text + j * 6, "1,a,1\n", 7);
        tail_put(&world.fixture, "a", 0, text);
    }
    do {
        world.left = TAIL_BUFFER_SIZE;
        assert_int_equal(tail_read(world.tail, &world.terms, false, &more, &world.err), OK);
        assert_true(world.tail->due == more);
        rows += world.tail->coming.rows - world.tail->mark.rows;
        tail_prepare(world.tail, 5);
        tail_settle(world.tail, true);
    } while (more);
    assert_int_equal(rows, 100000);
    assert_int_equal(world.tail->mark.offset, 600006);
    close_world(&world);
}

static void test_a_file_without_names_is_not_read_on(void **state)
{
    struct world world;
    bool more;

    (void)state;
    open_world(&world, "n,n\n1,1\n");
    assert_int_equal(tail_read(world.tail, &world.terms, false, &more, &world.err), E_SYNTAX);
    assert_true(world.tail->wrong);
    tail_put(&world.fixture, "a", 0, "2,2\n");
    reads(&world, false, 0, 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_read_on),
        cmocka_unit_test(test_a_half_line_may_be_taken_back),
        cmocka_unit_test(test_so_may_half_of_the_names),
        cmocka_unit_test(test_what_stands_before_a_fault_of_a_packed_file_counts),
        cmocka_unit_test(test_what_is_not_kept_is_read_again),
        cmocka_unit_test(test_a_file_that_was_cut_begins_anew),
        cmocka_unit_test(test_which_file_a_mark_is_of),
        cmocka_unit_test(test_what_stands_there_is_passed_over),
        cmocka_unit_test(test_a_long_file_goes_in_pieces),
        cmocka_unit_test(test_a_file_without_names_is_not_read_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
