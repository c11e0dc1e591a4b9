#include "store/delivery/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/delivery/turn_inside.h"
#include "store/index.h"
#include "store/packs/pack.h"
#include "store/state.h"

enum {
    REMOVE_COUNT_MAX = 1000, /* documents deleted by one call */
    REMOVE_TURN_MAX = 8000,  /* by one turn, and a pack's more */
};

static const int64_t leaving_ns = 600 * INT64_C(1000000000); /* more than two queries may last */

/* --- numbers --- */

bool numbers_have(const uint64_t *numbers, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

enum code numbers_add(uint64_t **numbers, size_t *count, uint64_t number, struct error *err)
{
    uint64_t *grown = *numbers;

    if ((*count & (*count - 1)) == 0) /* a power of two, or none */
        grown = realloc(*numbers, (*count == 0 ? 1 : 2 * *count) * sizeof(*grown));
    if (grown == NULL)
        return error_set(err, E_MEMORY, "no memory for a list of packs");
    grown[(*count)++] = number;
    *numbers = grown;
    return OK;
}

/* --- recipients --- */

struct recipient *recipient_new(const struct tenant *tenant, struct clock *clock,
                                const _Atomic int64_t *looked)
{
    struct recipient *recipient =
        aligned_alloc(_Alignof(struct recipient), sizeof(struct recipient));

    if (recipient != NULL) {
        *recipient = (struct recipient){.tenant = tenant, .told = INT64_MIN};
        atomic_init(&recipient->stopped, false);
        atomic_init(&recipient->listings, 0);
        outbox_init(&recipient->outbox, tenant, clock, looked);
    }
    return recipient;
}

void recipient_free(struct recipient *recipient)
{
    if (recipient == NULL)
        return;
    free(recipient->sent);
    free(recipient->damaged);
    free(recipient->unread);
    free(recipient->leaving);
    outbox_release(&recipient->outbox);
    free(recipient);
}

void recipient_move(struct recipient *recipient, const char *shard)
{
    (void)snprintf(recipient->shard, sizeof(recipient->shard), "%s", shard);
    recipient->sent_count = recipient->unread_count = recipient->leaving_count = 0;
    free(recipient->sent);
    free(recipient->unread);
    free(recipient->leaving);
    recipient->sent = recipient->unread = recipient->leaving = NULL;
    recipient->partial.number = 0;
    recipient->told = INT64_MIN;
    recipient->stopped = recipient->settled = false;
}

static uint64_t packs_changed(struct store *store, const struct tenant *tenant)
{
    const struct holding *holding;
    uint64_t changed;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    changed = holding == NULL ? 0 : holding->packs_changed;
    pthread_mutex_unlock(&store->state_lock);
    return changed;
}

uint64_t recipient_changes(const struct recipient *recipient, struct store *store)
{
    return packs_changed(store, recipient->tenant) + recipient->listings;
}

void recipient_refuse(struct recipient *recipient)
{
    struct error err = {0};

    (void)error_set(&err, E_NOT_DELIVERED,
                    "delivery of the tenant has ended: another data directory writes to its shard");
    outbox_refuse(&recipient->outbox, &err);
}

bool recipient_waits(struct recipient *recipient, struct store *store)
{
    if (recipient->stopped)
        return false;
    if (recipient->leaving_count > 0 &&
        clock_monotonic_ns(store->options.clock) >= recipient->leaving_due_ns)
        return true;
    return !recipient->settled || outbox_asked(&recipient->outbox) ||
           recipient->packs_changed != packs_changed(store, recipient->tenant);
}

/* --- packs at hand --- */

static struct pack *list_find(const struct pack_list *list, uint64_t number)
{
    size_t first = 0, end = list == NULL ? 0 : list->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (pack_about(list->packs[middle]).number < number)
            first = middle + 1;
        else
            end = middle;
    }
    return list != NULL && first < list->count && pack_about(list->packs[first]).number == number
               ? list->packs[first]
               : NULL;
}

struct pack *work_pack(const struct work *work, uint64_t number)
{
    struct store *store = work->store;
    const struct holding *holding;
    struct pack *pack;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, work->recipient->tenant);
    pack = holding == NULL ? NULL : list_find(holding->packs, number);
    if (pack != NULL)
        pack_ref(pack);
    pthread_mutex_unlock(&store->state_lock);
    return pack;
}

bool work_has_pack(const struct work *work, uint64_t number)
{
    struct pack *pack = work_pack(work, number);

    pack_unref(pack);
    return pack != NULL;
}

bool work_is_away(const struct work *work, uint64_t number)
{
    struct pack *pack = work_pack(work, number);
    bool away = pack != NULL && pack_is_away(pack);

    pack_unref(pack);
    return away;
}

