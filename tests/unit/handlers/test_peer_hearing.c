#include "tests/unit/handlers/peers_ground.h"

#include "base/log.h"

/* Member 1 is alive, and its chain is read. */
static int open_heard(void **state)
{
    int code = open_all(state);

    limits.peer_ms_max = 1500; /* that a busy machine has time to ask twice */
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    await_alive(BYTES("1"));
    return code;
}

/* Nothing that was acknowledged before the question is left out for being stamped above the S that
 * was chosen first: S goes there, and who acknowledged it is asked again. */
static void test_s_follows_what_a_member_acknowledged(void **state)
{
    char first[200], missing[1000], want[64];
    const char *answers[] = {
        first,
        "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
        "Weir-Newest: 0\r\n\r\n",
        NULL};
    static const char head[] = "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                               "9223372036854775807\r\nWeir-Newest: %lld\r\n\r\n";
    int64_t newest = clock_wall_ns(clock_system()) + 2 * INT64_C(1000000000), as_of;
    struct script script;

    (void)state;
    (void)snprintf(first, sizeof(first), head, (long long)newest);
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    peers_begin();
    (void)open_and_read(VIEW_LATEST, missing, &as_of);
    assert_string_equal(missing, "");
    assert_int_equal(as_of, newest);
    assert_int_equal(script.connections, 2);
    (void)snprintf(want, sizeof(want), "\"as_of\":%lld}", (long long)newest);
    assert_null(strstr(script.seen[0], want));
    assert_non_null(strstr(script.seen[1], want));
    peers_free(peers);
    script_end(&script);
    /* Not where it would take all ingest times along, and never without a word. */
    answers[1] = NULL;
    (void)snprintf(first, sizeof(first), head, (long long)newest + 3600 * INT64_C(1000000000));
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    peers_begin();
    (void)open_and_read(VIEW_LATEST, missing, &as_of);
    assert_non_null(strstr(missing, "far ahead of this node's clock"));
    assert_true(as_of < newest + INT64_C(1000000000));
    assert_int_equal(script.connections, 1);
    peers_free(peers);
    script_end(&script);
}

/* Of a moment that was asked for S is that moment, whatever came since. */
static void test_a_moment_that_is_asked_for_stays(void **state)
{
    char answer[200], missing[1000];
    const char *answers[] = {answer, NULL};
    int64_t asked = clock_wall_ns(clock_system()), as_of;
    struct script script;

    (void)state;
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
                   "Weir-Newest: %lld\r\n\r\n",
                   (long long)asked + 1000000000);
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    peers_begin();
    (void)open_and_read(asked, missing, &as_of);
    assert_string_equal(missing, "");
    assert_int_equal(as_of, asked);
    assert_int_equal(script.connections, 1);
    peers_free(peers);
    script_end(&script);
}

/* What a member promises in memory is gone when it is restarted: final is what has something stored
 * above it there, too. */
static void test_final_is_what_a_restart_of_the_asked_one_leaves(void **state)
{
    int64_t asked;
    char missing[1000];

    (void)state;
    assert_int_equal(house_put(&inn.house, 2, 1000, 1, &asked), OK);
    for (int more = -1; more <= 1; more++) {
        char answer[200];
        const char *answers[] = {answer, NULL};
        struct script script;

        (void)snprintf(answer, sizeof(answer),
                       "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                       "9223372036854775807\r\nWeir-Newest: 0\r\nWeir-Settled: %lld\r\n\r\n",
                       (long long)asked + more);
        script_begin(&script, answers);
        put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
        peers_begin();
        (void)open_and_read(asked, missing, NULL);
        assert_string_equal(missing, "");
        assert_int_equal(final, more >= 0);
        peers_free(peers);
        script_end(&script);
    }
}

/* One that stands still leaves no time to ask twice: what the other one told is kept, and the
 * answer says that it is not all. */
