/* Points gather up to a bound; then what their source wrote before at their times is read, those
 * that are the same go, and the rest is one record, or one for each version where a page has
 * several of a point.  The note goes into the very last record, so that nothing is called done
 * before it is there.
 *
 * Where what was written before is not all known, a row of a time that was had may be one that
 * somebody has corrected since: it is held, and with it the note, so that it comes again.
 */
#include "ingest/pull/writing.h"

#include <stdlib.h>

#include "codec/series_key.h"
#include "ingest/pull/missing.h"
#include "ingest/pull/pending.h"

enum {
    POINTS_MAX = 8192,    /* some 3 MiB with the record that they make */
    BULK_RECORDS_MIN = 8, /* a page of more points than that many records have is in no hurry to be
                             in memory: it is sealed as it comes */
    /* So many series are asked for one by one: a page of one series over years would else read all
     * that the others wrote in that time. */
    SERIES_APART_MAX = 16,
};

struct writing {
    struct writing_terms terms;
    struct pending pending;
    struct arena names; /* of the three below */
    struct bytes measurement, prefix;
    struct series_tag partition;
    struct writing_counts counts;
    bool partial;  /* who may know of what is pending did not answer */
    bool retracts; /* what is pending is: nothing of it is recalled */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of a page");
}

enum code writing_open(const struct writing_terms *terms, struct writing **out, struct error *err)
{
    struct writing *writing = calloc(1, sizeof(*writing));

    *out = NULL;
    if (writing == NULL)
        return no_memory(err);
    writing->terms = *terms;
    pending_init(&writing->pending);
    writing->pending.lists = terms->seen != NULL;
    arena_init(&writing->names, SIZE_MAX, NULL);
    writing->measurement = progress_measurement(terms->source, &writing->names);
    writing->prefix = progress_prefix(terms->source, &writing->names);
    writing->partition =
        (struct series_tag){progress_partition_key, arena_copy(&writing->names, terms->partition)};
    if (writing->measurement.data == NULL || writing->prefix.data == NULL ||
        writing->partition.value.data == NULL) {
        writing_close(writing);
        return no_memory(err);
    }
    *out = writing;
    return OK;
}

void writing_close(struct writing *writing)
{
    if (writing == NULL)
        return;
    pending_release(&writing->pending);
    arena_release(&writing->names);
    free(writing);
}

const struct writing_counts *writing_counts(const struct writing *writing)
{
    return &writing->counts;
}

/* --- what was written before --- */

struct recalling {
    struct pending *pending;
    struct bytes measurement;      /* of the points */
    const struct series_tag *tags; /* that `key` was made of */
    struct series_tag *scratch;
    uint32_t scratch_count;
    struct arena arena;
    struct buf key;
};

/* The key of the points' series: without the partition.  Rows come series by series. */
static enum code find_key(struct recalling *recalling, const struct recalled_row *row,
                          struct error *err)
{
    uint32_t count = 0;

    if (recalling->tags == row->tags)
        return OK;
    if (recalling->scratch_count < row->tag_count) {
        recalling->scratch = ARENA_ARRAY(&recalling->arena, struct series_tag, row->tag_count);
        if (recalling->scratch == NULL)
            return no_memory(err);
        recalling->scratch_count = row->tag_count;
    }
    for (uint32_t i = 0; i < row->tag_count; i++)
        if (!bytes_equal(row->tags[i].key, progress_partition_key))
            recalling->scratch[count++] = row->tags[i];
    buf_clear(&recalling->key);
    recalling->tags = row->tags;
    return series_key_encode(recalling->measurement, recalling->scratch, count, &recalling->key,
                             err);
}

static enum code take_recalled(void *context, const struct recalled_row *row, struct error *err)
{
    struct recalling *recalling = context;
    enum code code = find_key(recalling, row, err);

    for (uint32_t i = 0; code == OK && i < row->count; i++)
        if (row->types[i] == TYPE_I64) {
            struct bytes list;

            pending_recall(recalling->pending, buf_bytes(&recalling->key), row->time,
                           row->fields[i], row->cells[i].u64, row_list_of(row, i, &list));
        }
    return code;
}