bool work_is_damaged(const struct work *work, uint64_t number)
{
    struct store *store = work->store;
    const struct holding *holding;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, work->recipient->tenant);
    pthread_mutex_unlock(&store->state_lock);
    return numbers_have(work->recipient->damaged, work->recipient->damaged_count, number) ||
           (holding != NULL && numbers_have(holding->unopened, holding->unopened_count, number));
}

bool work_is_sent(const struct work *work, uint64_t number)
{
    return numbers_have(work->recipient->sent, work->recipient->sent_count, number);
}

/* One that is away was listed elsewhere before the first entry went here: it replaces nothing that
 * this shard lists, and what does need not wait until it can be had. */
bool work_holds_back(const struct work *work, const struct diff_pack *pack)
{
    return work->diff.returns || (work->replaces && pack->pack.entry.kind != PACK_PLAIN &&
                                  !work_is_away(work, pack->pack.entry.number));
}

enum code work_heed_index(const struct work *work, enum code code, struct error *err)
{
    if (code == E_IO || code == E_INTERNAL)
        store_fail(work->store, err);
    return code;
}

enum code work_stop(struct work *work, struct error *err)
{
    work->recipient->stopped = true;
    if (err != NULL)
        err->code = E_CORRUPT;
    return E_CORRUPT;
}

enum code work_go_on(const struct work *work, struct error *err)
{
    const _Atomic bool *stop = work->turn->stop;

    return stop != NULL && *stop ? error_set(err, E_DRAINING, "the server is shutting down") : OK;
}

enum code work_put(struct work *work, enum archive_collection collection,
                   const struct archive_document *documents, size_t count, struct error *err)
{
    struct turn *turn = work->turn;
    enum code code = work_go_on(work, err);

    if (code)
        return code;
    turn->acted = true;
    return turn->archive->operations->put(turn->archive, bytes_of(work->database), collection,
                                          documents, count, err);
}

/* --- what goes --- */

static enum code delete_documents(struct work *work, const struct diff_pack *pack,
                                  struct error *err)
{
    const struct manifest_entry *entry = &pack->pack.entry;
    struct archive *archive = work->turn->archive;
    char(*ids)[CHAIN_ID_SIZE] = calloc(REMOVE_COUNT_MAX, sizeof(*ids));
    struct bytes *spans = calloc(REMOVE_COUNT_MAX, sizeof(*spans));
    enum code code = OK;

    if (ids == NULL || spans == NULL)
        code = error_set(err, E_MEMORY, "no memory for names of documents");
    for (uint32_t part = 0; code == OK && part < pack->pack.parts;) {
        size_t count = 0;

        for (; count < REMOVE_COUNT_MAX && part < pack->pack.parts; part++, count++) {
            chain_part_id(&entry->incarnation, entry->number, part, ids[count]);
            spans[count] = bytes_of(ids[count]);
        }
        code = work_go_on(work, err);
        if (code == OK)
            code = archive->operations->remove(archive, bytes_of(work->database), ARCHIVE_PACKS,
                                               spans, count, err);
    }
    free(ids);
    free(spans);
    return code;
}

/* A pack that another incarnation wrote may be in its chain, too: its documents stay. */
static bool wrote(const struct work *work, const struct diff_pack *pack)
{
    return memcmp(&pack->pack.entry.incarnation, &work->store->incarnation,
                  sizeof(work->store->incarnation)) == 0;
}

/* A part of the batch when it is large: others have their turns. */
static enum code discard(struct work *work, struct error *err)
{
    struct recipient *recipient = work->recipient;
    uint64_t documents = 0;
    size_t done = 0;
    enum code code = OK;

    for (; code == OK && done < recipient->leaving_count && documents < REMOVE_TURN_MAX; done++) {
        const struct diff_pack *pack = diff_find(&work->diff, recipient->leaving[done]);

        if (pack == NULL || pack->kind != DIFF_DISCARD || !wrote(work, pack))
            continue;
        work->turn->acted = true;
        documents += pack->pack.parts;
        code = delete_documents(work, pack, err);
    }
    if (code == OK)
        code = work_heed_index(work,
                               delivered_forget(work->store->options.index, work->tenant,
                                                recipient->leaving, done, err),
                               err);
    if (code)
        return code;
    work->turn->acted = work->postponed = true;
    recipient->leaving_count -= done;
    memmove(recipient->leaving, recipient->leaving + done,
            recipient->leaving_count * sizeof(*recipient->leaving));
    return OK;
}

/* Documents of packs that were removed go some time later, all of a batch at once. */
static enum code see_off(struct work *work, struct error *err)
{
    struct recipient *recipient = work->recipient;
    int64_t now_ns = clock_monotonic_ns(work->store->options.clock);
    enum code code = OK;

