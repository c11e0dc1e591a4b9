/* Packs for tests: written from a seed into a directory of their own, or into memory. */
#ifndef WEIR_TESTS_PACK_SAMPLE_H
#define WEIR_TESTS_PACK_SAMPLE_H

#include "codec/record.h"
#include "codec/series_key.h"
#include "store/packs/pack_inside.h"
#include "store/packs/pack_writer.h"
#include "tests/unit/codec/block_sample.h"
#include "tests/unit/store/memory_place.h"

#include <stdlib.h>
#include <sys/stat.h>

struct pack_plan {
    uint32_t measurements; /* of dense and shared blocks each */
    uint32_t blocks;       /* of each dense series */
    uint32_t block_rows;
    uint32_t shared_series; /* in one block behind the dense ones */
    uint32_t tombstones, notes;
    uint32_t note_bytes;
};

struct pack_fixture {
    char root[64];
    struct fs *fs;
    struct arena arena;
    struct random random;
    struct block_decoder *decoder;
};

static inline int pack_fixture_open(void **state)
{
    static struct pack_fixture fixture;

    memory_place_make(fixture.root, sizeof(fixture.root));
    if (fs_posix_open(fixture.root, &fixture.fs, NULL))
        return -1;
    arena_init(&fixture.arena, (size_t)1 << 30, NULL);
    random_seed(&fixture.random, 1);
    printf("seed 1\n");
    *state = &fixture;
    return (int)block_decoder_new(&fixture.decoder, NULL);
}

static inline int pack_fixture_close(void **state)
{
    struct pack_fixture *fixture = *state;
    char command[100];

    arena_release(&fixture->arena);
    block_decoder_free(fixture->decoder);
    fs_posix_close(fixture->fs);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->root);
    return system(command);
}

/* A series of measurement "m<m>", its key and the id that belongs to it. */
struct sample_series {
    struct series_id id;
    struct bytes key;
    bool dense;
};

static inline int sample_series_order(const void *a, const void *b)
{
    return series_id_compare(((const struct sample_series *)a)->id,
                             ((const struct sample_series *)b)->id);
}

static inline struct bytes sample_measurement(struct arena *arena, uint32_t number)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "m%03u", number);

    return arena_copy(arena, (struct bytes){text, (size_t)size});
}

/* shared_series + 1 of them, ascending by id; the last one is dense. */
static inline struct sample_series *sample_series_make(struct arena *arena,
                                                       struct bytes measurement, uint32_t count)
{
    struct sample_series *series = sample_array(arena, sizeof(*series), count);

    for (uint32_t i = 0; i < count; i++) {
        char text[32];
        int size = snprintf(text, sizeof(text), "host%u", i);
        struct series_tag tag = {
            BYTES("host"), {text, (size_t)size}
        };
        struct buf key = BUF_INIT(1000);

        assert_int_equal(series_key_encode(measurement, &tag, 1, &key, NULL), OK);
        series[i].key = arena_copy(arena, buf_bytes(&key));
        series[i].id = series_key_id(series[i].key);
        buf_release(&key);
    }
    qsort(series, count, sizeof(*series), sample_series_order);
    series[count - 1].dense = true;
    return series;
}

static inline enum code
sample_write_measurement(struct pack_fixture *fixture, const struct pack_plan *plan,
                         struct pack_writer *writer, struct bytes measurement,
                         const struct sample_series *series, struct error *err)
{
    struct sample_plan shared = {"x", plan->shared_series, 3, 1, 5, 2, false, false};
    struct sample_plan dense = {"x", 1, plan->block_rows, 1, 0, 20, true, false};
    struct series_id *ids = sample_array(&fixture->arena, sizeof(*ids), plan->shared_series + 1);
    enum code code = OK;

    for (uint32_t i = 0; i <= plan->shared_series; i++)
        ids[i] = series[i].id;
    if (plan->shared_series > 0) {
        struct block block = sample_block(&fixture->arena, &fixture->random, &shared);

        block.measurement = measurement;
        block.series = ids;
        code = pack_writer_block(writer, &block, err);
    }
    for (uint32_t i = 0; code == OK && i < plan->blocks; i++) {
        struct block block = sample_block(&fixture->arena, &fixture->random, &dense);

        for (uint32_t row = 0; row < block.row_count; row++)
            ((int64_t *)block.time)[row] += (int64_t)i * plan->block_rows * 1000000000;
        block.measurement = measurement;
        block.series = ids + plan->shared_series;
        code = pack_writer_block(writer, &block, err);
    }
    return code;
}

static inline enum code sample_write_rest(struct pack_fixture *fixture,
                                          const struct pack_plan *plan, struct pack_writer *writer,
                                          struct error *err)
{
    char *result = sample_array(&fixture->arena, 1, plan->note_bytes + 1);
    struct tombstone tombstone = {
        .ingest = 5, .selector = {.measurement = BYTES("m000")}, .start = 1, .end = 2};
    enum code code = OK;

    for (uint32_t i = 0; code == OK && i < plan->tombstones; i++) {
        struct buf out = BUF_INIT(1000);

        tombstone.ingest++;
        tombstone_encode(&tombstone, &out);
        code = pack_writer_tombstone(writer, buf_bytes(&out), err);
        buf_release(&out);
    }
    for (uint32_t i = 0; code == OK && i < plan->notes; i++) {
        struct note note = {
            .key = BYTES("key"), .ingest = i, .status = 200, .result = {result, plan->note_bytes}
        };
        struct buf out = BUF_INIT(100000);

        note_encode(&note, &out);
        code = pack_writer_note(writer, buf_bytes(&out), err);
        buf_release(&out);
    }
    return code;
}

/* Writes the whole of a pack, to `path` or, where that is NULL, in memory; on failure it is
 * aborted. */
static inline enum code sample_write(struct pack_fixture *fixture, const struct pack_plan *plan,
                                     const char *path, struct pack_summary *summary,
                                     struct bytes *bytes, struct error *err)
{
    struct pack_identity identity = {.tenant = BYTES("acme"),
                                     .incarnation = {{1, 2, 3}},
                                     .number = 17,
                                     .lsn_first = 100,
                                     .lsn_last = 200};
    uint32_t each = plan->shared_series + 1, all = plan->measurements * each;
    struct sample_series *series = sample_array(&fixture->arena, sizeof(*series), (size_t)all + 1);
    struct pack_writer *writer;
    enum code code = path ? pack_writer_open(fixture->fs, path, &identity, &writer, err)
                          : pack_writer_open_memory(&identity, &writer, err);

    if (code)
        return code;
    for (uint32_t m = 0; code == OK && m < plan->measurements; m++) {
        struct bytes measurement = sample_measurement(&fixture->arena, m);

        memcpy(series + m * each, sample_series_make(&fixture->arena, measurement, each),
               each * sizeof(*series));
        code = sample_write_measurement(fixture, plan, writer, measurement, series + m * each, err);
    }
    qsort(series, all, sizeof(*series), sample_series_order);
    for (uint32_t i = 0; code == OK && i < all; i++)
        code = pack_writer_series(writer, series[i].id, series[i].key, err);
    if (code == OK)
        code = sample_write_rest(fixture, plan, writer, err);
    if (code == OK)
        code = pack_writer_finish(writer, summary, bytes, err);
    if (code)
        pack_writer_abort(writer);
    return code;
}

#endif
