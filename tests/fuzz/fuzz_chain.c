/* Chain entries: hostile bytes are refused or give an entry that keeps its promises, and encodes to
 * one that decodes to the same.  The CRC is made right, so that what is behind it is reached. */
#include <stdlib.h>

#include "store/delivery/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Encoding a second time changes nothing. */
static void check_again(const struct chain_entry *entry, struct arena *arena)
{
    struct buf first = BUF_INIT((size_t)1 << 28), second = BUF_INIT((size_t)1 << 28);
    struct chain_entry again;
    struct error err = {0};

    chain_entry_encode(entry, &first);
    expect(buf_finish(&first, NULL) == OK);
    expect(chain_entry_decode(buf_bytes(&first), arena, &again, &err) == OK);
    chain_entry_encode(&again, &second);
    expect(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_list list = {0};
    struct chain_entry entry;
    struct error err = {0};
    struct hash128 hash;
    struct arena arena;
    uint64_t number;
    uint32_t crc;
    char *bytes = malloc(size + 1);

    if (bytes == NULL)
        abort();
    memcpy(bytes, data, size);
    (void)chain_entry_id_parse((struct bytes){bytes, size}, &hash, &number);
    if (size >= sizeof(crc)) {
        crc = crc32c(0, (struct bytes){bytes, size - sizeof(crc)});
        memcpy(bytes + size - sizeof(crc), &crc, sizeof(crc));
    }
    arena_init(&arena, (size_t)1 << 28, NULL);
    if (chain_entry_decode((struct bytes){bytes, size}, &arena, &entry, &err) == OK) {
        expect(entry.tenant.size > 0 && entry.tenant.size <= 64);
        for (size_t i = 1; i < entry.add_count; i++)
            expect(entry.adds[i - 1].entry.number < entry.adds[i].entry.number);
        expect(!entry.checkpoint || entry.remove_count == 0);
        check_again(&entry, &arena);
        expect(chain_list_apply(&list, &entry, &err) == OK);
        expect(list.count == entry.add_count);
        if (!entry.checkpoint && list.count > 0)
            expect(chain_list_apply(&list, &entry, &err) == E_CORRUPT);
    }
    chain_list_release(&list);
    arena_release(&arena);
    free(bytes);
    return 0;
}
