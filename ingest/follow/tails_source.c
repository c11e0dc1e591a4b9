/* A source's turn: its files are looked for now and then, those that grow are looked at often, and
 * what is new is read.
 *
 * Files are found by looking, not by being told: inotify says nothing of what another machine
 * writes to a network's file system, and has to be doubted when its queue is full.  A look costs
 * some microseconds a file; the more it takes, the rarer it is. */
#include <assert.h>
#include <stdlib.h>

#include "ingest/follow/tails_inside.h"
#include "ingest/source/source.h"

#define MS_NS INT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)
#define MINUTE_NS (60 * SECOND_NS)

enum {
    LOOK_MS = 500,    /* for files; */
    LOOK_SHARE = 50,  /* and so much longer than it takes */
    GROWING_MS = 200, /* at those that grow */
    GROWING_S = 20,   /* since they did */
    REST_S = 5,       /* without anything new, what is kept in memory to read on goes */
    RECORDS_MAX = 8,  /* before others have their turn */
    LOAD_S_MAX = 30,  /* what other nodes say is waited for so long */
    KNOWN_BYTES_MAX = 256 << 20,
};

/* --- what is known of files --- */

struct loading {
    struct tails_source *source;
    bool any;         /* of this node's */
    int64_t begun_ns; /* INT64_MIN: no row says that it began */
};

static struct tail_known *known_of(const struct tails_source *source, const uint64_t *inode)
{
    return map_get(&source->known, (struct bytes){(const char *)inode, sizeof(*inode)});
}

static enum code keep_known(struct tails_source *source, const struct tail_mark *mark, bool own,
                            struct error *err)
{
    struct tail_known *first = known_of(source, &mark->inode), *known = first;

    while (known != NULL && (known->mark.device != mark->device || known->own != own))
        known = known->next;
    if (known == NULL) {
        known = ARENA_NEW(&source->arena, struct tail_known);
        if (known == NULL)
            return error_set(err, E_MEMORY, "no memory for how far files were read");
        known->inode = mark->inode;
        known->own = own;
        if (first != NULL) {
            known->next = first->next;
            first->next = known;
        } else if (!map_put(&source->known,
                            (struct bytes){(const char *)&known->inode, sizeof(known->inode)},
                            known)) {
            return error_set(err, E_MEMORY, "no memory for how far files were read");
        }
        known->mark = *mark;
    }
    if (mark->time_ns >= known->mark.time_ns)
        known->mark = *mark;
    known->mark.path = (struct bytes){"", 0};
    return OK;
}

static enum code take_row(void *context, const struct recalled_row *row, struct error *err)
{
    struct loading *loading = context;
    struct tail_mark mark;
    bool own;

    if (!tail_mark_read(row, bytes_of(loading->source->tails->node), &mark, &own))
        return OK;
    loading->any = loading->any || own;
    if (mark.inode != 0)
        return keep_known(loading->source, &mark, own, err);
    if (own && mark.time_ns > loading->begun_ns)
        loading->begun_ns = mark.time_ns;
    return OK;
}

/* Marks are this node's own: what others do not say is waited for, but not for ever. */
static enum code load_marks(struct tails_source *source, int64_t now_ns, struct error *err)
{
    const struct recall *recall = source->tails->parts.recall;
    struct loading loading = {.source = source, .begun_ns = INT64_MIN};
    bool partial = false;
    enum code code =
        recall->rows(recall->context, bytes_of(source->tenant_name), source->measurement, NULL, 0,
                     INT64_MIN, INT64_MAX, take_row, &loading, &partial, err);

    if (source->loading_since_ns == 0)
        source->loading_since_ns = now_ns;
    if (code == OK && partial && now_ns - source->loading_since_ns < LOAD_S_MAX * SECOND_NS)
        code = error_set(err, E_PARTIAL, "how far files were read is not known as a whole yet");
    source->begun = loading.any;
    source->begun_ns = loading.begun_ns;
    return code;
}

/* A number that this node is to have is waited for: what it marks without one it knows later only
 * where a file's bytes tell. */
