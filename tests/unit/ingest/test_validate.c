#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "codec/decoder.h"
#include "ingest/validate.h"
#include "tests/unit/codec/batch_text.h"

struct check {
    struct limits limits;
    struct catalog *catalog;
    const struct tenant *tenant;
    struct arena arena;
    struct batch batch;
    struct error err;
};

static void begin(struct check *check)
{
    *check = (struct check){0};
    limits_init(&check->limits);
    assert_int_equal(catalog_new(&check->catalog, &check->err), OK);
    check->tenant = catalog_tenant(check->catalog, BYTES("default"));
}

static void end(struct check *check)
{
    catalog_free(check->catalog);
}

/* Decodes lines and validates them; the batch as text in `text`. */
static enum code judge(struct check *check, const char *lines, bool whole, char text[2048])
{
    struct decode_options options = {.precision = TIME_NS, .now_ns = 1, .limits = &check->limits};
    struct buf out = BUF_INIT(2047);
    struct decoder *decoder = NULL;
    enum code code;

    arena_init(&check->arena, (size_t)1 << 26, NULL);
    batch_init(&check->batch, &check->arena, 100);
    assert_int_equal(decoder_line_protocol.begin(&check->batch, &options, &decoder, &check->err),
                     OK);
    assert_int_equal(decoder_line_protocol.feed(decoder, bytes_of(lines), &check->err), OK);
    assert_int_equal(decoder_line_protocol.finish(decoder, &check->err), OK);
    decoder_line_protocol.free(decoder);
    code = batch_validate(&check->batch, check->catalog, check->tenant, &check->limits, whole,
                          &check->err);
    assert_true(batch_check(&check->batch, &check->err));
    if (code == OK && !(whole && check->batch.reject_count > 0))
        for (uint32_t i = 0; i < check->batch.series_count; i++)
            assert_non_null(check->batch.series[i].series);
    batch_text(&check->batch, &out);
    memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    buf_release(&out);
    batch_release(&check->batch);
    arena_release(&check->arena);
    return code;
}

static void test_series_are_resolved_and_the_same_ones_found_again(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(judge(&check, "m,t=a f=1 1\nm,t=b f=2 2\nm,t=a f=3 3\n", true, text), OK);
        assert_string_equal(text, "1: m,t=a f=1 @1\n2: m,t=b f=2 @2\n3: m,t=a f=3 @3\n");
        assert_int_equal(catalog_series_count(check.catalog, check.tenant), 2);
    }
    end(&check);
}

static void test_a_field_of_another_kind_is_a_bad_line(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    assert_int_equal(judge(&check, "m f=1 1\n", true, text), OK);
    assert_int_equal(judge(&check, "m f=2i 2\nm,t=x f=\"s\" 3\nn f=\"s\" 4\n", false, text), OK);
    assert_non_null(strstr(text, "1: m f=2i @2\n3: n f=\"s\" @4\n2! field_type_conflict "));
    end(&check);
}

/* The batch that goes on to the record has no series without rows: the encoder counts on it. */
static void test_a_series_whose_rows_are_all_bad_is_not_made(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    assert_int_equal(judge(&check, "m f=1 1\n", true, text), OK);
    assert_int_equal(judge(&check, "m,t=x f=\"s\" 1\nm,t=y f=2 2\n", false, text), OK);
    assert_non_null(strstr(text, "2: m,t=y f=2 @2\n1! field_type_conflict "));
    assert_int_equal(catalog_series_count(check.catalog, check.tenant), 2);
    end(&check);
}

static void test_series_beyond_the_limit_are_bad_lines(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    check.limits.series_max = 2;
    assert_int_equal(judge(&check,
                           "m,t=a f=1 1\nm,t=b f=2 2\nm,t=c f=3 3\nm,t=b f=4 4\nm,t=c f=5 5\n",
                           false, text),
                     OK);
    assert_non_null(strstr(text, "1: m,t=a f=1 @1\n2: m,t=b f=2 @2\n4: m,t=b f=4 @4\n"
                                 "3! series_limit "));
    assert_non_null(strstr(text, "\n5! series_limit "));
    assert_int_equal(catalog_series_count(check.catalog, check.tenant), 2);
    end(&check);
}

static void test_fields_beyond_the_measurements_limit_are_bad_lines(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    check.limits.measurement_fields_max = 2;
    assert_int_equal(judge(&check, "m a=1,b=1 1\nm c=1 2\nn c=1 3\n", false, text), OK);
    assert_non_null(strstr(text, "1: m a=1 b=1 @1\n3: n c=1 @3\n2! too_many_fields "));
    end(&check);
}

static void test_a_request_that_is_bad_already_claims_nothing(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    assert_int_equal(judge(&check, "m f=\"s\" 1\nm f=what 2\n", true, text), OK);
    assert_int_equal(catalog_series_count(check.catalog, check.tenant), 0);
    assert_int_equal(judge(&check, "m f=1 1\n", true, text), OK);
    assert_string_equal(text, "1: m f=1 @1\n");
    end(&check);
}

static void test_a_conflict_is_told_beside_lines_that_did_not_parse(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    assert_int_equal(judge(&check, "m f=1 1\n", true, text), OK);
    assert_int_equal(judge(&check, "m f=what 1\nm f=\"s\" 2\n", true, text), OK);
    assert_non_null(strstr(text, "1! bad_"));
    assert_non_null(strstr(text, "2! field_type_conflict "));
    end(&check);
}

static void test_lines_that_disagree_are_refused_and_leave_no_claim(void **state)
{
    struct check check;
    char text[2048];

    (void)state;
    begin(&check);
    assert_int_equal(judge(&check, "m f=1 1\nm f=\"s\" 2\n", true, text), OK);
    assert_non_null(strstr(text, "2! field_type_conflict "));
    assert_int_equal(judge(&check, "m f=\"s\" 1\n", true, text), OK);
    assert_string_equal(text, "1: m f=\"s\" @1\n");
    end(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_are_resolved_and_the_same_ones_found_again),
        cmocka_unit_test(test_a_field_of_another_kind_is_a_bad_line),
        cmocka_unit_test(test_a_series_whose_rows_are_all_bad_is_not_made),
        cmocka_unit_test(test_series_beyond_the_limit_are_bad_lines),
        cmocka_unit_test(test_fields_beyond_the_measurements_limit_are_bad_lines),
        cmocka_unit_test(test_a_request_that_is_bad_already_claims_nothing),
        cmocka_unit_test(test_a_conflict_is_told_beside_lines_that_did_not_parse),
        cmocka_unit_test(test_lines_that_disagree_are_refused_and_leave_no_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
