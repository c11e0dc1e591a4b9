/* Who is followed, and when.  Nothing that is made goes before the end: a member or a shard that is
 * named no more keeps what was read of it. */
#include "store/guests/guests.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "store/guests/guests_inside.h"

/* A change of the registry is in force after 0.2 s, who joins among it. */
static const int64_t look_ns = 200000000, turn_ns = 1000000000, rest_first_ns = 500000000,
                     rest_most_ns = 30 * INT64_C(1000000000);

/* --- shards --- */

static void post_metrics(struct post *post)
{
    static const struct {
        size_t offset;
        const char *name, *help;
        enum metric_kind kind;
    } rows[] = {
        {offsetof(struct post, packs),    "weir_guests_packs",
         "Packs of other members that are read at a shard.",               METRIC_GAUGE  },
        {offsetof(struct post, bytes),    "weir_guests_bytes_total",
         "Bytes that were read of a shard to know such packs.",            METRIC_COUNTER},
        {offsetof(struct post, failures), "weir_guests_failures_total",
         "Looks at a shard for what other members delivered that failed.", METRIC_COUNTER},
    };
    struct metrics *metrics = post->guests->store->options.metrics;
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "shard", bytes_of(post->name));
    buf_put_char(&labels, 0);
    for (size_t i = 0; metrics != NULL && !labels.failed && i < COUNT_OF(rows); i++)
        *(struct metric **)((char *)post + rows[i].offset) =
            metrics_get(metrics, rows[i].name, rows[i].help, rows[i].kind, labels.data);
    buf_release(&labels);
}

/* Finds or makes; NULL: memory.  The looker's, as all that makes. */
static struct post *post_of(struct guests *guests, struct bytes name)
{
    struct post *post = guests->posts;

    while (post != NULL && !bytes_equal(bytes_of(post->name), name))
        post = post->next;
    if (post != NULL || (post = calloc(1, sizeof(*post))) == NULL)
        return post;
    post->guests = guests;
    (void)snprintf(post->name, sizeof(post->name), "%.*s", BYTES_ARG(name));
    random_seed(&post->random, (uint64_t)clock_wall_ns(guests->store->options.clock));
    post_metrics(post);
    post->next = guests->posts;
    guests->posts = post;
    return post;
}

static void archive_leave(struct post *post)
{
    if (post->archive != NULL)
        post->archive->operations->close(post->archive);
    post->archive = NULL;
}