static void load(struct tails_source *source, int64_t now_ns)
{
    const struct tails_parts *parts = &source->tails->parts;
    struct error err = {0};
    enum code code = parts->node(parts->context, source->tails->node, &err);

    if (code == OK)
        code = load_marks(source, now_ns, &err);
    if (code) {
        tails_tell(source, &err);
        source->load_ns = now_ns + SECOND_NS;
        return;
    }
    source->loaded = true;
    tails_tell_state(source, TAILS_FOLLOWING);
}

/* --- files --- */

struct looking {
    struct tails_source *source;
    int64_t now_ns;
    size_t path_index; /* at hand */
};

void tails_rest(struct tails_source *source, struct tail *tail, bool closes)
{
    source->open_count -= closes && tail->fd >= 0;
    tail_rest(tail, closes);
}

/* A node that has its number writes no more marks without one: its own is the later of two. */
static bool is_later(const struct tail_known *a, const struct tail_known *b)
{
    if (a->own != b->own)
        return a->own;
    return a->mark.time_ns != b->mark.time_ns ? a->mark.time_ns > b->mark.time_ns
                                              : a->mark.offset > b->mark.offset;
}

/* The mark that is of this file: under the same device, or of the same bytes.  A device that was
 * another for a while left two that are of a file that only grew: the latest has what was read. */
static void adopt(struct tails_source *source, struct tail *tail)
{
    const struct tail_terms terms = {.places = source->tails->parts.places,
                                     .tenant = bytes_of(source->tenant_name)};
    const struct tail_known *latest = NULL;
    bool was_open = tail->fd >= 0;

    for (struct tail_known *known = known_of(source, &tail->mark.inode); known != NULL;
         known = known->next)
        if ((latest == NULL || is_later(known, latest)) &&
            ((known->own && known->mark.device == tail->mark.device) ||
             known->mark.head.size > 0) &&
            tail_is_marked(tail, &terms, &known->mark))
            latest = known;
    if (latest != NULL)
        tail_adopt(tail, &latest->mark);
    source->open_count += (size_t)((tail->fd >= 0) - was_open);
    if (source->open_count > TAILS_OPEN_MAX)
        tails_rest(source, tail, true);
}

static enum code add_tail(struct tails_source *source, const char *path, const struct stat *stat,
                          struct tail **added, struct error *err)
{
    struct tail *tail = tail_new(path, stat);

    *added = tail;
    if (tail == NULL || !map_put(&source->by_key, bytes_of(tail->key), tail)) {
        tail_free(tail);
        return error_set(err, E_MEMORY, "no memory to follow a file");
    }
    adopt(source, tail);
    tail->skips = !tail->known && !source->begun && source->source->files.from_end;
    tail->next = source->list;
    source->list = tail;
    source->count++;
    return OK;
}

static enum code take_file(void *context, const char *path, const struct stat *stat,
                           struct error *err)
{
    struct looking *looking = context;
    struct tails_source *source = looking->source;
    char key[TAIL_KEY_SIZE];
    struct tail *tail;
    enum code code = OK;

    tail_key(stat->st_dev, stat->st_ino, key);
    tail = map_get(&source->by_key, bytes_of(key));
    if (tail == NULL)
        code = add_tail(source, path, stat, &tail, err);
    if (code)
        return code;
    if (!tail->found && !tail_rename(tail, path))
        return error_set(err, E_MEMORY, "no memory to follow a file");
    if (!tail->found)
        tail->path_index = looking->path_index;
    tail->found = true;
    tail->ended = false;
    tail->gone_ns = 0;
    (void)tail_look(tail, stat, looking->now_ns);
    return OK;
}

