/* Counters, gauges and histograms in the Prometheus text format 0.0.4.  Handles are made at
 * start (or when a tenant appears) and never freed before the registry; updates are lock-free
 * from any thread. */
#ifndef WEIR_BASE_METRIC_H
#define WEIR_BASE_METRIC_H

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric;
struct metrics;

MUST_USE enum code metrics_new(struct metrics **metrics, struct error *err);
void metrics_free(struct metrics *metrics);

/* Finds or makes the metric `name` with `labels` ("" or `tenant="a",reason="b"`, values already
 * escaped by metric_label()).  `help` is one sentence.  Names begin with weir_ and end with their
 * unit (_total for counters, _bytes, _seconds).  NULL when memory ran out: all calls below take
 * NULL and do nothing.  Any thread. */
struct metric *metrics_get(struct metrics *metrics, const char *name, const char *help,
                           enum metric_kind kind, const char *labels);
void metric_add(struct metric *metric, uint64_t n); /* counter */
/* A counter that is kept elsewhere; `value` never falls. */
void metric_follow(struct metric *metric, uint64_t value);
void metric_set(struct metric *metric, int64_t value);   /* gauge */
void metric_move(struct metric *metric, int64_t change); /* gauge */
/* Histogram in seconds; buckets 100 us .. 100 s by 1-2.5-5 steps; printed in seconds. */
void metric_observe_ns(struct metric *metric, int64_t duration_ns);
uint64_t metric_value(const struct metric *metric); /* counter or gauge's bits; 0 for NULL */
/* Appends name="value" to `buf`, the value escaped, with a ',' before it when the buf is not empty.
 */
void metric_label(struct buf *buf, const char *name, struct bytes value);
/* Families in order of name, HELP and TYPE once each. */
void metrics_print(struct metrics *metrics, struct buf *buf);

#endif
