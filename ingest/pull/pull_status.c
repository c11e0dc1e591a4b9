/* What people are told of a source: noted by the puller's thread, printed by any. */
#include "ingest/pull/pull_inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time_text.h"
#include "codec/json_doc.h"

/* --- what is noted --- */

void pull_text(char into[PULL_TEXT_SIZE], const char *text)
{
    size_t size = strlen(text);

    if (size >= PULL_TEXT_SIZE)
        size = PULL_TEXT_SIZE - 1;
    memcpy(into, text, size);
    into[size] = '\0';
}

void pull_keep_text(char **kept, const char *text)
{
    free(*kept);
    *kept = strndup(text, PULL_TEXT_SIZE - 1);
}

void pull_tell(struct pull_source *source, const char *what, const char *text)
{
    log_event(LOG_WARN, "a source", LOG_CSTR("tenant", source->tenant_name),
              LOG_CSTR("source", source->name), LOG_CSTR("what", what), LOG_CSTR("why", text));
    pthread_mutex_lock(&source->puller->lock);
    pull_keep_text(&source->error, text);
    source->error_ns = clock_wall_ns(source->puller->parts.clock);
    source->troubled = true;
    source->counts.failures++;
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_note_retry(struct pull_source *source, const char *text)
{
    pthread_mutex_lock(&source->puller->lock);
    source->counts.retries++;
    if (text != NULL) {
        pull_keep_text(&source->error, text);
        source->error_ns = clock_wall_ns(source->puller->parts.clock);
        source->troubled = true;
    }
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_count_answer(struct pull_source *source, const struct fetch_answer *answer)
{
    pthread_mutex_lock(&source->puller->lock);
    source->counts.requests += answer->sent;
    source->counts.bytes += answer->bytes;
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_note_begin(struct pull_source *source)
{
    pthread_mutex_lock(&source->puller->lock);
    source->troubled = false;
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_note_whole(struct pull_source *source)
{
    pthread_mutex_lock(&source->puller->lock);
    if (!source->troubled) {
        free(source->error);
        source->error = NULL;
    }
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_note_end(struct pull_source *source)
{
    pthread_mutex_lock(&source->puller->lock);
    source->counts.pulls++;
    pthread_mutex_unlock(&source->puller->lock);
}

void pull_set_state(struct pull_source *source, enum pull_state state)
{
    pthread_mutex_lock(&source->puller->lock);
    source->state = state;
    source->told_next_ns = source->next_ns;
    pthread_mutex_unlock(&source->puller->lock);
}

/* Most of many sources fetch little.  Once it is full the oldest goes.  False: no memory. */
static bool grow_fetches(struct pull_source *source)
{
    size_t room = source->fetch_room == 0 ? 1 : 2 * source->fetch_room;
    struct pull_fetch_note *fetches;

    if (source->fetch_room == PULL_FETCHES_KEPT)
        return true;
    fetches = realloc(source->fetches, room * sizeof(*fetches));
    if (fetches == NULL)
        return false;
    source->fetches = fetches;
    source->fetch_room = room;
    return true;
}

const char *pull_outcome_name(size_t outcome)
{
    static const char *const more[] = {"error", "no_answer"};

    return outcome <= SOURCE_FAIL ? source_do_names[outcome] : more[outcome - SOURCE_FAIL - 1];
}

void pull_note_fetch(struct pull_source *source, const struct pull_fetch_note *note)
{
    pthread_mutex_lock(&source->puller->lock);
    for (size_t i = 0; i < PULL_OUTCOMES; i++)
        source->counts.outcomes[i] += strcmp(note->outcome, pull_outcome_name(i)) == 0;
    if (source->fetch_count < source->fetch_room || grow_fetches(source)) {
        source->fetches[source->fetch_at] = *note;
        source->fetch_at = (source->fetch_at + 1) % PULL_FETCHES_KEPT;
        if (source->fetch_count < PULL_FETCHES_KEPT)
            source->fetch_count++;
    }
    pthread_mutex_unlock(&source->puller->lock);
}

/* --- what is printed --- */

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    if (ns <= 0 || ns == INT64_MAX) {
        buf_printf(out, ",\"%s\":null", name);
        return;
    }
    buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)timestamp_print(ns, text), text);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    if (text == NULL || text[0] == '\0')
        buf_put_text(out, "null");
    else
        json_put_text(out, bytes_of(text));
}

static void put_counts(struct buf *out, const struct pull_counts *counts)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"pulls",          counts->pulls                  },
        {"requests",       counts->requests               },
        {"pages",          counts->pages                  },
        {"unchanged",      counts->unchanged              },
        {"waits",          counts->waits                  },
        {"retries",        counts->retries                },
        {"failures",       counts->failures               },
        {"bytes",          counts->bytes                  },
        {"rows",           counts->rows                   },
        {"written",        counts->written                },
        {"new",            counts->added                  },
        {"changed",        counts->written - counts->added},
        {"same",           counts->same                   },
        {"retracted",      counts->retracted              },
        {"clipped",        counts->clipped                },
        {"without_values", counts->without_values         },
        {"faulty",         counts->faulty                 },
        {"windows",        counts->windows                },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        buf_printf(out, ",\"%s\":%" PRIu64, rows[i].name, rows[i].count);
}

