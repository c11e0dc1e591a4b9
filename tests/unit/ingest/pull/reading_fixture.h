/* A page that is read: a source's document, the bytes of an answer, and what came to the sink. */
#ifndef WEIR_TESTS_UNIT_INGEST_PULL_READING_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_PULL_READING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <zlib.h>
#include <zstd.h>

#include "ingest/pull/reading.h"
#include "tests/unit/ingest/source/source_fixture.h"

struct page {
    struct fixture fixture;
    struct limits limits;
    struct buf body; /* as it comes over the network */
    size_t piece_size;
    struct reading_terms terms;
    /* The sink: */
    uint64_t points, forgets; /* `points`: since the last of these */
    int64_t time_last;
    double number_last;
    struct buf text_last; /* of a field of text */
    struct buf tag_last;  /* the value of the last point's first tag */
    uint64_t fail_at;     /* at that point: */
    enum code fail_code;
    /* What reading_look() said. */
    struct reading *reading;
    struct reading_facts facts;
    struct error err;
    enum code code;
};

static inline enum code page_take(void *context, struct point *point, int64_t revision,
                                  struct error *err)
{
    struct page *page = context;

    (void)revision;
    assert_true(point->timed);
    if (++page->points == page->fail_at)
        return error_set(err, page->fail_code, "the sink fails");
    page->time_last = point->time;
    assert_int_equal(point->field_count, 1);
    if (point->fields[0].type == TYPE_F64) {
        page->number_last = point->fields[0].cell.f64;
    } else {
        buf_clear(&page->text_last);
        buf_put(&page->text_last, text_bytes(point->fields[0].cell.text));
    }
    buf_clear(&page->tag_last);
    if (point->tag_count > 0)
        buf_put(&page->tag_last, point->tags[0].value);
    return OK;
}

static inline void page_forget(void *context)
{
    struct page *page = context;

    page->forgets++;
    page->points = 0;
}

static inline enum code
page_read(void *context, enum code (*take)(void *taker, struct bytes piece, struct error *err),
          void *taker, struct error *err)
{
    const struct page *page = context;
    struct bytes body = buf_bytes(&page->body);
    enum code code = OK;

    for (size_t at = 0; code == OK && at < body.size; at += page->piece_size) {
        size_t end = body.size - at < page->piece_size ? body.size : at + page->piece_size;

        code = take(taker, bytes_slice(body, at, end), err);
    }
    return code;
}

static inline enum code page_at(void *context, uint64_t offset, char *into, size_t size,
                                struct error *err)
{
    const struct page *page = context;

    (void)err;
    assert_true(offset <= page->body.size && size <= page->body.size - offset);
    memcpy(into, page->body.data + offset, size);
    return OK;
}

/* Of the good document's source with these blocks; status 200, no body yet. */
static inline void page_init(struct page *page, const char *blocks)
{
    static const struct source_partition none = {NULL, 0};

    *page = (struct page){.body = BUF_INIT(SIZE_MAX),
                          .text_last = BUF_INIT(SIZE_MAX),
                          .tag_last = BUF_INIT(SIZE_MAX),
                          .piece_size = 65536};
    limits_init(&page->limits);
    page->terms = (struct reading_terms){
        .source = fixture_good(&page->fixture, blocks),
        .partition = &none,
        .fetched_ns = INT64_C(1700000000000000000),
        .body = {0, page_read, page_at, page},
        .status = 200,
        .body_before = BYTES(""),
        .limits = &page->limits,
        .plain_bytes_max = (uint64_t)1 << 30,
    };
}

static inline void page_release(struct page *page)
{
    reading_free(page->reading);
    buf_release(&page->body);
    buf_release(&page->text_last);
    buf_release(&page->tag_last);
    fixture_release(&page->fixture);
}

static inline void page_look(struct page *page)
{
    const struct reading_sink sink = {page_take, page_forget, page};

    assert_false(page->body.failed);
    page->terms.body.size = page->body.size;
    page->err = (struct error){0};
    page->code = reading_look(&page->terms, &sink, &page->reading, &page->facts, &page->err);
    assert_true((page->code == OK) == (page->reading != NULL));
}

/* And it goes well. */
static inline void page_write(struct page *page)
{
    struct error err = {0};

    if (reading_write(page->reading, &err) != OK)
        fail_msg("%s", err.text);
}

/* ' for ". */
static inline void page_put(struct page *page, const char *text)
{
    fixture_put(&page->body, text);
}

/* {"data": [{"at": 0, "v": 0.5}, {"at": 1, "v": 1.5}, ...]}, times in seconds. */
static inline void page_put_rows(struct page *page, unsigned count, const char *more)
{
    page_put(page, "{'data':[");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&page->body, "%s{\"at\":%u,\"v\":%u.5%s}", i > 0 ? "," : "", i, i, more);
    page_put(page, "]}");
}

#define PAGE_SECONDS "'time': {'path': 'at', 'format': 'unix_s'}"

static inline void page_pack_gzip(struct page *page)
{
    struct buf packed = BUF_INIT(SIZE_MAX);
    z_stream stream = {.next_in = (Bytef *)page->body.data, .avail_in = (uInt)page->body.size};
    uLong most;

    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    most = deflateBound(&stream, (uLong)page->body.size);
    stream.next_out = (Bytef *)buf_extend(&packed, most);
    assert_non_null(stream.next_out);
    stream.avail_out = (uInt)most;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.size = stream.total_out;
    deflateEnd(&stream);
    buf_release(&page->body);
    page->body = packed;
}

static inline void page_pack_zstd(struct page *page)
{
    struct buf packed = BUF_INIT(SIZE_MAX);
    size_t most = ZSTD_compressBound(page->body.size);
    char *at = buf_extend(&packed, most);

    assert_non_null(at);
    packed.size = ZSTD_compress(at, most, page->body.data, page->body.size, 1);
    assert_false(ZSTD_isError(packed.size));
    buf_release(&page->body);
    page->body = packed;
}

#endif
