/* What there is, is looked at anew each time: lists of packs are immutable, so a look takes a lock
 * for a moment a tenant. */
#include "store/delivery/away.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/thread.h"
#include "store/delivery/bring.h"
#include "store/delivery/chain.h"
#include "store/delivery/delivered.h"
#include "store/packs/manifest.h"
#include "store/packs/pack_parts.h"
#include "store/packs/pack_stub.h"
#include "store/packs/part_cache.h"
#include "store/state.h"

enum {
    CACHE_SHARE = 4, /* of the bytes, a part is for what was brought */
    MOVES_MAX = 16,  /* of one look */
    PART_BYTES_MAX = 1 << 30,
};

/* Where nothing is to go any more, what went before is read all the same. */
static const uint64_t cache_bytes_alone = UINT64_C(1) << 30;
static const int64_t look_ns = 1000000000, rest_ns = 30 * INT64_C(1000000000);
static const char back_path[] = "parts/back"; /* a pack on its way here */

/* A shard, as this thread knows it. */
struct home {
    struct home *next;
    char name[SHARD_NAME_SIZE];
    struct archive *archive; /* NULL: to be opened */
    int64_t rest_until_ns;
    bool told;
};

/* A pack that readers may still have, and that is not in the list any more. */
struct gone {
    struct gone *next;
    struct pack *pack; /* a reference */
};

struct away {
    struct store *store;
    const struct delivery_rules *rules;
    uint64_t bytes_max; /* 0 = all packs stay */
    struct part_cache *cache;
    struct bring *bring;
    struct thread *thread;
    _Atomic bool stop;
    pthread_mutex_t lock; /* for the wait alone */
    pthread_cond_t more;
    /* The thread's. */
    struct home *homes;
    struct gone *gone;
    /* As of the last look. */
    _Atomic uint64_t local_bytes, away_bytes, away_count;
    struct metric *local, *packs, *bytes, *cache_bytes, *cache_hits, *cache_misses,
        *cache_evictions, *went, *came;
};

struct candidate {
    const struct tenant *tenant;
    struct pack *pack; /* of a list of the survey */
    struct pack_about about;
    uint64_t used;
};

/* What there is. */
struct survey {
    struct pack_list **lists; /* a reference each */
    struct candidate *all;    /* files of compacted packs, and packs that are away */
    size_t list_count, count, capacity;
    uint64_t local_bytes, away_bytes, away_count;
};

/* --- what there is --- */

static void survey_release(struct survey *survey)
{
    for (size_t i = 0; i < survey->list_count; i++)
        pack_list_unref(survey->lists[i]);
    free(survey->lists);
    free(survey->all);
}

static struct pack_list *list_of(struct store *store, const struct tenant *tenant)
{
    struct pack_list *list = NULL;

    pthread_mutex_lock(&store->state_lock);
    if (tenant->ordinal < store->holding_capacity && store->holdings[tenant->ordinal] != NULL)
        list = pack_list_ref(store->holdings[tenant->ordinal]->packs);
    pthread_mutex_unlock(&store->state_lock);
    return list;
}

