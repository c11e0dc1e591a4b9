/* How fast a batch becomes a record and a record a batch (replay), in values a second, the best of
 * the rounds: rows of ten f64 fields and, for the worst case, of one.
 *   bench_record [rows] [rounds] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/record.h"
#include "codec/series_key.h"

enum { SERIES = 100, FIELDS_MAX = 10 };

static void fill(struct batch *batch, struct series *series, uint32_t rows, uint32_t field_count)
{
    struct batch_field fields[FIELDS_MAX];
    char names[FIELDS_MAX][8];
    struct batch_table *table;

    for (uint32_t f = 0; f < field_count; f++) {
        int size = snprintf(names[f], sizeof(names[f]), "field%u", f % 10);

        fields[f] = (struct batch_field){
            {names[f], (size_t)size},
            TYPE_F64
        };
    }
    for (uint32_t i = 0; i < SERIES; i++) {
        char host[16];
        struct series_tag tag = {
            BYTES("host"), {host, (size_t)snprintf(host, 16, "host_%u", i)}
        };
        struct buf key = BUF_INIT(1000);

        if (series_key_encode(BYTES("cpu"), &tag, 1, &key, NULL) != OK)
            exit(1);
        (void)batch_series_index(batch, buf_bytes(&key), BYTES("cpu"));
        series[i] = (struct series){.id = series_key_id(buf_bytes(&key)), .stored = true};
        batch->series[i].series = &series[i];
        buf_release(&key);
    }
    table = batch_table_find(batch, BYTES("cpu"), fields, field_count);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = batch_row_begin(batch, table);

        for (uint32_t f = 0; f < field_count; f++)
            table->columns[f][row].f64 = i + f;
        batch_row_done(batch, table, i % SERIES, i + 1, INT64_C(10000000000) * (i / SERIES));
    }
}

static void measure(uint32_t rows, uint32_t rounds, uint32_t field_count)
{
    struct buf out = BUF_INIT((size_t)1 << 32);
    struct series series[SERIES];
    int64_t best_encode = INT64_MAX, best_decode = INT64_MAX;
    struct arena arena;
    struct batch batch;

    arena_init(&arena, (size_t)1 << 32, NULL);
    batch_init(&batch, &arena, 0);
    fill(&batch, series, rows, field_count);
    for (uint32_t round = 0; round < rounds; round++) {
        int64_t start = clock_monotonic_ns(clock_system()), middle, end;
        struct error err = {0};
        struct record record;
        struct arena scratch;

        buf_clear(&out);
        record_encode_rows(BYTES("default"), &(struct note){0}, &batch, &out);
        middle = clock_monotonic_ns(clock_system());
        arena_init(&scratch, (size_t)1 << 32, NULL);
        if (record_decode(buf_bytes(&out), &scratch, &record, &err) != OK ||
            record.batch->value_count != batch.value_count)
            exit(1);
        arena_release(&scratch);
        end = clock_monotonic_ns(clock_system());
        best_encode = middle - start < best_encode ? middle - start : best_encode;
        best_decode = end - middle < best_decode ? end - middle : best_decode;
    }
    printf("%u rows of %u fields, %.2f B a value: encode %.0f M values/s, decode %.0f M values/s\n",
           rows, field_count, (double)out.size / (double)batch.value_count,
           (double)batch.value_count * 1e3 / (double)best_encode,
           (double)batch.value_count * 1e3 / (double)best_decode);
    buf_release(&out);
    batch_release(&batch);
    arena_release(&arena);
}

int main(int argc, char **argv)
{
    uint32_t rows = argc > 1 ? (uint32_t)atoi(argv[1]) : 2000;
    uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000;

    measure(rows, rounds, FIELDS_MAX);
    measure(rows, rounds, 1);
    return 0;
}
