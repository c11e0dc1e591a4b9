#include "tests/unit/ingest/follow/tails_fixture.h"

/* Until so many rows are there; the thread has ten seconds for it. */
static void wait_rows(struct tails_fixture *fixture, uint64_t rows)
{
    for (int i = 0; i < 1000 && ground_rows(&fixture->ground) < rows; i++)
        (void)usleep(10000);
    assert_int_equal(ground_rows(&fixture->ground), rows);
}

static void declare(struct tails_fixture *fixture, struct tails *tails, bool paused, bool gone)
{
    struct source *source =
        gone ? NULL : tail_source(&fixture->files.arena, tail_path(&fixture->files, "*"), "");
    struct error err = {0};

    assert_int_equal(tails_declare(tails, BYTES("default"), BYTES("lab"), paused, source, &err),
                     OK);
}

static void wait_there(struct tails *tails, bool there)
{
    for (int i = 0; i < 1000 && tails_has(tails, BYTES("default"), BYTES("lab")) != there; i++)
        (void)usleep(10000);
    assert_int_equal(tails_has(tails, BYTES("default"), BYTES("lab")), there);
}

static void test_a_declared_source_is_followed(void **state)
{
    struct tails_fixture fixture;
    struct tails *tails;
    struct error err = {0};

    (void)state;
    tails_fixture_init(&fixture, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    assert_int_equal(tails_open(&fixture.parts, &tails, &err), OK);
    declare(&fixture, tails, false, false);
    wait_rows(&fixture, 1 + 2); /* with marks */
    tail_put(&fixture.files, "a", 0, "2,a,1\n");
    wait_rows(&fixture, 2 + 3); /* with another one */
    declare(&fixture, tails, true, false);
    declare(&fixture, tails, false, true);
    wait_there(tails, false);
    tails_close(tails);
    tails_fixture_release(&fixture);
}

static void test_where_a_document_may_look(void **state)
{
    struct tails_fixture fixture;
    struct tails *tails;
    struct error err = {0};
    struct source *other;

    (void)state;
    tails_fixture_init(&fixture, "");
    other = tail_source(&fixture.files.arena, "/nowhere/x", "");
    assert_int_equal(tails_open(&fixture.parts, &tails, &err), OK);
    assert_int_equal(tails_takes(tails, BYTES("default"), fixture.files.source, &err), OK);
    assert_int_equal(tails_takes(tails, BYTES("default"), other, &err), E_BAD_PARAMETER);
    assert_string_equal(err.pointer, "/files/paths/0");
    source_free(other);
    tails_close(tails);
    tails_close(NULL);
    tails_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_declared_source_is_followed),
        cmocka_unit_test(test_where_a_document_may_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
