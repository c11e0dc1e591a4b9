/* Random rows in random places, random questions: whole answers equal the naive evaluator's, and
 * pages put together equal the whole.  WEIR_TEST_COUNT questions (600) from WEIR_TEST_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "codec/series_key.h"

#include "tests/unit/query/naive.c"
#include "tests/unit/query/twin.c"

#include "tests/unit/query/lent.h"

enum { SERIES_MAX = 8, QUESTIONS_PER_DATA = 10, PARAMETERS_MAX = 24, TEXT_MAX = 4096 };

static const int64_t base_time = 1700000000 * (int64_t)1000000000;
static const int64_t base_ingest = 1750000000 * (int64_t)1000000000;
static const int64_t step = 10 * (int64_t)1000000000;

static const char *const field_names[] = {"f", "g", "s", "b"};

struct data {
    struct random random;
    struct catalog *catalog;
    const struct tenant *tenant;
    struct store store;
    struct series *series[SERIES_MAX];
    uint32_t series_count;
    struct tombstone tombstones[8];
    struct matcher matchers[8];
    struct bytes tombstone_fields[8][2];
    int64_t ingest;
};

static uint32_t below(struct data *data, uint32_t bound)
{
    return (uint32_t)random_below(&data->random, bound);
}

/* --- data --- */

static int compare_series(const void *a, const void *b)
{
    return series_id_compare((*(struct series *const *)a)->id, (*(struct series *const *)b)->id);
}

static void make_series(struct data *data)
{
    static const struct series_tag all[][2] = {
        {{BYTES("host"), BYTES("a")},    {BYTES("region"), BYTES("x")}  },
        {{BYTES("host"), BYTES("a")},    {BYTES("region"), BYTES("y")}  },
        {{BYTES("host"), BYTES("b")},    {BYTES("region"), BYTES("x")}  },
        {{BYTES("host"), BYTES("b\"c")}, {BYTES("region"), BYTES("")}   },
        {{BYTES("host"), BYTES("")},     {BYTES("region"), BYTES("y,z")}},
        {{BYTES("host"), BYTES("")},     {BYTES("region"), BYTES("")}   },
    };
    uint32_t first = below(data, 5), count = 1 + below(data, 5);

    for (uint32_t i = 0; i < count && first + i < COUNT_OF(all); i++) {
        struct buf key = BUF_INIT(4096);
        struct series_tag tags[2] = {all[first + i][0], all[first + i][1]};

        assert_int_equal(series_key_encode(BYTES("m"), tags, 2, &key, NULL), OK);
        assert_int_equal(catalog_series(data->catalog, data->tenant, buf_bytes(&key), 100,
                                        &data->series[data->series_count++], NULL),
                         OK);
        buf_release(&key);
    }
    qsort(data->series, data->series_count, sizeof(struct series *), compare_series);
}

static void claim(struct data *data, const char *field, enum value_type type)
{
    assert_int_equal(
        catalog_claim(data->catalog, data->tenant, BYTES("m"), bytes_of(field), type, 100, NULL),
        OK);
}

static double random_real(struct data *data)
{
    static const double odd[] = {0.0, -0.0, 1e300, -1e-300, 3.0, 0.1, -2.5e-7};

    if (below(data, 8) == 0)
        return odd[below(data, COUNT_OF(odd))];
    return (double)((int32_t)below(data, 20001) - 10000) / 100;
}

static struct twin_cell random_cell(struct data *data, uint32_t field)
{
    static const char *const texts[] = {"", "on", "off", "a,b", "say \"hi\"\n", "tab\t", "\x01"};
    struct twin_cell cell = {.field = bytes_of(field_names[field])};
    uint32_t kind = below(data, 20);

