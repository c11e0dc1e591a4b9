/* The trie of the plan is walked along with the document.  Each container that is open and of
 * interest has a frame with the nodes that stand for it, mostly one or two; for what comes in it
 * the nodes that may stand for that are found: the candidates.  Where there is none the events are
 * only counted until the container has ended.
 *
 * An implied array has the nodes of what it stands for.  Its element has them too (then it came
 * `through`, without a '*'), beside those behind '*'.  A node that has such does not take '*' for
 * members of an element again: it is used up. */
#include "codec/tree/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "codec/tree/place.h"
#include "codec/tree/slots.h"

struct active {
    const struct tree_node *node;
    bool through; /* an implied array */
    bool text;    /* the element's text, where the node leads to the element itself */
};

struct frame {
    size_t first, end; /* of the active nodes */
    uint64_t index;    /* of the next element */
    uint64_t id;       /* differs between containers; of an implied array that of the outer one */
    size_t at_size;
    bool array, implied;
    bool row; /* ends with it */
};

struct tree_rows {
    const struct tree_plan *plan;
    struct tree_rows_limits limits;
    enum code (*take)(void *context, const struct tree_row *row, struct error *err);
    void *context;
    unsigned pass; /* from 1 */
    uint64_t skip; /* containers that are open where nothing is wanted */
    struct frame *frames;
    size_t frame_count, frame_room;
    struct active *active; /* of all frames, and behind them the candidates */
    size_t active_count, active_room;
    struct slots slots;
    uint64_t *implied_next; /* of each level: elements that XML had there within the level above */
    uint64_t documents, containers, number;
    uint64_t parent;
    bool object_seen; /* of a zip, ... */
    bool column_seen; /* ... and a column in it */
    uint32_t reached; /* so many levels that the rows' path names were there, the document too */
    struct place at;
};

static bool is_last_pass(const struct tree_rows *rows)
{
    return rows->pass == rows->plan->passes;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the rows of the document");
}

/* --- rows --- */

static enum code give_row(struct tree_rows *rows, struct error *err)
{
    struct tree_row row = {.parent = rows->parent, .slots = rows->slots.values};

    if (rows->number == rows->limits.rows_max)
        return error_set(err, E_POINTS_MANY, "more than the %llu rows allowed",
                         (unsigned long long)rows->limits.rows_max);
    row.number = ++rows->number;
    row.at = place_text(&rows->at);
    return rows->take(rows->context, &row, err);
}

static enum code give_zip(struct tree_rows *rows, struct error *err)
{
    size_t at_size = rows->at.size;
    uint64_t count;
    enum code code = zip_count(&rows->slots.zip, place_text(&rows->at), &count, err);

    for (uint64_t row = 0; code == OK && row < count; row++) {
        slots_tell_zip_row(&rows->slots, row);
        rows->at.size = at_size;
        place_add_number(&rows->at, row);
        code = give_row(rows, err);
    }
    return code;
}

/* A row has ended, whose place is the `at_size` bytes of `at`. */
static enum code end_row(struct tree_rows *rows, size_t at_size, struct error *err)
{
    rows->at.size = at_size;
    if (rows->plan->zip)
        return give_zip(rows, err);
    slots_tell_row(&rows->slots);
    return give_row(rows, err);
}

/* --- a value begins --- */

static enum code begin_row(struct tree_rows *rows, const struct tree_event *event,
                           struct error *err)
{
    if (rows->plan->star_level == TREE_NONE)
        rows->parent = rows->frame_count == 0 ? 0 : rows->frames[rows->frame_count - 1].id;
    slots_begin_row(&rows->slots);
    rows->object_seen |= event->kind == TREE_OBJECT;
    if (!rows->plan->zip || event->kind == TREE_OBJECT || event->kind == TREE_NULL)
        return OK;
    return error_set(err, E_SYNTAX, "%s: expected an object of arrays, as a zip is",
                     place_text(&rows->at));
}

