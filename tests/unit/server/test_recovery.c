#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "server/recovery.h"
#include "tests/unit/store/delivery/listed_archive.h"

static const struct hash128 first = {{1}}, second = {{2}};
static const char first_hex[] = "01000000000000000000000000000000";

static struct listed_archive north, south;
static unsigned opened;

static enum code open_listed(struct bytes uri, bool unsafe, const char *name,
                             struct archive **archive, struct error *err)
{
    struct listed_archive *listed = strcmp(name, "north") == 0 ? &north : &south;

    opened++;
    if (strcmp(name, "closed") == 0)
        return error_set(err, E_NOT_READY, "shard closed: nobody there");
    assert_true(unsafe == (listed == &south));
    assert_true(bytes_equal(uri, listed == &north ? BYTES("mongodb://n") : BYTES("mongodb://s")));
    *archive = &listed->archive;
    return OK;
}

static void put_chain(struct listed_archive *listed, struct bytes tenant,
                      const struct hash128 *incarnation, uint64_t rows, int64_t through)
{
    struct chain_pack pack = {
        .entry = {.number = 1,
                  .incarnation = *incarnation,
                  .row_count = rows,
                  .settled = INT64_MIN,
                  .floor = INT64_MIN},
        .parts = 2,
    };
    struct chain_entry entry = {.incarnation = *incarnation,
                                .tenant = tenant,
                                .checkpoint = true,
                                .through = through,
                                .adds = &pack,
                                .add_count = 1};

    listed_put_entry(listed, &entry);
}

static char path[64];

static int setup(void **state)
{
    static const char text[] = "shards:\n"
                               "  north: {uri: 'mongodb://n'}\n"
                               "  south: {uri: 'mongodb://s', unsafe: true}\n"
                               "  closed: {uri: 'mongodb://c'}\n"
                               "tenants:\n"
                               "  acme: {shard: north}\n"
                               "  both: {shard: south}\n"
                               "  idle: {shard: north}\n"
                               "  here:\n";
    int descriptor;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/weir-test-recovery-XXXXXX");
    descriptor = mkstemp(path);
    if (descriptor < 0 || write(descriptor, text, sizeof(text) - 1) != sizeof(text) - 1)
        return -1;
    close(descriptor);
    listed_init(&north);
    listed_init(&south);
    opened = 0;
    put_chain(&north, BYTES("acme"), &first, 7, INT64_C(1700000000000000000));
    put_chain(&south, BYTES("both"), &first, 8, INT64_MIN);
    put_chain(&south, BYTES("both"), &second, 9, INT64_C(1700000001000000000));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    listed_release(&north);
    listed_release(&south);
    return unlink(path);
}

struct choice {
    const char *names, *incarnation;
    struct recovery *recovery;
    struct buf told;
    struct error err;
    enum code code;
};

static void choose(struct choice *choice)
{
    static struct recovery_options options;
    static struct limits limits;

    limits_init(&limits);
    options = (struct recovery_options){path,        &limits, choice->names, choice->incarnation,
                                        open_listed, NULL};
    choice->told = BUF_INIT(1 << 20);
    choice->code = recovery_open(&options, &choice->recovery, &choice->told, &choice->err);
    buf_put_char(&choice->told, '\0');
    assert_int_equal(choice->code == OK, choice->recovery != NULL);
}

static void choice_release(struct choice *choice)
{
    recovery_close(choice->recovery);
    buf_release(&choice->told);
    assert_int_equal(north.closed + south.closed, opened);
}

static void test_one_chain_needs_no_choice(void **state)
{
    struct choice choice = {.names = "acme"};
    const struct recover_tenant *tenants;
    size_t count;

    (void)state;
    choose(&choice);
    if (choice.code)
        fail_msg("%s", choice.err.text);
    tenants = recovery_tenants(choice.recovery, &count);
    assert_int_equal(count, 1);
    assert_true(bytes_equal(tenants[0].name, BYTES("acme")));
    assert_ptr_equal(tenants[0].archive, &north.archive);
    assert_memory_equal(&tenants[0].incarnation, &first, sizeof(first));
    assert_int_equal(recovery_about(choice.recovery, 0)->rows, 7);
    assert_true(bytes_equal(recovery_shard(choice.recovery, 0), BYTES("north")));
    assert_string_equal(choice.told.data, "");
    choice_release(&choice);
}

