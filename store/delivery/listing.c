#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/delivery/turn_inside.h"
#include "store/packs/pack.h"
#include "store/state.h"

/* --- the entry --- */

struct draft {
    struct chain_entry entry;
    struct chain_pack *adds;       /* owned */
    struct chain_removed *removes; /* owned */
    bool *listed;                  /* owned; of each pack of the diff: whether it is in the list */
    bool removes_go;
    int64_t told; /* ingest time up to which it leaves out nothing that will come */
    size_t fresh; /* adds that the chain did not name */
};

/* Whether the pack behind is its history, which is to be added as well. */
static bool has_history(const struct work *work, size_t at)
{
    const struct diff_pack *pack = &work->diff.packs[at];
    const struct diff_pack *next = at + 1 < work->diff.count ? pack + 1 : NULL;

    return pack->kind == DIFF_ADD && pack->pack.entry.kind == PACK_CURRENT && next != NULL &&
           next->kind == DIFF_ADD && next->pack.entry.kind == PACK_HISTORY &&
           next->pack.entry.number == pack->pack.entry.number + 1;
}

/* A pack whose history is still to come waits for it. */
static bool is_whole(const struct work *work, size_t at)
{
    return !has_history(work, at) ||
           work_is_sent(work, work->diff.packs[at + 1].pack.entry.number) ||
           work_is_damaged(work, work->diff.packs[at + 1].pack.entry.number);
}

static bool may_be_listed(const struct work *work, const struct draft *draft, size_t at)
{
    const struct diff_pack *pack = &work->diff.packs[at];

    switch (pack->kind) {
    case DIFF_ADD:
        return work_is_sent(work, pack->pack.entry.number) && is_whole(work, at) &&
               (draft->removes_go || !work_holds_back(work, pack));
    case DIFF_KEEP:
        return draft->entry.checkpoint;
    case DIFF_REMOVE:
        return draft->entry.checkpoint && pack->listed && !draft->removes_go;
    case DIFF_DISCARD:
    case DIFF_ELSEWHERE:
        break;
    }
    return false;
}

/* What must come at once is there. */
static bool removes_may_go(const struct work *work)
{
    for (size_t i = 0; i < work->diff.count; i++) {
        const struct diff_pack *pack = &work->diff.packs[i];
        uint64_t number = pack->pack.entry.number;

        if (pack->kind == DIFF_ADD && work_holds_back(work, pack) && !work_is_sent(work, number) &&
            !(work->diff.returns && work_is_damaged(work, number)))
            return false;
    }
    return true;
}

/* --- what sources have done --- */

/* The ingest time from which on the pack may have rows that will come and that no list has before;
 * INT64_MAX: none.  Of what replaces others the older ones are listed with these. */
static int64_t awaited_from(const struct work *work, const struct diff_pack *pack)
{
    const struct manifest_entry *entry = &pack->pack.entry;
    int64_t told = work->diff.through, from = entry->ingest_first;

    if (pack->kind != DIFF_ADD || pack->notes || entry->row_count == 0 ||
        work_is_damaged(work, entry->number))
        return INT64_MAX;
    told = told > work->recipient->told ? told : work->recipient->told;
    if (from <= told)
        from = told + 1;
    return from <= entry->ingest_last ? from : INT64_MAX;
}

/* The ingest time of the oldest row that this entry will not have told; INT64_MAX: none. */
static int64_t untold_from(const struct work *work, const struct draft *draft)
{
    int64_t from = INT64_MAX;

    for (size_t i = 0; i < work->diff.count; i++) {
        const struct diff_pack *pack = &work->diff.packs[i];

        if (!draft->listed[i] && pack->pack.entry.ingest_first < from) {
            int64_t own = awaited_from(work, pack);

            from = own < from ? own : from;
        }
    }
    return from;
}

/* Whether the pack says what a source has done at that ingest time or later. */
static bool tells_progress(const struct work *work, const struct diff_pack *diff_pack, int64_t from)
{
    struct pack *pack;
    const struct pack_block *blocks;
    size_t count;
    bool found = false;

    if (diff_pack->pack.entry.ingest_last < from)
        return false;
    pack = work_pack(work, diff_pack->pack.entry.number);
    if (pack == NULL) /* merged with others by now: the next entry tells of that */
        return true;
    blocks = pack_blocks(pack, &count);
    for (size_t i = 0; !found && i < count && measurement_is_hidden(blocks[i].measurement); i++)
        found = measurement_is_note(blocks[i].measurement) && blocks[i].ingest_last >= from;
    pack_unref(pack);
    return found;
}

/* What replaces others waits, and these stay. */
static void keep_replaced(const struct work *work, struct draft *draft)
{
    draft->removes_go = false;
    for (size_t i = 0; i < work->diff.count; i++)
        draft->listed[i] = (draft->listed[i] || work->diff.packs[i].kind == DIFF_REMOVE) &&
                           may_be_listed(work, draft, i);
}

