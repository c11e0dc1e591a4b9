/* How fast blocks are made and read, and how small they are: dense blocks of 8192 rows and 10
 * columns, per shape of data.  One core.  Prints a line per shape:
 *   shape, bytes a value (times and header included), million values a second in and out. */
#include "base/clock.h"
#include "base/random.h"
#include "codec/block_codec.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 10, ROUNDS = 200 };

struct shape {
    const char *name;
    enum value_type type;
    void (*fill)(struct random *random, union cell *cells, size_t count);
};

/* About normal, mean 0, deviation 1. */
static double chance(struct random *random)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(random) >> 11) * 0x1p-53;
    return sum;
}

/* A percentage that wanders by steps of about one, as whole number: TSBS's cpu. */
static void fill_walk(struct random *random, union cell *cells, size_t count)
{
    double value = 50;

    for (size_t i = 0; i < count; i++) {
        value = fmin(100, fmax(0, value + chance(random)));
        cells[i].f64 = floor(value);
    }
}

/* The same with six digits. */
static void fill_gauge(struct random *random, union cell *cells, size_t count)
{
    double value = 50;

    for (size_t i = 0; i < count; i++) {
        value = fmin(100, fmax(0, value + chance(random)));
        cells[i].f64 = round(value * 1e4) / 1e4;
    }
}

static void fill_sensor(struct random *random, union cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cells[i].f64 = round(200 + 50 * sin((double)i / 300) + 2 * chance(random)) / 10;
}

static void fill_full(struct random *random, union cell *cells, size_t count)
{
    double value = 50;

    for (size_t i = 0; i < count; i++)
        cells[i].f64 = value += chance(random);
}

static void fill_counter(struct random *random, union cell *cells, size_t count)
{
    int64_t value = 1000000;

    for (size_t i = 0; i < count; i++)
        cells[i].i64 = value += 5000 + (int64_t)(chance(random) * 40);
}

static void fill_constant(struct random *random, union cell *cells, size_t count)
{
    (void)random;
    for (size_t i = 0; i < count; i++)
        cells[i].f64 = 0.1;
}

static void fill_bool(struct random *random, union cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cells[i].u64 = random_chance(random, 8);
}

static void fill_string(struct random *random, union cell *cells, size_t count)
{
    static struct text *texts[20];

    for (size_t i = 0; i < COUNT_OF(texts) && !texts[i]; i++) {
        texts[i] = malloc(sizeof(struct text) + 16);
        if (!texts[i])
            abort();
        texts[i]->size = (uint32_t)snprintf(texts[i]->data, 16, "state-%zu", i);
    }
    for (size_t i = 0; i < count; i++)
        cells[i].text = texts[random_below(random, COUNT_OF(texts))];
}

static const struct shape shapes[] = {
    {"integer walk",        TYPE_F64,    fill_walk    },
    {"6-digit gauge",       TYPE_F64,    fill_gauge   },
    {"sensor, 1 decimal",   TYPE_F64,    fill_sensor  },
    {"17-digit walk",       TYPE_F64,    fill_full    },
    {"i64 counter",         TYPE_I64,    fill_counter },
    {"constant",            TYPE_F64,    fill_constant},
    {"bool, 1 in 8",        TYPE_BOOL,   fill_bool    },
    {"string, 20 distinct", TYPE_STRING, fill_string  },
};

static void check(enum code code, const struct error *err)
{
    if (code) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static double decode(struct block_decoder *decoder, struct bytes bytes, struct arena *arena)
{
    struct error err = {0};
    struct block_view view;
    const int64_t *time;
    const union cell *cells;
    const uint8_t *present;
    double sum = 0;

    check(block_open(bytes, arena, &view, &err), &err);
    check(block_read_time(decoder, &view, arena, &time, &err), &err);
    for (uint32_t i = 0; i < view.column_count; i++) {
        check(block_read_column(decoder, &view, i, arena, &cells, &present, &err), &err);
        sum += (double)cells[view.row_count - 1].u64;
    }
    return sum;
}

static void run(const struct shape *shape, struct block_encoder *encoder,
                struct block_decoder *decoder)
{
    static int64_t time[BLOCK_ROWS_MAX], ingest[BLOCK_ROWS_MAX];
    static union cell cells[COLUMNS][BLOCK_ROWS_MAX];
    static const char names[COLUMNS][3] = {"c0", "c1", "c2", "c3", "c4",
                                           "c5", "c6", "c7", "c8", "c9"};
    static const uint32_t row_first[] = {0, BLOCK_ROWS_MAX};
    struct block_column columns[COLUMNS];
    struct series_id id = {1, 2};
    struct block block = {BYTES("cpu"), BLOCK_ROWS_MAX, 1,    &id,     row_first, time,
                          ingest,       NULL,           NULL, columns, COLUMNS};
    struct buf out = BUF_INIT(64 << 20);
    struct arena arena;
    struct random random;
    struct error err = {0};
    int64_t start, encode_ns = INT64_MAX, decode_ns = INT64_MAX;
    double values = (double)BLOCK_ROWS_MAX * COLUMNS, sum = 0;

    random_seed(&random, 7);
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++) {
        time[i] = 1700000000000000000 + (int64_t)i * 10000000000;
        ingest[i] = 1700000000000000000 + (int64_t)(i / 20) * 200000000000;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        shape->fill(&random, cells[i], BLOCK_ROWS_MAX);
        columns[i] = (struct block_column){bytes_of(names[i]), shape->type, cells[i], NULL};
    }
    arena_init(&arena, 64 << 20, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        buf_clear(&out);
        start = clock_monotonic_ns(clock_system());
        check(block_encode(encoder, &block, &out, &err), &err);
        start = clock_monotonic_ns(clock_system()) - start;
        encode_ns = start < encode_ns ? start : encode_ns;
    }
    for (int i = 0; i < ROUNDS; i++) {
        start = clock_monotonic_ns(clock_system());
        sum += decode(decoder, buf_bytes(&out), &arena);
        start = clock_monotonic_ns(clock_system()) - start;
        decode_ns = start < decode_ns ? start : decode_ns;
        arena_release(&arena);
    }
    printf("%-20s %6.3f B/value  encode %5.0f M values/s  decode %5.0f M values/s%s\n", shape->name,
           (double)out.size / values, values * 1e3 / (double)encode_ns,
           values * 1e3 / (double)decode_ns, sum == 0.5 ? " " : "");
    buf_release(&out);
}

/* With an argument: only the shapes whose names begin with it. */
int main(int argument_count, char **arguments)
{
    struct block_encoder *encoder;
    struct block_decoder *decoder;
    struct error err = {0};

    /* Chunks of the arena stay mapped, as in a server that is busy: page faults are not our
     * subject. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    check(block_encoder_new(&encoder, &err), &err);
    check(block_decoder_new(&decoder, &err), &err);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (argument_count < 2 || strncmp(shapes[i].name, arguments[1], strlen(arguments[1])) == 0)
            run(&shapes[i], encoder, decoder);
    }
    block_encoder_free(encoder);
    block_decoder_free(decoder);
    return 0;
}
