/* A house whose packs were delivered to an archive in memory, and a shelf for what is made of
 * them. */
#ifndef WEIR_TESTS_UNIT_STORE_DELIVERY_DELIVERED_HOUSE_H
#define WEIR_TESTS_UNIT_STORE_DELIVERY_DELIVERED_HOUSE_H

#include "base/text_file.h"
#include "store/delivery/recover.h"
#include "store/identity.h"
#include "store/packs/manifest.h"
#include "tests/unit/store/delivery/listed_archive.h"
#include "tests/unit/store/shelf.h"

enum { PART_BYTES = 40000 };

struct ground {
    struct house house;
    struct shelf made;
    struct listed_archive listed;
    struct recover_tenant tenant;
    struct recover_options options;
    struct recover_report report;
    unsigned steps, stop_at, compact_at;
    int64_t through;
    struct error err;
};

static inline enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    struct ground *ground = context;

    assert_true(done <= total);
    return ++ground->steps == ground->stop_at ? error_set(err, E_CANCELLED, "enough") : OK;
}

struct delivering {
    struct ground *ground;
    struct index_transaction *transaction;
    struct chain_pack packs[16];
    size_t count;
};

/* In pieces of one size: the chain says how many, whatever a pack's own table says. */
static inline enum code deliver_pack(void *context, struct bytes key, struct bytes value,
                                     struct error *err)
{
    struct delivering *delivering = context;
    struct ground *ground = delivering->ground;
    struct chain_pack *pack = &delivering->packs[delivering->count++];
    struct buf file = BUF_INIT(16 << 20);
    struct bytes tenant, rest, bytes;
    char name[PACK_PATH_SIZE], path[sizeof(ground->house.directory) + PACK_PATH_SIZE],
        id[CHAIN_ID_SIZE];

    (void)err;
    assert_true(index_key_split(key, &tenant, &rest));
    assert_int_equal(manifest_entry_decode(value, &pack->entry, NULL), OK);
    if (pack->entry.in_file) {
        pack_path(tenant, pack->entry.number, name);
        snprintf(path, sizeof(path), "%s/%s", ground->house.directory, name);
        assert_int_equal(text_file_read(path, 16 << 20, &file, NULL), OK);
        bytes = buf_bytes(&file);
    } else {
        assert_int_equal(ground->house.index->operations->get(delivering->transaction, INDEX_PACK,
                                                              key, &bytes, NULL),
                         OK);
        bytes = manifest_inline(&pack->entry, bytes);
    }
    for (size_t at = 0; at < bytes.size || pack->parts < 2; at += PART_BYTES) {
        size_t end = at + PART_BYTES < bytes.size ? at + PART_BYTES : bytes.size;

        chain_part_id(&pack->entry.incarnation, pack->entry.number, pack->parts++, id);
        listed_put_one(&ground->listed, tenant, ARCHIVE_PACKS, id,
                       at < bytes.size ? bytes_slice(bytes, at, end) : (struct bytes){"", 0});
    }
    buf_release(&file);
    return OK;
}

/* All packs of the house, in one entry; `edit` may change what it says. */
static inline void deliver(struct ground *ground,
                           void (*edit)(struct chain_pack *packs, size_t count))
{
    const struct index_operations *index = ground->house.index->operations;
    struct delivering delivering = {.ground = ground};
    struct identity identity;
    struct chain_entry entry = {
        .tenant = BYTES("acme"),
        .checkpoint = true,
        .adds = delivering.packs,
    };

    assert_int_equal(identity_read(ground->house.index, &identity, NULL), OK);
    assert_int_equal(index->begin(ground->house.index, false, &delivering.transaction, NULL), OK);
    assert_int_equal(index->walk(delivering.transaction, INDEX_MANIFEST, (struct bytes){0},
                                 deliver_pack, &delivering, NULL),
                     OK);
    index->abort(delivering.transaction);
    entry.incarnation = ground->tenant.incarnation = identity.incarnation;
    entry.through = ground->through = identity.ingest_last;
    entry.add_count = delivering.count;
    if (edit != NULL)
        edit(delivering.packs, delivering.count);
    listed_put_entry(&ground->listed, &entry);
}

static inline void ground_init(struct ground *ground,
                               void (*edit)(struct chain_pack *packs, size_t count))
{
    *ground = (struct ground){.steps = 0};
    house_init(&ground->house);
    house_open(&ground->house);
    shelf_fill_house(&ground->house);
    house_seal(&ground->house);
    shelf_init(&ground->made);
    listed_init(&ground->listed);
    ground->tenant.name = BYTES("acme");
    ground->tenant.archive = &ground->listed.archive;
    deliver(ground, edit);
    ground->options = (struct recover_options){
        .tenants = &ground->tenant,
        .tenant_count = 1,
        .to = ground->made.fs,
        .index_path = ground->made.index_path,
        .map_bytes = SHELF_MAP_BYTES,
        .step = step,
        .context = ground,
        .patience_ns = INT64_C(60000000000),
    };
}

static inline enum code recover(struct ground *ground)
{
    return recover_run(&ground->options, &ground->report, &ground->err);
}

static inline void ground_release(struct ground *ground)
{
    house_close(&ground->house);
    house_remove(&ground->house);
    shelf_release(&ground->made);
    listed_release(&ground->listed);
}

#endif