/* Series `matched` alone, or all of the measurement that have a point. */
static enum code ask(struct writing *writing, struct recalling *recalling,
                     const struct series_tag *matched, uint32_t matched_count, int64_t first,
                     int64_t last, struct error *err)
{
    const struct recall *recall = writing->terms.recall;
    size_t size = writing->prefix.size + recalling->measurement.size;
    char *name = arena_alloc(&recalling->arena, size);
    bool partial = false;
    int64_t end =
        last == INT64_MAX ? last : last + 1; /* nothing is asked for at the very last ns */
    enum code code;

    if (name == NULL)
        return no_memory(err);
    if (first >= end)
        return OK;
    memcpy(name, writing->prefix.data, writing->prefix.size);
    memcpy(name + writing->prefix.size, recalling->measurement.data, recalling->measurement.size);
    recalling->tags = NULL;
    code = recall->rows(recall->context, writing->terms.deposit.tenant->name,
                        (struct bytes){name, size}, matched, matched_count, first, end,
                        take_recalled, recalling, &partial, err);
    writing->partial = writing->partial || partial;
    return code;
}

static enum code ask_series(struct writing *writing, struct recalling *recalling,
                            const struct pending_series *series, struct error *err)
{
    struct series_tag *matched =
        ARENA_ARRAY(&recalling->arena, struct series_tag, series->tag_count + 1);

    if (matched == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < series->tag_count; i++)
        matched[i] = series->tags[i];
    matched[series->tag_count] = writing->partition;
    return ask(writing, recalling, matched, series->tag_count + 1, series->time_first,
               series->time_last, err);
}

/* Of all series of one measurement, the first of which is `at`. */
static enum code ask_measurement(struct writing *writing, struct recalling *recalling, size_t at,
                                 struct error *err)
{
    const struct pending *pending = &writing->pending;
    int64_t first = INT64_MAX, last = INT64_MIN;

    for (size_t i = 0; i < pending->series_count; i++) {
        const struct pending_series *series = &pending->series[i];

        if (!bytes_equal(series->measurement, recalling->measurement))
            continue;
        if (i < at)
            return OK; /* was asked */
        first = series->time_first < first ? series->time_first : first;
        last = series->time_last > last ? series->time_last : last;
    }
    return ask(writing, recalling, &writing->partition, 1, first, last, err);
}

static enum code recall_all(struct writing *writing, struct error *err)
{
    struct pending *pending = &writing->pending;
    struct recalling recalling = {.pending = pending, .key = BUF_INIT(SIZE_MAX)};
    enum code code = OK;

    arena_init(&recalling.arena, SIZE_MAX, NULL);
    writing->partial = false;
    for (size_t i = 0; code == OK && i < pending->series_count; i++) {
        recalling.measurement = pending->series[i].measurement;
        code = pending->series_count <= SERIES_APART_MAX
                   ? ask_series(writing, &recalling, &pending->series[i], err)
                   : ask_measurement(writing, &recalling, i, err);
    }
    arena_release(&recalling.arena);
    buf_release(&recalling.key);
    if (writing->partial && writing->terms.had != NULL)
        writing->counts.held += pending_hold(pending, writing->terms.had);
    return code;
}

/* --- records --- */

static enum code put_record(struct writing *writing, uint32_t round,
                            const struct progress_note *note, struct error *err)
{
    const struct pending *pending = &writing->pending;
    struct arena arena;
    struct batch batch;
    struct point point;
    int64_t ingest;
    enum code code = OK;

    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 1);
    point_init(&point, &batch, writing->terms.deposit.limits);
    if (pending->count > 0)
        code = pending_put(pending, round, writing->prefix, &writing->partition, &point, err);
    if (code == OK && note != NULL)
        code = progress_put(note, writing->measurement, writing->partition.value, &point, err);
    if (code == OK && batch.row_count > 0) {
        writing->terms.deposit.bulk = writing->counts.records >= BULK_RECORDS_MIN;
        code = deposit(&writing->terms.deposit, &batch, &ingest, err);
        writing->counts.records += code == OK;
    }
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
    return code;
}

