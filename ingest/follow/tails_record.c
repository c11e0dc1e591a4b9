/* Files that have something new are read in turn until a record is full, or all of them were: so a
 * thousand files with a line each are one record, as is a piece of a large one.  Their marks are in
 * it: what is durable of the rows is durable of how far they go, and nothing else is. */
#include <inttypes.h>
#include <stdio.h>

#include "base/condition.h"
#include "catalog/catalog.h"
#include "ingest/deposit.h"
#include "ingest/follow/tails_inside.h"
#include "ingest/validate.h"

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define DAY_NS (86400 * SECOND_NS)

enum {
    RECORD_BYTES = 4 << 20, /* of files: some 70,000 short rows, a few MiB of memory */
    HELD_S_MAX = 10,
    FAILED_S = 10,
    RECORD_BYTES_LEAST =
        RECORD_BYTES >> 8, /* where more of them make more than a record may have */
};

/* --- reading --- */

/* Nothing is to come: a line that has no end is taken as it stands. */
static bool is_final(const struct tails_source *source, const struct tail *tail, int64_t now_ns)
{
    int64_t settle_ns = source->source->files.settle_ns;

    return tail_is_over(tail, now_ns) || (settle_ns > 0 && now_ns - tail->grown_ns >= settle_ns);
}

/* False: the batch is not to be kept. */
static bool read_one(struct tails_source *source, struct tail *tail, int64_t now_ns)
{
    const struct tail_terms terms = {.source = source->source,
                                     .limits = &source->limits,
                                     .places = source->tails->parts.places,
                                     .tenant = bytes_of(source->tenant_name),
                                     .batch = &source->batch,
                                     .buffer = source->tails->buffer,
                                     .bytes_left = &source->bytes_left,
                                     .bytes_read = &source->bytes_read};
    bool more, was_open = tail->fd >= 0;
    struct error err = {0};
    enum code code = tail_read(tail, &terms, is_final(source, tail, now_ns), &more, &err);

    source->open_count += (size_t)((tail->fd >= 0) - was_open);
    if (code)
        tails_tell(source, &err);
    if (!code && !tail->joined && tail->known && tail->mark.time_ns < source->aged_ns) {
        tail->coming = tail->mark;
        tail->joined = true;
    }
    if (tail->joined) {
        tail->next_joined = source->joined;
        source->joined = tail;
    } else if (source->open_count > TAILS_OPEN_MAX) {
        tails_rest(source, tail, true);
    }
    return code != E_MEMORY;
}

/* --- writing --- */

/* Marks are of an hour, so that a file that grows for a year leaves some thousand rows; where rows
 * go early, of a minute. */
static int64_t mark_time(const struct tails_source *source)
{
    int64_t now_ns = clock_wall_ns(source->tails->parts.clock);
    int64_t step =
        source->retention_ns > 0 && source->retention_ns <= DAY_NS ? MINUTE_NS : 60 * MINUTE_NS;

    return now_ns - now_ns % step;
}

/* It may be the only mark that there is: it goes no more than others do. */
bool tails_record_begins(const struct tails_source *source)
{
    return source->begun_ns <= source->aged_ns;
}

static enum code put_marks(struct tails_source *source, int64_t time_ns, uint32_t *count,
                           struct error *err)
{
    struct bytes node = bytes_of(source->tails->node);
    enum code code = OK;
    struct point point;

    *count = 0;
    point_init(&point, &source->batch, &source->limits);
    for (struct tail *tail = source->joined; code == OK && tail != NULL; tail = tail->next_joined) {
        tail_prepare(tail, time_ns);
        code = tail_mark_put(&tail->coming, source->measurement, node, &point, err);
        ++*count;
    }
    if (code == OK && tails_record_begins(source)) {
        /* Of no file: that what stood there is known. */
        const struct tail_mark begun = {.time_ns = time_ns, .path = BYTES("")};

        code = tail_mark_put(&begun, source->measurement, node, &point, err);
        ++*count;
    }
    point_release(&point);
    return code;
}

/* Rows that do not fit the tenant are left out; but not a mark, without which rows come twice. */
static enum code validate(struct tails_source *source, uint32_t marks, struct error *err)
{
    struct batch *batch = &source->batch;
    uint32_t kept = 0;
    enum code code = batch_validate(batch, source->tails->parts.intake->catalog, source->tenant,
                                    &source->limits, false, err);

    source->unfit = batch->reject_count;
    source->unfit_why = batch->rejects == NULL ? BYTES("") : batch->rejects->detail;
    batch->reject_count = 0; /* what is left is whole */
    batch->rejects = NULL;
    batch->rejects_end = &batch->rejects;
    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        if (bytes_equal(table->measurement, source->measurement))
            kept += table->row_count;
    if (code == OK && kept != marks)
        code = error_set(err, E_INVALID_POINTS, "how far files were read cannot be kept: %.*s",
                         BYTES_ARG(source->unfit_why));
    return code;
}

/* A file with more bad rows than its document allows is not read on. */
static enum code check_faults(struct tails_source *source, struct error *err)
{
    uint64_t most = source->source->files.faults_max;
    enum code code = OK;

    for (struct tail *tail = source->joined; tail != NULL; tail = tail->next_joined)
        if (tail->coming.faults > most) {
            tail->wrong = true;
            source->told.stopped++; /* to be counted anew */
            code =
                error_set(err, E_BAD_PAGE,
                          "%s: %" PRIu64 " rows cannot be taken, faults_max allows %" PRIu64 "; %s",
                          tail->path, tail->coming.faults, most, tail_fault(tail));
        }
    return code;
}