static bool survey_add(struct survey *survey, const struct tenant *tenant, struct pack *pack)
{
    struct pack_about about = pack_about(pack);
    bool away = pack_is_away(pack);

    if (!about.in_file)
        return true;
    *(away ? &survey->away_bytes : &survey->local_bytes) += about.bytes;
    survey->away_count += away;
    if (!away && about.kind == PACK_PLAIN)
        return true;
    if (survey->count == survey->capacity) {
        size_t capacity = survey->capacity * 2 + 64;
        struct candidate *grown = realloc(survey->all, capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        survey->all = grown;
        survey->capacity = capacity;
    }
    survey->all[survey->count++] = (struct candidate){tenant, pack, about, pack_used(pack)};
    return true;
}

/* False: memory. */
static bool survey_make(struct away *away, struct survey *survey)
{
    uint32_t end = store_tenants_end(away->store);

    *survey = (struct survey){.lists = calloc(end + (size_t)1, sizeof(struct pack_list *))};
    if (survey->lists == NULL)
        return false;
    for (uint32_t i = 0; i < end; i++) {
        const struct tenant *tenant = store_tenant_at(away->store, i);
        struct pack_list *list = tenant == NULL ? NULL : list_of(away->store, tenant);

        if (list == NULL)
            continue;
        survey->lists[survey->list_count++] = list;
        for (size_t p = 0; p < list->count; p++)
            if (!survey_add(survey, tenant, list->packs[p]))
                return false;
    }
    return true;
}

/* What was read longest ago first; of those that were not since the start, the oldest. */
static int by_use(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    if (left->used != right->used)
        return left->used < right->used ? -1 : 1;
    if (left->about.ingest_last != right->about.ingest_last)
        return left->about.ingest_last < right->about.ingest_last ? -1 : 1;
    return left->about.number < right->about.number ? -1 : left->about.number > right->about.number;
}

/* --- shards --- */

/* NULL: memory. */
static struct home *home_get(struct away *away, const char *name)
{
    struct home *home = away->homes;

    while (home != NULL && strcmp(home->name, name) != 0)
        home = home->next;
    if (home != NULL || (home = calloc(1, sizeof(*home))) == NULL)
        return home;
    (void)snprintf(home->name, sizeof(home->name), "%s", name);
    home->next = away->homes;
    away->homes = home;
    return home;
}

static void home_leave(struct home *home)
{
    if (home->archive != NULL)
        home->archive->operations->close(home->archive);
    home->archive = NULL;
}

static bool home_rests(const struct away *away, const struct home *home)
{
    return clock_monotonic_ns(away->store->options.clock) < home->rest_until_ns;
}

/* Told once until it comes off again. */
static void note(struct away *away, struct home *home, enum code code, const struct error *err,
                 const struct pack *pack)
{
    if (code == OK) {
        home->told = false;
        return;
    }
    if (code == E_DRAINING)
        return;
    home_leave(home);
    home->rest_until_ns = clock_monotonic_ns(away->store->options.clock) + rest_ns;
    if (!home->told)
        log_event(code == E_CORRUPT || code == E_SHARD ? LOG_ERROR : LOG_WARN,
                  "a pack stays where it is, on this machine or at its shard",
                  LOG_CSTR("pack", pack_name(pack)), LOG_CSTR("shard", home->name),
                  LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    home->told = true;
}

static enum code home_enter(struct away *away, struct home *home, struct error *err)
{
    return home->archive != NULL
               ? OK
               : away->rules->open(away->rules->context, home->name, &home->archive, err);
}

/* --- what the shard has --- */

static enum code go_on(const struct away *away, struct error *err)
{
    return away->stop ? error_set(err, E_DRAINING, "the server is shutting down") : OK;
}

/* Every document is there, and is what is here. */
static enum code compare_documents(struct away *away, struct home *home, const struct pack *pack,
                                   uint32_t documents, struct error *err)
{
    struct buf here = BUF_INIT(PART_BYTES_MAX), there = BUF_INIT(PART_BYTES_MAX);
    struct pack_parts *parts = NULL;
    enum code code = pack_parts_open(pack, &parts, err);

    if (code == OK && pack_parts_count(parts) != documents)
        code = error_set(err, E_CORRUPT, "it has %u parts, the index says %u",
                         pack_parts_count(parts), documents);
    for (uint32_t part = 0; code == OK && part < documents; part++) {
        struct hash128 hash;

        buf_clear(&here);
        buf_clear(&there);
        code = go_on(away, err);
        if (code == OK)
            code = pack_parts_read(parts, part, &here, &hash, err);
        if (code == OK)
            code = bring_part(home->archive, pack, parts, part, &there, err);
        if (code == OK && !bytes_equal(buf_bytes(&here), buf_bytes(&there)))
            code = error_set(err, E_CORRUPT, "document %u there is not what is here", part);
    }
    pack_parts_close(parts);
    buf_release(&here);
    buf_release(&there);
    return code;
}

/* A database that was emptied, or is another one, has no chain. */
static enum code chain_is_there(struct away *away, struct home *home, const struct tenant *tenant,
                                uint64_t next, struct error *err)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    enum code code;

    if (next == 0)
        return error_set(err, E_SHARD, "it has no chain of the tenant");
    chain_database(tenant->name, database);
    chain_entry_id(&away->store->incarnation, next - 1, id);
    code = home->archive->operations->get(home->archive, bytes_of(database), ARCHIVE_MANIFESTS,
                                          bytes_of(id), &body, err);
    buf_release(&body);
    return code == E_NOT_FOUND ? error_set(err, E_SHARD, "it has lost chain entry %s", id) : code;
}

/* What the shard is known to have of the pack; E_NOT_FOUND: it is not listed there. */
static enum code listed(struct away *away, const struct home *home,
                        const struct candidate *candidate, struct chain_pack *pack, uint64_t *next,
                        struct error *err)
{
    const struct diff_pack *found;
    struct diff diff;
    enum code code = delivered_compare(away->store->options.index, candidate->tenant->name,
                                       bytes_of(home->name), &diff, err);

    if (code)
        return code;
    found = diff_find(&diff, candidate->about.number);
    if (found == NULL || found->kind != DIFF_KEEP || diff.returns ||
        memcmp(&found->pack.entry.incarnation, pack_incarnation(candidate->pack),
               sizeof(struct hash128)) != 0)
        code = E_NOT_FOUND;
    else
        *pack = found->pack;
    *next = diff.next;
    diff_release(&diff);
    return code;
}

/* --- files --- */

static enum code sync_names(const struct away *away, const struct tenant *tenant, struct error *err)
{
    char directory[PACK_PATH_SIZE];

    (void)snprintf(directory, sizeof(directory), "packs/%.*s", BYTES_ARG(tenant->name));
    return fs_sync_dir(away->store->options.fs, directory, err);
}

/* Removes files of packs that nobody but this list has. */
static void gone_remove(struct away *away)
{
    for (struct gone **at = &away->gone; *at != NULL;) {
        struct gone *gone = *at;
        struct error err = {0};
        char path[PACK_PATH_SIZE];

        if (!pack_is_last(gone->pack)) {
            at = &gone->next;
            continue;
        }
        (void)snprintf(path, sizeof(path), "packs/%s.%s", pack_name(gone->pack),
                       pack_is_away(gone->pack) ? "stub" : "pack");
        if (fs_unlink(away->store->options.fs, path, &err) != OK)
            log_error(LOG_WARN, "a pack's file stays until the next start", &err);
        *at = gone->next;
        pack_unref(gone->pack);
        free(gone);
    }
}

/* A file of the same name still has to go. */
static bool goes(const struct away *away, const struct pack *pack)
{
    for (const struct gone *gone = away->gone; gone != NULL; gone = gone->next)
        if (strcmp(pack_name(gone->pack), pack_name(pack)) == 0)
            return true;
    return false;
}

/* Readers get `fresh`, which is taken over, in place of `old`, whose file goes then.  False: it is
 * merged or gone by now, or memory is short; then nothing was changed but that `fresh` is gone. */
static bool exchange(struct away *away, const struct tenant *tenant, struct pack *old,
                     struct pack *fresh)
{
    struct store *store = away->store;
    struct holding *holding;
    struct gone *gone = malloc(sizeof(*gone));
    struct pack_list *list = NULL, *now;
    bool found = false;

    pthread_mutex_lock(&store->state_lock);
    holding = store->holdings[tenant->ordinal];
    now = holding->packs;
    if (gone != NULL && now != NULL && !holding->compacting)
        list = pack_list_new(now->count);
    for (size_t i = 0; list != NULL && i < now->count; i++) {
        bool here = now->packs[i] == old;

        found |= here;
        list->packs[list->count++] = here ? fresh : pack_ref(now->packs[i]);
    }
    if (found) {
        holding->packs = list;
        list = now;
    }
    pthread_mutex_unlock(&store->state_lock);
    if (found) {
        *gone = (struct gone){away->gone, pack_ref(old)};
        away->gone = gone;
    } else {
        pack_unref(fresh);
        free(gone);
    }
    pack_list_unref(list);
    return found;
}

/* --- away --- */

static enum code stub_make(struct away *away, const struct home *home,
                           const struct candidate *candidate, const struct chain_pack *pack,
                           bool *did, struct error *err)
{
    struct store *store = away->store;
    const struct tenant *tenant = candidate->tenant;
    struct pack *stub = NULL;
    struct error ignored;
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_stub_path(tenant->name, candidate->about.number, path);
    code = pack_stub_write(store->options.fs, path, candidate->pack, bytes_of(home->name), err);
    if (code)
        return code;
    code = sync_names(away, tenant, err);
    if (code == OK)
        code = store_open_stub(store, tenant->name, &pack->entry, &stub, err);
    *did = code == OK && exchange(away, tenant, candidate->pack, stub);
    if (!*did)
        (void)!fs_unlink(store->options.fs, path, &ignored);
    return code;
}

/* E_NOT_FOUND: no shard has it.  *tried: the shard was asked. */
static enum code send_away(struct away *away, struct home *home, const struct candidate *candidate,
                           bool *tried, bool *did, struct error *err)
{
    struct chain_pack pack;
    uint64_t next;
    enum code code = listed(away, home, candidate, &pack, &next, err);

    *tried = *did = false;
    if (code)
        return code;
    *tried = true;
    code = home_enter(away, home, err);
    if (code == OK)
        code = chain_is_there(away, home, candidate->tenant, next, err);
    if (code == OK)
        code = compare_documents(away, home, candidate->pack, pack.parts, err);
    if (code == OK)
        code = stub_make(away, home, candidate, &pack, did, err);
    return code;
}

/* The shard that the tenant has now, when something may be asked of it; else NULL. */
static struct home *home_of(struct away *away, const struct tenant *tenant)
{
    char name[SHARD_NAME_SIZE];
    struct home *home;

    if (!away->rules->shard_of(away->rules->context, tenant, name))
        return NULL;
    home = home_get(away, name);
    return home == NULL || home_rests(away, home) ? NULL : home;
}

static bool send_some_away(struct away *away, struct survey *survey)
{
    uint64_t kept = part_cache_counts(away->cache).bytes;
    uint64_t bytes_max = away->bytes_max > kept ? away->bytes_max - kept : 0;
    unsigned tries = 0;
    bool any = false;

    if (survey->local_bytes <= bytes_max)
        return false;
    qsort(survey->all, survey->count, sizeof(*survey->all), by_use);
    for (size_t i = 0; i < survey->count && tries < MOVES_MAX && !away->stop; i++) {
        const struct candidate *candidate = &survey->all[i];
        struct error err = {0};
        struct home *home;
        bool tried, did;
        enum code code;

        if (survey->local_bytes <= bytes_max)
            break;
        if (pack_is_away(candidate->pack) || goes(away, candidate->pack) ||
            (home = home_of(away, candidate->tenant)) == NULL)
            continue;
        code = send_away(away, home, candidate, &tried, &did, &err);
        tries += tried;
        if (tried)
            note(away, home, code, &err, candidate->pack);
        if (!did)
            continue;
        any = true;
        metric_add(away->went, 1);
        survey->local_bytes -= candidate->about.bytes;
        log_event(LOG_DEBUG, "a pack is at its shard alone now",
                  LOG_CSTR("pack", pack_name(candidate->pack)), LOG_CSTR("shard", home->name),
                  LOG_UINT("bytes", candidate->about.bytes));
    }
    return any;
}

/* --- and back --- */

/* All documents one behind another, synced, as the file `back_path`. */
static enum code fetch_file(struct away *away, struct home *home, const struct pack *pack,
                            const struct manifest_entry *entry, struct error *err)
{
    struct fs *fs = away->store->options.fs;
    const struct pack_parts *parts = pack_stub_parts(pack);
    struct buf part = BUF_INIT(PART_BYTES_MAX);
    struct hash128_state state;
    struct hash128 hash;
    struct file *file = NULL;
    struct error ignored;
    uint64_t at = 0;
    enum code code;

    (void)!fs_unlink(fs, back_path, &ignored);
    hash128_begin(&state);
    code = fs_open(fs, back_path, FS_CREATE, &file, err);
    for (uint32_t i = 0; code == OK && i < pack_parts_count(parts); i++) {
        struct bytes bytes;

        buf_clear(&part);
        code = go_on(away, err);
        if (code == OK)
            code = bring_part(home->archive, pack, parts, i, &part, err);
        bytes = buf_bytes(&part);
        if (code == OK)
            code = fs_write(file, at, &bytes, 1, err);
        hash128_add(&state, bytes);
        at += bytes.size;
    }
    hash = hash128_end(&state);
    if (code == OK && memcmp(&hash, &entry->hash, sizeof(hash)) != 0)
        code = error_set(err, E_CORRUPT, "what is there is not the pack of the manifest");
    if (code == OK)
        code = fs_sync(file, err);
    fs_close(file);
    buf_release(&part);
    return code;
}

static enum code take_back(struct away *away, struct home *home, const struct candidate *candidate,
                           bool *did, struct error *err)
{
    struct store *store = away->store;
    const struct tenant *tenant = candidate->tenant;
    struct pack *whole = NULL;
    struct chain_pack pack;
    struct error ignored;
    uint64_t next;
    char path[PACK_PATH_SIZE];
    enum code code = listed(away, home, candidate, &pack, &next, err);

    *did = false;
    if (code)
        return code == E_NOT_FOUND ? error_set(err, E_SHARD, "it does not list the pack") : code;
    pack_path(tenant->name, candidate->about.number, path);
    code = home_enter(away, home, err);
    if (code == OK)
        code = fetch_file(away, home, candidate->pack, &pack.entry, err);
    if (code == OK)
        code = fs_rename(store->options.fs, back_path, path, err);
    if (code == OK)
        code = sync_names(away, tenant, err);
    if (code == OK)
        code = store_open_pack(store, tenant->name, &pack.entry, (struct bytes){0}, &whole, err);
    if (code == OK) {
        *did = exchange(away, tenant, candidate->pack, whole);
        if (!*did)
            (void)!fs_unlink(store->options.fs, path, &ignored);
    }
    return code;
}

static bool take_some_back(struct away *away, const struct survey *survey)
{
    unsigned tries = 0;
    bool any = false;

    for (size_t i = 0; i < survey->count && tries < MOVES_MAX && !away->stop; i++) {
        const struct candidate *candidate = &survey->all[i];
        char name[SHARD_NAME_SIZE];
        struct error err = {0};
        struct home *home;
        bool did;

        if (!pack_is_away(candidate->pack) || !pack_is_wanted(candidate->pack) ||
            goes(away, candidate->pack))
            continue;
        if (delivered_where(away->store->options.index, candidate->tenant->name,
                            candidate->about.number, name, &err) != OK)
            (void)snprintf(name, sizeof(name), "%s", pack_shard(candidate->pack));
        home = home_get(away, name);
        if (home == NULL || home_rests(away, home))
            continue;
        tries++;
        note(away, home, take_back(away, home, candidate, &did, &err), &err, candidate->pack);
        metric_add(away->came, did);
        any |= did;
    }
    return any;
}

/* --- all of it --- */

bool away_step(struct away *away)
{
    struct survey survey;
    bool did = false;

    gone_remove(away);
    if (survey_make(away, &survey)) {
        away->local_bytes = survey.local_bytes;
        away->away_bytes = survey.away_bytes;
        away->away_count = survey.away_count;
        did = take_some_back(away, &survey);
        if (away->bytes_max > 0 && !did)
            did = send_some_away(away, &survey);
    }
    survey_release(&survey);
    gone_remove(away);
    return did;
}

/* False: to stop. */
static bool wait_ns(struct away *away, int64_t ns)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + ns) / 1000000000;
    until.tv_nsec = (until.tv_nsec + ns) % 1000000000;
    pthread_mutex_lock(&away->lock);
    while (!away->stop && pthread_cond_timedwait(&away->more, &away->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&away->lock);
    return !away->stop;
}