    if (kind == 0) {
        cell.type = TYPE_RETRACTED;
        return cell;
    }
    cell.type = field == 1   ? TYPE_I64
                : field == 2 ? TYPE_STRING
                : field == 3 ? TYPE_BOOL
                             : TYPE_F64;
    if (field == 0 && kind < 5)
        cell.type = kind < 3 ? TYPE_I64 : TYPE_U64;
    if (field == 0 && kind == 5)
        cell.type = TYPE_STRING; /* two members took different kinds */
    switch (cell.type) {
    case TYPE_F64:
        cell.cell.f64 = random_real(data);
        break;
    case TYPE_I64:
        cell.cell.i64 = below(data, 10) == 0 ? INT64_MIN + (int64_t)below(data, 3)
                                             : (int64_t)below(data, 41) - 20;
        break;
    case TYPE_U64:
        cell.cell.u64 = below(data, 10) == 0 ? UINT64_MAX - below(data, 3) : below(data, 20);
        break;
    case TYPE_BOOL:
        cell.cell.u64 = below(data, 2);
        break;
    default:
        cell.cell.text = twin_text(&data->store, texts[below(data, COUNT_OF(texts))]);
        break;
    }
    return cell;
}

static int64_t random_time(struct data *data)
{
    static const int64_t odd[] = {INT64_MIN, -1, 0, 1, INT64_MAX - 1};

    if (below(data, 60) == 0)
        return odd[below(data, COUNT_OF(odd))];
    return base_time + (int64_t)below(data, 40) * step + (below(data, 8) == 0 ? below(data, 3) : 0);
}

static bool is_taken(const struct data *data, const struct twin_row *row)
{
    for (uint32_t i = 0; i < data->store.row_count; i++)
        if (data->store.rows[i].series == row->series && data->store.rows[i].time == row->time &&
            data->store.rows[i].ingest == row->ingest)
            return true;
    return false;
}

static void make_rows(struct data *data, uint32_t records)
{
    for (uint32_t record = 0; record < records; record++) {
        uint32_t count = 1 + below(data, 12);

        data->ingest += 1024 * (1 + (int64_t)below(data, 1000));
        for (uint32_t i = 0; i < count; i++) {
            struct twin_row row = {.series = data->series[below(data, data->series_count)],
                                   .time = random_time(data),
                                   .ingest = data->ingest,
                                   .revision = INT64_MIN};

            if (below(data, 6) == 0)
                row.revision = data->ingest - 1024 * (int64_t)below(data, 20000);
            for (uint32_t f = 0; f < COUNT_OF(field_names); f++)
                if (below(data, 3) > 0)
                    row.cells[row.cell_count++] = random_cell(data, f);
            if (row.cell_count > 0 && !is_taken(data, &row))
                (void)twin_add(&data->store, &row);
        }
    }
}

static void make_tombstone(struct data *data)
{
    size_t at = data->store.tombstone_count++;
    struct tombstone *tombstone = &data->tombstones[at];

    data->ingest += 1024;
    *tombstone = (struct tombstone){.ingest = data->ingest,
                                    .erase = below(data, 3) == 0,
                                    .selector.measurement = BYTES("m"),
                                    .start = base_time + (int64_t)below(data, 40) * step};
    tombstone->end = tombstone->start + (1 + (int64_t)below(data, 20)) * step;
    if (below(data, 2)) {
        data->matchers[at] = (struct matcher){
            BYTES("host"), below(data, 2) ? MATCH_EQUAL : MATCH_NOT_EQUAL, BYTES("a")};
        tombstone->selector.matchers = &data->matchers[at];
        tombstone->selector.matcher_count = 1;
    }
    if (below(data, 2)) {
        data->tombstone_fields[at][0] = bytes_of(field_names[below(data, COUNT_OF(field_names))]);
        data->tombstone_fields[at][1] = BYTES("unheard of");
        tombstone->fields = data->tombstone_fields[at];
        tombstone->field_count = 2;
    }
}

static void place_kind(struct data *data, struct twin_place *place)
{
    place->shared = below(data, 3) == 0;
    place->block = below(data, 2);
}

