/* Series and batches for tests of the head and of sealing, made without a catalog. */
#ifndef WEIR_TESTS_UNIT_STORE_STORE_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_STORE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "codec/series_key.h"
#include "model/batch.h"

enum { SAMPLE_FIELDS_MAX = 1200 };

/* The series "<measurement>,host=h<number>"; its ordinal is `ordinal`. */
static inline void sample_series_init(struct arena *arena, const struct tenant *tenant,
                                      const char *measurement, uint32_t number, uint32_t ordinal,
                                      struct series *series)
{
    char host[16];
    struct series_tag tag = {
        BYTES("host"), {host, (size_t)snprintf(host, sizeof(host), "h%u", number)}
    };
    struct buf key = BUF_INIT(1000);
    const struct series_tag *tags;

    *series = (struct series){.ordinal = ordinal, .tenant = tenant};
    assert_int_equal(series_key_encode(bytes_of(measurement), &tag, 1, &key, NULL), OK);
    series->key = arena_copy(arena, buf_bytes(&key));
    buf_release(&key);
    series->id = series_key_id(series->key);
    assert_int_equal(series_key_decode(series->key, arena, &series->measurement, &tags,
                                       &series->tag_count, NULL),
                     OK);
    series->tags = tags;
}

static inline const struct text *sample_text(struct arena *arena, const char *data, size_t size)
{
    struct text *text = arena_alloc(arena, sizeof(*text) + size);

    assert_non_null(text);
    text->size = (uint32_t)size;
    memcpy(text->data, data, size);
    return text;
}

/* Fields f0000, f0001, ... of these types. */
static inline const struct batch_field *sample_fields(struct arena *arena,
                                                      const enum value_type *types, uint32_t count)
{
    struct batch_field *fields = arena_array(arena, sizeof(*fields), count);

    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        size_t size = (size_t)snprintf(name, sizeof(name), "f%04u", i);

        fields[i] = (struct batch_field){arena_copy(arena, (struct bytes){name, size}), types[i]};
    }
    return fields;
}

struct sample_cell {
    struct bytes name;
    enum value_type type;
    union cell cell;
};

/* Where rows of one series and one set of fields go. */
struct sample_place {
    struct batch_table *table;
    uint32_t series;
};

static inline struct sample_place sample_place(struct batch *batch, struct series *series,
                                               const struct sample_cell *cells, uint32_t count)
{
    static _Thread_local struct batch_field fields[SAMPLE_FIELDS_MAX];
    struct sample_place place;

    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct batch_field){cells[i].name, cells[i].type};
    place.table = batch_table_find(batch, series->measurement, fields, count);
    place.series = batch_series_index(batch, series->key, series->measurement);
    assert_non_null(place.table);
    assert_int_not_equal(place.series, UINT32_MAX);
    batch->series[place.series].series = series;
    batch->series[place.series].id = series->id;
    return place;
}

/* A row of the cells that the place is for. */
static inline void sample_place_row(struct batch *batch, struct sample_place place, int64_t time,
                                    int64_t revision, const struct sample_cell *cells,
                                    uint32_t count)
{
    uint32_t row = batch_row_begin(batch, place.table);

    assert_int_not_equal(row, UINT32_MAX);
    for (uint32_t i = 0; i < count; i++)
        place.table->columns[i][row] = cells[i].cell;
    batch_row_done(batch, place.table, place.series, 1, time);
    if (revision != INT64_MIN)
        assert_true(batch_row_revision(batch, place.table, revision));
}

/* A row; cells sorted by name.  revision INT64_MIN: none. */
static inline void sample_row(struct batch *batch, struct series *series, int64_t time,
                              int64_t revision, const struct sample_cell *cells, uint32_t count)
{
    sample_place_row(batch, sample_place(batch, series, cells, count), time, revision, cells,
                     count);
}

#endif
