/* A row is placed in time, then what the row before of its parent left to be repeated up to there
 * is given, then its values are.  A row that is repeated is kept as it came and mapped again when
 * its end is known: so nothing that was made of it has to outlive its batch. */
#include "ingest/rows/mapper.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ingest/rows/row_clock.h"
#include "ingest/rows/row_points.h"

enum {
    OWN_BYTES_MAX = 256 << 20, /* names, and the last time of each series */
    KEPT_BYTES_MAX = 64 << 20, /* of one row */
    FILL_MAX = 1000000,        /* repeats of a row; a year has 525,600 minutes */
    FILLS_MAX = 10000000,      /* of all rows of a page: some seconds of a thread */
};

/* The row that is repeated until the next one. */
struct kept {
    bool any;
    struct tree_row row;
    struct tree_value *slots;
    struct buf texts;
    struct row_place place;
    bool ends; /* at to_ns, else with the next row alone */
    int64_t to_ns, revision;
};

struct mapper {
    struct mapper_terms terms;
    const struct source *source;
    struct mapper_sink sink;
    struct arena arena; /* its own */
    struct batch *batch;
    struct point point;
    struct row_points *points;
    struct row_clock clock;
    struct row_memo known_at;
    struct kept kept;
    size_t slot_count; /* as far as slots are used */
    uint64_t fills;    /* repeats so far */
    struct error why;  /* what is wrong with the row at hand */
    struct mapper_counts counts;
};

/* --- what rows have --- */

static bool matches(const struct source_match *wanted, size_t count, const struct tree_row *row)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes text;

        if (!row_leaf(&row->slots[wanted[i].slot], &text) || !bytes_equal(text, wanted[i].text))
            return false;
    }
    return true;
}

static void use_slot(struct mapper *mapper, uint32_t slot)
{
    if (slot != SOURCE_NO_SLOT && slot >= mapper->slot_count)
        mapper->slot_count = (size_t)slot + 1;
}

static void use_text(struct mapper *mapper, const struct text_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].kind == PLACE_ROW)
            use_slot(mapper, places->items[i].slot);
}

static void use_tags(struct mapper *mapper, const struct source_tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tags[i].from_slot)
            use_slot(mapper, tags[i].slot);
        else
            use_text(mapper, &tags[i].text);
    }
}

/* How many slots a kept row has to have: those that are looked at when it is given again. */
static void count_slots(struct mapper *mapper)
{
    const struct source *source = mapper->source;

    use_text(mapper, &source->measurement);
    use_tags(mapper, source->tags, source->tag_count);
    for (size_t i = 0; i < source->value_count; i++) {
        const struct source_value *value = &source->values[i];

        use_slot(mapper, value->slot);
        use_slot(mapper, value->unit_slot);
        use_text(mapper, &value->field);
        if (value->has_measurement)
            use_text(mapper, &value->measurement);
        use_tags(mapper, value->tags, value->tag_count);
    }
}

/* --- faults --- */

static enum code fault(struct mapper *mapper, const struct tree_row *row, struct error *err)
{
    struct mapper_counts *counts = &mapper->counts;
    struct bytes at = bytes_of(row->at == NULL ? "" : row->at), text = bytes_of(mapper->why.text);
    struct mapper_fault *kept = &counts->faults[counts->fault_count];

    counts->faulty++;
    if (counts->fault_count < COUNT_OF(counts->faults)) {
        *kept = (struct mapper_fault){row->number, arena_copy(mapper->terms.arena, at),
                                      arena_copy(mapper->terms.arena, text)};
        if (kept->at.data == NULL || kept->text.data == NULL)
            return error_set(err, E_MEMORY, "no memory for what is wrong with rows");
        counts->fault_count++;
    }
    if (counts->faulty <= mapper->source->faults_max)
        return OK;
    kept = &counts->faults[0];
    return error_set(err, E_BAD_PAGE,
                     "more rows cannot be taken than faults_max allows (%" PRIu64
                     "); the first: row %" PRIu64 ", %.*s: %.*s",
                     mapper->source->faults_max, kept->row, BYTES_ARG(kept->at),
                     BYTES_ARG(kept->text));
}

/* A fault, or the end of the machine's memory. */
static enum code judge(struct mapper *mapper, enum code code, const struct tree_row *row,
                       struct error *err)
{
    enum code judged = code;

    if (code != E_MEMORY)
        judged = fault(mapper, row, err);
    else if (err != NULL)
        *err = mapper->why;
    mapper->why = (struct error){0};
    return judged;
}

/* --- rows that are repeated --- */

static bool outside(const struct mapper *mapper, int64_t ns)
{
    return mapper->terms.windowed && mapper->source->window.clip &&
           (ns < mapper->terms.start_ns || ns >= mapper->terms.end_ns);
}

/* Of a row whose label is the end of its interval one API gives the window of its beginning,
 * another that of its end: it is kept in both, or it would be left out of both. */
