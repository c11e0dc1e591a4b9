/* A source from its declaration on: its progress is read, pulls begin when they are due, history is
 * taken up beside them, and it goes when nothing of it is under way any more. */
#include "ingest/pull/pull_inside.h"

#include <stdlib.h>

#include "base/log.h"

static const int64_t second_ns = MOMENT_SECOND;
/* A source that fails comes again after every longer, at most so much. */
static const int64_t distance_max_ns = 6 * 3600 * INT64_C(1000000000);

/* What another node may have asked in, it is taken to have asked: of limits of up to this length.
 */
static const int64_t assumed_ns = 600 * MOMENT_SECOND;

struct pull_source *pull_find(const struct puller *puller, const char *tenant, const char *name)
{
    struct pull_source *source = puller->sources;

    while (source != NULL &&
           (strcmp(source->tenant_name, tenant) != 0 || strcmp(source->name, name) != 0))
        source = source->next;
    return source;
}

static void drop_ready(struct pull_source *source)
{
    for (struct pull_unit *unit = source->units, *next; unit != NULL; unit = next) {
        next = unit->next;
        if (unit->state == UNIT_READY)
            unit_free(unit);
    }
}

/* --- a document --- */

static void leave_limits(struct pull_source *source)
{
    if (source->key != NULL)
        limiter_leave(source->key, &source->source->limits);
    source->key = NULL;
    free(source->key_name);
    source->key_name = NULL;
}

/* Who shares it: the host that is asked, and a credential's hash. */
static enum code join_limits(struct pull_source *source, struct error *err)
{
    struct buf name = BUF_INIT(1024);
    enum code code;

    code = asking_limit_name(source->source, bytes_of(source->tenant_name), &name, err);
    if (code == OK)
        source->key_name = strndup(name.data, name.size);
    buf_release(&name);
    if (code == OK && source->key_name == NULL)
        code = error_set(err, E_MEMORY, "no memory for a source");
    return code ? code
                : pull_join(source->puller, bytes_of(source->key_name), &source->source->limits,
                            &source->key, err);
}

static void load(struct pull_source *source)
{
    struct pull_job *job = calloc(1, sizeof(*job));

    if (job == NULL) {
        source->next_ns = clock_wall_ns(source->puller->parts.clock) + second_ns;
        return;
    }
    arena_init(&job->arena, SIZE_MAX, NULL);
    job->source = source;
    job->tenant = source->tenant;
    job->limits = source->limits;
    source->loading = true;
    pull_set_state(source, PULL_LOADING);
    (void)reader_send(source->puller, job);
}

static bool find_tenant(struct pull_source *source)
{
    const struct puller_parts *parts = &source->puller->parts;
    const struct tenant *tenant;
    struct limits limits;
    int64_t retention_ns;

    if (!parts->tenant(parts->context, bytes_of(source->tenant_name), &tenant, &limits,
                       &retention_ns))
        return false;
    source->tenant = tenant;
    source->limits = limits;
    source->retention_ns = retention_ns;
    return true;
}

/* Takes the document up that has come, when nothing of the one before is under way. */
static void take_up(struct pull_source *source)
{
    struct error err = {0};

    leave_limits(source);
    partitions_release(source);
    source_free(source->source);
    source->source = source->coming;
    source->version = source->coming_version;
    source->coming = NULL;
    source->replaced = false;
    source->history_done = false;
    source->failures = 0;
    source->next_ns = 0;
    if (source->source == NULL) {
        pull_set_state(source, PULL_WRONG);
        return;
    }
    if (!partitions_make(source) || join_limits(source, &err) != OK) {
        pull_tell(source, "cannot be taken up", err.text[0] ? err.text : "no memory");
        pull_set_state(source, PULL_WRONG);
        return;
    }
    source->place = schedule_place(bytes_of(source->tenant_name), bytes_of(source->name));
    source->held = false;
    pull_set_state(source, PULL_LOADING);
}

static struct pull_source *make_source(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    source->puller = puller;
    source->tenant_name = message->tenant;
    source->name = message->name;
    message->tenant = message->name = NULL;
    source->state = PULL_LOADING;
    source->last_ns = INT64_MIN;
    arena_init(&source->arena, SIZE_MAX, NULL);
    pthread_mutex_lock(&puller->lock);
    source->next = puller->sources;
    puller->sources = source;
    puller->source_count++;
    pthread_mutex_unlock(&puller->lock);
    return source;
}

