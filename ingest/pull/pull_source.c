/* A source from its declaration on: its progress is read, pulls begin when they are due, history is
 * taken up beside them, and it goes when nothing of it is under way any more. */
#include "ingest/pull/pull_inside.h"

#include <stdlib.h>

#include "base/log.h"

static const int64_t second_ns = MOMENT_SECOND;
/* A source that fails comes again after every longer, at most so much. */
static const int64_t distance_max_ns = INT64_C(6) * 3600 * 1000000000;

/* What another node may have asked in, it is taken to have asked: of limits of up to this length.
 */
static const int64_t assumed_ns = 600 * MOMENT_SECOND;
/* How long its progress waits for others. */
static const int64_t delivered_ns_max = 30 * MOMENT_SECOND, answered_ns_max = 3 * MOMENT_SECOND,
                     together_ns_max = 15 * MOMENT_SECOND; /* nodes that are started together */

enum { PARTITIONS_BYTES_FIRST = 256 }; /* most sources have one */

struct pull_source *pull_find(const struct puller *puller, const char *tenant, const char *name)
{
    struct pull_source *source = puller->sources;

    while (source != NULL &&
           (strcmp(source->tenant_name, tenant) != 0 || strcmp(source->name, name) != 0))
        source = source->next;
    return source;
}

bool pull_is_idle(const struct pull_source *source)
{
    return source->units == NULL && source->busy_units == 0 && !source->loading;
}

void pull_drop_ready(struct pull_source *source)
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
    token_free(source);
    list_free(source);
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

/* Partitions, keys and what else it needs before it asks. */
static enum code prepare(struct pull_source *source, struct error *err)
{
    const struct source *document = source->source;
    enum code code = join_limits(source, err);

    if (code == OK && document->auth.kind == SOURCE_AUTH_OAUTH2)
        code = token_new(source, err);
    if (code == OK && document->foreach.request != NULL)
        return list_new(source, err);
    if (code == OK &&
        !partitions_make(source, document->foreach.partitions, document->foreach.count))
        code = error_set(err, E_MEMORY, "no memory for its partitions");
    return code;
}

/* Of windows that another node had, and this one does not know of, rows that were corrected since
 * would be taken back.  What others delivered is waited for, as history is there tomorrow, too: by
 * who is told only now, for as long as a shard that is well takes.  What they did not deliver is
 * for a moment, and for longer when this node was started just now, as they may be, too; or they
 * are gone for good. */
static void load(struct pull_source *source, const struct limits *limits)
{
    struct pull_job *job = calloc(1, sizeof(*job));
    int64_t now_ns = clock_monotonic_ns(source->puller->parts.clock);
    int64_t waited_ns = now_ns - source->held_ns;

    if (job == NULL) {
        source->next_ns = clock_wall_ns(source->puller->parts.clock) + second_ns;
        return;
    }
    arena_init(&job->arena, SIZE_MAX, NULL);
    job->source = source;
    job->tenant = source->tenant;
    job->limits = *limits;
    job->caught_up = source->source->window.given || waited_ns < delivered_ns_max;
    job->since_ns = source->held_ns;
    job->whole =
        waited_ns < answered_ns_max || now_ns - source->puller->opened_ns < together_ns_max;
    source->loading = true;
    pull_set_state(source, PULL_LOADING);
    (void)reader_send(source->puller, job);
}

bool pull_find_tenant(struct pull_source *source, struct limits *limits)
{
    const struct puller_parts *parts = &source->puller->parts;
    const struct tenant *tenant;
    int64_t retention_ns;

    if (!parts->tenant(parts->context, bytes_of(source->tenant_name), &tenant, limits,
                       &retention_ns))
        return false;
    source->tenant = tenant;
    source->retention_ns = retention_ns;
    return true;
}

