/* catalog_select against a naive evaluator that knows no index: every series of the test, asked
 * every matcher, patterns by POSIX regcomp(). */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/match.h"
#include "codec/series_key.h"

enum { SERIES = 3000, QUESTIONS = 400, MATCHERS_MAX = 4, SEED = 20240607 };

static const char *const measurements[] = {"cpu", "mem", "disk"};
static const char *const keys[] = {"dc", "env", "host", "rack"};
static const unsigned distinct[] = {3, 2, 800, 40}; /* values of each key */

/* Values the naive side can read with POSIX, which has no (?i) or \d. */
static const char *const patterns[] = {"v1",           "v[0-9]", "v.*5",    ".*",
                                       ".+",           "v1|v2",  "x",       "",
                                       "v[1-3]?[0-9]", "(v1|)",  "v7.+|v8", "v[^2]*"};

struct naive_series {
    const char *measurement;
    char values[COUNT_OF(keys)][8]; /* "" = the tag is absent */
    struct series *series;
};

struct world {
    struct catalog *catalog;
    const struct tenant *tenant;
    struct naive_series series[SERIES];
    size_t count;
};

static void world_fill(struct world *world, struct random *random)
{
    world->tenant = catalog_tenant(world->catalog, BYTES("acme"));
    while (world->count < SERIES) {
        struct naive_series *made = &world->series[world->count];
        struct series_tag tags[COUNT_OF(keys)];
        struct buf key = BUF_INIT(1000);
        size_t before = catalog_series_count(world->catalog, world->tenant);

        made->measurement = measurements[random_below(random, COUNT_OF(measurements))];
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            made->values[k][0] = '\0';
            if (!random_chance(random, 4))
                snprintf(made->values[k], sizeof(made->values[k]), "v%u",
                         (unsigned)random_below(random, distinct[k]));
            tags[k] = (struct series_tag){bytes_of(keys[k]), bytes_of(made->values[k])};
        }
        assert_int_equal(
            series_key_encode(bytes_of(made->measurement), tags, COUNT_OF(tags), &key, NULL), OK);
        assert_int_equal(catalog_series(world->catalog, world->tenant, buf_bytes(&key), UINT64_MAX,
                                        &made->series, NULL),
                         OK);
        buf_release(&key);
        if (catalog_series_count(world->catalog, world->tenant) > before)
            world->count++;
    }
}

struct question {
    struct selector selector;
    struct matcher matchers[MATCHERS_MAX];
    size_t keys[MATCHERS_MAX];
    char values[MATCHERS_MAX][16];
    regex_t compiled[MATCHERS_MAX]; /* of patterns */
    char text[200];
};

static bool has_pattern(const struct matcher *matcher)
{
    return matcher->op == MATCH_REGEX || matcher->op == MATCH_NOT_REGEX;
}

static void question_make(struct question *question, struct random *random)
{
    uint32_t count = (uint32_t)random_below(random, MATCHERS_MAX + 1);
    int size = 0;

    question->selector =
        (struct selector){bytes_of(measurements[random_below(random, COUNT_OF(measurements))]),
                          question->matchers, count};
    question->text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        static const char *const signs[] = {"?", "=", "!=", "=~", "!~"};
        size_t key = random_below(random, COUNT_OF(keys));
        enum matcher_op op = (enum matcher_op)(1 + random_below(random, 4));

        question->keys[i] = key;
        if (op == MATCH_REGEX || op == MATCH_NOT_REGEX)
            snprintf(question->values[i], sizeof(question->values[i]), "%s",
                     patterns[random_below(random, COUNT_OF(patterns))]);
        else if (random_chance(random, 6))
            question->values[i][0] = '\0';
        else
            snprintf(question->values[i], sizeof(question->values[i]), "v%u",
                     (unsigned)random_below(random, distinct[key] + 1));
        question->matchers[i] =
            (struct matcher){random_chance(random, 20) ? BYTES("nokey") : bytes_of(keys[key]), op,
                             bytes_of(question->values[i])};
        if (question->matchers[i].key.size == 5)
            question->keys[i] = COUNT_OF(keys);
        size += snprintf(question->text + size, sizeof(question->text) - (size_t)size, " %.*s%s%s",
                         BYTES_ARG(question->matchers[i].key), signs[op], question->values[i]);
        if (has_pattern(&question->matchers[i])) {
            char anchored[32];

            snprintf(anchored, sizeof(anchored), "^(%s)$", question->values[i]);
            assert_int_equal(regcomp(&question->compiled[i], anchored, REG_EXTENDED | REG_NOSUB),
                             0);
        }
    }
}

