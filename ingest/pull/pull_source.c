/* A source from its declaration on: its progress is read, pulls begin when they are due, history is
 * taken up beside them, and it goes when nothing of it is under way any more. */
#include "ingest/pull/pull_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static const int64_t second_ns = MOMENT_SECOND;
/* A source that fails comes again after every longer, at most so much. */
static const int64_t distance_max_ns = 6 * 3600 * INT64_C(1000000000);

/* What another node may have asked in, it is taken to have asked: of limits of up to this length.
 */
static const int64_t assumed_ns = 600 * MOMENT_SECOND;

void pull_text(char into[PULL_TEXT_SIZE], const char *text)
{
    size_t size = strlen(text);

    if (size >= PULL_TEXT_SIZE)
        size = PULL_TEXT_SIZE - 1;
    memcpy(into, text, size);
    into[size] = '\0';
}

void pull_tell(struct pull_source *source, const char *what, const char *text)
{
    log_event(LOG_WARN, "a source", LOG_CSTR("tenant", source->tenant_name),
              LOG_CSTR("source", source->name), LOG_CSTR("what", what), LOG_CSTR("why", text));
    pthread_mutex_lock(&source->puller->lock);
    pull_text(source->error, text);
    source->error_ns = clock_wall_ns(source->puller->parts.clock);
    source->counts.failures++;
    pthread_mutex_unlock(&source->puller->lock);
}

static void set_state(struct pull_source *source, enum pull_state state)
{
    pthread_mutex_lock(&source->puller->lock);
    source->state = state;
    source->told_next_ns = source->next_ns;
    pthread_mutex_unlock(&source->puller->lock);
}

struct pull_source *pull_find(const struct puller *puller, const char *tenant, const char *name)
{
    struct pull_source *source = puller->sources;

    while (source != NULL &&
           (strcmp(source->tenant_name, tenant) != 0 || strcmp(source->name, name) != 0))
        source = source->next;
    return source;
}

/* --- partitions --- */

static void release_partition(struct pull_partition *partition)
{
    while (partition->rests != NULL) {
        struct pull_rest *rest = partition->rests;

        partition->rests = rest->next;
        free(rest->page);
        free(rest);
    }
    window_set_release(&partition->windows);
    window_set_release(&partition->failed);
    free(partition->etag);
    free(partition->modified);
    free(partition->body);
}

static void release_partitions(struct pull_source *source)
{
    for (size_t i = 0; i < source->partition_count; i++)
        release_partition(&source->partitions[i]);
    source->partition_count = 0;
    source->partitions = NULL;
    arena_release(&source->arena);
}

static bool make_partitions(struct pull_source *source)
{
    const struct source_foreach *foreach = &source->source->foreach;

    source->partitions = ARENA_ARRAY(&source->arena, struct pull_partition, foreach->count);
    for (size_t i = 0; source->partitions != NULL && i < foreach->count; i++) {
        struct pull_partition *partition = &source->partitions[source->partition_count++];

        partition->variables = &foreach->partitions[i];
        partition_id(partition->variables, partition->id);
        window_set_init(&partition->windows, &source->source->window);
        window_set_init(&partition->failed, &source->source->window);
        partition->history_ns = INT64_MIN; /* until the first pull */
    }
    return source->partitions != NULL;
}

static void drop_ready(struct pull_source *source)
{
    for (struct pull_unit *unit = source->units, *next; unit != NULL; unit = next) {
        next = unit->next;
        if (unit->state == UNIT_READY)
            unit_free(unit);
    }
}

