/* What people are told of a source. */
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "ingest/pull/pull_inside.h"

#include <inttypes.h>

static const char *const state_names[] = {
    [PULL_LOADING] = "loading", [PULL_RESTING] = "resting",     [PULL_PULLING] = "pulling",
    [PULL_WRONG] = "wrong",     [PULL_ELSEWHERE] = "elsewhere",
};

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    if (ns <= 0 || ns == INT64_MAX) {
        buf_printf(out, ",\"%s\":null", name);
        return;
    }
    buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)timestamp_print(ns, text), text);
}

static void put_counts(struct buf *out, const struct pull_counts *counts)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"requests",  counts->requests },
        {"pages",     counts->pages    },
        {"unchanged", counts->unchanged},
        {"waits",     counts->waits    },
        {"retries",   counts->retries  },
        {"failures",  counts->failures },
        {"bytes",     counts->bytes    },
        {"rows",      counts->rows     },
        {"written",   counts->written  },
        {"retracted", counts->retracted},
        {"clipped",   counts->clipped  },
        {"faulty",    counts->faulty   },
        {"windows",   counts->windows  },
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

bool puller_status(struct puller *puller, struct bytes tenant, struct bytes name, struct buf *out)
{
    const struct pull_source *source;

    pthread_mutex_lock(&puller->lock);
    source = find(puller, tenant, name);
    if (source != NULL) {
        buf_printf(out, "{\"state\":\"%s\"", state_names[source->state]);
        put_time(out, "succeeded", source->success_ns);
        put_time(out, "next", source->told_next_ns);
        put_time(out, "reached", source->reached_ns);
        put_counts(out, &source->counts);
        put_time(out, "failed", source->error_ns);
        buf_put_text(out, ",\"error\":");
        if (source->error[0] == '\0')
            buf_put_text(out, "null");
        else
            json_put_text(out, bytes_of(source->error));
        buf_put_text(out, "}");
    }
    pthread_mutex_unlock(&puller->lock);
    return source != NULL;
}

static void put_fetch(struct buf *out, const struct pull_fetch_note *fetch)
{
    buf_printf(out, "{\"partition\":\"%s\",\"page\":%" PRIu32, fetch->partition, fetch->page);
    put_time(out, "began", fetch->began_ns);
    put_time(out, "start", fetch->start_ns);
    put_time(out, "end", fetch->end_ns);
    buf_printf(out,
               ",\"ms\":%" PRId64 ",\"status\":%u,\"outcome\":\"%s\",\"bytes\":%" PRIu64
               ",\"rows\":%" PRIu64 ",\"written\":%" PRIu64 ",\"error\":",
               fetch->took_ns / 1000000, fetch->status, fetch->outcome, fetch->bytes, fetch->rows,
               fetch->written);
    if (fetch->text[0] == '\0')
        buf_put_text(out, "null");
    else
        json_put_text(out, bytes_of(fetch->text));
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