/* Every row is in at least one place; some are in two. */
static void make_places(struct data *data)
{
    uint32_t count = data->store.row_count, how = below(data, 4), places = 1 + below(data, 12);
    uint32_t *list = malloc((count + 1) * sizeof(*list));

    assert_non_null(list);
    for (uint32_t p = 0; p < places; p++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < count; i++) {
            uint64_t at = how == 0   ? i * (uint64_t)places / count /* by ingest */
                          : how == 1 ? (uint64_t)(data->store.rows[i].time / step) % places
                          : how == 2 ? (uint64_t)(i * 7919) % places
                                     : (uint64_t)i % 2 * (places - 1) / (1 + i % 3);

            if (at % places == p || below(data, 25) == 0)
                list[n++] = i;
        }
        if (n > 0)
            place_kind(data, twin_place_of(&data->store, list, n));
    }
    for (uint32_t i = 0; i < count; i++)
        list[i] = i;
    for (uint32_t i = 0; i < count; i += 97) /* what `how` left out is in the end in these */
        place_kind(data, twin_place_of(&data->store, list + i, count - i < 97 ? count - i : 97));
    free(list);
}

static void data_init(struct data *data, uint64_t seed)
{
    *data = (struct data){.ingest = base_ingest};
    random_seed(&data->random, seed);
    twin_init(&data->store, 0);
    data->store.tombstones = data->tombstones;
    assert_int_equal(catalog_new(&data->catalog, NULL), OK);
    data->tenant = catalog_tenant(data->catalog, BYTES("default"));
    make_series(data);
    claim(data, "f", TYPE_F64);
    claim(data, "f", TYPE_I64);
    claim(data, "g", TYPE_I64);
    claim(data, "s", TYPE_STRING);
    claim(data, "b", TYPE_BOOL);
    for (uint32_t part = below(data, 5); part < 5; part++) {
        make_rows(data, 1 + below(data, 16));
        if (below(data, 3) == 0)
            make_tombstone(data);
    }
    make_places(data);
    data->store.watermark = data->ingest;
}

static void data_release(struct data *data)
{
    twin_release(&data->store);
    catalog_free(data->catalog);
}

/* --- questions --- */

struct question {
    struct naive_question naive;
    struct query_parameter parameters[PARAMETERS_MAX];
    size_t count;
    char text[TEXT_MAX];
    size_t text_size;
};

static PRINTF_LIKE(3, 4) void ask(struct question *question, const char *name, const char *format,
                                  ...)
{
    char *value = question->text + question->text_size;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(value, TEXT_MAX - question->text_size, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && question->text_size + (size_t)size < TEXT_MAX &&
                question->count < PARAMETERS_MAX);
    question->text_size += (size_t)size + 1;
    question->parameters[question->count++] = (struct query_parameter){
        bytes_of(name), {value, (size_t)size}
    };
}

static void ask_range(struct data *data, struct question *question)
{
    struct naive_question *naive = &question->naive;

    if (below(data, 3)) {
        naive->start = base_time + ((int64_t)below(data, 40) - 2) * step + below(data, 2);
        naive->start_given = true;
    }
    if (below(data, 3))
        naive->end =
            (naive->start_given ? naive->start : base_time) + (1 + (int64_t)below(data, 30)) * step;
    if (naive->epoch_ns > 1) { /* the unit of start and end, too */
        naive->start =
            naive->start_given ? naive->start / naive->epoch_ns * naive->epoch_ns : INT64_MIN;
        naive->end = naive->end == INT64_MAX ? naive->end
                                             : (naive->end / naive->epoch_ns + 1) * naive->epoch_ns;
    }
    if (naive->start_given)
        ask(question, "start", "%lld",
            (long long)(naive->start / (naive->epoch_ns ? naive->epoch_ns : 1)));
    if (naive->end != INT64_MAX)
        ask(question, "end", "%lld",
            (long long)(naive->end / (naive->epoch_ns ? naive->epoch_ns : 1)));
}

/* Changes of several series, of which one's 1e300 is taken from another's: what else there was is
 * lost in 113 bits. */
static bool cancels(const struct naive_question *naive)
{
    for (uint32_t i = 0; i < naive->aggregate_count && !naive->by_series; i++)
        if (naive->aggregates[i][0] == 'd' && strcmp(naive->aggregates[i], "distinct") != 0)
            return true;
    return false;
}