/* The rows' path is as the document is. */
static enum code check_chain(struct tree_rows *rows, const struct tree_node *node,
                             const struct tree_event *event, struct error *err)
{
    bool nothing = event->kind == TREE_NULL || (event->kind == TREE_TEXT && event->text.size == 0);
    bool list = event->kind == TREE_OBJECT || event->kind == TREE_ARRAY || nothing;

    if (node->level <= rows->plan->named && node->level >= rows->reached &&
        (list || node->row || node->level < rows->plan->named))
        rows->reached = node->level + 1;
    if (!node->row || event->kind != TREE_ARRAY || rows->plan->zip || node->star || node->indexed)
        return OK;
    return error_set(err, E_SYNTAX,
                     "%s: an array, where the path of rows leads to one row; want a path that ends "
                     "with /*",
                     place_text(&rows->at));
}

/* What the node begins with the value: a thing that rows may be in, a row, a column or an element
 * of one. */
static enum code begin_node(struct tree_rows *rows, const struct active *active,
                            const struct tree_event *event, struct error *err)
{
    const struct tree_node *node = active->node;
    const struct tree_plan *plan = rows->plan;
    enum code code = OK;

    if (active->text)
        return OK;
    if (node->column != TREE_NONE && is_last_pass(rows)) {
        if (node->star)
            return zip_element(&rows->slots.zip, node->column, err);
        rows->column_seen = true;
        if (!active->through)
            return zip_column(&rows->slots.zip, node->column, event, place_text(&rows->at), err);
    }
    if (node->level == TREE_NONE)
        return OK;
    for (uint32_t level = node->level + 1; level < plan->level_count; level++)
        rows->implied_next[level] = 0;
    if (plan->levels[node->level].count > 0)
        code = rows->pass == 1
                   ? around_add(&rows->slots.around, node->level, err)
                   : around_tell(&rows->slots.around, node->level, rows->slots.values, err);
    if (code == OK)
        code = check_chain(rows, node, event, err);
    if (code == OK && node->row && is_last_pass(rows))
        code = begin_row(rows, event, err);
    return code;
}

static enum code set_slots(struct tree_rows *rows, const struct active *active,
                           const struct tree_event *event, struct error *err)
{
    enum code code = OK;

    if (active->text && event->kind != TREE_TEXT)
        return OK;
    for (uint32_t i = 0; code == OK && i < active->node->slot_count; i++)
        code = slots_set(&rows->slots, active->node->slots[i], rows->pass, event, err);
    return code;
}

/* --- candidates --- */

/* Whether the rows' path is among those from `first` on. */
static bool on_chain(const struct tree_rows *rows, size_t first)
{
    for (size_t i = first; i < rows->active_count; i++)
        if (rows->active[i].node->level != TREE_NONE)
            return true;
    return false;
}

static enum code add_candidate(struct tree_rows *rows, size_t first, const struct tree_node *node,
                               bool through, bool text, struct error *err)
{
    if (!is_last_pass(rows) && !node->first_pass)
        return OK;
    for (size_t i = first; i < rows->active_count; i++)
        if (rows->active[i].node == node) { /* by two ways, of which a '*' is one */
            rows->active[i].through &= through;
            return OK;
        }
    if (rows->active_count == rows->active_room) {
        size_t room = rows->active_room * 2;
        struct active *active;

        assert(room > 0); /* make_room() */
        active = realloc(rows->active, room * sizeof(*active));
        if (active == NULL)
            return no_memory(err);
        rows->active = active;
        rows->active_room = room;
    }
    rows->active[rows->active_count++] =
        (struct active){.node = node, .through = through, .text = text};
    return OK;
}

/* Behind '*', of a node in the frame. */
static enum code add_any(struct tree_rows *rows, const struct frame *frame,
                         const struct tree_node *any, struct error *err)
{
    if (any->level != TREE_NONE && any->level == rows->plan->star_level)
        rows->parent = frame->id;
    return add_candidate(rows, frame->end, any, false, false, err);
}

/* The value of a member of that name is next. */
static enum code take_key(struct tree_rows *rows, struct bytes name, struct error *err)
{
    const struct frame *frame = &rows->frames[rows->frame_count - 1];
    bool text = bytes_equal(name, BYTES("#text"));
    enum code code = OK;

