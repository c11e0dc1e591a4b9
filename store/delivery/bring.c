/* A part that somebody wants is a struct wanted, in the order in which they came; its bytes stay in
 * memory until the last who waits has copied them, so that a full disk or a small cache keeps
 * nobody from reading. */
#include "store/delivery/bring.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/time_text.h"
#include "store/delivery/chain.h"
#include "store/delivery/delivered.h"
#include "store/packs/pack_parts.h"
#include "store/packs/part_cache.h"
#include "store/state.h"

enum {
    THREADS = 2,     /* a shard: one may be slow */
    WANTED_MAX = 64, /* of a shard, 1 MiB each */
    LOOK_MS = 20,    /* how often patience is asked */
    PART_BYTES_MAX = 1 << 30,
};

static const int64_t patience_ns = 5 * INT64_C(1000000000), rest_first_ns = 500000000,
                     rest_most_ns = 10 * INT64_C(1000000000);

_Static_assert((int)DELIVERED_SHARD_SIZE == (int)SHARD_NAME_SIZE, "names of shards");

struct wanted {
    struct wanted *next;
    struct pack *pack; /* a reference */
    uint32_t part;
    unsigned waiters;
    bool taken; /* by a thread */
    bool done;
    enum code code;
    struct error err;
    struct buf body;
};

struct source;

struct asker {
    struct source *source;
    struct thread *thread; /* NULL without bring_start() */
    struct archive *archive;
    int64_t busy_since_ns; /* of our clock, under the lock; 0 = idle */
};

/* A shard. */
struct source {
    struct source *next;
    struct bring *bring;
    char name[SHARD_NAME_SIZE];
    struct asker askers[THREADS];
    struct metric *parts, *bytes, *failures;
    /* Under the lock. */
    struct wanted *first;
    size_t count;
    unsigned failed; /* how often in a row */
    int64_t rest_ns, rest_until_ns;
    struct random random;
};

struct bring {
    struct pack_bringer bringer; /* first */
    struct store *store;
    const struct delivery_rules *rules;
    struct part_cache *cache;
    _Atomic bool threaded;
    pthread_mutex_t lock; /* guards what it is told to, and: */
    pthread_cond_t more;  /* something is wanted, or has come, or it is time to stop */
    struct source *sources;
    bool stop;
};

static int64_t now_of(const struct bring *bring)
{
    return clock_monotonic_ns(bring->store->options.clock);
}

static struct bytes tenant_of(const struct pack *pack)
{
    const char *name = pack_name(pack);

    return (struct bytes){name, (size_t)(strrchr(name, '/') - name)};
}

/* --- one document --- */

enum code bring_part(struct archive *archive, const struct pack *pack,
                     const struct pack_parts *parts, uint32_t part, struct buf *body,
                     struct error *err)
{
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    size_t before = body->size;
    struct hash128 hash, want;
    struct bytes bytes;
    enum code code;

    chain_database(tenant_of(pack), database);
    chain_part_id(pack_incarnation(pack), pack_about(pack).number, part, id);
    code = archive->operations->get(archive, bytes_of(database), ARCHIVE_PACKS, bytes_of(id), body,
                                    err);
    if (code == E_NOT_FOUND)
        return error_set(err, E_SHARD, "document %s of %s is there no more", id, database);
    if (code)
        return code;
    bytes = bytes_slice(buf_bytes(body), before, body->size);
    hash = hash128(bytes);
    if (part + 1 == pack_parts_count(parts))
        return OK; /* the table itself; who has one compares */
    want = pack_parts_hash(parts, part);
    if (bytes.size != pack_parts_size(parts, part) || memcmp(&hash, &want, sizeof(hash)) != 0)
        return error_set(err, E_CORRUPT, "document %s of %s is not the part of the pack", id,
                         database);
    return OK;
}

static void archive_leave(struct asker *asker)
{
    if (asker->archive != NULL)
        asker->archive->operations->close(asker->archive);
    asker->archive = NULL;
}

/* Whether it is the pack that is wrong and not the shard. */
static bool is_of_pack(enum code code)
{
    return code == OK || code == E_CORRUPT || code == E_MEMORY || code == E_SHARD;
}

static enum code ask_once(struct asker *asker, const struct pack *pack, uint32_t part,
                          struct buf *body, struct error *err)
{
    const struct delivery_rules *rules = asker->source->bring->rules;
    enum code code = OK;

