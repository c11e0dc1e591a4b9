#include "discovery/roll.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "discovery/member_document.h"
#include "discovery/member_number.h"

enum { KNOWN_TIMES = 2, ROUNDS_MIN = 2 };

/* An answer that is older says nothing of a clock: who gave it may be gone. */
static const int64_t fresh_ns = 5 * INT64_C(1000000000);

struct peer {
    bool asked;
    unsigned known; /* answers behind one another in which it knew us */
    struct roll_entry view;
};

struct roll {
    pthread_mutex_t lock; /* guards: */
    unsigned own;
    uint64_t rounds;
    struct peer members[MEMBER_NUMBER_MAX + 1]; /* by number */
};

enum code roll_new(struct roll **roll, struct error *err)
{
    *roll = calloc(1, sizeof(**roll));
    if (!*roll)
        return error_set(err, E_MEMORY, "no memory for other members");
    pthread_mutex_init(&(*roll)->lock, NULL);
    return OK;
}

void roll_free(struct roll *roll)
{
    if (!roll)
        return;
    pthread_mutex_destroy(&roll->lock);
    free(roll);
}

/* --- who --- */

static bool target_of(const struct registry_snapshot *records, const struct registry_record *record,
                      unsigned own, struct arena *arena, struct roll_target *target)
{
    struct member_document document;
    struct error ignored;

    target->number = member_number(record->name);
    if (target->number == 0 || target->number == own ||
        member_document_parse(record->text, arena, &document, &ignored) ||
        !member_state_owes(document.state) || document.address.size == 0 ||
        document.address.size >= sizeof(target->address))
        return false;
    (void)snprintf(target->address, sizeof(target->address), "%.*s", BYTES_ARG(document.address));
    target->alive = registry_find(records, REGISTRY_ALIVE, record->name) != NULL;
    return true;
}

size_t roll_targets(const struct registry_snapshot *records, unsigned own,
                    struct roll_target *targets, size_t room)
{
    size_t first, end, count = 0;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    registry_range(records, REGISTRY_MEMBERS, &first, &end);
    for (size_t i = first; i < end && count < room; i++)
        count += target_of(records, &records->records[i], own, &arena, &targets[count]);
    arena_release(&arena);
    return count;
}

/* --- what they say --- */

void roll_answered(struct roll *roll, const struct pulse *pulse, int64_t wall_ns, int64_t boot_ns)
{
    struct peer *peer = &roll->members[pulse->number];

    pthread_mutex_lock(&roll->lock);
    peer->asked = true;
    peer->known = pulse->peer_known ? peer->known + 1 : 0;
    peer->view = (struct roll_entry){
        .answered = true, .boot_ns = boot_ns, .lead_ns = wall_ns - pulse->wall_ns, .pulse = *pulse};
    pthread_mutex_unlock(&roll->lock);
}

void roll_silent(struct roll *roll, unsigned number)
{
    pthread_mutex_lock(&roll->lock);
    roll->members[number].asked = true;
    roll->members[number].known = 0;
    roll->members[number].view.answered = false;
    pthread_mutex_unlock(&roll->lock);
}

static bool is_among(unsigned number, const struct roll_target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].number == number)
            return true;
    return false;
}

void roll_asked(struct roll *roll, unsigned own, const struct roll_target *targets, size_t count)
{
    pthread_mutex_lock(&roll->lock);
    roll->rounds = roll->own == own ? roll->rounds + 1 : 1;
    for (unsigned i = 0; i <= MEMBER_NUMBER_MAX; i++) {
        struct peer *peer = &roll->members[i];
        bool left = peer->asked && !is_among(i, targets, count);

        if (roll->own != own || left)
            peer->known = 0;
        if (left)
            peer->view.answered = false;
    }
    roll->own = own;
    pthread_mutex_unlock(&roll->lock);
}

/* --- what follows --- */

