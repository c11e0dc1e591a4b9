#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/etag.h"

static void test_headers_that_match(void **state)
{
    static const struct {
        const char *header;
        bool matches;
    } cases[] = {
        {"",                       false},
        {"*",                      true },
        {"\"ab\"",                 true },
        {"W/\"ab\"",               true },
        {"\"x\", W/\"ab\" ,\"y\"", true },
        {"\"x\",\"abc\"",          false},
        {"ab",                     false},
        {",,",                     false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (etag_matches(bytes_of(cases[i].header), "\"ab\"") != cases[i].matches ||
            etag_matches(bytes_of(cases[i].header), "W/\"ab\"") != cases[i].matches)
            fail_msg("%s", cases[i].header);
    }
}

/* Each of these is another answer, and so another tag. */
static void test_different_questions_have_different_tags(void **state)
{
    static const char *const questions[] = {
        "measurement=cpu",
        "measurement=cpu&fields=user",
        "measurement=cpu&fields=n",
        "measurement=cpu&fields=user,n",
        "measurement=cpu&start=1",
        "measurement=cpu&end=100",
        "measurement=cpu&match=host=a",
        "measurement=cpu&match=host!=a",
        "measurement=cpu&match=host=~a",
        "measurement=cpu&order=desc",
        "measurement=cpu&limit=5",
        "measurement=cpu&versions=all",
        "measurement=cpu&strict=true",
        "measurement=cpu&format=ndjson",
        "measurement=cpu&format=csv",
        "measurement=cpu&shape=rows",
        "measurement=cpu&epoch=ns",
        "measurement=cpu&epoch=s",
        "measurement=cpu&int64=string",
        "measurement=cpu&as_of=1000000",
        "measurement=cpu&as_of=999999",
        "measurement=cpu&agg=max&fields=n",
        "measurement=cpu&agg=min&fields=n",
        "measurement=cpu&agg=min&fields=n&every=1s",
        "measurement=cpu&agg=min&fields=n&every=1s&offset=1ms",
        "measurement=cpu&agg=min&fields=n&every=1s&fill=null",
        "measurement=cpu&agg=min&fields=n&every=1s&fill=0",
        "measurement=cpu&agg=min&fields=n&every=1s&fill=0.0",
        "measurement=cpu&agg=min&fields=n&every=1mo",
        "measurement=cpu&agg=min&fields=n&every=1mo&tz=Europe/Paris",
        "measurement=cpu&agg=rate(1s)&fields=n",
        "measurement=cpu&agg=rate(1m)&fields=n",
        "measurement=cpu&agg=min&fields=n&group_by=*",
        "measurement=cpu&agg=min&fields=n&group_by=host",
    };
    char tags[COUNT_OF(questions) + 2][48];
    struct fixture fixture;
    size_t count = COUNT_OF(questions);

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=a"), 10, 100, "user=1 n=2i");
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        memcpy(tags[i], fixture.outcome.etag, sizeof(tags[i]));
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        assert_string_equal(tags[i], fixture.outcome.etag);
    }
    fixture.environment.content_encoding = BYTES("gzip");
    assert_int_equal(fixture_ask(&fixture, questions[0]), OK);
    memcpy(tags[count++], fixture.outcome.etag, sizeof(tags[0]));
    fixture.store.missing[0] = BYTES("something");
    fixture.store.missing_count = 1;
    assert_int_equal(fixture_ask(&fixture, questions[0]), OK);
    memcpy(tags[count++], fixture.outcome.etag, sizeof(tags[0]));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(tags[i], tags[j]) == 0)
                fail_msg("%zu and %zu", i, j);
    fixture_release(&fixture);
}

/* Also of an answer as of before. */
static void test_erasing_changes_the_tag(void **state)
{
    static const char *const questions[] = {"measurement=cpu",
                                            "measurement=cpu&as_of=1970-01-01T00:00:00.000000150Z"};
    struct tombstone tombstone = {
        .ingest = 200, .erase = true, .selector.measurement = BYTES("cpu"), .start = 0, .end = 11};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        struct fixture fixture;
        char before[48];

        fixture_init(&fixture);
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 10, 100, "v=1");
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 20, 300, "v=1");
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        memcpy(before, fixture.outcome.etag, sizeof(before));
        fixture.store.tombstones = &tombstone;
        fixture.store.tombstone_count = 1;
        fixture.environment.if_none_match = bytes_of(before);
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        assert_false(fixture.outcome.not_modified);
        assert_string_not_equal(before, fixture.outcome.etag);
        fixture.store.tombstone_count = 0; /* the bytes are gone, and so is the deletion */
        fixture.store.deleted_last = tombstone.ingest;
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        assert_false(fixture.outcome.not_modified);
        assert_string_not_equal(before, fixture.outcome.etag);
        fixture_release(&fixture);
    }
}

/* Rows of other members may come below the newest that was told. */
static void test_what_others_delivered_changes_the_tag(void **state)
{
    struct fixture fixture;
    char before[48];

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 10, 100, "v=1");
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu"), OK);
    memcpy(before, fixture.outcome.etag, sizeof(before));
    fixture.store.guests = 7;
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu"), OK);
    assert_string_not_equal(before, fixture.outcome.etag);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_that_match),
        cmocka_unit_test(test_different_questions_have_different_tags),
        cmocka_unit_test(test_erasing_changes_the_tag),
        cmocka_unit_test(test_what_others_delivered_changes_the_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
