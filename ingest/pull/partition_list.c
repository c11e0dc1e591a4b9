/* All bytes go by once for the rules that look at status, headers and body, then once for each pass
 * of the rows' plan. */
#include "ingest/pull/partition_list.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "ingest/pull/progress.h"
#include "ingest/rows/row_text.h"

enum {
    HEAD_BYTES_MAX = 1 << 20, /* that rules look at */
    DEPTH_MAX = 64,
    LEAF_BYTES_MAX = 1 << 20,
    AROUND_BYTES_MAX = 16 << 20,
};

struct listing {
    const struct partition_list_terms *terms;
    const struct source_foreach *foreach;
    struct arena *arena;
    struct partition_list *list;
    size_t capacity;
    struct map ids; /* of those that are there */
    size_t *order;  /* of picks by name */
    bool wrong;     /* what came is a list, and one that cannot be taken */
    struct tree_rows *rows;
    struct tree_reader *reader;
    struct buf head;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a list of partitions");
}

/* --- a row --- */

static enum code refuse(struct listing *listing, const struct tree_row *row, struct bytes name,
                        struct error *err, const char *what)
{
    listing->wrong = true;
    return error_set(err, E_BAD_PAGE, "row %" PRIu64 ", %s: %.*s %s", row->number,
                     row->at == NULL ? "" : row->at, BYTES_ARG(name), what);
}

static bool has_control(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

static enum code take_variable(struct listing *listing, const struct tree_row *row, size_t pick,
                               struct source_variable *variable, struct error *err)
{
    struct bytes name = listing->foreach->picks[pick].name, text;

    if (!row_leaf(&row->slots[pick], &text) || text.size == 0)
        return refuse(listing, row, name, err, "has no value");
    if (text.size > PARTITION_TEXT_SIZE_MAX)
        return refuse(listing, row, name, err, "has more than 1024 bytes");
    if (has_control(text))
        return refuse(listing, row, name, err, "has control characters");
    *variable = (struct source_variable){name, arena_copy(listing->arena, text)};
    return variable->value.data == NULL ? no_memory(err) : OK;
}

static bool make_room(struct listing *listing)
{
    struct partition_list *list = listing->list;
    size_t capacity = listing->capacity == 0 ? 16 : 2 * listing->capacity;
    void *grown;

    if (list->count < listing->capacity)
        return true;
    grown =
        arena_grow(listing->arena, list->partitions, listing->capacity * sizeof(*list->partitions),
                   capacity * sizeof(*list->partitions));
    if (grown == NULL)
        return false;
    list->partitions = grown;
    listing->capacity = capacity;
    return true;
}

/* The same one once more is one. */
static enum code add(struct listing *listing, const struct source_partition *partition,
                     struct error *err)
{
    struct partition_list *list = listing->list;
    char text[PARTITION_ID_SIZE];
    struct bytes id;

    partition_id(partition, text);
    if (map_get(&listing->ids, bytes_of(text)) != NULL)
        return OK;
    if (list->count == PARTITIONS_MAX) {
        listing->wrong = true;
        return error_set(err, E_BAD_PAGE, "there are more than %d partitions", PARTITIONS_MAX);
    }
    id = arena_copy(listing->arena, bytes_of(text));
    if (id.data == NULL || !make_room(listing) || !map_put(&listing->ids, id, list))
        return no_memory(err);
    list->partitions[list->count++] = *partition;
    return OK;
}

static enum code take_row(void *context, const struct tree_row *row, struct error *err)
{
    struct listing *listing = context;
    size_t count = listing->foreach->pick_count;
    struct source_variable *variables = ARENA_ARRAY(listing->arena, struct source_variable, count);
    enum code code = OK;

    if (variables == NULL)
        return no_memory(err);
    listing->list->rows++;
    for (size_t i = 0; code == OK && i < count; i++)
        code = take_variable(listing, row, listing->order[i], &variables[i], err);
    return code ? code : add(listing, &(struct source_partition){variables, count}, err);
}

/* A partition's variables are by name, wherever it comes from: its id is of them in that order. */
static enum code order_picks(struct listing *listing, struct error *err)
{
    const struct source_foreach *foreach = listing->foreach;

    listing->order = ARENA_ARRAY(listing->arena, size_t, foreach->pick_count);
    if (listing->order == NULL)
        return no_memory(err);
    for (size_t i = 0; i < foreach->pick_count; i++) {
        size_t at = i;

        while (at > 0 && bytes_compare(foreach->picks[listing->order[at - 1]].name,
                                       foreach->picks[i].name) > 0) {
            listing->order[at] = listing->order[at - 1];
            at--;
        }
        listing->order[at] = i;
    }
    return OK;
}

/* --- bytes --- */

static enum code take_plain(void *context, struct bytes piece, struct error *err)
{
    struct listing *listing = context;
    size_t room = HEAD_BYTES_MAX - listing->head.size;

    if (room > 0)
        buf_put(&listing->head, (struct bytes){piece.data, piece.size < room ? piece.size : room});
    if (listing->reader == NULL)
        return OK;
    return listing->foreach->decode->format->feed(listing->reader, piece, err);
}

static enum code run_bytes(struct listing *listing, struct error *err)
{
    const struct partition_list_terms *terms = listing->terms;
    enum code code;

    buf_clear(&listing->head);
    code = page_unpack(&terms->body, terms->headers, terms->header_count, terms->plain_bytes_max,
                       take_plain, listing, err);
    return code ? code : buf_finish(&listing->head, err);
}

static enum code run_pass(struct listing *listing, struct error *err)
{
    static const struct tree_limits limits = {DEPTH_MAX, LEAF_BYTES_MAX};
    const struct source_decode *decode = listing->foreach->decode;
    const struct tree_sink sink = tree_rows_sink(listing->rows);
    enum code code = decode->format->open(&limits, &decode->csv, &sink, &listing->reader, err);

    if (code == OK)
        code = run_bytes(listing, err);
    if (code == OK)
        code = decode->format->finish(listing->reader, err);
    decode->format->close(listing->reader);
    listing->reader = NULL;
    return code ? code : tree_rows_passed(listing->rows, err);
}

static enum code run_passes(struct listing *listing, struct error *err)
{
    const struct tree_plan *plan = listing->foreach->plan;
    const struct tree_rows_limits limits = {UINT64_MAX, AROUND_BYTES_MAX};
    enum code code = order_picks(listing, err);

    if (code == OK)
        code = tree_rows_open(plan, &limits, take_row, listing, &listing->rows, err);
    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(plan); pass++)
        code = run_pass(listing, err);
    return code;
}