static void test_what_was_told_stays_where_no_time_is_left(void **state)
{
    char first[200], missing[1000];
    const char *answers[] = {first,
                             "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                             "9223372036854775807\r\nWeir-Newest: 0\r\n\r\n",
                             NULL};
    static const char *const silent[] = {"", NULL};
    static const struct store paused = {.incarnation = {.bytes = {3}}};
    struct bytes tails[2] = {
        {NULL, 0},
        {NULL, 0}
    };
    int64_t newest = clock_wall_ns(clock_system()) + 4 * INT64_C(1000000000), as_of;
    struct script script, still;
    struct buf body;

    (void)state;
    depot_add_pack(&inn.author, 1, 50); /* that it does not deliver */
    peer_pack(&inn.author.house, &body);
    tails[0] = buf_bytes(&body);
    (void)snprintf(first, sizeof(first),
                   "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
                   "Weir-Newest: %lld\r\nConnection: close\r\n\r\n",
                   (long long)newest);
    script_begin_with(&script, answers, tails);
    script_begin(&still, silent);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    put_member(3, &paused, still.url + strlen("http://"), MEMBER_ACTIVE);
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("3"), BYTES("{}"), NULL), OK);
    await_alive(BYTES("3"));
    peers_begin();
    assert_int_equal(open_and_read(VIEW_LATEST, missing, &as_of), 20);
    assert_true(as_of < newest);
    if (strstr(missing, "it acknowledged newer rows, and no time was left") == NULL ||
        strstr(missing, "it did not answer within 1500 ms") == NULL)
        fail_msg("%s", missing);
    assert_int_equal(script.connections, 1);
    assert_false(final);
    /* Nobody waits for it again, so there is time. */
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    assert_null(strstr(missing, "no time was left"));
    assert_non_null(strstr(missing, "it did not answer a moment ago"));
    peers_free(peers);
    script_end(&script);
    script_end(&still);
    put_member(3, &paused, "", MEMBER_DRAINED);
    buf_release(&body);
}

/* How often the text stands in what was written. */
static unsigned count_in(FILE *file, const char *text)
{
    char line[2000];
    unsigned count = 0;

    rewind(file);
    while (fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, text) != NULL;
    return count;
}

/* What goes to the log meanwhile. */
struct noted {
    FILE *file;
    int kept;
};

static void note_begin(struct noted *noted)
{
    noted->file = tmpfile();
    noted->kept = dup(STDERR_FILENO);
    assert_true(noted->file != NULL && noted->kept >= 0);
    assert_true(dup2(fileno(noted->file), STDERR_FILENO) >= 0);
    log_setup(LOG_INFO, LOG_LOGFMT);
}

static void note_end(struct noted *noted)
{
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    assert_true(dup2(noted->kept, STDERR_FILENO) >= 0);
    (void)close(noted->kept);
}

static const char garbage[] = "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\n\r\nabc";

/* Of a question with several ranges one thing is noted of each member, and that is its trouble. */
static void test_one_outcome_is_noted_of_a_member(void **state)
{
    static const char *const answers[] = {garbage,
                                          "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "9223372036854775807\r\nWeir-Newest: 0\r\n\r\n",
                                          garbage,
                                          "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "9223372036854775807\r\nWeir-Newest: 0\r\n\r\n",
                                          NULL};
    struct noted noted;
    struct script script;
    char missing[1000];

    (void)state;
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    peers_begin();
    note_begin(&noted);
    for (int i = 0; i < 2; i++)
        (void)open_and_read_of(2, VIEW_LATEST, missing, NULL);
    note_end(&noted);
    assert_int_equal(script.connections, 4);
    assert_int_equal(count_in(noted.file, "a member does not tell its rows"), 1);
    assert_int_equal(count_in(noted.file, "a member tells its rows again"), 0);
    (void)fclose(noted.file);
    peers_free(peers);
    script_end(&script);
}

/* Who answers at first, and when it is asked again does not: one thing, too, and not both. */
static void test_one_outcome_is_noted_of_both_times(void **state)
{
    char first[200], missing[1000];
    const char *answers[] = {first, garbage, first, garbage, NULL};
    int64_t newest = clock_wall_ns(clock_system()) + INT64_C(2500000000);
    struct noted noted;
    struct script script;

    (void)state;
    (void)snprintf(first, sizeof(first),
                   "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
                   "Weir-Newest: %lld\r\n\r\n",
                   (long long)newest);
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    peers_begin();
    note_begin(&noted);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    /* That one moved our own ingest times on: what is told next is above them again. */
    (void)snprintf(first, sizeof(first),
                   "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
                   "Weir-Newest: %lld\r\n\r\n",
                   (long long)newest + 500000000);
    (void)open_and_read(VIEW_LATEST, missing, NULL);
    note_end(&noted);
    assert_int_equal(script.connections, 4);
    assert_int_equal(count_in(noted.file, "a member does not tell its rows"), 1);
    assert_int_equal(count_in(noted.file, "a member tells its rows again"), 0);
    (void)fclose(noted.file);
    peers_free(peers);
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s_follows_what_a_member_acknowledged),
        cmocka_unit_test(test_a_moment_that_is_asked_for_stays),
        cmocka_unit_test(test_final_is_what_a_restart_of_the_asked_one_leaves),
        cmocka_unit_test(test_one_outcome_is_noted_of_a_member),
        cmocka_unit_test(test_one_outcome_is_noted_of_both_times),
        cmocka_unit_test(test_what_was_told_stays_where_no_time_is_left),
    };

    return cmocka_run_group_tests(tests, open_heard, close_all);
}