static void ask_fields(struct data *data, struct question *question, bool numbers)
{
    static const char *const sorted[] = {"b", "f", "g", "s"};
    struct naive_question *naive = &question->naive;
    bool numbers_only = numbers;
    char list[64] = "";

    for (uint32_t i = 0; i < naive->aggregate_count; i++)
        numbers_only &= needs_numbers(naive->aggregates[i]);
    if (cancels(naive)) {
        naive->fields[naive->field_count++] = "g";
        ask(question, "fields", "g");
        return;
    }
    if (below(data, 2)) { /* all, in order of name, that have a column */
        for (uint32_t i = 0; i < COUNT_OF(sorted); i++)
            if (!numbers_only || sorted[i][0] == 'f' || sorted[i][0] == 'g')
                naive->fields[naive->field_count++] = sorted[i];
        for (uint32_t i = 0; i < naive->let_count; i++)
            naive->fields[naive->field_count++] = naive->lets[i].name;
        return;
    }
    for (uint32_t i = below(data, 4); i < 4; i += 1 + below(data, 2))
        if (!numbers || i < 2)
            naive->fields[naive->field_count++] = field_names[i];
    for (uint32_t i = 0; i < naive->let_count; i++)
        if (below(data, 2))
            naive->fields[naive->field_count++] = naive->lets[i].name;
    if (naive->field_count == 0)
        naive->fields[naive->field_count++] = "g";
    if (naive->field_count > 1 && below(data, 2)) {
        const char *swapped = naive->fields[0];

        naive->fields[0] = naive->fields[naive->field_count - 1];
        naive->fields[naive->field_count - 1] = swapped;
    }
    for (uint32_t i = 0; i < naive->field_count; i++) {
        (void)strcat(list, i ? "," : "");
        (void)strcat(list, naive->fields[i]);
    }
    ask(question, "fields", "%s", list);
}

/* Columns x and y, computed of numbers, sometimes of each other or of a text. */
static void ask_lets(struct data *data, struct question *question)
{
    static const char *const names[] = {"x", "y z"};
    static const char *const operands[] = {"f", "g", "f", "g", "s", "nope", "x"};
    static const double numbers[] = {0, 2.5, 1e300, 3};
    struct naive_question *naive = &question->naive;

    for (uint32_t i = 0; i < COUNT_OF(names) && below(data, 2); i++) {
        struct naive_let *let = &naive->lets[naive->let_count++];

        *let = (struct naive_let){.name = names[i],
                                  .a = operands[below(data, i == 0 ? 6 : 7)],
                                  .op = "+-*/"[below(data, 4)]};
        if (below(data, 2))
            let->b = operands[below(data, i == 0 ? 6 : 7)];
        else
            let->number = numbers[below(data, COUNT_OF(numbers))];
        if (let->b)
            ask(question, "let", "\"%s\" = %s%c%s", let->name, let->a, let->op, let->b);
        else
            ask(question, "let", "\"%s\"=( %s)%c%.17g", let->name, let->a, let->op, let->number);
    }
}

static void ask_wheres(struct data *data, struct question *question)
{
    static const char *const ops[] = {"=", "!=", ">", ">=", "<", "<="};
    static const struct {
        const char *text;
        enum value_type type;
        union cell cell;
    } numbers[] = {
        {"0",                        TYPE_I64, {.i64 = 0}             },
        {"-0.0",                     TYPE_F64, {.f64 = -0.0}          },
        {"3",                        TYPE_I64, {.i64 = 3}             },
        {"-2.5",                     TYPE_F64, {.f64 = -2.5}          },
        {"17.25",                    TYPE_F64, {.f64 = 17.25}         },
        {"-9223372036854775807",     TYPE_I64, {.i64 = -INT64_MAX}    },
        {"-9.223372036854775808e18", TYPE_F64, {.f64 = -0x1p63}       },
        {"18446744073709551614",     TYPE_U64, {.u64 = UINT64_MAX - 1}},
        {"18446744073709551616",     TYPE_F64, {.f64 = 0x1p64}        },
        {"1e300",                    TYPE_F64, {.f64 = 1e300}         },
        {"-40",                      TYPE_I64, {.i64 = -40}           },
    };
    static const char *const texts[] = {"", "on", "off", "a,b", "tab\t", "none of them"};
    struct naive_question *naive = &question->naive;

    for (uint32_t i = below(data, 3) + below(data, 2); i < NAIVE_CONDITIONS_MAX; i++) {
        struct naive_where *where = &naive->wheres[naive->where_count++];
        uint32_t kind = below(data, 8), number = below(data, COUNT_OF(numbers));

        *where = (struct naive_where){.op = ops[below(data, kind < 2 ? 2 : COUNT_OF(ops))]};
        if (kind == 0) {
            where->field = "s";
            where->type = TYPE_STRING;
            where->text = texts[below(data, COUNT_OF(texts))];
            ask(question, "where", "s%s\"%s\"", where->op, where->text);
        } else if (kind == 1) {
            where->field = "b";
            where->type = TYPE_BOOL;
            where->cell.u64 = below(data, 2);
            ask(question, "where", "b %s %s", where->op, where->cell.u64 ? "true" : "false");
        } else {
            where->field = kind == 2   ? "f"
                           : kind == 3 ? "nope"
                           : kind < 6 && naive->let_count > 0
                               ? naive->lets[below(data, naive->let_count)].name
                               : "g";
            if (kind == 7)
                where->field = "f";
            where->type = numbers[number].type;
            where->cell = numbers[number].cell;
            ask(question, "where", "%s%s%s", where->field, where->op, numbers[number].text);
        }
    }
}

