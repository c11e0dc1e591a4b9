/* Documents of packs that the chain does not name: of those that an entry took out, and of those
 * that a caretaker or the member itself left before an entry named them.  They go ten minutes after
 * they were seen by this node, as a reader or a restore may still be at it.
 *
 * Nobody may name them meanwhile.  Who uploaded them for an entry that is still to come, a
 * caretaker that was paused or the member itself, has read the chain before: so an entry of ours is
 * inserted first, were it one that changes nothing.  His own meets it then, and he begins anew with
 * other packs.  A pack that another chain at the shard names, as that of a restored directory does,
 * stays.
 */
#include <stdlib.h>

#include "base/log.h"
#include "store/delivery/chain_read.h"
#include "store/guests/caretaker_inside.h"
#include "store/state.h"

enum { REMOVE_COUNT_MAX = 1000 }; /* documents deleted by one call */

static const int64_t leaving_ns = 600 * INT64_C(1000000000), /* as delivery's */
    look_ns = INT64_C(24) * 3600 * 1000000000;

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a list of packs");
}

static int64_t now_of(const struct care *care)
{
    return clock_monotonic_ns(care->caretaker->store->options.clock);
}

/* --- who leaves --- */

/* Where it stands, or would. */
static size_t place_of(const struct care *care, uint64_t number)
{
    size_t first = 0, end = care->leaver_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (care->leavers[middle].number < number)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

enum code care_leaver_add(struct care *care, uint64_t number, uint32_t parts, bool fenced,
                          struct error *err)
{
    size_t at = place_of(care, number);
    struct leaver *grown;

    if (at < care->leaver_count && care->leavers[at].number == number) {
        if (parts > care->leavers[at].parts)
            care->leavers[at].parts = parts;
        if (fenced) /* an entry has just taken it out: it was read until now */
            care->leavers[at].due_ns = now_of(care) + leaving_ns;
        return OK;
    }
    grown = realloc(care->leavers, (care->leaver_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return no_memory(err);
    care->leavers = grown;
    memmove(grown + at + 1, grown + at, (care->leaver_count - at) * sizeof(*grown));
    grown[at] = (struct leaver){number, parts, now_of(care) + leaving_ns, fenced};
    care->leaver_count++;
    return OK;
}

static bool names(const struct chain_list *list, const struct care *care, uint64_t number)
{
    const struct chain_pack *listed = chain_list_find(list, number);

    return listed != NULL && hash128_equal(&listed->entry.incarnation, &care->incarnation);
}

/* What the list of a chain names stays. */
static void spare(struct care *care, const struct chain_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < care->leaver_count; i++)
        if (!names(list, care, care->leavers[i].number))
            care->leavers[kept++] = care->leavers[i];
    care->leaver_count = kept;
}

/* Of an entry whose answer was lost the new pack was noted as well, and is listed. */
void care_fence(struct care *care)
{
    spare(care, &care->follow.list);
    for (size_t i = 0; i < care->leaver_count; i++)
        care->leavers[i].fenced = true;
}

static enum code spare_of_chain(struct care *care, const struct hash128 *incarnation,
                                struct error *err)
{
    struct chain_list list = {.count = 0};
    struct chain_about about;
    enum code code =
        chain_read(care->shard->archive, care->tenant->name, incarnation, &list, &about, err);

    if (code == OK)
        spare(care, &list);
    chain_list_release(&list);
    return code;
}

static enum code spare_of_others(struct care *care, struct error *err)
{
    struct hash128 *incarnations;
    size_t count;
    enum code code =
        chain_authors(care->shard->archive, care->tenant->name, &incarnations, &count, err);

    for (size_t i = 0; code == OK && i < count; i++)
        if (!hash128_equal(&incarnations[i], &care->incarnation))
            code = spare_of_chain(care, &incarnations[i], err);
    free(incarnations);
    return code;
}

/* --- what goes --- */

static enum code delete_documents(struct care *care, const struct leaver *leaver, struct error *err)
{
    struct archive *archive = care->shard->archive;
    char(*ids)[CHAIN_ID_SIZE] = calloc(REMOVE_COUNT_MAX, sizeof(*ids));
    struct bytes *spans = calloc(REMOVE_COUNT_MAX, sizeof(*spans));
    char database[CHAIN_DATABASE_SIZE];
    enum code code = ids == NULL || spans == NULL ? no_memory(err) : OK;

    chain_database(care->tenant->name, database);
    for (uint32_t part = 0; code == OK && part < leaver->parts;) {
        size_t count = 0;

        for (; count < REMOVE_COUNT_MAX && part < leaver->parts; part++, count++) {
            chain_part_id(&care->incarnation, leaver->number, part, ids[count]);
            spans[count] = bytes_of(ids[count]);
        }
        code = care_may(care, err);
        if (code == OK)
            code = archive->operations->remove(archive, bytes_of(database), ARCHIVE_PACKS, spans,
                                               count, err);
        if (code == OK)
            metric_add(care->shard->documents, count);
    }
    free(ids);
    free(spans);
    return code;
}

static bool is_due(const struct care *care, size_t at)
{
    return now_of(care) >= care->leavers[at].due_ns;
}

static enum code delete_due(struct care *care, bool *did, struct error *err)
{
    size_t kept = 0;
    enum code code = OK;

    for (size_t i = 0; i < care->leaver_count; i++) {
        bool due = code == OK && is_due(care, i);

        if (due)
            code = delete_documents(care, &care->leavers[i], err);
        if (!due || code)
            care->leavers[kept++] = care->leavers[i];
        *did |= due;
    }
    care->leaver_count = kept;
    return code;
}

static bool any_due(const struct care *care)
{
    for (size_t i = 0; i < care->leaver_count; i++)
        if (is_due(care, i))
            return true;
    return false;
}

static bool all_fenced(const struct care *care)
{
    for (size_t i = 0; i < care->leaver_count; i++)
        if (!care->leavers[i].fenced)
            return false;
    return true;
}

enum code care_see_off(struct care *care, bool *did, struct error *err)
{
    enum code code;

    if (all_fenced(care) && !any_due(care))
        return OK;
    code = care_open(care, err);
    if (code == OK)
        code = care_follow(care, err);
    if (code)
        return code;
    spare(care, &care->follow.list);
    if (!all_fenced(care)) {
        code = care_list(care, NULL, 0, NULL, 0, err);
        if (code)
            return code;
        care_fence(care);
        *did = true;
    }
    if (any_due(care)) {
        code = spare_of_others(care, err);
        if (code == OK)
            code = delete_due(care, did, err);
    }
    return code;
}

/* --- looking for them --- */

struct finding {
    struct care *care;
    struct {
        uint64_t number;
        uint32_t part;
    } * found; /* owned */
    size_t count, capacity;
};

static enum code note_document(void *context, struct bytes id, struct error *err)
{
    struct finding *finding = context;
    struct hash128 incarnation;
    uint64_t number;
    uint32_t part;

    if (!chain_part_id_parse(id, &incarnation, &number, &part) ||
        !hash128_equal(&incarnation, &finding->care->incarnation) || part == UINT32_MAX ||
        names(&finding->care->follow.list, finding->care, number))
        return OK;
    if (finding->count == finding->capacity) {
        size_t capacity = 2 * finding->capacity + 64;
        void *grown = realloc(finding->found, capacity * sizeof(*finding->found));

        if (grown == NULL)
            return no_memory(err);
        finding->found = grown;
        finding->capacity = capacity;
    }
    finding->found[finding->count].number = number;
    finding->found[finding->count++].part = part;
    return OK;
}

enum code care_look(struct care *care, bool *did, struct error *err)
{
    struct finding finding = {.care = care};
    char database[CHAIN_DATABASE_SIZE];
    size_t before = care->leaver_count;
    enum code code;

    if (now_of(care) < care->look_due_ns)
        return OK;
    code = care_open(care, err);
    if (code == OK)
        code = care_follow(care, err);
    if (code)
        return code;
    chain_database(care->tenant->name, database);
    code = care->shard->archive->operations->list(care->shard->archive, bytes_of(database),
                                                  ARCHIVE_PACKS, note_document, &finding, err);
    for (size_t i = 0; code == OK && i < finding.count; i++)
        code =
            care_leaver_add(care, finding.found[i].number, finding.found[i].part + 1, false, err);
    free(finding.found);
    if (code)
        return code;
    care->look_due_ns = now_of(care) + look_ns;
    if (care->leaver_count > before)
        log_event(LOG_INFO, "documents of a member that has left are in no chain, and go",
                  LOG_TEXT("tenant", care->tenant->name), LOG_CSTR("shard", care->shard->name),
                  LOG_UINT("member", care->member), LOG_UINT("packs", care->leaver_count - before));
    *did |= care->leaver_count > before;
    return OK;
}