/* As before anything was read of it. */
static void forget_progress(struct pull_source *source)
{
    for (size_t i = 0; i < source->partition_count; i++) {
        struct pull_partition *partition = &source->partitions[i];

        release_partition(partition);
        partition->rests = NULL;
        partition->etag = partition->modified = partition->body = NULL;
        window_set_init(&partition->windows, &source->source->window);
        window_set_init(&partition->failed, &source->source->window);
        partition->history_ns = INT64_MIN;
    }
    source->last_ns = INT64_MIN;
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
    set_state(source, PULL_LOADING);
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
    release_partitions(source);
    source_free(source->source);
    source->source = source->coming;
    source->version = source->coming_version;
    source->coming = NULL;
    source->replaced = false;
    source->history_done = false;
    source->failures = 0;
    source->next_ns = 0;
    if (source->source == NULL) {
        set_state(source, PULL_WRONG);
        return;
    }
    if (!make_partitions(source) || join_limits(source, &err) != OK) {
        pull_tell(source, "cannot be taken up", err.text[0] ? err.text : "no memory");
        set_state(source, PULL_WRONG);
        return;
    }
    source->place = schedule_place(bytes_of(source->tenant_name), bytes_of(source->name));
    source->held = false;
    set_state(source, PULL_LOADING);
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
    source->paused = message->paused;
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

void pull_act(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = pull_find(puller, message->tenant, message->name);
    struct error err = {0};

    if (source == NULL || source->source == NULL)
        return;
    if (message->action == PULLER_NOW) {
        if (source->live_units == 0) /* else it is under way */
            source->next_ns = 0;
        return;
    }
    for (size_t i = 0; i < source->partition_count; i++) {
        window_set_release(&source->partitions[i].failed);
        if (window_set_undo(&source->partitions[i].windows, message->start_ns, message->end_ns,
                            &err))
            pull_tell(source, "a range cannot be asked again", err.text);
    }
    source->history_done = false;
}

void pull_free(struct pull_source *source)
{
    while (source->units != NULL)
        unit_free(source->units);
    leave_limits(source);
    release_partitions(source);
    source_free(source->source);
    source_free(source->coming);
    free(source->tenant_name);
    free(source->name);
    free(source->fetches);
    free(source);
}

/* --- what it knows of its work --- */

static struct pull_partition *find_partition(const struct pull_source *source, const char *id)
{
    for (size_t i = 0; i < source->partition_count; i++)
        if (strcmp(source->partitions[i].id, id) == 0)
            return &source->partitions[i];
    return NULL; /* of a document of before */
}

static char *text_of(struct bytes text)
{
    return text.size == 0 ? NULL : strndup(text.data, text.size);
}

static enum code take_note(struct pull_partition *partition, const struct progress_note *note,
                           bool windowed, struct error *err)
{
    struct pull_rest *rest;

    if (!windowed) { /* the first that is met is the newest */
        if (partition->etag == NULL && partition->modified == NULL && partition->body == NULL) {
            partition->etag = text_of(note->etag);
            partition->modified = text_of(note->modified);
            partition->body = text_of(note->body);
        }
        return OK;
    }
    if (note->done)
        return window_set_done(&partition->windows, note->time_ns, note->end_ns, err);
    rest = calloc(1, sizeof(*rest));
    if (rest == NULL)
        return error_set(err, E_MEMORY, "no memory for the progress of a source");
    *rest = (struct pull_rest){.next = partition->rests,
                               .start_ns = note->time_ns,
                               .end_ns = note->end_ns,
                               .page_number = note->page_number,
                               .rows = note->rows,
                               .page = text_of(note->page)};
    partition->rests = rest;
    return OK;
}

/* History that was under way goes on at once, and not with the next pull, which may be a day away.
 */
static void begin_history(struct pull_source *source, int64_t now_ns)
{
    for (size_t i = 0; source->source->window.given && i < source->partition_count; i++) {
        struct pull_partition *partition = &source->partitions[i];
        struct error err = {0};
        size_t count;

        if (partition->windows.done_count > 0 &&
            window_set_live(&partition->windows, now_ns, NULL, 0, &count, &partition->history_ns,
                            &err))
            pull_tell(source, "its windows cannot be told", err.text);
    }
}

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
        struct pull_partition *partition = find_partition(source, loaded->partition);

        if (loaded->note.done && loaded->note.fetched_ns > source->last_ns)
            source->last_ns = loaded->note.fetched_ns;
        if (partition != NULL)
            code = take_note(partition, &loaded->note, source->source->window.given, &err);
    }
    if (code) { /* nothing is asked before it is known what there is */
        pull_tell(source, "its progress cannot be read", err.text);
        source->next_ns = now_ns + 10 * second_ns;
        return;
    }
    begin_history(source, now_ns);
    source->next_ns =
        schedule_next(&source->source->schedule, source->place, source->last_ns, 0, now_ns);
    set_state(source, PULL_RESTING);
    pull_reached(source);
}

/* --- pulls --- */

/* A window that was begun goes on where it stood, if it is asked in the same bounds; from its first
 * page where it has to be known what all of them have. */
static void take_rest(struct pull_unit *unit)
{
    struct pull_rest **at = &unit->partition->rests;

    if (unit->source->source->window.retract_missing)
        return;
    while (*at != NULL &&
           ((*at)->start_ns != unit->window.start_ns || (*at)->end_ns != unit->window.end_ns))
        at = &(*at)->next;
    if (*at != NULL) {
        struct pull_rest *rest = *at;

        *at = rest->next;
        unit->page = rest->page;
        unit->page_number = rest->page_number;
        unit->rows_before = rest->rows;
        free(rest);
    }
}

static bool add_window(struct pull_source *source, struct pull_partition *partition,
                       const struct window_work *work)
{
    struct pull_unit *unit = unit_add(source, partition, &work->window, work->live);

    if (unit != NULL)
        take_rest(unit);
    return unit != NULL;
}

/* More windows than a pull has in hand: those before `ns` come behind it, also if they were had. */
static void leave_to_history(struct pull_source *source, struct pull_partition *partition,
                             int64_t ns)
{
    struct error err = {0};

    if (partition->history_ns < ns &&
        window_set_undo(&partition->windows, partition->history_ns, ns, &err))
        pull_tell(source, "what overlaps cannot be asked again", err.text);
    partition->history_ns = ns;
}

