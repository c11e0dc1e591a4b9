/* A turn of one chain.
 *
 * Order, and what a crash leaves:
 *   1. what the plan takes is read whole, and what comes out written below care/  -> files that go
 *      at the next start
 *   2. its documents are uploaded, each read back                    -> documents that no chain
 *      names: whoever goes on with the chain next finds and deletes them
 *   3. the chain's next entry takes the old packs out and the new ones in   -> all of it, or not
 *   4. documents of the old ones are deleted, ten minutes later             -> likewise found
 *
 * Nothing but step 3 changes what anybody reads, and of two entries of one number one comes into
 * being: who meets another one's begins anew.
 *
 * Documents are seen off in turns that have no plan: what they wait for is an entry of ours, and
 * that of a plan is one.  So what cannot be deleted, as a chain beside cannot be read, does not
 * have the chain rest while there is something to expire or erase. */
#include <stdlib.h>

#include "store/guest_list.h"
#include "store/guests/caretaker_inside.h"
#include "store/guests/hurry.h"
#include "store/state.h"

enum code care_may(const struct care *care, struct error *err)
{
    const struct caretaker *caretaker = care->caretaker;
    const struct caretaker_rules *rules = caretaker->rules;

    if (caretaker->stop)
        return error_set(err, E_DRAINING, "the server is shutting down");
    if (!rules->held(rules->context, &care->incarnation) ||
        !rules->gone(rules->context, &care->incarnation))
        return error_set(err, E_BUSY, "it is not this node's to go on with");
    return OK;
}

enum code care_open(struct care *care, struct error *err)
{
    const struct caretaker_rules *rules = care->caretaker->rules;

    return care->shard->archive != NULL
               ? OK
               : rules->open(rules->context, care->shard->name, &care->shard->archive, err);
}

enum code care_follow(struct care *care, struct error *err)
{
    bool changed = true;
    enum code code = OK;

    while (code == OK && changed) {
        if (care->caretaker->stop)
            return error_set(err, E_DRAINING, "the server is shutting down");
        code = follow_step(&care->follow, care->shard->archive, &changed, err);
    }
    return code;
}

/* --- carrying a plan out --- */

/* In the entry: the new packs in, the plan's out. */
static enum code list_packs(struct care *care, const struct care_plan *plan,
                            const struct chain_pack *adds, size_t add_count, struct error *err)
{
    const struct compaction *compaction = &plan->compaction;
    struct chain_removed removes[COMPACTION_PACKS_MAX];

    for (size_t i = 0; i < compaction->pack_count; i++) {
        size_t at = i;
        struct chain_removed removed = {pack_about(compaction->packs[i]).number,
                                        *pack_incarnation(compaction->packs[i])};

        for (; at > 0 && removes[at - 1].number > removed.number; at--) /* ascending */
            removes[at] = removes[at - 1];
        removes[at] = removed;
    }
    return care_list(care, adds, add_count, removes, compaction->pack_count, err);
}

/* What the entry took out. */
static enum code see_out(struct care *care, const struct care_plan *plan, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < plan->compaction.pack_count; i++) {
        const struct chain_pack *listed =
            chain_list_find(&care->follow.list, pack_about(plan->compaction.packs[i]).number);

        if (listed != NULL && hash128_equal(&listed->entry.incarnation, &care->incarnation))
            code = care_leaver_add(care, listed->entry.number, listed->parts, true, err);
    }
    return code;
}

/* What was uploaded and is not listed, as far as is known. */
static void abandon(struct care *care, const struct chain_pack *listed, size_t count)
{
    for (size_t i = 0; i < count; i++) /* what cannot be noted is found when it is looked for */
        if (listed[i].parts > 0)
            (void)!care_leaver_add(care, listed[i].entry.number, listed[i].parts, false, NULL);
}

/* *there: all of the new packs is at the shard. */
static enum code replace(struct care *care, const struct care_plan *plan, bool *there,
                         struct error *err)
{
    struct chain_pack listed[CARE_PACKS_MAX] = {0};
    struct care_made made;
    enum code code = care_packs_make(care, plan, &made, err);

    if (code == OK)
        code = care_send(care, &made, listed, err);
    *there = code == OK;
    if (code == OK)
        code = list_packs(care, plan, listed, made.count, err);
    if (code)
        abandon(care, listed, made.count);
    care_packs_remove(care, &made);
    return code;
}

/* The entry is there. */
static enum code conclude(struct care *care, const struct care_plan *plan, struct error *err)
{
    const struct compaction *compaction = &plan->compaction;

    care_fence(care);
    metric_add(care->shard->packs, compaction->pack_count);
    for (size_t i = 0; i < compaction->pack_count; i++)
        care_pass_end(care, pack_about(compaction->packs[i]).number);
    guests_hurry(care->caretaker->guests, care->tenant, &care->incarnation,
                 bytes_of(care->shard->name));
    return see_out(care, plan, err);
}

static enum code carry_out(struct care *care, const struct care_plan *plan, bool *did,
                           struct error *err)
{
    bool there;
    enum code code = care_open(care, err);

    if (code == OK)
        code = care_follow(care, err);
    if (code || care->follow.next != plan->chain->next) /* readers here have not all of it yet */
        return code;
    code = replace(care, plan, &there, err);
    if (code == OK)
        code = conclude(care, plan, err);
    else if (code == E_EXISTS) { /* somebody else was faster */
        *err = (struct error){0};
        code = OK;
    } else if (!there)
        code = care_pass_over(care, pack_about(plan->compaction.packs[0]).number, code, err);
    *did |= code == OK;
    return code;
}

static enum code look_and_see_off(struct care *care, bool *did, struct error *err)
{
    enum code code = care_look(care, did, err);

    return code ? code : care_see_off(care, did, err);
}

enum code care_turn(struct care *care, const struct known *known, bool *did, struct error *err)
{
    struct care_plan plan = {.chain = NULL};
    enum code code = care_plan(care, known, &plan, err);

    if (code == OK && plan.compaction.pack_count > 0)
        code = carry_out(care, &plan, did, err);
    else if (code == OK)
        code = look_and_see_off(care, did, err);
    care_plan_release(&plan);
    return code;
}

void care_forget(struct care *care)
{
    free(care->leavers);
    free(care->passed);
    care->leavers = NULL;
    care->passed = NULL;
    care->leaver_count = care->passed_count = 0;
    care->look_due_ns = 0;
    care->idle = (struct hash128){{0}};
}

void care_free(struct care *care)
{
    care_forget(care);
    follow_release(&care->follow);
    free(care);
}