static int ascending(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* Each answer is carried on to now by CLOCK_BOOTTIME: our wall clock may have jumped since it came.
 */
bool roll_lead(struct roll *roll, int64_t wall_ns, int64_t boot_ns, int64_t *lead_ns)
{
    int64_t clocks[MEMBER_NUMBER_MAX + 2]; /* as seen from ours */
    size_t count = 0;

    clocks[count++] = 0;
    pthread_mutex_lock(&roll->lock);
    for (size_t i = 1; i <= MEMBER_NUMBER_MAX; i++) {
        const struct roll_entry *view = &roll->members[i].view;

        if (i != roll->own && view->boot_ns != 0 && boot_ns - view->boot_ns <= fresh_ns)
            clocks[count++] = view->pulse.wall_ns + (boot_ns - view->boot_ns) - wall_ns;
    }
    pthread_mutex_unlock(&roll->lock);
    qsort(clocks, count, sizeof(clocks[0]), ascending);
    *lead_ns = -clocks[(count - 1) / 2];
    return count > 1;
}

/* NULL: it knows us, or can give no answers to anybody. */
static const char *waited_for(struct roll *roll, const struct roll_target *target)
{
    const struct peer *peer = &roll->members[target->number];
    bool known, answers;

    pthread_mutex_lock(&roll->lock);
    known = peer->known >= KNOWN_TIMES;
    answers = peer->view.answered;
    pthread_mutex_unlock(&roll->lock);
    return known           ? NULL
           : target->alive ? "is alive"
           : answers       ? "answers though the registry does not have it as alive"
                           : NULL;
}

bool roll_has_others(const struct registry_snapshot *records, unsigned own)
{
    size_t first, end;
    bool found = false;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    registry_range(records, REGISTRY_MEMBERS, &first, &end);
    for (size_t i = first; !found && i < end; i++) {
        unsigned number = member_number(records->records[i].name);
        struct member_document document;

        found = number != 0 && number != own &&
                (member_document_parse(records->records[i].text, &arena, &document,
                                       &(struct error){0}) != OK ||
                 member_state_owes(document.state));
    }
    arena_release(&arena);
    return found;
}

enum code roll_confirm(struct roll *roll, const struct registry_snapshot *records, unsigned own,
                       bool joins, struct error *why)
{
    struct roll_target *targets;
    enum code code = OK;
    size_t count;
    uint64_t rounds;

    pthread_mutex_lock(&roll->lock);
    rounds = roll->own == own ? roll->rounds : 0;
    pthread_mutex_unlock(&roll->lock);
    if (rounds == 0)
        return error_set(why, E_NOT_READY,
                         "this node, member %u of its registry, has not compared its clock with "
                         "those of others yet",
                         own);
    if (!joins)
        return OK;
    targets = malloc(MEMBER_NUMBER_MAX * sizeof(*targets));
    if (!targets)
        return error_set(why, E_MEMORY, "no memory for other members");
    count = roll_targets(records, own, targets, MEMBER_NUMBER_MAX);
    for (size_t i = 0; !code && i < count; i++) {
        const char *how = waited_for(roll, &targets[i]);

        if (how != NULL)
            code = error_set(why, E_NOT_READY,
                             "this node joins as member %u of its registry, and member %u, which "
                             "%s, has not said yet that it knows: write to another one",
                             own, targets[i].number, how);
    }
    free(targets);
    if (!code && rounds < ROUNDS_MIN && roll_has_others(records, own))
        code = error_set(why, E_NOT_READY,
                         "this node joins as member %u of its registry, which others see within a "
                         "second: write to another one",
                         own);
    return code;
}

bool roll_entry(struct roll *roll, unsigned number, struct roll_entry *view)
{
    bool asked = false;

    if (number == 0 || number > MEMBER_NUMBER_MAX)
        return false;
    pthread_mutex_lock(&roll->lock);
    asked = roll->members[number].asked;
    *view = roll->members[number].view;
    pthread_mutex_unlock(&roll->lock);
    return asked;
}

unsigned roll_next(struct roll *roll, unsigned number)
{
    pthread_mutex_lock(&roll->lock);
    while (number <= MEMBER_NUMBER_MAX && !roll->members[number].asked)
        number++;
    pthread_mutex_unlock(&roll->lock);
    return number <= MEMBER_NUMBER_MAX ? number : 0;
}
