/* A metric has cache lines of its own, so that counting in one thread does not slow the
 * counting of another thing in the next. */
#include "base/metric.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/number.h"
#include "base/printable.h"

enum { CACHE_LINE = 64, KEY_BYTES_MAX = 4096 };

static const struct {
    int64_t end_ns; /* the bound itself is within */
    const char *text;
} buckets[] = {
    {100000,       "0.0001" },
    {250000,       "0.00025"},
    {500000,       "0.0005" },
    {1000000,      "0.001"  },
    {2500000,      "0.0025" },
    {5000000,      "0.005"  },
    {10000000,     "0.01"   },
    {25000000,     "0.025"  },
    {50000000,     "0.05"   },
    {100000000,    "0.1"    },
    {250000000,    "0.25"   },
    {500000000,    "0.5"    },
    {1000000000,   "1"      },
    {2500000000,   "2.5"    },
    {5000000000,   "5"      },
    {10000000000,  "10"     },
    {25000000000,  "25"     },
    {50000000000,  "50"     },
    {100000000000, "100"    },
    {INT64_MAX,    "+Inf"   },
};

struct metric {
    _Atomic uint64_t value; /* a counter's, a gauge's bits, a histogram's sum in ns */
    _Atomic uint64_t counts[COUNT_OF(buckets)];
    enum metric_kind kind;
    struct metric *next; /* in the family, in order of making */
    char *labels;        /* behind the name in `key` */
    char key[];          /* "name\0labels\0" */
};

struct family {
    const char *name, *help; /* the name is the first metric's */
    struct metric *first, *last;
};

struct metrics {
    pthread_mutex_t lock; /* guards what follows, and the lists; not the values */
    struct map by_key;
    struct family *families; /* in order of name */
    size_t family_count, family_capacity;
};

enum code metrics_new(struct metrics **metrics, struct error *err)
{
    struct metrics *made = calloc(1, sizeof(*made));
    int number;

    *metrics = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "metrics: out of memory");
    number = pthread_mutex_init(&made->lock, NULL);
    if (number != 0) {
        free(made);
        return error_set_errno(err, number, "metrics: lock");
    }
    *metrics = made;
    return OK;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->family_count; i++) {
        for (struct metric *each = metrics->families[i].first, *next; each != NULL; each = next) {
            next = each->next;
            free(each);
        }
    }
    free(metrics->families);
    map_release(&metrics->by_key);
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static struct metric *metric_new(struct bytes key, size_t name_size, enum metric_kind kind)
{
    size_t size = sizeof(struct metric) + key.size;
    struct metric *made =
        aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);

    if (made == NULL)
        return NULL;
    memset(made, 0, sizeof(*made));
    memcpy(made->key, key.data, key.size);
    made->labels = made->key + name_size + 1;
    made->kind = kind;
    return made;
}

