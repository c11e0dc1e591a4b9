#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/delivery/chain.h"

static const struct hash128 incarnation = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
};
static const struct hash128 other = {{0xee}};

static const struct chain_pack sample_adds[] = {
    {.entry = {.number = 7, .incarnation = {{0xee}}, .bytes = 4096, .row_count = 10},                 .parts = 2},
    {.entry =
         {.number = 8, .kind = PACK_CURRENT, .settled = 5, .floor = INT64_MIN, .in_file = true},
     .parts = 900                                                                                               },
};
static const struct chain_removed sample_removes[] = {
    {1, {{0xee}}},
    {9, {{0}}   }
};

static const struct chain_entry sample = {
    .incarnation = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .tenant = BYTES("acme"),
    .number = 17,
    .through = INT64_C(1700000000000000000),
    .adds = sample_adds,
    .add_count = COUNT_OF(sample_adds),
    .removes = sample_removes,
    .remove_count = COUNT_OF(sample_removes),
};

static enum code decode(struct bytes bytes, struct error *err)
{
    struct chain_entry entry;
    struct arena arena;
    enum code code;

    arena_init(&arena, 1 << 24, NULL);
    code = chain_entry_decode(bytes, &arena, &entry, err);
    arena_release(&arena);
    return code;
}

static void expect_refusal(const struct chain_entry *entry, const char *text)
{
    struct buf out = BUF_INIT(1 << 20);
    struct error err = {0};

    chain_entry_encode(entry, &out);
    assert_int_equal(buf_finish(&out, NULL), OK);
    assert_int_equal(decode(buf_bytes(&out), &err), E_CORRUPT);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not tell \"%s\"", err.text, text);
    buf_release(&out);
}

static void test_what_was_encoded_comes_back(void **state)
{
    struct chain_entry got;
    struct arena arena;
    struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);

    (void)state;
    arena_init(&arena, 1 << 24, NULL);
    chain_entry_encode(&sample, &out);
    assert_int_equal(chain_entry_decode(buf_bytes(&out), &arena, &got, NULL), OK);
    assert_memory_equal(&got.incarnation, &incarnation, sizeof(incarnation));
    assert_true(bytes_equal(got.tenant, BYTES("acme")));
    assert_int_equal(got.number, 17);
    assert_false(got.checkpoint);
    assert_int_equal(got.through, sample.through);
    assert_int_equal(got.add_count, 2);
    assert_int_equal(got.adds[0].entry.number, 7);
    assert_int_equal(got.adds[1].entry.kind, PACK_CURRENT);
    assert_int_equal(got.adds[1].parts, 900);
    assert_int_equal(got.remove_count, 2);
    assert_int_equal(got.removes[0].number, 1);
    assert_memory_equal(&got.removes[0].incarnation, &other, sizeof(other));
    chain_entry_encode(&got, &again);
    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&again)));
    arena_release(&arena);
    buf_release(&out);
    buf_release(&again);
}

static void test_damage_of_any_kind_is_seen(void **state)
{
    struct buf out = BUF_INIT(1 << 20);

    (void)state;
    chain_entry_encode(&sample, &out);
    for (size_t cut = 0; cut < out.size; cut++)
        assert_int_equal(decode(bytes_slice(buf_bytes(&out), 0, cut), NULL), E_CORRUPT);
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(decode(buf_bytes(&out), NULL), E_CORRUPT);
        out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_release(&out);
}

