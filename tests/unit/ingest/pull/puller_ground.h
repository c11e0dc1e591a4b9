/* A puller on a real store, with a remote API beside it; each test has its own. */
#ifndef WEIR_TESTS_UNIT_INGEST_PULL_PULLER_GROUND_H
#define WEIR_TESTS_UNIT_INGEST_PULL_PULLER_GROUND_H

#include "tests/unit/ingest/ground.h"

#include <signal.h>

#include "discovery/source_record.h"
#include "handlers/app.h"
#include "handlers/recall.h"
#include "ingest/pull/puller.h"
#include "tests/unit/base/turned_clock.h"
#include "tests/unit/ingest/pull/pull_site.h"
#include "tests/unit/ingest/source/source_fixture.h"

enum { PATIENCE_MS = 20000 };

#define TENANT BYTES("default")

struct puller_ground {
    struct ground ground;
    struct app app;
    struct recall recall;
    struct address_rules allowed;
    struct turned_clock clock;
    const struct tenant *other;  /* "other", without limits; NULL: there is none */
    _Atomic bool partial;        /* what it_recall_nothing() says */
    _Atomic bool leases, leased; /* whether there are leases, and this node has them */
    struct puller *puller;
    struct pull_wishes wishes; /* of "s" */
    struct site site;
    uint64_t version;        /* of the last declaration */
    struct fs *fs;           /* of what was asked, from the next start on; NULL: the ground's */
    uint64_t body_bytes_max; /* of the node, from the next start on; 0 = a MiB */
};

static struct puller_ground it;

static inline bool it_tenant(void *context, struct bytes name, const struct tenant **tenant,
                             struct limits *limits, int64_t *retention_ns)
{
    (void)context;
    *tenant = it.ground.tenant;
    *limits = it.ground.limits;
    *retention_ns = INT64_MAX;
    if (it.other == NULL || !bytes_equal(name, BYTES("other")))
        return bytes_equal(name, TENANT);
    *tenant = it.other;
    limits->points_per_second_max = 0;
    return true;
}

static inline enum code it_secret(void *context, struct bytes tenant, struct bytes name,
                                  struct bytes host, struct arena *arena, struct bytes *value,
                                  struct error *err)
{
    (void)context;
    (void)tenant;
    if (host.size >= 9 && memcmp(host.data, "localhost", 9) == 0)
        return error_set(err, E_FORBIDDEN, "the secret may not go to %.*s", BYTES_ARG(host));
    *value = arena_copy(arena, BYTES("canary"));
    return bytes_equal(name, BYTES("key")) ? OK : error_set(err, E_NOT_FOUND, "no such secret");
}

static inline bool it_leased(void *context, struct bytes key)
{
    (void)context;
    assert_true(key.size > 0);
    return it.leased;
}

static inline void it_start(void)
{
    struct puller_parts parts = {
        .intake = &it.ground.environment,
        .recall = &it.recall,
        .fs = it.fs == NULL ? it.ground.fs : it.fs,
        .fetcher = {.allowed = &it.allowed,
                    .directory = it.ground.directory,
                    .memory_bytes_max = 64 << 10,
                    .connections_max = 64},
        .clock = &it.clock.clock,
        .user_agent = "weir/test",
        .readers = 2,
        .plain_bytes_max = 1 << 24,
        .body_bytes_max = it.body_bytes_max == 0 ? 1 << 20 : it.body_bytes_max,
        .tenant = it_tenant,
        .secret = it_secret,
        .leased = it.leases ? it_leased : NULL,
    };
    struct error err = {0};

    if (puller_open(&parts, &it.puller, &err) != OK)
        fail_msg("%s", err.text);
}

static inline int it_open(void **state)
{
    struct error err = {0};

    (void)state;
    memset(&it, 0, sizeof(it));
    signal(SIGPIPE, SIG_IGN);
    ground_init(&it.ground);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    ground_open(&it.ground);
    turned_clock_init(&it.clock);
    assert_int_equal(directory_open(NULL, &it.ground.limits, &it.app.directory, &err), OK);
    it.app.store = it.ground.store;
    it.app.catalog = it.ground.catalog;
    it.app.query_memory.bytes_max = it.ground.limits.queries_bytes_max;
    it.recall = recall_of(&it.app);
    assert_int_equal(address_rules_add(&it.allowed, BYTES("127.0.0.1"), NULL), OK);
    site_open(&it.site);
    it_start();
    return 0;
}

