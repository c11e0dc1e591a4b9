#include "server/compaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discovery/directory.h"

static const int64_t hour = INT64_C(3600000000000);

static char path[64];

static void write_tenants(const char *settings)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "tenants:\n  acme:\n%s    tokens: []\n", settings);
    fclose(file);
}

/* The ages that a compaction goes by are the tenant's of the moment; nothing of a tenant that the
 * file does not know is dropped. */
static void test_ages_are_those_of_the_file(void **state)
{
    static const struct {
        const char *name, *settings, *tenant;
        int64_t retention_ns, history_ns;
    } cases[] = {
        {"as they are said",      "    retention: 5h\n    history: 2h\n",           "acme",  5, 2      },
        {"for ever",              "    retention: forever\n    history: forever\n", "acme",  0, 0      },
        {"what nobody said",      "",                                               "acme",  0, 90 * 24},
        {"a tenant that is gone", "    retention: 5h\n    history: 2h\n",           "other", 0, 0      },
    };
    struct directory *directory = NULL;
    struct compaction_rules rules;
    struct limits node;
    int descriptor;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/weir-test-tenants-XXXXXX");
    descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    limits_init(&node);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tenant tenant = {.name = bytes_of(cases[i].tenant)};
        int64_t retention_ns = -1, history_ns = -1;
        struct error err = {0};

        write_tenants(cases[i].settings);
        if (directory == NULL ? directory_open(path, &node, &directory, &err)
                              : directory_reload(directory, &err))
            fail_msg("%s: %s", cases[i].name, err.text);
        rules = compaction_rules_of(directory);
        rules.ages(rules.context, &tenant, &retention_ns, &history_ns);
        if (retention_ns !=
                (cases[i].retention_ns == 0 ? INT64_MAX : cases[i].retention_ns * hour) ||
            history_ns != (cases[i].history_ns == 0 ? INT64_MAX : cases[i].history_ns * hour))
            fail_msg("%s: retention %lld, history %lld", cases[i].name, (long long)retention_ns,
                     (long long)history_ns);
    }
    directory_close(directory);
    unlink(path);
}

static struct series series_of(const char *measurement, const struct series_tag *tag)
{
    return (struct series){
        .measurement = bytes_of(measurement), .tags = tag, .tag_count = tag == NULL ? 0 : 1};
}

static void test_a_deletion_means_what_a_question_does(void **state)
{
    static const struct series_tag a = {BYTES("host"), BYTES("a")}, b = {BYTES("host"), BYTES("b")};
    static const struct {
        const char *name;
        struct matcher matcher;
        const char *measurement;
        const struct series_tag *tag;
        bool selected;
    } cases[] = {
        {"its value",           {BYTES("host"), MATCH_EQUAL, BYTES("a")},    "cpu", &a,   true },
        {"another",             {BYTES("host"), MATCH_EQUAL, BYTES("a")},    "cpu", &b,   false},
        {"another measurement", {BYTES("host"), MATCH_EQUAL, BYTES("a")},    "mem", &a,   false},
        {"a pattern",           {BYTES("host"), MATCH_REGEX, BYTES("[ab]")}, "cpu", &b,   true },
        {"no tag at all",       {BYTES("host"), MATCH_REGEX, BYTES("[ab]")}, "cpu", NULL, false},
    };
    struct compaction_rules rules = compaction_rules_of(NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct selector selector = {BYTES("cpu"), &cases[i].matcher, 1};
        struct series series = series_of(cases[i].measurement, cases[i].tag);
        struct selection *selection;
        bool selected = !cases[i].selected;

        assert_int_equal(rules.selection_new(&selector, &selection, NULL), OK);
        assert_int_equal(rules.selects(selection, &series, &selected, NULL), OK);
        if (selected != cases[i].selected)
            fail_msg("%s", cases[i].name);
        rules.selection_free(selection);
    }
    rules.selection_free(NULL);
}

/* A pattern that cannot be decided is no "no": what was to be deleted would stay. */
static void test_a_pattern_that_is_not_decided_is_told(void **state)
{
    char value[41];
    struct series_tag tag = {
        BYTES("host"), {value, sizeof(value)}
    };
    struct matcher matcher = {BYTES("host"), MATCH_REGEX, BYTES("(a+)+(a+)+(a+)+")};
    struct selector selector = {BYTES("cpu"), &matcher, 1};
    struct compaction_rules rules = compaction_rules_of(NULL);
    struct series series = series_of("cpu", &tag);
    struct selection *selection;
    struct error err = {0};
    bool selected;

    (void)state;
    memset(value, 'a', sizeof(value) - 1);
    value[sizeof(value) - 1] = 'b';
    assert_int_equal(rules.selection_new(&selector, &selection, NULL), OK);
    assert_int_equal(rules.selects(selection, &series, &selected, &err), E_INTERNAL);
    assert_non_null(strstr(err.text, "pattern"));
    rules.selection_free(selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ages_are_those_of_the_file),
        cmocka_unit_test(test_a_deletion_means_what_a_question_does),
        cmocka_unit_test(test_a_pattern_that_is_not_decided_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