/* Bytes whose CRC is right, and which make no sense. */
static void test_nonsense_is_refused_by_name(void **state)
{
    struct chain_pack adds[2] = {sample_adds[1], sample_adds[0]};
    struct chain_removed removes[2] = {sample_removes[1], sample_removes[0]};
    struct chain_entry entry;
    struct buf out = BUF_INIT(1 << 20);
    struct error err = {0};

    (void)state;
    entry = sample;
    entry.adds = adds;
    expect_refusal(&entry, "stands behind");
    adds[1] = adds[0];
    expect_refusal(&entry, "stands behind");
    adds[1].entry.number = 10;
    adds[1].parts = 1;
    expect_refusal(&entry, "has 1 parts; 2 are the fewest");
    entry = sample;
    entry.removes = removes;
    expect_refusal(&entry, "stands behind");
    removes[0] = (struct chain_removed){8, {{0}}};
    entry.remove_count = 1;
    expect_refusal(&entry, "both added and removed");
    entry = sample;
    entry.checkpoint = true;
    expect_refusal(&entry, "a checkpoint that removes");
    entry = sample;
    entry.number = 512;
    expect_refusal(&entry, "no checkpoint");
    entry = sample;
    entry.tenant = (struct bytes){0};
    expect_refusal(&entry, "names no tenant");

    chain_entry_encode(&sample, &out);
    out.data[4] = 2;
    out.size -= 4;
    buf_put_u32(&out, crc32c(0, buf_bytes(&out)));
    assert_int_equal(decode(buf_bytes(&out), &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "version 2, this program knows 1"));
    out.data[4] = 1;
    out.data[32] = 4; /* flags: behind magic, version, incarnation and number */
    out.size -= 4;
    buf_put_u32(&out, crc32c(0, buf_bytes(&out)));
    assert_int_equal(decode(buf_bytes(&out), &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "flags 4"));
    buf_release(&out);
}

static struct chain_entry entry_of(const struct chain_pack *adds, size_t add_count,
                                   const struct chain_removed *removes, size_t remove_count)
{
    return (struct chain_entry){.number = 3,
                                .adds = adds,
                                .add_count = add_count,
                                .removes = removes,
                                .remove_count = remove_count};
}

static void test_a_list_is_what_entries_come_to(void **state)
{
    const struct chain_pack first[] = {{.entry = {.number = 2}}, {.entry = {.number = 5}}};
    const struct chain_pack second[] = {{.entry = {.number = 3}}};
    const struct chain_removed gone[] = {
        {2, {{0}}},
        {4, {{0}}}
    };
    struct chain_list list = {0};
    struct chain_entry entry = entry_of(first, 2, NULL, 0);
    struct error err = {0};

    (void)state;
    assert_int_equal(chain_list_apply(&list, &entry, NULL), OK);
    entry = entry_of(second, 1, gone, 2); /* 4 was uploaded and never listed */
    assert_int_equal(chain_list_apply(&list, &entry, NULL), OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.packs[0].entry.number, 3);
    assert_int_equal(list.packs[1].entry.number, 5);
    assert_int_equal(
        chain_list_apply(&list, &(struct chain_entry){.adds = second, .add_count = 1}, &err),
        E_CORRUPT);
    assert_non_null(strstr(err.text, "listed before"));
    entry = entry_of(second, 1, NULL, 0);
    entry.checkpoint = true;
    assert_int_equal(chain_list_apply(&list, &entry, NULL), OK);
    assert_int_equal(list.count, 1);
    entry = entry_of(NULL, 0,
                     (struct chain_removed[]){
                         {3, other}
    },
                     1);
    assert_int_equal(chain_list_apply(&list, &entry, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "another pack 3"));
    chain_list_release(&list);
    for (size_t i = 0; i < 1000; i++) { /* grows */
        struct chain_pack one = {.entry = {.number = 1000 - i}};

        entry = entry_of(&one, 1, NULL, 0);
        assert_int_equal(chain_list_apply(&list, &entry, NULL), OK);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(list.packs[i].entry.number, i + 1);
    chain_list_release(&list);
}

static void test_names_are_those_of_the_page(void **state)
{
    char id[CHAIN_ID_SIZE], database[CHAIN_DATABASE_SIZE], tenant[65];
    struct hash128 found;
    uint64_t number;

    (void)state;
    chain_entry_id(&incarnation, 17, id);
    assert_string_equal(id, "0102030405060708090a0b0c0d0e0f10/17");
    assert_true(chain_entry_id_parse(bytes_of(id), &found, &number));
    assert_memory_equal(&found, &incarnation, sizeof(found));
    assert_int_equal(number, 17);
    chain_entry_id(&incarnation, UINT64_MAX, id);
    assert_true(chain_entry_id_parse(bytes_of(id), &found, &number));
    assert_true(number == UINT64_MAX);
    chain_part_id(&incarnation, 17, 3, id);
    assert_string_equal(id, "0102030405060708090a0b0c0d0e0f10/0000000000000011/3");
    chain_part_id(&incarnation, UINT64_MAX, UINT32_MAX, id);
    assert_int_equal(strlen(id), 32 + 1 + 16 + 1 + 10);
    for (size_t size = 1; size <= 64; size++) {
        memset(tenant, 'a', 64);
        tenant[size] = '\0';
        chain_database(bytes_of(tenant), database);
        assert_int_equal(strlen(database), size <= 58 ? size + 5 : 63);
    }
    chain_database(BYTES("acme"), database);
    assert_string_equal(database, "weir_acme");
}

static void test_ids_of_parts_are_told_from_others(void **state)
{
    static const char *const ids[] = {
        "",
        "0102030405060708090a0b0c0d0e0f10/17",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011/",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011/03",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011/-1",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011/4294967296",
        "0102030405060708090a0b0c0d0e0f10/000000000000001G/3",
        "0102030405060708090a0b0c0d0e0f10/000000000000001A/3",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011.3",
        "0102030405060708090A0b0c0d0e0f10/0000000000000011/3",
    };
    static const struct {
        uint64_t number;
        uint32_t part;
    } parts[] = {
        {0,          0         },
        {0x1a,       3         },
        {UINT64_MAX, UINT32_MAX}
    };
    struct hash128 found;
    uint64_t number;
    uint32_t part;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        if (chain_part_id_parse(bytes_of(ids[i]), &found, &number, &part))
            fail_msg("\"%s\" is taken for a part's", ids[i]);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        char id[CHAIN_ID_SIZE];

        chain_part_id(&incarnation, parts[i].number, parts[i].part, id);
        assert_true(chain_part_id_parse(bytes_of(id), &found, &number, &part));
        assert_memory_equal(&found, &incarnation, sizeof(found));
        assert_true(number == parts[i].number && part == parts[i].part);
    }
}