/* The shard rests, somewhat longer or shorter than for others that failed at the same time. */
static void note_failure(struct post *post, enum code code, const struct error *err)
{
    if (code == E_DRAINING)
        return;
    metric_add(post->failures, 1);
    if (post->rest_ns == 0)
        post->rest_ns = rest_first_ns;
    else if (!post->hurried)
        post->rest_ns *= 2;
    post->hurried = false;
    if (post->rest_ns > rest_most_ns)
        post->rest_ns = rest_most_ns;
    post->rest_until_ns = clock_monotonic_ns(post->guests->store->options.clock) +
                          post->rest_ns / 2 +
                          (int64_t)random_below(&post->random, (uint64_t)post->rest_ns + 1);
    if (post->trouble != code)
        log_event(LOG_WARN, "a shard does not tell what other members delivered",
                  LOG_CSTR("shard", post->name), LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    post->trouble = code;
}

static void note_success(struct post *post)
{
    if (post->trouble != OK)
        log_event(LOG_INFO, "a shard tells what other members delivered again",
                  LOG_CSTR("shard", post->name));
    post->trouble = OK;
    post->rest_ns = 0;
    post->hurried = false;
}

/* A turn of each of its chains.  Whether one has more to do at once. */
static bool post_turn(struct post *post)
{
    struct guests *guests = post->guests;
    struct watch *watch = post->resume != NULL ? post->resume : post->watches;
    struct error err = {0};
    bool more = false;
    enum code code = OK;

    if (clock_monotonic_ns(guests->store->options.clock) < post->rest_until_ns)
        return false;
    if (post->archive == NULL)
        code = guests->rules->open(guests->rules->context, post->name, &post->archive, &err);
    for (; code == OK && watch != NULL && !guests->stop; watch = watch->next)
        code = watch_turn(watch, &more, &err);
    post->resume = code ? watch : NULL; /* one that always fails does not keep others waiting */
    metric_set(post->packs, post->pack_count);
    if (code)
        note_failure(post, code, &err);
    else
        note_success(post);
    return code == OK && more;
}

/* --- who there is --- */

/* False: memory. */
static bool wards_grow(struct guests *guests, uint32_t ordinal)
{
    size_t capacity = 2 * (size_t)ordinal + 16;
    struct ward **grown = calloc(capacity, sizeof(*grown)), **before = guests->wards;

    if (grown == NULL)
        return false;
    if (guests->ward_capacity > 0)
        memcpy(grown, before, guests->ward_capacity * sizeof(*grown));
    pthread_mutex_lock(&guests->lock);
    guests->wards = grown;
    guests->ward_capacity = capacity;
    pthread_mutex_unlock(&guests->lock);
    free(before);
    return true;
}

/* Finds or makes; NULL: memory. */
static struct ward *ward_of(struct guests *guests, const struct tenant *tenant)
{
    struct ward *made;

    if (tenant->ordinal >= guests->ward_capacity && !wards_grow(guests, tenant->ordinal))
        return NULL;
    if (guests->wards[tenant->ordinal] != NULL)
        return guests->wards[tenant->ordinal];
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    made->tenant = tenant;
    pthread_mutex_lock(&guests->lock);
    guests->wards[tenant->ordinal] = made;
    pthread_mutex_unlock(&guests->lock);
    return made;
}

static bool has_watch(const struct ward *ward, const struct post *post,
                      const struct guest_author *author)
{
    for (size_t i = 0; i < ward->watch_count; i++)
        if (ward->watches[i]->post == post &&
            memcmp(&ward->watches[i]->incarnation, &author->incarnation,
                   sizeof(author->incarnation)) == 0)
            return true;
    return false;
}

/* False: memory. */
static bool watch_add(struct guests *guests, struct ward *ward, struct post *post,
                      const struct guest_author *author)
{
    struct watch *made = calloc(1, sizeof(*made)), **grown;

    if (made == NULL)
        return false;
    *made = (struct watch){
        .ward = ward,
        .post = post,
        .member = author->number,
        .incarnation = author->incarnation,
        .left = !author->active,
        .word = INT64_MIN,
        .vouched = INT64_MIN,
        .looked_ns = INT64_MIN,
        .named = true,
    };
    follow_init(&made->follow, ward->tenant->name, &author->incarnation);
    pthread_mutex_lock(&guests->lock);
    grown = realloc(ward->watches, (ward->watch_count + 1) * sizeof(struct watch *));
    if (grown != NULL) {
        ward->watches = grown;
        grown[ward->watch_count++] = made;
        made->next = post->watches;
        post->watches = made; /* its thread may see it from here on */
    }
    pthread_mutex_unlock(&guests->lock);
    if (grown == NULL)
        watch_free(made);
    return grown != NULL;
}

/* Under the lock.  Who has left lists nothing any more, but what it listed last may not be here
 * yet: it did that before it was said to have left. */
static void note_left(struct watch *watch, const struct guest_author *authors, size_t count)
{
    bool left = false;

    for (size_t i = 0; i < count; i++)
        if (memcmp(&watch->incarnation, &authors[i].incarnation, sizeof(watch->incarnation)) == 0)
            left = !authors[i].active;
    watch->closed &= left;
    watch->left = left;
}

/* The members but us, if they are not as they were.  False: memory. */
static bool take_authors(struct guests *guests, struct ward *ward,
                         const struct guest_author *authors, size_t count)
{
    size_t size = count * sizeof(*authors);
    struct guest_author *copy;

    if (ward->authors != NULL && ward->author_count == count &&
        memcmp(ward->authors, authors, size) == 0)
        return true;
    copy = calloc(count + 1, sizeof(*copy));
    if (copy == NULL)
        return false;
    if (count > 0)
        memcpy(copy, authors, size);
    pthread_mutex_lock(&guests->lock);
    free(ward->authors);
    ward->authors = copy;
    ward->author_count = count;
    for (size_t i = 0; i < ward->watch_count; i++)
        note_left(ward->watches[i], authors, count);
    pthread_mutex_unlock(&guests->lock);
    ward->stale = true;
    return true;
}

/* A shard that was taken from the tenant may never answer again.  Only the looker writes it, five
 * times a second for each tenant, so that it is read without the lock. */
static void note_named(struct guests *guests, struct ward *ward, const struct guest_tenant *tenant)
{
    for (size_t i = 0; i < ward->watch_count; i++) {
        struct watch *watch = ward->watches[i];
        bool named = false;

        for (size_t s = 0; s < tenant->shard_count; s++)
            named = named || bytes_equal(tenant->shards[s], bytes_of(watch->post->name));
        if (watch->named == named)
            continue;
        pthread_mutex_lock(&guests->lock);
        watch->named = named;
        pthread_mutex_unlock(&guests->lock);
    }
}

static bool look_at(struct guests *guests, const struct guest_tenant *tenant,
                    const struct guest_author *authors, size_t count)
{
    struct series_registry *registry = guests->store->options.registry;
    const struct tenant *known = registry->tenant(registry, tenant->name);
    struct ward *ward = known == NULL ? NULL : ward_of(guests, known);
    bool looked;

    if (ward == NULL)
        return false;
    looked = take_authors(guests, ward, authors, count);
    note_named(guests, ward, tenant);
    for (size_t s = 0; looked && s < tenant->shard_count; s++) {
        struct post *post = post_of(guests, tenant->shards[s]);

        looked = post != NULL;
        for (size_t a = 0; looked && a < count; a++) {
            if (has_watch(ward, post, &authors[a]))
                continue;
            looked = watch_add(guests, ward, post, &authors[a]);
            ward->stale = true;
        }
    }
    if (looked && ward->stale) /* else it is tried again */
        ward->stale = !ward_compose(guests, ward);
    return looked && !ward->stale;
}

static void members_set(struct store *store, enum store_members members)
{
    pthread_mutex_lock(&store->state_lock);
    store->members = members;
    pthread_mutex_unlock(&store->state_lock);
}

/* NULL: it is not among them, or each of its records stands for a member of its own. */
static struct guest_author *find_author(struct guest_author *authors, size_t count,
                                        const struct hash128 *incarnation)
{
    for (size_t i = 0; i < count && !hash128_is_zero(incarnation); i++)
        if (hash128_equal(&authors[i].incarnation, incarnation))
            return &authors[i];
    return NULL;
}

/* All but us, each once; the number of them.  Of two records of one incarnation, as a registry that
 * was emptied and filled again may have them, the one that says it is active counts: to forget the
 * other is no word about who lives. */
static size_t others(const struct guests *guests, const struct guest_survey *survey,
                     struct guest_author *authors)
{
    size_t count = 0;

    for (size_t i = 0; i < survey->author_count; i++) {
        const struct guest_author *author = &survey->authors[i];
        struct guest_author *taken = find_author(authors, count, &author->incarnation);

        if (hash128_equal(&author->incarnation, &guests->store->incarnation) ||
            (taken != NULL && (taken->active || !author->active)))
            continue;
        if (taken == NULL)
            taken = &authors[count++];
        memset(taken, 0, sizeof(*taken)); /* by the byte, as they are compared so */
        taken->number = author->number;
        taken->incarnation = author->incarnation;
        taken->active = author->active;
    }
    return count;
}

/* Nobody leaves by not being named: a registry that was emptied may give a number to another data
 * directory, and whose it was still has what it acknowledged.  A record that nobody can read is
 * named for as long as it is there, as it says nothing of whose it is. */
static bool keep_known(struct guests *guests, struct guest_author *authors, size_t *count)
{
    struct guest_author *grown;

    for (size_t i = 0; i < guests->known_count; i++)
        if (!hash128_is_zero(&guests->known[i].incarnation) &&
            find_author(authors, *count, &guests->known[i].incarnation) == NULL)
            authors[(*count)++] = guests->known[i];
    grown = realloc(guests->known, (*count + 1) * sizeof(*grown));
    if (grown == NULL)
        return false;
    if (*count > 0)
        memcpy(grown, authors, *count * sizeof(*grown));
    guests->known = grown;
    guests->known_count = *count;
    return true;
}

static void note_surveyed(struct guests *guests, int64_t began_ns)
{
    pthread_mutex_lock(&guests->lock);
    guests->surveyed_ns = began_ns;
    pthread_mutex_unlock(&guests->lock);
}

enum code guests_look(struct guests *guests, struct error *err)
{
    struct guest_survey survey = {0};
    struct guest_author *authors = NULL;
    struct arena arena;
    size_t count = 0;
    int64_t began_ns = clock_monotonic_ns(guests->store->options.clock);
    bool looked = true;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = guests->rules->survey(guests->rules->context, &arena, &survey, err);
    if (code == OK) {
        authors =
            ARENA_ARRAY(&arena, struct guest_author, survey.author_count + guests->known_count + 1);
        looked = authors != NULL;
    }
    if (code == OK && looked) {
        count = others(guests, &survey, authors);
        looked = keep_known(guests, authors, &count);
        if (count > 0) /* first: a tenant that was not looked at yet is told by lacking a list */
            members_set(guests->store, MEMBERS_SOME);
        for (size_t i = 0; looked && i < survey.tenant_count; i++)
            if (count > 0 || guests->ward_capacity > 0)
                looked = look_at(guests, &survey.tenants[i], authors, count);
        if (count == 0 && looked)
            members_set(guests->store, MEMBERS_NONE);
        if (looked) {
            words_follow(guests, survey.version);
            note_surveyed(guests, began_ns);
        }
    }
    arena_release(&arena);
    return code || looked ? code : error_set(err, E_MEMORY, "no memory to follow other members");
}

bool guests_step(struct guests *guests)
{
    bool more = false;

    assert(guests->looker == NULL);
    for (struct post *post = guests->posts; post != NULL; post = post->next)
        more |= post_turn(post);
    return more;
}

/* --- threads --- */

/* False: to stop.  `post`: or until a chain there is to be looked at; NULL: that is not looked for.
 */
static bool wait_ns(struct guests *guests, const struct post *post, int64_t ns)
{
    struct timespec until = condition_until(ns);

    pthread_mutex_lock(&guests->lock);
    while (!guests->stop && !(post != NULL && hurry_is_for(guests, post)) &&
           pthread_cond_timedwait(&guests->more, &guests->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&guests->lock);
    return !guests->stop;
}

static void post_run(void *context)
{
    struct post *post = context;
    int64_t pause_ns = 0;

    while (wait_ns(post->guests, post, pause_ns)) {
        hurry_take(post);
        pause_ns = post_turn(post) ? 0 : turn_ns;
    }
}

static void posts_start(struct guests *guests)
{
    struct error err = {0};

    for (struct post *post = guests->posts; post != NULL; post = post->next) {
        char name[16];

        if (post->thread != NULL)
            continue;
        (void)snprintf(name, sizeof(name), "by-%.12s", post->name);
        if (thread_start(name, post_run, post, &post->thread, &err) != OK)
            log_error(LOG_ERROR, "other members are not read at a shard for want of a thread",
                      &err);
    }
}

static void look_run(void *context)
{
    struct guests *guests = context;

    while (wait_ns(guests, NULL, look_ns)) {
        struct error err = {0};
        enum code code = guests_look(guests, &err);

        hurry_forget(guests);
        replaced_sweep(guests);
        if (code && code != E_NOT_READY)
            log_error(LOG_ERROR, "other members are not looked for", &err);
        posts_start(guests);
    }
}

enum code guests_start(struct guests *guests, struct error *err)
{
    enum code code = guests_look(guests, err);

    if (code && code != E_NOT_READY)
        return code;
    posts_start(guests);
    return thread_start("guests", look_run, guests, &guests->looker, err);
}

enum code guests_new(struct store *store, const struct guest_rules *rules, struct guests **out,
                     struct error *err)
{
    struct guests *guests = calloc(1, sizeof(*guests));

    *out = guests;
    if (guests == NULL)
        return error_set(err, E_MEMORY, "no memory to follow other members");
    guests->store = store;
    guests->rules = rules;
    guests->surveyed_ns = INT64_MIN;
    pthread_mutex_init(&guests->lock, NULL);
    condition_init(&guests->more);
    condition_init(&guests->told);
    members_set(store, MEMBERS_UNKNOWN);
    return OK;
}

static void post_free(struct post *post)
{
    archive_leave(post);
    while (post->watches != NULL) {
        struct watch *watch = post->watches;

        post->watches = watch->next;
        watch_free(watch);
    }
    free(post);
}

void guests_free(struct guests *guests)
{
    if (guests == NULL)
        return;
    pthread_mutex_lock(&guests->lock);
    guests->stop = true;
    pthread_cond_broadcast(&guests->more);
    pthread_mutex_unlock(&guests->lock);
    thread_join(guests->looker); /* then no new ones are started */
    guests->looker = NULL;
    for (struct post *post = guests->posts; post != NULL; post = post->next)
        thread_join(post->thread); /* before any goes: a tenant's chains are put together */
    while (guests->posts != NULL) {
        struct post *post = guests->posts;

        guests->posts = post->next;
        post_free(post);
    }
    replaced_release(guests);
    for (size_t i = 0; i < guests->ward_capacity; i++) {
        if (guests->wards[i] == NULL)
            continue;
        free(guests->wards[i]->watches);
        free(guests->wards[i]->authors);
        free(guests->wards[i]);
    }
    free(guests->wards);
    free(guests->known);
    free(guests->words);
    pthread_cond_destroy(&guests->told);
    pthread_cond_destroy(&guests->more);
    pthread_mutex_destroy(&guests->lock);
    free(guests);
}