/* Takes the document up that has come, when nothing of the one before is under way. */
static void take_up(struct pull_source *source)
{
    struct error err = {0};

    source->anew = source->anew || (source->version > 0 &&
                                    !hash128_equal(&source->document, &source->coming_document));
    leave_limits(source);
    partitions_release(source);
    told_forget(source);
    source_free(source->source);
    source->source = source->coming;
    source->version = source->coming_version;
    source->document = source->coming_document;
    source->coming = NULL;
    source->replaced = false;
    source->history_done = false;
    source->failures = 0;
    source->next_ns = 0;
    if (source->source == NULL) {
        pull_set_state(source, PULL_WRONG);
        return;
    }
    if (prepare(source, &err) != OK) {
        pull_tell(source, "cannot be taken up", err.text);
        pull_set_state(source, PULL_WRONG);
        return;
    }
    source->place = schedule_place(bytes_of(source->tenant_name), bytes_of(source->name));
    source->held = false;
    pull_set_state(source, PULL_LOADING);
}

struct pull_source *pull_make(struct puller *puller, struct pull_message *message)
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
    arena_begin_small(&source->arena, PARTITIONS_BYTES_FIRST);
    pthread_mutex_lock(&puller->lock);
    source->next = puller->sources;
    puller->sources = source;
    puller->source_count++;
    pthread_mutex_unlock(&puller->lock);
    return source;
}

/* A record changes with each wish, and what is pulled goes on. */
static bool is_same(const struct pull_source *source, const struct pull_message *message)
{
    struct hash128 document;

    if (source->source == NULL || message->json == NULL)
        return false;
    document = hash128((struct bytes){message->json, message->json_size});
    return source->version == message->version ||
           (!source->removed && !source->replaced && source->paused == message->paused &&
            hash128_equal(&source->document, &document));
}

void pull_declare(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = pull_find(puller, message->tenant, message->name);
    struct source_faults faults;
    struct error err = {0};
    struct arena arena;
    bool same;

    if (source == NULL && message->json != NULL)
        source = pull_make(puller, message);
    if (source == NULL)
        return; /* it never was, or for want of memory: it is declared again at the next change */
    same = is_same(source, message);
    source->removed = message->json == NULL;
    pthread_mutex_lock(&puller->lock);
    source->paused = message->paused;
    pthread_mutex_unlock(&puller->lock);
    if (same)
        source->version = message->version;
    if (source->removed || same)
        return;
    source_free(source->coming);
    source->coming = NULL;
    source->replaced = true;
    source->coming_version = message->version;
    source->coming_document = hash128((struct bytes){message->json, message->json_size});
    arena_init(&arena, SIZE_MAX, NULL);
    if (source_parse(bytes_of(source->name), (struct bytes){message->json, message->json_size},
                     &arena, &source->coming, &faults, &err) != OK) {
        pull_tell(source, "its document is wrong", err.text);
        source_free(source->coming);
        source->coming = NULL;
    }
    arena_release(&arena);
    pull_drop_ready(source);
    if (pull_is_idle(source))
        take_up(source);
}

void pull_free(struct pull_source *source)
{
    while (source->units != NULL)
        unit_free(source->units);
    leave_limits(source);
    partitions_release(source);
    told_forget(source);
    source_free(source->source);
    source_free(source->coming);
    free(source->tenant_name);
    free(source->name);
    free(source->fetches);
    free(source->wishes);
    free(source->error);
    free(source->waits_for);
    free(source);
}

/* What is due would be so much later, and some of what is known to be done may be of a time that is
 * to come: it is read anew. */
void pull_clock_back(struct pull_source *source)
{
    pull_drop_ready(source);
    source->held = false;
}

/* --- what it knows of its work --- */

/* What a note does not say is done may have been had all the same, and corrected since. */
static enum code take_had(struct pull_partition *partition, const struct progress_note *note,
                          bool ahead, int64_t now_ns, struct error *err)
{
    int64_t end_ns = note->had_ns;

    if (ahead && note->done)
        end_ns = time_later(end_ns, note->end_ns);
    if (ahead && end_ns > now_ns)
        end_ns = now_ns;
    if (end_ns <= note->time_ns)
        return OK;
    return window_set_done(&partition->undone, note->time_ns, end_ns, err);
}