static inline int it_close(void **state)
{
    (void)state;
    puller_close(it.puller);
    site_close(&it.site);
    directory_close(it.app.directory);
    ground_close(&it.ground);
    ground_remove(&it.ground);
    return 0;
}

/* Nothing was written before, or nobody knows of all. */
static inline enum code
it_recall_nothing(void *context, struct bytes tenant, struct bytes measurement,
                  const struct series_tag *matched, uint32_t matched_count, int64_t start,
                  int64_t end,
                  enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
                  void *taker, bool *partial, struct error *err)
{
    (void)context, (void)tenant, (void)measurement, (void)matched, (void)matched_count;
    (void)start, (void)end, (void)take, (void)taker, (void)err;
    *partial = it.partial;
    return OK;
}

/* Another process on the same store. */
static inline void it_restarts(void)
{
    puller_close(it.puller);
    it_start();
}

/* --- what is declared --- */

/* The good document with other blocks; in them @ is the site's address. */
static inline void it_declares_for(struct bytes tenant, const char *name, bool paused,
                                   const char *blocks)
{
    struct buf own = BUF_INIT(1 << 16), document = BUF_INIT(1 << 16);

    if (strstr(blocks, "'schedule'") == NULL)
        buf_put_text(&own, "'schedule': {'every': '1h', 'jitter': '0s'}, ");
    for (const char *at = blocks; *at != '\0'; at++)
        if (*at == '@')
            buf_put_text(&own, it.site.url);
        else
            buf_put_char(&own, *at);
    buf_put_char(&own, '\0');
    fixture_document(own.data, "name", &document);
    assert_int_equal(puller_declare(it.puller, tenant, bytes_of(name), ++it.version, paused,
                                    buf_bytes(&document), NULL),
                     OK);
    buf_release(&own);
    buf_release(&document);
}

static inline void it_declares_so(const char *name, bool paused, const char *blocks)
{
    it_declares_for(TENANT, name, paused, blocks);
}

static inline void it_declares(const char *blocks)
{
    it_declares_so("s", false, blocks);
}

/* As who follows its record would tell it; `it.wishes` is what was asked so far. */
static inline void it_tells_wishes(void)
{
    assert_int_equal(puller_wish(it.puller, TENANT, BYTES("s"), &it.wishes, NULL), OK);
}

static inline void it_asks_for_a_pull(void)
{
    source_wish_pull(&it.wishes, clock_wall_ns(&it.clock.clock));
    it_tells_wishes();
}

/* The schedule has a pull due then: one that is asked for could be a second one. */
static inline void it_lets_a_day_pass(void)
{
    it.clock.wall_more += INT64_C(86400000000000);
    it_tells_wishes(); /* nothing new: so that somebody looks */
}

static inline void it_asks_for(int64_t start_ns, int64_t end_ns)
{
    source_wish_backfill(&it.wishes, start_ns, end_ns, clock_wall_ns(&it.clock.clock));
    it_tells_wishes();
}

static inline void it_takes_away(const char *name)
{
    assert_int_equal(puller_declare(it.puller, TENANT, bytes_of(name), ++it.version, false,
                                    (struct bytes){0}, NULL),
                     OK);
}

/* Of that many days, to midnight of today's day; `days` below 0: before. */
static inline int64_t it_day_ns(int days)
{
    const int64_t day = INT64_C(86400000000000);

    return (clock_wall_ns(&it.clock.clock) / day + days) * day;
}

static inline const char *it_day(int days, char text[TIMESTAMP_TEXT_SIZE])
{
    text[timestamp_print(it_day_ns(days), text)] = '\0';
    return text;
}

/* --- what is told --- */

