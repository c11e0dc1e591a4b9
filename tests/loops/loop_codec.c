/* Every allocation of base/, model/ and codec/ fails once: what is refused is refused with an
 * answer, what is taken is taken whole. */
#include "tests/loops/loop.h"

#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/queue.h"
#include "base/text_file.h"
#include "codec/decoder.h"
#include "codec/inflate.h"
#include "codec/json_doc.h"
#include "codec/tree/rows.h"
#include "codec/yaml_doc.h"
#include "discovery/directory.h"
#include "discovery/tenants_file.h"
#include "http/compress.h"
#include "server/config.h"
#include "tests/unit/codec/batch_text.h"
#include "tests/unit/codec/record_sample.h"

enum { LINES = 300, BODY_BYTES_MAX = 1 << 20 };

static enum code loop_buf(struct error *err)
{
    struct buf buf = BUF_INIT((size_t)1 << 20);
    enum code code;

    faults_arm();
    for (uint32_t i = 0; i < 4000; i++) {
        buf_put_u32(&buf, i);
        buf_printf(&buf, "%u", i % 10);
    }
    code = buf_finish(&buf, err);
    faults_disarm();
    assert_true(code != OK || buf.size == 4000 * 5);
    buf_clear(&buf);
    buf_put_text(&buf, "again");
    assert_int_equal(buf_finish(&buf, NULL), OK);
    buf_release(&buf);
    return code;
}

static enum code loop_arena(struct error *err)
{
    struct budget budget = {.bytes_max = (size_t)64 << 20};
    struct arena arena;
    char *first, *last = NULL;
    enum code code = OK;

    arena_init(&arena, (size_t)64 << 20, &budget);
    first = arena_alloc(&arena, 16);
    memset(first, 'a', 16);
    faults_arm();
    for (uint32_t i = 1; i < 200 && code == OK; i++) {
        last = arena_grow(&arena, i == 1 ? first : last, i * 16, (i + 1) * 16);
        if (last == NULL || arena_zero(&arena, i * 800) == NULL)
            code = error_set(err, E_MEMORY, "an arena at its end");
    }
    faults_disarm();
    assert_true(code != OK || memcmp(last, "aaaaaaaaaaaaaaaa", 16) == 0);
    assert_non_null(arena_alloc(&arena, 100)); /* and goes on after */
    arena_release(&arena);
    assert_int_equal(budget_used(&budget), 0);
    return code;
}

static enum code loop_map(struct error *err)
{
    static char keys[5000][8];
    struct map map = MAP_INIT;
    enum code code = OK;
    uint32_t count = 0;

    for (uint32_t i = 0; i < 5000; i++)
        snprintf(keys[i], sizeof(keys[i]), "k%u", i);
    faults_arm();
    while (code == OK && count < 5000) {
        if (map_put(&map, bytes_of(keys[count]), keys[count]))
            count++;
        else
            code = error_set(err, E_MEMORY, "a map that cannot grow");
    }
    faults_disarm();
    assert_int_equal(map.count, count);
    for (uint32_t i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&map, bytes_of(keys[i])), i < count ? keys[i] : NULL);
    map_release(&map);
    return code;
}

static enum code loop_queue(struct error *err)
{
    struct queue *queue = NULL;
    enum code code;

    ARMED(code = queue_new(100, &queue, err));
    assert_true((code == OK) == (queue != NULL));
    if (code == OK)
        assert_true(queue_send(queue, &queue));
    queue_free(queue);
    return code;
}

static enum code loop_metrics(struct error *err)
{
    struct metrics *metrics = NULL;
    struct buf text = BUF_INIT((size_t)1 << 20);
    uint64_t made = 0;
    enum code code;