    rows->active_count = frame->end;
    for (size_t i = frame->first; code == OK && i < frame->end; i++) {
        const struct active active = rows->active[i];
        const struct tree_node *node = active.node, *child = tree_node_child(node, name);
        size_t before = rows->active_count;

        if (active.text)
            continue;
        if (child != NULL)
            code = add_candidate(rows, frame->end, child, false, false, err);
        if (code == OK && node->any != NULL && !active.through)
            code = add_any(rows, frame, node->any, err);
        if (node->level != TREE_NONE && on_chain(rows, before)) {
            rows->at.size = frame->at_size;
            place_add_name(&rows->at, name);
        }
        if (code == OK && text && node->slot_count > 0)
            code = add_candidate(rows, frame->end, node, false, true, err);
    }
    return code;
}

/* The element of an implied array: the nodes of the array again, and those behind '*'. */
static enum code find_implied(struct tree_rows *rows, const struct frame *frame, struct error *err)
{
    enum code code = OK;

    for (size_t i = frame->first; code == OK && i < frame->end; i++) {
        const struct tree_node *node = rows->active[i].node;

        code = add_candidate(rows, frame->end, node, true, false, err);
        if (code == OK && node->any != NULL)
            code = add_any(rows, frame, node->any, err);
        if (node->level != TREE_NONE && (node->row || node->any != NULL)) {
            rows->at.size = frame->at_size;
            place_add_number(&rows->at, rows->implied_next[node->level]++);
        }
    }
    return code;
}

static enum code find_element(struct tree_rows *rows, struct frame *frame, struct error *err)
{
    uint64_t index = frame->index++;
    enum code code = OK;

    for (size_t i = frame->first; code == OK && i < frame->end; i++) {
        const struct active active = rows->active[i];
        const struct tree_node *node = active.node;
        size_t before = rows->active_count;

        for (uint32_t k = 0; node->indexed && !active.text && code == OK && k < node->child_count;
             k++)
            if (node->children[k]->index == index)
                code = add_candidate(rows, frame->end, node->children[k], false, false, err);
        if (code == OK && node->any != NULL && !active.through && !active.text)
            code = add_any(rows, frame, node->any, err);
        if (node->level != TREE_NONE && on_chain(rows, before)) {
            rows->at.size = frame->at_size;
            place_add_number(&rows->at, index);
        }
    }
    return code;
}

/* A document begins. */
static enum code find_root(struct tree_rows *rows, struct error *err)
{
    rows->at.size = 0;
    if (rows->plan->documents)
        place_add_number(&rows->at, rows->documents);
    rows->documents++;
    rows->active_count = 0;
    slots_begin_document(&rows->slots);
    return add_candidate(rows, 0, rows->plan->root, false, false, err);
}

static enum code find_candidates(struct tree_rows *rows, struct error *err)
{
    struct frame *frame;

    if (rows->frame_count == 0)
        return find_root(rows, err);
    frame = &rows->frames[rows->frame_count - 1];
    if (!frame->array)
        return OK; /* its key has found them */
    rows->active_count = frame->end;
    return frame->implied ? find_implied(rows, frame, err) : find_element(rows, frame, err);
}

/* --- containers --- */

static enum code open_frame(struct tree_rows *rows, size_t first, const struct tree_event *event,
                            bool row, struct error *err)
{
    struct frame *frame;

    if (rows->frame_count == rows->frame_room) {
        size_t room = rows->frame_room * 2;
        struct frame *frames = realloc(rows->frames, room * sizeof(*frames));

        if (frames == NULL)
            return no_memory(err);
        rows->frames = frames;
        rows->frame_room = room;
    }
    frame = &rows->frames[rows->frame_count++];
    *frame = (struct frame){
        .first = first,
        .end = rows->active_count,
        .id = event->implied && rows->frame_count > 1 ? frame[-1].id : ++rows->containers,
        .at_size = rows->at.size,
        .array = event->kind == TREE_ARRAY,
        .implied = event->implied,
        .row = row,
    };
    return OK;
}

static enum code take_end(struct tree_rows *rows, struct error *err)
{
    const struct frame *frame = &rows->frames[--rows->frame_count];

    rows->active_count = frame->first;
    if (frame->row && rows->plan->zip)
        rows->parent = frame->id;
    return frame->row ? end_row(rows, frame->at_size, err) : OK;
}

