#include "store/packs/pack_stub.h"

#include "store/packs/pack_parts.h"
#include "tests/unit/store/packs/pack_sample.h"

static const struct pack_plan plan = {3, 40, 4096, 10, 2, 2, 100};

/* Gives bytes of a pack that is here. */
struct lender {
    struct pack_bringer bringer; /* first */
    struct pack *whole;
    unsigned asked, doubted, forgotten, wrong; /* how many answers more are wrong */
};

static enum code lend(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset,
                      void *data, size_t size, const struct patience *patience, struct error *err)
{
    struct lender *lender = (struct lender *)bringer;
    enum code code = pack_read(lender->whole, offset, data, size, err);

    assert_string_equal(pack_name(pack), pack_name(lender->whole));
    if (patience->ask != NULL && code == OK)
        code = patience->ask(patience->context, err);
    lender->asked++;
    if (lender->wrong > 0) {
        lender->wrong--;
        ((char *)data)[size / 2] ^= 1;
    }
    return code;
}

static void doubt(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset)
{
    struct lender *lender = (struct lender *)bringer;

    assert_true(offset < pack_about(pack).bytes);
    lender->doubted++;
}

static void forget(struct pack_bringer *bringer, uint64_t serial)
{
    struct lender *lender = (struct lender *)bringer;

    assert_true(serial > 0);
    lender->forgotten++;
}

static bool answers(struct pack_bringer *bringer, const struct pack *pack)
{
    struct lender *lender = (struct lender *)bringer;

    assert_string_equal(pack_name(pack), pack_name(lender->whole));
    return lender->wrong == 0;
}

struct stubbed {
    struct lender lender;
    struct pack_bringer *_Atomic bringer;
    struct pack *stub;
};

static void stubbed_init(struct stubbed *stubbed, struct pack_fixture *fixture)
{
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;

    *stubbed = (struct stubbed){.lender = {.bringer = {lend, doubt, forget, answers}}};
    assert_int_equal(sample_write(fixture, &plan, "whole.pack", &summary, &bytes, NULL), OK);
    assert_true(summary.in_file);
    assert_int_equal(pack_open_file(fixture->fs, "whole.pack", &stubbed->lender.whole, NULL), OK);
    assert_int_equal(
        pack_stub_write(fixture->fs, "s.stub", stubbed->lender.whole, BYTES("north"), NULL), OK);
    if (pack_open_stub(fixture->fs, "s.stub", &stubbed->bringer, &stubbed->stub, &err) != OK)
        fail_msg("%s", err.text);
}

static void stubbed_release(struct stubbed *stubbed)
{
    assert_int_equal(stubbed->lender.forgotten, 0);
    pack_unref(stubbed->stub);
    assert_int_equal(stubbed->lender.forgotten, stubbed->bringer != NULL);
    pack_unref(stubbed->lender.whole);
}

static enum code join(void *context, struct bytes entry, struct error *err)
{
    (void)err;
    buf_put_span(context, entry);
    return OK;
}

static void expect_same_walk(const struct stubbed *stubbed,
                             enum code (*walk)(const struct pack *pack, pack_each each,
                                               void *context, struct error *err))
{
    struct buf whole = BUF_INIT(1 << 20), stub = BUF_INIT(1 << 20);

    assert_int_equal(walk(stubbed->lender.whole, join, &whole, NULL), OK);
    assert_int_equal(walk(stubbed->stub, join, &stub, NULL), OK);
    assert_true(whole.size > 0 && bytes_equal(buf_bytes(&whole), buf_bytes(&stub)));
    buf_release(&whole);
    buf_release(&stub);
}

static void about_equal(const struct pack_about *a, const struct pack_about *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->in_file, b->in_file);
    assert_int_equal(a->time_first, b->time_first);
    assert_int_equal(a->time_last, b->time_last);
    assert_int_equal(a->ingest_first, b->ingest_first);
    assert_int_equal(a->ingest_last, b->ingest_last);
    assert_int_equal(a->lsn_first, b->lsn_first);
    assert_int_equal(a->lsn_last, b->lsn_last);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->settled, b->settled);
    assert_int_equal(a->floor, b->floor);
}