static void test_other_ids_are_not_taken_for_entries(void **state)
{
    static const char *const ids[] = {
        "",
        "0102030405060708090a0b0c0d0e0f10/",
        "0102030405060708090a0b0c0d0e0f10/017",
        "0102030405060708090a0b0c0d0e0f10/-1",
        "0102030405060708090a0b0c0d0e0f10/18446744073709551616",
        "0102030405060708090a0b0c0d0e0f10/99999999999999999999",
        "0102030405060708090a0b0c0d0e0f10/1x",
        "0102030405060708090A0b0c0d0e0f10/1",
        "0102030405060708090a0b0c0d0e0f1/10",
        "0102030405060708090a0b0c0d0e0f10 17",
        "0102030405060708090a0b0c0d0e0f10/0000000000000011/3",
    };
    struct hash128 found;
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        if (chain_entry_id_parse(bytes_of(ids[i]), &found, &number))
            fail_msg("\"%s\" is taken for an entry's", ids[i]);
}

/* tests/golden/chain/entry.hex; WEIR_GOLDEN_WRITE=1 writes it anew. */
static void test_the_golden_entry_reads_as_it_was_written(void **state)
{
    static const char path[] = "tests/golden/chain/entry.hex";
    struct buf out = BUF_INIT(1 << 20);
    char golden[1000];
    size_t size = 0;
    unsigned byte;
    FILE *file;

    (void)state;
    chain_entry_encode(&sample, &out);
    if (getenv("WEIR_GOLDEN_WRITE")) {
        file = fopen(path, "w");
        assert_non_null(file);
        for (size_t i = 0; i < out.size; i++)
            fprintf(file, "%02x%s", (uint8_t)out.data[i], i % 32 == 31 ? "\n" : "");
        fprintf(file, "\n");
        fclose(file);
    }
    file = fopen(path, "r");
    assert_non_null(file);
    while (size < sizeof(golden) && fscanf(file, "%2x", &byte) == 1)
        golden[size++] = (char)byte;
    fclose(file);
    if (!bytes_equal((struct bytes){golden, size}, buf_bytes(&out)))
        fail_msg("the format changed: raise the version, keep reading the old one, and add a "
                 "golden file");
    assert_int_equal(decode((struct bytes){golden, size}, NULL), OK);
    buf_release(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_comes_back),
        cmocka_unit_test(test_damage_of_any_kind_is_seen),
        cmocka_unit_test(test_nonsense_is_refused_by_name),
        cmocka_unit_test(test_a_list_is_what_entries_come_to),
        cmocka_unit_test(test_names_are_those_of_the_page),
        cmocka_unit_test(test_ids_of_parts_are_told_from_others),
        cmocka_unit_test(test_other_ids_are_not_taken_for_entries),
        cmocka_unit_test(test_the_golden_entry_reads_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