/* Where the family is, or belongs. */
static size_t family_at(const struct metrics *metrics, const char *name)
{
    size_t first = 0, end = metrics->family_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (strcmp(metrics->families[middle].name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Puts the new metric into its family, which is made if needed. */
static bool join_family(struct metrics *metrics, struct metric *metric, const char *help)
{
    size_t at = family_at(metrics, metric->key);
    struct family *family;

    if (at < metrics->family_count && strcmp(metrics->families[at].name, metric->key) == 0) {
        family = &metrics->families[at];
        assert(family->first->kind == metric->kind);
        family->last->next = metric;
        family->last = metric;
        return true;
    }
    if (metrics->family_count == metrics->family_capacity) {
        size_t capacity = metrics->family_capacity == 0 ? 64 : 2 * metrics->family_capacity;

        family = reallocarray(metrics->families, capacity, sizeof(*family));
        if (family == NULL)
            return false;
        metrics->families = family;
        metrics->family_capacity = capacity;
    }
    family = &metrics->families[at];
    memmove(family + 1, family, (metrics->family_count - at) * sizeof(*family));
    *family = (struct family){metric->key, help, metric, metric};
    metrics->family_count++;
    return true;
}

/* Finds or makes; under the lock. */
static struct metric *get_locked(struct metrics *metrics, struct bytes key, size_t name_size,
                                 const char *help, enum metric_kind kind)
{
    struct metric *metric = map_get(&metrics->by_key, key);
    struct bytes own_key;

    if (metric != NULL) {
        assert(metric->kind == kind);
        return metric;
    }
    metric = metric_new(key, name_size, kind);
    if (metric == NULL)
        return NULL;
    own_key = (struct bytes){metric->key, key.size};
    if (!map_put(&metrics->by_key, own_key, metric))
        goto fail;
    if (!join_family(metrics, metric, help)) {
        (void)map_remove(&metrics->by_key, own_key);
        goto fail;
    }
    return metric;

fail:
    free(metric);
    return NULL;
}

struct metric *metrics_get(struct metrics *metrics, const char *name, const char *help,
                           enum metric_kind kind, const char *labels)
{
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    struct metric *metric = NULL;

    assert(strncmp(name, "weir_", 5) == 0);
    buf_put_text(&key, name);
    buf_put_char(&key, '\0');
    buf_put_text(&key, labels);
    buf_put_char(&key, '\0');
    if (buf_finish(&key, NULL) == OK) {
        (void)pthread_mutex_lock(&metrics->lock);
        metric = get_locked(metrics, buf_bytes(&key), strlen(name), help, kind);
        (void)pthread_mutex_unlock(&metrics->lock);
    }
    buf_release(&key);
    return metric;
}

void metric_add(struct metric *metric, uint64_t n)
{
    if (metric == NULL)
        return;
    assert(metric->kind == METRIC_COUNTER);
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_follow(struct metric *metric, uint64_t value)
{
    if (metric == NULL)
        return;
    assert(metric->kind == METRIC_COUNTER);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    if (metric == NULL)
        return;
    assert(metric->kind == METRIC_GAUGE);
    atomic_store_explicit(&metric->value, (uint64_t)value, memory_order_relaxed);
}

void metric_move(struct metric *metric, int64_t change)
{
    if (metric == NULL)
        return;
    assert(metric->kind == METRIC_GAUGE);
    atomic_fetch_add_explicit(&metric->value, (uint64_t)change, memory_order_relaxed);
}

void metric_observe_ns(struct metric *metric, int64_t duration_ns)
{
    size_t bucket = 0;

    if (metric == NULL)
        return;
    assert(metric->kind == METRIC_HISTOGRAM);
    if (duration_ns < 0)
        duration_ns = 0;
    while (duration_ns > buckets[bucket].end_ns)
        bucket++;
    atomic_fetch_add_explicit(&metric->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, (uint64_t)duration_ns, memory_order_relaxed);
}

uint64_t metric_value(const struct metric *metric)
{
    return metric == NULL ? 0 : atomic_load_explicit(&metric->value, memory_order_relaxed);
}

void metric_label(struct buf *buf, const char *name, struct bytes value)
{
    if (buf->size > 0)
        buf_put_char(buf, ',');
    buf_put_text(buf, name);
    buf_put_text(buf, "=\"");
    while (value.size > 0) {
        size_t step = printable_size(value), taken = step == 0 ? 1 : step;
        char c = value.data[0];

        if (c == '\n') {
            buf_put_text(buf, "\\n");
        } else if (step == 0) {
            buf_put_char(buf, '?');
        } else {
            if (c == '"' || c == '\\')
                buf_put_char(buf, '\\');
            buf_put(buf, (struct bytes){value.data, step});
        }
        value = bytes_slice(value, taken, value.size);
    }
    buf_put_char(buf, '"');
}

/* name[suffix]{labels[,le="bound"]} and a space. */
static void print_name(struct buf *buf, const struct metric *metric, const char *suffix,
                       const char *bound)
{
    bool labelled = metric->labels[0] != '\0';

    buf_put_text(buf, metric->key);
    buf_put_text(buf, suffix);
    if (labelled || bound != NULL) {
        buf_put_char(buf, '{');
        buf_put_text(buf, metric->labels);
        if (bound != NULL)
            buf_printf(buf, "%sle=\"%s\"", labelled ? "," : "", bound);
        buf_put_char(buf, '}');
    }
    buf_put_char(buf, ' ');
}

static void print_u64(struct buf *buf, uint64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    size_t size = number_print_u64(value, text);

    text[size] = '\n';
    buf_put(buf, (struct bytes){text, size + 1});
}

static void print_histogram(struct buf *buf, const struct metric *metric)
{
    double sum_s = (double)metric_value(metric) / 1e9;
    char text[NUMBER_TEXT_SIZE];
    uint64_t count = 0;

    for (size_t i = 0; i < COUNT_OF(buckets); i++) {
        count += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
        print_name(buf, metric, "_bucket", buckets[i].text);
        print_u64(buf, count);
    }
    print_name(buf, metric, "_sum", NULL);
    buf_put(buf, (struct bytes){text, number_print_f64(sum_s, text)});
    buf_put_char(buf, '\n');
    print_name(buf, metric, "_count", NULL);
    print_u64(buf, count); /* what the buckets said, whatever was added meanwhile */
}

static void print_metric(struct buf *buf, const struct metric *metric)
{
    char text[NUMBER_TEXT_SIZE];

    switch (metric->kind) {
    case METRIC_COUNTER:
        print_name(buf, metric, "", NULL);
        print_u64(buf, metric_value(metric));
        break;
    case METRIC_GAUGE:
        print_name(buf, metric, "", NULL);
        buf_put(buf, (struct bytes){text, number_print_i64((int64_t)metric_value(metric), text)});
        buf_put_char(buf, '\n');
        break;
    case METRIC_HISTOGRAM:
        print_histogram(buf, metric);
        break;
    }
}

void metrics_print(struct metrics *metrics, struct buf *buf)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

    (void)pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->family_count; i++) {
        const struct family *family = &metrics->families[i];

        buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                   kinds[family->first->kind]);
        for (const struct metric *each = family->first; each != NULL; each = each->next)
            print_metric(buf, each);
    }
    (void)pthread_mutex_unlock(&metrics->lock);
}
