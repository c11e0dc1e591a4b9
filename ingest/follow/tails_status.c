/* What people are told of files that are followed. */
#include <inttypes.h>
#include <stdio.h>

#include "base/time_text.h"
#include "codec/json_doc.h"
#include "ingest/follow/tails_inside.h"

static const char *const state_names[] = {
    [TAILS_LOADING] = "loading",
    [TAILS_FOLLOWING] = "following",
    [TAILS_WAITING] = "waiting",
    [TAILS_PAUSED] = "paused",
};

struct tails_source *tails_find(const struct tails *tails, struct bytes tenant, struct bytes name)
{
    struct tails_source *source = tails->sources;

    while (source != NULL && (!bytes_equal(bytes_of(source->tenant_name), tenant) ||
                              !bytes_equal(bytes_of(source->name), name)))
        source = source->next;
    return source;
}

void tails_tell_state(struct tails_source *source, enum tails_state state)
{
    pthread_mutex_lock(&source->tails->lock);
    source->told.state = state;
    pthread_mutex_unlock(&source->tails->lock);
}

void tails_tell(struct tails_source *source, const struct error *err)
{
    struct tails_told *told = &source->told;

    pthread_mutex_lock(&source->tails->lock);
    told->error_ns = clock_wall_ns(source->tails->parts.clock);
    (void)snprintf(told->error, sizeof(told->error), "%s", err->text);
    pthread_mutex_unlock(&source->tails->lock);
}

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    if (ns <= 0)
        buf_printf(out, ",\"%s\":null", name);
    else
        buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)timestamp_print(ns, text), text);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    if (*text == '\0')
        buf_put_text(out, "null");
    else
        json_put_text(out, bytes_of(text));
}

static void put_told(struct buf *out, const struct tails_told *told)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"files",     told->files    },
        {"open",      told->open     },
        {"stopped",   told->stopped  },
        {"bytes",     told->bytes    },
        {"lag_bytes", told->lag_bytes},
        {"records",   told->records  },
        {"rows",      told->rows     },
        {"written",   told->rows     },
        {"faulty",    told->faults   },
    };

    buf_printf(out, "{\"state\":\"%s\"", state_names[told->state]);
    put_time(out, "succeeded", told->success_ns);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        buf_printf(out, ",\"%s\":%" PRIu64, rows[i].name, rows[i].count);
    put_text(out, "file", told->file);
    put_time(out, "failed", told->error_ns);
    put_text(out, "error", told->error);
    buf_put_char(out, '}');
}

bool tails_status(struct tails *tails, struct bytes tenant, struct bytes name, struct buf *out)
{
    const struct tails_source *source;

    pthread_mutex_lock(&tails->lock);
    source = tails_find(tails, tenant, name);
    if (source != NULL)
        put_told(out, &source->told);
    pthread_mutex_unlock(&tails->lock);
    return source != NULL;
}

bool tails_has(struct tails *tails, struct bytes tenant, struct bytes name)
{
    bool has;

    pthread_mutex_lock(&tails->lock);
    has = tails_find(tails, tenant, name) != NULL;
    pthread_mutex_unlock(&tails->lock);
    return has;
}

static void put_record(struct buf *out, const struct tails_record *record)
{
    buf_printf(out, "{\"files\":%" PRIu32, record->files);
    put_time(out, "began", record->began_ns);
    buf_printf(out,
               ",\"ms\":%" PRId64 ",\"outcome\":\"%s\",\"bytes\":%" PRIu64 ",\"rows\":%" PRIu64
               ",\"written\":%" PRIu64 ",\"faulty\":%" PRIu64,
               record->took_ns / 1000000, record->failed ? "fail" : "ok", record->bytes,
               record->rows, record->failed ? 0 : record->rows, record->faults);
    put_text(out, "file", record->file);
    put_text(out, "error", record->text);
    buf_put_char(out, '}');
}

bool tails_records(struct tails *tails, struct bytes tenant, struct bytes name, size_t limit,
                   struct buf *out)
{
    const struct tails_source *source;

    pthread_mutex_lock(&tails->lock);
    source = tails_find(tails, tenant, name);
    if (source != NULL) {
        uint64_t count = source->told.note_count;

        buf_put_char(out, '[');
        for (size_t i = 0; i < count && i < TAILS_RECORDS_KEPT && i < limit; i++) {
            if (i > 0)
                buf_put_char(out, ',');
            put_record(out, &source->told.notes[(count - 1 - i) % TAILS_RECORDS_KEPT]);
        }
        buf_put_char(out, ']');
    }
    pthread_mutex_unlock(&tails->lock);
    return source != NULL;
}
