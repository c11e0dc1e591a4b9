/* The pack of what a view has of "cpu", and what is in it. */
#ifndef WEIR_TESTS_UNIT_STORE_VIEW_PACK_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_VIEW_PACK_SAMPLE_H

#include "store/view_pack.h"
#include "tests/unit/store/house.h"

enum { PACKED_SERIES = 3 };

static inline int packed_series_order(const void *a, const void *b)
{
    return series_id_compare((*(struct series *const *)a)->id, (*(struct series *const *)b)->id);
}

static inline struct view_pack_options packed_options(struct house *house, const struct view *view)
{
    return (struct view_pack_options){
        .view = view,
        .tenant = house->tenant,
        .measurement = BYTES("cpu"),
        .start = INT64_MIN,
        .end = INT64_MAX,
        .deletions_after = INT64_MIN,
        .memory_max = 64 << 20,
        .bytes_max = 64 << 20,
    };
}

/* Of series 1 to 3. */
static inline enum code packed_make(struct house *house, const struct view_pack_options *options,
                                    struct bytes *bytes, struct error *err)
{
    struct series *series[PACKED_SERIES];
    struct view_pack *pack;
    enum code code = view_pack_begin(options, &pack, err);

    for (uint32_t i = 0; i < PACKED_SERIES; i++)
        series[i] = house_series(house, i + 1);
    qsort(series, PACKED_SERIES, sizeof(struct series *), packed_series_order);
    for (uint32_t i = 0; code == OK && i < PACKED_SERIES; i++)
        code = view_pack_series(pack, series[i], err);
    if (code == OK)
        code = view_pack_end(pack, bytes, err);
    view_pack_free(pack);
    return code;
}

/* Opened, and found to be whole; NULL: there was nothing. */
static inline struct pack *packed(struct house *house, const struct view_pack_options *options)
{
    struct block_decoder *decoder;
    struct bytes bytes;
    struct pack *pack;
    struct error err = {0};

    if (packed_make(house, options, &bytes, &err) != OK)
        fail_msg("%s", err.text);
    if (bytes.size == 0)
        return NULL;
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    if (pack_open_memory(bytes, &pack, &err) != OK || pack_check(pack, decoder, &err) != OK)
        fail_msg("%s", err.text);
    block_decoder_free(decoder);
    free((void *)bytes.data);
    return pack;
}

#endif
