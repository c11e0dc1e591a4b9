#include "tests/unit/store/packs/pack_sample.h"

#include "store/packs/pack_parts.h"

/* One behind another the parts are the pack, each with its hash. */
static void expect_whole(const struct pack *pack, struct hash128 hash, uint32_t parts_least)
{
    struct buf all = BUF_INIT((size_t)64 << 20), one = BUF_INIT((size_t)64 << 20);
    struct pack_parts *parts;
    struct hash128 found;

    assert_int_equal(pack_parts_open(pack, &parts, NULL), OK);
    assert_true(pack_parts_count(parts) >= parts_least);
    for (uint32_t i = 0; i < pack_parts_count(parts); i++) {
        struct hash128 again;

        buf_clear(&one);
        assert_int_equal(pack_parts_read(parts, i, &one, &found, NULL), OK);
        assert_int_equal(one.size, pack_parts_size(parts, i));
        assert_true(one.size > 0 && one.size <= PACK_PART_BYTES_MAX);
        again = hash128(buf_bytes(&one));
        assert_memory_equal(&found, &again, sizeof(found));
        assert_int_equal(pack_parts_read(parts, i, &all, &found, NULL), OK);
    }
    assert_int_equal(all.size, pack_about(pack).bytes);
    found = hash128(buf_bytes(&all));
    assert_memory_equal(&found, &hash, sizeof(found));
    pack_parts_close(parts);
    buf_release(&all);
    buf_release(&one);
}

static void test_parts_are_the_pack(void **state)
{
    static const struct pack_plan large = {3, 40, 4096, 10, 2, 2, 100};
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;

    assert_int_equal(sample_write(fixture, &large, "large.pack", &summary, &bytes, NULL), OK);
    assert_true(summary.in_file);
    assert_int_equal(pack_open_file(fixture->fs, "large.pack", &pack, NULL), OK);
    expect_whole(pack, summary.hash, 3);
    pack_unref(pack);
}

static void test_small_packs_have_two(void **state)
{
    static const struct pack_plan plans[] = {
        {0              },
        {                 .measurements = 1,    .blocks = 1, .block_rows = 10},
        { .tombstones = 3, .notes = 3},
    };
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        struct pack_summary summary;
        struct bytes bytes;
        struct pack *pack;
        struct pack_parts *parts;

        assert_int_equal(sample_write(fixture, &plans[i], "small.pack", &summary, &bytes, NULL),
                         OK);
        assert_false(summary.in_file);
        assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
        expect_whole(pack, summary.hash, 2);
        assert_int_equal(pack_parts_open(pack, &parts, NULL), OK);
        assert_int_equal(pack_parts_count(parts), 2);
        pack_parts_close(parts);
        pack_unref(pack);
        free((void *)bytes.data);
    }
    pack_parts_close(NULL);
}

/* Bytes that changed on disk are not shipped. */
static void test_damage_is_seen(void **state)
{
    static const struct pack_plan plan = {.measurements = 1, .blocks = 1, .block_rows = 100};
    struct pack_fixture *fixture = *state;
    struct buf out = BUF_INIT(1 << 20);
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;
    struct pack *pack;
    struct pack_parts *parts;
    struct hash128 hash;

    assert_int_equal(sample_write(fixture, &plan, "damaged.pack", &summary, &bytes, NULL), OK);
    ((char *)(uintptr_t)bytes.data)[200] ^= 1; /* in a block */
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    assert_int_equal(pack_parts_open(pack, &parts, NULL), OK);
    assert_int_equal(pack_parts_read(parts, 0, &out, &hash, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "part 0 of 1"));
    pack_parts_close(parts);
    pack_unref(pack);
    /* The table. */
    ((char *)(uintptr_t)bytes.data)[bytes.size - PACK_FOOTER_SIZE - 5] ^= 1;
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    assert_int_equal(pack_parts_open(pack, &parts, &err), E_CORRUPT);
    assert_null(parts);
    pack_unref(pack);
    free((void *)bytes.data);
    buf_release(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_pack),
        cmocka_unit_test(test_small_packs_have_two),
        cmocka_unit_test(test_damage_is_seen),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