    if (recipient->leaving_count > 0)
        return now_ns < recipient->leaving_due_ns ? OK : discard(work, err);
    free(recipient->leaving); /* it begins anew, from the first power of two */
    recipient->leaving = NULL;
    recipient->leaving_due_ns = now_ns + leaving_ns;
    for (size_t i = 0; code == OK && i < work->diff.count; i++)
        if (work->diff.packs[i].kind == DIFF_DISCARD)
            code = numbers_add(&recipient->leaving, &recipient->leaving_count,
                               work->diff.packs[i].pack.entry.number, err);
    return code;
}

/* What was left at another shard stays there. */
static enum code forget_elsewhere(struct work *work, struct error *err)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < work->diff.count; i++)
        if (work->diff.packs[i].kind == DIFF_ELSEWHERE)
            code = numbers_add(&numbers, &count, work->diff.packs[i].pack.entry.number, err);
    if (code == OK && count > 0) {
        code = work_heed_index(
            work, delivered_forget(work->store->options.index, work->tenant, numbers, count, err),
            err);
        work->turn->acted = true;
    }
    free(numbers);
    return code;
}

/* --- the turn --- */

static bool is_settled(const struct work *work)
{
    if (work->postponed)
        return false;
    for (size_t i = 0; i < work->diff.count; i++)
        if (work->diff.packs[i].kind == DIFF_ADD &&
            !work_is_damaged(work, work->diff.packs[i].pack.entry.number))
            return false;
    return true;
}

void work_except_damaged(const struct work *work)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < work->diff.count; i++)
        if (work->diff.packs[i].kind == DIFF_ADD &&
            work_is_damaged(work, work->diff.packs[i].pack.entry.number))
            bytes += work->diff.packs[i].pack.entry.bytes;
    outbox_except(&work->recipient->outbox, bytes);
}

/* Of packs that were merged since, which as damaged ones may have been read well.  Whether there
 * were some. */
static bool forget_merged(const struct work *work, uint64_t *numbers, size_t *count)
{
    size_t kept = 0, before = *count;

    for (size_t i = 0; i < before; i++) {
        const struct diff_pack *pack = diff_find(&work->diff, numbers[i]);

        if (pack != NULL && pack->kind == DIFF_ADD)
            numbers[kept++] = numbers[i];
    }
    *count = kept;
    return kept < before;
}

static void find_notes(struct work *work)
{
    for (size_t i = 0; i < work->diff.count; i++) {
        struct diff_pack *found = &work->diff.packs[i];
        struct pack *pack =
            found->kind == DIFF_ADD ? work_pack(work, found->pack.entry.number) : NULL;

        found->notes = pack != NULL && pack_is_notes(pack);
        pack_unref(pack);
    }
}

enum code turn_deliver(struct turn *turn, struct error *err)
{
    struct recipient *recipient = turn->recipient;
    struct work work = {
        .turn = turn,
        .store = turn->store,
        .recipient = recipient,
        .tenant = recipient->tenant->name,
        .shard = bytes_of(recipient->shard),
    };
    uint64_t changed = packs_changed(turn->store, recipient->tenant);
    struct outbox_look look =
        outbox_look(&recipient->outbox, recipient_changes(recipient, turn->store));
    enum code code;

    assert(!recipient->stopped);
    turn->acted = false;
    recipient->settled = false;
    chain_database(work.tenant, work.database);
    code = delivered_compare(turn->store->options.index, work.tenant, work.shard, &work.diff, err);
    if (code == E_CORRUPT)
        return work_stop(&work, err);
    if (code == OK) {
        (void)forget_merged(&work, recipient->sent, &recipient->sent_count);
        if (forget_merged(&work, recipient->damaged, &recipient->damaged_count))
            recipient->told = INT64_MIN; /* it may have passed rows that come after all */
        find_notes(&work);
        work_except_damaged(&work);
        outbox_note(&recipient->outbox, &look, work.shard, &work.diff);
    }
    for (size_t i = 0; i < work.diff.count; i++)
        work.replaces |= work.diff.packs[i].kind == DIFF_REMOVE && work.diff.packs[i].listed;
    if (code == OK && work.diff.counts[DIFF_ADD] > 0)
        code = work_send(&work, err);
    if (code == OK &&
        (work.diff.returns || work.diff.counts[DIFF_ADD] + work.diff.counts[DIFF_REMOVE] > 0))
        code = work_list(&work, err);
    if (code == OK)
        code = forget_elsewhere(&work, err);
    if (code == OK)
        code = see_off(&work, err);
    if (code == OK && is_settled(&work)) {
        recipient->settled = true;
        recipient->packs_changed = changed;
    }
    diff_release(&work.diff);
    return code;
}
