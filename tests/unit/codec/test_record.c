#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/unit/codec/record_sample.h"
#include "tests/unit/golden.h"

static const struct note some_note = {
    .key = {"order-17",                                              8},
    .body_hash = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .status = 200,
    .result = {"{\"accepted\":3}",                                                     14 },
};

static const struct matcher some_matchers[] = {
    {{"host", 4}, MATCH_REGEX,     {"h[0-9]+", 7}},
    {{"rack", 4}, MATCH_NOT_EQUAL, {NULL, 0}     },
};
static const struct bytes some_fields[] = {
    {"idle", 4},
    {"n",    1}
};

static const struct tombstone some_tombstone = {
    .ingest = 1700000000000000001,
    .selector = {{"cpu", 3}, some_matchers, 2},
    .start = -5,
    .end = 1700000000000000000,
    .fields = some_fields,
    .field_count = 2,
};

static void same_table(const struct batch_table *a, const struct batch_table *b)
{
    assert_true(bytes_equal(a->measurement, b->measurement));
    assert_int_equal(a->field_count, b->field_count);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->revision == NULL, b->revision == NULL);
    assert_memory_equal(a->series, b->series, a->row_count * sizeof(*a->series));
    assert_memory_equal(a->time, b->time, a->row_count * sizeof(*a->time));
    if (a->revision != NULL)
        assert_memory_equal(a->revision, b->revision, a->row_count * sizeof(*a->revision));
    for (uint32_t f = 0; f < a->field_count; f++) {
        assert_int_equal(a->fields[f].type, b->fields[f].type);
        assert_true(bytes_equal(a->fields[f].name, b->fields[f].name));
        for (uint32_t row = 0; row < a->row_count; row++) {
            if (a->fields[f].type == TYPE_STRING)
                assert_true(bytes_equal(text_bytes(a->columns[f][row].text),
                                        text_bytes(b->columns[f][row].text)));
            else
                assert_int_equal(a->columns[f][row].u64, b->columns[f][row].u64);
        }
    }
}

static void same_batch(const struct batch *a, const struct batch *b)
{
    const struct batch_table *right = b->tables;

    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->value_count, b->value_count);
    assert_int_equal(a->series_count, b->series_count);
    for (uint32_t i = 0; i < a->series_count; i++) {
        assert_int_equal(0, series_id_compare(a->series[i].id, b->series[i].id));
        assert_null(b->series[i].series);
        if (a->series[i].series->stored)
            assert_int_equal(b->series[i].key.size, 0);
        else
            assert_true(bytes_equal(a->series[i].key, b->series[i].key));
    }
    for (const struct batch_table *left = a->tables; left != NULL; left = left->next) {
        if (left->row_count == 0)
            continue;
        assert_non_null(right);
        same_table(left, right);
        right = right->next;
    }
    assert_null(right);
}

static void same_note(const struct note *a, const struct note *b)
{
    assert_true(bytes_equal(a->key, b->key));
    assert_memory_equal(a->body_hash.bytes, b->body_hash.bytes, 16);
    assert_int_equal(a->status, b->status);
    assert_true(bytes_equal(a->result, b->result));
}

static void same_tombstone(const struct tombstone *a, const struct tombstone *b)
{
    assert_true(bytes_equal(a->selector.measurement, b->selector.measurement));
    assert_int_equal(a->selector.matcher_count, b->selector.matcher_count);
    for (uint32_t i = 0; i < a->selector.matcher_count; i++) {
        assert_int_equal(a->selector.matchers[i].op, b->selector.matchers[i].op);
        assert_true(bytes_equal(a->selector.matchers[i].key, b->selector.matchers[i].key));
        assert_true(bytes_equal(a->selector.matchers[i].value, b->selector.matchers[i].value));
    }
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->field_count, b->field_count);
    for (uint32_t i = 0; i < a->field_count; i++)
        assert_true(bytes_equal(a->fields[i], b->fields[i]));
}

static enum code decode(struct bytes payload, struct arena *arena, struct record *record)
{
    struct error err = {0};
    enum code code = record_decode(payload, arena, record, &err);

    assert_int_equal(code, err.code);
    return code;
}

