#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/record_edit.h"
#include "discovery/registry_files.h"

static char place[64];
static struct registry *registry;

static int setup(void **state)
{
    const struct registry_rules rules = {.fs = NULL};

    (void)state;
    snprintf(place, sizeof(place), "%s", "/tmp/weir-edit-XXXXXX");
    if (!mkdtemp(place))
        return -1;
    return (int)registry_files_open(place, &rules, &registry, NULL);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    registry_close(registry);
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Others change the record between the reading and the writing, so often. */
struct race {
    int faster;
    const char *text; /* NULL: what is there, and "+" */
    size_t size;      /* of so many bytes instead; 0 = not */
    int edits, waits, waiting;
};

static enum code edit(void *context, const struct registry_snapshot *records,
                      const struct registry_record *record, struct buf *text, struct error *err)
{
    struct race *race = context;
    uint64_t version;

    (void)records;
    if (race->edits++ < race->faster &&
        registry_put(registry, REGISTRY_TENANTS, BYTES("acme"), record ? record->version : 0,
                     BYTES("theirs"), &version, err))
        return err->code;
    if (race->size > 0) {
        while (text->size < race->size && !text->limited)
            buf_put_char(text, 'x');
        return OK;
    }
    if (race->text) {
        buf_put_text(text, race->text);
        return OK;
    }
    if (record)
        buf_put(text, record->text);
    buf_put_char(text, '+');
    return OK;
}

static void waits(void *context, bool begins)
{
    struct race *race = context;

    race->waits += begins;
    race->waiting += begins ? 1 : -1;
}

static enum code run(struct race *race, const char *name, uint64_t *version, bool *changed,
                     struct error *err)
{
    const struct record_edit one = {REGISTRY_TENANTS, bytes_of(name), edit, waits, race};
    enum code code = record_edit_run(registry, &one, version, changed, err);

    assert_int_equal(race->waiting, 0);
    return code;
}

static bool is_there(const char *text)
{
    struct registry_snapshot *records = registry_get(registry);
    const struct registry_record *record = registry_find(records, REGISTRY_TENANTS, BYTES("acme"));
    bool there = record && bytes_equal(record->text, bytes_of(text));

    registry_snapshot_put(records);
    return there;
}

static void test_who_was_overtaken_begins_again_on_what_is_there(void **state)
{
    struct race race = {.faster = 2};
    struct error err = {0};
    uint64_t version;
    bool changed;

    (void)state;
    assert_int_equal(run(&race, "acme", &version, &changed, &err), OK);
    assert_true(changed && version == 3);
    assert_int_equal(race.edits, 3);
    assert_int_equal(race.waits, 5); /* three puts; twice for what the other one wrote */
    assert_true(is_there("theirs+"));
    race = (struct race){.faster = 1000};
    assert_int_equal(run(&race, "acme", &version, &changed, &err), E_CONFLICT);
    assert_false(changed);
    assert_non_null(strstr(err.text, "all the time"));
    assert_true(is_there("theirs"));
}

static void test_a_text_that_is_there_is_not_written(void **state)
{
    struct race race = {.text = "{}"};
    struct error err = {0};
    uint64_t first, second;
    bool changed;

    (void)state;
    assert_int_equal(run(&race, "acme", &first, &changed, &err), OK);
    assert_true(changed);
    assert_int_equal(run(&race, "acme", &second, &changed, &err), OK);
    assert_false(changed);
    assert_true(second == first);
}

static void test_names_and_sizes_have_limits(void **state)
{
    static const struct {
        size_t size;
        enum code want;
    } cases[] = {
        {REGISTRY_TEXT_SIZE_MAX - 1, OK          },
        {REGISTRY_TEXT_SIZE_MAX,     OK          },
        {REGISTRY_TEXT_SIZE_MAX + 1, E_BODY_LARGE},
    };
    struct race race = {.text = "{}"};
    struct error err = {0};
    uint64_t version;
    bool changed;

    (void)state;
    assert_int_equal(run(&race, "UPPER", &version, &changed, &err), E_BAD_PARAMETER);
    assert_int_equal(race.edits, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        race = (struct race){.size = cases[i].size};
        if (run(&race, "acme", &version, &changed, &err) != cases[i].want)
            fail_msg("%zu: %s", cases[i].size, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_was_overtaken_begins_again_on_what_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_text_that_is_there_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_and_sizes_have_limits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
