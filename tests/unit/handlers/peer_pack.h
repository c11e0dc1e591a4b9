/* A member's newest pack, as a reply to another one brings it. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_PEER_PACK_H
#define WEIR_TESTS_UNIT_HANDLERS_PEER_PACK_H

#include "store/packs/pack_parts.h"
#include "tests/unit/store/guests/inn.h"

static inline void peer_pack(struct house *house, struct buf *bytes)
{
    const struct pack_list *list = house->store->holdings[house->tenant->ordinal]->packs;
    struct pack_parts *parts;
    struct hash128 hash;

    *bytes = BUF_INIT(1 << 24);
    assert_true(list->count > 0);
    assert_int_equal(pack_parts_open(list->packs[list->count - 1], &parts, NULL), OK);
    for (uint32_t i = 0; i < pack_parts_count(parts); i++)
        assert_int_equal(pack_parts_read(parts, i, bytes, &hash, NULL), OK);
    pack_parts_close(parts);
}

#endif