    faults_arm();
    code = metrics_new(&metrics, err);
    for (uint32_t i = 0; code == OK && i < 300; i++) {
        struct buf labels = BUF_INIT(1000);
        char name[32], tenant[16];
        struct metric *metric = NULL;

        snprintf(name, sizeof(name), "weir_loop%u_total", i % 100);
        snprintf(tenant, sizeof(tenant), "t%u", i / 100);
        metric_label(&labels, "tenant", bytes_of(tenant));
        buf_put_char(&labels, '\0');
        if (!labels.failed)
            metric = metrics_get(metrics, name, "Loops.", METRIC_COUNTER, labels.data);
        metric_add(metric, 1);
        made += metric_value(metric);
        buf_release(&labels);
    }
    if (code == OK) {
        metrics_print(metrics, &text);
        code = buf_finish(&text, err);
    }
    faults_disarm();
    if (metrics != NULL) {
        buf_release(&text);
        metrics_print(metrics, &text);
        buf_put_char(&text, '\0');
        assert_int_equal(buf_finish(&text, NULL), OK);
        for (const char *at = text.data; (at = strstr(at, "tenant=")) != NULL; at++)
            made--;
        assert_int_equal(made, 0); /* those that were made are printed, and no others */
    }
    buf_release(&text);
    metrics_free(metrics);
    return code;
}

/* Lines, or JSON points, of some shapes, some bad. */
static struct bytes body_lines(char body[BODY_BYTES_MAX])
{
    size_t size = 0;

    for (uint32_t i = 0; i < LINES; i++)
        size += (size_t)snprintf(
            body + size, BODY_BYTES_MAX - size,
            i % 29 == 7  ? "m%u,host=h%u value=oops %u\n"
            : i % 3 == 0 ? "m%u,host=h%u,rack=r\\ 1 value=1.5,text=\"a \\\"quoted\\\" text\" %u\n"
                         : "m%u,host=h%u value=1.25,n=3i,u=4u,on=true %u\n",
            i % 5, i % 37, i / 2);
    return (struct bytes){body, size};
}

static struct bytes body_json(char body[BODY_BYTES_MAX])
{
    size_t size = (size_t)snprintf(body, BODY_BYTES_MAX, "{\"points\":[");

    for (uint32_t i = 0; i < LINES; i++)
        size +=
            (size_t)snprintf(body + size, BODY_BYTES_MAX - size,
                             "%s{\"measurement\":\"m%u\",\"tags\":{\"host\":\"h\\u00e4%u\"},"
                             "\"time\":%u,\"fields\":{\"value\":%s,\"text\":\"a\\nb\"}}",
                             i == 0 ? "" : ",", i % 5, i % 37, i / 2, i % 29 == 7 ? "[]" : "1.5");
    size += (size_t)snprintf(body + size, BODY_BYTES_MAX - size, "]}");
    return (struct bytes){body, size};
}

/* Decodes in pieces, then lets the later line win; what comes out whole is as it always is. */
static enum code decode(const struct decoder_row *row, struct bytes body, size_t piece,
                        struct buf *known, struct error *err)
{
    struct limits limits;
    struct decode_options options = {.now_ns = 1, .limits = &limits};
    struct buf text = BUF_INIT((size_t)64 << 20);
    struct decoder *decoder = NULL;
    struct error why = {0};
    struct arena arena;
    struct batch batch;
    enum code code;

    limits_init(&limits);
    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, limits.errors_max);
    faults_arm();
    code = row->begin(&batch, &options, &decoder, err);
    for (size_t at = 0; code == OK && at < body.size; at += piece)
        code = row->feed(
            decoder, bytes_slice(body, at, at + piece < body.size ? at + piece : body.size), err);
    if (code == OK)
        code = row->finish(decoder, err);
    row->free(decoder);
    if (code == OK && !batch_resolve(&batch))
        code = error_set(err, E_MEMORY, "resolving");
    if (code == OK && !batch_series_drop_unused(&batch))
        code = error_set(err, E_MEMORY, "dropping");
    faults_disarm();
    if (code == OK) {
        if (!batch_check(&batch, &why))
            fail_msg("%s: %s", loop_at, why.text);
        batch_text(&batch, &text);
        if (known->data == NULL)
            buf_put(known, buf_bytes(&text));
        else if (!bytes_equal(buf_bytes(known), buf_bytes(&text)))
            fail_msg("%s: a batch that lacks something", loop_at);
    }
    buf_release(&text);
    batch_release(&batch);
    arena_release(&arena);
    return code;
}

