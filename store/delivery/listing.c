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
    bool removes_go;
    size_t fresh; /* adds that the chain did not name */
};

/* A pack whose history is still to come waits for it. */
static bool is_whole(const struct work *work, size_t at)
{
    const struct diff_pack *pack = &work->diff.packs[at];
    const struct diff_pack *next = at + 1 < work->diff.count ? pack + 1 : NULL;

    return pack->pack.entry.kind != PACK_CURRENT || next == NULL || next->kind != DIFF_ADD ||
           next->pack.entry.kind != PACK_HISTORY ||
           next->pack.entry.number != pack->pack.entry.number + 1 ||
           work_is_sent(work, next->pack.entry.number) ||
           work_is_damaged(work, next->pack.entry.number);
}

static bool is_added(const struct work *work, const struct draft *draft, size_t at)
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
            !(work->diff.returns &&
              (work_is_damaged(work, number) || !work_has_pack(work, number))))
            return false;
    }
    return true;
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
        .removes_go = removes_may_go(work),
    };
    if (draft->adds == NULL || draft->removes == NULL)
        return error_set(err, E_MEMORY, "no memory for a chain entry");
    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_pack *pack = &diff->packs[i];
        bool added = is_added(work, draft, i);

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
    return code;
}
