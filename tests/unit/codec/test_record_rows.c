#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "codec/record_rows.h"
#include "tests/unit/codec/record_sample.h"

static bool within(const void *at, struct bytes span)
{
    return (const char *)at >= span.data && (const char *)at < span.data + span.size;
}

/* Replay depends on it: of numbers only the check touches the bytes. */
static void test_columns_are_the_payload_itself(void **state)
{
    (void)state;
    for (size_t base = 0; base < 20; base += 5) {
        struct buf out = BUF_INIT(1 << 20);
        struct record_sample sample;
        struct batch *batch;
        struct arena arena;
        struct reader reader;
        char *aligned;

        sample_make(&sample, 6, 60);
        for (size_t i = 0; i < base; i++)
            buf_put_u8(&out, 0xee);
        record_rows_put(&sample.batch, base, &out);
        aligned = aligned_alloc(8, (out.size + 15) / 8 * 8);
        memcpy(aligned, out.data + base, out.size - base);
        reader = reader_of((struct bytes){aligned, out.size - base});
        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(OK, record_rows_take(&reader, aligned, &arena, &batch));
        assert_int_equal(batch->row_count, 60);
        for (const struct batch_table *table = batch->tables; table; table = table->next) {
            struct bytes payload = {aligned, out.size - base};

            assert_true(within(table->time, payload));
            assert_true(within(table->series, payload));
            for (uint32_t f = 0; f < table->field_count; f++)
                if (table->fields[f].type <= TYPE_BOOL) {
                    assert_true(within(table->columns[f], payload));
                    assert_int_equal((uintptr_t)table->columns[f] % 8, 0);
                }
        }
        arena_release(&arena);
        free(aligned);
        buf_release(&out);
        sample_release(&sample);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns_are_the_payload_itself)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
