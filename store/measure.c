/* The store's metrics: their names, and the gauges that are read off when somebody looks. */
#include <stddef.h>
#include <stdlib.h>

#include "store/holding.h"
#include "store/state.h"

static const struct {
    size_t offset;
    const char *name, *help;
    enum metric_kind kind;
    const char *labels;
} rows[] = {
#define STORE_METRIC(member) offsetof(struct store_metrics, member)
    {STORE_METRIC(commits),                "weir_wal_commits_total",              "Group commits written to the wal.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(commit_seconds),         "weir_wal_commit_seconds",             "Time to write and sync one group.",
                                                                       METRIC_HISTOGRAM,                                                                                                                               ""                     },
    {STORE_METRIC(wal_written),            "weir_wal_written_bytes_total",        "Record bytes made durable.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(records),                "weir_head_records_total",             "Records applied to the head.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(rows),                   "weir_head_applied_rows_total",        "Rows applied to the head.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(values),                 "weir_head_applied_values_total",      "Field values applied to the head.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(apply_seconds),          "weir_head_apply_seconds",             "Time to apply one group.",
                                                                       METRIC_HISTOGRAM,                                                                                                                               ""                     },
    {STORE_METRIC(seals),                  "weir_seals_total",                    "Head generations turned into packs.",             METRIC_COUNTER,
                                                                       ""                                                                                                                                                                     },
    {STORE_METRIC(seal_seconds),           "weir_seal_seconds",                   "Time to seal one generation.",
                                                                       METRIC_HISTOGRAM,                                                                                                                               ""                     },
    {STORE_METRIC(pack_bytes),             "weir_packs_written_bytes_total",      "Bytes of packs written.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(pack_rows),              "weir_packs_written_rows_total",       "Rows sealed into packs.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(refused_busy),           "weir_store_refused_total",            "Requests the store refused.",
                                                                       METRIC_COUNTER,                                                                                                                                 "reason=\"overloaded\""},
    {STORE_METRIC(refused_disk),           "weir_store_refused_total",            "Requests the store refused.",
                                                                       METRIC_COUNTER,                                                                                                                                 "reason=\"disk_full\"" },
    {STORE_METRIC(refused_clock),          "weir_store_refused_total",            "Requests the store refused.",
                                                                       METRIC_COUNTER,                                                                                                                                 "reason=\"clock_skew\""},
    {STORE_METRIC(compactions),            "weir_compactions_total",              "Times that packs were merged.",
                                                                       METRIC_COUNTER,                                                                                                                                 ""                     },
    {STORE_METRIC(compacted_bytes),        "weir_compaction_read_bytes_total",
                                                                       "Bytes of packs that were merged.",                                                                                             METRIC_COUNTER, ""                     },
    {STORE_METRIC(compaction_bytes),       "weir_compaction_written_bytes_total",
                                                                       "Bytes of packs that came out of merging.",                                                                                     METRIC_COUNTER, ""                     },
    {STORE_METRIC(compaction_seconds),     "weir_compaction_seconds",             "Time to merge some packs.",
                                                                       METRIC_HISTOGRAM,                                                                                                                               ""                     },
    {STORE_METRIC(head_bytes),             "weir_head_bytes",                     "Memory of rows that are not in packs yet.",
                                                                       METRIC_GAUGE,                                                                                                                                   ""                     },
    {STORE_METRIC(head_rows),              "weir_head_rows",                      "Rows that are not in packs yet.",                 METRIC_GAUGE,
                                                                       ""                                                                                                                                                                     },
    {STORE_METRIC(generations),            "weir_head_generations",
                                                                       "Head generations, the active one included.",                                                                                   METRIC_GAUGE,   ""                     },
    {STORE_METRIC(wal_bytes),              "weir_wal_bytes",                      "Disk space of the wal, spare segments included.",
                                                                       METRIC_GAUGE,                                                                                                                                   ""                     },
    {STORE_METRIC(wal_segments),           "weir_wal_segments",                   "Files of the wal.",                               METRIC_GAUGE,   ""                     },
    {STORE_METRIC(packs),                  "weir_packs",                          "Packs that the manifest names.",                  METRIC_GAUGE,   ""                     },
    {STORE_METRIC(pinned_bytes),           "weir_head_pinned_bytes",
                                                                       "Memory of rows that are in packs, but that answers still read.",                                                               METRIC_GAUGE,   ""                     },
    {STORE_METRIC(given_up),               "weir_answers_given_up_total",
                                                                       "Answers cut because they held sealed rows in memory for too long.",                                                            METRIC_COUNTER, ""                     },
    {STORE_METRIC(waiting),                "weir_wal_waiting",                    "Requests that wait for the wal.",                 METRIC_GAUGE,
                                                                       ""                                                                                                                                                                     },
    {STORE_METRIC(watermark_lag),          "weir_watermark_lag_ns",
                                                                       "How far the watermark is behind the newest ingest time given out.",                                                            METRIC_GAUGE,   ""                     },
    {STORE_METRIC(ingest_ahead),           "weir_ingest_ahead_seconds",
                                                                       "By how much ingest times are ahead of the wall clock.",                                                                        METRIC_GAUGE,   ""                     },
    {STORE_METRIC(disk_free),              "weir_disk_free_bytes",                "Free space below the data directory.",
                                                                       METRIC_GAUGE,                                                                                                                                   ""                     },
    {STORE_METRIC(gaps),                   "weir_missing_parts",                  "Damaged parts that answers may miss.",            METRIC_GAUGE,
                                                                       ""                                                                                                                                                                     },
    {STORE_METRIC(tombstones),             "weir_tombstones",                     "Deletions in force.",                             METRIC_GAUGE,   ""                     },
    {STORE_METRIC(column_cache_bytes),     "weir_column_cache_bytes",
                                                                       "Memory of decoded columns that are kept.",                                                                                     METRIC_GAUGE,   ""                     },
    {STORE_METRIC(column_cache_hits),      "weir_column_cache_hits_total",
                                                                       "Parts of blocks that did not have to be decoded.",                                                                             METRIC_COUNTER, ""                     },
    {STORE_METRIC(column_cache_misses),    "weir_column_cache_misses_total",
                                                                       "Parts of blocks that were not kept.",                                                                                          METRIC_COUNTER, ""                     },
    {STORE_METRIC(column_cache_evictions), "weir_column_cache_evictions_total",
                                                                       "Parts of blocks that gave way to others.",                                                                                     METRIC_COUNTER, ""                     },
#undef STORE_METRIC
};