    if (asker->archive == NULL)
        code = rules->open(rules->context, asker->source->name, &asker->archive, err);
    if (code == OK)
        code = bring_part(asker->archive, pack, pack_stub_parts(pack), part, body, err);
    if (!is_of_pack(code))
        archive_leave(asker);
    return code;
}

/* A connection that was idle may have been closed by the other side: that is no failure yet. */
static enum code ask(struct asker *asker, const struct pack *pack, uint32_t part, struct buf *body,
                     struct error *err)
{
    bool used = asker->archive != NULL;
    enum code code = ask_once(asker, pack, part, body, err);

    if (code == E_NOT_READY && used) {
        buf_clear(body);
        code = ask_once(asker, pack, part, body, err);
    }
    return code;
}

/* --- shards --- */

static void source_metrics(struct source *source)
{
    struct metrics *metrics = source->bring->store->options.metrics;
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "shard", bytes_of(source->name));
    buf_put_char(&labels, 0);
    if (metrics != NULL && !labels.failed) {
        source->parts = metrics_get(metrics, "weir_parts_brought_total",
                                    "Parts of packs that were read at a shard, for answers.",
                                    METRIC_COUNTER, labels.data);
        source->bytes = metrics_get(metrics, "weir_parts_brought_bytes_total", "Their bytes.",
                                    METRIC_COUNTER, labels.data);
        source->failures =
            metrics_get(metrics, "weir_parts_failures_total",
                        "Times that a shard did not give a part.", METRIC_COUNTER, labels.data);
    }
    buf_release(&labels);
}

/* NULL: nobody has asked it yet.  Under the lock. */
static struct source *source_find(const struct bring *bring, const char *name)
{
    struct source *source = bring->sources;

    while (source != NULL && strcmp(source->name, name) != 0)
        source = source->next;
    return source;
}

/* Finds or makes; NULL: memory.  Under the lock. */
static struct source *source_get(struct bring *bring, const char *name)
{
    struct source *source = source_find(bring, name);

    if (source != NULL || (source = calloc(1, sizeof(*source))) == NULL)
        return source;
    source->bring = bring;
    (void)snprintf(source->name, sizeof(source->name), "%s", name);
    random_seed(&source->random, (uint64_t)clock_wall_ns(bring->store->options.clock));
    for (size_t i = 0; i < THREADS; i++)
        source->askers[i].source = source;
    source_metrics(source);
    source->next = bring->sources;
    bring->sources = source;
    return source;
}

/* Under the lock, all down to the threads. */
static bool in_trouble(const struct source *source, int64_t now_ns)
{
    if (source->failed > 0)
        return true;
    for (size_t i = 0; i < THREADS; i++)
        if (source->askers[i].busy_since_ns != 0 &&
            now_ns - source->askers[i].busy_since_ns > patience_ns)
            return true;
    return false;
}

static enum code refuse(const struct source *source, const struct pack *pack, int64_t now_ns,
                        struct error *err)
{
    struct pack_about about = pack_about(pack);
    char first[TIMESTAMP_TEXT_SIZE], last[TIMESTAMP_TEXT_SIZE];
    int first_size = (int)timestamp_print(about.time_first, first);
    int last_size = (int)timestamp_print(about.time_last, last);
    int64_t rest_ns = source->rest_until_ns - now_ns;

    error_set(err, E_SHARD,
              "rows of %.*s to %.*s are at shard %s alone, which does not answer at present",
              first_size, first, last_size, last, source->name);
    error_retry(err, rest_ns > 0 ? (unsigned)(rest_ns / 1000000000) + 1 : 1);
    return E_SHARD;
}