/* Whoever plans needs nothing else, and nobody is asked for it. */
static void test_all_but_the_blocks_is_there(void **state)
{
    struct stubbed stubbed;
    struct pack_about whole, stub;
    const struct pack_block *blocks, *same;
    size_t count, same_count;

    stubbed_init(&stubbed, *state);
    assert_true(pack_is_away(stubbed.stub));
    assert_false(pack_is_away(stubbed.lender.whole));
    assert_string_equal(pack_shard(stubbed.stub), "north");
    assert_string_equal(pack_shard(stubbed.lender.whole), "");
    assert_string_equal(pack_name(stubbed.stub), pack_name(stubbed.lender.whole));
    assert_memory_equal(pack_incarnation(stubbed.stub), pack_incarnation(stubbed.lender.whole), 16);
    whole = pack_about(stubbed.lender.whole);
    stub = pack_about(stubbed.stub);
    about_equal(&whole, &stub);
    blocks = pack_blocks(stubbed.lender.whole, &count);
    same = pack_blocks(stubbed.stub, &same_count);
    assert_int_equal(count, same_count);
    for (size_t i = 0; i < count; i++) {
        assert_true(bytes_equal(blocks[i].measurement, same[i].measurement));
        assert_int_equal(blocks[i].offset, same[i].offset);
        assert_int_equal(blocks[i].crc, same[i].crc);
    }
    expect_same_walk(&stubbed, pack_walk_series);
    expect_same_walk(&stubbed, pack_walk_tombstones);
    expect_same_walk(&stubbed, pack_walk_notes);
    assert_int_equal(pack_parts_count(pack_stub_parts(stubbed.stub)),
                     pack_parts_count(pack_stub_parts(stubbed.stub)));
    stubbed_release(&stubbed);
}

static void test_blocks_are_brought(void **state)
{
    struct pack_fixture *fixture = *state;
    struct stubbed stubbed;
    const struct pack_block *blocks, *own;
    struct pack_file *file;
    struct bytes here, there;
    struct error err = {0};
    size_t count;

    stubbed_init(&stubbed, fixture);
    blocks = pack_blocks(stubbed.stub, &count);
    own = pack_blocks(stubbed.lender.whole, &count);
    assert_int_equal(pack_read_block(stubbed.stub, NULL, &blocks[0], &fixture->arena, &there, &err),
                     E_SHARD);
    assert_non_null(strstr(err.text, "north"));
    assert_false(pack_answers(stubbed.stub)); /* nobody brings it */
    atomic_store(&stubbed.bringer, &stubbed.lender.bringer);
    assert_true(pack_answers(stubbed.stub) && pack_answers(stubbed.lender.whole));
    stubbed.lender.wrong = 1;
    assert_false(pack_answers(stubbed.stub));
    assert_true(pack_answers(stubbed.lender.whole));
    stubbed.lender.wrong = 0;
    assert_int_equal(pack_file_open(stubbed.stub, &file, NULL), OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            pack_read_block(stubbed.lender.whole, NULL, &own[i], &fixture->arena, &here, NULL), OK);
        assert_int_equal(
            pack_read_block(stubbed.stub, file, &blocks[i], &fixture->arena, &there, NULL), OK);
        assert_true(bytes_equal(here, there));
        assert_int_equal(
            pack_read_block_header(stubbed.stub, NULL, &blocks[i], &fixture->arena, &there, NULL),
            OK);
        assert_true(there.size <= here.size && memcmp(there.data, here.data, there.size) == 0);
    }
    assert_int_equal(stubbed.lender.doubted, 0);
    pack_file_close(file);
    stubbed_release(&stubbed);
}

/* Of bytes that fail their check, once more is asked. */
static void test_damage_on_the_way_is_asked_for_again(void **state)
{
    struct pack_fixture *fixture = *state;
    struct stubbed stubbed;
    const struct pack_block *blocks;
    struct error err = {0};
    struct bytes there;
    size_t count;

    stubbed_init(&stubbed, fixture);
    atomic_store(&stubbed.bringer, &stubbed.lender.bringer);
    blocks = pack_blocks(stubbed.stub, &count);
    stubbed.lender.wrong = 1;
    assert_int_equal(pack_read_block(stubbed.stub, NULL, &blocks[1], &fixture->arena, &there, NULL),
                     OK);
    assert_int_equal(stubbed.lender.asked, 2);
    assert_int_equal(stubbed.lender.doubted, 1);
    stubbed.lender.wrong = 2;
    assert_int_equal(pack_read_block(stubbed.stub, NULL, &blocks[1], &fixture->arena, &there, &err),
                     E_CORRUPT);
    assert_non_null(strstr(err.text, "acme/0000000000000011: block 1"));
    stubbed_release(&stubbed);
}