static bool ask_aggregates(struct data *data, struct question *question)
{
    /* For any values; those that blocks' headers answer; and all others. */
    static const char *const lists[][NAIVE_AGGREGATES_MAX + 1] = {
        {"count",       "first",    "last",     "mode", "distinct" },
        {                      "mean",      "count",      "sum",      "min",  "max",     "first", "last", "variance", "stddev"},
        {                "median",     "increase",               "rate",                  "p5",          "delta", "derivative", "integral", "distinct",
         "time_weighted_mean", "mode", "p99.9", "sum"},
        {"rate(1m)", "integral(10s)", "derivative(2h)", "time_weighted_mean",                          "delta",                               "count"},
    };
    static const struct {
        const char *text;
        int64_t ns;
    } everys[] = {
        {"20s", 20000000000        },
        {"25s", 25000000000        },
        {"1m",  60000000000        },
        {"1d",  86400000000000     },
        {"1w",  7 * 86400000000000 },
        {"7ns", 7                  },
        {"3w",  21 * 86400000000000},
        {"1h",  3600000000000      },
    };
    struct naive_question *naive = &question->naive;
    const char *const *names = lists[below(data, COUNT_OF(lists))];
    bool numbers = false;
    char list[256] = "";
    uint32_t grouping = below(data, 4);

    for (uint32_t i = below(data, 3); i < NAIVE_AGGREGATES_MAX && names[i]; i += 1 + below(data, 3))
        naive->aggregates[naive->aggregate_count++] = names[i];
    for (uint32_t i = 0; i < naive->aggregate_count; i++) {
        numbers |= needs_numbers(naive->aggregates[i]);
        (void)strcat(list, i ? "," : "");
        (void)strcat(list, naive->aggregates[i]);
    }
    ask(question, "agg", "%s", list);
    if (below(data, 4)) {
        uint32_t i = below(data, COUNT_OF(everys));

        naive->every = everys[i].ns;
        ask(question, "every", "%s", everys[i].text);
    }
    if (grouping == 1) {
        naive->by_series = true;
        ask(question, "group_by", "*");
    } else if (grouping == 2) {
        naive->group_tags[naive->group_tag_count++] = "region";
        if (below(data, 2))
            naive->group_tags[naive->group_tag_count++] = "host";
        ask(question, "group_by", "%s", naive->group_tag_count == 2 ? "region,host" : "region");
    } else if (grouping == 3) {
        ask(question, "group_by", "%s", "");
    }
    return numbers;
}

static void ask_shape(struct data *data, struct question *question)
{
    static const char *const formats[] = {"json", "rows", "ndjson", "csv"};
    static const struct {
        const char *text;
        int64_t ns;
    } epochs[] = {
        {"ns", 1         },
        {"us", 1000      },
        {"ms", 1000000   },
        {"s",  1000000000}
    };
    struct naive_question *naive = &question->naive;

    naive->format = formats[below(data, 4)];
    if (strcmp(naive->format, "rows") == 0)
        ask(question, "shape", "rows");
    else
        ask(question, "format", "%s", naive->format);
    if (below(data, 3) == 0) {
        uint32_t i = below(data, 4);

        naive->epoch_ns = epochs[i].ns;
        ask(question, "epoch", "%s", epochs[i].text);
    }
    if (below(data, 4) == 0) {
        naive->integer_text = true;
        ask(question, "int64", "string");
    }
}