static void note_failure(struct source *source, enum code code, const struct error *err)
{
    metric_add(source->failures, 1);
    if (source->failed++ == 0)
        log_event(LOG_WARN, "a shard does not give parts of packs that are there alone",
                  LOG_CSTR("shard", source->name), LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    source->rest_ns = source->rest_ns == 0 ? rest_first_ns : 2 * source->rest_ns;
    if (source->rest_ns > rest_most_ns)
        source->rest_ns = rest_most_ns;
    source->rest_until_ns =
        now_of(source->bring) + source->rest_ns / 2 +
        (int64_t)random_below(&source->random, (uint64_t)source->rest_ns / 2 + 1);
}

static void note_success(struct source *source, uint64_t bytes)
{
    metric_add(source->parts, bytes > 0);
    metric_add(source->bytes, bytes);
    source->rest_ns = source->rest_until_ns = 0;
    if (source->failed > 0)
        log_event(LOG_INFO, "a shard gives parts of packs again", LOG_CSTR("shard", source->name));
    source->failed = 0;
}

/* --- what is wanted --- */

static struct wanted *wanted_find(const struct source *source, const struct pack *pack,
                                  uint32_t part)
{
    for (struct wanted *wanted = source->first; wanted != NULL; wanted = wanted->next)
        if (!wanted->done && wanted->part == part && pack_serial(wanted->pack) == pack_serial(pack))
            return wanted;
    return NULL;
}

/* At the end; NULL: memory. */
static struct wanted *wanted_add(struct source *source, struct pack *pack, uint32_t part)
{
    struct wanted *made = calloc(1, sizeof(*made)), **at = &source->first;

    if (made == NULL)
        return NULL;
    made->pack = pack_ref(pack);
    made->part = part;
    made->body = BUF_INIT(PART_BYTES_MAX);
    while (*at != NULL)
        at = &(*at)->next;
    *at = made;
    source->count++;
    return made;
}

static void wanted_remove(struct source *source, struct wanted *wanted)
{
    struct wanted **at = &source->first;

    while (*at != wanted)
        at = &(*at)->next;
    *at = wanted->next;
    source->count--;
    pack_unref(wanted->pack);
    buf_release(&wanted->body);
    free(wanted);
}

/* Nobody waits for it, and nobody works at it: it goes, unless it is the last one that tells when a
 * shard in trouble is well again. */
static void wanted_leave(struct source *source, struct wanted *wanted)
{
    if (wanted->waiters == 0 && !wanted->taken &&
        (wanted->done || source->failed == 0 || source->count > 1))
        wanted_remove(source, wanted);
}

static void wait_ms(struct bring *bring, int64_t ms)
{
    struct timespec until = condition_until(ms * 1000000);

    (void)pthread_cond_timedwait(&bring->more, &bring->lock, &until);
}

/* --- threads --- */

/* The first that nobody works at, once the shard has rested. */
static struct wanted *take(struct source *source, int64_t now_ns)
{
    if (now_ns < source->rest_until_ns)
        return NULL;
    for (struct wanted *wanted = source->first; wanted != NULL; wanted = wanted->next)
        if (!wanted->taken && !wanted->done) {
            wanted->taken = true;
            return wanted;
        }
    return NULL;
}

/* Outside the lock but for its end. */
static void work(struct asker *asker, struct wanted *wanted)
{
    struct source *source = asker->source;
    struct bring *bring = source->bring;
    struct error err = {0};
    struct part_key key = {pack_serial(wanted->pack), wanted->part};
    enum code code = ask(asker, wanted->pack, wanted->part, &wanted->body, &err);

    if (code == OK)
        part_cache_put(bring->cache, &key, buf_bytes(&wanted->body));
    pthread_mutex_lock(&bring->lock);
    asker->busy_since_ns = 0;
    wanted->taken = false;
    if (is_of_pack(code)) {
        note_success(source, code == OK ? wanted->body.size : 0);
        wanted->done = true;
        wanted->code = code;
        wanted->err = err;
    } else {
        note_failure(source, code, &err);
        buf_clear(&wanted->body);
    }
    wanted_leave(source, wanted);
    pthread_cond_broadcast(&bring->more);
}

static void ask_run(void *context)
{
    struct asker *asker = context;
    struct source *source = asker->source;
    struct bring *bring = source->bring;

    pthread_mutex_lock(&bring->lock);
    while (!bring->stop) {
        struct wanted *wanted = take(source, now_of(bring));

        if (wanted == NULL) {
            wait_ms(bring, source->failed > 0 ? 100 : 1000);
            continue;
        }
        asker->busy_since_ns = now_of(bring);
        pthread_mutex_unlock(&bring->lock);
        work(asker, wanted); /* comes back with the lock */
    }
    pthread_mutex_unlock(&bring->lock);
    archive_leave(asker);
}

/* False: not even one. */
static bool threads_start(struct source *source)
{
    for (size_t i = 0; i < THREADS; i++) {
        struct asker *asker = &source->askers[i];
        struct error err = {0};
        char name[16];

        (void)snprintf(name, sizeof(name), "of-%.12s", source->name);
        if (asker->thread == NULL && thread_start(name, ask_run, asker, &asker->thread, &err) != OK)
            log_error(LOG_ERROR, "a thread that reads at a shard is missing", &err);
    }
    return source->askers[0].thread != NULL || source->askers[1].thread != NULL;
}

/* --- readers --- */

struct piece {
    const struct pack *pack;
    uint32_t part;
    uint64_t offset; /* in the part */
    char *data;
    size_t size;
    const struct patience *patience;
};

static void piece_copy(const struct piece *piece, const struct buf *body)
{
    memcpy(piece->data, body->data + piece->offset, piece->size);
}

/* Until it has come.  Under the lock, which is let go of. */
static enum code wait_for(struct source *source, struct wanted *wanted, const struct piece *piece,
                          struct error *err)
{
    struct bring *bring = source->bring;
    int64_t until_ns = clock_monotonic_ns(clock_system()) + patience_ns;
    enum code code = OK;

    wanted->waiters++;
    pthread_cond_broadcast(&bring->more);
    patience_wait(piece->patience, true);
    while (code == OK && !wanted->done) {
        if (in_trouble(source, now_of(bring)) || clock_monotonic_ns(clock_system()) > until_ns)
            code = refuse(source, piece->pack, now_of(bring), err);
        if (code)
            break;
        wait_ms(bring, LOOK_MS);
        if (!wanted->done && piece->patience->ask != NULL) {
            pthread_mutex_unlock(&bring->lock);
            code = piece->patience->ask(piece->patience->context, err);
            pthread_mutex_lock(&bring->lock);
        }
    }
    patience_wait(piece->patience, false);
    if (code == OK) {
        code = wanted->code;
        if (code && err != NULL)
            *err = wanted->err;
        else if (code == OK)
            piece_copy(piece, &wanted->body);
    }
    wanted->waiters--;
    wanted_leave(source, wanted);
    return code;
}

/* By a thread of the shard's. */
static enum code await(struct source *source, const struct piece *piece, struct error *err)
{
    struct bring *bring = source->bring;
    struct wanted *wanted;
    bool trouble;
    enum code code;

    pthread_mutex_lock(&bring->lock);
    trouble = in_trouble(source, now_of(bring));
    wanted = wanted_find(source, piece->pack, piece->part);
    if (trouble && source->first != NULL)
        code = refuse(source, piece->pack, now_of(bring), err);
    else if (!threads_start(source))
        code = error_set(err, E_MEMORY, "no thread that reads at a shard");
    else if (wanted == NULL && source->count >= WANTED_MAX)
        code =
            error_set(err, E_BUSY, "%d parts are awaited from shard %s", WANTED_MAX, source->name);
    else if (wanted == NULL &&
             (wanted = wanted_add(source, (struct pack *)piece->pack, piece->part)) == NULL)
        code = error_set(err, E_MEMORY, "no memory for a part of a pack");
    else
        code = wait_for(source, wanted, piece, err);
    pthread_mutex_unlock(&bring->lock);
    return code;
}

/* By the reader itself. */
static enum code ask_here(struct source *source, const struct piece *piece, struct error *err)
{
    struct bring *bring = source->bring;
    struct part_key key = {pack_serial(piece->pack), piece->part};
    struct buf body = BUF_INIT(PART_BYTES_MAX);
    struct error found = {0};
    enum code code;

    if (now_of(bring) < source->rest_until_ns)
        return refuse(source, piece->pack, now_of(bring), err);
    code = ask(&source->askers[0], piece->pack, piece->part, &body, &found);
    if (code == OK) {
        part_cache_put(bring->cache, &key, buf_bytes(&body));
        piece_copy(piece, &body);
    }
    if (is_of_pack(code)) {
        note_success(source, body.size);
        if (code && err != NULL)
            *err = found;
    } else {
        note_failure(source, code, &found);
        code = refuse(source, piece->pack, now_of(bring), err);
    }
    buf_release(&body);
    return code;
}

/* The shard whose chain lists the pack now; where none's does, the one it was at when its file
 * went. */
static void shard_of(const struct bring *bring, const struct pack *pack, char name[SHARD_NAME_SIZE])
{
    struct error ignored;

    if (pack_is_guest(pack) || /* the index knows our own alone */
        delivered_where(bring->store->options.index, tenant_of(pack), pack_about(pack).number, name,
                        &ignored) != OK)
        (void)snprintf(name, SHARD_NAME_SIZE, "%s", pack_shard(pack));
}

static enum code piece_bring(struct bring *bring, const struct piece *piece, struct error *err)
{
    struct part_key key = {pack_serial(piece->pack), piece->part};
    char name[SHARD_NAME_SIZE];
    struct source *source;
    enum code code;

    if (part_cache_read(bring->cache, &key, piece->offset, piece->data, piece->size))
        return OK;
    shard_of(bring, piece->pack, name);
    pthread_mutex_lock(&bring->lock);
    source = source_get(bring, name);
    pthread_mutex_unlock(&bring->lock);
    if (source == NULL)
        return error_set(err, E_MEMORY, "no memory for a shard");
    code = bring->threaded ? await(source, piece, err) : ask_here(source, piece, err);
    if (code == E_SHARD || code == E_CORRUPT)
        error_context(err, "shard %s", name);
    return code;
}

static enum code bring_bytes(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset,
                             void *data, size_t size, const struct patience *patience,
                             struct error *err)
{
    const struct pack_parts *parts = pack_stub_parts(pack);
    enum code code = OK;

    for (size_t done = 0; code == OK && done < size;) {
        uint32_t part = pack_parts_at(parts, offset + done);
        uint64_t within = offset + done - pack_parts_offset(parts, part);
        uint64_t left = pack_parts_size(parts, part) - within;
        struct piece piece = {
            .pack = pack,
            .part = part,
            .offset = within,
            .data = (char *)data + done,
            .size = left < size - done ? (size_t)left : size - done,
            .patience = patience,
        };

        if (part + 1 == pack_parts_count(parts)) /* behind the blocks: the stub has it */
            return error_set(err, E_CORRUPT, "a block ends behind the parts");
        code = piece_bring((struct bring *)bringer, &piece, err);
        done += piece.size;
    }
    return code;
}

static void bring_doubt(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset)
{
    struct bring *bring = (struct bring *)bringer;

    part_cache_forget(bring->cache, pack_serial(pack),
                      pack_parts_at(pack_stub_parts(pack), offset));
}

static void bring_forget(struct pack_bringer *bringer, uint64_t serial)
{
    part_cache_forget(((struct bring *)bringer)->cache, serial, UINT64_MAX);
}

/* Of a shard in trouble that nobody asks, nobody would learn when it is well. */
static bool bring_answers(struct pack_bringer *bringer, const struct pack *pack)
{
    struct bring *bring = (struct bring *)bringer;
    int64_t now_ns = now_of(bring);
    char name[SHARD_NAME_SIZE];
    const struct source *source;
    bool answers = true;

    shard_of(bring, pack, name);
    pthread_mutex_lock(&bring->lock);
    source = source_find(bring, name);
    if (source != NULL)
        answers = bring->threaded ? source->first == NULL || !in_trouble(source, now_ns)
                                  : now_ns >= source->rest_until_ns;
    pthread_mutex_unlock(&bring->lock);
    return answers;
}

/* --- all of it --- */

enum code bring_new(struct store *store, const struct delivery_rules *rules,
                    struct part_cache *cache, struct bring **bring, struct error *err)
{
    struct bring *made = calloc(1, sizeof(*made));

    *bring = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory to read packs that are at shards");
    made->bringer = (struct pack_bringer){bring_bytes, bring_doubt, bring_forget, bring_answers};
    made->store = store;
    made->rules = rules;
    made->cache = cache;
    pthread_mutex_init(&made->lock, NULL);
    condition_init(&made->more);
    atomic_store(&store->bringer, &made->bringer);
    *bring = made;
    return OK;
}

void bring_start(struct bring *bring)
{
    bring->threaded = true;
}

static void source_free(struct source *source)
{
    for (size_t i = 0; i < THREADS; i++) {
        thread_join(source->askers[i].thread);
        archive_leave(&source->askers[i]);
    }
    while (source->first != NULL)
        wanted_remove(source, source->first);
    free(source);
}

void bring_free(struct bring *bring)
{
    if (bring == NULL)
        return;
    atomic_store(&bring->store->bringer, NULL);
    pthread_mutex_lock(&bring->lock);
    bring->stop = true;
    pthread_cond_broadcast(&bring->more);
    pthread_mutex_unlock(&bring->lock);
    while (bring->sources != NULL) {
        struct source *source = bring->sources;

        bring->sources = source->next;
        source_free(source);
    }
    pthread_cond_destroy(&bring->more);
    pthread_mutex_destroy(&bring->lock);
    free(bring);
}
