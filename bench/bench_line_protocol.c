/* How fast line protocol becomes a batch: the shape of cpu metrics, ten fields a line, fed in
 * pieces of 128 KiB.  Prints lines, values and megabytes a second, the best of the rounds.
 *   bench_line_protocol [hosts] [lines a request] [rounds] [integers|floats|decimals] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "bench/decode.h"
#include "model/limits.h"

enum { FIELDS = 10 };

static void put_value(struct buf *body, struct random *random, char kind)
{
    uint64_t value = random_below(random, 101);

    if (kind == 'i')
        buf_printf(body, "%" PRIu64 "i", value);
    else if (kind == 'f')
        buf_printf(body, "%" PRIu64, value);
    else
        buf_printf(body, "%" PRIu64 ".%06" PRIu64, value, random_below(random, 1000000));
}

static void make_body(struct buf *body, unsigned hosts, unsigned lines, char kind)
{
    static const char *const names[FIELDS] = {
        "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
        "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice",
    };
    struct random random;

    random_seed(&random, 42);
    for (unsigned line = 0; line < lines; line++) {
        unsigned host = line % hosts;

        buf_printf(body, "cpu,hostname=host_%u,region=eu-west-1,datacenter=eu-west-1c ", host);
        for (unsigned field = 0; field < FIELDS; field++) {
            buf_printf(body, "%s%s=", field == 0 ? "" : ",", names[field]);
            put_value(body, &random, kind);
        }
        buf_printf(body, " %" PRIu64 "\n",
                   UINT64_C(1451606400000000000) + (uint64_t)(line / hosts) * 10000000000);
    }
}

static uint64_t decode(struct bytes body, const struct limits *limits)
{
    struct decode_options options = {.now_ns = INT64_C(1700000000000000000), .limits = limits};

    return decode_body(&decoder_line_protocol, body, &options);
}

int main(int argc, char **argv)
{
    unsigned hosts = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    unsigned lines = argc > 2 ? (unsigned)atoi(argv[2]) : 2000;
    unsigned rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
    char kind = argc > 4 ? argv[4][0] : 'f';
    struct buf body = BUF_INIT((size_t)1 << 32);
    struct limits limits;
    uint64_t values = 0;
    int64_t best = INT64_MAX;

    limits_init(&limits);
    make_body(&body, hosts, lines, kind);
    for (unsigned round = 0; round < rounds; round++) {
        int64_t start = clock_monotonic_ns(clock_system()), took;

        values = decode(buf_bytes(&body), &limits);
        took = clock_monotonic_ns(clock_system()) - start;
        best = took < best ? took : best;
    }
    printf("%u hosts, %u lines, %zu bytes: %.2f M lines/s, %.1f M values/s, %.0f MB/s\n", hosts,
           lines, body.size, lines * 1e3 / (double)best, (double)values * 1e3 / (double)best,
           (double)body.size * 1e3 / (double)best);
    buf_release(&body);
    return 0;
}
