/* Layers, each handing pieces to the next: staged bytes, decompression, hash and first MiB,
 * document, rows, points.  A plan of two passes reads all of that twice, a large page once more.
 *
 * Of an archive the files are documents, one after another: as lines of NDJSON are. */
#include "ingest/pull/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/zip_archive.h"

enum {
    SMALL_BYTES_MAX = 2 << 20,   /* plain; below, and with few enough points, it is read once */
    SMALL_POINTS_MAX = 7500,     /* fewer than are written at once (writing.c): they wait there */
    HASHED_BYTES_MAX = 16 << 20, /* of a larger body, as it came or plain, no hash is kept */
    HEAD_BYTES_MAX = 1 << 20,    /* that rules look at */
    DEPTH_MAX = 64,
    LEAF_BYTES_MAX = 1 << 20,
    AROUND_BYTES_MAX = 16 << 20,
    ARCHIVE_FILES_MAX = 10000,
    AT_SIZE = 320,
};

struct reading {
    struct reading_terms terms;
    struct reading_sink sink;
    struct arena arena; /* of faults and texts that are told */
    struct batch batch; /* what points are made in; its arena, */
    struct arena scratch;
    struct mapper *mapper;
    const struct tree_plan *plan;
    struct tree_rows *rows;
    struct tree_reader *reader;
    bool archive;  /* it is one, as is wanted; then ... */
    uint64_t file; /* ... which of its files is read */
    bool decodes;  /* what comes is for the rows, too */
    /* Of the pass under way. */
    bool writes;   /* points go to the sink, else they are counted */
    bool small;    /* they wait there until all is read */
    bool too_many; /* it was not small after all */
    uint64_t points, plain_bytes;
    bool hashes;
    bool again;                  /* all was looked at: nobody asks for the head any more */
    bool head_alone, head_whole; /* no more than what rules look at is wanted; it is there */
    struct hash128_state hash;
    struct buf head;
    bool first_piece;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to read a page");
}

/* --- points --- */

static enum code take_point(void *context, struct point *point, int64_t revision, struct error *err)
{
    struct reading *reading = context;

    reading->points++;
    if (!reading->writes)
        return OK;
    if (reading->small && reading->points > SMALL_POINTS_MAX) {
        reading->too_many = true;
        return error_set(err, E_CANCELLED, "a large page");
    }
    return reading->sink.take(reading->sink.context, point, revision, err);
}

/* Where it stands is told with the file. */
static enum code take_row_of_file(struct reading *reading, const struct tree_row *row,
                                  struct error *err)
{
    struct tree_row placed = *row;
    char at[AT_SIZE];

    (void)snprintf(at, sizeof(at), "file %" PRIu64 ", %s", reading->file, row->at);
    placed.at = at;
    return mapper_take(reading->mapper, &placed, err);
}

/* What texts of rows took is given back now and then. */
static enum code take_row(void *context, const struct tree_row *row, struct error *err)
{
    struct reading *reading = context;

    if (reading->scratch.used > HEAD_BYTES_MAX) {
        batch_release(&reading->batch);
        arena_release(&reading->scratch);
        batch_init(&reading->batch, &reading->scratch, 1);
        mapper_batch(reading->mapper, &reading->batch);
    }
    if (reading->archive)
        return take_row_of_file(reading, row, err);
    return mapper_take(reading->mapper, row, err);
}

/* --- bytes --- */

static enum code begin_document(void *context, struct error *err)
{
    static const struct tree_limits limits = {DEPTH_MAX, LEAF_BYTES_MAX};
    struct reading *reading = context;
    const struct source_decode *decode = &reading->terms.source->decode;
    struct tree_sink sink;

    if (!reading->decodes)
        return OK;
    sink = tree_rows_sink(reading->rows);
    return decode->format->open(&limits, &decode->csv, &sink, &reading->reader, err);
}

static enum code end_document(void *context, struct error *err)
{
    struct reading *reading = context;
    const struct tree_format *format = reading->terms.source->decode.format;
    enum code code = reading->reader == NULL ? OK : format->finish(reading->reader, err);

    format->close(reading->reader);
    reading->reader = NULL;
    return code;
}

static enum code take_plain(void *context, struct bytes piece, struct error *err)
{
    struct reading *reading = context;
    size_t room = reading->again ? 0 : HEAD_BYTES_MAX - reading->head.size;

