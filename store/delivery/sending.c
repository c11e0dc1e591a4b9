#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/delivery/turn_inside.h"
#include "store/packs/pack.h"
#include "store/packs/pack_parts.h"
#include "store/state.h"

enum {
    DOCUMENT_BODY_MAX = (16 << 20) - 1024, /* 16 MiB with its names */
    PUT_BYTES_MAX = 8 << 20,               /* of one call of the archive, unless a part is larger */
    PUT_COUNT_MAX = 64,
    PART_BYTES_MAX = 1 << 30,
};

/* It is left out until a restart, at which it is looked at again.  OK unless memory is short. */
static enum code note_unreadable(struct work *work, const struct diff_pack *pack, enum code code,
                                 struct error *found, struct error *err)
{
    struct recipient *recipient = work->recipient;
    uint64_t number = pack->pack.entry.number;

    if (code == E_SHARD || code == E_BUSY ||
        code == E_DRAINING) { /* it is at another shard alone */
        work->postponed = true;
        return OK;
    }
    error_context(found, "pack %.*s/%016" PRIx64, BYTES_ARG(work->tenant), number);
    if (code == E_MEMORY) {
        if (err != NULL)
            *err = *found;
        return code;
    }
    log_error(LOG_ERROR, "a pack cannot be delivered", found);
    code = numbers_add(&recipient->damaged, &recipient->damaged_count, number, err);
    work_except_damaged(work);
    return code;
}

/* --- what is sent in this turn --- */

/* How many documents it has.  *there: it can be sent. */
static enum code look_at(struct work *work, struct diff_pack *pack, bool *there, struct error *err)
{
    uint64_t number = pack->pack.entry.number;
    struct pack *held = work_pack(work, number);
    struct pack_parts *parts = NULL;
    struct error found = {0};
    enum code code;

    *there = false;
    if (held == NULL) /* compacted since, or not to be opened at the start, which was told */
        return OK;
    code = pack_parts_open(held, &parts, &found);
    *there = code == OK;
    if (code == OK)
        pack->pack.parts = pack_parts_count(parts);
    else
        code = note_unreadable(work, pack, code, &found, err);
    pack_parts_close(parts);
    pack_unref(held);
    return code;
}

struct choice {
    struct diff_pack **packs; /* owned; of the diff, in the order in which they are sent */
    size_t count;
    uint64_t bytes;
};

static enum code choose(struct work *work, struct diff_pack *pack, struct choice *choice,
                        struct error *err)
{
    uint64_t number = pack->pack.entry.number;
    bool there;
    enum code code;

    if (work_is_damaged(work, number) || work_is_sent(work, number))
        return OK;
    if (choice->bytes >= work->turn->bytes_max) {
        work->postponed = true;
        return OK;
    }
    code = look_at(work, pack, &there, err);
    if (code || !there)
        return code;
    choice->packs[choice->count++] = pack;
    choice->bytes += pack->pack.entry.bytes;
    return OK;
}

/* One that was sent in part goes on, else others could have it begin anew for ever; then those that
 * may be listed alone, then those that may not. */
static int rank(const struct work *work, const struct diff_pack *pack)
{
    if (pack->pack.entry.number == work->recipient->partial.number)
        return 0;
    return work_holds_back(work, pack) ? 2 : 1;
}

/* By rank, each oldest first. */
static enum code choose_all(struct work *work, struct choice *choice, struct error *err)
{
    enum code code = OK;

    choice->packs = calloc(work->diff.count + 1, sizeof(struct diff_pack *));
    if (choice->packs == NULL)
        return error_set(err, E_MEMORY, "no memory for packs that are to be sent");
    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; code == OK && i < work->diff.count; i++)
            if (work->diff.packs[i].kind == DIFF_ADD && rank(work, &work->diff.packs[i]) == turn)
                code = choose(work, &work->diff.packs[i], choice, err);
    return code;
}

/* So that what a crash leaves there is known. */
static enum code begin(struct work *work, const struct choice *choice, struct error *err)
{
    struct chain_pack *packs = calloc(choice->count + 1, sizeof(*packs));
    size_t fresh = 0;
    enum code code;

    if (packs == NULL)
        return error_set(err, E_MEMORY, "no memory for a list of packs");
    for (size_t i = 0; i < choice->count; i++)
        if (!choice->packs[i]->begun)
            packs[fresh++] = choice->packs[i]->pack;
    code =
        delivered_begin(work->store->options.index, work->tenant, work->shard, packs, fresh, err);
    work->turn->acted |= fresh > 0;
    free(packs);
    return work_heed_index(work, code, err);
}

/* --- sending --- */

/* Documents of one call, and the memory that they point to. */
struct shipment {
    struct buf bodies;
    struct archive_document documents[PUT_COUNT_MAX];
    char ids[PUT_COUNT_MAX][CHAIN_ID_SIZE];
    size_t count;
};

static void partial_begin(struct recipient *recipient, uint64_t number)
{
    if (recipient->partial.number == number)
        return;
    recipient->partial.number = number;
    recipient->partial.next = 0;
    hash128_begin(&recipient->partial.hash);
}