/* --- what it is --- */

static void judge(struct listing *listing, bool undecodable, bool counted)
{
    const struct partition_list_terms *terms = listing->terms;
    const struct answer_facts facts = {
        .status = terms->status,
        .headers = terms->headers,
        .header_count = terms->header_count,
        .body = buf_bytes(&listing->head),
        .counted = counted,
        .rows = listing->list->count,
        .undecodable = undecodable,
        .wall_ns = terms->fetched_ns,
    };

    listing->list->verdict = outcome_of(terms->source, &facts);
}

static bool is_fatal(enum code code)
{
    return code == E_MEMORY || code == E_IO || code == E_CANCELLED;
}

/* An error with status 200, as of a page (reading.c). */
static bool leads_nowhere(const struct listing *listing)
{
    const struct source_outcome *rule = listing->list->verdict.rule;

    return listing->list->verdict.what == SOURCE_OK && listing->list->rows == 0 &&
           (rule == NULL || !rule->counts) && listing->foreach->decode->format == &tree_json &&
           !(tree_rows_lead(listing->rows, UINT32_MAX) && tree_rows_columns(listing->rows));
}

static enum code look(struct listing *listing, struct error *err)
{
    enum code code = run_bytes(listing, err);

    if (is_fatal(code))
        return code;
    judge(listing, code != OK, false);
    if (listing->list->verdict.what != SOURCE_OK)
        return OK;
    code = run_passes(listing, err);
    if (is_fatal(code))
        return code;
    judge(listing, code != OK, true);
    if (code == OK && leads_nowhere(listing)) {
        judge(listing, true, true);
        (void)error_set(err, E_BAD_PAGE, "`rows` of `foreach` leads nowhere in what came");
    }
    if (listing->wrong)
        listing->list->verdict = (struct verdict){.what = SOURCE_FAIL, .decided = true};
    return OK;
}

enum code partition_list_read(const struct partition_list_terms *terms, struct arena *arena,
                              struct partition_list *list, struct error *err)
{
    struct listing listing = {
        .terms = terms,
        .foreach = &terms->source->foreach,
        .arena = arena,
        .list = list,
        .head = BUF_INIT(HEAD_BYTES_MAX),
    };
    enum code code;

    *list = (struct partition_list){.count = 0};
    code = look(&listing, err);
    tree_rows_close(listing.rows);
    map_release(&listing.ids);
    buf_release(&listing.head);
    return code;
}
