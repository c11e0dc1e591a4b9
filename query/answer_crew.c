/* Windows: a piece's are made in its slot and merged in order into those of the answer, where they
 * are told when the group's last piece was taken.
 *
 * A page (limit=) that one series at a time fills is not cut, since what lies behind it would be
 * read for nothing. */
#include "query/answer_crew.h"

#include <stdlib.h>

enum {
    /* Of the query's memory such a part may be in use while pieces are performed ahead. */
    AHEAD_MEMORY_PARTS = 4,
};

/* --- members --- */

enum code answer_crew_make(struct answer *answer, struct error *err)
{
    struct watch *watch = answer->plan.watch;
    struct answer_crew *crew;

    if (answer->crew)
        return OK;
    crew = calloc(1, sizeof(*crew));
    if (!crew)
        return error_set(err, E_MEMORY, "no memory for the query");
    crew->answer = answer;
    for (size_t i = 0; i < CREW_SLOTS_MAX; i++)
        arena_init(&crew->slots[i].arena, watch->memory.bytes_max, &watch->memory);
    answer->crew = crew;
    return OK;
}

static enum code take_deletions(struct answer *member, struct error *err)
{
    struct plan *plan = &member->plan;
    size_t count = 0;
    const struct tombstone *tombstones = view_tombstones(plan->view, &count);

    return deletions_init(&plan->deletions, tombstones, count, plan->query->selector.measurement,
                          plan->as_of, plan->start, plan->end, plan->fields, plan->field_count,
                          plan->watch, &plan->arena, err);
}

/* What a scan changes is made anew, or is nobody's until it begins. */
static enum code member_init(struct member *member, const struct answer *whole, struct error *err)
{
    struct answer *answer = &member->answer;
    struct plan *plan = &answer->plan;
    enum code code;

    *plan = whole->plan;
    plan->watch = &member->watch;
    plan->deletions = (struct deletions){0};
    plan->missing = (struct missing){0};
    arena_init(&plan->arena, member->watch.memory.bytes_max, &member->watch.memory);
    answer->setting = whole->setting;
    answer->setting.reader = NULL;
    answer->setting.watch = &member->watch;
    answer->setting.deletions = &plan->deletions;
    code = take_deletions(answer, err);
    if (!code)
        code = versions_init(&answer->versions, &answer->setting, err);
    if (!code && !sifting_init(&answer->sifting, plan->sieve, plan->watch, &plan->arena))
        code = watch_memory(plan->watch, err);
    return code;
}

static void member_free(struct member *member)
{
    struct answer *answer;

    if (!member)
        return;
    answer = &member->answer;
    windows_release(&answer->windows);
    pixels_release(&answer->pixels);
    sifting_release(&answer->sifting);
    versions_release(&answer->versions);
    scan_setting_release(&answer->setting);
    deletions_release(&answer->plan.deletions);
    arena_release(&answer->plan.arena);
    free(member);
}

enum code answer_crew_member(struct answer_crew *crew, unsigned index, struct crew_slot *slot,
                             struct answer **answer, struct error *err)
{
    struct member *member = crew->members[index];
    const struct answer *whole = crew->answer;
    enum code code = OK;

    if (!member) {
        member = crew->members[index] = calloc(1, sizeof(*member));
        if (!member)
            return error_set(err, E_MEMORY, "no memory for the query");
        watch_init_helper(&member->watch, whole->plan.watch);
        code = member_init(member, whole, err);
    }
    *answer = &member->answer;
    member->answer.way = whole->way;
    member->answer.setting.summaries = whole->setting.summaries;
    /* Parts of a series look for their places themselves: a scan marks them. */
    member->answer.plan.places = slot->piece.part ? NULL : whole->plan.places;
    member->answer.setting.missing = &slot->missing;
    slot->missing = (struct missing){.arena = &slot->arena};
    return code;
}

enum code answer_crew_settle(struct answer *member, struct error *err)
{
    return watch_settle(member->plan.watch, err);
}

enum code answer_crew_take_missing(struct answer_crew *crew, struct crew_slot *slot,
                                   struct error *err)
{
    struct plan *plan = &crew->answer->plan;

    for (size_t i = 0; i < slot->missing.count; i++)
        if (!missing_note(&plan->missing, slot->missing.texts[i]))
            return watch_memory(plan->watch, err);
    arena_release(&slot->arena);
    return OK;
}

void answer_crew_free(struct answer_crew *crew)
{
    if (!crew)
        return;
    for (size_t i = 0; i < CREW_SLOTS_MAX; i++) {
        windows_release(&crew->slots[i].windows);
        pixels_release(&crew->slots[i].pixels);
        arena_release(&crew->slots[i].arena);
    }
    for (size_t i = 0; i < CREW_MEMBERS_MAX; i++)
        member_free(crew->members[i]);
    free(crew);
}