static void make_question(struct data *data, struct question *question)
{
    struct naive_question *naive = &question->naive;
    bool numbers = false;

    *question = (struct question){
        .naive = {.store = &data->store,
                  .series = (const struct series *const *)data->series,
                  .series_count = data->series_count,
                  .start = INT64_MIN,
                  .end = INT64_MAX,
                  .as_of = data->store.watermark}
    };
    ask(question, "measurement", "m");
    ask_shape(data, question);
    if (below(data, 2))
        numbers = ask_aggregates(data, question);
    else if (below(data, 3) == 0) {
        naive->versions = true;
        ask(question, "versions", "all");
    }
    if (below(data, 3) == 0)
        ask_lets(data, question);
    if (below(data, 2))
        ask_wheres(data, question);
    ask_fields(data, question, numbers);
    ask_range(data, question);
    if (below(data, 3) == 0) {
        char text[TIMESTAMP_TEXT_SIZE];

        naive->as_of = base_ingest + (int64_t)random_below(
                                         &data->random, (uint64_t)(data->ingest - base_ingest + 1));
        naive->as_of_given = true;
        ask(question, "as_of", "%.*s", (int)timestamp_print(naive->as_of, text), text);
    }
    if (below(data, 2)) {
        naive->descending = true;
        ask(question, "order", "desc");
    }
    if (below(data, 3) == 0) {
        naive->host = below(data, 2) ? "a" : "";
        naive->host_not = below(data, 2);
        ask(question, "match", "host%s=%s", naive->host_not ? "!" : "", naive->host);
    }
}

/* --- answers --- */

/* `lent` helps; NULL: nothing is cut into pieces. */
static enum code run_with(struct lent *lent, struct data *data, const struct question *question,
                          struct twin_sink *sink, struct error *err)
{
    struct twin_clock clock;
    struct limits limits;
    struct query_outcome outcome;
    struct query *query;
    struct arena arena;
    enum code code;

    limits_init(&limits);
    twin_clock_init(&clock, data->store.watermark + 3600 * (int64_t)1000000000);
    arena_init(&arena, 1 << 20, NULL);
    code = query_parse(question->parameters, question->count, BYTES(""), clock.wall, &arena, &query,
                       err);
    if (!code) {
        struct query_environment environment = {.store = &data->store,
                                                .catalog = data->catalog,
                                                .tenant = data->tenant,
                                                .limits = &limits,
                                                .retention_ns = INT64_MAX,
                                                .history_ns = INT64_MAX,
                                                .clock = &clock.clock,
                                                .helpers = lent ? &lent->helpers : NULL};

        code = query_run(query, &environment, &sink->sink, &outcome, err);
        assert_true(code || outcome.begun);
        assert_true(code || outcome.bytes_out == sink->body.size);
    }
    arena_release(&arena);
    return code;
}

static enum code run(struct data *data, const struct question *question, struct twin_sink *sink,
                     struct error *err)
{
    return run_with(NULL, data, question, sink, err);
}

static void tell(const struct question *question, uint64_t seed)
{
    fprintf(stderr, "WEIR_TEST_SEED=%llu WEIR_TEST_COUNT=%d\n", (unsigned long long)seed,
            QUESTIONS_PER_DATA);
    for (size_t i = 0; i < question->count; i++)
        fprintf(stderr, "%s%.*s=%.*s", i ? "&" : "?", BYTES_ARG(question->parameters[i].name),
                BYTES_ARG(question->parameters[i].value));
    fprintf(stderr, "\n");
}