static enum code write_record(struct tails_source *source, struct error *err)
{
    const struct deposit_terms terms = {.environment = source->tails->parts.intake,
                                        .tenant = source->tenant,
                                        .limits = &source->limits,
                                        .stop = &source->tails->stop};
    int64_t ingest, time_ns = mark_time(source);
    uint32_t marks;
    enum code code = check_faults(source, err);

    if (code == OK)
        code = put_marks(source, time_ns, &marks, err);
    if (code == OK)
        code = validate(source, marks, err);
    if (code == OK)
        code = deposit_once(&terms, &source->batch, &ingest, err);
    if (code == OK && tails_record_begins(source)) {
        source->begun = true;
        source->begun_ns = time_ns;
    }
    return code;
}

/* --- telling --- */

static void note_record(struct tails_source *source, const struct tails_record *record)
{
    struct tails_told *told = &source->told;

    pthread_mutex_lock(&source->tails->lock);
    told->notes[told->note_count++ % TAILS_RECORDS_KEPT] = *record;
    (void)snprintf(told->file, sizeof(told->file), "%s", record->file);
    if (!record->failed) {
        told->success_ns = record->began_ns + record->took_ns;
        told->bytes += record->bytes;
        told->rows += record->rows;
        told->faults += record->faults;
        told->records++;
    }
    /* A row that was left out is no news beside a file that is not read on. */
    if (*record->text != '\0' && (record->failed || told->stopped == 0)) {
        told->error_ns = record->began_ns + record->took_ns;
        (void)snprintf(told->error, sizeof(told->error), "%s", record->text);
    }
    pthread_mutex_unlock(&source->tails->lock);
}

/* What the record has, before its tails forget. */
static void describe(struct tails_source *source, struct tails_record *record)
{
    for (const struct tail *tail = source->joined; tail != NULL; tail = tail->next_joined) {
        record->files++;
        record->rows += tail->coming.rows - tail->mark.rows;
        record->faults += tail->coming.faults - tail->mark.faults;
        if (tail->coming.faults > tail->mark.faults)
            (void)snprintf(record->text, sizeof(record->text), "%s: %s", tail->path,
                           tail_fault(tail));
        if (tail->next_joined == NULL)
            (void)snprintf(record->file, sizeof(record->file), "%s", tail->path);
    }
    if (source->unfit > 0)
        (void)snprintf(record->text, sizeof(record->text), "%.*s", BYTES_ARG(source->unfit_why));
    record->rows -= source->unfit < record->rows ? source->unfit : record->rows;
    record->faults += source->unfit;
    record->bytes = source->bytes_read;
}

/* A record that was not taken: later, when it may be. */
static void hold(struct tails_source *source, enum code code, const struct error *err,
                 int64_t now_ns)
{
    int64_t seconds = FAILED_S;

    if (code == E_BAD_PAGE) /* without that file */
        return;
    if (code == E_RECORD_LARGE && source->record_bytes != RECORD_BYTES_LEAST) {
        source->record_bytes =
            (source->record_bytes == 0 ? RECORD_BYTES : source->record_bytes) / 2;
        return;
    }
    if (code_row(code)->retry_helps)
        seconds = err->retry_s == 0 ? 1 : err->retry_s < HELD_S_MAX ? err->retry_s : HELD_S_MAX;
    source->held_ns = now_ns + seconds * SECOND_NS;
    tails_tell_state(source, TAILS_WAITING);
}

static void settle(struct tails_source *source, bool kept)
{
    while (source->joined != NULL) {
        struct tail *tail = source->joined;

        source->joined = tail->next_joined;
        tail_settle(tail, kept);
        if (source->open_count > TAILS_OPEN_MAX)
            tails_rest(source, tail, true);
    }
}

static bool finish(struct tails_source *source, int64_t now_ns)
{
    struct clock *clock = source->tails->parts.clock;
    struct tails_record record = {.began_ns = clock_wall_ns(clock)};
    int64_t start_ns = clock_monotonic_ns(clock);
    struct error err = {0};
    enum code code = write_record(source, &err);

    describe(source, &record);
    record.failed = code != OK;
    if (code)
        (void)snprintf(record.text, sizeof(record.text), "%s", err.text);
    record.took_ns = clock_monotonic_ns(clock) - start_ns;
    note_record(source, &record);
    settle(source, code == OK);
    if (code)
        hold(source, code, &err, now_ns);
    return source->held_ns == 0;
}

/* Whoever has more than fits goes behind the others. */
static void put_last(struct tails_source *source, struct tail *last)
{
    struct tail **at = &source->list;

    while (*at != last)
        at = &(*at)->next;
    *at = last->next;
    while (*at != NULL)
        at = &(*at)->next;
    last->next = NULL;
    *at = last;
}

bool tails_record_make(struct tails_source *source, int64_t now_ns)
{
    struct tail *large = NULL;
    bool more = false, good = true;

    arena_init(&source->rows, SIZE_MAX, NULL);
    batch_init(&source->batch, &source->rows, 1);
    source->bytes_left = source->record_bytes == 0 ? RECORD_BYTES : source->record_bytes;
    source->bytes_read = source->unfit = 0;
    for (struct tail *tail = source->list; tail != NULL; tail = tail->next) {
        if (!tail->due)
            continue;
        if (source->bytes_left == 0 || source->open_count >= (size_t)2 * TAILS_OPEN_MAX) {
            more = true;
            break;
        }
        good = read_one(source, tail, now_ns);
        if (!good)
            break;
        large = tail->due ? tail : large;
    }
    if (large != NULL)
        put_last(source, large);
    if (!good) {
        settle(source, false);
        source->held_ns = now_ns + SECOND_NS;
    } else if (source->joined != NULL || tails_record_begins(source)) {
        good = finish(source, now_ns);
    }
    batch_release(&source->batch);
    arena_release(&source->rows);
    return good && (more || large != NULL);
}