static void look_for_files(struct tails_source *source, int64_t now_ns)
{
    struct looking looking = {source, now_ns, 0};
    const struct source_files *files = &source->source->files;
    struct clock *clock = source->tails->parts.clock;
    int64_t began_ns = clock_monotonic_ns(clock), took_ns;
    uint64_t failed = 0; /* a bit for each path */

    assert(files->path_count <= 64);
    for (struct tail *tail = source->list; tail != NULL; tail = tail->next)
        tail->found = false;
    for (size_t i = 0; i < files->path_count; i++) {
        struct error err = {0};
        enum code one = tail_places_check(source->tails->parts.places,
                                          bytes_of(source->tenant_name), files->paths[i], &err);

        looking.path_index = i;
        if (one == OK)
            one = tail_places_walk(source->tails->parts.places, bytes_of(source->tenant_name),
                                   files->paths[i], take_file, &looking, &err);
        if (one) {
            tails_tell(source, &err);
            failed |= UINT64_C(1) << i;
        }
    }
    /* What could not be looked for is not gone. */
    for (struct tail *tail = source->list; tail != NULL; tail = tail->next)
        if (!tail->found && tail->gone_ns == 0 && (failed >> tail->path_index & 1) == 0)
            tail->gone_ns = now_ns;
    took_ns = clock_monotonic_ns(clock) - began_ns;
    source->look_ns = now_ns + took_ns * LOOK_SHARE;
    if (source->look_ns < now_ns + LOOK_MS * MS_NS)
        source->look_ns = now_ns + LOOK_MS * MS_NS;
}

/* Marks without a number tell that the source began here only where one of them is of a file that
 * is here: another node that was alone wrote such, too. */
static void recognise(struct tails_source *source)
{
    bool known = false;

    if (source->begun)
        return;
    for (const struct tail *tail = source->list; tail != NULL; tail = tail->next)
        known = known || tail->known;
    if (!known)
        return;
    source->begun = true;
    for (struct tail *tail = source->list; tail != NULL; tail = tail->next)
        tail->skips = false;
}

/* --- each file --- */

static void look_at_file(struct tails_source *source, struct tail *tail, int64_t now_ns)
{
    const struct source_files *files = &source->source->files;
    bool waits = !tail->wrong && (tail->mark.packed || tail->size > tail->mark.offset);
    struct stat stat;

    if (tail->fd >= 0 && (tail->gone_ns != 0 || now_ns - tail->grown_ns < GROWING_S * SECOND_NS) &&
        fstat(tail->fd, &stat) == 0) {
        (void)tail_look(tail, &stat, now_ns);
        tail->deleted = stat.st_nlink == 0;
    }
    if (files->settle_ns > 0 && waits && now_ns - tail->grown_ns >= files->settle_ns &&
        tail->settled_size != tail->size) {
        tail->settled_size = tail->size;
        tail->due = true;
    }
    tail->due = tail->due || (tail->known && tail->mark.time_ns < source->aged_ns);
    if (tail->due)
        return;
    if (tail->reading != NULL && now_ns - tail->grown_ns >= REST_S * SECOND_NS)
        tail_rest(tail, false);
    if (source->open_count > TAILS_OPEN_MAX && now_ns - tail->grown_ns >= REST_S * SECOND_NS)
        tails_rest(source, tail, true);
}

static void forget(struct tails_source *source, struct tail *tail)
{
    struct error err = {0};

    if (tail_lag(tail) > 0 && !tail->wrong) {
        (void)error_set(&err, E_NOT_FOUND, "%s is gone, with %llu bytes that were not read",
                        tail->path, (unsigned long long)tail_lag(tail));
        tails_tell(source, &err);
    }
    if (tail->known) /* it may come back; without memory it is read again then */
        (void)keep_known(source, &tail->mark, true, &err);
    tails_rest(source, tail, true);
    (void)map_remove(&source->by_key, bytes_of(tail->key));
    tail_free(tail);
    source->count--;
}

/* A file that is nowhere is read to its end, then forgotten; its mark stays. */
static void drop_gone(struct tails_source *source, int64_t now_ns)
{
    for (struct tail **at = &source->list; *at != NULL;) {
        struct tail *tail = *at;
        bool over = tail_is_over(tail, now_ns);

        if (over && tail->fd >= 0 && !tail->ended) {
            tail->ended = tail->due = true;
        } else if (over && (!tail->due || tail->fd < 0) && !tail->joined) {
            *at = tail->next;
            forget(source, tail);
            continue;
        }
        at = &tail->next;
    }
}

