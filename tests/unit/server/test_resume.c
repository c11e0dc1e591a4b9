#include "server/resume.h"
#include "tests/unit/server/own_file.h"

static const struct hash128 options = {"options-options"}, others = {"others-others--"};
static const struct hash128 sum = {"sum-sum-sum-sum"};

static void test_what_is_noted_is_found_by_a_later_run(void **state)
{
    const struct resume_place first = {12, 1, sum}, second = {UINT64_MAX, 7, options};
    struct resume_place place;
    struct resume *resume;

    (void)state;
    (void)unlink(path);
    assert_int_equal(resume_open(path, &options, &resume, NULL), OK);
    assert_false(resume_find(resume, "a b", &place));
    assert_int_equal(resume_note(resume, "a b", &second, NULL), OK);
    assert_int_equal(resume_note(resume, "c", &second, NULL), OK);
    assert_int_equal(resume_note(resume, "a b", &first, NULL), OK);
    resume_close(resume);
    assert_int_equal(resume_open(path, &options, &resume, NULL), OK);
    assert_true(resume_find(resume, "a b", &place));
    assert_int_equal(place.bytes, 12);
    assert_int_equal(place.lines, 1);
    assert_memory_equal(&place.hash, &sum, sizeof(sum));
    assert_true(resume_find(resume, "c", &place));
    assert_true(place.bytes == UINT64_MAX);
    resume_close(resume);
}

static void test_another_import_and_damage_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "weir",
        "weir import 2\n",
        "weir import 1\noptions 12\n",
        "weir import 1\noptions 6f7074696f6e732d6f7074696f6e7300\nfile 12\n",
        "weir import 1\noptions 6f7074696f6e732d6f7074696f6e7300\nfile 12 1 zz a\n",
        ("weir import 1\noptions 6f7074696f6e732d6f7074696f6e7300\nfile 12 1 "
         "6f7074696f6e732d6f7074696f6e7300 a"),
    };
    struct resume *resume;
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        own_file_write(bad[i]);
        if (resume_open(path, &options, &resume, &err) != E_CONFIG || resume)
            fail_msg("%s", bad[i]);
    }
    own_file_write("weir import 1\noptions 6f7074696f6e732d6f7074696f6e7300\n");
    assert_int_equal(resume_open(path, &options, &resume, NULL), OK);
    resume_close(resume);
    assert_int_equal(resume_open(path, &others, &resume, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "another server or other flags"));
}

static void test_a_state_that_cannot_be_written_is_an_error(void **state)
{
    const struct resume_place place = {1, 1, sum};
    struct resume *resume;
    char directory[] = "/tmp/weir-resume-XXXXXX", inside[64];
    struct error err = {0};

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(inside, sizeof(inside), "%s/state", directory);
    assert_int_equal(resume_open(inside, &options, &resume, NULL), OK);
    assert_int_equal(resume_note(resume, "a\nb", &place, &err), E_CONFIG);
    assert_int_equal(unlink(inside), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(resume_note(resume, "a", &place, &err), E_IO);
    resume_close(resume);
    assert_int_equal(resume_open(inside, &options, &resume, &err), E_IO); /* before it is needed */
    assert_null(resume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_noted_is_found_by_a_later_run),
        cmocka_unit_test(test_another_import_and_damage_are_refused),
        cmocka_unit_test(test_a_state_that_cannot_be_written_is_an_error),
    };

    return cmocka_run_group_tests(tests, own_file_make, own_file_remove);
}