    reading->plain_bytes += piece.size;
    if (reading->hashes && reading->plain_bytes <= HASHED_BYTES_MAX)
        hash128_add(&reading->hash, piece);
    if (room > 0)
        buf_put(&reading->head, (struct bytes){piece.data, piece.size < room ? piece.size : room});
    reading->head_whole = reading->head.size == HEAD_BYTES_MAX;
    if (reading->head_alone && reading->head_whole)
        return error_set(err, E_CANCELLED, "enough was read");
    if (reading->reader == NULL)
        return OK;
    return reading->terms.source->decode.format->feed(reading->reader, piece, err);
}

static enum code run_document(struct reading *reading, struct error *err)
{
    const struct reading_terms *terms = &reading->terms;
    enum code code = begin_document(reading, err);

    if (code == OK)
        code = page_unpack(&terms->body, terms->headers, terms->header_count,
                           terms->plain_bytes_max, take_plain, reading, err);
    return code ? code : end_document(reading, err);
}

/* Where one file ends and the next one begins is part of what is hashed. */
static enum code begin_file(void *context, uint64_t number, struct error *err)
{
    struct reading *reading = context;

    reading->file = number;
    if (reading->hashes && reading->plain_bytes <= HASHED_BYTES_MAX)
        hash128_add(&reading->hash, (struct bytes){(const char *)&reading->plain_bytes,
                                                   sizeof(reading->plain_bytes)});
    return begin_document(reading, err);
}

static enum code run_archive(struct reading *reading, struct error *err)
{
    const struct page_bytes *body = &reading->terms.body;
    const struct zip_archive_bytes bytes = {body->size, body->at, body->context};
    const struct zip_archive_limits limits = {ARCHIVE_FILES_MAX, reading->terms.plain_bytes_max,
                                              PAGE_RATIO_MAX};
    const struct zip_archive_sink sink = {begin_file, take_plain, end_document, reading};

    return zip_archive_read(&bytes, &limits, &sink, err);
}

/* All bytes go by once. */
static enum code run_bytes(struct reading *reading, struct error *err)
{
    enum code code;

    reading->plain_bytes = 0;
    buf_clear(&reading->head);
    code = reading->archive ? run_archive(reading, err) : run_document(reading, err);
    reading->terms.source->decode.format->close(reading->reader); /* after a fault in it */
    reading->reader = NULL;
    return code ? code : buf_finish(&reading->head, err);
}

/* --- passes --- */

static enum code open_mapper(struct reading *reading, struct error *err)
{
    const struct reading_terms *terms = &reading->terms;
    const struct mapper_terms mapper = {
        .source = terms->source,
        .partition = terms->partition,
        .windowed = terms->windowed,
        .start_ns = terms->start_ns,
        .end_ns = terms->end_ns,
        .limits = terms->limits,
        .arena = &reading->arena,
        .order = terms->order,
    };
    const struct mapper_sink sink = {take_point, reading};

    mapper_close(reading->mapper);
    reading->mapper = NULL;
    batch_release(&reading->batch);
    arena_release(&reading->scratch);
    batch_init(&reading->batch, &reading->scratch, 1);
    return mapper_open(&mapper, &reading->batch, &sink, &reading->mapper, err);
}

static enum code run_pass(struct reading *reading, struct error *err)
{
    enum code code;

    reading->decodes = true;
    code = run_bytes(reading, err);
    reading->decodes = false;
    return code ? code : tree_rows_passed(reading->rows, err);
}

/* Every pass that the plan wants, from the beginning. */
static enum code run_passes(struct reading *reading, struct error *err)
{
    const struct tree_rows_limits limits = {UINT64_MAX, AROUND_BYTES_MAX};
    enum code code = open_mapper(reading, err);

    tree_rows_close(reading->rows);
    reading->rows = NULL;
    reading->points = 0;
    if (code == OK && reading->plan == NULL)
        code = source_plan(reading->terms.source, &reading->arena, &reading->plan, err);
    if (code == OK)
        code = tree_rows_open(reading->plan, &limits, take_row, reading, &reading->rows, err);
    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(reading->plan); pass++)
        code = run_pass(reading, err);
    return code ? code : mapper_finish(reading->mapper, err);
}

/* --- looking --- */

static struct answer_facts facts_of(const struct reading *reading)
{
    const struct reading_terms *terms = &reading->terms;

    return (struct answer_facts){
        .status = terms->status,
        .headers = terms->headers,
        .header_count = terms->header_count,
        .body = buf_bytes(&reading->head),
        .wall_ns = terms->fetched_ns,
    };
}

static enum code put_hash(struct reading *reading, struct reading_facts *facts, struct error *err)
{
    struct hash128 sum = hash128_end(&reading->hash);
    char text[HASH128_TEXT_SIZE];

    if (reading->plain_bytes > HASHED_BYTES_MAX)
        return OK;
    hash128_print(&sum, text);
    facts->body = arena_copy(&reading->arena, bytes_of(text));
    return facts->body.data == NULL ? no_memory(err) : OK;
}

