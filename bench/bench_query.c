/* How fast rows become answers, with the store out of the way: one series, 8.2 M rows in places of
 * 4096 whose columns lie ready in memory, one f64 field.  One core.  Prints a line per question:
 * the question, million rows a second, MB of answer. */
#include "base/random.h"
#include "catalog/catalog.h"
#include "codec/series_key.h"
#include "query/query.h"
#include "store/place_reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 2000, PLACE_ROWS = 4096 };

static const int64_t first_ns = 1700000000 * (int64_t)1000000000, step_ns = 10000000000;

/* All places share their cells. */
struct view {
    int64_t *times; /* of all places */
    int64_t ingest[PLACE_ROWS];
    union cell cells[PLACE_ROWS];
};

static struct view the_view;

enum code store_view(struct store *store, const struct tenant *tenant, int64_t as_of,
                     struct view **view, struct error *err)
{
    (void)store, (void)tenant, (void)as_of, (void)err;
    *view = &the_view;
    return OK;
}

void view_watch(struct view *view, _Atomic bool *lost)
{
    (void)view, (void)lost;
}

void view_bear(struct view *view, const struct patience *patience)
{
    (void)view, (void)patience;
}

void view_free(struct view *view)
{
    (void)view;
}

int64_t view_as_of(const struct view *view)
{
    return view->ingest[0];
}

bool view_final(const struct view *view)
{
    (void)view;
    return false;
}

const struct tombstone *view_tombstones(const struct view *view, size_t *count)
{
    (void)view;
    *count = 0;
    return NULL;
}

int64_t view_deleted_last(const struct view *view)
{
    (void)view;
    return 0;
}

int64_t view_guests(const struct view *view)
{
    (void)view;
    return 0;
}

const struct bytes *view_missing(const struct view *view, size_t *count)
{
    (void)view;
    *count = 0;
    return NULL;
}

/* None is: ingest times are always there. */
void view_mark_alone(const struct view *view, const struct series *series, struct place *places,
                     size_t count)
{
    (void)view, (void)series, (void)places, (void)count;
}

enum code view_places(const struct view *view, const struct series *series, int64_t start,
                      int64_t end, bool versions, struct arena *arena, struct place **places,
                      size_t *count, struct error *err)
{
    struct place *list = ARENA_ARRAY(arena, struct place, PLACES);

    (void)series, (void)start, (void)end, (void)versions;
    if (!list)
        return error_set(err, E_MEMORY, "no memory for places");
    for (size_t i = 0; i < PLACES; i++) {
        const int64_t *times = view->times + i * PLACE_ROWS;

        list[i] = (struct place){.time_first = times[0],
                                 .time_last = times[PLACE_ROWS - 1],
                                 .ingest_first = view->ingest[0],
                                 .ingest_last = view->ingest[0],
                                 .row_count = PLACE_ROWS,
                                 .settled = INT64_MIN,
                                 .detail = times};
    }
    *places = list;
    *count = PLACES;
    return OK;
}

/* Nothing is kept: there is one series. */
enum code place_reader_new(const struct view *view, const struct bytes *fields,
                           uint32_t field_count, size_t keep_bytes_max, struct budget *memory,
                           struct place_reader **reader, struct error *err)
{
    (void)view, (void)fields, (void)field_count, (void)keep_bytes_max, (void)memory, (void)err;
    *reader = NULL;
    return OK;
}

void place_reader_free(struct place_reader *reader)
{
    (void)reader;
}

enum code place_reader_read(struct place_reader *reader, const struct place *place,
                            const struct series *series, struct arena *arena, struct rows *rows,
                            struct error *err)
{
    const struct view *view = &the_view;
    struct rows_column *column = ARENA_NEW(arena, struct rows_column);

    (void)reader, (void)series;
    if (!column)
        return error_set(err, E_MEMORY, "no memory for rows");
    *column = (struct rows_column){0, TYPE_F64, view->cells, NULL};
    *rows = (struct rows){PLACE_ROWS, place->detail, view->ingest, NULL, column, 1};
    return OK;
}

bool place_summaries(const struct view *view, const struct place *place, const struct bytes *fields,
                     size_t field_count, struct arena *arena, bool *times_unique, int64_t *step,
                     struct place_summary **summaries, size_t *count)
{
    (void)view, (void)place, (void)fields, (void)field_count, (void)arena;
    (void)times_unique, (void)step, (void)summaries, (void)count;
    return false;
}