static enum code take_value(struct tree_rows *rows, const struct tree_event *event,
                            struct error *err)
{
    bool container = event->kind == TREE_OBJECT || event->kind == TREE_ARRAY, row = false;
    enum code code = find_candidates(rows, err);
    size_t first = rows->frame_count == 0 ? 0 : rows->frames[rows->frame_count - 1].end;
    size_t end = rows->active_count;

    if (code)
        return code;
    if (first == end) {
        rows->skip = container;
        return OK;
    }
    for (size_t i = first; code == OK && i < end; i++) {
        const struct active *active = &rows->active[i];

        if (!event->implied || (active->node->column != TREE_NONE && !active->node->star))
            code = begin_node(rows, active, event, err);
        row |= active->node->row && !event->implied && !active->text && is_last_pass(rows);
    }
    for (size_t i = first; code == OK && !event->implied && i < end; i++)
        code = set_slots(rows, &rows->active[i], event, err);
    if (code)
        return code;
    if (container)
        return open_frame(rows, first, event, row, err);
    rows->active_count = first;
    return row ? end_row(rows, rows->at.size, err) : OK;
}

static enum code take_event(void *context, const struct tree_event *event, struct error *err)
{
    struct tree_rows *rows = context;

    if (rows->skip > 0) {
        if (event->kind == TREE_END)
            rows->skip--;
        else if (event->kind == TREE_OBJECT || event->kind == TREE_ARRAY)
            rows->skip++;
        return OK;
    }
    if (event->kind == TREE_KEY)
        return take_key(rows, event->text, err);
    if (event->kind == TREE_END)
        return take_end(rows, err);
    return take_value(rows, event, err);
}

/* --- the whole --- */

static bool make_room(struct tree_rows *rows)
{
    rows->frame_room = rows->plan->depth * 2 + 2;
    rows->active_room = 64;
    rows->frames = calloc(rows->frame_room, sizeof(rows->frames[0]));
    rows->active = calloc(rows->active_room, sizeof(rows->active[0]));
    rows->implied_next = calloc(rows->plan->level_count, sizeof(rows->implied_next[0]));
    return rows->frames != NULL && rows->active != NULL && rows->implied_next != NULL;
}

enum code tree_rows_open(const struct tree_plan *plan, const struct tree_rows_limits *limits,
                         enum code (*take)(void *context, const struct tree_row *row,
                                           struct error *err),
                         void *context, struct tree_rows **rows, struct error *err)
{
    struct tree_rows *new = calloc(1, sizeof(*new));
    enum code code;

    *rows = NULL;
    if (new == NULL)
        return no_memory(err);
    new->plan = plan;
    new->limits = *limits;
    new->take = take;
    new->context = context;
    new->pass = 1;
    code = slots_init(&new->slots, plan, limits->around_bytes_max, err);
    if (code) {
        free(new);
        return code;
    }
    if (!make_room(new)) {
        tree_rows_close(new);
        return no_memory(err);
    }
    *rows = new;
    return OK;
}

struct tree_sink tree_rows_sink(struct tree_rows *rows)
{
    return (struct tree_sink){.take = take_event, .context = rows};
}

enum code tree_rows_passed(struct tree_rows *rows, struct error *err)
{
    (void)err;
    assert(rows->pass <= rows->plan->passes);
    rows->pass++;
    rows->documents = rows->containers = 0;
    return OK;
}

struct tree_value tree_rows_document(const struct tree_rows *rows, size_t slot)
{
    assert(slot < rows->plan->slot_count);
    return cell_value(&rows->slots.document_cells[slot], &rows->slots.document_texts);
}

bool tree_rows_columns(const struct tree_rows *rows)
{
    return !rows->plan->zip || !rows->object_seen || rows->column_seen;
}

bool tree_rows_lead(const struct tree_rows *rows, uint32_t levels)
{
    return rows->reached > (rows->plan->named < levels ? rows->plan->named : levels);
}

uint64_t tree_rows_count(const struct tree_rows *rows)
{
    return rows->number;
}

void tree_rows_close(struct tree_rows *rows)
{
    if (rows == NULL)
        return;
    free(rows->frames);
    free(rows->active);
    free(rows->implied_next);
    slots_release(&rows->slots);
    free(rows);
}