static enum code flush(struct writing *writing, const struct progress_note *note, struct error *err)
{
    struct pending *pending = &writing->pending;
    enum code code = pending_settle(pending, writing->terms.latest, err);

    if (code == OK && !writing->retracts)
        code = recall_all(writing, err);
    if (code == OK && writing->retracts) {
        writing->counts.retracted += pending_changed(pending);
    } else if (code == OK) {
        writing->counts.written += pending_changed(pending);
        writing->counts.added += pending_added(pending);
    }
    for (uint32_t round = 0; code == OK && round + 1 < pending->rounds; round++)
        code = put_record(writing, round, NULL, err);
    if (code == OK)
        code = put_record(writing, pending->rounds == 0 ? 0 : pending->rounds - 1,
                          writing->counts.held > 0 ? NULL : note, err);
    pending_clear(pending);
    return code;
}

enum code writing_take(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct writing *writing = context;
    enum code code = pending_add(&writing->pending, point, revision, err);

    writing->counts.rows++;
    if (code == OK && writing->terms.seen != NULL)
        code = seen_rows_add(writing->terms.seen, pending_place_last(&writing->pending), err);
    if (code == OK && writing->pending.count == POINTS_MAX)
        code = flush(writing, NULL, err);
    return code;
}

void writing_forget(void *context)
{
    struct writing *writing = context;

    pending_clear(&writing->pending);
    if (writing->terms.seen != NULL)
        seen_rows_forget(writing->terms.seen);
}

/* --- rows that are no more --- */

struct retracting {
    struct writing *writing;
    struct arena arena;
    struct batch batch; /* that the point is made in */
    struct point point;
};

static enum code take_missing(void *context, const struct missing_row *row, struct error *err)
{
    struct retracting *retracting = context;
    struct writing *writing = retracting->writing;
    struct point *point = &retracting->point;
    enum code code;

    point_clear(point);
    point->measurement = row->measurement;
    point->timed = true;
    point->time = row->time;
    for (uint32_t i = 0; i < row->tag_count; i++) {
        struct series_tag *tag = point_add_tag(point);

        if (tag == NULL)
            return no_memory(err);
        *tag = row->tags[i];
    }
    for (uint32_t i = 0; i < row->field_count; i++) {
        struct point_field *field = point_add_field(point);

        if (field == NULL)
            return no_memory(err);
        *field = (struct point_field){.name = row->fields[i], .type = TYPE_RETRACTED};
    }
    code = pending_add_retracted(&writing->pending, point, err);
    if (code == OK && writing->pending.count == POINTS_MAX)
        code = flush(writing, NULL, err);
    return code;
}

enum code writing_retract(struct writing *writing, const struct bytes *measurements,
                          size_t measurement_count, int64_t start_ns, int64_t end_ns,
                          struct error *err)
{
    const struct missing_terms terms = {
        .recall = writing->terms.recall,
        .tenant = writing->terms.deposit.tenant->name,
        .prefix = writing->prefix,
        .partition = writing->partition.value,
        .measurements = measurements,
        .measurement_count = measurement_count,
        .start_ns = start_ns,
        .end_ns = end_ns,
        .seen = writing->terms.seen,
    };
    struct retracting retracting = {.writing = writing};
    enum code code = writing->pending.count > 0 ? flush(writing, NULL, err) : OK;

    if (code || writing->counts.held > 0)
        return code;
    seen_rows_sort(writing->terms.seen);
    writing->retracts = true; /* from here on nothing else is taken */
    arena_init(&retracting.arena, SIZE_MAX, NULL);
    batch_init(&retracting.batch, &retracting.arena, 1);
    point_init(&retracting.point, &retracting.batch, writing->terms.deposit.limits);
    code = missing_find(&terms, take_missing, &retracting, err);
    point_release(&retracting.point);
    batch_release(&retracting.batch);
    arena_release(&retracting.arena);
    return code;
}

enum code writing_finish(struct writing *writing, const struct progress_note *note,
                         struct error *err)
{
    if (writing->pending.count == 0 && note == NULL)
        return OK;
    return flush(writing, note, err);
}