/* A point a line. */
static struct bytes body_ndjson(char body[BODY_BYTES_MAX])
{
    size_t size = 0;

    for (uint32_t i = 0; i < LINES; i++)
        size += (size_t)snprintf(body + size, BODY_BYTES_MAX - size,
                                 "{\"measurement\":\"m%u\",\"tags\":{\"host\":\"h%u\"},"
                                 "\"time\":%u,\"fields\":{\"value\":%s,\"text\":\"a\\nb\"}}\n",
                                 i % 5, i % 37, i / 2, i % 29 == 7 ? "[]" : "1.5");
    return (struct bytes){body, size};
}

static char ndjson[BODY_BYTES_MAX];
static struct buf known_ndjson = BUF_INIT((size_t)64 << 20);
static char lines[BODY_BYTES_MAX], json[BODY_BYTES_MAX];
static struct buf known_lines = BUF_INIT((size_t)64 << 20);
static struct buf known_json = BUF_INIT((size_t)64 << 20);

static enum code loop_lines(struct error *err)
{
    return decode(&decoder_line_protocol, body_lines(lines), 1000, &known_lines, err);
}

/* Series whose texts are plain are not looked for until one comes whose text is not. */
static struct bytes body_plain(char body[BODY_BYTES_MAX])
{
    size_t size = 0;

    for (uint32_t i = 0; i < LINES; i++)
        size += (size_t)snprintf(body + size, BODY_BYTES_MAX - size,
                                 i < LINES - 50 ? "m,host=h%u,rack=r value=1.25 %u\n"
                                                : "m,rack=r,host=h%u value=1.25 %u\n",
                                 i % 250, i);
    return (struct bytes){body, size};
}

static char plain[BODY_BYTES_MAX];
static struct buf known_plain = BUF_INIT((size_t)64 << 20);

static enum code loop_plain(struct error *err)
{
    return decode(&decoder_line_protocol, body_plain(plain), 1000, &known_plain, err);
}

static enum code loop_json(struct error *err)
{
    return decode(&decoder_json, body_json(json), 777, &known_json, err);
}

static enum code loop_ndjson(struct error *err)
{
    return decode(&decoder_ndjson, body_ndjson(ndjson), 777, &known_ndjson, err);
}

static enum code drop_odd(void *context, const struct batch_table *table, uint32_t row,
                          struct error *why)
{
    (void)context;
    return table->time[row] % 2000 == 0 ? OK : error_set(why, E_TIME_RANGE, "odd");
}

/* Rows out, a record written, read and written again. */
static enum code loop_record(struct error *err)
{
    static const struct note note = {.key = BYTES("key"), .status = 200, .result = BYTES("{}")};
    struct buf first = BUF_INIT((size_t)1 << 20), second = BUF_INIT((size_t)1 << 20);
    struct record_sample sample;
    struct record record = {0};
    struct arena arena;
    enum code code;

    sample_make(&sample, 3, 200);
    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    batch_drop_rows(&sample.batch, drop_odd, NULL);
    record_encode_rows(BYTES("acme"), &note, &sample.batch, &first);
    code = buf_finish(&first, err);
    if (code == OK)
        code = record_decode(buf_bytes(&first), &arena, &record, err);
    faults_disarm();
    if (code == OK) {
        for (uint32_t i = 0; i < record.batch->series_count; i++)
            record.batch->series[i].series = &sample.series[i];
        record_encode_rows(record.tenant, &record.note, record.batch, &second);
        assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
        assert_int_equal(record.batch->row_count, 100);
        batch_release(record.batch);
    }
    buf_release(&first);
    buf_release(&second);
    arena_release(&arena);
    sample_release(&sample);
    return code;
}

