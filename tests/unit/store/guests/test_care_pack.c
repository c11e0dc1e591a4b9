#include "tests/unit/store/guests/care_sample.h"

static void count_file(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

static size_t files(struct node *node, const char *directory)
{
    size_t count = 0;
    struct error ignored;

    (void)!fs_list(&node->house.fs.fs, directory, count_file, &count, &ignored);
    return count;
}

/* Packs of files, not of the index, with blocks that are at the shard alone. */
static void test_a_large_pack_is_brought_and_goes_back(void **state)
{
    static struct read_row before[CARE_ROWS_MAX], after[CARE_ROWS_MAX];
    static struct village village;
    struct node *node = &village.nodes[0];
    size_t count, kept;

    (void)state;
    village_init(&village);
    house_put_noise(&village.author.house, 1, 5);
    house_seal(&village.author.house);
    village_part(&village);
    node_read(node);
    count = house_read(&node->house, 1, VIEW_LATEST, before, CARE_ROWS_MAX);
    (void)house_delete(&node->house, 0, 100, 200, true);
    (void)node_go_on(node);
    (void)village_expect_whole(&village, false);
    kept = house_read(&node->house, 1, VIEW_LATEST, after, CARE_ROWS_MAX);
    assert_int_equal(kept, count - 100);
    assert_memory_equal(after, before, 100 * sizeof(before[0]));
    assert_memory_equal(after + 100, before + 200, (kept - 100) * sizeof(before[0]));
    assert_int_equal(files(node, "care"), 0);
    village_release(&village);
}

static uint64_t failures(struct node *node)
{
    return house_metric(&node->house, "weir_caretaker_failures_total", METRIC_COUNTER,
                        "shard=\"north\"");
}

/* One that cannot be read keeps no others from being rewritten, and is read again after ten minutes
 * first, and then after twice as long each time. */
static void test_a_damaged_pack_is_passed_over(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct chain_list list = {0};
    struct fake_document *document;
    char id[CHAIN_ID_SIZE];

    (void)state;
    village_init(&village);
    for (uint32_t series = 1; series <= 3; series++)
        depot_add_pack(&village.author, series, 0);
    village_part(&village);
    node_read(node);
    (void)village_chain(&village, &list);
    chain_part_id(&list.packs[1].entry.incarnation, list.packs[1].entry.number, 0, id);
    document = fake_find(&village.author.north, "weir_acme", ARCHIVE_PACKS, bytes_of(id));
    document->body[10] ^= 1;
    (void)house_delete(&node->house, 0, 0, 5, true);
    (void)node_go_on(node);
    house_expect(&node->house, 1, 5, 5);
    house_expect(&node->house, 3, 5, 5);
    house_expect(&node->house, 2, 0,
                 10); /* what is kept of it here; answers hide what was erased */
    assert_int_equal(failures(node), 1);
    (void)node_go_on(node);
    assert_int_equal(failures(node), 1);
    for (int i = 0; i < 2; i++) { /* the second is too early */
        node_time(node, 600);
        (void)node_go_on(node);
        assert_int_equal(failures(node), 2);
    }
    document = fake_find(&village.author.north, "weir_acme", ARCHIVE_PACKS, bytes_of(id));
    document->body[10] ^= 1;
    assert_int_equal(village_rows(&village), 20);
    node_time(node, 1200);
    (void)node_go_on(node);
    assert_int_equal(village_rows(&village), 15);
    assert_int_equal(failures(node), 2);
    chain_list_release(&list);
    village_release(&village);
}

static uint64_t room_bytes;

static enum code tell_room(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    (void)fs, (void)err;
    *bytes_free = room_bytes;
    return OK;
}

/* It can be read, and the disk has no room for what would come of it: others are rewritten, and so
 * is this one ten minutes later, however long there was none. */
static void test_a_pack_without_room_is_passed_over(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];

    (void)state;
    village_init(&village);
    house_put_noise(&village.author.house, 1, 5);
    house_seal(&village.author.house);
    depot_add_pack(&village.author, 2, 0);
    village_part(&village);
    node_read(node);
    (void)house_delete(&node->house, 0, 0, 5, true);
    node->house.fs.operations.space = tell_room;
    room_bytes = (256 << 20) + 100000;
    (void)node_go_on(node);
    assert_int_equal(village_rows(&village), 20000 + 5);
    assert_int_equal(failures(node), 1);
    for (uint64_t i = 2; i < 8; i++) {
        node_time(node, 600);
        (void)node_go_on(node);
        assert_int_equal(failures(node), i);
    }
    room_bytes = UINT64_C(1) << 40;
    node_time(node, 600);
    (void)node_go_on(node);
    assert_int_equal(village_rows(&village), 20000 - 5 + 5);
    assert_int_equal(failures(node), 7);
    village_release(&village);
}

/* What a process left that ended at its work. */
static void test_files_of_before_go_at_the_start(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct file *file;

    (void)state;
    village_init(&village);
    assert_int_equal(fs_make_dir(&node->house.fs.fs, "care", NULL), OK);
    assert_int_equal(
        fs_open(&node->house.fs.fs, "care/8000000000000000.in", FS_CREATE, &file, NULL), OK);
    fs_close(file);
    assert_int_equal(files(node, "care"), 1);
    node_restart(node);
    assert_int_equal(files(node, "care"), 0);
    village_release(&village);
}

/* Whatever the disk refuses: nothing is lost, and all is done in the end. */
static void test_the_disk_may_fail_anywhere(void **state)
{
    static struct village village;
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct node *node = &village.nodes[0];

        village_init(&village);
        house_put_noise(&village.author.house, 1, 5);
        house_seal(&village.author.house);
        village_part(&village);
        node_read(node);
        (void)house_delete(&node->house, 0, 100, 200, true);
        (void)caretaker_step(node->caretaker);
        node_time(node, 61);
        house_fail(&node->house, n, false, E_DISK_FULL);
        (void)caretaker_step(node->caretaker);
        failed = node->house.fs.calls >= n;
        house_fail(&node->house, 0, false, OK);
        node_time(node, 600);
        (void)node_go_on(node);
        (void)village_expect_whole(&village, false);
        assert_int_equal(village_rows(&village), 19900);
        assert_int_equal(files(node, "care"), 0);
        village_release(&village);
        assert_true(n > 3 || failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_pack_is_brought_and_goes_back),
        cmocka_unit_test(test_a_damaged_pack_is_passed_over),
        cmocka_unit_test(test_a_pack_without_room_is_passed_over),
        cmocka_unit_test(test_files_of_before_go_at_the_start),
        cmocka_unit_test(test_the_disk_may_fail_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
