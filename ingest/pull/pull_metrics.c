/* What is counted of all sources together: a label for each would be as many families of series as
 * tenants care to declare. */
#include "base/metric.h"
#include "ingest/pull/pull_inside.h"

#include <stdio.h>

void pull_counts_add(struct pull_counts *sum, const struct pull_counts *counts)
{
    sum->requests += counts->requests;
    sum->unchanged += counts->unchanged;
    sum->waits += counts->waits;
    sum->retries += counts->retries;
    sum->failures += counts->failures;
    sum->bytes += counts->bytes;
    sum->rows += counts->rows;
    sum->written += counts->written;
    sum->retracted += counts->retracted;
    sum->clipped += counts->clipped;
    sum->faulty += counts->faulty;
    sum->pages += counts->pages;
    sum->windows += counts->windows;
    sum->without_values += counts->without_values;
    sum->pulls += counts->pulls;
    sum->added += counts->added;
    sum->same += counts->same;
    for (size_t i = 0; i < PULL_OUTCOMES; i++)
        sum->outcomes[i] += counts->outcomes[i];
}

struct totals {
    struct pull_counts counts;
    uint64_t states[PULL_STATES];
    int64_t lag_s; /* the largest */
};

static void sum_up(struct puller *puller, struct totals *totals)
{
    int64_t now_ns = clock_wall_ns(puller->parts.clock);

    pthread_mutex_lock(&puller->lock);
    totals->counts = puller->gone;
    for (const struct pull_source *source = puller->sources; source; source = source->next) {
        enum pull_state state = told_state(source);
        int64_t lag_s = pull_lag_s(source, now_ns);

        pull_counts_add(&totals->counts, &source->counts);
        totals->states[state]++;
        if (state != PULL_PAUSED && source->state <= PULL_PULLING && lag_s > totals->lag_s)
            totals->lag_s = lag_s;
    }
    pthread_mutex_unlock(&puller->lock);
}

static void follow(struct metrics *metrics, const char *name, const char *help, const char *label,
                   const char *of, uint64_t value)
{
    char labels[64] = "";

    if (label != NULL)
        (void)snprintf(labels, sizeof(labels), "%s=\"%s\"", label, of);
    metric_follow(metrics_get(metrics, name, help, METRIC_COUNTER, labels), value);
}

static void gauge(struct metrics *metrics, const char *name, const char *help, const char *labels,
                  int64_t value)
{
    metric_set(metrics_get(metrics, name, help, METRIC_GAUGE, labels), value);
}

static void measure_counts(const struct pull_counts *counts, struct metrics *metrics)
{
    static const char rows[] = "weir_pull_rows_total", rows_help[] = "Points that pages had.";
    const struct {
        const char *name, *help;
        uint64_t value;
    } plain[] = {
        {"weir_pull_requests_total",    "Requests to remote APIs.",              counts->requests},
        {"weir_pull_bytes_total",       "Bytes of their answers, as they came.", counts->bytes   },
        {"weir_pull_retries_total",     "Requests that were to be repeated.",    counts->retries },
        {"weir_pull_waits_total",       "Answers that made all of a host wait.", counts->waits   },
        {"weir_pull_failures_total",    "Windows that a pull gave up.",          counts->failures},
        {"weir_pull_faulty_rows_total", "Rows that could not be taken.",         counts->faulty  },
    };

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        follow(metrics, plain[i].name, plain[i].help, NULL, NULL, plain[i].value);
    for (size_t i = 0; i < PULL_OUTCOMES; i++)
        follow(metrics, "weir_pull_answers_total", "What became of requests.", "outcome",
               pull_outcome_name(i), counts->outcomes[i]);
    follow(metrics, rows, rows_help, "change", "new", counts->added);
    follow(metrics, rows, rows_help, "change", "changed", counts->written - counts->added);
    follow(metrics, rows, rows_help, "change", "same", counts->same);
}

void puller_measure(struct puller *puller, struct metrics *metrics)
{
    struct totals totals = {.lag_s = 0};

    if (puller == NULL)
        return;
    sum_up(puller, &totals);
    measure_counts(&totals.counts, metrics);
    for (unsigned i = 0; i < PULL_STATES; i++) {
        char labels[64];

        (void)snprintf(labels, sizeof(labels), "state=\"%s\"", pull_state_names[i]);
        gauge(metrics, "weir_pull_sources", "Sources that this node knows.", labels,
              (int64_t)totals.states[i]);
    }
    gauge(metrics, "weir_pull_under_way", "Requests under way.", "",
          (int64_t)fetcher_under_way(puller->fetcher));
    gauge(metrics, "weir_pull_reading", "Pages that came and are not written yet.", "",
          (int64_t)puller->job_count);
    gauge(metrics, "weir_pull_lag_seconds", "How far the source that is furthest behind is.", "",
          totals.lag_s);
}
