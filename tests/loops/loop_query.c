/* Questions and the catalog under failing allocations: an answer is the right one or an error,
 * never a shorter one. */
#include "tests/loops/loop.h"

#include "catalog/match.h"
#include "query/query.h"
#include "tests/unit/store/house.h"

enum { SERIES = 6, ROWS = 40, PARAMETERS_MAX = 16, CATALOG_SERIES = 300, SELECTED = 18 };

static struct house house;

struct sink {
    struct query_sink calls;
    char body[1 << 20];
    size_t size;
};

static enum code sink_begin(struct query_sink *calls, const struct query_head *head,
                            struct error *err)
{
    (void)calls, (void)head, (void)err;
    return OK;
}

static enum code sink_write(struct query_sink *calls, struct bytes bytes, struct error *err)
{
    struct sink *sink = (struct sink *)calls;

    (void)err;
    assert_true(bytes.size <= sizeof(sink->body) - sink->size);
    memcpy(sink->body + sink->size, bytes.data, bytes.size);
    sink->size += bytes.size;
    return OK;
}

static bool sink_cancelled(struct query_sink *calls)
{
    (void)calls;
    return false;
}

static size_t split(const char *question, struct query_parameter parameters[PARAMETERS_MAX])
{
    size_t count = 0;

    while (*question != '\0') {
        size_t size = strcspn(question, "&"), name = strcspn(question, "=");

        assert_true(count < PARAMETERS_MAX && name < size);
        parameters[count++] = (struct query_parameter){
            {question,            name           },
            {question + name + 1, size - name - 1}
        };
        question += size + (question[size] == '&');
    }
    return count;
}

/* Asks once; the answer's bytes are in the sink. */
static enum code ask(const char *question, struct sink *sink, struct error *err)
{
    struct query_parameter parameters[PARAMETERS_MAX];
    struct query_environment environment = {
        .store = house.store,
        .catalog = house.catalog,
        .tenant = house.tenant,
        .limits = &house.limits,
        .retention_ns = INT64_MAX,
        .history_ns = INT64_MAX,
        .clock = &house.clock.clock,
    };
    struct query_outcome outcome = {0};
    struct query *query = NULL;
    struct arena arena;
    bool json = question[0] == '{';
    size_t count = json ? 0 : split(question, parameters);
    int64_t now_ns = clock_wall_ns(&house.clock.clock);
    enum code code;

    sink->calls = (struct query_sink){sink_begin, sink_write, sink_cancelled};
    sink->size = 0;
    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    if (json)
        code = query_parse_json(bytes_of(question), BYTES(""), now_ns, &arena, &query, err);
    else
        code = query_parse(parameters, count, BYTES(""), now_ns, &arena, &query, err);
    if (code == OK)
        code = query_run(query, &environment, &sink->calls, &outcome, err);
    faults_disarm();
    arena_release(&arena);
    return code;
}

static const char *question; /* of the loop at hand */

static enum code loop_ask(struct error *err)
{
    static struct sink sink, known;
    static const char *known_question;
    enum code code;

    if (known_question != question) { /* the first run of a loop meets no fault */
        known_question = question;
        code = ask(question, &known, err);
        if (code != OK)
            return code;
        assert_true(known.size > 0);
    }
    code = ask(question, &sink, err);
    if (code == OK && (sink.size != known.size || memcmp(sink.body, known.body, known.size) != 0))
        fail_msg("%s: %s\ngot  %.*s\nwant %.*s", loop_at, question, (int)sink.size, sink.body,
                 (int)known.size, known.body);
    return code;
}

static const char *const questions[] = {
    "measurement=cpu",
    "measurement=cpu&format=ndjson&order=desc",
    "measurement=cpu&format=csv&fields=v&epoch=ns",
    "measurement=cpu&match=host=h1",
    "measurement=cpu&match=host=~h[0-3]&match=host!=h2",
    "measurement=cpu&versions=all",
    "measurement=cpu&format=ndjson&limit=7",
    "measurement=cpu&agg=sum,count,mean,min,max,first,last&fields=v",
    "measurement=cpu&agg=mean&every=7ns&group_by=host&start=0&end=100&format=csv",
    "measurement=cpu&agg=stddev,median,p99,mode,distinct,rate,delta,integral&every=20ns&limit=2",
    "measurement=cpu&agg=max,last&every=10ns&group_by=*&order=desc&start=0&end=100",
    "measurement=cpu&agg=sum,last&fields=v&every=10ns&fill=linear&group_by=host&start=0&end=200&"
    "order=desc",
    "measurement=cpu&agg=sum&fields=v&every=1mo&tz=Europe/Paris&offset=6h&fill=null",
    "measurement=cpu&fields=v,x&let=x=v*2+\"v\"&let=y=x/3&where=v>1&where=y<1e9&order=desc",
    "measurement=cpu&versions=all&fields=x&let=x=-v&where=v!=2",
    "measurement=cpu&agg=max,sum&fields=v&where=v>=0&group_by=host&top=3,max_v&every=20ns",
    "measurement=cpu&fields=v&bottom=5,v&format=csv",
    "measurement=cpu&start=10&end=20&strict=true",
    "measurement=nothing",
    "{\"measurement\":\"cpu\",\"match\":{\"host\":\"h1\"},\"fields\":[\"v\"],\"limit\":3}",
    "{\"selections\":{\"a\":{\"measurement\":\"cpu\",\"fields\":\"v\",\"agg\":[\"sum\",\"last\"],"
    "\"every\":\"10ns\",\"group_by\":\"host\"},\"b\":{\"measurement\":\"cpu\",\"fields\":\"v\","
    "\"agg\":\"max\",\"every\":\"30ns\",\"spread\":true}},\"let\":\"x=a.sum_v/b.max_v\","
    "\"order\":\"desc\"}",
};