static enum code impatient(void *context, struct error *err)
{
    ++*(unsigned *)context;
    return error_set(err, E_TIMEOUT, "enough");
}

static void test_patience_is_the_readers(void **state)
{
    struct pack_fixture *fixture = *state;
    unsigned asked = 0;
    struct patience patience = {.ask = impatient, .context = &asked};
    struct stubbed stubbed;
    struct pack_file *file;
    struct bytes there;
    size_t count;

    stubbed_init(&stubbed, fixture);
    atomic_store(&stubbed.bringer, &stubbed.lender.bringer);
    assert_int_equal(pack_file_open(stubbed.stub, &file, NULL), OK);
    pack_file_bear(file, &patience);
    assert_int_equal(pack_read_block(stubbed.stub, file, pack_blocks(stubbed.stub, &count),
                                     &fixture->arena, &there, NULL),
                     E_TIMEOUT);
    assert_int_equal(asked, 1);
    patience.at_hand = true; /* blocks at a shard are never */
    pack_file_bear(file, &patience);
    assert_int_equal(pack_read_block(stubbed.stub, file, pack_blocks(stubbed.stub, &count),
                                     &fixture->arena, &there, NULL),
                     E_BUSY);
    assert_int_equal(asked, 1);
    pack_file_close(file);
    stubbed_release(&stubbed);
}

/* The order of uses, not their time. */
static void test_uses_are_counted(void **state)
{
    struct pack_fixture *fixture = *state;
    struct stubbed stubbed;
    struct pack_file *file;
    uint64_t first;

    stubbed_init(&stubbed, fixture);
    assert_int_equal(pack_used(stubbed.stub), 0);
    assert_int_equal(pack_file_open(stubbed.stub, &file, NULL), OK);
    pack_file_close(file);
    first = pack_used(stubbed.stub);
    assert_true(first > 0);
    assert_int_equal(pack_file_open(stubbed.lender.whole, &file, NULL), OK);
    pack_file_close(file);
    assert_true(pack_used(stubbed.lender.whole) > first);
    assert_false(pack_is_wanted(stubbed.stub));
    pack_want(stubbed.stub);
    assert_true(pack_is_wanted(stubbed.stub));
    stubbed_release(&stubbed);
}

