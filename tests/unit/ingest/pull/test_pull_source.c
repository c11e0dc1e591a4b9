#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]"
#define CURSOR                                                                                     \
    "'request': {'url': '@/list'}, 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}"

/* The page behind the one that was under way is not asked any more. */
static void test_a_document_is_replaced_while_a_page_is_under_way(void **state)
{
    static const char *const wrong[] = {"", ", 'nonsense': 1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char blocks[128];

        SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                     {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true},
                     {.when = "/other", .body = ROW "}"});
        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
        it_declares(CURSOR);
        UNTIL(it_is_resting() || site_asked(&it.site, "/list") > 0);
        if (site_asked(&it.site, "/list") == 0)
            assert_int_equal(puller_act(it.puller, TENANT, BYTES("s"), PULLER_NOW, 0, 0, NULL), OK);
        UNTIL(site_asked(&it.site, "/list") == 1);
        (void)snprintf(blocks, sizeof(blocks), "'request': {'url': '@/other'}%s", wrong[i]);
        it_declares(blocks);
        site_release(&it.site);
        UNTIL(it_says("s", "state", i == 0 ? "resting" : "wrong"));
        assert_int_equal(site_asked(&it.site, "c=b"), 0);
    }
}

static void test_a_lease_that_is_lost_ends_what_would_be_asked(void **state)
{
    (void)state;
    puller_close(it.puller);
    it.leases = true;
    it_start();
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                 {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true});
    it_declares(CURSOR);
    UNTIL(it_says("s", "state", "elsewhere"));
    it.leased = true;
    UNTIL(site_asked(&it.site, "/list") == 1);
    it.leased = false;
    assert_int_equal(puller_act(it.puller, TENANT, BYTES("s"), PULLER_NOW, 0, 0, NULL), OK);
    UNTIL(it_says("s", "state", "elsewhere"));
    site_release(&it.site);
    UNTIL(it_count("pages") == 1 && it_says("s", "state", "elsewhere"));
    assert_int_equal(site_asked(&it.site, "c=b"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_document_is_replaced_while_a_page_is_under_way),
        IT_TEST(test_a_lease_that_is_lost_ends_what_would_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
