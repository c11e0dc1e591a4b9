/* Every bit of a block of each encoding, and of a small pack, is turned: never a wrong value, and
 * nothing is refused but what the bit is in. */
#include "tests/loops/loop.h"

#include "tests/unit/codec/encoding_sample.h"
#include "tests/unit/store/packs/pack_sample.h"

static uint64_t flips;

/* A part of the block that is read alone. */
struct part {
    struct bytes data;
    bool read, right;
};

enum { PARTS_MAX = 32 };

static bool same_column(const struct block_column *column, const union cell *cells,
                        const uint8_t *present)
{
    for (uint32_t row = 0; row < ENCODING_ROWS; row++) {
        bool there = column->present == NULL || column->present[row];

        if (there != (present == NULL || present[row]))
            return false;
        if (!there)
            continue;
        if (column->type == TYPE_STRING
                ? !bytes_equal(text_bytes(column->cells[row].text), text_bytes(cells[row].text))
                : column->cells[row].u64 != cells[row].u64)
            return false;
    }
    return true;
}

static void part_told(struct part *part, struct bytes data, enum code code, const struct error *err,
                      bool right)
{
    if (code != OK && (code != E_CORRUPT || err->text[0] == '\0'))
        fail_msg("%s: %s (%s)", loop_at, code_row(code)->slug, err->text);
    *part = (struct part){data, code == OK, right};
}

/* Reads all parts; how many. */
static size_t read_parts(const struct block *block, const struct block_view *view,
                         struct block_decoder *decoder, struct arena *arena, struct part *parts)
{
    static const size_t size = ENCODING_ROWS * sizeof(int64_t);
    const int64_t *times = NULL;
    struct error err = {0};
    size_t count = 0;
    enum code code;

    code = block_read_time(decoder, view, arena, &times, &err);
    part_told(&parts[count++], view->time.data, code, &err,
              code == OK && memcmp(times, block->time, size) == 0);
    code = block_read_ingest(decoder, view, arena, &times, &err);
    part_told(&parts[count++], view->ingest.data, code, &err,
              code == OK && memcmp(times, block->ingest, size) == 0);
    code = block_read_revision(decoder, view, arena, &times, &err);
    part_told(&parts[count++], view->revision.data, code, &err,
              code == OK && memcmp(times, block->revision, size) == 0);
    for (uint32_t i = 0; i < view->column_count; i++) {
        const union cell *cells = NULL;
        const uint8_t *present = NULL;

        code = block_read_column(decoder, view, i, arena, &cells, &present, &err);
        part_told(&parts[count++], view->columns[i].data, code, &err,
                  code == OK && same_column(&block->columns[i], cells, present));
    }
    return count;
}

static void flip_block(const struct block *block, struct bytes bytes, size_t bit,
                       struct block_decoder *decoder, struct arena *arena)
{
    char *byte = (char *)(uintptr_t)bytes.data + bit / 8;
    struct part parts[PARTS_MAX];
    struct block_view view;
    struct error err = {0};
    size_t count;

    snprintf(loop_at, sizeof(loop_at), "block, bit %zu\n", bit);
    *byte = (char)(*byte ^ (1 << bit % 8));
    flips++;
    if (block_open(bytes, arena, &view, &err) == OK) {
        count = read_parts(block, &view, decoder, arena, parts);
        for (size_t i = 0; i < count; i++) {
            bool hit = byte >= parts[i].data.data && byte < parts[i].data.data + parts[i].data.size;

            if (parts[i].read == hit)
                fail_msg("%s: part %zu %s", loop_at, i, hit ? "was read" : "was refused");
            if (parts[i].read && !parts[i].right)
                fail_msg("%s: part %zu has another value", loop_at, i);
        }
    } else {
        assert_true(err.text[0] != '\0');
    }
    if (block_check(bytes, decoder, arena, &err) == OK)
        fail_msg("%s: passes its check", loop_at);
    *byte = (char)(*byte ^ (1 << bit % 8));
    arena_release(arena);
}

