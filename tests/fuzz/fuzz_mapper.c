/* Any bytes as a page of one of several sources, from the network's bytes to points: what packed
 * them is taken off, rows are mapped.  Points are what the document may make, and the same in
 * whatever pieces the bytes come.  The first byte of the input chooses the source, the second the
 * pieces. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/utf8.h"
#include "ingest/pull/reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD                                                                                       \
    "{\"name\":\"a\",\"schedule\":{\"every\":\"1h\"},\"request\":{\"url\":\"https://a.example/"    \
    "\"},"
#define WINDOW                                                                                     \
    "{\"name\":\"a\",\"schedule\":{\"every\":\"1h\"},\"request\":{\"url\":\"https://a.example/\"," \
    "\"query\":{\"from\":\"${window.start}\"}},"                                                   \
    "\"window\":{\"from\":\"1970-01-01\",\"step\":\"P1D\"},"

static const char *const documents[] = {
    HEAD "\"decode\":\"json\",\"rows\":\"/data/*\",\"time\":{\"path\":\"t\"},"
         "\"measurement\":\"m_${row.n}\",\"faults_max\":9,"
         "\"values\":[{\"path\":\"v\",\"field\":\"v\",\"scale\":2,\"offset\":1,\"decimal\":\",\","
         "\"thousands\":\".\",\"qualifier\":[\"<\",\"<<\"],\"coded\":\"keep\",\"null\":[\"-\"]},"
         "{\"path\":\"i\",\"field\":\"i\",\"type\":\"integer\"},"
         "{\"path\":\"b\",\"field\":\"b\",\"type\":\"bool\"},"
         "{\"path\":\"s\",\"field\":\"s_${row.n}\",\"type\":\"text\",\"tags\":{\"k\":{\"path\":"
         "\"n\"}}}],"
         "\"tags\":{\"x\":{\"path\":\"../x\"}},\"versions\":{\"known_at\":\"k\",\"keep\":"
         "\"latest\"}}",
    WINDOW "\"decode\":\"json\",\"rows\":{\"zip\":\"/h\"},"
           "\"time\":{\"path\":\"t\",\"format\":\"unix_ms\",\"label\":\"end\",\"step\":\"1h\"},"
           "\"measurement\":\"m\",\"faults_max\":1000,"
           "\"values\":[{\"path\":\"v\",\"field\":\"v\",\"unit_path\":\"/u/v\",\"units\":{\"F\":{"
           "\"scale\":0.5,\"offset\":-17},\"C\":{}}},{\"path\":\"w\",\"field\":\"w\"}]}",
    WINDOW "\"decode\":\"xml\",\"rows\":\"/D/S/*/P/*\","
           "\"time\":{\"base\":\"../start\",\"index\":\"pos\",\"step_path\":\"../res\","
           "\"tz\":\"Europe/London\",\"fill\":{\"when\":{\"../curve\":\"A03\"},\"to\":\"../end\"}},"
           "\"measurement\":\"m\",\"values\":[{\"path\":\"q\",\"field\":\"q\",\"missing\":"
           "\"fail\"}],\"tags\":{\"z\":{\"path\":\"../@z\"}},\"where\":{\"../type\":\"A\"}}",
    HEAD "\"decode\":{\"csv\":{\"separator\":\";\",\"skip\":1}},"
         "\"time\":{\"path\":[\"d\",\"h\"],\"format\":\"%d/%m/%Y %H:%M\",\"tz\":\"Europe/Paris\","
         "\"ambiguous\":\"order\"},\"measurement\":\"m\",\"faults_max\":5,"
         "\"values\":[{\"path\":\"v\",\"field\":\"v\"},{\"path\":\"c\",\"field\":\"c\",\"type\":"
         "\"text\",\"missing\":\"fail\"}],\"tags\":{\"site\":\"${row.s}\"}}",
    HEAD
    "\"decode\":\"ndjson\",\"rows\":\"*/i/*\",\"time\":{\"path\":\"t\",\"format\":\"unix_ns\"},"
    "\"measurement\":\"m\",\"faults_max\":100000,"
    "\"values\":[{\"path\":\"v\",\"field\":\"f\",\"measurement\":\"n\"},"
    "{\"path\":\"v\",\"field\":\"${row.n}\",\"type\":\"integer\",\"scale\":10}]}",
    HEAD "\"decode\":{\"csv\":{\"columns\":[\"t\",\"v\",\"w\"]}},\"time\":{\"path\":\"t\","
         "\"format\":\"excel\",\"tz\":\"America/New_York\"},\"measurement\":\"m\","
         "\"values\":[{\"path\":\"v\",\"field\":\"v\",\"coded\":\"skip\"},{\"path\":\"w\","
         "\"field\":\"w\"}]}",
    HEAD "\"decode\":\"json\",\"rows\":\"/*\",\"time\":{\"path\":\"t\"},\"measurement\":\"m\","
         "\"values\":[{\"path\":\"v\",\"field\":\"v\"}]}",
    HEAD "\"decode\":\"json\",\"rows\":\"/\",\"time\":{\"path\":\"a/t\",\"label\":\"end\","
         "\"step_path\":\"/s\"},\"measurement\":\"m\",\"values\":[{\"path\":\"a/v/0\",\"field\":"
         "\"v\",\"type\":\"bool\"}]}",
};
static struct source *sources[COUNT_OF(documents)];

/* A page as it comes, and what became of it. */
struct page {
    struct bytes body;
    size_t piece;
    struct hash128_state sum;
    uint64_t points;
};