static bool next_piece(void *context, unsigned slot)
{
    struct answer_crew *crew = context;

    return pieces_next(&crew->pieces, &crew->slots[slot].piece);
}

static bool roomy(void *context)
{
    const struct answer_crew *crew = context;
    const struct budget *memory = &crew->answer->plan.watch->memory;

    return budget_used(memory) < memory->bytes_max / AHEAD_MEMORY_PARTS;
}

static void stop(void *context)
{
    struct answer_crew *crew = context;

    crew->answer->plan.watch->stopped = true;
}

enum code answer_crew_run(struct answer *answer, const struct pieces *pieces, crew_perform *perform,
                          crew_take *take, struct error *err)
{
    const struct crew_work work = {answer->crew, next_piece, roomy, perform, take, stop};

    answer->crew->pieces = *pieces;
    return crew_run(&work, answer->plan.environment->helpers, &answer->helped, err);
}

/* --- windows --- */

static enum code perform(void *context, unsigned index, unsigned at, struct error *err)
{
    struct answer_crew *crew = context;
    struct crew_slot *slot = &crew->slots[at];
    const struct piece *piece = &slot->piece;
    struct answer *member = NULL;
    enum code code = answer_crew_member(crew, index, slot, &member, err);

    if (code)
        return code;
    slot->windows.watch = member->plan.watch;
    slot->windows.apart = true;
    slot->windows.skipped = 0;
    windows_swap(&member->windows, &slot->windows);
    member->way->begin(member);
    for (size_t i = piece->series_first; i < piece->series_end && !code; i++)
        code = answer_series(member, piece->group, i, piece->start, piece->end, err);
    windows_swap(&member->windows, &slot->windows);
    slot->stats_rows = member->stats_rows;
    return code ? code : answer_crew_settle(member, err);
}

static enum code take(void *context, unsigned at, struct error *err)
{
    struct answer_crew *crew = context;
    struct crew_slot *slot = &crew->slots[at];
    struct answer *answer = crew->answer;
    struct windows *windows = &answer->windows;
    enum code code = answer_crew_take_missing(crew, slot, err);

    if (!code && slot->piece.first) {
        uint64_t skipped = windows->skipped + slot->windows.skipped;

        windows_swap(windows, &slot->windows);
        windows->skipped = skipped;
        windows->watch = answer->plan.watch;
        windows->apart = false;
        answer->stats_rows = slot->stats_rows;
        code = windows_count(windows, err);
    } else if (!code) {
        answer->stats_rows += slot->stats_rows;
        code = windows_merge(windows, &slot->windows, err);
    }
    windows_begin(&slot->windows); /* empty */
    return code || !slot->piece.last ? code : answer->way->end(answer, slot->piece.group, err);
}

static void make_windows(struct answer_crew *crew)
{
    const struct windows *windows = &crew->answer->windows;

    for (size_t i = 0; i < CREW_SLOTS_MAX; i++) {
        struct windows *each = &crew->slots[i].windows;

        windows_release(each);
        *each = *windows;
        arena_init(&each->arena, windows->watch->memory.bytes_max, &windows->watch->memory);
        windows_begin(each);
    }
    windows_begin(&crew->answer->windows);
}

/* Whether a page would be read beyond its end. */
static bool may_end_early(const struct answer *answer, size_t first)
{
    const struct plan *plan = &answer->plan;

    return (plan->query->limit > 0 || plan->query->page_bytes > 0) &&
           (plan->group_count - first > 1 ||
            plan->groups[first].series_end - plan->groups[first].series_first == 1);
}

static enum code one_by_one(struct answer *answer, size_t first, struct error *err)
{
    enum code code = OK;

    for (size_t i = first; i < answer->plan.group_count && !code && !answer->more; i++)
        code = answer_group(answer, i, err);
    return code;
}

enum code answer_groups_from(struct answer *answer, size_t first, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct helpers *helpers = plan->environment->helpers;
    struct pieces_order order = {.plan = plan,
                                 .use = &answer->setting.summaries,
                                 .group_first = first,
                                 .group_end = plan->group_count,
                                 .series_whole = answer->windows.carrying};
    struct pieces pieces;
    enum code code;

    if (!helpers || !answer->way->pieces || first >= plan->group_count ||
        may_end_early(answer, first))
        return one_by_one(answer, first, err);
    plan_range(plan, first, &order.start, &order.end);
    code = order.start < order.end
               ? pieces_init(&pieces, &order, helpers->values_min, &plan->arena, err)
               : OK;
    if (code || order.start >= order.end || pieces.values < helpers->values_min)
        return code ? code : one_by_one(answer, first, err);
    code = answer_crew_make(answer, err);
    if (code)
        return code;
    make_windows(answer->crew);
    return answer_crew_run(answer, &pieces, perform, take, err);
}