static struct pull_source *find(const struct puller *puller, struct bytes tenant, struct bytes name)
{
    struct pull_source *source = puller->sources;

    while (source != NULL && (!bytes_equal(bytes_of(source->tenant_name), tenant) ||
                              !bytes_equal(bytes_of(source->name), name)))
        source = source->next;
    return source;
}

bool puller_holds(struct puller *puller, struct bytes tenant, struct bytes name)
{
    const struct pull_source *source;
    bool holds;

    pthread_mutex_lock(&puller->lock);
    source = find(puller, tenant, name);
    holds = source != NULL && source->state != PULL_ELSEWHERE;
    pthread_mutex_unlock(&puller->lock);
    return holds;
}

int64_t pull_lag_s(const struct pull_source *source, int64_t now_ns)
{
    int64_t end_ns = now_ns < source->ends_ns ? now_ns : source->ends_ns;

    if (source->ends_ns == 0 || source->reached_ns <= 0 || source->reached_ns == INT64_MAX)
        return -1;
    return end_ns <= source->reached_ns ? 0 : (end_ns - source->reached_ns) / 1000000000;
}

static void put_lag(struct buf *out, const struct pull_source *source)
{
    int64_t lag_s = pull_lag_s(source, clock_wall_ns(source->puller->parts.clock));

    if (lag_s < 0)
        buf_put_text(out, ",\"lag_seconds\":null");
    else
        buf_printf(out, ",\"lag_seconds\":%" PRId64, lag_s);
}

/* What ingest does not take goes before what may not be asked. */
static void put_waits(struct buf *out, const struct pull_source *source, enum pull_state state)
{
    const struct pull_told *told = &source->told;
    bool asks = state == PULL_PULLING || state == PULL_FILLING || state == PULL_LOADING;

    if (source->waiting > 0) {
        put_text(out, "waits_for", source->waits_for);
        put_time(out, "waits_until", 0);
        return;
    }
    put_text(out, "waits_for", asks ? told->waits : "");
    put_time(out, "waits_until", asks ? told->waits_until_ns : 0);
}

bool puller_status(struct puller *puller, struct bytes tenant, struct bytes name, struct buf *out)
{
    const struct pull_source *source;

    pthread_mutex_lock(&puller->lock);
    source = find(puller, tenant, name);
    if (source != NULL) {
        enum pull_state state = told_state(source);

        buf_printf(out, "{\"state\":\"%s\"", pull_state_names[state]);
        put_time(out, "succeeded", source->success_ns);
        put_time(out, "next", state == PULL_PAUSED ? 0 : source->told_next_ns);
        put_time(out, "newest", source->told.newest_ns);
        put_time(out, "reached", source->reached_ns);
        put_lag(out, source);
        put_counts(out, &source->counts);
        buf_printf(out, ",\"warnings\":%s",
                   source->told.warnings == NULL ? "[]" : source->told.warnings);
        put_waits(out, source, state);
        put_time(out, "failed", source->error_ns);
        put_text(out, "error", source->error);
        buf_put_text(out, "}");
    }
    pthread_mutex_unlock(&puller->lock);
    return source != NULL;
}

static void put_fetch(struct buf *out, const struct pull_fetch_note *fetch)
{
    buf_printf(out, "{\"kind\":\"%s\"", fetch->kind);
    put_text(out, "partition", fetch->partition);
    buf_printf(out, ",\"page\":%" PRIu32, fetch->page);
    put_time(out, "began", fetch->began_ns);
    put_time(out, "start", fetch->start_ns);
    put_time(out, "end", fetch->end_ns);
    buf_printf(out,
               ",\"ms\":%" PRId64 ",\"status\":%u,\"outcome\":\"%s\",\"bytes\":%" PRIu64
               ",\"rows\":%" PRIu64 ",\"without_values\":%" PRIu64 ",\"written\":%" PRIu64
               ",\"new\":%" PRIu64 ",\"changed\":%" PRIu64 ",\"same\":%" PRIu64,
               fetch->took_ns / 1000000, fetch->status, fetch->outcome, fetch->bytes, fetch->rows,
               fetch->without_values, fetch->written, fetch->added, fetch->written - fetch->added,
               fetch->same);
    put_text(out, "error", fetch->text);
    buf_put_text(out, "}");
}

bool puller_fetches(struct puller *puller, struct bytes tenant, struct bytes name, size_t limit,
                    struct buf *out)
{
    const struct pull_source *source;

    pthread_mutex_lock(&puller->lock);
    source = find(puller, tenant, name);
    if (source != NULL) {
        buf_put_text(out, "[");
        for (size_t i = 0; i < source->fetch_count && i < limit; i++) {
            size_t at = (source->fetch_at + PULL_FETCHES_KEPT - 1 - i) % PULL_FETCHES_KEPT;

            if (i > 0)
                buf_put_text(out, ",");
            put_fetch(out, &source->fetches[at]);
        }
        buf_put_text(out, "]");
    }
    pthread_mutex_unlock(&puller->lock);
    return source != NULL;
}
