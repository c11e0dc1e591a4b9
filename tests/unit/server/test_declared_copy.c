#include "tests/unit/server/filled.h"

#include "discovery/registry_files.h"
#include "discovery/source_record.h"
#include "server/declared_copy.h"

struct place {
    char data[64], fresh[64], path[96];
    struct fs *backup;
};

static void place_init(struct place *place)
{
    struct error err = {0};

    snprintf(place->data, sizeof(place->data), "/tmp/weir-declared-XXXXXX");
    snprintf(place->fresh, sizeof(place->fresh), "/tmp/weir-declared-XXXXXX");
    directory_make(place->data);
    directory_make(place->fresh);
    snprintf(place->path, sizeof(place->path), "%s/backup", place->fresh);
    assert_int_equal(fs_posix_open(place->path, &place->backup, &err), OK);
}

static void place_release(struct place *place)
{
    fs_posix_close(place->backup);
    directory_remove(place->data);
    directory_remove(place->fresh);
}

static struct registry *declared_open(const char *data)
{
    const struct registry_rules rules = {.called = "declared"};
    struct registry *registry;
    char path[96];
    struct error err = {0};

    snprintf(path, sizeof(path), "%s/declared", data);
    if (registry_files_open(path, &rules, &registry, &err))
        fail_msg("%s", err.text);
    return registry;
}

static const struct {
    const char *name, *text;
} records[] = {
    {"acme.-secrets", "{\"secrets\":[{\"name\":\"k\",\"hosts\":[\"h\"],\"sealed\":"
                      "\"AXh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4\"}]}"},
    {"acme.a",        NULL                                                                                  },
    {"acme.b",        NULL                                                                                  },
    {"acme.gone",     NULL                                                                                  },
};

static void fill(const char *data)
{
    struct registry *registry = declared_open(data);

    for (size_t i = 0; i < COUNT_OF(records); i++) {
        struct source_record source = {
            .deleted = i == 3, .paused = i == 2, .document = BYTES("{\"name\":\"x\"}")};
        struct buf text = BUF_INIT(1024);
        struct error err = {0};
        uint64_t version;

        if (records[i].text)
            buf_put_text(&text, records[i].text);
        else
            source_record_print(&source, &text);
        if (registry_put(registry, REGISTRY_SOURCES, bytes_of(records[i].name), 0, buf_bytes(&text),
                         &version, &err))
            fail_msg("%s", err.text);
        buf_release(&text);
    }
    registry_close(registry);
}

static void expect_same(const char *data, const char *fresh)
{
    struct registry *old = declared_open(data), *made = declared_open(fresh);
    struct registry_snapshot *before = registry_get(old), *after = registry_get(made);

    assert_int_equal(after->count, before->count);
    for (size_t i = 0; i < before->count; i++) {
        assert_true(bytes_equal(before->records[i].name, after->records[i].name));
        assert_true(bytes_equal(before->records[i].text, after->records[i].text));
        assert_true(after->records[i].version >= before->records[i].version);
    }
    registry_snapshot_put(before);
    registry_snapshot_put(after);
    registry_close(old);
    registry_close(made);
}

static void test_what_is_declared_comes_back(void **state)
{
    struct declared_report report;
    struct place place;
    struct error err = {0};
    uint64_t count;

    (void)state;
    place_init(&place);
    fill(place.data);
    if (declared_save(place.data, place.backup, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, COUNT_OF(records));
    if (declared_restore(place.backup, count, place.fresh, &report, &err))
        fail_msg("%s", err.text);
    assert_int_equal(report.sources, 2); /* what was deleted is none, and stays deleted */
    assert_int_equal(report.secrets, 1);
    assert_true(bytes_equal(buf_bytes(&report.names), BYTES("k of acme")));
    buf_release(&report.names);
    expect_same(place.data, place.fresh);
    place_release(&place);
}

static void test_nothing_is_made_where_nothing_is(void **state)
{
    struct declared_report report;
    struct place place;
    struct error err = {0};
    uint64_t count = 1;
    char path[128];

    (void)state;
    place_init(&place);
    assert_int_equal(declared_save(place.data, place.backup, &count, &err), OK);
    assert_int_equal(count, 0);
    snprintf(path, sizeof(path), "%s/declared", place.data);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(declared_restore(place.backup, 0, place.fresh, &report, &err), OK);
    snprintf(path, sizeof(path), "%s/declared", place.fresh);
    assert_int_not_equal(access(path, F_OK), 0);
    registry_close(declared_open(place.data)); /* nor where nothing was declared yet */
    assert_int_equal(declared_save(place.data, place.backup, &count, &err), OK);
    assert_int_equal(count, 0);
    snprintf(path, sizeof(path), "%s/declared", place.path);
    assert_int_not_equal(access(path, F_OK), 0);
    place_release(&place);
}

static void change_byte(const char *directory, const char *name, long at)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(0x5a, file);
    fclose(file);
}

static void test_damage_is_named(void **state)
{
    struct declared_report report;
    struct place place;
    struct error err = {0};
    uint64_t count;

    (void)state;
    place_init(&place);
    fill(place.data);
    assert_int_equal(declared_save(place.data, place.backup, &count, &err), OK);
    assert_int_equal(declared_restore(place.backup, count + 1, place.fresh, &report, &err),
                     E_CORRUPT);
    assert_non_null(strstr(err.text, "it has 4 records, the label says 5"));
    change_byte(place.path, "declared", 90);
    assert_int_equal(declared_restore(place.backup, count, place.fresh, &report, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "declared"));
    assert_int_equal(fs_unlink(place.backup, "declared", &err), OK);
    assert_int_equal(declared_restore(place.backup, count, place.fresh, &report, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "it is not in the backup: declared"));
    change_byte(place.data, "declared/sources/acme.a", 60);
    assert_int_equal(declared_save(place.data, place.backup, &count, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "declared/sources/acme.a"));
    place_release(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_declared_comes_back),
        cmocka_unit_test(test_nothing_is_made_where_nothing_is),
        cmocka_unit_test(test_damage_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