static void question_release(struct question *question)
{
    for (uint32_t i = 0; i < question->selector.matcher_count; i++)
        if (has_pattern(&question->matchers[i]))
            regfree(&question->compiled[i]);
}

static bool naive_admits(const struct question *question, uint32_t i, const char *value)
{
    const struct matcher *matcher = &question->matchers[i];

    if (has_pattern(matcher))
        return (regexec(&question->compiled[i], value, 0, NULL, 0) == 0) ==
               (matcher->op == MATCH_REGEX);
    return (strcmp(question->values[i], value) == 0) == (matcher->op == MATCH_EQUAL);
}

static bool naive_matches(const struct question *question, const struct naive_series *series)
{
    if (!bytes_equal(question->selector.measurement, bytes_of(series->measurement)))
        return false;
    for (uint32_t i = 0; i < question->selector.matcher_count; i++) {
        const char *value =
            question->keys[i] < COUNT_OF(keys) ? series->values[question->keys[i]] : "";

        if (!naive_admits(question, i, value))
            return false;
    }
    return true;
}

static int id_compare(const void *a, const void *b)
{
    return series_id_compare((*(struct series *const *)a)->id, (*(struct series *const *)b)->id);
}

static void test_the_index_selects_what_a_walk_over_everything_selects(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct series **want = calloc(SERIES, sizeof(struct series *));
    struct question question;
    struct random random;
    size_t selected = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    random_seed(&random, SEED);
    assert_int_equal(catalog_new(&world->catalog, NULL), OK);
    world_fill(world, &random);
    for (int q = 0; q < QUESTIONS; q++) {
        struct series **got = NULL;
        struct error err = {0};
        struct arena arena;
        size_t count = 0, want_count = 0;

        question_make(&question, &random);
        for (size_t i = 0; i < world->count; i++)
            if (naive_matches(&question, &world->series[i]))
                want[want_count++] = world->series[i].series;
        qsort(want, want_count, sizeof(struct series *), id_compare);
        arena_init(&arena, SIZE_MAX, NULL);
        if (catalog_select(world->catalog, world->tenant, &question.selector, SERIES, NULL, &arena,
                           &got, &count, &err))
            fail_msg("question %d (%s): %s", q, question.text, err.text);
        if (count != want_count || memcmp(got, want, count * sizeof(struct series *)) != 0)
            fail_msg("question %d (%.*s%s): got %zu series, wanted %zu", q,
                     BYTES_ARG(question.selector.measurement), question.text, count, want_count);
        selected += count;
        if (want_count > 0)
            assert_int_equal(catalog_select(world->catalog, world->tenant, &question.selector,
                                            want_count - 1, NULL, &arena, &got, &count, NULL),
                             E_SERIES_MANY);
        arena_release(&arena);
        question_release(&question);
    }
    assert_true(selected > QUESTIONS); /* the questions are not all empty */
    catalog_free(world->catalog);
    free(want);
    free(world);
}

static struct series *make(struct catalog *catalog, const struct tenant *tenant, const char *host)
{
    struct series_tag tag = {BYTES("host"), bytes_of(host)};
    struct buf key = BUF_INIT(1000);
    struct series *series = NULL;

    assert_int_equal(series_key_encode(BYTES("cpu"), &tag, 1, &key, NULL), OK);
    assert_int_equal(catalog_series(catalog, tenant, buf_bytes(&key), UINT64_MAX, &series, NULL),
                     OK);
    buf_release(&key);
    return series;
}