/* Takes each new one that tells progress at that ingest time or later, with its history, out of the
 * list; whether there was one. */
static bool take_out(const struct work *work, struct draft *draft, int64_t from)
{
    bool any = false;

    for (size_t i = 0; i < work->diff.count; i++) {
        const struct diff_pack *pack = &work->diff.packs[i];
        bool pair = has_history(work, i);

        if (!draft->listed[i] || pack->kind != DIFF_ADD ||
            !(tells_progress(work, pack, from) || (pair && tells_progress(work, pack + 1, from))))
            continue;
        any = true;
        draft->listed[i] = false;
        if (pair)
            draft->listed[i + 1] = false;
        if (work_holds_back(work, pack))
            keep_replaced(work, draft);
    }
    return any;
}

/* Rows of a window are in the record of its note or an older one, but perhaps in a pack that is
 * sent later: packs come by their numbers, those that are merged have new ones, and merging parts
 * them by their times.  What is taken out waits for them. */
static void choose_listed(const struct work *work, struct draft *draft)
{
    int64_t from;

    draft->removes_go = removes_may_go(work);
    for (size_t i = 0; i < work->diff.count; i++)
        draft->listed[i] = may_be_listed(work, draft, i);
    do
        from = untold_from(work, draft);
    while (from < INT64_MAX && take_out(work, draft, from));
    draft->told = from <= work->diff.ingest_last ? from - 1 : work->diff.ingest_last;
}

static enum code draft_make(const struct work *work, struct draft *draft, struct error *err)
{
    const struct diff *diff = &work->diff;
    bool complete = true;

    *draft = (struct draft){
        .entry = {.incarnation = work->store->incarnation,
                  .tenant = work->tenant,
                  .number = diff->next,
                  .checkpoint = diff->returns || diff->next % CHAIN_CHECKPOINT_EVERY == 0},
        .adds = calloc(diff->count + 1, sizeof(*draft->adds)),
        .removes = calloc(diff->count + 1, sizeof(*draft->removes)),
        .listed = calloc(diff->count + 1, sizeof(*draft->listed)),
    };
    if (draft->adds == NULL || draft->removes == NULL || draft->listed == NULL)
        return error_set(err, E_MEMORY, "no memory for a chain entry");
    choose_listed(work, draft);
    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_pack *pack = &diff->packs[i];
        bool added = draft->listed[i];

        complete &= pack->kind != DIFF_ADD || added;
        draft->fresh += pack->kind == DIFF_ADD && added;
        if (added)
            draft->adds[draft->entry.add_count++] = pack->pack;
        if (pack->kind == DIFF_REMOVE && draft->removes_go && !draft->entry.checkpoint)
            draft->removes[draft->entry.remove_count++] =
                (struct chain_removed){pack->pack.entry.number, pack->pack.entry.incarnation};
    }
    draft->entry.adds = draft->adds;
    draft->entry.removes = draft->removes;
    draft->entry.through = complete ? diff->ingest_last : diff->returns ? INT64_MIN : diff->through;
    if (draft->entry.through < diff->through && !diff->returns)
        draft->entry.through = diff->through;
    return OK;
}

static bool is_news(const struct work *work, const struct draft *draft)
{
    if (work->diff.returns) /* a list that has nothing is news, too: what it had was erased */
        return draft->removes_go && (draft->fresh > 0 || work->diff.counts[DIFF_REMOVE] > 0 ||
                                     work->diff.counts[DIFF_ADD] == 0);
    return draft->fresh > 0 || (draft->removes_go && work->diff.counts[DIFF_REMOVE] > 0);
}

static enum code note_entry(struct work *work, const struct chain_entry *entry, struct error *err)
{
    struct recipient *recipient = work->recipient;
    uint64_t bytes = 0;
    size_t kept = 0;
    enum code code = work_heed_index(
        work, delivered_apply(work->store->options.index, work->shard, entry, err), err);

    if (code)
        return code;
    for (size_t add = 0; add < entry->add_count; add++) {
        const struct diff_pack *pack = diff_find(&work->diff, entry->adds[add].entry.number);

        if (pack != NULL && pack->kind == DIFF_ADD)
            bytes += pack->pack.entry.bytes;
    }
    recipient->listings++;
    outbox_taken(&recipient->outbox, bytes);
    for (size_t i = 0; i < recipient->sent_count; i++) {
        bool listed = false;

        for (size_t add = 0; add < entry->add_count && !listed; add++)
            listed = entry->adds[add].entry.number == recipient->sent[i];
        if (!listed)
            recipient->sent[kept++] = recipient->sent[i];
    }
    recipient->sent_count = kept;
    return OK;
}

/* --- an entry that is there already --- */