enum code place_reader_time(struct place_reader *reader, const struct place *place, uint32_t row,
                            int64_t *time, struct error *err)
{
    (void)reader, (void)place, (void)row, (void)time;
    return error_set(err, E_NOT_SUPPORTED, "there are no summaries");
}

static uint64_t bytes_written;

static enum code begin(struct query_sink *sink, const struct query_head *head, struct error *err)
{
    (void)sink, (void)head, (void)err;
    return OK;
}

static enum code swallow(struct query_sink *sink, struct bytes bytes, struct error *err)
{
    (void)sink, (void)err;
    bytes_written += bytes.size;
    return OK;
}

static bool stays(struct query_sink *sink)
{
    (void)sink;
    return false;
}

static void check(enum code code, const struct error *err)
{
    if (!code)
        return;
    fprintf(stderr, "%s: %s\n", err->pointer, err->text);
    exit(1);
}

static void measure(const struct query_environment *environment, const char *name,
                    const char *value, const char *every)
{
    const struct query_parameter parameters[] = {
        {BYTES("measurement"), BYTES("cpu")   },
        {bytes_of(name),       bytes_of(value)},
        {BYTES("every"),       bytes_of(every)},
    };
    struct query_sink sink = {begin, swallow, stays};
    struct query_outcome outcome;
    struct query *query = NULL;
    struct error err = {0};
    struct arena arena;
    int64_t from;
    double seconds;

    arena_init(&arena, 1 << 20, NULL);
    check(query_parse(parameters, *every ? 3 : 2, BYTES(""), first_ns, &arena, &query, &err), &err);
    bytes_written = 0;
    from = clock_monotonic_ns(environment->clock);
    check(query_run(query, environment, &sink, &outcome, &err), &err);
    seconds = (double)(clock_monotonic_ns(environment->clock) - from) / 1e9;
    printf("%s=%s every=%s: %.1f M rows/s, %.1f MB\n", name, value, *every ? every : "(all)",
           (double)outcome.rows_scanned / seconds / 1e6, (double)bytes_written / 1e6);
    arena_release(&arena);
}

int main(void)
{
    static const struct {
        const char *name, *value, *every;
    } questions[] = {
        {"format", "ndjson",        ""  },
        {"format", "csv",           ""  },
        {"format", "json",          ""  },
        {"agg",    "mean",          ""  },
        {"agg",    "sum,max,count", "1m"},
        {"agg",    "max",           "1h"},
    };
    struct query_environment environment = {
        .retention_ns = INT64_MAX, .history_ns = INT64_MAX, .clock = clock_system()};
    struct series_tag tag = {BYTES("host"), BYTES("host_1")};
    struct buf key = BUF_INIT(4096);
    struct limits limits;
    struct random random;
    struct series *series;
    struct error err = {0};

    random_seed(&random, 1);
    the_view.times = calloc((size_t)PLACES * PLACE_ROWS, sizeof(*the_view.times));
    assert(the_view.times);
    for (size_t i = 0; i < (size_t)PLACES * PLACE_ROWS; i++)
        the_view.times[i] = first_ns + (int64_t)i * step_ns;
    for (size_t i = 0; i < PLACE_ROWS; i++) {
        the_view.ingest[i] = first_ns;
        the_view.cells[i].f64 = (double)random_below(&random, 10000) / 100;
    }
    limits_init(&limits);
    limits.query_rows_max = limits.query_groups_max = limits.query_result_bytes_max = UINT64_MAX;
    environment.limits = &limits;
    check(catalog_new(&environment.catalog, &err), &err);
    environment.tenant = catalog_tenant(environment.catalog, BYTES("default"));
    check(series_key_encode(BYTES("cpu"), &tag, 1, &key, &err), &err);
    check(
        catalog_series(environment.catalog, environment.tenant, buf_bytes(&key), 1, &series, &err),
        &err);
    check(catalog_claim(environment.catalog, environment.tenant, BYTES("cpu"), BYTES("user"),
                        TYPE_F64, 1, &err),
          &err);
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        measure(&environment, questions[i].name, questions[i].value, questions[i].every);
    buf_release(&key);
    catalog_free(environment.catalog);
    free(the_view.times);
    return 0;
}
