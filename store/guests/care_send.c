/* Documents of new packs, then the chain's next entry.  Both are inserted once and never changed,
 * so nothing here needs to know whether a call that failed did its work. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/delivery/chain_read.h"
#include "store/guests/caretaker_inside.h"
#include "store/packs/pack_parts.h"

enum {
    DOCUMENT_BODY_MAX = (16 << 20) - 1024, /* 16 MiB with its names */
    PUT_BYTES_MAX = 8 << 20,               /* of one call of the archive, and a part more */
    PUT_COUNT_MAX = 64,
    PART_BYTES_MAX = 1 << 30,
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to go on with a chain");
}

static enum code put(struct care *care, enum archive_collection collection,
                     const struct archive_document *documents, size_t count, struct error *err)
{
    struct archive *archive = care->shard->archive;
    char database[CHAIN_DATABASE_SIZE];
    enum code code = care_may(care, err);

    chain_database(care->tenant->name, database);
    return code ? code
                : archive->operations->put(archive, bytes_of(database), collection, documents,
                                           count, err);
}

/* --- documents --- */

/* Of one call. */
struct shipment {
    struct buf bodies;
    struct archive_document documents[PUT_COUNT_MAX];
    char ids[PUT_COUNT_MAX][CHAIN_ID_SIZE];
    size_t sizes[PUT_COUNT_MAX];
    size_t count;
};

static enum code load(const struct manifest_entry *entry, const struct pack_parts *parts,
                      uint32_t *next, struct shipment *shipment, struct error *err)
{
    enum code code = OK;

    buf_clear(&shipment->bodies);
    shipment->count = 0;
    while (code == OK && *next < pack_parts_count(parts) && shipment->count < PUT_COUNT_MAX &&
           shipment->bodies.size < PUT_BYTES_MAX) {
        size_t i = shipment->count++;
        uint64_t size = pack_parts_size(parts, *next);

        if (size > DOCUMENT_BODY_MAX)
            return error_set(err, E_NOT_SUPPORTED,
                             "part %u has %" PRIu64 " bytes, and a document of MongoDB takes %u",
                             (unsigned)*next, size, (unsigned)DOCUMENT_BODY_MAX);
        chain_part_id(&entry->incarnation, entry->number, *next, shipment->ids[i]);
        code = pack_parts_read(parts, *next, &shipment->bodies, &shipment->documents[i].hash, err);
        shipment->sizes[i] = (size_t)size;
        ++*next;
    }
    return code;
}

static enum code ship(struct care *care, struct shipment *shipment, struct error *err)
{
    size_t at = 0;

    for (size_t i = 0; i < shipment->count; i++) { /* the bytes stay where they are from here on */
        shipment->documents[i].id = bytes_of(shipment->ids[i]);
        shipment->documents[i].body =
            bytes_slice(buf_bytes(&shipment->bodies), at, at + shipment->sizes[i]);
        at += shipment->sizes[i];
    }
    return put(care, ARCHIVE_PACKS, shipment->documents, shipment->count, err);
}

static enum code send_pack(struct care *care, const struct new_pack *made,
                           struct shipment *shipment, uint32_t *count, struct error *err)
{
    struct pack_parts *parts = NULL;
    uint32_t next = 0;
    enum code code = pack_parts_open(made->pack, &parts, err);

    *count = code == OK ? pack_parts_count(parts) : 0;
    while (code == OK && next < *count) {
        code = load(&made->entry, parts, &next, shipment, err);
        if (code == OK)
            code = ship(care, shipment, err);
    }
    pack_parts_close(parts);
    return code;
}

enum code care_send(struct care *care, const struct care_made *made, struct chain_pack *listed,
                    struct error *err)
{
    struct shipment *shipment = calloc(1, sizeof(*shipment));
    enum code code = OK;

    if (shipment == NULL)
        return no_memory(err);
    shipment->bodies = BUF_INIT(PART_BYTES_MAX);
    for (size_t i = 0; i < made->count; i++)
        listed[i] = (struct chain_pack){.entry = made->packs[i].entry};
    for (size_t i = 0; code == OK && i < made->count; i++)
        code = send_pack(care, &made->packs[i], shipment, &listed[i].parts, err);
    buf_release(&shipment->bodies);
    free(shipment);
    return code;
}

/* --- an entry --- */

/* A database that was emptied would take an entry whose predecessors it lacks. */
static enum code chain_is_there(struct care *care, struct error *err)
{
    struct chain_entry entry;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = chain_entry_read(care->shard->archive, care->tenant->name, &care->incarnation,
                            care->follow.next - 1, &arena, &entry, err);
    arena_release(&arena);
    return code == E_NOT_FOUND
               ? error_set(err, E_SHARD, "the shard has lost the chain, or is another database")
               : code;
}

/* The whole list as it is with the entry, where a checkpoint is due. */
static enum code make_checkpoint(const struct care *care, struct chain_entry *entry,
                                 struct chain_list *list, struct error *err)
{
    const struct chain_list *before = &care->follow.list;
    enum code code;

    if (entry->number % CHAIN_CHECKPOINT_EVERY != 0)
        return OK;
    list->packs = malloc((before->count + 1) * sizeof(*list->packs));
    if (list->packs == NULL)
        return no_memory(err);
    if (before->count > 0)
        memcpy(list->packs, before->packs, before->count * sizeof(*list->packs));
    list->capacity = before->count + 1;
    list->count = before->count;
    code = chain_list_apply(list, entry, err);
    entry->checkpoint = true;
    entry->adds = list->packs;
    entry->add_count = list->count;
    entry->remove_count = 0;
    return code;
}

enum code care_list(struct care *care, const struct chain_pack *adds, size_t add_count,
                    const struct chain_removed *removes, size_t remove_count, struct error *err)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    struct chain_list list = {.count = 0};
    struct chain_entry entry = {
        .incarnation = care->incarnation,
        .tenant = care->tenant->name,
        .number = care->follow.next,
        .through = care->follow.through,
        .adds = adds,
        .add_count = add_count,
        .removes = removes,
        .remove_count = remove_count,
    };
    char id[CHAIN_ID_SIZE];
    enum code code = make_checkpoint(care, &entry, &list, err);

    if (code == OK) {
        chain_entry_encode(&entry, &body);
        code = buf_finish(&body, err);
    }
    if (code == OK)
        code = chain_is_there(care, err);
    if (code == OK) {
        struct archive_document document = {.body = buf_bytes(&body)};

        chain_entry_id(&entry.incarnation, entry.number, id);
        document.id = bytes_of(id);
        document.hash = hash128(document.body);
        code = put(care, ARCHIVE_MANIFESTS, &document, 1, err);
    }
    buf_release(&body);
    chain_list_release(&list);
    return code;
}
