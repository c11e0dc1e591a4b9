#include "store/guests/guest_fields.h"

#include "base/hash.h"
#include "tests/unit/store/house.h"

static enum code print(void *context, const struct guest_field *field, struct error *err)
{
    struct buf *text = context;

    (void)err;
    buf_printf(text, "%.*s.%.*s %d\n", BYTES_ARG(field->measurement), BYTES_ARG(field->name),
               (int)field->type);
    return OK;
}

static enum code refuse(void *context, const struct guest_field *field, struct error *err)
{
    (void)context, (void)field;
    return error_set(err, E_CANCELLED, "enough");
}

/* Each field and type once, and none of what only takes values back. */
static void test_fields_of_all_blocks_are_told_once(void **state)
{
    static const struct sample_cell cells[] = {
        {BYTES("v"), TYPE_I64,       {.i64 = 1}},
        {BYTES("w"), TYPE_BOOL,      {.u64 = 1}},
        {BYTES("x"), TYPE_RETRACTED, {.u64 = 0}},
    };
    struct buf bytes = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);
    struct posting posting;
    struct house house;
    struct error err = {0};
    const struct pack *pack;

    (void)state;
    house_init(&house);
    house_open(&house);
    posting_init(&posting, &house);
    for (uint32_t series = 1; series <= 600; series++)
        sample_row(&posting.batch, house_series(&house, series), series, INT64_MIN, cells, 3);
    assert_int_equal(posting_submit(&posting, &house, NULL), OK);
    house_steps(&house);
    posting_release(&posting);
    house_seal(&house);
    pack = house.store->holdings[house.tenant->ordinal]->packs->packs[0];
    assert_int_equal(guest_fields_collect(pack, &bytes, NULL), OK);
    assert_int_equal(guest_fields_walk(buf_bytes(&bytes), print, &text, NULL), OK);
    buf_put_char(&text, 0);
    assert_string_equal(text.data, "cpu.v 2\ncpu.w 4\n");
    assert_int_equal(guest_fields_walk(buf_bytes(&bytes), refuse, NULL, &err), E_CANCELLED);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(guest_fields_walk(buf_bytes(&bytes), print, &text, &err), E_CORRUPT);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(guest_fields_walk((struct bytes){bytes.data, size}, print, &text, &err),
                         E_CORRUPT);
    buf_release(&bytes);
    buf_release(&text);
    house_close(&house);
    house_remove(&house);
}

static void test_what_is_no_field_is_refused(void **state)
{
    static const struct {
        const char *name;
        struct bytes bytes;
    } cases[] = {
        {"no type",            {"\1m\1f\0", 5}},
        {"a retraction",       {"\1m\1f\6", 5}},
        {"an unknown type",    {"\1m\1f\7", 5}},
        {"a span without end", {"\1m\5f\1", 5}},
        {"nothing behind it",  {"\1m", 2}     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf bytes = BUF_INIT(100), text = BUF_INIT(100);
        struct error err = {0};

        buf_put(&bytes, cases[i].bytes);
        buf_put_u32(&bytes, crc32c(0, cases[i].bytes));
        if (guest_fields_walk(buf_bytes(&bytes), print, &text, &err) != E_CORRUPT)
            fail_msg("%s", cases[i].name);
        buf_release(&bytes);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_all_blocks_are_told_once),
        cmocka_unit_test(test_what_is_no_field_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
