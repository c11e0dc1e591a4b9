/* Makes sizes and checksums of a pack's head, footer and sections right, so that a fuzzer reaches
 * what is behind them. */
#ifndef WEIR_TESTS_FUZZ_PACK_SEAL_H
#define WEIR_TESTS_FUZZ_PACK_SEAL_H

#include "store/packs/pack_inside.h"

enum {
    SECTIONS_AT = 4, /* in the footer: u64 offset, u64 count, u32 CRC each */
    SECTION_SIZE = 20,
    FILE_SIZE_AT = PACK_FOOTER_SIZE - 20,
    FOOTER_CRC_AT = PACK_FOOTER_SIZE - 8,
};

static inline uint64_t pack_seal_offset(const char *footer, unsigned section)
{
    uint64_t offset;

    memcpy(&offset, footer + SECTIONS_AT + section * SECTION_SIZE, sizeof(offset));
    return offset;
}

/* At least a footer. */
static inline void pack_seal(char *pack, size_t size)
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
        uint64_t first = pack_seal_offset(footer, i);

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

#endif
