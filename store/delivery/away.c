/* What there is, is looked at anew each time: lists of packs are immutable, so a look takes a lock
 * for a moment a tenant. */
#include "store/delivery/away.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/thread.h"
#include "store/delivery/bring.h"
#include "store/delivery/move.h"
#include "store/packs/pack.h"
#include "store/packs/part_cache.h"
#include "store/state.h"

enum {
    CACHE_SHARE = 4, /* of the bytes, a part is for what was brought */
    MOVES_MAX = 16,  /* of one look */
};

/* Where nothing is to go any more, what went before is read all the same. */
static const uint64_t cache_bytes_alone = UINT64_C(1) << 30;
static const int64_t look_ns = 1000000000;

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
    struct mover *mover; /* the thread's */
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
        struct pack_list *list = tenant == NULL ? NULL : store_packs(away->store, tenant);

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

/* --- what moves --- */

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
        enum moved moved;

        if (survey->local_bytes <= bytes_max)
            break;
        if (pack_is_away(candidate->pack) || pack_is_wanted(candidate->pack))
            continue;
        moved = move_away(away->mover, candidate->tenant, candidate->pack);
        tries += moved != MOVE_NONE;
        if (moved != MOVE_DONE)
            continue;
        any = true;
        metric_add(away->went, 1);
        survey->local_bytes -= candidate->about.bytes;
    }
    return any;
}

static bool take_some_back(struct away *away, const struct survey *survey)
{
    unsigned tries = 0;
    bool any = false;

    for (size_t i = 0; i < survey->count && tries < MOVES_MAX && !away->stop; i++) {
        const struct candidate *candidate = &survey->all[i];
        enum moved moved;

        if (!pack_is_away(candidate->pack) || !pack_is_wanted(candidate->pack))
            continue;
        moved = move_back(away->mover, candidate->tenant, candidate->pack);
        tries += moved != MOVE_NONE;
        metric_add(away->came, moved == MOVE_DONE);
        any |= moved == MOVE_DONE;
    }
    return any;
}

/* --- all of it --- */

bool away_step(struct away *away)
{
    struct survey survey;
    bool did = false;

    mover_clear(away->mover);
    if (survey_make(away, &survey)) {
        away->local_bytes = survey.local_bytes;
        away->away_bytes = survey.away_bytes;
        away->away_count = survey.away_count;
        did = take_some_back(away, &survey);
        if (away->bytes_max > 0 && !did)
            did = send_some_away(away, &survey);
    }
    survey_release(&survey);
    mover_clear(away->mover);
    return did;
}

/* False: to stop. */
static bool wait_ns(struct away *away, int64_t ns)
{
    struct timespec until = condition_until(ns);

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
    enum code code;

    *away = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory to read packs that are at shards");
    made->store = store;
    made->rules = rules;
    made->bytes_max = bytes_max;
    pthread_mutex_init(&made->lock, NULL);
    condition_init(&made->more);
    metrics_init(made);
    code = part_cache_new(store->options.fs,
                          bytes_max == 0 ? cache_bytes_alone : bytes_max / CACHE_SHARE,
                          &made->cache, err);
    if (code == OK)
        code = mover_new(store, rules, &made->stop, &made->mover, err);
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
    mover_free(away->mover);
    bring_free(away->bring);
    part_cache_free(away->cache);
    pthread_cond_destroy(&away->more);
    pthread_mutex_destroy(&away->lock);
    free(away);
}