void pull_declare(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = pull_find(puller, message->tenant, message->name);
    struct source_faults faults;
    struct error err = {0};
    struct arena arena;

    if (source == NULL && message->json != NULL)
        source = make_source(puller, message);
    if (source == NULL)
        return; /* it never was, or for want of memory: it is declared again at the next change */
    source->removed = message->json == NULL;
    pthread_mutex_lock(&puller->lock);
    source->paused = message->paused;
    pthread_mutex_unlock(&puller->lock);
    if (source->removed || (source->source != NULL && source->version == message->version))
        return;
    source_free(source->coming);
    source->coming = NULL;
    source->replaced = true;
    source->coming_version = message->version;
    arena_init(&arena, SIZE_MAX, NULL);
    if (source_parse(bytes_of(source->name), (struct bytes){message->json, message->json_size},
                     &arena, &source->coming, &faults, &err) != OK ||
        puller_takes(source->coming, &err) != OK) {
        pull_tell(source, "its document is wrong", err.text);
        source_free(source->coming);
        source->coming = NULL;
    }
    arena_release(&arena);
    drop_ready(source);
    if (source->units == NULL && !source->loading)
        take_up(source);
}

/* What is done is not known, or will be read anew. */
static bool is_loading(const struct pull_source *source)
{
    return source->loading || source->replaced || source->state == PULL_LOADING;
}

static void ask_again(struct pull_source *source, int64_t start_ns, int64_t end_ns)
{
    struct error err = {0};

    for (size_t i = 0; i < source->partition_count; i++) {
        window_set_release(&source->partitions[i].failed);
        if (window_set_undo(&source->partitions[i].windows, start_ns, end_ns, &err))
            pull_tell(source, "a range cannot be asked again", err.text);
    }
    source->history_done = false;
}

static void keep_range(struct pull_source *source, int64_t start_ns, int64_t end_ns)
{
    struct pull_range *range = calloc(1, sizeof(*range));

    if (range == NULL) {
        pull_tell(source, "a range cannot be asked again", "no memory");
        return;
    }
    *range = (struct pull_range){source->ranges, start_ns, end_ns};
    source->ranges = range;
}

static void drop_ranges(struct pull_source *source, bool asks)
{
    while (source->ranges != NULL) {
        struct pull_range *range = source->ranges;

        source->ranges = range->next;
        if (asks)
            ask_again(source, range->start_ns, range->end_ns);
        free(range);
    }
}

void pull_act(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = pull_find(puller, message->tenant, message->name);

    if (source == NULL || source->source == NULL)
        return;
    if (message->action == PULLER_NOW) {
        source->due = is_loading(source);
        if (source->state != PULL_PULLING) /* else it is under way */
            source->next_ns = 0;
    } else if (is_loading(source)) {
        keep_range(source, message->start_ns, message->end_ns);
    } else {
        ask_again(source, message->start_ns, message->end_ns);
    }
}

void pull_free(struct pull_source *source)
{
    while (source->units != NULL)
        unit_free(source->units);
    drop_ranges(source, false);
    leave_limits(source);
    partitions_release(source);
    source_free(source->source);
    source_free(source->coming);
    free(source->tenant_name);
    free(source->name);
    free(source->fetches);
    free(source);
}

/* What is due would be so much later, and some of what is known to be done may be of a time that is
 * to come: it is read anew. */
void pull_clock_back(struct pull_source *source)
{
    drop_ready(source);
    source->held = false;
}

/* --- what it knows of its work --- */

void pull_loaded_take(struct pull_job *job)
{
    struct pull_source *source = job->source;
    int64_t now_ns = clock_wall_ns(source->puller->parts.clock);
    enum code code = job->code;
    struct error err = job->err;

    source->loading = false;
    if (source->replaced) {
        take_up(source);
        return;
    }
    for (struct pull_loaded *loaded = job->loaded; code == OK && loaded != NULL;
         loaded = loaded->next) {
        struct pull_partition *partition = partition_find(source, loaded->partition);

        if (loaded->note.fetched_ns > time_sum(now_ns, second_ns))
            continue; /* by a clock that was wrong: nobody knows what had come by then */
        if (loaded->note.done && loaded->note.fetched_ns > source->last_ns)
            source->last_ns = loaded->note.fetched_ns;
        if (partition != NULL)
            code =
                partition_take_note(partition, &loaded->note, source->source->window.given, &err);
    }
    if (code) { /* nothing is asked before it is known what there is */
        pull_tell(source, "its progress cannot be read", err.text);
        source->next_ns = now_ns + 10 * second_ns;
        return;
    }
    drop_ranges(source, true);
    pull_begin_history(source, now_ns);
    source->next_ns = source->due ? now_ns
                                  : schedule_next(&source->source->schedule, source->place,
                                                  source->last_ns, 0, now_ns);
    source->due = false;
    pull_set_state(source, PULL_RESTING);
    pull_reached(source);
}