static bool is_clipped(const struct mapper *mapper, const struct row_place *place)
{
    const struct source_time *time = &mapper->source->time;
    int64_t label_ns;

    if (!outside(mapper, place->ns))
        return false;
    return !time->label_end || place->ns >= mapper->terms.end_ns ||
           row_step_from(place, 1, time->zone, &label_ns, NULL) != OK ||
           label_ns < mapper->terms.start_ns;
}

/* Whether it is less steps away than a row is repeated. */
static bool is_near(const struct row_place *place, int64_t end_ns)
{
    __extension__ __int128 distance = end_ns;

    distance -= place->ns;
    return distance / FILL_MAX < span_about_ns(&place->step);
}

/* The kept row, for the times from its own to that one.  It is gathered once: its texts go into the
 * batch, which a row of a million repeats would fill. */
static enum code repeat(struct mapper *mapper, int64_t end_ns, struct error *err)
{
    struct kept *kept = &mapper->kept;
    bool any = true, gathered = false;
    enum code code = OK;

    if (end_ns > kept->place.ns && !is_near(&kept->place, end_ns)) {
        (void)error_set(&mapper->why, E_BAD_TIME,
                        "it would be repeated more than %d times until the next row or the end",
                        FILL_MAX);
        return judge(mapper, E_BAD_TIME, &kept->row, err);
    }
    for (int64_t steps = 1; code == OK && any; steps++) {
        int64_t ns;

        if (row_step_from(&kept->place, steps, mapper->source->time.zone, &ns, NULL) != OK ||
            ns >= end_ns)
            break;
        if (++mapper->fills > FILLS_MAX)
            return error_set(err, E_BAD_PAGE, "its rows are repeated more than %d times",
                             FILLS_MAX);
        if (outside(mapper, ns))
            continue;
        if (!gathered) {
            row_points_begin(mapper->points);
            code = row_points_gather(mapper->points, &kept->row, mapper->batch, &any, &mapper->why);
            if (code)
                return judge(mapper, code, &kept->row, err);
            gathered = true;
        }
        code = row_points_give(mapper->points, &mapper->point, ns, kept->revision, &mapper->sink,
                               &mapper->counts.points, err);
    }
    return code;
}

/* Up to the next row of the same parent (its time, NULL = not known), or to the end of what it is
 * in. Nobody knows how far a row reaches whose next one is without a time: it is not repeated. */
static enum code repeat_until(struct mapper *mapper, const struct tree_row *row, const int64_t *ns,
                              struct error *err)
{
    struct kept *kept = &mapper->kept;
    int64_t end_ns = kept->ends ? kept->to_ns : INT64_MIN;

    if (!kept->any)
        return OK;
    kept->any = false;
    if (row != NULL && row->parent == kept->row.parent) {
        if (ns == NULL)
            return OK;
        end_ns = kept->ends && kept->to_ns < *ns ? kept->to_ns : *ns;
    }
    return repeat(mapper, end_ns, err);
}

static bool copy_row(struct mapper *mapper, const struct tree_row *row)
{
    struct kept *kept = &mapper->kept;
    size_t size = strlen(row->at == NULL ? "" : row->at) + 1;
    char *at;

    for (size_t i = 0; i < mapper->slot_count; i++)
        size += row->slots[i].text.size;
    buf_clear(&kept->texts);
    at = buf_extend(&kept->texts, size); /* in one, so that it does not move */
    if (at == NULL)
        return false;
    kept->row = *row;
    kept->row.slots = kept->slots;
    for (size_t i = 0; i < mapper->slot_count; i++) {
        struct bytes text = row->slots[i].text;

        kept->slots[i] = (struct tree_value){
            row->slots[i].kind, {at, text.size}
        };
        if (text.size > 0)
            memcpy(at, text.data, text.size);
        at += text.size;
    }
    kept->row.at = at;
    memcpy(at, row->at == NULL ? "" : row->at, (size_t)(kept->texts.data + kept->texts.size - at));
    return true;
}

/* --- a row --- */

static enum code place_row(struct mapper *mapper, const struct tree_row *row,
                           struct row_place *place, int64_t *revision, struct error *why)
{
    const struct source_versions *versions = &mapper->source->versions;
    struct bytes series = {"", 0}, text;
    enum code code = OK;

    row_points_begin(mapper->points);
    if (mapper->clock.ordered)
        code = row_points_series(mapper->points, row, &series, why);
    if (code == OK)
        code = row_clock_place(&mapper->clock, row, series, place, why);
    *revision = INT64_MIN;
    if (code || versions->known_at_slot == SOURCE_NO_SLOT)
        return code;
    if (!row_leaf(&row->slots[versions->known_at_slot], &text))
        return error_set(why, E_BAD_TIME, "known_at: the row has none");
    code = row_memo_time(&mapper->known_at, &versions->format, versions->zone,
                         SOURCE_AMBIGUOUS_ORDER, text, revision, why);
    if (code)
        error_context(why, "known_at");
    return code;
}