/* Aggregates whose last digits depend on how they were put together. */
static bool is_rounded(const struct naive_question *naive)
{
    static const char *const rounded[] = {"variance",   "stddev",   "p",    "median", "rate",
                                          "derivative", "integral", "time", "delta",  "increase"};

    for (uint32_t i = 0; i < naive->aggregate_count; i++)
        for (size_t j = 0; j < COUNT_OF(rounded); j++)
            if (strncmp(naive->aggregates[i], rounded[j], strlen(rounded[j])) == 0)
                return true;
    return false;
}

/* The number that the byte is a digit of, and where it ends. */
static bool number_around(struct bytes text, size_t at, double *number, size_t *end)
{
    static const char digits[] = "0123456789+-.e";
    char copy[64];
    size_t first = at;

    while (first > 0 && strchr(digits, text.data[first - 1]) && text.data[first - 1])
        first--;
    for (*end = at; *end < text.size && strchr(digits, text.data[*end]) && text.data[*end];)
        (*end)++;
    if (*end == first || *end - first >= sizeof(copy))
        return false;
    memcpy(copy, text.data + first, *end - first);
    copy[*end - first] = '\0';
    *number = strtod(copy, NULL);
    return strpbrk(copy, ".e") != NULL;
}

/* The first byte that differs, but for f64 that are within 1e-9 of each other, or both next to
 * nothing. */
static bool differ(struct bytes got, struct bytes want, bool rounded, size_t *at)
{
    size_t got_at = 0, want_at = 0, got_end, want_end;
    double a, b;

    for (;;) {
        while (got_at < got.size && want_at < want.size && got.data[got_at] == want.data[want_at]) {
            got_at++;
            want_at++;
        }
        *at = got_at;
        if (got_at == got.size && want_at == want.size)
            return false;
        if (!rounded || !number_around(got, got_at, &a, &got_end) ||
            !number_around(want, want_at, &b, &want_end) ||
            fabs(a - b) > 1e-9 * fmax(1e-9, fmax(fabs(a), fabs(b))))
            return true;
        got_at = got_end;
        want_at = want_end;
    }
}

/* The evaluator knows no catalog; warnings stand last, and query/test_warnings.c has them. */
static struct bytes without_warnings(struct bytes got, struct buf *copy)
{
    static const char warnings[] = ",\"warnings\":[";
    const char *at =
        got.size > 0 ? memmem(got.data, got.size, warnings, sizeof(warnings) - 1) : NULL;

    const char *end = at ? memrchr(at, ']', got.size - (size_t)(at - got.data)) : NULL;

    if (!end)
        return got;
    buf_put(copy, bytes_slice(got, 0, (size_t)(at - got.data)));
    buf_put(copy, bytes_slice(got, (size_t)(end + 1 - got.data), got.size));
    return buf_bytes(copy);
}

static void compare(const struct question *question, uint64_t seed, struct bytes got,
                    struct bytes want)
{
    struct buf copy = BUF_INIT(64 << 20);
    size_t at, from;

    got = without_warnings(got, &copy);
    if (!differ(got, want, is_rounded(&question->naive), &at)) {
        buf_release(&copy);
        return;
    }
    from = at < 300 ? 0 : at - 300;
    tell(question, seed);
    fail_msg("answers differ at byte %zu:\ngot  %.*s\nwant %.*s", at,
             (int)(got.size - from < 600 ? got.size - from : 600), got.data + from,
             (int)(want.size - from < 600 ? want.size - from : 600), want.data + from);
}

static void check_whole(struct data *data, struct question *question, uint64_t seed)
{
    struct buf want = BUF_INIT((size_t)1 << 30);
    struct error err = {0};
    struct twin_sink sink;

    twin_sink_init(&sink);
    if (run(data, question, &sink, &err)) {
        tell(question, seed);
        fail_msg("%s: %s", err.pointer, err.text);
    }
    naive_answer(&question->naive, &want);
    compare(question, seed, buf_bytes(&sink.body), buf_bytes(&want));
    twin_sink_release(&sink);
    buf_release(&want);
}

/* In pieces, by one thread and by two: the same bytes, and the right ones. */
static void check_pieces(struct data *data, struct lent *alone, struct lent *helped,
                         struct question *question, uint64_t seed)
{
    struct buf want = BUF_INIT((size_t)1 << 30);
    struct twin_sink one, two;
    struct error err = {0};