/* Of the notes of a partition the newest comes first. */
static enum code take_note(struct pull_source *source, const struct pull_loaded *loaded,
                           int64_t now_ns, struct bytes document, struct error *err)
{
    struct pull_partition *partition = partition_find(source, loaded->partition);
    const struct progress_note *note = &loaded->note;
    bool windowed = source->source->window.given;
    bool ahead = note->fetched_ns > time_sum(now_ns, second_ns);
    enum code code = OK;

    if (partition != NULL && windowed)
        code = take_had(partition, note, ahead, now_ns, err);
    if (code || ahead) /* by a clock that was wrong: nobody knows what had come by then */
        return code;
    if (note->done && note->fetched_ns > source->last_ns)
        source->last_ns = note->fetched_ns;
    if (partition == NULL || (source->anew && !windowed))
        return OK; /* "unchanged" would be said of what another document made nothing of */
    if (windowed && note->done)
        return pull_done(source, partition, note, err);
    if (windowed && pull_asked_since(source, note))
        return OK;
    return partition_take_note(partition, note, windowed, document, err);
}

void pull_loaded_take(struct pull_job *job)
{
    struct pull_source *source = job->source;
    int64_t now_ns = clock_wall_ns(source->puller->parts.clock);
    enum code code = job->code;
    struct error err = job->err;
    char document[HASH128_TEXT_SIZE];

    hash128_print(&source->document, document);
    source->loading = false;
    if (source->replaced) /* it is taken up by the next turn */
        return;
    for (struct pull_loaded *loaded = job->loaded; code == OK && loaded != NULL;
         loaded = loaded->next)
        code = take_note(source, loaded, now_ns, bytes_of(document), &err);
    if (code == E_NOT_READY) {
        told_loading(source, err.text);
        source->next_ns = time_sum(now_ns, second_ns);
        return;
    }
    told_loading(source, "");
    if (code) { /* nothing is asked before it is known what there is */
        pull_tell(source, "its progress cannot be read", err.text);
        source->next_ns = now_ns + 10 * second_ns;
        return;
    }
    pull_begin_history(source, now_ns);
    source->next_ns = source->due ? now_ns
                                  : schedule_next(&source->source->schedule, source->place,
                                                  source->last_ns, 0, now_ns);
    source->due = false;
    pull_wishes_known(source);
    pull_set_state(source, PULL_RESTING);
    pull_reached(source);
}

/* --- pulls --- */

static void begin_pull(struct pull_source *source, const struct moment *now)
{
    source->first = source->last_ns == INT64_MIN;
    source->last_ns = now->wall_ns;
    source->failed = source->uncompared = false;
    pull_note_begin(source);
    source->next_ns = INT64_MAX; /* until it is over */
    source->barred = false;
    pull_set_state(source, PULL_PULLING);
    if (list_is_due(source, now))
        list_ask(source, true);
    else
        pull_begin_units(source, now);
}

void pull_begin_units(struct pull_source *source, const struct moment *now)
{
    bool made = pull_take_live(source, now->wall_ns);

    source->history_done = false;
    if (source->partition_count == 0)
        pull_tell(source, "asks nothing", "its list of partitions is empty");
    if (!made)
        pull_tell(source, "no memory", "for what a pull asks");
    if (source->live_units == 0)
        pull_unit_over(source, !made, now);
}