static void begin_pull(struct pull_source *source, const struct moment *now)
{
    int64_t now_ns = now->wall_ns;
    struct window_work work[PULL_LIVE_MAX];
    struct error err = {0};
    bool made = true;

    source->last_ns = now_ns;
    source->failed = false;
    source->next_ns = INT64_MAX; /* until it is over */
    set_state(source, PULL_PULLING);
    for (size_t i = 0; i < source->partition_count && made; i++) {
        struct pull_partition *partition = &source->partitions[i];
        size_t count = 0;

        window_set_release(&partition->failed);
        if (!source->source->window.given) {
            made = unit_add(source, partition, NULL, true) != NULL;
            continue;
        }
        if (window_set_live(&partition->windows, now_ns, work, PULL_LIVE_MAX, &count,
                            &partition->history_ns, &err)) {
            pull_tell(source, "its windows cannot be told", err.text);
            continue;
        }
        if (count > PULL_LIVE_MAX)
            leave_to_history(source, partition, work[PULL_LIVE_MAX - 1].window.start_ns);
        for (size_t w = 0; w < count && w < PULL_LIVE_MAX && made; w++)
            made = add_window(source, partition, &work[w]);
    }
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
    source->next_ns = schedule_next(&source->source->schedule, source->place, source->last_ns,
                                    source->expires_ns, now_ns);
    for (uint32_t i = 1; i < source->failures && distance < distance_max_ns; i++)
        distance = distance == 0 ? source->source->schedule.every_ns : 2 * distance;
    if (distance > distance_max_ns)
        distance = distance_max_ns;
    if (source->next_ns < now_ns + distance)
        source->next_ns = now_ns + distance;
    set_state(source, PULL_RESTING);
}

static bool is_busy(void *context, int64_t start_ns)
{
    const struct pull_partition *partition = ((void **)context)[0];
    const struct pull_source *source = ((void **)context)[1];

    struct stretch_of_time window;
    struct error err = {0};

    if (window_set_at(&partition->windows, start_ns, &window, &err) != OK)
        return true;
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (unit->partition == partition && unit->window.start_ns < window.end_ns &&
            window.start_ns < unit->window.end_ns) /* be it a half of it */
            return true;
    for (size_t i = 0; i < partition->failed.done_count; i++)
        if (partition->failed.done[i].start_ns < window.end_ns &&
            window.start_ns < partition->failed.done[i].end_ns)
            return true;
    return false;
}

/* Windows of before, one for each request that could be under way, of each partition in turn. */
static void take_history(struct pull_source *source, int64_t now_ns)
{
    const struct source_window *rules = &source->source->window;
    int64_t floor_ns = INT64_MIN;
    size_t tried = 0, units = 0;

    if (!rules->given || source->history_done || source->live_units > 0)
        return;
    if (source->retention_ns != INT64_MAX)
        floor_ns = now_ns - source->retention_ns;
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        units++;
    while (units < source->source->limits.concurrency && tried < source->partition_count) {
        struct pull_partition *partition =
            &source->partitions[source->partition_turn++ % source->partition_count];
        void *both[2] = {partition, source};
        struct window_work work;
        struct error err = {0};
        bool found = false;

        if (window_set_history(&partition->windows, partition->history_ns, floor_ns, is_busy, both,
                               &work, &found, &err)) {
            pull_tell(source, "its windows cannot be told", err.text);
            break;
        }
        tried = found ? 0 : tried + 1;
        if (found && !add_window(source, partition, &work))
            break;
        units += found;
    }
    source->history_done = tried >= source->partition_count && units == 0;
}

/* Up to where all its partitions have all of the windows: what is behind now is its lag. */
void pull_reached(struct pull_source *source)
{
    int64_t reached_ns = INT64_MAX;

    for (size_t i = 0; i < source->partition_count; i++) {
        int64_t mine = window_set_contiguous(&source->partitions[i].windows);

        reached_ns = mine < reached_ns ? mine : reached_ns;
    }
    pthread_mutex_lock(&source->puller->lock);
    source->reached_ns = source->source->window.given ? reached_ns : source->success_ns;
    pthread_mutex_unlock(&source->puller->lock);
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
        if (source->units != NULL) /* of the time before */
            return false;
        source->held = true;
        if (parts->leased != NULL)
            limiter_assume_used(source->key, now, assumed_ns);
        forget_progress(source);
        source->next_ns = 0;
        set_state(source, PULL_LOADING);
    } else if (!leased) {
        source->held = false;
        drop_ready(source); /* also what was under way when it was lost */
        if (source->state != PULL_ELSEWHERE)
            set_state(source, PULL_ELSEWHERE);
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
    take_history(source, now->wall_ns);
    next_ns = boot_of(now, source->next_ns);
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next) {
        int64_t when = unit_when(unit, now);

        next_ns = when < next_ns ? when : next_ns;
    }
    return next_ns;
}