    twin_sink_init(&one);
    twin_sink_init(&two);
    if (run_with(alone, data, question, &one, &err) ||
        run_with(helped, data, question, &two, &err)) {
        tell(question, seed);
        fail_msg("%s: %s", err.pointer, err.text);
    }
    if (!bytes_equal(buf_bytes(&one.body), buf_bytes(&two.body))) {
        tell(question, seed);
        fail_msg("two threads:\n%.*s\none thread:\n%.*s", BYTES_ARG(buf_bytes(&two.body)),
                 BYTES_ARG(buf_bytes(&one.body)));
    }
    naive_answer(&question->naive, &want);
    compare(question, seed, buf_bytes(&two.body), buf_bytes(&want));
    twin_sink_release(&one);
    twin_sink_release(&two);
    buf_release(&want);
}

/* Cuts the last line off. */
static struct bytes without_last_line(struct bytes text, struct bytes *last)
{
    size_t end = text.size - 1;

    while (end > 0 && text.data[end - 1] != '\n')
        end--;
    *last = bytes_slice(text, end, text.size);
    return bytes_slice(text, 0, end);
}

static bool next_cursor(struct bytes end_line, char *next, size_t size)
{
    static const char key[] = "\"next\":\"";
    const char *at = memmem(end_line.data, end_line.size, key, sizeof(key) - 1);
    size_t count = 0;

    if (!at)
        return false;
    for (at += sizeof(key) - 1; *at != '"'; at++) {
        assert_true(count + 1 < size);
        next[count++] = *at;
    }
    next[count] = '\0';
    return true;
}

/* All pages of the question, as NDJSON, are its rows. */
static void check_pages(struct data *data, struct question *question, uint64_t seed)
{
    struct buf all = BUF_INIT((size_t)1 << 30), want = BUF_INIT((size_t)1 << 30);
    uint32_t limit = 1 + below(data, 7);
    size_t count = question->count;
    struct bytes last, rows;
    struct error err = {0};
    char next[4096] = "";
    bool more = true;

    question->naive.format = "ndjson";
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(question->parameters[i].name, BYTES("format")) ||
            bytes_equal(question->parameters[i].name, BYTES("shape")))
            question->parameters[i] = (struct query_parameter){BYTES("format"), BYTES("ndjson")};
    while (more) {
        struct twin_sink sink;

        twin_sink_init(&sink);
        question->count = count;
        ask(question, "limit", "%u", (unsigned)limit);
        if (next[0])
            question->parameters[question->count++] =
                (struct query_parameter){BYTES("cursor"), bytes_of(next)};
        if (run(data, question, &sink, &err)) {
            tell(question, seed);
            fail_msg("%s: %s", err.pointer, err.text);
        }
        rows = without_last_line(buf_bytes(&sink.body), &last);
        more = next_cursor(last, next, sizeof(next));
        assert_string_equal(sink.next, more ? next : "");
        buf_put(&all, rows);
        twin_sink_release(&sink);
    }
    naive_answer(&question->naive, &want);
    compare(question, seed, buf_bytes(&all), without_last_line(buf_bytes(&want), &last));
    buf_release(&all);
    buf_release(&want);
}

static void test_answers_equal_the_naive_ones(void **state)
{
    const char *count_text = getenv("WEIR_TEST_COUNT"), *seed_text = getenv("WEIR_TEST_SEED");
    uint64_t count = count_text ? strtoull(count_text, NULL, 10) : 600;
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL) * 1000000;

    struct lent alone, helped;

    (void)state;
    lent_init(&alone, true);
    lent_init(&helped, false);
    fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < count; seed++) {
        struct data data;

        data_init(&data, seed);
        for (int q = 0; q < QUESTIONS_PER_DATA && i < count; q++, i++) {
            struct question question;

            make_question(&data, &question);
            check_whole(&data, &question, seed);
            check_pieces(&data, &alone, &helped, &question, seed);
            if (q % 3 == 0)
                check_pages(&data, &question, seed);
        }
        data_release(&data);
    }
    assert_int_equal(alone.lent_count, 0);
    assert_true(count < 100 || helped.lent_count > 0);
    lent_release(&alone);
    lent_release(&helped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_equal_the_naive_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