/* Every bit of the header, and of the sections behind it; every cut. */
static void test_damage_of_a_stub_is_seen(void **state)
{
    static char image[4 << 20];
    struct pack_fixture *fixture = *state;
    struct stubbed stubbed;
    struct pack *opened;
    struct file *file;
    struct error err = {0};
    uint64_t size;
    size_t got;

    stubbed_init(&stubbed, fixture);
    assert_int_equal(fs_open(fixture->fs, "s.stub", FS_READ_WRITE, &file, NULL), OK);
    assert_int_equal(fs_size(file, &size, NULL), OK);
    assert_true(size <= sizeof(image) && size < pack_about(stubbed.lender.whole).bytes / 10);
    assert_int_equal(fs_read(file, 0, image, size, &got, NULL), OK);
    for (size_t bit = 0; bit < 8 * 79; bit++) { /* header and head */
        struct bytes byte = {&image[bit / 8], 1};

        image[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(fs_write(file, bit / 8, &byte, 1, NULL), OK);
        if (pack_open_stub(fixture->fs, "s.stub", &stubbed.bringer, &opened, &err) == OK)
            fail_msg("bit %zu is not seen", bit);
        assert_non_null(strstr(err.text, "s.stub"));
        image[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(fs_write(file, bit / 8, &byte, 1, NULL), OK);
    }
    for (uint64_t cut = 0; cut < size; cut += size / 97 + 1) {
        struct bytes rest = {image + cut, size - cut};

        assert_int_equal(fs_truncate(file, cut, NULL), OK);
        assert_int_not_equal(pack_open_stub(fixture->fs, "s.stub", &stubbed.bringer, &opened, &err),
                             OK);
        assert_null(opened);
        assert_int_equal(fs_write(file, cut, &rest, 1, NULL), OK);
    }
    fs_close(file);
    assert_int_equal(pack_open_stub(fixture->fs, "s.stub", &stubbed.bringer, &opened, &err), OK);
    pack_unref(opened);
    assert_int_equal(pack_open_stub(fixture->fs, "none.stub", &stubbed.bringer, &opened, &err),
                     E_NOT_FOUND);
    stubbed_release(&stubbed);
}

static void test_parts_are_found_by_their_bytes(void **state)
{
    struct stubbed stubbed;
    const struct pack_parts *parts;
    uint32_t count;

    stubbed_init(&stubbed, *state);
    parts = pack_stub_parts(stubbed.stub);
    count = pack_parts_count(parts);
    assert_true(count >= 3);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = pack_parts_offset(parts, i), size = pack_parts_size(parts, i);

        assert_int_equal(pack_parts_at(parts, first), i);
        assert_int_equal(pack_parts_at(parts, first + size - 1), i);
        assert_true(i + 1 == count || pack_parts_offset(parts, i + 1) == first + size);
    }
    stubbed_release(&stubbed);
}

static size_t golden_read(const char *path, char *bytes, size_t room)
{
    FILE *file = fopen(path, "r");
    size_t size = 0;
    unsigned byte;

    assert_non_null(file);
    while (size < room && fscanf(file, "%2x", &byte) == 1)
        bytes[size++] = (char)byte;
    fclose(file);
    return size;
}

/* tests/golden/stub/small.hex, of the golden pack; WEIR_GOLDEN_WRITE=1 writes it anew. */
static void test_the_golden_stub_is_written_as_it_was(void **state)
{
    static const char path[] = "tests/golden/stub/small.hex";
    static char image[65536], golden[65536], made[65536];
    struct pack_fixture *fixture = *state;
    size_t size = golden_read("tests/golden/pack/small_2.hex", image, sizeof(image)), got = 0;
    struct file *file;
    struct pack *pack;

    assert_int_equal(pack_open_memory((struct bytes){image, size}, &pack, NULL), OK);
    assert_int_equal(pack_stub_write(fixture->fs, "g.stub", pack, BYTES("north"), NULL), OK);
    pack_unref(pack);
    assert_int_equal(fs_open(fixture->fs, "g.stub", FS_READ, &file, NULL), OK);
    assert_int_equal(fs_read(file, 0, made, sizeof(made), &got, NULL), OK);
    fs_close(file);
    if (getenv("WEIR_GOLDEN_WRITE")) {
        FILE *out = fopen(path, "w");

        assert_non_null(out);
        for (size_t i = 0; i < got; i++)
            fprintf(out, "%02x%s", (unsigned char)made[i],
                    i % 32 == 31 || i + 1 == got ? "\n" : "");
        fclose(out);
    }
    size = golden_read(path, golden, sizeof(golden));
    if (size != got || memcmp(golden, made, size) != 0)
        fail_msg(
            "stubs are written differently now; if that is meant, raise STUB_VERSION and add a "
            "golden file");
}

static void test_paths(void **state)
{
    char path[PACK_PATH_SIZE];

    (void)state;
    pack_stub_path(BYTES("acme"), 17, path);
    assert_string_equal(path, "packs/acme/0000000000000011.stub");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_but_the_blocks_is_there),
        cmocka_unit_test(test_blocks_are_brought),
        cmocka_unit_test(test_damage_on_the_way_is_asked_for_again),
        cmocka_unit_test(test_patience_is_the_readers),
        cmocka_unit_test(test_uses_are_counted),
        cmocka_unit_test(test_damage_of_a_stub_is_seen),
        cmocka_unit_test(test_parts_are_found_by_their_bytes),
        cmocka_unit_test(test_the_golden_stub_is_written_as_it_was),
        cmocka_unit_test(test_paths),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
