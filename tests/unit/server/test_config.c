#include "base/text_file.h"
#include "server/config.h"
#include "tests/unit/server/own_file.h"

enum { FLAGS_MAX = 8, VARIABLES_MAX = 4 };

struct sources {
    const char *file; /* NULL = an empty one */
    const char *variables[VARIABLES_MAX];
    const char *flags[FLAGS_MAX];
};

static enum code load(const struct sources *sources, struct config **config, struct error *err)
{
    char *argv[FLAGS_MAX + 4] = {(char *)"serve", (char *)"--config", path};
    char *environment[VARIABLES_MAX + 2] = {(char *)"HOME=/"};
    int argc = 3;

    own_file_write(sources->file ? sources->file : "");
    for (size_t i = 0; i < VARIABLES_MAX && sources->variables[i]; i++)
        environment[i + 1] = (char *)sources->variables[i];
    for (size_t i = 0; i < FLAGS_MAX && sources->flags[i]; i++)
        argv[argc++] = (char *)sources->flags[i];
    assert_int_equal(config_new(config, NULL), OK);
    assert_int_equal(arguments_read(argc, argv, config_arguments(*config), 1, err), OK);
    return config_load(*config, environment, err);
}

/* The line of the effective configuration that begins with `key`. */
static void printed(const struct config *config, const char *key, char line[300])
{
    struct buf out = BUF_INIT(1 << 20);
    const char *at, *end;

    config_print(config, &out);
    buf_put_char(&out, '\0');
    assert_int_equal(buf_finish(&out, NULL), OK);
    at = strstr(out.data, key);
    assert_non_null(at);
    end = strchr(at, '\n');
    assert_non_null(end);
    snprintf(line, 300, "%.*s", (int)(end - at), at);
    buf_release(&out);
}

static void test_flags_win_over_environment_over_file_over_defaults(void **state)
{
    static const char file[] = "data: from-file\n"
                               "drain_ms: 1s\n"
                               "log_level: debug\n"
                               "limits:\n"
                               "  tags_max: 5\n"
                               "  fields_max: 6\n";
    const struct sources sources = {
        file,
        {"WEIR_DRAIN_MS=2s", "WEIR_LOG_LEVEL=warn",  "WEIR_LIMITS_FIELDS_MAX=7"},
        { "--log-level",           "error", "--limit-points-max=8",           "--accept-clock"},
    };
    static const struct {
        const char *key, *value, *origin;
    } want[] = {
        {"data: ",         "\"from-file\"",      ":1"                    },
        {"listen: ",       "\"127.0.0.1:8090\"", "default"               },
        {"drain_ms: ",     "2s",                 "WEIR_DRAIN_MS"         },
        {"log_level: ",    "error",              "--log-level"           },
        {"accept_clock: ", "true",               "--accept-clock"        },
        {"tags_max: ",     "5",                  ":5"                    },
        {"  fields_max: ", "7",                  "WEIR_LIMITS_FIELDS_MAX"},
        {"points_max: ",   "8",                  "--limit-points-max"    },
        {"series_max: ",   "1000000",            "default"               },
    };
    const struct settings *settings;
    struct config *config;
    struct error err = {0};

    (void)state;
    if (load(&sources, &config, &err))
        fail_msg("%s", err.text);
    settings = config_settings(config);
    assert_string_equal(settings->data, "from-file");
    assert_int_equal(settings->drain_ms, 2000);
    assert_int_equal(settings->log_level, LOG_ERROR);
    assert_true(settings->accept_clock);
    assert_int_equal(settings->limits.tags_max, 5);
    assert_int_equal(settings->limits.fields_max, 7);
    assert_int_equal(settings->limits.points_max, 8);
    assert_int_equal(settings->limits.series_max, 1000000);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        size_t size = strlen(want[i].key);
        char line[300];

        printed(config, want[i].key, line);
        if (strncmp(line + size, want[i].value, strlen(want[i].value)) != 0 ||
            !strstr(line, want[i].origin))
            fail_msg("got \"%s\", wanted %s and %s", line, want[i].value, want[i].origin);
    }
    config_free(config);
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *name;
        struct sources sources;
        uint32_t line;
        const char *told;
    } cases[] = {
        {"an unknown key",
         {.file = "data: x\nlistn: y\n"},
         2,                                                                     "line 2: unknown key \"listn\"; did you mean \"listen\"?"           },
        {"an unknown limit",
         {.file = "limits:\n  tag_max: 5\n"},
         2,                                                                     "line 2: unknown key \"tag_max\"; did you mean \"tags_max\"?"       },
        {"a limit outside limits",    {.file = "tags_max: 5\n"},             1, "unknown key \"tags_max\""                                          },
        {"limits as a list",          {.file = "limits: [1]\n"},             1, "\"limits\" must be a map"                                          },
        {"a list",                    {.file = "data: [x]\n"},               1, "\"data\" must have a single value"                                 },
        {"no value",                  {.file = "data:\n"},                   1, "\"data\" must have a single value"                                 },
        {"a bad value",               {.file = "\ndrain_ms: soon\n"},        2, "line 2: \"drain_ms\": "                                            },
        {"a bad limit",
         {.file = "limits: {body_bytes_max: 5GiB}\n"},
         1,                                                                     "\"body_bytes_max\": \"5GiB\" is not between 1KiB and 4GiB"         },
        {"no map",                    {.file = "data\n"},                    1, "the file must be a map"                                            },
        {"a bad variable",            {.variables = {"WEIR_DRAIN_MS=soon"}}, 0, "WEIR_DRAIN_MS: "                                                   },
        {"an empty variable",         {.variables = {"WEIR_DATA="}},         0, "WEIR_DATA: has no value"                                           },
        {"an unknown variable",
         {.variables = {"WEIR_LISEN=x"}},
         0,                                                                     "unknown environment variable WEIR_LISEN; did you mean WEIR_LISTEN?"},
        {"an unknown limit variable",
         {.variables = {"WEIR_LIMITS_TAG_MAX=5"}},
         0,                                                                     "did you mean WEIR_LIMITS_TAGS_MAX?"                                },
        {"a bad flag",                {.flags = {"--http-threads", "x"}},    0, "--http-threads: "                                                  },
        {"a bad limit flag",          {.flags = {"--limit-tags-max=-1"}},    0, "--limit-tags-max: "                                                },
        {"a bad address",             {.flags = {"--listen=8090"}},          0, "listen: \"8090\" is not an address"                                },
        {"open to the world",
         {.flags = {"--listen=0.0.0.0:1"}},
         0,                                                                     "listen: 0.0.0.0:1 is not loopback and there are no tokens"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config *config;
        struct error err = {0};
        enum code code = load(&cases[i].sources, &config, &err);

        if (code != E_CONFIG || err.line != cases[i].line || !strstr(err.text, cases[i].told) ||
            (cases[i].line > 0 && strncmp(err.text, path, strlen(path)) != 0))
            fail_msg("%s: got %d, line %u: %s", cases[i].name, code, err.line, err.text);
        config_free(config);
    }
}

