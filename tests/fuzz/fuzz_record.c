/* Records: hostile bytes are refused or give a record that keeps its promises; what decodes is
 * encoded to the same bytes again. */
#include <stdlib.h>

#include "codec/record.h"
#include "codec/series_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives each batch series a series of its own, as the catalog would. */
static void resolve(struct batch *batch, struct series *series)
{
    for (uint32_t i = 0; i < batch->series_count; i++) {
        series[i].key = batch->series[i].key;
        series[i].id = batch->series[i].id;
        series[i].stored = series[i].key.size == 0;
        batch->series[i].series = &series[i];
    }
}

static void same_again(const struct record *record, struct bytes payload)
{
    struct buf out = BUF_INIT((size_t)1 << 30);

    if (record->type == RECORD_ROWS) {
        struct series *series = calloc(record->batch->series_count + 1, sizeof(*series));

        if (series == NULL)
            abort();
        resolve(record->batch, series);
        record_encode_rows(record->tenant, &record->note, record->batch, &out);
        free(series);
    } else {
        record_encode_delete(record->tenant, &record->note, &record->tombstone, &out);
    }
    if (!bytes_equal(buf_bytes(&out), payload))
        abort();
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes payload = {(const char *)data, size};
    struct record record;
    struct error err = {0};
    struct arena arena;
    struct tombstone tombstone;
    struct note note;

    arena_init(&arena, (size_t)1 << 28, NULL);
    if (record_decode(payload, &arena, &record, &err) == OK) {
        if (record.type == RECORD_ROWS && !batch_check(record.batch, &err))
            abort();
        same_again(&record, payload);
    }
    if (tombstone_decode(payload, &arena, &tombstone, &err) == OK) {
        struct buf out = BUF_INIT((size_t)1 << 30);

        tombstone_encode(&tombstone, &out);
        if (!bytes_equal(buf_bytes(&out), payload))
            abort();
        buf_release(&out);
    }
    if (note_decode(payload, &note, &err) == OK) {
        struct buf out = BUF_INIT((size_t)1 << 30);

        note_encode(&note, &out);
        if (!bytes_equal(buf_bytes(&out), payload))
            abort();
        buf_release(&out);
    }
    arena_release(&arena);
    return 0;
}