static enum code loop_deletion(struct error *err)
{
    static const struct matcher matchers[] = {
        {BYTES("host"), MATCH_REGEX, BYTES("a|b")}
    };
    static const struct bytes fields[] = {BYTES("x"), BYTES("y")};
    static const struct note none = {0};
    static const struct tombstone tombstone = {
        .selector = {BYTES("cpu"), matchers, 1},
        .start = 1,
        .end = 9,
        .fields = fields,
        .field_count = 2
    };
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct record record = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    record_encode_delete(BYTES("acme"), &none, &tombstone, &out);
    code = buf_finish(&out, err);
    if (code == OK)
        code = record_decode(buf_bytes(&out), &arena, &record, err);
    faults_disarm();
    assert_true(code != OK || (record.tombstone.field_count == 2 && record.tombstone.end == 9));
    buf_release(&out);
    arena_release(&arena);
    return code;
}

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    *(size_t *)context += piece.size;
    return OK;
}

static enum code inflate_all(const char *encoding, struct bytes packed, size_t want,
                             struct error *err)
{
    struct inflate *inflate = NULL;
    size_t got = 0;
    enum code code;

    faults_arm();
    code = inflate_new(bytes_of(encoding), (uint64_t)1 << 30, 1000, &inflate, err);
    for (size_t at = 0; code == OK && at < packed.size; at += 100)
        code = inflate_feed(
            inflate, bytes_slice(packed, at, at + 100 < packed.size ? at + 100 : packed.size),
            take_piece, &got, err);
    if (code == OK)
        code = inflate_finish(inflate, err);
    inflate_free(inflate);
    faults_disarm();
    assert_true(code != OK || got == want);
    return code;
}

static char packed[BODY_BYTES_MAX];

static enum code inflate_zlib(const char *encoding, int window, struct error *err)
{
    struct bytes body = body_lines(lines);
    z_stream stream = {.next_in = (Bytef *)lines,
                       .avail_in = (uInt)body.size,
                       .next_out = (Bytef *)packed,
                       .avail_out = sizeof(packed)};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return inflate_all(encoding, (struct bytes){packed, stream.total_out}, body.size, err);
}

static enum code loop_gzip(struct error *err)
{
    return inflate_zlib("gzip", 31, err);
}

static enum code loop_deflate(struct error *err)
{
    return inflate_zlib("deflate", 15, err);
}

static enum code loop_zstd(struct error *err)
{
    struct bytes body = body_lines(lines);
    size_t size = ZSTD_compress(packed, sizeof(packed), body.data, body.size, 1);

    assert_false(ZSTD_isError(size));
    return inflate_all("zstd", (struct bytes){packed, size}, body.size, err);
}

static enum code keep_piece(void *context, struct bytes piece, struct error *err)
{
    buf_put(context, piece);
    return buf_finish(context, err);
}

/* An answer compressed in pieces. */
static enum code compress_all(enum coding coding, struct error *err)
{
    struct bytes body = body_lines(lines);
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct compressor *compressor = NULL;
    enum code code;

    faults_arm();
    code = compressor_new(coding, &compressor, err);
    for (size_t at = 0; code == OK && at < body.size; at += 5000) {
        size_t end = at + 5000 < body.size ? at + 5000 : body.size;

        code =
            compressor_run(compressor, bytes_slice(body, at, end),
                           end == body.size ? COMPRESS_END : COMPRESS_FLUSH, keep_piece, &out, err);
    }
    compressor_free(compressor);
    faults_disarm();
    if (code == OK) /* reading it may meet the fault */
        code = inflate_all(coding_name(coding), buf_bytes(&out), body.size, err);
    buf_release(&out);
    return code;
}

static enum code loop_compress_gzip(struct error *err)
{
    return compress_all(CODING_GZIP, err);
}

static enum code loop_compress_zstd(struct error *err)
{
    return compress_all(CODING_ZSTD, err);
}

static enum code loop_json_doc(struct error *err)
{
    static const struct bytes text =
        BYTES("{\"a\":[1,2.5,null,true,\"x\\u00e4\"],\"b\":{\"c\":{},\"d\":[[],[{}]]},\"e\":-7}");
    struct json *root = NULL;
    enum code code;