static void test_an_answer_is_right_or_an_error(void **state)
{
    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint32_t s = 0; s < SERIES; s++) {
        assert_int_equal(house_put(&house, s, 0, ROWS, NULL), OK);
        if (s % 2 == 0)
            house_seal(&house);
        assert_int_equal(house_put(&house, s, ROWS / 2, ROWS, NULL), OK); /* some corrected */
    }
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        struct loop loop = {questions[i], loop_ask, {E_QUERY_MEMORY}};

        question = questions[i];
        loop_run(&loop);
    }
    house_close(&house);
    house_remove(&house);
}

static size_t catalog_key(uint32_t number, char key[64])
{
    char host[16], rack[16];
    struct series_tag tags[] = {
        {BYTES("host"), {host, (size_t)snprintf(host, 16, "h%u", number)}    },
        {BYTES("rack"), {rack, (size_t)snprintf(rack, 16, "r%u", number % 7)}},
    };
    char name[16];
    struct bytes measurement = {name, 0};
    struct buf out = BUF_INIT(64);
    size_t size;

    /* Two thirds are of one measurement, the others of many. */
    measurement.size =
        (size_t)(number % 3 == 0 ? snprintf(name, 16, "mem%u", number) : snprintf(name, 16, "cpu"));

    assert_int_equal(series_key_encode(measurement, tags, 2, &out, NULL), OK);
    size = out.size;
    memcpy(key, out.data, size);
    buf_release(&out);
    return size;
}

/* Series that were refused are not there, those that were taken are, and both can be asked for
 * again. */
static enum code loop_catalog(struct error *err)
{
    static char keys[CATALOG_SERIES][64];
    struct bytes spans[CATALOG_SERIES];
    static const struct matcher matchers[] = {
        {BYTES("host"), MATCH_REGEX,     BYTES("h[0-9]*5")},
        {BYTES("rack"), MATCH_NOT_EQUAL, BYTES("r3")      },
    };
    static const struct selector selector = {BYTES("cpu"), matchers, 2};
    struct catalog *catalog = NULL;
    const struct tenant *tenant = NULL;
    struct series *series, **found, *again;
    struct bytes *names;
    struct field_info *fields;
    struct arena arena;
    size_t count, taken = 0;
    enum code code;

    for (uint32_t i = 0; i < CATALOG_SERIES; i++)
        spans[i] = (struct bytes){keys[i], catalog_key(i, keys[i])};
    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    code = catalog_new(&catalog, err);
    if (code == OK) {
        tenant = catalog_tenant(catalog, BYTES("acme"));
        if (tenant == NULL)
            code = error_set(err, E_MEMORY, "a tenant");
    }
    for (uint32_t i = 0; code == OK && i < CATALOG_SERIES; i++) {
        code = catalog_series(catalog, tenant, spans[i], 1000, &series, err);
        taken += code == OK;
        if (code == OK)
            code = catalog_claim(catalog, tenant, series->measurement,
                                 i % 2 == 0 ? BYTES("even") : BYTES("odd"), TYPE_F64, 100, err);
    }
    if (code == OK)
        code = catalog_select(catalog, tenant, &selector, 1000, NULL, &arena, &found, &count, err);
    if (code == OK && count != SELECTED)
        fail_msg("%s: %zu series selected", loop_at, count);
    if (code == OK)
        code = catalog_tag_values(catalog, tenant, BYTES("cpu"), BYTES("rack"), BYTES(""), 100,
                                  &arena, &names, &count, err);
    assert_true(code != OK || count == 7);
    if (code == OK)
        code = catalog_fields(catalog, tenant, BYTES("cpu"), BYTES(""), 100, &arena, &fields,
                              &count, err);
    assert_true(code != OK || count == 2);
    if (code == OK)
        code = catalog_tag_keys(catalog, tenant, BYTES(""), BYTES(""), 100, &arena, &names, &count,
                                err);
    if (code == OK)
        code = catalog_measurements(catalog, tenant, BYTES(""), 100, &arena, &names, &count, err);
    assert_true(code != OK || count == 100); /* the limit */
    faults_disarm();
    if (tenant != NULL) {
        assert_int_equal(catalog_series_count(catalog, tenant), taken);
        for (uint32_t i = 0; i < CATALOG_SERIES; i++) {
            assert_int_equal(catalog_series(catalog, tenant, spans[i], 1000, &series, NULL), OK);
            assert_int_equal(catalog_series(catalog, tenant, spans[i], 1000, &again, NULL), OK);
            assert_ptr_equal(series, again);
            assert_int_equal(catalog_claim(catalog, tenant, series->measurement, BYTES("even"),
                                           TYPE_F64, 100, NULL),
                             OK);
        }
        assert_int_equal(
            catalog_select(catalog, tenant, &selector, 1000, NULL, &arena, &found, &count, NULL),
            OK);
        assert_int_equal(count, SELECTED);
    }
    arena_release(&arena);
    catalog_free(catalog);
    return code;
}

static void test_a_catalog_has_what_it_took(void **state)
{
    static const struct loop loop = {"catalog", loop_catalog, {E_QUERY_MEMORY}};

    (void)state;
    loop_run(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_right_or_an_error),
        cmocka_unit_test(test_a_catalog_has_what_it_took),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
