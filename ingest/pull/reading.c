/* Layers, each handing pieces to the next: staged bytes, decompression, hash and first MiB,
 * document, rows, points.  A plan of two passes reads all of that twice, a large page once more. */
#include "ingest/pull/reading.h"

#include <stdlib.h>

#include "base/hash.h"
#include "codec/inflate.h"

enum {
    SMALL_BYTES_MAX = 2 << 20,   /* plain; below, and with few enough points, it is read once */
    SMALL_POINTS_MAX = 30000,    /* fewer than a record has */
    HASHED_BYTES_MAX = 16 << 20, /* of a larger body no hash is kept */
    HEAD_BYTES_MAX = 1 << 20,    /* that rules look at */
    RATIO_MAX = 1000,            /* decompressed to compressed */
    DEPTH_MAX = 64,
    LEAF_BYTES_MAX = 1 << 20,
    AROUND_BYTES_MAX = 16 << 20,
};

struct reading {
    struct reading_terms terms;
    struct reading_sink sink;
    struct arena arena; /* of faults and texts that are told */
    struct batch batch; /* what points are made in; its arena, */
    struct arena scratch;
    struct mapper *mapper;
    struct tree_rows *rows;
    struct tree_reader *reader;
    /* Of the pass under way. */
    bool writes;   /* points go to the sink, else they are counted */
    bool small;    /* they wait there until all is read */
    bool too_many; /* it was not small after all */
    uint64_t points, plain_bytes;
    bool hashes;
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

/* What texts of rows took is given back now and then. */
static enum code take_row(void *context, const struct tree_row *row, struct error *err)
{
    struct reading *reading = context;

    if (reading->scratch.used > 4 * HEAD_BYTES_MAX) {
        batch_release(&reading->batch);
        arena_release(&reading->scratch);
        batch_init(&reading->batch, &reading->scratch, 1);
        mapper_batch(reading->mapper, &reading->batch);
    }
    return mapper_take(reading->mapper, row, err);
}

/* --- bytes --- */

static enum code take_plain(void *context, struct bytes piece, struct error *err)
{
    struct reading *reading = context;
    size_t room = HEAD_BYTES_MAX - reading->head.size;

    reading->plain_bytes += piece.size;
    if (reading->hashes && reading->plain_bytes <= HASHED_BYTES_MAX)
        hash128_add(&reading->hash, piece);
    if (room > 0)
        buf_put(&reading->head, (struct bytes){piece.data, piece.size < room ? piece.size : room});
    if (reading->reader == NULL)
        return OK;
    return reading->terms.source->decode.format->feed(reading->reader, piece, err);
}

/* What an answer calls itself, or what it begins with: many servers send a file of gzip as it is.
 */
static struct bytes encoding_of(const struct reading *reading, struct bytes first)
{
    const struct reading_terms *terms = &reading->terms;
    const unsigned char *bytes = (const unsigned char *)first.data;

    for (size_t i = 0; i < terms->header_count; i++)
        if (bytes_equal(terms->headers[i].name, BYTES("content-encoding")))
            return terms->headers[i].value;
    if (first.size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return BYTES("gzip");
    if (first.size >= 4 && memcmp(first.data, "\x28\xb5\x2f\xfd", 4) == 0)
        return BYTES("zstd");
    return BYTES("");
}

struct unpacking {
    struct reading *reading;
    struct inflate *inflate; /* made at the first piece */
};

static enum code take_packed(void *context, struct bytes piece, struct error *err)
{
    struct unpacking *unpacking = context;
    struct reading *reading = unpacking->reading;
    enum code code = OK;

    if (unpacking->inflate == NULL)
        code = inflate_new(encoding_of(reading, piece), reading->terms.plain_bytes_max, RATIO_MAX,
                           &unpacking->inflate, err);
    if (code)
        return code;
    return inflate_feed(unpacking->inflate, piece, take_plain, reading, err);
}

/* All bytes go by once. */
static enum code run_bytes(struct reading *reading, struct error *err)
{
    const struct page_bytes *body = &reading->terms.body;
    struct unpacking unpacking = {.reading = reading};
    enum code code;

