#include "tests/unit/ingest/source/source_fixture.h"

#include <dirent.h>
#include <stdio.h>

#include "ingest/source/source_settings.h"

static void expect(const char *yaml, const char *want)
{
    struct bytes json = {NULL, 0};
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = source_of_yaml(bytes_of(yaml), &arena, &json, &err);
    if (code == OK ? !bytes_equal(json, bytes_of(want))
                   : code != E_CONFIG || strstr(err.text, want) == NULL)
        fail_msg("%s: %.*s%s", yaml, BYTES_ARG(json), err.text);
    arena_release(&arena);
}

/* What it wants, and has no default for, is 1. */
static enum code fill(struct arena *arena, struct bytes *json, struct error *err)
{
    struct source_setting given[SOURCE_SETTINGS_MAX];
    struct source_wishes wishes;
    enum code code = source_settings_find(*json, &wishes, err);
    size_t count = 0;

    for (size_t i = 0; i < wishes.setting_count; i++)
        if (wishes.settings[i].needed)
            given[count++] = (struct source_setting){wishes.settings[i].key, BYTES("1")};
    return code ? code : source_settings_fill(*json, given, count, BYTES(""), arena, json, err);
}

/* A whole document of YAML, parsed as a source. */
static void expect_source(const char *name, struct bytes yaml)
{
    const struct tree_plan *plan = NULL;
    struct source_faults faults;
    struct source *source = NULL;
    struct error err = {0};
    struct bytes json;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    if (source_of_yaml(yaml, &arena, &json, &err) || fill(&arena, &json, &err) ||
        source_parse(BYTES(""), json, &arena, &source, &faults, &err))
        fail_msg("%s: %s: %s", name, err.pointer, err.text);
    assert_int_equal(source_plan(source, &arena, &plan, &err), OK);
    source_free(source);
    arena_release(&arena);
}

static size_t read_file(const char *path, char *text, size_t room)
{
    FILE *file = fopen(path, "r");
    size_t size;

    if (file == NULL)
        fail_msg("%s is not there", path);
    size = fread(text, 1, room, file);
    fclose(file);
    assert_true(size < room);
    return size;
}

static void test_yaml_becomes_json(void **state)
{
    (void)state;
    expect("a: b", "{\"a\":\"b\"}");
    expect("a: [1, -2.5, 1e3, true, false, null]", "{\"a\":[1,-2.5,1e3,true,false,null]}");
    expect("a: ['1', \"true\"]", "{\"a\":[\"1\",\"true\"]}");
    expect("a: [007, 12L, +1, .5, 1., 1e, yes, NaN, 0x1, 2023-01-01, -]",
           "{\"a\":[\"007\",\"12L\",\"+1\",\".5\",\"1.\",\"1e\",\"yes\",\"NaN\",\"0x1\",\"2023-01-"
           "01\",\"-\"]}");
    expect("a:\n  b: {}\n  c: []\nd:", "{\"a\":{\"b\":{},\"c\":[]},\"d\":null}");
    expect("a: \"x\\n\\\"y\"", "{\"a\":\"x\\n\\\"y\"}");
    expect("null: [-0, 0]", "{\"null\":[-0,0]}");
    expect("", "the document is empty");
    expect("a: 1\na: 2", "stands twice");
    expect("a: [", "line 2");
    expect("a: *b", "not taken");
}

static void test_the_examples_are_sources(void **state)
{
    static char text[1 << 16];
    DIR *directory = opendir("examples/sources");
    size_t count = 0;

    (void)state;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[512];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "examples/sources/%s", entry->d_name);
        expect_source(path, (struct bytes){text, read_file(path, text, sizeof(text))});
        count++;
    }
    closedir(directory);
    assert_true(count >= 7);
}

static void test_the_reference_has_a_source(void **state)
{
    static const char path[] = "docs/reference/sources.md";
    static char text[1 << 16];
    size_t size = read_file(path, text, sizeof(text) - 1);
    char *begin, *end;

    (void)state;
    text[size] = '\0';
    begin = strstr(text, "```yaml\n");
    assert_non_null(begin);
    begin += strlen("```yaml\n");
    end = strstr(begin, "```");
    assert_non_null(end);
    expect_source(path, (struct bytes){begin, (size_t)(end - begin)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_becomes_json),
        cmocka_unit_test(test_the_examples_are_sources),
        cmocka_unit_test(test_the_reference_has_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
