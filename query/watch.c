#include "query/watch.h"

#include "query/query.h"

enum {
    LOOK_ROWS = 4096, /* ~0.1 ms of decoding between two looks at the clock */
    HURRIED_ROWS = 256,
    STEP_ROWS = 64, /* what a series or place without rows counts as */
    AT_ONCE_NS = 1000000,
};

void watch_init(struct watch *watch, const struct limits *limits, struct clock *clock,
                struct query_sink *sink)
{
    int64_t most_ms = INT64_MAX / 1000000 / 2;
    int64_t ms = limits->query_ms_max < (uint64_t)most_ms ? (int64_t)limits->query_ms_max : most_ms;

    *watch = (struct watch){
        .limits = limits,
        .clock = clock,
        .sink = sink,
        .deadline_ns = clock_monotonic_ns(clock) + ms * 1000000,
    };
    watch->memory.bytes_max = limits->query_memory_bytes_max;
}

void watch_hurry(struct watch *watch)
{
    watch->deadline_ns = clock_monotonic_ns(watch->clock) + AT_ONCE_NS;
    watch->hurried = true;
}

static struct watch *whole_of(struct watch *watch)
{
    return watch->whole ? watch->whole : watch;
}

void watch_init_helper(struct watch *watch, struct watch *whole)
{
    *watch = (struct watch){
        .whole = whole,
        .limits = whole->limits,
        .clock = whole->clock,
        .sink = whole->sink,
        .lost = whole->lost,
    };
    watch->memory.bytes_max = whole->memory.bytes_max;
    watch->memory.parent = &whole->memory;
}

const char *watch_ways(const struct watch *watch)
{
    const char *pages = watch->whole ? watch->whole->pages : watch->pages;

    return pages ? pages : "ask for a shorter range or fewer series";
}

static enum code look(struct watch *watch, struct error *err)
{
    const struct watch *whole = whole_of(watch);

    if (whole->stopped)
        return error_set(err, E_CANCELLED, "another part of the query failed");
    if (watch->sink->cancelled(watch->sink))
        return error_set(err, E_CANCELLED, "the client left");
    if (watch->lost != NULL && *watch->lost)
        return error_set(err, E_BUSY,
                         "the answer took so long that it held rows in memory which have been "
                         "sealed since; try again, or ask for pages (limit=) or a shorter range");
    if (clock_monotonic_ns(watch->clock) > whole->deadline_ns)
        return error_set(err, E_TIMEOUT,
                         "the query took longer than %llu ms (query_ms_max); ask for a shorter "
                         "range, fewer series or fields, or pages (limit=)",
                         (unsigned long long)watch->limits->query_ms_max);
    return OK;
}

enum code watch_look(struct watch *watch, struct error *err)
{
    watch->unlooked = 0;
    return look(watch, err);
}

enum code watch_bear(void *watch, struct error *err)
{
    return look(watch, err);
}

static enum code count_rows(struct watch *whole, uint64_t count, struct error *err)
{
    uint64_t before = atomic_fetch_add_explicit(&whole->rows_scanned, count, memory_order_relaxed);

    if (before + count > whole->limits->query_rows_max)
        return error_set(err, E_QUERY_ROWS,
                         "the query reads more than %llu rows (query_rows_max); %s",
                         (unsigned long long)whole->limits->query_rows_max, watch_ways(whole));
    return OK;
}

enum code watch_settle(struct watch *watch, struct error *err)
{
    uint64_t count = watch->uncounted;

    watch->uncounted = 0;
    return count_rows(whole_of(watch), count, err);
}

enum code watch_rows(struct watch *watch, uint64_t count, struct error *err)
{
    enum code code = OK;

    if (!watch->whole) {
        code = count_rows(watch, count, err);
    } else {
        watch->uncounted += count;
        if (watch->uncounted >= LOOK_ROWS)
            code = watch_settle(watch, err);
    }
    return code ? code : watch_work(watch, count, err);
}

enum code watch_bytes(const struct watch *watch, uint64_t bytes, struct error *err)
{
    if (bytes <= watch->limits->query_bytes_max)
        return OK;
    return error_set(err, E_QUERY_BYTES,
                     "the query reads more than %llu bytes of blocks (query_bytes_max); %s",
                     (unsigned long long)watch->limits->query_bytes_max, watch_ways(watch));
}

static bool is_due(const struct watch *watch)
{
    return watch->unlooked >= (watch->hurried ? HURRIED_ROWS : LOOK_ROWS);
}

enum code watch_work(struct watch *watch, uint64_t count, struct error *err)
{
    watch->unlooked += (uint32_t)(count < LOOK_ROWS ? count : LOOK_ROWS);
    return is_due(watch) ? watch_look(watch, err) : OK;
}

enum code watch_step(struct watch *watch, struct error *err)
{
    watch->unlooked += STEP_ROWS;
    return is_due(watch) ? watch_look(watch, err) : OK;
}

enum code watch_window(struct watch *watch, uint32_t columns, struct error *err)
{
    watch->cells += columns;
    return watch_cells(watch, watch->cells, err);
}

enum code watch_cells(const struct watch *watch, uint64_t cells, struct error *err)
{
    if (cells <= watch->limits->query_groups_max)
        return OK;
    return error_set(err, E_QUERY_GROUPS,
                     "the query makes more than %llu values (query_groups_max: windows x groups x "
                     "columns); ask for longer windows, a shorter range, or fewer groups or fields",
                     (unsigned long long)watch->limits->query_groups_max);
}

/* Arenas double, so one that was refused at the limit has used a good part of it; a refusal with
 * the limit far away was the machine's, or that of others, who have given it back meanwhile. */
static bool is_near(size_t used, uint64_t bytes_max)
{
    return used >= bytes_max / 8;
}

enum code watch_memory(const struct watch *watch, struct error *err)
{
    const struct budget *all;
    size_t used;

    if (watch->whole)
        watch = watch->whole;
    all = watch->memory.parent;
    used = budget_used(&watch->memory);
    if (watch->memory.parent_full && (budget_used(all) > used || !is_near(used, all->bytes_max)))
        return error_set(err, E_BUSY,
                         "the queries under way hold all %zu bytes of their memory "
                         "(queries_bytes_max); try again",
                         all->bytes_max);
    if (!watch->memory.parent_full && !is_near(used, watch->memory.bytes_max))
        return error_set(err, E_MEMORY, "no memory for the query");
    return error_set(err, E_QUERY_MEMORY,
                     "the query needs more than %zu bytes of memory (%s); ask for a shorter range, "
                     "longer windows, or fewer series or fields",
                     watch->memory.parent_full ? all->bytes_max : watch->memory.bytes_max,
                     watch->memory.parent_full ? "queries_bytes_max, of all queries together"
                                               : "query_memory_bytes_max");
}

void watch_waited(struct watch *watch, int64_t ns)
{
    watch->deadline_ns += ns;
}