static void test_rows_come_back_wherever_the_payload_lies(void **state)
{
    (void)state;
    for (uint32_t rows = 0; rows < 300; rows += rows < 10 ? 1 : 97)
        for (size_t shift = 0; shift < 9; shift++) {
            struct buf out = BUF_INIT(1 << 20);
            struct record_sample sample;
            struct record record;
            struct arena arena;
            struct error why = {0};
            char *copy;

            sample_make(&sample, rows + 1, rows);
            buf_put(&out, (struct bytes){"12345678", shift % 4}); /* what stands before stays out */
            record_encode_rows(BYTES("default"), &some_note, &sample.batch, &out);
            assert_false(out.failed);
            copy = malloc(out.size + 16);
            memcpy(copy + shift, out.data + shift % 4, out.size - shift % 4);
            arena_init(&arena, 1 << 26, NULL);
            assert_int_equal(
                OK, decode((struct bytes){copy + shift, out.size - shift % 4}, &arena, &record));
            assert_int_equal(record.type, RECORD_ROWS);
            assert_true(bytes_equal(record.tenant, BYTES("default")));
            same_note(&some_note, &record.note);
            same_batch(&sample.batch, record.batch);
            if (!batch_check(record.batch, &why))
                fail_msg("%s", why.text);
            arena_release(&arena);
            free(copy);
            buf_release(&out);
            sample_release(&sample);
        }
}

static enum code drop_idle(void *context, const struct batch_table *table, uint32_t row,
                           struct error *why)
{
    (void)context;
    (void)row;
    return table->field_count == 2 ? error_set(why, E_FIELD_KIND, "no") : OK;
}

static void test_tables_without_rows_are_left_out(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct record_sample sample;
    struct record record;
    struct arena arena;

    (void)state;
    sample_make(&sample, 4, 50);
    batch_drop_rows(&sample.batch, drop_idle, NULL);
    record_encode_rows(BYTES("t"), &(struct note){0}, &sample.batch, &out);
    arena_init(&arena, 1 << 26, NULL);
    assert_int_equal(OK, decode(buf_bytes(&out), &arena, &record));
    same_batch(&sample.batch, record.batch);
    arena_release(&arena);
    buf_release(&out);
    sample_release(&sample);
}

static void test_deletions_come_back(void **state)
{
    static const struct tombstone all = {
        .selector = {{"m", 1}, NULL, 0},
          .end = 1
    };
    const struct tombstone *cases[] = {&some_tombstone, &all};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1 << 20);
        struct record record;
        struct arena arena;

        record_encode_delete(BYTES("a-b_9"), &some_note, cases[i], &out);
        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(OK, decode(buf_bytes(&out), &arena, &record));
        assert_int_equal(record.type, RECORD_DELETE);
        same_note(&some_note, &record.note);
        same_tombstone(cases[i], &record.tombstone);
        assert_int_equal(record.tombstone.ingest, 0); /* the frame has it */
        arena_release(&arena);
        buf_release(&out);
    }
}

static void test_tombstones_and_notes_come_back_alone(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct note note = some_note, read_note;
    struct tombstone read;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    tombstone_encode(&some_tombstone, &out);
    assert_int_equal(OK, tombstone_decode(buf_bytes(&out), &arena, &read, &err));
    same_tombstone(&some_tombstone, &read);
    assert_int_equal(read.ingest, some_tombstone.ingest);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(E_CORRUPT,
                         tombstone_decode((struct bytes){out.data, size}, &arena, &read, &err));
    buf_clear(&out);
    note.ingest = -7;
    note_encode(&note, &out);
    assert_int_equal(OK, note_decode(buf_bytes(&out), &read_note, &err));
    same_note(&note, &read_note);
    assert_int_equal(read_note.ingest, -7);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(E_CORRUPT, note_decode((struct bytes){out.data, size}, &read_note, &err));
    buf_put_u8(&out, 0);
    assert_int_equal(E_CORRUPT, note_decode(buf_bytes(&out), &read_note, &err));
    arena_release(&arena);
    buf_release(&out);
}