/* Of one that has no hash the first MiB is all that is wanted: to unpack the rest just to count it
 * would take a third of the time that a large page does. */
static enum code run_bytes_alone(struct reading *reading, struct error *err)
{
    struct error enough = {0};
    enum code code;

    reading->head_alone = reading->terms.body.size > HASHED_BYTES_MAX;
    reading->hashes = !reading->head_alone && reading->terms.source->conditional.body_hash;
    reading->head_whole = false;
    hash128_begin(&reading->hash);
    code = run_bytes(reading, &enough);
    if (reading->head_alone && reading->head_whole)
        code = OK;
    reading->head_alone = false;
    if (code)
        *err = enough;
    return code;
}

/* JSON and XML have a document, be it one of no rows; "" is none, but where nothing is to come. */
static bool lacks_document(const struct reading *reading, const struct reading_facts *facts)
{
    const struct source *source = reading->terms.source;

    return facts->empty_body && reading->terms.status != 204 && !source->page.stop_empty_body &&
           (source->decode.format == &tree_json || source->decode.format == &tree_xml);
}

/* Rows that are none without a word: nobody said that this means that there are none.  Of XML,
 * which has no empty lists, only the outermost element is always there. */
static bool leads_nowhere(const struct reading *reading, const struct reading_facts *facts)
{
    const struct tree_format *format = reading->terms.source->decode.format;
    const struct source_outcome *rule = facts->verdict.rule;

    return facts->verdict.what == SOURCE_OK && facts->counts.rows == 0 &&
           (rule == NULL || !rule->counts) &&
           ((format == &tree_json &&
             !(tree_rows_lead(reading->rows, UINT32_MAX) && tree_rows_columns(reading->rows))) ||
            (format == &tree_xml && !tree_rows_lead(reading->rows, 1)));
}

/* What came is none of the source's pages, though a rule, or none, takes it for one. */
static void refuse_page(const struct reading *reading, const struct answer_facts *facts,
                        struct verdict *verdict)
{
    struct answer_facts answer = *facts;

    answer.undecodable = true;
    *verdict = outcome_of(reading->terms.source, &answer);
}

/* Bytes alone: what rules before the rows ask for, and whether it is that of the last time.  A body
 * that cannot be unpacked is one that does not decode; of a large one the rows tell. */
static enum code look_at_bytes(struct reading *reading, struct reading_facts *facts,
                               struct error *err)
{
    struct answer_facts answer;
    enum code code = run_bytes_alone(reading, err);

    if (code == E_MEMORY || code == E_IO)
        return code;
    facts->plain_bytes = reading->plain_bytes;
    facts->empty_body = reading->plain_bytes == 0;
    if (reading->hashes && code == OK && put_hash(reading, facts, err))
        return E_MEMORY;
    reading->hashes = false;
    answer = facts_of(reading);
    answer.undecodable = code != OK;
    answer.counted = facts->empty_body; /* it has no rows, and none are looked for */
    facts->verdict = outcome_of(reading->terms.source, &answer);
    if (facts->verdict.what == SOURCE_OK && !reading->archive && lacks_document(reading, facts)) {
        refuse_page(reading, &answer, &facts->verdict);
        (void)error_set(err, E_BAD_PAGE, "the body is empty, which is no %s",
                        reading->terms.source->decode.format->name);
    }
    facts->same_body = facts->body.size > 0 && facts->verdict.what == SOURCE_OK &&
                       bytes_equal(facts->body, reading->terms.body_before);
    return OK;
}

static enum code tell_value(struct reading *reading, uint32_t slot, struct tree_value *value,
                            struct error *err)
{
    *value = (struct tree_value){.kind = TREE_END};
    if (slot == SOURCE_NO_SLOT || reading->rows == NULL)
        return OK;
    *value = tree_rows_document(reading->rows, slot);
    value->text = arena_copy(&reading->arena, value->text);
    return value->text.data == NULL ? no_memory(err) : OK;
}

static bool is_fatal(enum code code)
{
    return code == E_MEMORY || code == E_IO || code == E_CANCELLED || code == E_DRAINING;
}

/* An answer that should be an archive and is none may be what a rule knows, or have a message. */
static enum code find_archive(struct reading *reading, struct error *err)
{
    const struct page_bytes *body = &reading->terms.body;
    char first[4];
    enum code code;

    if (!reading->terms.source->decode.zip_archive || body->size < sizeof(first))
        return OK;
    code = body->at(body->context, 0, first, sizeof(first), err);
    reading->archive = code == OK && zip_archive_begins((struct bytes){first, sizeof(first)});
    return code;
}

