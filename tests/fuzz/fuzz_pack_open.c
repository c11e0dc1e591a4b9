/* Packs that somebody made to hurt.  Sizes and checksums of head, footer and sections are made
 * right, so that what is behind them is reached: opening, finding, walking, reading and checking
 * answer OK or E_CORRUPT. */
#include "codec/block_codec.h"
#include "store/packs/pack_inside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SECTIONS_AT = 4, /* in the footer: u64 offset, u64 count, u32 CRC each */
    SECTION_SIZE = 20,
    FILE_SIZE_AT = PACK_FOOTER_SIZE - 20,
    FOOTER_CRC_AT = PACK_FOOTER_SIZE - 8,
    ARENA_BYTES_MAX = 64 << 20,
};

static uint64_t offset_of(const char *footer, unsigned section)
{
    uint64_t offset;

    memcpy(&offset, footer + SECTIONS_AT + section * SECTION_SIZE, sizeof(offset));
    return offset;
}

static void seal(char *pack, size_t size)
{
    char *footer = pack + size - PACK_FOOTER_SIZE;
    uint64_t file_size = size, end = size - PACK_FOOTER_SIZE;
    uint32_t head_size, crc;

    memcpy(&head_size, footer, sizeof(head_size));
    if (head_size > 4 && head_size <= end) {
        crc = crc32c(0, (struct bytes){pack, head_size - 4});
        memcpy(pack + head_size - 4, &crc, sizeof(crc));
    }
    for (unsigned i = PACK_SECTION_COUNT; i-- > 0;) {
        uint64_t first = offset_of(footer, i);

        if (first > end)
            continue;
        crc = crc32c(0, (struct bytes){pack + first, (size_t)(end - first)});
        memcpy(footer + SECTIONS_AT + i * SECTION_SIZE + 16, &crc, sizeof(crc));
        end = first;
    }
    memcpy(footer + FILE_SIZE_AT, &file_size, sizeof(file_size));
    crc = crc32c(0, (struct bytes){footer, FOOTER_CRC_AT});
    memcpy(footer + FOOTER_CRC_AT, &crc, sizeof(crc));
}

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
    seal(bytes, size);
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