/* The frame's CRC finds damage; this is about bytes somebody made on purpose. */
static void test_hostile_bytes_are_refused_or_harmless(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct record_sample sample;
    size_t harmless = 0;

    (void)state;
    sample_make(&sample, 9, 12);
    record_encode_rows(BYTES("default"), &some_note, &sample.batch, &out);
    for (size_t at = 0; at < out.size; at++)
        for (unsigned change = 0; change < 4; change++) {
            static const unsigned char masks[] = {0x01, 0x80, 0xff, 0x40};
            struct error why = {0};
            struct record record;
            struct arena arena;
            char *copy = malloc(out.size);

            memcpy(copy, out.data, out.size);
            copy[at] = (char)(copy[at] ^ masks[change]);
            arena_init(&arena, 1 << 22, NULL);
            if (decode((struct bytes){copy, out.size}, &arena, &record) == OK &&
                record.type == RECORD_ROWS) {
                harmless++;
                if (!batch_check(record.batch, &why))
                    fail_msg("byte %zu: %s", at, why.text);
            }
            arena_release(&arena);
            free(copy);
        }
    assert_true(harmless > 0); /* values are not guarded here, but by the frame */
    for (size_t size = 0; size < out.size; size++) {
        struct record record;
        struct arena arena;
        char *copy = malloc(size + 1);

        memcpy(copy, out.data, size);
        arena_init(&arena, 1 << 22, NULL);
        assert_int_equal(E_CORRUPT, decode((struct bytes){copy, size}, &arena, &record));
        arena_release(&arena);
        free(copy);
    }
    buf_put_u8(&out, 0);
    {
        struct record record;
        struct arena arena;

        arena_init(&arena, 1 << 22, NULL);
        assert_int_equal(E_CORRUPT, decode(buf_bytes(&out), &arena, &record));
        arena_release(&arena);
    }
    buf_release(&out);
    sample_release(&sample);
}

static void test_memory_that_runs_out_is_an_answer(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct record_sample sample;
    bool whole = false;

    (void)state;
    sample_make(&sample, 9, 500);
    record_encode_rows(BYTES("default"), &some_note, &sample.batch, &out);
    for (size_t bytes_max = 0; !whole; bytes_max += 1024) {
        struct record record;
        struct arena arena;
        enum code code;

        arena_init(&arena, bytes_max, NULL);
        code = decode(buf_bytes(&out), &arena, &record);
        assert_true(code == OK || code == E_MEMORY);
        whole = code == OK;
        arena_release(&arena);
    }
    out.size_max = out.size;
    record_encode_rows(BYTES("default"), &some_note, &sample.batch, &out);
    assert_true(out.failed);
    buf_release(&out);
    sample_release(&sample);
}

/* tests/golden/record/<name>.hex. */
static void golden_check(const char *path, const struct buf *out, struct record *record,
                         struct arena *arena)
{
    _Alignas(8) static char bytes[1 << 16];
    size_t size;

    golden_write_if_asked(path, buf_bytes(out));
    size = golden_read(path, bytes, sizeof(bytes));
    assert_int_equal(OK, decode((struct bytes){bytes, size}, arena, record));
    if (!bytes_equal((struct bytes){bytes, size}, buf_bytes(out)))
        fail_msg("%s: records are written differently now: raise RECORD_VERSION, keep reading the "
                 "old one, and add a golden file",
                 path);
}

static void test_golden_files_read_as_they_were_written(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct record_sample sample;
    struct record record;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 22, NULL);
    sample_make(&sample, 1, 20);
    record_encode_rows(BYTES("default"), &some_note, &sample.batch, &out);
    golden_check("tests/golden/record/rows.hex", &out, &record, &arena);
    same_batch(&sample.batch, record.batch);
    buf_clear(&out);
    record_encode_delete(BYTES("default"), &(struct note){0}, &some_tombstone, &out);
    golden_check("tests/golden/record/delete.hex", &out, &record, &arena);
    same_tombstone(&some_tombstone, &record.tombstone);
    arena_release(&arena);
    buf_release(&out);
    sample_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back_wherever_the_payload_lies),
        cmocka_unit_test(test_tables_without_rows_are_left_out),
        cmocka_unit_test(test_deletions_come_back),
        cmocka_unit_test(test_tombstones_and_notes_come_back_alone),
        cmocka_unit_test(test_hostile_bytes_are_refused_or_harmless),
        cmocka_unit_test(test_memory_that_runs_out_is_an_answer),
        cmocka_unit_test(test_golden_files_read_as_they_were_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