/* Of our chain, as far as its head tells. */
static bool is_of_chain(const struct work *work, const struct chain_entry *entry)
{
    const struct hash128 *incarnation = &work->store->incarnation;

    return entry->number == work->diff.next &&
           memcmp(&entry->incarnation, incarnation, sizeof(*incarnation)) == 0 &&
           bytes_equal(entry->tenant, work->tenant);
}

/* An entry whose answer was lost before the tenant went to another shard, perhaps the first one
 * here: what it names has been forgotten since.  Now that the tenant is back a checkpoint makes the
 * whole list anew. */
static bool is_of_before(const struct work *work, const struct chain_entry *entry)
{
    return work->diff.moved && is_of_chain(work, entry) && entry->through <= work->diff.ingest_last;
}

static enum code adopt(struct work *work, const char *id, struct error *err)
{
    struct archive *archive = work->turn->archive;
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    struct chain_entry entry;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = archive->operations->get(archive, bytes_of(work->database), ARCHIVE_MANIFESTS,
                                    bytes_of(id), &body, err);
    if (code == OK)
        code = chain_entry_decode(buf_bytes(&body), &arena, &entry, err);
    if (code == OK && is_of_before(work, &entry)) {
        work->postponed = true;
        code = work_heed_index(work,
                               delivered_pass(work->store->options.index, work->shard, &entry,
                                              work->diff.through, err),
                               err);
        goto out;
    }
    if (code == OK && !(is_of_chain(work, &entry) && diff_explains(&work->diff, &entry)))
        code = error_set(err, E_CORRUPT,
                         "entry %" PRIu64 " of the chain of %.*s is another one's: the data "
                         "directory was copied and the copy was in use, or the shard was renamed",
                         work->diff.next, BYTES_ARG(work->tenant));
    if (code == E_NOT_FOUND)
        code = error_set(err, E_NOT_READY, "chain entry %s was there, and is not", id);
    if (code == OK)
        code = note_entry(work, &entry, err);
    else if (code == E_CORRUPT)
        code = work_stop(work, err);

out:
    arena_release(&arena);
    buf_release(&body);
    return code;
}

/* A database that was emptied, or is another one, would take an entry whose predecessors it lacks:
 * what counts as delivered could never be found there. */
static enum code chain_is_there(struct work *work, struct error *err)
{
    struct archive *archive = work->turn->archive;
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    char id[CHAIN_ID_SIZE];
    enum code code;

    if (work->diff.next == 0)
        return OK;
    chain_entry_id(&work->store->incarnation, work->diff.next - 1, id);
    code = archive->operations->get(archive, bytes_of(work->database), ARCHIVE_MANIFESTS,
                                    bytes_of(id), &body, err);
    buf_release(&body);
    if (code != E_NOT_FOUND)
        return code;
    error_context(err,
                  "the shard has lost the chain of %.*s, or is another database; one of "
                  "another name gets all of it anew",
                  BYTES_ARG(work->tenant));
    return work_stop(work, err);
}

static enum code write_entry(struct work *work, const struct draft *draft, struct error *err)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    struct archive_document document;
    char id[CHAIN_ID_SIZE];
    enum code code;

    chain_entry_encode(&draft->entry, &body);
    chain_entry_id(&draft->entry.incarnation, draft->entry.number, id);
    code = buf_finish(&body, err);
    if (code)
        error_context(err, "a chain entry of %zu packs", draft->entry.add_count);
    if (code == OK)
        code = chain_is_there(work, err);
    document = (struct archive_document){.id = bytes_of(id), .body = buf_bytes(&body)};
    if (code == OK) {
        document.hash = hash128(document.body);
        code = work_put(work, ARCHIVE_MANIFESTS, &document, 1, err);
    }
    buf_release(&body);
    if (code == E_EXISTS) {
        if (err != NULL)
            *err = (struct error){0};
        return adopt(work, id, err);
    }
    if (code == OK)
        code = note_entry(work, &draft->entry, err);
    if (code == OK) {
        if (draft->told > work->recipient->told)
            work->recipient->told = draft->told;
        metric_add(work->turn->packs, draft->fresh);
        log_event(LOG_DEBUG, "delivered", LOG_TEXT("tenant", work->tenant),
                  LOG_TEXT("shard", work->shard), LOG_UINT("entry", draft->entry.number),
                  LOG_UINT("packs", draft->fresh), LOG_UINT("removed", draft->entry.remove_count),
                  LOG_UINT("bytes", work->sent_bytes));
    }
    return code;
}

enum code work_list(struct work *work, struct error *err)
{
    struct draft draft;
    enum code code = draft_make(work, &draft, err);

    if (code == OK && is_news(work, &draft)) {
        code = write_entry(work, &draft, err);
        work->postponed = true; /* what the tables say now is looked at once more */
    }
    free(draft.adds);
    free(draft.removes);
    free(draft.listed);
    return code;
}