static void away_run(void *context)
{
    struct away *away = context;
    int64_t pause_ns = 0;

    while (wait_ns(away, pause_ns) && !away->store->failed)
        pause_ns = away_step(away) ? 0 : look_ns;
}

static void metrics_init(struct away *away)
{
    static const struct {
        size_t offset;
        const char *name, *help;
        enum metric_kind kind;
    } rows[] = {
#define AWAY_METRIC(member) offsetof(struct away, member)
        {AWAY_METRIC(local),           "weir_packs_local_bytes",          "Files of packs that are on this machine.",
                                                                 METRIC_GAUGE                                                                                                                   },
        {AWAY_METRIC(packs),           "weir_packs_away",                 "Packs whose blocks are at a shard alone.",
                                                                 METRIC_GAUGE                                                                                                                   },
        {AWAY_METRIC(bytes),           "weir_packs_away_bytes",           "Their bytes.",                                 METRIC_GAUGE  },
        {AWAY_METRIC(went),            "weir_packs_went_total",
                                                                 "Packs whose files went since a shard has them.",                                                                METRIC_COUNTER},
        {AWAY_METRIC(came),            "weir_packs_came_total",           "Packs whose files came back to be rewritten.",
                                                                 METRIC_COUNTER                                                                                                                 },
        {AWAY_METRIC(cache_bytes),     "weir_part_cache_bytes",
                                                                 "Files of parts that were brought from shards.",                                                                 METRIC_GAUGE  },
        {AWAY_METRIC(cache_hits),      "weir_part_cache_hits_total",
                                                                 "Reads that found their part on this machine.",                                                                  METRIC_COUNTER},
        {AWAY_METRIC(cache_misses),    "weir_part_cache_misses_total",
                                                                 "Reads whose part had to be brought.",                                                                           METRIC_COUNTER},
        {AWAY_METRIC(cache_evictions), "weir_part_cache_evictions_total",
                                                                 "Parts that gave way to others.",                                                                                METRIC_COUNTER},
#undef AWAY_METRIC
    };
    struct metrics *metrics = away->store->options.metrics;

    for (size_t i = 0; metrics != NULL && i < COUNT_OF(rows); i++)
        *(struct metric **)((char *)away + rows[i].offset) =
            metrics_get(metrics, rows[i].name, rows[i].help, rows[i].kind, "");
}