static void test_a_selection_that_cannot_be_made_says_why(void **state)
{
    static const struct {
        const char *name, *text;
        size_t arena_max;
        enum code want;
        const char *told;
    } cases[] = {
        {"a bad pattern",         "host=~(",           SIZE_MAX, E_BAD_PARAMETER, "parenthesis"   },
        {"a pattern without end", "host=~(a|aa)+[xy]", SIZE_MAX, E_BAD_PARAMETER, "too many steps"},
        {"... negated",           "host!~(a|aa)+[xy]", SIZE_MAX, E_BAD_PARAMETER, "too many steps"},
        {"no memory for series",  "host!=x",           256,      E_MEMORY,        "no memory"     },
        {"no memory for values",  "host=~a.*",         16,       E_MEMORY,        "no memory"     },
    };
    struct catalog *catalog = NULL;
    const struct tenant *tenant;
    char host[40];

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    tenant = catalog_tenant(catalog, BYTES("acme"));
    for (int i = 0; i < 100; i++) {
        snprintf(host, sizeof(host), "aaaaaaaaaaaaaaaaaaaaaaaaaaaa%d", i);
        make(catalog, tenant, host);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(host, sizeof(host), "z%d", i);
        make(catalog, tenant, host);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct matcher matcher;
        const struct selector selector = {BYTES("cpu"), &matcher, 1};
        struct series **series;
        struct arena arena;
        size_t count;
        enum code code;

        arena_init(&arena, cases[i].arena_max, NULL);
        assert_int_equal(matcher_parse(bytes_of(cases[i].text), &matcher, NULL), OK);
        code =
            catalog_select(catalog, tenant, &selector, 1000, NULL, &arena, &series, &count, &err);
        if (code != cases[i].want || !strstr(err.text, cases[i].told))
            fail_msg("%s: got %d, %s", cases[i].name, code, err.text);
        arena_release(&arena);
    }
    catalog_free(catalog);
}

static void test_what_is_unknown_selects_nothing(void **state)
{
    struct catalog *catalog = NULL;
    const struct tenant *tenant, *other;
    const struct selector cpu = {BYTES("cpu"), NULL, 0}, mem = {BYTES("mem"), NULL, 0};
    struct series **series = NULL;
    struct arena arena;
    size_t count = 9;

    (void)state;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    tenant = catalog_tenant(catalog, BYTES("acme"));
    other = catalog_tenant(catalog, BYTES("other"));
    make(catalog, tenant, "a");
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(catalog_select(catalog, tenant, &mem, 9, NULL, &arena, &series, &count, NULL),
                     OK);
    assert_int_equal(count, 0);
    assert_int_equal(catalog_select(catalog, other, &cpu, 9, NULL, &arena, &series, &count, NULL),
                     OK);
    assert_int_equal(count, 0);
    assert_int_equal(catalog_select(catalog, tenant, &cpu, 9, NULL, &arena, &series, &count, NULL),
                     OK);
    assert_int_equal(count, 1);
    arena_release(&arena);
    catalog_free(catalog);
}

static enum code give_up(void *context, struct error *err)
{
    ++*(unsigned *)context;
    return error_set(err, E_CANCELLED, "the client left");
}

/* Whoever has left does not keep a selection at work. */
static void test_a_selection_ends_when_it_is_told(void **state)
{
    struct selector selector = {.measurement = BYTES("cpu")};
    struct arena arena;
    struct catalog *catalog;
    const struct tenant *tenant;
    struct series **series;
    struct error err = {0};
    unsigned looks = 0;
    size_t count;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(catalog_new(&catalog, &err), OK);
    tenant = catalog_tenant(catalog, BYTES("t"));
    make(catalog, tenant, "a");
    make(catalog, tenant, "b");
    assert_int_equal(catalog_select(catalog, tenant, &selector, 10, &(struct look){give_up, &looks},
                                    &arena, &series, &count, &err),
                     E_CANCELLED);
    assert_int_equal(looks, 1);
    arena_release(&arena);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_index_selects_what_a_walk_over_everything_selects),
        cmocka_unit_test(test_a_selection_that_cannot_be_made_says_why),
        cmocka_unit_test(test_what_is_unknown_selects_nothing),
        cmocka_unit_test(test_a_selection_ends_when_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