/* What of the row is to be repeated is found out before anything of it is given. */
static enum code place_kept(struct mapper *mapper, const struct tree_row *row,
                            const struct row_place *place, int64_t revision, bool *keeps,
                            struct error *why)
{
    const struct source_time *time = &mapper->source->time;
    struct kept *kept = &mapper->kept;
    enum code code;

    *keeps = time->fill && matches(time->fill_when, time->fill_when_count, row);
    if (!*keeps)
        return OK;
    code = row_clock_to(&mapper->clock, row, &kept->to_ns, &kept->ends, why);
    if (code)
        return code;
    kept->place = *place;
    kept->revision = revision;
    return copy_row(mapper, row) ? OK : error_set(why, E_MEMORY, "no memory for a row");
}

static enum code take_placed(struct mapper *mapper, const struct tree_row *row,
                             const struct row_place *place, int64_t revision, struct error *err)
{
    bool clipped = is_clipped(mapper, place), keeps, any = false;
    enum code code = place_kept(mapper, row, place, revision, &keeps, &mapper->why);

    if (code == OK && !clipped)
        code = row_points_gather(mapper->points, row, mapper->batch, &any, &mapper->why);
    if (code)
        return judge(mapper, code, row, err);
    if (!clipped)
        value_finds_look(&mapper->counts.finds, mapper->source, row);
    mapper->counts.clipped += clipped;
    mapper->counts.empty += !clipped && !any;
    mapper->kept.any = keeps && (any || clipped);
    return row_points_give(mapper->points, &mapper->point, place->ns, revision, &mapper->sink,
                           &mapper->counts.points, err);
}

enum code mapper_take(void *context, const struct tree_row *row, struct error *err)
{
    struct mapper *mapper = context;
    const struct source *source = mapper->source;
    struct row_place place;
    int64_t revision;
    bool repeats;
    enum code code, placed;

    if (!matches(source->where, source->where_count, row)) {
        mapper->counts.others++;
        return OK;
    }
    mapper->counts.rows++;
    placed = place_row(mapper, row, &place, &revision, &mapper->why);
    if (placed) {
        code = judge(mapper, placed, row, err);
        return code ? code : repeat_until(mapper, row, NULL, err);
    }
    repeats = mapper->kept.any;
    code = repeat_until(mapper, row, &place.ns, err);
    if (code)
        return code;
    if (repeats)
        row_points_begin(mapper->points);
    return take_placed(mapper, row, &place, revision, err);
}

enum code mapper_finish(struct mapper *mapper, struct error *err)
{
    return repeat_until(mapper, NULL, NULL, err);
}

/* --- its life --- */

static enum code make(struct mapper *mapper, struct error *err)
{
    count_slots(mapper);
    mapper->kept.slots = ARENA_ARRAY(&mapper->arena, struct tree_value, mapper->slot_count);
    if (mapper->kept.slots == NULL)
        return error_set(err, E_MEMORY, "no memory for the rows of a source");
    return row_points_make(mapper->source, mapper->terms.partition, mapper->terms.limits,
                           &mapper->arena, &mapper->points, err);
}

enum code mapper_open(const struct mapper_terms *terms, struct batch *batch,
                      const struct mapper_sink *sink, struct mapper **opened, struct error *err)
{
    struct mapper *mapper = calloc(1, sizeof(*mapper));
    enum code code;

    *opened = NULL;
    if (mapper == NULL)
        return error_set(err, E_MEMORY, "no memory for the rows of a source");
    mapper->terms = *terms;
    mapper->source = terms->source;
    mapper->sink = *sink;
    arena_init(&mapper->arena, OWN_BYTES_MAX, NULL);
    mapper->kept.texts = BUF_INIT(KEPT_BYTES_MAX);
    row_clock_init(&mapper->clock, &terms->source->time, &mapper->arena);
    mapper->clock.order = terms->order;
    if (terms->windowed && terms->source->window.clip)
        mapper->clock.asked_from_ns = terms->start_ns;
    mapper->batch = batch;
    point_init(&mapper->point, batch, terms->limits);
    code = make(mapper, err);
    if (code) {
        mapper_close(mapper);
        return code;
    }
    *opened = mapper;
    return OK;
}

const struct mapper_counts *mapper_counts(const struct mapper *mapper)
{
    return &mapper->counts;
}

void mapper_batch(struct mapper *mapper, struct batch *batch)
{
    point_release(&mapper->point);
    point_init(&mapper->point, batch, mapper->terms.limits);
    mapper->batch = batch;
}

void mapper_keep(const struct mapper *mapper, struct row_order *order)
{
    row_clock_keep(&mapper->clock, order);
}

void mapper_close(struct mapper *mapper)
{
    if (mapper == NULL)
        return;
    row_points_release(mapper->points);
    row_clock_release(&mapper->clock);
    point_release(&mapper->point);
    buf_release(&mapper->kept.texts);
    arena_release(&mapper->arena);
    free(mapper);
}
