#include "query/crew.h"

#include <assert.h>
#include <pthread.h>

struct crew_member {
    struct help help; /* first */
    struct crew *crew;
    unsigned index;
    bool busy; /* lent, or asked for */
};

struct crew {
    const struct crew_work *work;
    struct helpers *helpers;
    unsigned helper_count; /* that may be asked for */

    pthread_mutex_t lock; /* guards: */
    pthread_cond_t moved; /* a piece is done, or a helper left */
    uint64_t described, begun, taken;
    bool ended; /* no piece is left to describe */
    bool done[CREW_SLOTS_MAX];
    struct crew_member members[CREW_MEMBERS_MAX];
    unsigned busy; /* helpers */
    /* Help is asked for from this piece on, and after each time twice as many pieces later: where
     * threads are short a helper leaves at once, and to wake it for that would cost the others. */
    uint64_t ask_at, ask_step;
    uint64_t helped;
    enum code code; /* of the first failure */
    struct error fault;
};

static unsigned slot_of(uint64_t piece)
{
    return (unsigned)(piece % CREW_SLOTS_MAX);
}

/* Under the lock: whether there is a piece to begin, and describes it. */
static bool describe(struct crew *crew)
{
    const struct crew_work *work = crew->work;

    if (crew->described > crew->begun)
        return true;
    if (crew->ended || crew->code || crew->begun - crew->taken == CREW_SLOTS_MAX)
        return false;
    if (work->next(work->context, slot_of(crew->described)))
        crew->described++;
    else
        crew->ended = true;
    return !crew->ended;
}

/* Under the lock.  What is next to be taken may always begin. */
static bool may_begin(struct crew *crew)
{
    const struct crew_work *work = crew->work;

    return !crew->code && describe(crew) &&
           (crew->begun == crew->taken || work->roomy(work->context));
}

/* Under the lock: the piece is the caller's to perform. */
static unsigned begin(struct crew *crew)
{
    unsigned slot = slot_of(crew->begun++);

    assert(!crew->done[slot]);
    return slot;
}

/* Under the lock, which it gives up meanwhile. */
static void perform(struct crew *crew, unsigned member, unsigned slot)
{
    const struct crew_work *work = crew->work;
    struct error fault = {0};
    enum code code;

    pthread_mutex_unlock(&crew->lock);
    code = work->perform(work->context, member, slot, &fault);
    pthread_mutex_lock(&crew->lock);
    crew->done[slot] = true;
    if (code && !crew->code) {
        crew->code = code;
        crew->fault = fault;
        work->stop(work->context);
    }
}

static void help(struct help *base)
{
    struct crew_member *member = (struct crew_member *)base;
    struct crew *crew = member->crew;
    struct helpers *helpers = crew->helpers;

    pthread_mutex_lock(&crew->lock);
    while (may_begin(crew) && !helpers->wanted(helpers)) {
        perform(crew, member->index, begin(crew));
        crew->helped++;
        pthread_cond_signal(&crew->moved);
    }
    member->busy = false;
    crew->busy--;
    pthread_cond_signal(&crew->moved);
    pthread_mutex_unlock(&crew->lock); /* the crew may be gone from here on */
}

/* Under the lock, which it gives up meanwhile. */
static void ask_for_help(struct crew *crew)
{
    struct crew_member *idle = NULL;
    bool lent;

    /* With few places free a helper would leave again at once. */
    if (crew->begun < crew->ask_at || crew->busy == crew->helper_count ||
        crew->begun - crew->taken > CREW_SLOTS_MAX / 2 || !describe(crew))
        return;
    for (unsigned i = 1; i <= crew->helper_count && !idle; i++)
        if (!crew->members[i].busy)
            idle = &crew->members[i];
    assert(idle);
    crew->ask_at = crew->begun + crew->ask_step;
    crew->ask_step *= 2;
    idle->busy = true;
    crew->busy++;
    pthread_mutex_unlock(&crew->lock);
    lent = crew->helpers->lend(crew->helpers, &idle->help);
    pthread_mutex_lock(&crew->lock);
    if (lent)
        return;
    idle->busy = false;
    crew->busy--;
}

/* Under the lock, which it gives up meanwhile. */
static void take(struct crew *crew)
{
    const struct crew_work *work = crew->work;
    unsigned slot = slot_of(crew->taken);
    struct error fault = {0};
    enum code code;

    pthread_mutex_unlock(&crew->lock);
    code = work->take(work->context, slot, &fault);
    pthread_mutex_lock(&crew->lock);
    crew->done[slot] = false;
    crew->taken++;
    if (code && !crew->code) {
        crew->code = code;
        crew->fault = fault;
        work->stop(work->context);
    }
}

/* Under the lock.  The own thread takes first: so slots come free, and answers leave early. */
static void work_through(struct crew *crew)
{
    for (;;) {
        if (!crew->code && crew->taken < crew->begun && crew->done[slot_of(crew->taken)]) {
            take(crew);
        } else if (may_begin(crew)) {
            unsigned slot = begin(crew);

            ask_for_help(crew);
            perform(crew, 0, slot);
        } else if (crew->busy > 0) {
            pthread_cond_wait(&crew->moved, &crew->lock);
        } else {
            return; /* all are taken, or one failed and nobody is at work */
        }
    }
}

enum code crew_run(const struct crew_work *work, struct helpers *helpers, uint64_t *helped,
                   struct error *err)
{
    struct crew crew = {.work = work, .helpers = helpers, .ask_step = 1};

    crew.helper_count = helpers->most < CREW_HELPERS_MAX ? helpers->most : CREW_HELPERS_MAX;
    for (unsigned i = 0; i < CREW_MEMBERS_MAX; i++)
        crew.members[i] = (struct crew_member){.help.run = help, .crew = &crew, .index = i};
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.moved, NULL);
    pthread_mutex_lock(&crew.lock);
    work_through(&crew);
    pthread_mutex_unlock(&crew.lock);
    pthread_cond_destroy(&crew.moved);
    pthread_mutex_destroy(&crew.lock);
    *helped += crew.helped;
    if (crew.code && err)
        *err = crew.fault;
    return crew.code;
}
