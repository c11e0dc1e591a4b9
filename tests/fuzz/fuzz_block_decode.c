/* Blocks that somebody made to hurt: the header's and the sections' checksums are made right, so
 * that what is behind them is reached.  Every read answers OK or E_CORRUPT, and what reads OK can
 * be touched. */
#include "base/hash.h"
#include "codec/block_codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
uint64_t fuzz_sum; /* of all that was read, so that no read is optimised away */

enum { HEADER_SIZE_AT = 8, HEADER_SIZE_MIN = 16, ARENA_BYTES_MAX = 256 << 20 };

/* The header's size is taken as it is when it fits; its CRC is set. */
static void seal_header(char *block, size_t size)
{
    uint32_t header_size = 0, crc;

    if (size < HEADER_SIZE_MIN)
        return;
    memcpy(&header_size, block + HEADER_SIZE_AT, sizeof(header_size));
    if (header_size < HEADER_SIZE_MIN || header_size > size)
        return;
    crc = crc32c(0, (struct bytes){block, header_size - sizeof(crc)});
    memcpy(block + header_size - sizeof(crc), &crc, sizeof(crc));
}

static void seal_section(const struct block_section *section)
{
    ((struct block_section *)section)->crc = crc32c(0, section->data);
}

static void expect(enum code code)
{
    if (code != OK && code != E_CORRUPT && code != E_MEMORY)
        abort();
}

static uint64_t touch(const struct block_view *view, uint32_t column, const union cell *cells,
                      const uint8_t *present)
{
    uint64_t sum = 0;

    for (uint32_t row = 0; row < view->row_count; row++) {
        if (present && !present[row] && cells[row].u64 != 0)
            abort();
        if (present && !present[row])
            continue;
        if (view->columns[column].type == TYPE_STRING)
            sum += crc32c(0, text_bytes(cells[row].text));
        else
            sum += cells[row].u64;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct block_decoder *decoder;
    char *block = malloc(size + 1);
    struct bytes bytes = {block, size};
    const int64_t *times;
    const uint8_t *history;
    struct block_view view;
    struct arena arena;
    enum code code;

    if (!block || (!decoder && block_decoder_new(&decoder, NULL)))
        abort();
    memcpy(block, data, size);
    seal_header(block, size);
    arena_init(&arena, ARENA_BYTES_MAX, NULL);
    expect(block_check(bytes, decoder, &arena, NULL));
    code = block_open(bytes, &arena, &view, NULL);
    expect(code);
    if (code == OK) {
        seal_section(&view.time);
        seal_section(&view.ingest);
        seal_section(&view.revision);
        seal_section(&view.history);
        expect(block_read_time(decoder, &view, &arena, &times, NULL));
        expect(block_read_ingest(decoder, &view, &arena, &times, NULL));
        expect(block_read_revision(decoder, &view, &arena, &times, NULL));
        expect(block_read_history(decoder, &view, &arena, &history, NULL));
    }
    for (uint32_t i = 0; code == OK && i < view.column_count; i++) {
        const union cell *cells;
        const uint8_t *present;
        enum code read;

        seal_section(&view.columns[i]);
        read = block_read_column(decoder, &view, i, &arena, &cells, &present, NULL);
        expect(read);
        if (read == OK)
            fuzz_sum += touch(&view, i, cells, present);
    }
    arena_release(&arena);
    free(block);
    return 0;
}