static void test_of_several_chains_one_has_to_be_chosen(void **state)
{
    static const char want[] =
        "tenant both was delivered to shard south from 2 data directories; choose one with "
        "--incarnation:\n"
        "  02000000000000000000000000000000  through 2023-11-14T22:13:21Z, 1 packs, 9 rows\n"
        "  01000000000000000000000000000000  through an unknown moment, 1 packs, 8 rows\n";
    struct choice choice = {.names = "acme,both"};

    (void)state;
    choose(&choice);
    assert_int_equal(choice.code, E_CONFIG);
    assert_string_equal(choice.told.data, want);
    choice_release(&choice);
}

static void test_the_chosen_one_is_taken_of_all(void **state)
{
    struct choice choice = {.names = "acme,both", .incarnation = first_hex};
    size_t count;

    (void)state;
    choose(&choice);
    if (choice.code)
        fail_msg("%s", choice.err.text);
    (void)recovery_tenants(choice.recovery, &count);
    assert_int_equal(count, 2);
    assert_int_equal(recovery_about(choice.recovery, 1)->rows, 8);
    choice_release(&choice);
}

static void test_without_names_all_that_have_a_shard_are_meant(void **state)
{
    struct choice choice = {.incarnation = first_hex};
    const struct recover_tenant *tenants;
    size_t count;

    (void)state;
    choose(&choice);
    if (choice.code)
        fail_msg("%s", choice.err.text);
    tenants = recovery_tenants(choice.recovery, &count);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(tenants[0].name, BYTES("acme")));
    assert_true(bytes_equal(tenants[1].name, BYTES("both")));
    assert_int_equal(opened, 2); /* one way a shard, not a tenant */
    assert_string_equal(
        choice.told.data,
        "nothing of tenant idle was delivered to shard north by that incarnation: left out\n");
    choice_release(&choice);
}

static void test_what_cannot_be_is_told(void **state)
{
    static const struct {
        const char *names, *incarnation;
        enum code want;
        const char *told;
    } cases[] = {
        {"idle",      NULL,                               E_NOT_FOUND, "nothing of tenant idle was delivered to shard north"},
        {"acme",      "02000000000000000000000000000000", E_NOT_FOUND, "by that incarnation"                                },
        {NULL,        "03000000000000000000000000000000", E_NOT_FOUND,
         "nothing was delivered to the shards of"                                                                           },
        {"acme",      "0200",                             E_CONFIG,    "--incarnation: \"0200\" is not 32"                  },
        {"here",      NULL,                               E_CONFIG,    "gives tenant here no shard"                         },
        {"nobody",    NULL,                               E_CONFIG,    "names no tenant \"nobody\""                         },
        {"acme,",     NULL,                               E_CONFIG,    "names no tenant \"\""                               },
        {"acme,acme", NULL,                               E_CONFIG,    "acme stands twice"                                  },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct choice choice = {.names = cases[i].names, .incarnation = cases[i].incarnation};

        choose(&choice);
        if (choice.code != cases[i].want || !strstr(choice.err.text, cases[i].told))
            fail_msg("case %zu: got %d: %s", i, choice.code, choice.err.text);
        choice_release(&choice);
    }
    (void)state;
}

static void test_a_shard_that_does_not_answer_is_told_with_the_tenant(void **state)
{
    struct choice choice = {.names = "acme"};

    (void)state;
    north.failures = 1;
    north.code = E_NOT_READY;
    choose(&choice);
    assert_int_equal(choice.code, E_NOT_READY);
    assert_non_null(strstr(choice.err.text, "tenant acme: "));
    choice_release(&choice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_chain_needs_no_choice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_several_chains_one_has_to_be_chosen, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_chosen_one_is_taken_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_names_all_that_have_a_shard_are_meant, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_shard_that_does_not_answer_is_told_with_the_tenant,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
