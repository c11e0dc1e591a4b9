/* How fast JSON points become a batch, and how fast jansson merely reads the same document: the
 * reason for a scanner of our own (docs/decisions).  The best of the rounds.
 *   bench_json_points [points] [rounds] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "codec/decoder.h"
#include "codec/json_doc.h"

static void make_body(struct buf *body, unsigned points)
{
    struct random random;

    random_seed(&random, 42);
    buf_put_text(body, "{\"points\":[");
    for (unsigned i = 0; i < points; i++) {
        buf_printf(body,
                   "%s{\"measurement\":\"cpu\",\"tags\":{\"host\":\"host_%u\",\"region\":\"eu\"},"
                   "\"time\":%" PRIu64 ",\"fields\":{",
                   i == 0 ? "" : ",", i % 100,
                   UINT64_C(1451606400000000000) + (uint64_t)(i / 100) * 10000000000);
        for (unsigned f = 0; f < 10; f++)
            buf_printf(body, "%s\"usage_%u\":%" PRIu64 ".%" PRIu64, f == 0 ? "" : ",", f,
                       random_below(&random, 100), random_below(&random, 1000));
        buf_put_text(body, "}}");
    }
    buf_put_text(body, "]}");
}

static uint64_t decode(struct bytes body, const struct limits *limits)
{
    struct decode_options options = {.limits = limits};
    struct decoder *decoder = NULL;
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    uint64_t values;

    arena_init(&arena, (size_t)1 << 32, NULL);
    batch_init(&batch, &arena, 10);
    if (decoder_json.begin(&batch, &options, &decoder, &err) != OK ||
        decoder_json.feed(decoder, body, &err) != OK || decoder_json.finish(decoder, &err) != OK ||
        batch.reject_count > 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    values = batch.value_count;
    decoder_json.free(decoder);
    batch_release(&batch);
    arena_release(&arena);
    return values;
}

int main(int argc, char **argv)
{
    unsigned points = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
    struct buf body = BUF_INIT((size_t)1 << 32);
    int64_t best = INT64_MAX, best_jansson = INT64_MAX;
    struct limits limits;
    uint64_t values = 0;

    limits_init(&limits);
    make_body(&body, points);
    for (unsigned round = 0; round < rounds; round++) {
        int64_t start = clock_monotonic_ns(clock_system()), middle, end;
        struct json *root;

        values = decode(buf_bytes(&body), &limits);
        middle = clock_monotonic_ns(clock_system());
        if (json_doc_parse(buf_bytes(&body), 32, &root, NULL) != OK)
            return 1;
        json_doc_free(root);
        end = clock_monotonic_ns(clock_system());
        best = middle - start < best ? middle - start : best;
        best_jansson = end - middle < best_jansson ? end - middle : best_jansson;
    }
    printf("%zu bytes: %.1f M values/s, %.0f MB/s; jansson alone %.0f MB/s\n", body.size,
           (double)values * 1e3 / (double)best, (double)body.size * 1e3 / (double)best,
           (double)body.size * 1e3 / (double)best_jansson);
    buf_release(&body);
    return 0;
}