void away_measure(struct away *away)
{
    struct part_cache_counts counts;

    if (away == NULL || away->store->options.metrics == NULL)
        return;
    counts = part_cache_counts(away->cache);
    metric_set(away->local, (int64_t)away->local_bytes);
    metric_set(away->packs, (int64_t)away->away_count);
    metric_set(away->bytes, (int64_t)away->away_bytes);
    metric_set(away->cache_bytes, (int64_t)counts.bytes);
    metric_follow(away->cache_hits, counts.hits);
    metric_follow(away->cache_misses, counts.misses);
    metric_follow(away->cache_evictions, counts.evictions);
}

enum code away_new(struct store *store, const struct delivery_rules *rules, struct away **away,
                   struct error *err)
{
    struct away *made = calloc(1, sizeof(*made));
    uint64_t bytes_max = store->limits.local_packs_bytes_max;
    pthread_condattr_t monotonic;
    enum code code;

    *away = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory to read packs that are at shards");
    made->store = store;
    made->rules = rules;
    made->bytes_max = bytes_max;
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    metrics_init(made);
    code = part_cache_new(store->options.fs,
                          bytes_max == 0 ? cache_bytes_alone : bytes_max / CACHE_SHARE,
                          &made->cache, err);
    if (code == OK)
        code = bring_new(store, rules, made->cache, &made->bring, err);
    if (code)
        away_free(made);
    else
        *away = made;
    return code;
}

enum code away_start(struct away *away, struct error *err)
{
    bring_start(away->bring);
    return thread_start("away", away_run, away, &away->thread, err);
}

void away_free(struct away *away)
{
    if (away == NULL)
        return;
    pthread_mutex_lock(&away->lock);
    away->stop = true;
    pthread_cond_broadcast(&away->more);
    pthread_mutex_unlock(&away->lock);
    thread_join(away->thread);
    while (away->homes != NULL) {
        struct home *home = away->homes;

        away->homes = home->next;
        home_leave(home);
        free(home);
    }
    while (away->gone != NULL) { /* their files go at the next start */
        struct gone *gone = away->gone;

        away->gone = gone->next;
        pack_unref(gone->pack);
        free(gone);
    }
    bring_free(away->bring);
    part_cache_free(away->cache);
    pthread_cond_destroy(&away->more);
    pthread_mutex_destroy(&away->lock);
    free(away);
}