static void tell_files(struct tails_source *source)
{
    struct tails_told *told = &source->told;
    uint64_t lag = 0, stopped = 0;

    for (const struct tail *tail = source->list; tail != NULL; tail = tail->next) {
        lag += tail_lag(tail);
        stopped += tail->wrong;
    }
    pthread_mutex_lock(&source->tails->lock);
    told->files = source->count;
    told->open = source->open_count;
    told->lag_bytes = lag;
    told->stopped = stopped;
    pthread_mutex_unlock(&source->tails->lock);
}

/* --- the turn --- */

static bool is_growing(const struct tails_source *source, int64_t now_ns)
{
    for (const struct tail *tail = source->list; tail != NULL; tail = tail->next)
        if (tail->due || tail->gone_ns != 0 || now_ns - tail->grown_ns < GROWING_S * SECOND_NS)
            return true;
    return false;
}

static void read_files(struct tails_source *source, int64_t now_ns)
{
    bool looked = now_ns >= source->look_ns, any = false, more = true;

    source->aged_ns = INT64_MIN;
    if (source->retention_ns > 0 && source->retention_ns != INT64_MAX)
        source->aged_ns =
            clock_wall_ns(source->tails->parts.clock) - source->retention_ns / 2 - MINUTE_NS;
    if (looked) {
        look_for_files(source, now_ns);
        recognise(source);
    }
    drop_gone(source, now_ns);
    for (struct tail *tail = source->list; tail != NULL; tail = tail->next) {
        look_at_file(source, tail, now_ns);
        any = any || tail->due;
    }
    for (int i = 0; i < RECORDS_MAX && more && (any || tails_record_begins(source)); i++)
        more = tails_record_make(source, now_ns) && !source->tails->stop;
    if (looked || any)
        tell_files(source);
    source->unread = any && more;
}

int64_t tails_source_turn(struct tails_source *source, int64_t now_ns)
{
    const struct tails_parts *parts = &source->tails->parts;
    int64_t next_ns;

    if (source->paused) {
        tails_tell_state(source, TAILS_PAUSED);
        return INT64_MAX;
    }
    if (!parts->tenant(parts->context, bytes_of(source->tenant_name), &source->tenant,
                       &source->limits, &source->retention_ns))
        return now_ns + SECOND_NS;
    if (!source->loaded && now_ns >= source->load_ns)
        load(source, now_ns);
    if (!source->loaded)
        return source->load_ns;
    if (now_ns < source->held_ns)
        return source->held_ns;
    if (source->held_ns > 0) {
        source->held_ns = 0;
        tails_tell_state(source, TAILS_FOLLOWING);
    }
    read_files(source, now_ns);
    if (source->unread)
        return now_ns;
    next_ns = source->look_ns;
    if (is_growing(source, now_ns) && next_ns > now_ns + GROWING_MS * MS_NS)
        next_ns = now_ns + GROWING_MS * MS_NS;
    return source->held_ns > next_ns ? source->held_ns : next_ns;
}

/* --- its life --- */

struct tails_source *tails_source_new(struct tails *tails, struct tails_message *message)
{
    struct tails_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    arena_init(&source->arena, KNOWN_BYTES_MAX, NULL);
    source->measurement = progress_measurement(bytes_of(message->name), &source->arena);
    if (source->measurement.data == NULL) {
        arena_release(&source->arena);
        free(source);
        return NULL;
    }
    source->tails = tails;
    source->tenant_name = message->tenant;
    source->name = message->name;
    source->source = message->source;
    source->paused = message->paused;
    message->tenant = message->name = NULL;
    message->source = NULL;
    return source;
}

void tails_source_free(struct tails_source *source)
{
    if (source == NULL)
        return;
    while (source->list != NULL) {
        struct tail *tail = source->list;

        source->list = tail->next;
        tail_free(tail);
    }
    map_release(&source->by_key);
    map_release(&source->known);
    arena_release(&source->arena);
    source_free(source->source);
    free(source->tenant_name);
    free(source->name);
    free(source);
}