static inline void it_parse(struct buf *text, struct json **root)
{
    struct error err = {0};

    if (json_doc_parse(buf_bytes(text), 8, root, &err) != OK)
        fail_msg("no JSON: %s: %.*s", err.text, BYTES_ARG(buf_bytes(text)));
}

static inline struct json *it_status(const char *name)
{
    struct buf text = BUF_INIT(1 << 16);
    struct json *root = NULL;

    if (puller_status(it.puller, TENANT, bytes_of(name), &text))
        it_parse(&text, &root);
    buf_release(&text);
    return root;
}

static inline struct json *it_fetches(const char *name, size_t limit)
{
    struct buf text = BUF_INIT(1 << 16);
    struct json *root = NULL;

    if (puller_fetches(it.puller, TENANT, bytes_of(name), limit, &text))
        it_parse(&text, &root);
    buf_release(&text);
    return root;
}

/* A number of the status (-1: the source is not known yet), or of a fetch. */
static inline int64_t it_number(const struct json *object, const char *key)
{
    const struct json *value = json_member(object, key);

    if (value == NULL || json_kind(value) != JSON_KIND_INTEGER)
        fail_msg("%s is no number", key);
    return json_integer_of(value);
}

static inline int64_t it_count(const char *key)
{
    struct json *status = it_status("s");
    int64_t count = status == NULL ? -1 : it_number(status, key);

    json_doc_free(status);
    return count;
}

static inline bool it_is_text(const struct json *object, const char *key, const char *text)
{
    const struct json *value = json_member(object, key);

    return value != NULL && json_kind(value) == JSON_KIND_TEXT &&
           memmem(json_text_of(value).data, json_text_of(value).size, text, strlen(text)) != NULL;
}

static inline bool it_says(const char *name, const char *key, const char *text)
{
    struct json *status = it_status(name);
    bool is = status != NULL && it_is_text(status, key, text);

    json_doc_free(status);
    return is;
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int waited_ = 0;                                                                           \
        while (!(condition)) {                                                                     \
            if (++waited_ > PATIENCE_MS)                                                           \
                it_fails(#condition);                                                              \
            peer_wait(1);                                                                          \
        }                                                                                          \
    } while (0)

static inline void it_fails(const char *what)
{
    struct buf text = BUF_INIT(1 << 16);

    (void)puller_status(it.puller, TENANT, BYTES("s"), &text);
    (void)puller_fetches(it.puller, TENANT, BYTES("s"), 8, &text);
    fail_msg("it never came: %s\n%.*s", what, BYTES_ARG(buf_bytes(&text)));
}

static inline bool it_is_resting(void)
{
    return it_says("s", "state", "resting");
}

/* The site has been asked so often. */
#define UNTIL_ASKED(count) UNTIL(site_asked(&it.site, "HTTP/1.1") >= (count))

/* A pull from its beginning to its end, and what goes on behind it. */
static inline void it_pulls_by(void (*cause)(void), size_t windows)
{
    int64_t before;

    UNTIL(it_is_resting());
    before = it_count("windows");
    cause();
    UNTIL(it_count("windows") >= before + (int64_t)windows && it_is_resting());
}

static inline void it_pulls(size_t windows)
{
    it_pulls_by(it_asks_for_a_pull, windows);
}

/* --- what is written --- */

struct it_found {
    size_t count;
    double sum;
};

static inline enum code it_take(void *taker, const struct recalled_row *row, struct error *err)
{
    struct it_found *found = taker;

    (void)err;
    found->count++;
    for (uint32_t i = 0; i < row->count; i++)
        if (row->types[i] == TYPE_F64)
            found->sum += row->cells[i].f64;
    return OK;
}

static inline struct it_found it_rows(const char *measurement)
{
    struct it_found found = {0};
    bool partial = false;
    struct error err = {0};

    if (it.recall.rows(it.recall.context, TENANT, bytes_of(measurement), NULL, 0, INT64_MIN,
                       INT64_MAX, it_take, &found, &partial, &err) != OK)
        fail_msg("%s", err.text);
    return found;
}

#define IT_TEST(test) cmocka_unit_test_setup_teardown(test, it_open, it_close)

#endif