    reading->plain_bytes = 0;
    buf_clear(&reading->head);
    code = body->read(body->context, take_packed, &unpacking, err);
    if (code == OK && unpacking.inflate != NULL)
        code = inflate_finish(unpacking.inflate, err);
    inflate_free(unpacking.inflate);
    if (code == OK)
        code = buf_finish(&reading->head, err);
    return code;
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
    static const struct tree_limits limits = {DEPTH_MAX, LEAF_BYTES_MAX};
    const struct source_decode *decode = &reading->terms.source->decode;
    const struct tree_sink sink = tree_rows_sink(reading->rows);
    enum code code = decode->format->open(&limits, &decode->csv, &sink, &reading->reader, err);

    if (code == OK)
        code = run_bytes(reading, err);
    if (code == OK)
        code = decode->format->finish(reading->reader, err);
    decode->format->close(reading->reader);
    reading->reader = NULL;
    return code ? code : tree_rows_passed(reading->rows, err);
}

/* Every pass that the plan wants, from the beginning. */
static enum code run_passes(struct reading *reading, struct error *err)
{
    const struct tree_plan *plan = reading->terms.source->plan;
    const struct tree_rows_limits limits = {UINT64_MAX, AROUND_BYTES_MAX};
    enum code code = open_mapper(reading, err);

    tree_rows_close(reading->rows);
    reading->rows = NULL;
    reading->points = 0;
    if (code == OK)
        code = tree_rows_open(plan, &limits, take_row, reading, &reading->rows, err);
    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(plan); pass++)
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

/* Bytes alone: what rules before the rows ask for, and whether it is that of the last time.  A body
 * that cannot be unpacked is one that does not decode. */
static enum code look_at_bytes(struct reading *reading, struct reading_facts *facts,
                               struct error *err)
{
    struct answer_facts answer;
    enum code code;

    reading->hashes = reading->terms.source->conditional.body_hash;
    hash128_begin(&reading->hash);
    code = run_bytes(reading, err);
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

/* A document that has nothing where rows begin is another one than ours, as an error with status
 * 200 is: that there are no rows is for an empty array, null or a rule to say. */
static enum code look_for_place(struct reading *reading, struct reading_facts *facts,
                                struct error *err)
{
    struct tree_value place;

    if (reading->terms.source->rows_slot == SOURCE_NO_SLOT || facts->counts.rows > 0 ||
        facts->verdict.what != SOURCE_OK || facts->verdict.rule != NULL)
        return OK;
    if (tell_value(reading, reading->terms.source->rows_slot, &place, err))
        return E_MEMORY;
    if (place.kind != TREE_END)
        return OK;
    facts->verdict = (struct verdict){.what = SOURCE_RETRY, .decided = true};
    (void)error_set(err, E_BAD_PAGE, "it has nothing where `rows` begin");
    return OK;
}

static bool is_fatal(enum code code)
{
    return code == E_MEMORY || code == E_IO || code == E_CANCELLED || code == E_DRAINING;
}

/* Small at first, if that many bytes may be; a page that has more points after all once more. */
static enum code run_small_or_large(struct reading *reading, struct error *err)
{
    struct error first = {0};
    enum code code;

    reading->small = reading->plain_bytes <= SMALL_BYTES_MAX;
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
    answer = facts_of(reading);
    answer.undecodable = code != OK;
    answer.counted = true;
    facts->counts = *mapper_counts(reading->mapper);
    answer.rows = facts->counts.rows;
    facts->verdict = outcome_of(source, &answer);
    if (code == OK && look_for_place(reading, facts, err))
        return E_MEMORY;
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
    reading->writes = true;
    return run_passes(reading, err);
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
