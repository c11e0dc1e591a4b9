#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/delivery/turn_inside.h"
#include "store/packs/pack.h"
#include "store/packs/pack_parts.h"
#include "store/packs/pack_stub.h"
#include "store/state.h"

enum {
    DOCUMENT_BODY_MAX = (16 << 20) - 1024, /* 16 MiB with its names */
    PUT_BYTES_MAX = 8 << 20,               /* of one call of the archive, unless a part is larger */
    PUT_COUNT_MAX = 1000,                  /* small packs have two documents each */
    PART_BYTES_MAX = 1 << 30,
    RANKS = 5,
};

/* Of a turn, for packs that are away: their shard may be slow, and other tenants wait. */
static const int64_t away_ns_max = 5 * INT64_C(1000000000);

/* It is left out until a restart, at which it is looked at again.  OK unless memory is short. */
static enum code note_unreadable(struct work *work, const struct diff_pack *pack, enum code code,
                                 struct error *found, struct error *err)
{
    struct recipient *recipient = work->recipient;
    uint64_t number = pack->pack.entry.number;

    if (code == E_SHARD || code == E_BUSY ||
        code == E_DRAINING) { /* it is at another shard alone */
        work->postponed = true;
        return numbers_have(recipient->unread, recipient->unread_count, number)
                   ? OK
                   : numbers_add(&recipient->unread, &recipient->unread_count, number, err);
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
    if (!pack_answers(held)) {
        work->postponed = true;
        pack_unref(held);
        return OK;
    }
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
    if (choice->bytes >= work->turn->bytes_max ||
        numbers_have(work->recipient->unread, work->recipient->unread_count, number)) {
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
 * may be listed alone, then those that may not; and behind what is here what is away. */
static uint8_t rank(const struct work *work, const struct diff_pack *pack)
{
    uint64_t number = pack->pack.entry.number;

    if (number == work->recipient->partial.number)
        return 0;
    return (uint8_t)((work_is_away(work, number) ? 3 : 1) + work_holds_back(work, pack));
}

/* By rank, each oldest first.  Those that could not be had are tried again when there is nothing
 * else. */
static enum code choose_all(struct work *work, struct choice *choice, struct error *err)
{
    size_t count = work->diff.count;
    uint8_t *ranks = calloc(count + 1, sizeof(*ranks));
    enum code code = OK;

    choice->packs = calloc(count + 1, sizeof(struct diff_pack *));
    if (choice->packs == NULL || ranks == NULL) {
        free(ranks);
        return error_set(err, E_MEMORY, "no memory for packs that are to be sent");
    }
    for (size_t i = 0; i < count; i++)
        ranks[i] = work->diff.packs[i].kind == DIFF_ADD ? rank(work, &work->diff.packs[i]) : RANKS;
    for (int turn = 0; turn < RANKS; turn++)
        for (size_t i = 0; code == OK && i < count; i++)
            if (ranks[i] == turn)
                code = choose(work, &work->diff.packs[i], choice, err);
    if (choice->count == 0)
        work->recipient->unread_count = 0;
    free(ranks);
    return code;
}

static bool is_late(const struct work *work, uint64_t number)
{
    return clock_monotonic_ns(work->store->options.clock) - work->began_ns > away_ns_max &&
           work_is_away(work, number);
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
    size_t sizes[PUT_COUNT_MAX];
    size_t count;
    /* Packs that are in it whole, and how many documents there are with the last of each. */
    const struct diff_pack *packs[PUT_COUNT_MAX];
    size_t ends[PUT_COUNT_MAX];
    size_t pack_count;
};

static void shipment_clear(struct shipment *shipment)
{
    buf_clear(&shipment->bodies);
    shipment->count = shipment->pack_count = 0;
}

/* One call of the archive, with the documents [first, end). */
static enum code put(struct work *work, struct shipment *shipment, size_t first, size_t end,
                     struct error *err)
{
    size_t at = 0;

    for (size_t i = 0; i < end; i++) { /* the bytes stay where they are from here on */
        shipment->documents[i].id = bytes_of(shipment->ids[i]);
        shipment->documents[i].body =
            bytes_slice(buf_bytes(&shipment->bodies), at, at + shipment->sizes[i]);
        at += shipment->sizes[i];
    }
    return work_put(work, ARCHIVE_PACKS, shipment->documents + first, end - first, err);
}

static void partial_begin(struct recipient *recipient, uint64_t number)
{
    if (recipient->partial.number == number)
        return;
    recipient->partial.number = number;
    recipient->partial.next = 0;
    hash128_begin(&recipient->partial.hash);
}

/* Parts of the pack from `first` on, as many as one call takes beside what is there already; *next
 * is the first that it does not. */
static enum code load(const struct work *work, const struct manifest_entry *entry,
                      const struct pack_parts *parts, uint32_t first, struct shipment *shipment,
                      uint32_t *next, struct error *err)
{
    uint64_t left = work->turn->bytes_max - work->sent_bytes;
    uint64_t bytes_max = left < PUT_BYTES_MAX ? left : PUT_BYTES_MAX;
    enum code code = OK;

    for (*next = first; code == OK && *next < pack_parts_count(parts); (*next)++) {
        uint64_t size = pack_parts_size(parts, *next);
        size_t i = shipment->count;

        if (i == PUT_COUNT_MAX || (i > 0 && shipment->bodies.size + size > bytes_max))
            break;
        if (size > DOCUMENT_BODY_MAX)
            return error_set(err, E_NOT_SUPPORTED,
                             "part %u has %" PRIu64 " bytes, and a document of MongoDB takes %u",
                             (unsigned)*next, size, (unsigned)DOCUMENT_BODY_MAX);
        chain_part_id(&entry->incarnation, entry->number, *next, shipment->ids[i]);
        code = pack_parts_read(parts, *next, &shipment->bodies, &shipment->documents[i].hash, err);
        shipment->sizes[i] = (size_t)size;
        shipment->count++;
    }
    return code;
}

/* Somebody else has a pack of this name: what is there is not ours to delete. */
static enum code stop_at_pack(struct work *work, const struct diff_pack *pack, struct error *err)
{
    uint64_t number = pack->pack.entry.number;
    struct error found = {0};

    if (delivered_give_up(work->store->options.index, work->tenant, number, &found) != OK)
        log_error(LOG_WARN, "a pack that was not delivered is not forgotten", &found);
    error_context(err,
                  "another pack has the name of %.*s/%016" PRIx64
                  ": the data directory was copied, and the copy was in use",
                  BYTES_ARG(work->tenant), number);
    return work_stop(work, err);
}

static void note_sent(struct work *work, const struct shipment *shipment)
{
    work->sent_bytes += shipment->bodies.size;
    metric_add(work->turn->bytes, shipment->bodies.size);
}

/* Which of several packs it is that somebody else has. */
static enum code find_another(struct work *work, struct shipment *shipment, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < shipment->pack_count; i++) {
        if (err != NULL)
            *err = (struct error){0};
        code = put(work, shipment, i == 0 ? 0 : shipment->ends[i - 1], shipment->ends[i], err);
        if (code == E_EXISTS)
            return stop_at_pack(work, shipment->packs[i], err);
    }
    return code;
}

/* Sends the packs that have been gathered. */
static enum code ship(struct work *work, struct shipment *shipment, struct error *err)
{
    struct recipient *recipient = work->recipient;
    enum code code;

    if (shipment->count == 0)
        return OK;
    code = put(work, shipment, 0, shipment->count, err);
    if (code == E_EXISTS)
        code = find_another(work, shipment, err);
    for (size_t i = 0; code == OK && i < shipment->pack_count; i++)
        code = numbers_add(&recipient->sent, &recipient->sent_count,
                           shipment->packs[i]->pack.entry.number, err);
    if (code == OK)
        note_sent(work, shipment);
    shipment_clear(shipment);
    return code;
}

/* Whether all of the pack fits into the call that is being gathered, or into one of its own: then
 * several go together, as each call is some round trips. */
static bool fits(const struct work *work, const struct diff_pack *pack,
                 const struct shipment *shipment)
{
    uint64_t bytes = shipment->bodies.size + pack->pack.entry.bytes;

    return pack->pack.entry.number != work->recipient->partial.number && bytes <= PUT_BYTES_MAX &&
           work->sent_bytes + bytes <= work->turn->bytes_max &&
           shipment->count + pack->pack.parts <= PUT_COUNT_MAX;
}

/* One whose bytes are not those of the manifest is taken out again. */
static enum code gather(struct work *work, const struct diff_pack *pack,
                        const struct pack_parts *parts, struct shipment *shipment,
                        struct error *err)
{
    size_t count = shipment->count, size = shipment->bodies.size;
    struct error found = {0};
    struct hash128 hash;
    uint32_t next;
    enum code code = load(work, &pack->pack.entry, parts, 0, shipment, &next, &found);

    if (code == OK) {
        hash = hash128(bytes_slice(buf_bytes(&shipment->bodies), size, shipment->bodies.size));
        if (next != pack_parts_count(parts) ||
            memcmp(&hash, &pack->pack.entry.hash, sizeof(hash)) != 0)
            code = error_set(&found, E_CORRUPT, "it is not the one of the manifest");
    }
    if (code) {
        shipment->count = count;
        shipment->bodies.size = size;
        return note_unreadable(work, pack, code, &found, err);
    }
    shipment->packs[shipment->pack_count] = pack;
    shipment->ends[shipment->pack_count++] = shipment->count;
    return OK;
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

    assert(shipment->count == 0);
    partial_begin(recipient, entry->number);
    while (recipient->partial.next < count) {
        struct error found = {0};
        uint32_t next;
        enum code code;

        if (work->sent_bytes >= work->turn->bytes_max || !work_has_pack(work, entry->number) ||
            is_late(work, entry->number)) {
            work->postponed = true;
            return OK;
        }
        shipment_clear(shipment);
        code = load(work, entry, parts, recipient->partial.next, shipment, &next, &found);
        if (code) {
            shipment_clear(shipment);
            return note_unreadable(work, pack, code, &found, err);
        }
        code = put(work, shipment, 0, shipment->count, err);
        if (code == E_EXISTS)
            return stop_at_pack(work, pack, err);
        if (code)
            return code;
        hash128_add(&recipient->partial.hash, buf_bytes(&shipment->bodies));
        recipient->partial.next = next;
        note_sent(work, shipment);
        shipment_clear(shipment);
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

static enum code send_alone(struct work *work, const struct diff_pack *pack,
                            const struct pack_parts *parts, struct shipment *shipment,
                            struct error *err)
{
    struct recipient *recipient = work->recipient;
    bool whole = false;
    enum code code = ship(work, shipment, err);

    if (code == OK)
        code = send_parts(work, pack, parts, shipment, &whole, err);
    if (code == OK && whole)
        code = numbers_add(&recipient->sent, &recipient->sent_count, pack->pack.entry.number, err);
    return code;
}

static enum code send_pack(struct work *work, const struct diff_pack *pack,
                           struct shipment *shipment, struct error *err)
{
    struct pack *held = work_pack(work, pack->pack.entry.number);
    struct pack_parts *parts = NULL;
    struct error found = {0};
    enum code code;

    if (held == NULL) {
        work->postponed = true;
        return OK;
    }
    code = pack_parts_open(held, &parts, &found); /* it was, when it was chosen */
    if (code) {
        code = note_unreadable(work, pack, code, &found, err);
        goto out;
    }
    if (!fits(work, pack, shipment))
        code = ship(work, shipment, err);
    if (code == OK && fits(work, pack, shipment))
        code = gather(work, pack, parts, shipment, err);
    else if (code == OK)
        code = send_alone(work, pack, parts, shipment, err);

out:
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
    work->began_ns = clock_monotonic_ns(work->store->options.clock);
    code = choose_all(work, &choice, err);
    if (code == OK)
        code = begin(work, &choice, err);
    for (size_t i = 0; code == OK && i < choice.count; i++) {
        if (work->sent_bytes + shipment->bodies.size >= work->turn->bytes_max ||
            is_late(work, choice.packs[i]->pack.entry.number)) {
            work->postponed = true;
            break;
        }
        code = send_pack(work, choice.packs[i], shipment, err);
    }
    if (code == OK)
        code = ship(work, shipment, err);
    buf_release(&shipment->bodies);
    free(shipment);
    free(choice.packs);
    return code;
}
