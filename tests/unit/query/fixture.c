#include "tests/unit/query/fixture.h"

#include "base/number.h"
#include "codec/series_key.h"

#include "tests/unit/query/twin.c"

enum { PARAMETERS_MAX = 32 };

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    twin_init(&fixture->store, FIXTURE_NOW);
    twin_clock_init(&fixture->clock, FIXTURE_NOW);
    limits_init(&fixture->limits);
    assert_int_equal(catalog_new(&fixture->catalog, NULL), OK);
    fixture->tenant = catalog_tenant(fixture->catalog, BYTES("default"));
    fixture->environment = (struct query_environment){.store = &fixture->store,
                                                      .catalog = fixture->catalog,
                                                      .tenant = fixture->tenant,
                                                      .limits = &fixture->limits,
                                                      .retention_ns = INT64_MAX,
                                                      .history_ns = INT64_MAX,
                                                      .clock = &fixture->clock.clock};
    twin_sink_init(&fixture->sink);
}

void fixture_release(struct fixture *fixture)
{
    twin_sink_release(&fixture->sink);
    twin_release(&fixture->store);
    catalog_free(fixture->catalog);
}

/* Cuts what stands before `separator` off `rest`. */
static struct bytes cut(struct bytes *rest, char separator)
{
    const char *found = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    size_t size = found ? (size_t)(found - rest->data) : rest->size;
    struct bytes part = bytes_slice(*rest, 0, size);

    *rest = bytes_slice(*rest, found ? size + 1 : size, rest->size);
    return part;
}

const struct series *fixture_series(struct fixture *fixture, const char *measurement,
                                    const char *tags)
{
    struct bytes rest = bytes_of(tags);
    struct buf key = BUF_INIT(4096);
    struct series_tag list[8];
    struct series *series;
    size_t count = 0;

    while (rest.size > 0) {
        struct bytes value = cut(&rest, ',');
        struct bytes name = cut(&value, '=');

        assert_true(count < COUNT_OF(list));
        list[count++] = (struct series_tag){name, value};
    }
    assert_int_equal(series_key_encode(bytes_of(measurement), list, count, &key, NULL), OK);
    assert_int_equal(
        catalog_series(fixture->catalog, fixture->tenant, buf_bytes(&key), 1000000, &series, NULL),
        OK);
    buf_release(&key);
    return series;
}

static struct twin_cell read_cell(struct fixture *fixture, struct bytes name, struct bytes value)
{
    struct twin_cell cell = {.field = name};
    char last = value.data[value.size - 1], text[64];
    struct bytes number = bytes_slice(value, 0, value.size - 1);

    if (bytes_equal(value, BYTES("null"))) {
        cell.type = TYPE_RETRACTED;
    } else if (bytes_equal(value, BYTES("true")) || bytes_equal(value, BYTES("false"))) {
        cell.type = TYPE_BOOL;
        cell.cell.u64 = value.data[0] == 't';
    } else if (last == '"') {
        cell.type = TYPE_STRING;
        (void)snprintf(text, sizeof(text), "%.*s", (int)value.size - 2, value.data + 1);
        cell.cell.text = twin_text(&fixture->store, text);
    } else if (last == 'i') {
        cell.type = TYPE_I64;
        assert_int_equal(number_parse_i64(number, &cell.cell.i64), OK);
    } else if (last == 'u') {
        cell.type = TYPE_U64;
        assert_int_equal(number_parse_u64(number, &cell.cell.u64), OK);
    } else {
        cell.type = TYPE_F64;
        assert_int_equal(number_parse_f64(value, &cell.cell.f64), OK);
    }
    return cell;
}

uint32_t fixture_row(struct fixture *fixture, const struct series *series, int64_t time,
                     int64_t ingest, const char *fields)
{
    struct twin_row row = {.series = series, .time = time, .ingest = ingest, .revision = INT64_MIN};
    struct bytes rest = bytes_of(fields);

    while (rest.size > 0) {
        struct bytes value = cut(&rest, ' ');
        struct bytes name = cut(&value, '=');
        struct twin_cell cell = read_cell(fixture, name, value);

        assert_true(row.cell_count < TWIN_CELLS_MAX);
        row.cells[row.cell_count++] = cell;
        if (cell.type != TYPE_RETRACTED) {
            enum code code = catalog_claim(fixture->catalog, fixture->tenant, series->measurement,
                                           name, cell.type, 1000, NULL);

            assert_true(code == OK || code == E_FIELD_KIND); /* tests of conflicts */
        }
    }
    return twin_add(&fixture->store, &row);
}

uint32_t fixture_put(struct fixture *fixture, const struct series *series, int64_t time,
                     int64_t ingest, const char *fields)
{
    uint32_t row = fixture_row(fixture, series, time, ingest, fields);

    (void)twin_place(&fixture->store, row, row + 1);
    return row;
}

enum code fixture_ask(struct fixture *fixture, const char *question)
{
    struct query_parameter parameters[PARAMETERS_MAX];
    struct bytes rest = bytes_of(question);
    struct query_sink calls = fixture->sink.sink;
    uint32_t cancel_at = fixture->sink.cancel_at, fail_write_at = fixture->sink.fail_write_at;
    struct query *query;
    struct arena arena;
    size_t count = 0;
    enum code code;

    while (question[0] != '{' && rest.size > 0) {
        struct bytes value = cut(&rest, '&');
        struct bytes name = cut(&value, '=');

        assert_true(count < PARAMETERS_MAX);
        parameters[count++] = (struct query_parameter){name, value};
    }
    twin_sink_release(&fixture->sink);
    twin_sink_init(&fixture->sink);
    fixture->sink.sink = calls;
    fixture->sink.cancel_at = cancel_at;
    fixture->sink.fail_write_at = fail_write_at;
    fixture->outcome = (struct query_outcome){0};
    fixture->err = (struct error){0};
    fixture->store.places_read = fixture->store.headers_read = 0;
    arena_init(&arena, 1 << 20, NULL);
    if (question[0] == '{')
        code =
            query_parse_json(rest, BYTES(""), fixture->clock.wall, &arena, &query, &fixture->err);
    else
        code = (strstr(question, "since=") ? changes_parse
                : fixture->stats           ? stats_parse
                                 : query_parse)(parameters, count, BYTES(""), fixture->clock.wall,
                                                &arena, &query, &fixture->err);
    if (!code)
        code = query_run(query, &fixture->environment, &fixture->sink.sink, &fixture->outcome,
                         &fixture->err);
    arena_release(&arena);
    assert_int_equal(fixture->store.views_open, 0);
    assert_int_equal(code, fixture->err.code);
    return code;
}

void fixture_expect(struct fixture *fixture, const char *question, const char *want)
{
    struct bytes got;

    if (fixture_ask(fixture, question))
        fail_msg("%s: %s: %s", question, fixture->err.pointer, fixture->err.text);
    got = buf_bytes(&fixture->sink.body);
    if (!bytes_equal(got, bytes_of(want)))
        fail_msg("%s\ngot  %.*s\nwant %s", question, BYTES_ARG(got), want);
}

void fixture_refuse(struct fixture *fixture, const char *question, enum code code,
                    const char *pointer, const char *part)
{
    enum code got = fixture_ask(fixture, question);

    if (got != code || strcmp(fixture->err.pointer, pointer) != 0 ||
        !strstr(fixture->err.text, part))
        fail_msg("%s: got %s, pointer \"%s\", \"%s\"; want %s, \"%s\", \"%s\"", question,
                 code_row(got)->slug, fixture->err.pointer, fixture->err.text, code_row(code)->slug,
                 pointer, part);
}