void store_metrics_init(struct store *store)
{
    if (store->options.metrics == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        *(struct metric **)((char *)&store->metrics + rows[i].offset) = metrics_get(
            store->options.metrics, rows[i].name, rows[i].help, rows[i].kind, rows[i].labels);
}

struct tenant_counts {
    const struct tenant *tenant;
    struct holding_counts rows;
};

static void tenant_publish(struct metrics *metrics, const struct tenant_counts *counts)
{
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "tenant", counts->tenant->name);
    buf_put_char(&labels, 0);
    if (!labels.failed) {
        metric_follow(metrics_get(metrics, "weir_points_accepted_total",
                                  "Points acknowledged, and replayed at the start.", METRIC_COUNTER,
                                  labels.data),
                      counts->rows.accepted);
        metric_follow(metrics_get(metrics, "weir_points_stored_total",
                                  "Accepted points that are in packs by now.", METRIC_COUNTER,
                                  labels.data),
                      counts->rows.stored);
        metric_set(metrics_get(metrics, "weir_points_queued",
                               "Accepted points that are in wal and head only: accepted - stored.",
                               METRIC_GAUGE, labels.data),
                   (int64_t)counts->rows.queued);
    }
    buf_release(&labels);
}

/* Accepted = stored + queued for every tenant: all three are read at one moment. */
static void tenants_measure(struct store *store)
{
    struct tenant_counts *counts;
    size_t count = 0, capacity;

    pthread_mutex_lock(&store->state_lock);
    capacity = store->holding_capacity;
    counts = calloc(capacity + 1, sizeof(*counts));
    for (size_t i = 0; counts != NULL && i < capacity; i++)
        if (store->holdings[i] != NULL)
            counts[count++] =
                (struct tenant_counts){store->holdings[i]->tenant, store->holdings[i]->rows};
    pthread_mutex_unlock(&store->state_lock);
    for (size_t i = 0; i < count; i++)
        tenant_publish(store->options.metrics, &counts[i]);
    free(counts);
}

static void columns_measure(const struct store *store)
{
    struct column_cache_counts counts = column_cache_counts(store->columns);

    metric_set(store->metrics.column_cache_bytes, (int64_t)counts.bytes);
    metric_follow(store->metrics.column_cache_hits, counts.hits);
    metric_follow(store->metrics.column_cache_misses, counts.misses);
    metric_follow(store->metrics.column_cache_evictions, counts.evictions);
}

void store_measure(struct store *store)
{
    struct store_metrics *metrics = &store->metrics;
    uint64_t head_rows = 0, packs = 0, tombstones = 0, waiting, free_bytes = 0;
    struct error err = {0};

    if (store->options.metrics == NULL)
        return;
    tenants_measure(store);
    columns_measure(store);
    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; i < store->generation_count; i++)
        head_rows += store->generations[i]->row_count;
    for (size_t i = 0; i < store->holding_capacity; i++) {
        const struct holding *holding = store->holdings[i];

        packs += holding != NULL && holding->packs != NULL ? holding->packs->count : 0;
        tombstones +=
            holding != NULL && holding->tombstones != NULL ? holding->tombstones->count : 0;
    }
    metric_set(metrics->generations, (int64_t)store->generation_count);
    metric_set(metrics->watermark_lag, store->assigned - store->applied);
    metric_set(metrics->ingest_ahead, stamp_ahead(&store->stamp) / 1000000000);
    metric_set(metrics->gaps, (int64_t)store->missing_count);
    pthread_mutex_unlock(&store->state_lock);

    pthread_mutex_lock(&store->submit_lock);
    waiting = store->waiting.count;
    pthread_mutex_unlock(&store->submit_lock);

    metric_set(metrics->head_bytes, (int64_t)store->head_bytes);
    metric_set(metrics->head_rows, (int64_t)head_rows);
    metric_set(metrics->packs, (int64_t)packs);
    metric_set(metrics->tombstones, (int64_t)tombstones);
    metric_set(metrics->waiting, (int64_t)waiting);
    metric_set(metrics->wal_bytes, (int64_t)wal_bytes(store->wal));
    metric_set(metrics->wal_segments, wal_segment_count(store->wal));
    if (fs_space(store->options.fs, &free_bytes, &err) == OK)
        metric_set(metrics->disk_free, (int64_t)free_bytes);
}
