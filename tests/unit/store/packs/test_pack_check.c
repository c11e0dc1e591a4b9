#include "tests/unit/store/packs/pack_sample.h"

static const struct pack_plan small = {2, 2, 10, 5, 2, 2, 10}, large = {3, 40, 4096, 100, 3, 3, 10};

static void test_a_good_pack_passes(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;
    struct pack *pack;

    assert_int_equal(sample_write(fixture, &large, "good.pack", &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_file(fixture->fs, "good.pack", &pack, NULL), OK);
    if (pack_check(pack, fixture->decoder, &err))
        fail_msg("%s", err.text);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* Every byte of a pack is covered: whichever bit turns, opening or checking tells. */
static void test_any_turned_bit_is_told(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;
    char *data;

    assert_int_equal(sample_write(fixture, &small, "x.pack", &summary, &bytes, NULL), OK);
    data = (char *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        char kept = data[i];
        struct error err = {0};
        struct pack *pack;
        enum code code;

        data[i] = (char)(kept ^ 1 << random_below(&fixture->random, 8));
        code = pack_open_memory(bytes, &pack, &err);
        if (code == OK) {
            code = pack_check(pack, fixture->decoder, &err);
            pack_unref(pack);
        }
        if (code != E_CORRUPT || !err.text[0])
            fail_msg("byte %zu of %zu turned: not told", i, bytes.size);
        data[i] = kept;
    }
    free(data);
    arena_release(&fixture->arena);
}

/* A footer that lies, in an opened pack: what no checksum of its own finds. */
static void test_totals_that_lie_are_told(void **state)
{
    struct pack_fixture *fixture = *state;
    struct pack_summary summary;
    struct bytes bytes;

    assert_int_equal(sample_write(fixture, &small, "x.pack", &summary, &bytes, NULL), OK);
    for (unsigned lie = 0; lie < 7; lie++) {
        struct error err = {0};
        struct pack *pack;

        assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
        pack->footer.row_count += lie == 0;
        pack->footer.value_count += lie == 1;
        pack->footer.time_first -= lie == 2;
        pack->footer.ingest_last += lie == 3;
        pack->blocks[1].times_unique ^= lie == 4;
        pack->blocks[2].time_last += lie == 5;
        assert_int_equal(pack_check(pack, fixture->decoder, &err), lie == 6 ? OK : E_CORRUPT);
        pack_unref(pack);
    }
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

static void test_a_series_without_its_key_is_told(void **state)
{
    static const struct series_id ids[] = {
        {1, 1}
    };
    static const struct sample_plan plan = {"cpu", 1, 10, 1, 0, 1, false, false};
    struct pack_fixture *fixture = *state;
    struct pack_identity identity = {
        .tenant = BYTES("acme"), .incarnation = {{0}}, .number = 1, .lsn_first = 1, .lsn_last = 1};
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct pack_summary summary;
    struct error err = {0};
    struct pack_writer *writer;
    struct bytes bytes;
    struct pack *pack;

    block.series = ids;
    assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, NULL), OK);
    assert_int_equal(pack_writer_block(writer, &block, NULL), OK);
    assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    assert_int_equal(pack_check(pack, fixture->decoder, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "series 0 of it has no key in the pack"));
    pack_unref(pack);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_pack_passes),
        cmocka_unit_test(test_any_turned_bit_is_told),
        cmocka_unit_test(test_totals_that_lie_are_told),
        cmocka_unit_test(test_a_series_without_its_key_is_told),
    };
    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