    ARMED(code = json_doc_parse(text, 10, &root, err));
    if (code == OK) {
        assert_int_equal(json_integer_of(json_member(root, "e")), -7);
        assert_int_equal(json_count(json_member(root, "a")), 5);
    }
    json_doc_free(root);
    return code;
}

enum { TENANTS = 12 };

static struct bytes tenants_text(void)
{
    static char text[1 << 14];
    size_t size = (size_t)snprintf(text, sizeof(text),
                                   "shards:\n"
                                   "  s0: {uri: 'mongodb://a.example'}\n"
                                   "  s1: {uri: 'mongodb://b.example', unsafe: true}\n"
                                   "tenants:\n");

    for (int i = 0; i < TENANTS; i++)
        size += (size_t)snprintf(
            text + size, sizeof(text) - size,
            "  t%d:\n"
            "    shard: s%d\n"
            "    retention: 400d\n"
            "    limits: {series_max: 50000, body_bytes_max: 1MiB}\n"
            "    tokens:\n"
            "      - {id: k%d, "
            "sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad,\n"
            "         scopes: [read, write], note: meters}\n",
            i, i % 2, i);
    return (struct bytes){text, size};
}

static enum code loop_yaml(struct error *err)
{
    const struct yaml_node *root = NULL;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    ARMED(code = yaml_doc_parse(tenants_text(), &arena, &root, err));
    assert_true(code != OK || root->count == 2);
    arena_release(&arena);
    return code;
}

/* A reload that fails leaves what was there. */
static enum code loop_tenants(struct error *err)
{
    static char path[] = "/tmp/weir-loop-tenants-XXXXXX";
    struct directory *directory = NULL;
    struct bytes text = tenants_text();
    struct directory_snapshot *snapshot;
    struct limits node;
    FILE *file;
    enum code code;

    limits_init(&node);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(directory_open(path, &node, &directory, NULL), OK);
    ARMED(code = directory_reload(directory, err));
    snapshot = directory_get(directory);
    assert_non_null(directory_tenant(snapshot, BYTES("t0")));
    assert_non_null(directory_tenant(snapshot, BYTES("t11")));
    directory_put(snapshot);
    directory_close(directory);
    directory = NULL;
    if (code == OK) {
        ARMED(code = directory_open(path, &node, &directory, err));
        assert_true((code == OK) == (directory != NULL));
        directory_close(directory);
    }
    unlink(path);
    return code;
}

static enum code loop_config(struct error *err)
{
    static char *environment[] = {(char *)"WEIR_LISTEN=127.0.0.1:1234",
                                  (char *)"WEIR_LIMITS_BODY_BYTES_MAX=2MiB", NULL};
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct config *config = NULL;
    enum code code;

    faults_arm();
    code = config_new(&config, err);
    if (code == OK)
        code = config_load(config, environment, err);
    if (code == OK) {
        config_print(config, &out);
        code = buf_finish(&out, err);
    }
    faults_disarm();
    if (code == OK)
        assert_int_equal(config_settings(config)->limits.body_bytes_max, 2 << 20);
    config_free(config);
    buf_release(&out);
    return code;
}

static enum code add_row(void *context, const struct tree_row *row, struct error *err)
{
    (void)err;
    *(size_t *)context += row->slots[0].text.size + row->slots[1].text.size;
    return OK;
}

