/* A batch with something of everything, for the tests of records. */
#ifndef WEIR_TESTS_RECORD_SAMPLE_H
#define WEIR_TESTS_RECORD_SAMPLE_H

#include <stdio.h>

#include "base/random.h"
#include "codec/record.h"
#include "codec/series_key.h"

enum { SAMPLE_SERIES = 5 };

struct record_sample {
    struct arena arena;
    struct batch batch;
    struct series series[SAMPLE_SERIES];
};

static inline void sample_series(struct record_sample *sample, uint32_t i)
{
    struct bytes measurement = i < 4 ? BYTES("cpu") : BYTES("weather");
    char host[8];
    struct series_tag tag = {
        BYTES("host"), {host, (size_t)snprintf(host, 8, "h%u", i)}
    };
    struct buf key = BUF_INIT(1000);
    struct error err = {0};
    struct series *series = &sample->series[i];

    if (series_key_encode(measurement, &tag, 1, &key, &err) != OK)
        abort();
    (void)batch_series_index(&sample->batch, buf_bytes(&key), measurement);
    series->key = sample->batch.series[i].key;
    series->measurement = sample->batch.series[i].measurement;
    series->id = series_key_id(series->key);
    series->stored = i % 2 == 1;
    sample->batch.series[i].series = series;
    sample->batch.series[i].id = series->id;
    buf_release(&key);
}

static inline union cell sample_cell(struct record_sample *sample, struct random *random,
                                     enum value_type type)
{
    size_t size = (size_t)random_below(random, 10);
    struct text *text;

    switch (type) {
    case TYPE_F64:
        return (union cell){.f64 = (double)random_below(random, 1000) / 8};
    case TYPE_I64:
        return (union cell){.i64 = -(int64_t)random_below(random, 1000)};
    case TYPE_U64:
        return (union cell){.u64 = random_next(random)};
    case TYPE_BOOL:
        return (union cell){.u64 = random_below(random, 2)};
    case TYPE_STRING:
        text = arena_alloc(&sample->arena, sizeof(*text) + size);
        text->size = (uint32_t)size;
        memset(text->data, 'a' + (int)size, size);
        return (union cell){.text = text};
    case TYPE_RETRACTED:
    case TYPE_NONE:
        break;
    }
    return (union cell){.u64 = 0};
}

static inline void sample_rows(struct record_sample *sample, struct random *random,
                               uint32_t row_count)
{
    static const struct batch_field fields[] = {
        {BYTES("active"), TYPE_BOOL     },
        {BYTES("gone"),   TYPE_RETRACTED},
        {BYTES("idle"),   TYPE_F64      },
        {BYTES("lost"),   TYPE_RETRACTED},
        {BYTES("n"),      TYPE_I64      },
        {BYTES("note"),   TYPE_STRING   },
        {BYTES("u"),      TYPE_U64      },
    };

    for (uint32_t line = 1; line <= row_count; line++) {
        uint32_t series = (uint32_t)random_below(random, SAMPLE_SERIES);
        uint32_t first = line % 3, count = series == 4 ? 2 : 5;
        struct batch_table *table = batch_table_find(
            &sample->batch, sample->series[series].measurement, fields + first, count);
        uint32_t row = batch_row_begin(&sample->batch, table);

        for (uint32_t i = 0; i < count; i++)
            table->columns[i][row] = sample_cell(sample, random, fields[first + i].type);
        batch_row_done(&sample->batch, table, series, line, (int64_t)line * 1000);
        if (series == 4 && !batch_row_revision(&sample->batch, table, line))
            abort();
    }
}

static inline void sample_make(struct record_sample *sample, uint64_t seed, uint32_t row_count)
{
    struct random random;

    random_seed(&random, seed);
    arena_init(&sample->arena, (size_t)1 << 28, NULL);
    batch_init(&sample->batch, &sample->arena, 0);
    for (uint32_t i = 0; i < SAMPLE_SERIES; i++)
        sample_series(sample, i);
    sample_rows(sample, &random, row_count);
}

static inline void sample_release(struct record_sample *sample)
{
    batch_release(&sample->batch);
    arena_release(&sample->arena);
}

#endif