static enum code read_page(void *context,
                           enum code (*take)(void *taker, struct bytes piece, struct error *err),
                           void *taker, struct error *err)
{
    const struct page *page = context;
    enum code code = OK;

    for (size_t at = 0; code == OK && at < page->body.size; at += page->piece) {
        size_t left = page->body.size - at, size = left < page->piece ? left : page->piece;
        char *piece = malloc(size); /* of its own size: what reads beyond it is seen */

        assert(piece != NULL);
        memcpy(piece, page->body.data + at, size);
        code = take(taker, (struct bytes){piece, size}, err);
        free(piece);
    }
    return code;
}

static void add_text(struct page *page, struct bytes text)
{
    assert(utf8_check(text) == text.size);
    hash128_add(&page->sum, (struct bytes){(const char *)&text.size, sizeof(text.size)});
    hash128_add(&page->sum, text);
}

static void add_number(struct page *page, uint64_t number)
{
    hash128_add(&page->sum, (struct bytes){(const char *)&number, sizeof(number)});
}

static enum code take(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct page *page = context;

    (void)err;
    assert(point->timed && point->measurement.size > 0 && point->field_count > 0);
    page->points++;
    add_text(page, point->measurement);
    for (uint32_t i = 0; i < point->tag_count; i++) {
        assert(point->tags[i].value.size > 0);
        add_text(page, point->tags[i].key);
        add_text(page, point->tags[i].value);
    }
    add_number(page, (uint64_t)point->time);
    add_number(page, (uint64_t)revision);
    for (uint32_t i = 0; i < point->field_count; i++) {
        const struct point_field *field = &point->fields[i];

        assert(field->name.size > 0 && field->type != TYPE_NONE);
        assert(field->type != TYPE_F64 || isfinite(field->cell.f64));
        add_text(page, field->name);
        if (field->type == TYPE_STRING)
            add_text(page, text_bytes(field->cell.text));
        else
            add_number(page, field->cell.u64);
    }
    return OK;
}

static void forget(void *context)
{
    struct page *page = context;

    hash128_begin(&page->sum);
    page->points = 0;
}

static void open_sources(void)
{
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct source_faults faults;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        code = source_parse(BYTES(""), bytes_of(documents[i]), &arena, &sources[i], &faults, &err);
        if (code)
            fprintf(stderr, "document %zu: %s: %s\n", i, err.pointer, err.text);
        assert(code == OK);
        arena_release(&arena);
    }
}

static enum code page_at(void *context, uint64_t offset, char *into, size_t size, struct error *err)
{
    const struct page *page = context;

    (void)err;
    assert(offset <= page->body.size && size <= page->body.size - offset);
    memcpy(into, page->body.data + offset, size);
    return OK;
}

static struct verdict read_body(const struct source *source, struct page *page, uint64_t *rows)
{
    static const struct source_partition none = {NULL, 0};
    const struct reading_sink sink = {take, forget, page};
    struct reading_facts facts;
    struct reading *reading;
    struct error err = {0};
    struct limits limits;
    struct reading_terms terms = {
        .source = source,
        .partition = &none,
        .windowed = source->window.given,
        .end_ns = INT64_C(2000000000000000000),
        .fetched_ns = INT64_C(1700000000000000000),
        .body = {page->body.size, read_page, page_at, page},
        .status = 200,
        .body_before = BYTES(""),
        .limits = &limits,
        .plain_bytes_max = 4 << 20,
    };
    enum code code;

    limits_init(&limits);
    forget(page);
    code = reading_look(&terms, &sink, &reading, &facts, &err);
    assert(code == OK);
    if (facts.verdict.what == SOURCE_OK) {
        code = reading_write(reading, &err);
        assert(code == OK && page->points == facts.counts.points);
    } else {
        assert(page->points == 0);
        assert(err.text[0] != '\0');
    }
    *rows = facts.counts.rows;
    assert(facts.counts.fault_count <= facts.counts.faulty);
    reading_free(reading);
    return facts.verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page whole, parts;
    struct hash128 a, b;
    const struct source *source;
    uint64_t rows, rows_parts;
    struct verdict verdict;

    if (sources[0] == NULL)
        open_sources();
    if (size < 2)
        return 0;
    source = sources[data[0] % COUNT_OF(sources)];
    assert(source != NULL);
    whole = (struct page){
        .body = {(const char *)data + 2, size - 2},
          .piece = size
    };
    parts = (struct page){.body = whole.body, .piece = (size_t)data[1] + 1};
    verdict = read_body(source, &whole, &rows);
    assert(read_body(source, &parts, &rows_parts).what == verdict.what);
    if (verdict.what != SOURCE_OK)
        return 0;
    assert(rows == rows_parts && whole.points == parts.points);
    a = hash128_end(&whole.sum);
    b = hash128_end(&parts.sum);
    assert(memcmp(&a, &b, sizeof(a)) == 0);
    return 0;
}
