/* Packs that somebody made to hurt.  Sizes and checksums of head, footer and sections are made
 * right, so that what is behind them is reached: opening, finding, walking, reading and checking
 * answer OK or E_CORRUPT. */
#include "codec/block_codec.h"
#include "tests/fuzz/pack_seal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 64 << 20 };

static void expect(enum code code)
{
    if (code != OK && code != E_CORRUPT && code != E_MEMORY)
        abort();
}

static enum code ignore(void *context, struct bytes entry, struct error *err)
{
    uint32_t *crc = context;

    (void)err;
    *crc = crc32c(*crc, entry);
    return OK;
}

static void read_all(const struct pack *pack, struct arena *arena)
{
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    for (size_t i = 0; i < count; i++) {
        struct bytes encoded;
        size_t at = 0;

        expect(pack_read_block(pack, NULL, &blocks[i], arena, &encoded, NULL));
        if (!pack_find(pack, blocks[i].measurement, blocks[i].series_first, blocks[i].time_first,
                       INT64_MAX, &at) &&
            blocks[i].time_first < INT64_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct block_decoder *decoder;
    char *bytes;
    struct pack *pack;
    struct arena arena;
    enum code code;

    if (size < PACK_FOOTER_SIZE)
        return 0;
    bytes = malloc(size);
    if (!bytes || (!decoder && block_decoder_new(&decoder, NULL)))
        abort();
    memcpy(bytes, data, size);
    pack_seal(bytes, size);
    arena_init(&arena, ARENA_BYTES_MAX, NULL);
    code = pack_open_memory((struct bytes){bytes, size}, &pack, NULL);
    expect(code);
    if (code == OK) {
        uint32_t crc = 0;

        read_all(pack, &arena);
        for (unsigned i = PACK_SERIES; i <= PACK_NOTES; i++)
            expect(pack_walk(pack, (enum pack_section)i, ignore, &crc, NULL));
        expect(pack_check(pack, decoder, NULL));
        pack_unref(pack);
    }
    arena_release(&arena);
    free(bytes);
    return 0;
}