static void test_the_world_is_served_with_tokens_or_on_demand(void **state)
{
    static const struct sources good[] = {
        {.flags = {"--listen=0.0.0.0:1", "--tenants=t.yaml"}},
        {.flags = {"--listen=0.0.0.0:1", "--insecure-listen"}},
        {.flags = {"--listen=[::1]:0"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct config *config;
        struct error err = {0};

        if (load(&good[i], &config, &err))
            fail_msg("%s: %s", good[i].flags[0], err.text);
        config_free(config);
    }
}

static void test_variables_of_others_are_left_alone(void **state)
{
    static const struct sources sources = {
        .variables = {"WEIR_SERVICE_HOST=10.0.0.1", "WEIR_PORT=tcp://10.0.0.1:8090",
                      "WEIR_PORT_8090_TCP=x", "WEIR_FAILPOINTS=a=fail@1"}
    };
    static const struct sources near = {.variables = {"WEIR_PORT_FIEL=x"}};
    struct config *config;
    struct error err = {0};

    (void)state;
    if (load(&sources, &config, &err))
        fail_msg("%s", err.text);
    config_free(config);
    assert_int_equal(load(&near, &config, &err), E_CONFIG);
    config_free(config);
}

static void test_a_file_that_was_asked_for_must_be_there(void **state)
{
    char *flag[] = {(char *)"serve", (char *)"--config=/nonexistent/weir.yaml"};
    char *none[] = {NULL}, *variable[] = {(char *)"WEIR_CONFIG=/nonexistent/other.yaml", NULL};
    struct config *config;
    struct error err = {0};

    (void)state;
    assert_int_equal(config_new(&config, NULL), OK);
    assert_int_equal(arguments_read(2, flag, config_arguments(config), 1, NULL), OK);
    assert_int_equal(config_load(config, none, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/weir.yaml"));
    config_free(config);
    assert_int_equal(config_new(&config, NULL), OK);
    assert_int_equal(config_load(config, variable, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/other.yaml"));
    config_free(config);
}

static void test_what_is_printed_reads_back_to_the_same(void **state)
{
    static const struct sources sources = {
        .flags = {"--data", "a \"b\"\\n# c", "--limit-tags-max", "9", "--drain-ms", "90s",
                  "--pull-allow", "10.0.0.0/8,[::1]"}
    };
    struct buf first = BUF_INIT(1 << 20);
    struct sources again = {0};
    const struct settings *settings;
    struct config *config;
    struct error err = {0};

    (void)state;
    assert_int_equal(load(&sources, &config, &err), OK);
    config_print(config, &first);
    buf_put_char(&first, '\0');
    assert_int_equal(buf_finish(&first, NULL), OK);
    config_free(config);
    again.file = first.data;
    if (load(&again, &config, &err))
        fail_msg("%s\n%s", err.text, first.data);
    settings = config_settings(config);
    assert_string_equal(settings->data, "a \"b\"\\n# c");
    assert_null(settings->tenants);
    assert_int_equal(settings->limits.tags_max, 9);
    assert_int_equal(settings->drain_ms, 90000);
    assert_int_equal(settings->pull_allow.count, 2);
    config_free(config);
    buf_release(&first);
}

static void test_a_list_comes_from_the_file_or_as_one_text(void **state)
{
    static const struct sources good[] = {
        {.file = "pull_allow: [10.1.0.0/16, \"[::1]:8099\"]\n"},
        {.file = "pull_allow:\n  - 10.1.0.0/16\n  - '[::1]:8099'\n"},
        {.file = "pull_files: [/srv/lab, 'one=/srv/one']\npull_allow: '10.1.0.0/16, [::1]:8099'\n"},
        {.file = "pull_allow: '10.1.0.0/16, [::1]:8099'\n"},
        {.variables = {"WEIR_PULL_ALLOW=10.1.0.0/16,[::1]:8099"}},
        {.flags = {"--pull-allow", "10.1.0.0/16 [::1]:8099"}},
    };
    static const struct {
        const char *file, *told;
    } bad[] = {
        {"pull_allow: [10.1.0.0/16, [a]]\n",
         "an element of \"pull_allow\" must have a single value"                       },
        {"pull_allow: [10.1.0.0/16, 10.1]\n", "\"pull_allow\": \"10.1\" is no address" },
        {"pull_allow: {a: b}\n",              "\"pull_allow\" must have a single value"},
        {"data: [a]\n",                       "\"data\" must have a single value"      },
    };
    struct config *config;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct address_rules *rules;
        struct error err = {0};

        if (load(&good[i], &config, &err))
            fail_msg("%zu: %s", i, err.text);
        rules = &config_settings(config)->pull_allow;
        assert_int_equal(rules->count, 2);
        assert_int_equal(rules->items[0].prefix, 96 + 16);
        assert_int_equal(rules->items[1].port, 8099);
        config_free(config);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct sources sources = {.file = bad[i].file};
        struct error err = {0};

        assert_int_equal(load(&sources, &config, &err), E_CONFIG);
        if (!strstr(err.text, bad[i].told))
            fail_msg("%s: %s", bad[i].file, err.text);
        config_free(config);
    }
}

static void test_a_contact_can_stand_in_a_header(void **state)
{
    char long_one[201 + 1], most[200 + 1];
    const struct {
        const char *contact, *told;
    } cases[] = {
        {"ops@example.org, +44 20", NULL                                     },
        {most,                      NULL                                     },
        {long_one,                  "has 201 characters; want at most 200"   },
        {"a\r\nX: y",               "pull_contact: want printable characters"},
        {"\xc3\xa4",                "pull_contact: want printable characters"},
    };

    (void)state;
    memset(long_one, 'c', sizeof(long_one));
    long_one[201] = '\0';
    memset(most, 'c', sizeof(most));
    most[200] = '\0';
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct sources sources = {
            .flags = {"--pull-contact", cases[i].contact}
        };
        struct config *config;
        struct error err = {0};
        enum code code = load(&sources, &config, &err);

        if (code != (cases[i].told ? E_CONFIG : OK) ||
            (cases[i].told && !strstr(err.text, cases[i].told)))
            fail_msg("%s: %s", cases[i].contact, err.text);
        config_free(config);
    }
}

static void test_every_setting_and_limit_stands_in_the_reference(void **state)
{
    struct buf page = BUF_INIT(1 << 20);
    struct error err = {0};
    char want[200];

    (void)state;
    if (text_file_read("docs/reference/config.md", 1 << 20, &page, &err))
        fail_msg("%s (run it in the root of the tree)", err.text);
    buf_put_char(&page, '\0');
    for (size_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];

        snprintf(want, sizeof(want), "| `%s` | `--", row->name);
        if (!strstr(page.data, want) || !strstr(page.data, row->help))
            fail_msg("no row for %s with \"%s\"", row->name, row->help);
        snprintf(want, sizeof(want), *row->initial ? "| `%s` | %s" : "| %s | %s",
                 *row->initial ? row->initial : "none", row->help);
        if (!strstr(page.data, want))
            fail_msg("%s: the default is not %s", row->name, row->initial);
    }
    for (size_t i = 0; i < limit_row_count; i++) {
        const struct limit_row *row = &limit_rows[i];

        snprintf(want, sizeof(want), "| `%s` | ", row->name);
        if (!strstr(page.data, want) || !strstr(page.data, row->help))
            fail_msg("no row for %s with \"%s\"", row->name, row->help);
    }
    buf_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_win_over_environment_over_file_over_defaults),
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(test_the_world_is_served_with_tokens_or_on_demand),
        cmocka_unit_test(test_variables_of_others_are_left_alone),
        cmocka_unit_test(test_a_file_that_was_asked_for_must_be_there),
        cmocka_unit_test(test_what_is_printed_reads_back_to_the_same),
        cmocka_unit_test(test_a_list_comes_from_the_file_or_as_one_text),
        cmocka_unit_test(test_a_contact_can_stand_in_a_header),
        cmocka_unit_test(test_every_setting_and_limit_stands_in_the_reference),
    };

    return cmocka_run_group_tests(tests, own_file_make, own_file_remove);
}