/* A document of a remote API in pieces, as often as its plan wants; `want` bytes of texts. */
static enum code read_tree(const struct tree_format *format, struct bytes body, const char *rows,
                           bool zip, const char *const slots[2], size_t want, struct error *err)
{
    static const struct tree_limits limits = {.depth_max = 20, .leaf_bytes_max = 1000};
    static const struct tree_rows_limits rows_limits = {1000, 1 << 20};
    const struct tree_plan *plan = NULL;
    struct tree_slot slot[2] = {0};
    struct tree_rows *made = NULL;
    struct tree_path path;
    struct arena arena;
    size_t got = 0;
    enum code code;

    arena_init(&arena, (size_t)1 << 20, NULL);
    faults_arm();
    code = tree_path_parse(bytes_of(rows), true, &arena, &path, err);
    for (size_t i = 0; i < 2 && code == OK; i++)
        code = tree_path_parse(bytes_of(slots[i]), false, &arena, &slot[i].path, err);
    if (code == OK)
        code = tree_plan_make(&path, zip, slot, 2, &arena, &plan, err);
    if (code == OK)
        code = tree_rows_open(plan, &rows_limits, add_row, &got, &made, err);
    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(plan); pass++) {
        struct tree_sink sink = tree_rows_sink(made);
        struct tree_reader *reader = NULL;

        code = format->open(&limits, NULL, &sink, &reader, err);
        for (size_t at = 0; code == OK && at < body.size; at += 7)
            code = format->feed(
                reader, bytes_slice(body, at, at + 7 < body.size ? at + 7 : body.size), err);
        if (code == OK)
            code = format->finish(reader, err);
        format->close(reader);
        if (code == OK)
            code = tree_rows_passed(made, err);
    }
    tree_rows_close(made);
    faults_disarm();
    assert_true(code != OK || got == want);
    arena_release(&arena);
    return code;
}

static enum code loop_tree_json(struct error *err)
{
    return read_tree(
        &tree_json,
        BYTES("{\"rows\":[{\"name\":\"a\\u00e4 long text\"},{\"name\":12}],\"unit\":\"kWh\"}"),
        "/rows/*", false, (const char *const[]){"name", "../unit"}, 13 + 2 + 6, err);
}

static enum code loop_tree_zip(struct error *err)
{
    return read_tree(&tree_json, BYTES("{\"t\":[1,2,3,4,5,6,7,8,9],\"v\":[1,2,3,4,5,6,7,8,10]}"),
                     "/", true, (const char *const[]){"t", "v"}, 19, err);
}

static enum code loop_tree_xml(struct error *err)
{
    return read_tree(&tree_xml, BYTES("<d u='kWh'><r k='1'>text</r><r><a/>more text</r></d>"),
                     "/d/r/*", false, (const char *const[]){"", "../@u"}, 4 + 9 + 6, err);
}

static enum code loop_tree_csv(struct error *err)
{
    return read_tree(&tree_csv, BYTES("name,\"the \"\"unit\"\"\"\na,\"k\"\"Wh\"\nb,\n"), "*", false,
                     (const char *const[]){"name", "the \"unit\""}, 6, err);
}

static const struct loop loops[] = {
    {"buf",         loop_buf,           {0}},
    {"arena",       loop_arena,         {0}},
    {"map",         loop_map,           {0}},
    {"queue",       loop_queue,         {0}},
    {"metrics",     loop_metrics,       {0}},
    {"lines",       loop_lines,         {0}},
    {"plain lines", loop_plain,         {0}},
    {"JSON points", loop_json,          {0}},
    {"NDJSON",      loop_ndjson,        {0}},
    {"record",      loop_record,        {0}},
    {"deletion",    loop_deletion,      {0}},
    {"gzip",        loop_gzip,          {0}},
    {"deflate",     loop_deflate,       {0}},
    {"zstd",        loop_zstd,          {0}},
    {"to gzip",     loop_compress_gzip, {0}},
    {"to zstd",     loop_compress_zstd, {0}},
    {"JSON text",   loop_json_doc,      {0}},
    {"YAML text",   loop_yaml,          {0}},
    {"JSON rows",   loop_tree_json,     {0}},
    {"JSON zip",    loop_tree_zip,      {0}},
    {"XML rows",    loop_tree_xml,      {0}},
    {"CSV rows",    loop_tree_csv,      {0}},
    {"tenants",     loop_tenants,       {0}},
    {"config",      loop_config,        {0}},
};

static void test_no_allocation_that_fails_harms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

static int teardown(void **state)
{
    buf_release(&known_lines);
    buf_release(&known_plain);
    buf_release(&known_json);
    buf_release(&known_ndjson);
    return loop_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_allocation_that_fails_harms),
    };
    return cmocka_run_group_tests(tests, loop_setup, teardown);
}
