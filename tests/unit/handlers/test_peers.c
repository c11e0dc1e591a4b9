#include "tests/unit/handlers/peers_ground.h"

/* Rows that were acknowledged elsewhere and delivered nowhere are in the answer; S is above them.
 */
static void test_what_a_member_has_is_in_the_view(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "9223372036854775807\r\nWeir-Newest: 0\r\nConnection: "
                                          "close\r\n\r\n",
                                          "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "9223372036854775807\r\nWeir-Newest: 0\r\n\r\n",
                                          NULL};
    struct bytes tails[2] = {
        {NULL, 0},
        {NULL, 0}
    };
    struct script script;
    char missing[1000];
    struct buf body;
    int64_t as_of;

    (void)state;
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    depot_add_pack(&inn.author, 1, 50); /* that it does not deliver */
    peer_pack(&inn.author.house, &body);
    tails[0] = buf_bytes(&body);
    script_begin_with(&script, answers, tails);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    await_alive(BYTES("1"));
    peers_begin();
    assert_true(peers_are_there(peers));
    assert_int_equal(open_and_read(VIEW_LATEST, missing, &as_of), 20);
    assert_string_equal(missing, "");
    if (as_of <= clock_wall_ns(clock_system()))
        fail_msg("S is %lld", (long long)as_of);
    /* As of then it is asked again, and of what it told all it is not asked. */
    assert_int_equal(open_and_read(as_of, missing, NULL), 10);
    assert_string_equal(missing, "");
    assert_int_equal(script.connections, 2);
    assert_int_equal(open_and_read(1, missing, NULL), 0);
    assert_string_equal(missing, "");
    assert_int_equal(script.connections, 2);
    peers_free(peers);
    script_end(&script);
    buf_release(&body);
}

/* Named, and why; never short without that. */
static void test_who_does_not_say_all_is_named(void **state)
{
    static const char *const silent[] = {"", NULL}, *const absent[] = {NULL};
    static const char *const garbage[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "9223372036854775807\r\nWeir-Newest: 0\r\n"
                                          "Content-Length: 3\r\n\r\nabc",
                                          NULL};
    static const char *const listed[] = {"HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                                         "9223372036854775807\r\nWeir-Newest: 0\r\n"
                                         "Weir-Delivered: north=1000\r\n\r\n",
                                         NULL};
    static const struct {
        const char *const *answers;
        const char *want;
    } cases[] = {
        {silent,  "it did not answer within 300 ms"    },
        {absent,  "it takes no connection"             },
        {garbage, "its reply is no pack"               },
        {listed,  "it has delivered more than could be"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct script script;
        char missing[1000];

        script_begin(&script, cases[i].answers);
        put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
        peers_begin();
        if (cases[i].answers == absent)
            script_end(&script);
        assert_int_equal(open_and_read(VIEW_LATEST, missing, NULL), 10);
        if (strstr(missing, "member 1 has told up to") == NULL ||
            strstr(missing, cases[i].want) == NULL)
            fail_msg("%zu: %s", i, missing);
        if (cases[i].answers == silent) { /* the next one does not wait */
            assert_int_equal(open_and_read(VIEW_LATEST, missing, NULL), 10);
            assert_non_null(strstr(missing, "it did not answer a moment ago"));
        }
        peers_free(peers);
        if (cases[i].answers != absent)
            script_end(&script);
    }
}

static void test_who_cannot_be_asked_is_named(void **state)
{
    char missing[1000];

    (void)state;
    peers_begin();
    put_member(1, inn.author.house.store, "", MEMBER_ACTIVE);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_non_null(strstr(missing, "it has told no address"));
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    registry_release(registry, REGISTRY_ALIVE, BYTES("1"));
    for (missing[0] = '\0'; strstr(missing, "it is not alive") == NULL;)
        (void)open_and_read(VIEW_LATEST, missing, NULL);
    /* Who has left owes nothing. */
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_DRAINED);
    inn.authors[0].active = false;
    inn_read(&inn);
    inn_read(&inn);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_string_equal(missing, "");
    peers_free(peers);
}

/* The first look at the registry found nobody, and the next one is to come. */
static void test_one_that_was_not_looked_for_yet_is_told(void **state)
{
    struct store *store = inn.house.store;
    struct guest_list *list = guest_list_ref(store->holdings[inn.house.tenant->ordinal]->guests);
    char missing[1000];

    (void)state;
    guest_list_unref(store->holdings[inn.house.tenant->ordinal]->guests);
    store->holdings[inn.house.tenant->ordinal]->guests = NULL;
    store->members = MEMBERS_NONE;
    peers_begin();
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_DRAINED);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_string_equal(missing, "");
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_string_equal(missing, "other members have not been looked for yet: rows that they have "
                                 "may be missing\n");
    assert_false(final);
    /* One that has left, and came back. */
    store->holdings[inn.house.tenant->ordinal]->guests = list;
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_non_null(strstr(missing, "it is not alive"));
    store->members = MEMBERS_SOME;
    peers_free(peers);
}

/* Of who pulls it; another one has nothing to say. */
static void test_a_source_is_told_of_by_who_pulls_it(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nConnection: close\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nConnection: close\r\n\r\n{\"a\":[]} ", NULL};
    struct script script;
    struct asking asking;
    struct arena arena;
    struct bytes told;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    await_alive(BYTES("1"));
    peers_begin();
    asking = (struct asking){.peers = peers};
    assert_false(peers_source(&asking, inn.house.tenant, BYTES("s"), 0, &arena, &told));
    assert_true(peers_source(&asking, inn.house.tenant, BYTES("s"), 5, &arena, &told));
    assert_true(bytes_equal(told, BYTES("{\"a\":[]} ")));
    assert_non_null(strstr(script.seen[0], "source=s&limit=0 "));
    assert_non_null(strstr(script.seen[1], "source=s&limit=5 "));
    asking_release(&asking);
    peers_free(peers);
    script_end(&script);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_member_has_is_in_the_view),
        cmocka_unit_test(test_a_source_is_told_of_by_who_pulls_it),
        cmocka_unit_test(test_who_does_not_say_all_is_named),
        cmocka_unit_test(test_who_cannot_be_asked_is_named),
        cmocka_unit_test(test_one_that_was_not_looked_for_yet_is_told),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
