/* Member 2 asks member 1, whose replies are a script. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_PEERS_GROUND_H
#define WEIR_TESTS_UNIT_HANDLERS_PEERS_GROUND_H

#include "handlers/peers.h"

#include <time.h>

#include "base/metric.h"
#include "discovery/cluster_secret.h"
#include "discovery/member_document.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "store/member.h"
#include "store/view_inside.h"
#include "tests/unit/handlers/peer_pack.h"
#include "tests/unit/net/script.h"

static struct inn inn;
static struct registry *registry;
static struct roll *roll;
static struct cluster_secret *secret;
static struct limits limits;
static struct metrics *metrics;
static struct peers *peers;
static bool final; /* of the view that was read last */
static char folder[] = "/tmp/weir-peers-XXXXXX";

static inline void put_member(unsigned number, const struct store *store, const char *address,
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

static inline int open_all(void **state)
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
    assert_int_equal(roll_new(&roll, NULL), OK);
    put_member(2, inn.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    return 0;
}

static inline int close_all(void **state)
{
    char command[128];

    (void)state;
    registry_close(registry);
    roll_free(roll);
    cluster_secret_close(secret);
    metrics_free(metrics);
    inn_release(&inn);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static inline void peers_begin(void)
{
    const struct peers_parts parts = {
        .store = inn.house.store,
        .registry = registry,
        .roll = roll,
        .guests = inn.guests,
        .secret = secret,
        .clock = clock_system(),
        .metrics = metrics,
        .limits = &limits,
    };

    assert_int_equal(peers_new(&parts, &peers, NULL), OK);
}

static inline void await_alive(struct bytes number)
{
    struct registry_snapshot *snapshot;
    bool alive = false;

    while (!alive) {
        snapshot = registry_get(registry);
        alive = registry_find(snapshot, REGISTRY_ALIVE, number) != NULL;
        registry_snapshot_put(snapshot);
        if (!alive)
            (void)registry_wait(registry, snapshot->sequence, 1000);
    }
}

/* The rows of series 1 in a view that is opened so, of one range or of two, what it misses, and
 * whether it is final. */
static inline size_t open_and_read_of(size_t range_count, int64_t as_of, char missing[1000],
                                      int64_t *seen)
{
    static struct read_row rows[200];
    static const struct query_range ranges[] = {
        {.measurement = BYTES("cpu"), .start = INT64_MIN, .end = INT64_MAX},
        {.measurement = BYTES("cpu"), .start = 0,         .end = INT64_MAX},
    };
    struct query_environment environment = {.memory = NULL};
    struct asking asking;
    struct error err = {0};
    struct view *view;
    const struct bytes *texts;
    size_t count, at = 0, read;

    asking_init(&asking, peers, &environment);
    if (environment.open_view(environment.opener, inn.house.tenant, as_of, ranges, range_count,
                              &view, &err) != OK)
        fail_msg("%s", err.text);
    texts = view_missing(view, &count);
    missing[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(missing + at, 1000 - at, "%.*s\n", BYTES_ARG(texts[i]));
    read = house_read_view(&inn.house, view, 1, rows, COUNT_OF(rows));
    final = view_final(view);
    if (seen != NULL)
        *seen = view_as_of(view);
    view_free(view);
    asking_release(&asking);
    return read;
}

static inline size_t open_and_read(int64_t as_of, char missing[1000], int64_t *seen)
{
    return open_and_read_of(1, as_of, missing, seen);
}

#endif