static void test_no_turned_bit_of_a_block_gives_another_value(void **state)
{
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct block_encoder *encoder;
    struct block_decoder *decoder;
    struct block_view view;
    struct arena arena, scratch;
    struct block block;

    (void)state;
    encoding_expect_all();
    arena_init(&arena, SIZE_MAX, NULL);
    arena_init(&scratch, SIZE_MAX, NULL);
    assert_int_equal(block_encoder_new(&encoder, NULL), OK);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    block = encoding_block(&arena);
    assert_int_equal(block_encode(encoder, &block, &out, NULL), OK);
    assert_int_equal(block_open(buf_bytes(&out), &arena, &view, NULL), OK);
    encoding_expect(&view);
    for (size_t bit = loop_stride == 1 ? 0 : loop_step(); bit < out.size * 8;
         bit += loop_stride == 1 ? 1 : loop_step())
        flip_block(&block, buf_bytes(&out), bit, decoder, &scratch);
    sample_same(&block, buf_bytes(&out), decoder, &arena);
    buf_release(&out);
    block_encoder_free(encoder);
    block_decoder_free(decoder);
    arena_release(&arena);
}

static enum code keep_entry(void *context, struct bytes entry, struct error *err)
{
    (void)err;
    buf_put_span(context, entry);
    return OK;
}

/* What a pack says, part by part; refused parts are left out and counted. */
static void pack_tell(const struct pack *pack, struct arena *arena, struct buf told[],
                      size_t *refused)
{
    static const enum pack_section sections[] = {PACK_SERIES, PACK_TOMBSTONES, PACK_NOTES};
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        buf_clear(&told[i]);
        if (pack_walk(pack, sections[i], keep_entry, &told[i], &(struct error){0}) != OK) {
            buf_clear(&told[i]);
            ++*refused;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes encoded;
        struct error err = {0};

        buf_clear(&told[3 + i]);
        if (pack_read_block(pack, NULL, &blocks[i], arena, &encoded, &err) == OK)
            buf_put(&told[3 + i], encoded);
        else
            ++*refused;
        assert_true(err.code == OK || err.code == E_CORRUPT);
    }
}

enum { TOLD_MAX = 32 };

static void test_no_turned_bit_of_a_pack_gives_another_value(void **state)
{
    static const struct pack_plan plan = {2, 3, 10, 5, 2, 2, 10};
    struct pack_fixture *fixture = *state;
    struct buf known[TOLD_MAX], told[TOLD_MAX];
    struct pack_summary summary;
    struct bytes bytes;
    struct pack *pack;
    size_t refused = 0, opened = 0, count;

    assert_int_equal(sample_write(fixture, &plan, "x.pack", &summary, &bytes, NULL), OK);
    for (size_t i = 0; i < TOLD_MAX; i++)
        known[i] = told[i] = BUF_INIT((size_t)1 << 20);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    pack_blocks(pack, &count);
    assert_true(count + 3 <= TOLD_MAX);
    pack_tell(pack, &fixture->arena, known, &refused);
    assert_int_equal(refused, 0);
    pack_unref(pack);
    for (size_t bit = loop_stride == 1 ? 0 : loop_step(); bit < bytes.size * 8;
         bit += loop_stride == 1 ? 1 : loop_step()) {
        char *byte = (char *)(uintptr_t)bytes.data + bit / 8;
        struct error err = {0};

        snprintf(loop_at, sizeof(loop_at), "pack, bit %zu\n", bit);
        *byte = (char)(*byte ^ (1 << bit % 8));
        flips++;
        refused = 0;
        if (pack_open_memory(bytes, &pack, &err) == OK) {
            opened++;
            pack_tell(pack, &fixture->arena, told, &refused);
            if (refused > 1)
                fail_msg("%s: %zu parts are refused for one bit", loop_at, refused);
            for (size_t i = 0; i < count + 3; i++)
                if (told[i].size > 0 && !bytes_equal(buf_bytes(&told[i]), buf_bytes(&known[i])))
                    fail_msg("%s: part %zu says something else", loop_at, i);
            if (pack_check(pack, fixture->decoder, &err) == OK)
                fail_msg("%s: passes its check", loop_at);
            pack_unref(pack);
        }
        assert_true(err.text[0] != '\0');
        *byte = (char)(*byte ^ (1 << bit % 8));
        arena_release(&fixture->arena);
    }
    assert_true(opened > 0);
    for (size_t i = 0; i < TOLD_MAX; i++) {
        buf_release(&known[i]);
        buf_release(&told[i]);
    }
    free((void *)bytes.data);
}

static int teardown(void **state)
{
    (void)state;
    fprintf(stderr, "figure: %llu bits of blocks and packs turned\n", (unsigned long long)flips);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_turned_bit_of_a_block_gives_another_value),
        cmocka_unit_test_setup_teardown(test_no_turned_bit_of_a_pack_gives_another_value,
                                        pack_fixture_open, pack_fixture_close),
    };

    return cmocka_run_group_tests(tests, loop_setup_bits, teardown);
}
