#include "handlers/erasure.h"

#include "base/log.h"
#include "base/time_text.h"
#include "catalog/match.h"
#include "codec/record.h"

enum { TOMBSTONE_BYTES_MAX = 1024 * 1024 };

enum code erasure_check(const struct selector *selector, struct error *err)
{
    struct matchset *compiled = NULL;
    enum code code = matchset_new(selector, &compiled, err);

    matchset_free(compiled);
    return code;
}

static void written(struct submission *submission, enum code code, const struct error *err)
{
    struct erasure *erasure =
        (struct erasure *)((char *)submission - offsetof(struct erasure, submission));
    struct error failure = {0};

    erasure->tombstone.ingest = submission->ingest;
    if (code)
        failure = *err;
    failure.code = code;
    erasure->written(erasure, code, &failure);
}

enum code erasure_begin(struct erasure *erasure, struct error *err)
{
    struct note none = {0};
    enum code code;

    erasure->payload = BUF_INIT(TOMBSTONE_BYTES_MAX);
    record_encode_delete(erasure->tenant->name, &none, &erasure->tombstone, &erasure->payload);
    code = buf_finish(&erasure->payload, err);
    if (code)
        return code;
    erasure->submission = (struct submission){
        .tenant = erasure->tenant,
        .payload = buf_bytes(&erasure->payload),
        .tombstone = &erasure->tombstone,
        .done = written,
    };
    return store_submit(erasure->store, &erasure->submission, err);
}

static void carried_out(void *context, enum code code, const struct error *err)
{
    struct erasure *erasure = context;

    erasure->carried_out(erasure, code, err);
}

void erasure_carry_out(struct erasure *erasure)
{
    store_compact(erasure->store, erasure->tenant, COMPACT_DUE, carried_out, erasure);
}

void erasure_release(struct erasure *erasure)
{
    buf_release(&erasure->payload);
}

void erasure_audit(const struct erasure *erasure, const struct erasure_asker *asker,
                   const char *what)
{
    const struct tombstone *tombstone = &erasure->tombstone;
    char start[TIMESTAMP_TEXT_SIZE], end[TIMESTAMP_TEXT_SIZE];
    struct bytes from = {start, timestamp_print(tombstone->start, start)};
    struct bytes to = {end, timestamp_print(tombstone->end, end)};

    log_event(LOG_WARN, what, LOG_CSTR("audit", "erase"), LOG_INT("erasure", tombstone->ingest),
              LOG_TEXT("tenant", erasure->tenant->name), LOG_TEXT(asker->kind, asker->name),
              LOG_TEXT("request", asker->request), LOG_TEXT("start", from), LOG_TEXT("end", to),
              LOG_TEXT("question", asker->question));
}
