#include "handlers/peers.h"

#include <time.h>

#include "base/metric.h"
#include "discovery/cluster_secret.h"
#include "discovery/member_document.h"
#include "discovery/registry_files.h"
#include "store/member.h"
#include "tests/unit/handlers/peer_pack.h"
#include "tests/unit/net/script.h"

/* Member 2 asks member 1, whose replies are a script. */
static struct inn inn;
static struct registry *registry;
static struct cluster_secret *secret;
static struct limits limits;
static struct metrics *metrics;
static struct peers *peers;
static char folder[] = "/tmp/weir-peers-XXXXXX";

static void put_member(unsigned number, const struct store *store, const char *address,
                       enum member_state state)
{
    char incarnation[HASH128_TEXT_SIZE], name[16];
    struct member_document document = {.state = state, .address = bytes_of(address)};
    struct buf text = BUF_INIT(1000);
    struct registry_snapshot *snapshot = registry_get(registry);
    const struct registry_record *record;
    uint64_t version;

    (void)snprintf(name, sizeof(name), "%u", number);
    record = registry_find(snapshot, REGISTRY_MEMBERS, bytes_of(name));
    version = record == NULL ? 0 : record->version;
    registry_snapshot_put(snapshot);
    hash128_print(&store->incarnation, incarnation);
    document.incarnation = bytes_of(incarnation);
    member_document_print(&document, &text);
    assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, bytes_of(name), version,
                                  buf_bytes(&text), &version, NULL),
                     OK);
    buf_release(&text);
}

static int open_all(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    char path[96];
    FILE *file;

    (void)state;
    inn_init(&inn);
    assert_int_equal(store_member_note(inn.house.store, 2, NULL), OK);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/registry", folder);
    assert_int_equal(registry_files_open(path, &rules, &registry, NULL), OK);
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{}"), NULL), OK);
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    file = fopen(path, "w");
    fputs("0123456789abcdef0123456789abcdef\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    {
        static char kept[96];

        memcpy(kept, path, sizeof(kept));
        assert_int_equal(cluster_secret_open(kept, &secret, NULL), OK);
    }
    limits_init(&limits);
    limits.peer_ms_max = 300;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    put_member(2, inn.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    return 0;
}

static int close_all(void **state)
{
    char command[128];

    (void)state;
    registry_close(registry);
    cluster_secret_close(secret);
    metrics_free(metrics);
    inn_release(&inn);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static void peers_begin(void)
{
    const struct peers_parts parts = {
        .store = inn.house.store,
        .registry = registry,
        .guests = inn.guests,
        .secret = secret,
        .clock = clock_system(),
        .metrics = metrics,
        .limits = &limits,
    };

    assert_int_equal(peers_new(&parts, &peers, NULL), OK);
}

static void await_alive(void)
{
    struct registry_snapshot *snapshot;
    bool alive = false;

    while (!alive) {
        snapshot = registry_get(registry);
        alive = registry_find(snapshot, REGISTRY_ALIVE, BYTES("1")) != NULL;
        registry_snapshot_put(snapshot);
        if (!alive)
            (void)registry_wait(registry, snapshot->sequence, 1000);
    }
}

/* The rows of series 1 in a view that is opened so, what it misses, and whether it is final. */
static size_t open_and_read(int64_t as_of, char missing[1000], int64_t *seen)
{
    static struct read_row rows[200];
    const struct query_range range = {
        .measurement = BYTES("cpu"), .start = INT64_MIN, .end = INT64_MAX};
    struct query_environment environment = {.memory = NULL};
    struct asking asking;
    struct error err = {0};
    struct view *view;
    const struct bytes *texts;
    size_t count, at = 0, read;

    asking_init(&asking, peers, &environment);
    if (environment.open_view(environment.opener, inn.house.tenant, as_of, &range, 1, &view,
                              &err) != OK)
        fail_msg("%s", err.text);
    texts = view_missing(view, &count);
    missing[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(missing + at, 1000 - at, "%.*s\n", BYTES_ARG(texts[i]));
    read = house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows));
    if (seen != NULL)
        *seen = view_as_of(view);
    view_free(view);
    asking_release(&asking);
    return read;
}

/* Rows that were acknowledged elsewhere and delivered nowhere are in the answer; S is above them.
 */
static void test_what_a_member_has_is_in_the_view(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\nConnection: "
        "close\r\n\r\n",
        "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n\r\n", NULL};
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
    await_alive();
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
    static const char *const garbage[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
        "Content-Length: 3\r\n\r\nabc",
        NULL};
    static const char *const listed[] = {
        "HTTP/1.1 204 No\r\nWeir-Member: 1\r\nWeir-Through: 9223372036854775807\r\n"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_member_has_is_in_the_view),
        cmocka_unit_test(test_who_does_not_say_all_is_named),
        cmocka_unit_test(test_who_cannot_be_asked_is_named),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