/* The next parts of the pack, as many as one call takes. */
static enum code load(const struct work *work, const struct manifest_entry *entry,
                      const struct pack_parts *parts, struct shipment *shipment, struct error *err)
{
    uint64_t left = work->turn->bytes_max - work->sent_bytes;
    uint64_t bytes_max = left < PUT_BYTES_MAX ? left : PUT_BYTES_MAX;
    uint32_t first = work->recipient->partial.next;
    size_t sizes[PUT_COUNT_MAX], at = 0;
    enum code code = OK;

    buf_clear(&shipment->bodies);
    shipment->count = 0;
    for (uint32_t part = first; code == OK && part < pack_parts_count(parts); part++) {
        uint64_t size = pack_parts_size(parts, part);
        size_t i = shipment->count;

        if (i == PUT_COUNT_MAX || (i > 0 && shipment->bodies.size + size > bytes_max))
            break;
        if (size > DOCUMENT_BODY_MAX)
            return error_set(err, E_NOT_SUPPORTED,
                             "part %u has %" PRIu64 " bytes, and a document of MongoDB takes %u",
                             (unsigned)part, size, (unsigned)DOCUMENT_BODY_MAX);
        chain_part_id(&entry->incarnation, entry->number, part, shipment->ids[i]);
        code = pack_parts_read(parts, part, &shipment->bodies, &shipment->documents[i].hash, err);
        sizes[i] = (size_t)size;
        shipment->count++;
    }
    for (size_t i = 0; code == OK && i < shipment->count; i++) { /* the bytes stay where they are */
        shipment->documents[i].id = bytes_of(shipment->ids[i]);
        shipment->documents[i].body = bytes_slice(buf_bytes(&shipment->bodies), at, at + sizes[i]);
        at += sizes[i];
    }
    return code;
}

/* Somebody else has a pack of this name: what is there is not ours to delete. */
static enum code stop_at_pack(struct work *work, const struct diff_pack *pack, struct error *err)
{
    uint64_t number = pack->pack.entry.number;
    struct error found = {0};

    if (delivered_forget(work->store->options.index, work->tenant, &number, 1, &found) != OK)
        log_error(LOG_WARN, "a pack that was not delivered is not forgotten", &found);
    error_context(err,
                  "another pack has the name of %.*s/%016" PRIx64
                  ": the data directory was copied, and the copy was in use",
                  BYTES_ARG(work->tenant), number);
    return work_stop(work, err);
}

/* Sends parts until the pack is whole there, the turn's bytes are used up (*whole is false), or the
 * pack is compacted away (likewise). */
static enum code send_parts(struct work *work, const struct diff_pack *pack,
                            const struct pack_parts *parts, struct shipment *shipment, bool *whole,
                            struct error *err)
{
    const struct manifest_entry *entry = &pack->pack.entry;
    struct recipient *recipient = work->recipient;
    uint32_t count = pack_parts_count(parts);
    struct hash128_state state;
    struct hash128 hash;

    partial_begin(recipient, entry->number);
    while (recipient->partial.next < count) {
        struct error found = {0};
        enum code code;

        if (work->sent_bytes >= work->turn->bytes_max || !work_has_pack(work, entry->number)) {
            work->postponed = true;
            return OK;
        }
        code = load(work, entry, parts, shipment, &found);
        if (code)
            return note_unreadable(work, pack, code, &found, err);
        code = work_put(work, ARCHIVE_PACKS, shipment->documents, shipment->count, err);
        if (code == E_EXISTS)
            return stop_at_pack(work, pack, err);
        if (code)
            return code;
        hash128_add(&recipient->partial.hash, buf_bytes(&shipment->bodies));
        recipient->partial.next += (uint32_t)shipment->count;
        work->sent_bytes += shipment->bodies.size;
        metric_add(work->turn->bytes, shipment->bodies.size);
    }
    state = recipient->partial.hash;
    hash = hash128_end(&state);
    recipient->partial.number = 0;
    if (memcmp(&hash, &entry->hash, sizeof(hash)) != 0) {
        struct error found = {0};

        error_set(&found, E_CORRUPT, "it is not the one of the manifest");
        return note_unreadable(work, pack, E_CORRUPT, &found, err);
    }
    *whole = true;
    return OK;
}

static enum code send_pack(struct work *work, const struct diff_pack *pack,
                           struct shipment *shipment, struct error *err)
{
    struct recipient *recipient = work->recipient;
    struct pack *held = work_pack(work, pack->pack.entry.number);
    struct pack_parts *parts = NULL;
    struct error found = {0};
    bool whole = false;
    enum code code;

    if (held == NULL) {
        work->postponed = true;
        return OK;
    }
    code = pack_parts_open(held, &parts, &found); /* it was, when it was chosen */
    if (code)
        code = note_unreadable(work, pack, code, &found, err);
    else
        code = send_parts(work, pack, parts, shipment, &whole, err);
    if (code == OK && whole)
        code = numbers_add(&recipient->sent, &recipient->sent_count, pack->pack.entry.number, err);
    pack_parts_close(parts);
    pack_unref(held);
    return code;
}

enum code work_send(struct work *work, struct error *err)
{
    struct shipment *shipment = calloc(1, sizeof(*shipment));
    struct choice choice = {.count = 0};
    enum code code;

    if (shipment == NULL)
        return error_set(err, E_MEMORY, "no memory for packs that are to be sent");
    shipment->bodies = BUF_INIT(PART_BYTES_MAX);
    code = choose_all(work, &choice, err);
    if (code == OK)
        code = begin(work, &choice, err);
    for (size_t i = 0; code == OK && i < choice.count; i++) {
        if (work->sent_bytes >= work->turn->bytes_max) {
            work->postponed = true;
            break;
        }
        code = send_pack(work, choice.packs[i], shipment, err);
    }
    buf_release(&shipment->bodies);
    free(shipment);
    free(choice.packs);
    return code;
}
