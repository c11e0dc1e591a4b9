#include "store/wal/segment.h"

#include "tests/unit/store/wal/memory_fs.h"

static void test_a_name_gives_its_id_back_and_nothing_else_does(void **state)
{
    static const struct {
        const char *name;
        uint64_t want;
    } cases[] = {
        {"0000000000000001.wal",  1         },
        {"00000000000000ff.wal",  255       },
        {"ffffffffffffffff.wal",  UINT64_MAX},
        {"0000000000000000.wal",  0         },
        {"00000000000000FF.wal",  0         },
        {"1.wal",                 0         },
        {"0000000000000001.tmp",  0         },
        {"0000000000000001.wal~", 0         },
        {"x000000000000001.wal",  0         },
        {"-000000000000001.wal",  0         },
        {"",                      0         },
    };
    char name[SEGMENT_NAME_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (segment_id_of(cases[i].name) != cases[i].want)
            fail_msg("%s", cases[i].name);
    segment_name(0x123, name);
    assert_string_equal(name, "wal/0000000000000123.wal");
}

static void test_a_new_segment_is_zeros_on_disk(void **state)
{
    struct memory_fs memory;
    struct segment segment;
    struct memory_node *node;

    (void)state;
    memory_fs_init(&memory);
    assert_int_equal(segment_create(&memory.fs, 3, 300 * 1024 + 8, &segment, NULL), OK);
    assert_int_equal(segment.id, 3);
    assert_int_equal(segment.size, 300 * 1024 + 8);
    assert_int_equal(segment.end, SEGMENT_HEAD_SIZE);
    node = memory_find(&memory, "wal/0000000000000003.wal");
    assert_non_null(node);
    assert_int_equal(node->size, 300 * 1024 + 8);
    assert_int_equal(node->unsynced, 0);
    for (size_t i = 0; i < node->size; i++)
        if (node->data[i] != 0)
            fail_msg("byte %zu", i);
    assert_int_equal(segment_extend(&segment, 400 * 1024, NULL), OK);
    assert_int_equal(node->size, 400 * 1024);
    assert_int_equal(node->unsynced, 0);
    segment_release(&segment);
    assert_null(segment.file);
    memory_fs_release(&memory);
}

static void test_a_segment_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct memory_fs memory;
        struct segment segment;
        struct error err = {0};
        enum code code;

        memory_fs_init(&memory);
        memory_fs_fail(&memory, n, CALL_ANY, false, E_DISK_FULL);
        code = segment_create(&memory.fs, 1, 600 * 1024, &segment, &err);
        if (code == OK) {
            assert_true(n > 5); /* open, three writes, sync, directory */
            segment_release(&segment);
            memory_fs_release(&memory);
            break;
        }
        assert_int_equal(code, E_DISK_FULL);
        assert_non_null(strstr(err.text, "wal/0000000000000001.wal"));
        assert_null(memory_find(&memory, "wal/0000000000000001.wal"));
        memory_fs_release(&memory);
    }
}

static void test_recycling_gives_the_bytes_a_new_name(void **state)
{
    struct memory_fs memory;
    struct segment old, segment;
    struct bytes stale = BYTES("stale frames");

    (void)state;
    memory_fs_init(&memory);
    assert_int_equal(segment_create(&memory.fs, 1, 4096, &old, NULL), OK);
    assert_int_equal(fs_write(old.file, 600, &stale, 1, NULL), OK);
    old.end = 1000;
    old.lsn_last = 9;
    segment_release(&old);
    assert_int_equal(segment_recycle(&memory.fs, &old, 5, &segment, NULL), OK);
    assert_null(memory_find(&memory, "wal/0000000000000001.wal"));
    assert_memory_equal(memory_find(&memory, "wal/0000000000000005.wal")->data + 600, "stale", 5);
    assert_int_equal(segment.id, 5);
    assert_int_equal(segment.size, 4096);
    assert_int_equal(segment.end, SEGMENT_HEAD_SIZE);
    assert_int_equal(segment.lsn_last, 0);
    segment_release(&segment);
    assert_int_equal(segment_remove(&memory.fs, 5, NULL), OK);
    assert_int_equal(memory_fs_bytes(&memory, "wal/"), 0);
    memory_fs_release(&memory);
}

static void test_a_head_tells_whose_segment_it_is(void **state)
{
    static const struct hash128 ours =
                                    {
                                        {1, 2, 3}
    },
                                other = {{1, 2, 4}};
    char head[SEGMENT_HEAD_SIZE];
    struct bytes image = {head, sizeof(head)};

    (void)state;
    segment_head(0x0102, &ours, head);
    assert_memory_equal(head, "WEIRWAL1\x02\x01\0\0\0\0\0\0\x01\x02\x03\0", 20);
    for (size_t i = 32; i < sizeof(head); i++)
        assert_int_equal(head[i], 0);
    assert_false(segment_is_foreign(image, &ours));
    assert_true(segment_is_foreign(image, &other));
    assert_false(segment_is_foreign((struct bytes){head, SEGMENT_HEAD_SIZE - 1}, &other));
    assert_int_not_equal(segment_seed(&ours), segment_seed(&other));
    head[0] = 0; /* never written, or damaged: nobody's */
    assert_false(segment_is_foreign(image, &other));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_gives_its_id_back_and_nothing_else_does),
        cmocka_unit_test(test_a_new_segment_is_zeros_on_disk),
        cmocka_unit_test(test_a_segment_that_cannot_be_made_leaves_nothing),
        cmocka_unit_test(test_recycling_gives_the_bytes_a_new_name),
        cmocka_unit_test(test_a_head_tells_whose_segment_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