/* --- pulls --- */

static void begin_pull(struct pull_source *source, const struct moment *now)
{
    bool made;

    source->first = source->last_ns == INT64_MIN;
    source->last_ns = now->wall_ns;
    source->failed = false;
    pull_note_begin(source);
    source->next_ns = INT64_MAX; /* until it is over */
    pull_set_state(source, PULL_PULLING);
    made = pull_take_live(source, now->wall_ns);
    source->history_done = false;
    if (!made)
        pull_tell(source, "no memory", "for what a pull asks");
    if (source->live_units == 0)
        pull_unit_over(source, !made, now);
}

void pull_unit_over(struct pull_source *source, bool failed, const struct moment *now)
{
    int64_t now_ns = now->wall_ns, distance = 0;

    source->failed = source->failed || failed;
    source->history_done = false;
    if (source->live_units > 0 || source->next_ns != INT64_MAX)
        return;
    source->failures = source->failed ? source->failures + 1 : 0;
    if (!source->failed)
        pull_note_whole(source);
    source->next_ns = schedule_next(&source->source->schedule, source->place, source->last_ns,
                                    source->expires_ns, now_ns);
    if (source->first) /* they may have been declared all at once */
        source->next_ns =
            time_sum(source->next_ns, schedule_spread(&source->source->schedule, source->place));
    for (uint32_t i = 1; i < source->failures && distance < distance_max_ns; i++)
        distance = distance == 0 ? source->source->schedule.every_ns : 2 * distance;
    if (distance > distance_max_ns)
        distance = distance_max_ns;
    if (source->next_ns < now_ns + distance)
        source->next_ns = now_ns + distance;
    pull_set_state(source, PULL_RESTING);
}

/* A wall clock that is set is noticed by the next turn; until then it is as far away as it was. */
static int64_t boot_of(const struct moment *now, int64_t wall_ns)
{
    if (wall_ns == INT64_MAX)
        return INT64_MAX;
    return time_sum(now->boot_ns, time_between(now->wall_ns, wall_ns));
}

/* Whether it is this node that pulls.  Who begins to does not know what another one asked a moment
 * ago, nor how far it came. */
static bool hold(struct pull_source *source, const struct moment *now)
{
    const struct puller_parts *parts = &source->puller->parts;
    bool leased =
        parts->leased == NULL || parts->leased(parts->context, bytes_of(source->key_name));

    if (leased && !source->held) {
        drop_ready(source); /* of the time before: nobody asks for them any more */
        if (source->units != NULL)
            return false;
        source->held = true;
        if (parts->leased != NULL)
            limiter_assume_used(source->key, now, assumed_ns);
        partitions_forget(source);
        source->next_ns = 0;
        pull_set_state(source, PULL_LOADING);
    } else if (!leased) {
        source->held = false;
        drop_ready(source); /* also what was under way when it was lost */
        if (source->state != PULL_ELSEWHERE)
            pull_set_state(source, PULL_ELSEWHERE);
    }
    return leased;
}

int64_t pull_turn(struct pull_source *source, const struct moment *now)
{
    int64_t next_ns;

    if (source->replaced)
        drop_ready(source); /* what was under way when it was: its next page is not asked */
    if (source->replaced && source->units == NULL && !source->loading)
        take_up(source);
    if (source->source == NULL || source->loading || source->removed || source->replaced)
        return INT64_MAX;
    if (!find_tenant(source))
        return now->boot_ns + 10 * second_ns;
    if (source->paused || source->state == PULL_WRONG)
        return INT64_MAX;
    if (!hold(source, now))
        return now->boot_ns + second_ns;
    if (source->loading)
        return INT64_MAX;
    if (source->state == PULL_LOADING) { /* it was not read yet, or could not be */
        if (now->wall_ns >= source->next_ns)
            load(source);
        return boot_of(now, source->next_ns);
    }
    if (now->wall_ns >= source->next_ns)
        begin_pull(source, now);
    pull_take_history(source, now->wall_ns);
    next_ns = boot_of(now, source->next_ns);
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next) {
        int64_t when = unit_when(unit, now);

        next_ns = when < next_ns ? when : next_ns;
    }
    return next_ns;
}