void pull_unit_over(struct pull_source *source, bool failed, const struct moment *now)
{
    source->failed = source->failed || failed;
    source->history_done = false;
    if (source->live_units > 0 || source->state != PULL_PULLING || list_is_asked(source))
        return;
    if (!source->failed && !source->uncompared) {
        pull_note_whole(source);
        source->anew = false;
    }
    pull_set_state(source, PULL_RESTING);
    pull_rest(source, source->last_ns, source->failed, now);
    if (source->first) /* they may have been declared all at once */
        source->next_ns =
            time_sum(source->next_ns, schedule_spread(&source->source->schedule, source->place));
    pull_set_state(source, PULL_RESTING);
}

void pull_rest(struct pull_source *source, int64_t last_ns, bool failed, const struct moment *now)
{
    int64_t now_ns = now->wall_ns, distance = 0;

    pull_note_end(source);
    source->failures = failed ? source->failures + 1 : 0;
    source->next_ns = schedule_next(&source->source->schedule, source->place, last_ns,
                                    source->expires_ns, now_ns);
    for (uint32_t i = 1; i < source->failures && distance < distance_max_ns; i++)
        distance = distance == 0 ? source->source->schedule.every_ns : 2 * distance;
    if (distance > distance_max_ns)
        distance = distance_max_ns;
    if (source->next_ns < now_ns + distance)
        source->next_ns = now_ns + distance;
    pull_set_state(source, source->state);
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

    if (leased && parts->leased != NULL)
        limiter_held(source->key, now, assumed_ns);
    if (leased && !source->held) {
        pull_drop_ready(source); /* of the time before: nobody asks for them any more */
        if (source->units != NULL || source->busy_units > 0)
            return false;
        source->held = true;
        source->lost = false;
        source->barred = false;
        list_reset(source);
        if (source->token != NULL)
            errand_drop(token_errand(source));
        partitions_forget(source);
        source->next_ns = 0;
        source->held_ns = clock_monotonic_ns(source->puller->parts.clock);
        told_loading(source, "");
        pull_set_state(source, PULL_LOADING);
    } else if (!leased) {
        source->held = false;
        source->lost = true;
        limiter_lost(source->key);
        pull_drop_ready(source); /* also what was under way when it was lost */
        if (source->state != PULL_ELSEWHERE)
            pull_set_state(source, PULL_ELSEWHERE);
    }
    return leased;
}

/* Its partitions first, where they are not known; then what was done of them. */
static void begin_loading(struct pull_source *source, const struct limits *limits)
{
    if (source->list == NULL || source->list->known) {
        load(source, limits);
        return;
    }
    source->next_ns = INT64_MAX; /* until they are had, or cannot be */
    source->barred = false;
    if (!list_is_asked(source))
        list_ask(source, false);
}

int64_t pull_turn(struct pull_source *source, const struct moment *now)
{
    struct limits limits;
    int64_t next_ns, when;

    if (source->replaced)
        pull_drop_ready(source); /* what was under way when it was: its next page is not asked */
    if (source->replaced && pull_is_idle(source))
        take_up(source);
    if (source->source == NULL || source->loading || source->removed || source->replaced)
        return INT64_MAX;
    if (!pull_find_tenant(source, &limits))
        return now->boot_ns + 10 * second_ns;
    if (source->paused || source->state == PULL_WRONG)
        return INT64_MAX;
    if (!hold(source, now))
        return now->boot_ns + second_ns;
    if (source->loading)
        return INT64_MAX;
    list_turn(source);
    if (source->state == PULL_LOADING) { /* it was not read yet, or could not be */
        if (now->wall_ns >= source->next_ns)
            begin_loading(source, &limits);
        when = errands_turn(source, now);
        next_ns = boot_of(now, source->next_ns);
        return when < next_ns ? when : next_ns;
    }
    if (now->wall_ns >= source->next_ns)
        begin_pull(source, now);
    pull_take_history(source, now->wall_ns);
    when = errands_turn(source, now);
    next_ns = boot_of(now, source->next_ns);
    next_ns = when < next_ns ? when : next_ns;
    when = units_when(source, now);
    told_turn(source, when, now);
    return when < next_ns ? when : next_ns;
}
