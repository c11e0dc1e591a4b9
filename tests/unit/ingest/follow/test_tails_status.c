#include "tests/unit/ingest/follow/tails_fixture.h"

#include "codec/json_doc.h"

static struct json *told(struct tails_fixture *fixture, bool records, size_t limit)
{
    struct buf out = BUF_INIT(65536);
    struct json *root = NULL;
    struct error err = {0};

    if (records)
        assert_true(tails_records(&fixture->tails, BYTES("default"), BYTES("lab"), limit, &out));
    else
        assert_true(tails_status(&fixture->tails, BYTES("default"), BYTES("lab"), &out));
    assert_int_equal(json_doc_parse(buf_bytes(&out), 8, &root, &err), OK);
    buf_release(&out);
    return root;
}

static void test_how_a_source_is(void **state)
{
    struct tails_fixture fixture;
    struct json *root;

    (void)state;
    tails_fixture_init(&fixture, "");
    root = told(&fixture, false, 0);
    assert_true(bytes_equal(json_text_of(json_member(root, "state")), BYTES("loading")));
    assert_int_equal(json_kind(json_member(root, "succeeded")), JSON_KIND_NULL);
    json_doc_free(root);
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\nx,a,2\n2");
    tails_turn(&fixture, 0);
    root = told(&fixture, false, 0);
    assert_true(bytes_equal(json_text_of(json_member(root, "state")), BYTES("following")));
    assert_int_equal(json_integer_of(json_member(root, "files")), 1);
    assert_int_equal(json_integer_of(json_member(root, "bytes")), 19);
    assert_int_equal(json_integer_of(json_member(root, "lag_bytes")), 1);
    assert_int_equal(json_integer_of(json_member(root, "rows")), 1);
    assert_int_equal(json_integer_of(json_member(root, "faulty")), 1);
    assert_int_equal(json_kind(json_member(root, "error")), JSON_KIND_TEXT);
    json_doc_free(root);
    for (int i = 0; i < 3; i++) {
        tail_put(&fixture.files, "a", 0, ",a,1\n3");
        tails_turn(&fixture, 1000);
    }
    root = told(&fixture, true, 2);
    assert_int_equal(json_count(root), 2);
    assert_int_equal(json_integer_of(json_member(json_element(root, 0), "rows")), 1);
    json_doc_free(root);
    assert_false(tails_has(&fixture.tails, BYTES("default"), BYTES("other")));
    assert_true(tails_has(&fixture.tails, BYTES("default"), BYTES("lab")));
    fixture.source->paused = true;
    tails_turn(&fixture, 1000);
    root = told(&fixture, false, 0);
    assert_true(bytes_equal(json_text_of(json_member(root, "state")), BYTES("paused")));
    json_doc_free(root);
    tails_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_a_source_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