/* Small at first, if that many bytes may be; a page that has more points after all once more. */
static enum code run_small_or_large(struct reading *reading, struct error *err)
{
    struct error first = {0};
    enum code code;

    if (reading->terms.source->decode.zip_archive && !reading->archive) {
        code = open_mapper(reading, err);
        return code ? code : error_set(err, E_BAD_COMPRESSION, "the body is no archive of zip");
    }
    reading->small =
        reading->terms.body.size <= SMALL_BYTES_MAX && reading->plain_bytes <= SMALL_BYTES_MAX;
    reading->writes = reading->small;
    code = run_passes(reading, &first);
    if (reading->too_many) {
        reading->too_many = reading->small = reading->writes = false;
        reading->sink.forget(reading->sink.context);
        return run_passes(reading, err);
    }
    if (code)
        *err = first;
    return code;
}

/* The rows of a page that may be one. */
static enum code look_at_rows(struct reading *reading, struct reading_facts *facts,
                              struct error *err)
{
    const struct source *source = reading->terms.source;
    struct answer_facts answer;
    enum code code = run_small_or_large(reading, err);

    if (is_fatal(code))
        return code;
    facts->plain_bytes = reading->plain_bytes;
    answer = facts_of(reading);
    answer.undecodable = code != OK;
    answer.counted = true;
    facts->counts = *mapper_counts(reading->mapper);
    answer.rows = facts_rows(facts);
    facts->verdict = outcome_of(source, &answer);
    if (code == OK && leads_nowhere(reading, facts)) {
        refuse_page(reading, &answer, &facts->verdict);
        (void)error_set(err, E_BAD_PAGE,
                        "`rows` leads nowhere in what came; where that means that there are none, "
                        "say so: outcomes: [{count: 0, do: empty}]");
    }
    if (facts->verdict.what != SOURCE_OK)
        reading->sink.forget(reading->sink.context);
    code = tell_value(reading, source->page.path_slot, &facts->at_path, err);
    if (code == OK)
        code = tell_value(reading, source->page.total_slot, &facts->total, err);
    return code;
}

/* Of a body that is no page, say an error in JSON: read once more for the one text in it. */
static void look_for_message(struct reading *reading, struct reading_facts *facts)
{
    const struct source_outcome *rule = facts->verdict.rule;
    struct tree_value value;
    struct error err = {0};

    if (rule == NULL || rule->message_slot == SOURCE_NO_SLOT)
        return;
    reading->writes = false;
    if (reading->rows == NULL && run_passes(reading, &err) != OK)
        return;
    if (tell_value(reading, rule->message_slot, &value, &err) == OK && value.kind != TREE_END)
        facts->message = value.text;
}

enum code reading_look(const struct reading_terms *terms, const struct reading_sink *sink,
                       struct reading **out, struct reading_facts *facts, struct error *err)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    enum code code;

    *out = NULL;
    *facts = (struct reading_facts){.at_path = {.kind = TREE_END}, .total = {.kind = TREE_END}};
    if (reading == NULL)
        return no_memory(err);
    reading->terms = *terms;
    reading->sink = *sink;
    reading->head = BUF_INIT(HEAD_BYTES_MAX);
    arena_init(&reading->arena, SIZE_MAX, NULL);
    arena_init(&reading->scratch, SIZE_MAX, NULL);
    batch_init(&reading->batch, &reading->scratch, 1);
    code = find_archive(reading, err);
    if (code == OK)
        code = look_at_bytes(reading, facts, err);
    if (code == OK && !facts->same_body && !facts->empty_body &&
        (facts->verdict.what == SOURCE_OK || !facts->verdict.decided))
        code = look_at_rows(reading, facts, err);
    if (code) {
        reading_free(reading);
        return code;
    }
    look_for_message(reading, facts);
    *out = reading;
    return OK;
}

enum code reading_write(struct reading *reading, struct error *err)
{
    if (reading->small || reading->plain_bytes == 0)
        return OK;
    reading->writes = reading->again = true;
    buf_release(&reading->head);
    return run_passes(reading, err);
}

void reading_keep(const struct reading *reading)
{
    if (reading->mapper != NULL && reading->terms.order != NULL)
        mapper_keep(reading->mapper, reading->terms.order);
}

void reading_free(struct reading *reading)
{
    if (reading == NULL)
        return;
    tree_rows_close(reading->rows);
    mapper_close(reading->mapper);
    batch_release(&reading->batch);
    arena_release(&reading->scratch);
    arena_release(&reading->arena);
    buf_release(&reading->head);
    free(reading);
}
