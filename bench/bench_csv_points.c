/* How fast CSV becomes a batch: a column of time, two tags and ten fields a row, fed in pieces of
 * 128 KiB.  Prints rows, values and megabytes a second, the best of the rounds.
 *   bench_csv_points [hosts] [rows a request] [rounds] [integers|floats|decimals] [quoted] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "bench/decode.h"
#include "codec/csv_options.h"
#include "model/limits.h"

enum { FIELDS = 10 };

static void put_value(struct buf *body, struct random *random, char kind)
{
    uint64_t value = random_below(random, 101);

    if (kind == 'i')
        buf_printf(body, "%" PRIu64, value);
    else if (kind == 'f')
        buf_printf(body, "%" PRIu64 ".%" PRIu64, value, random_below(random, 10));
    else
        buf_printf(body, "%" PRIu64 ".%06" PRIu64, value, random_below(random, 1000000));
}

static void make_body(struct buf *body, unsigned hosts, unsigned rows, char kind, bool quoted)
{
    const char *quote = quoted ? "\"" : "";
    struct random random;

    random_seed(&random, 42);
    buf_put_text(body, "time,host,region");
    for (unsigned field = 0; field < FIELDS; field++)
        buf_printf(body, ",usage_%u", field);
    buf_put_char(body, '\n');
    for (unsigned row = 0; row < rows; row++) {
        unsigned second = row / hosts * 10;

        buf_printf(body, "%s2016-01-%02uT%02u:%02u:%02uZ%s,%shost_%u%s,%seu-west-1%s", quote,
                   1 + second / 86400 % 31, second / 3600 % 24, second / 60 % 60, second % 60,
                   quote, quote, row % hosts, quote, quote, quote);
        for (unsigned field = 0; field < FIELDS; field++) {
            buf_printf(body, ",%s", quote);
            put_value(body, &random, kind);
            buf_put_text(body, quote);
        }
        buf_put_char(body, '\n');
    }
}

static uint64_t decode(struct bytes body, const struct limits *limits,
                       const struct csv_options *csv)
{
    struct decode_options options = {.limits = limits, .csv = csv};

    return decode_body(&decoder_csv, body, &options);
}

int main(int argc, char **argv)
{
    unsigned hosts = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    unsigned rows = argc > 2 ? (unsigned)atoi(argv[2]) : 2000;
    unsigned rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
    char kind = argc > 4 ? argv[4][0] : 'f';
    struct buf body = BUF_INIT((size_t)1 << 32);
    struct csv_options csv;
    struct error err = {0};
    struct limits limits;
    struct arena arena;
    uint64_t values = 0;
    int64_t best = INT64_MAX;

    limits_init(&limits);
    arena_init(&arena, (size_t)1 << 20, NULL);
    csv_options_init(&csv);
    check(csv_option_set(&csv, BYTES("measurement"), BYTES("cpu"), &arena, &err), &err);
    check(csv_option_set(&csv, BYTES("tags"), BYTES("host,region"), &arena, &err), &err);
    make_body(&body, hosts, rows, kind, argc > 5);
    for (unsigned round = 0; round < rounds; round++) {
        int64_t start = clock_monotonic_ns(clock_system()), took;

        values = decode(buf_bytes(&body), &limits, &csv);
        took = clock_monotonic_ns(clock_system()) - start;
        best = took < best ? took : best;
    }
    printf("%u hosts, %u rows, %zu bytes: %.2f M rows/s, %.1f M values/s, %.0f MB/s\n", hosts, rows,
           body.size, rows * 1e3 / (double)best, (double)values * 1e3 / (double)best,
           (double)body.size * 1e3 / (double)best);
    arena_release(&arena);
    buf_release(&body);
    return 0;
}
