/* Any bytes as a document of a format: its events are well-formed, its rows are those of their
 * plan, and both are the same in whatever pieces the bytes come, errors too.  The first byte of the
 * input chooses the plan, the second the pieces. */
#ifndef WEIR_TESTS_FUZZ_TREE_FEED_H
#define WEIR_TESTS_FUZZ_TREE_FEED_H

#include <stdlib.h>

#include "codec/tree/rows.h"
#include "codec/utf8.h"

enum { TREE_DEPTH_MAX = 12, TREE_LEAF_MAX = 100, TREE_ROWS_MAX = 1000 };

static const struct feed_plan {
    const char *rows;
    bool zip;
    const char *slots[6]; /* '!' before it: of the document */
} feed_plans[] = {
    {"/*",       false, {"a", "b", "", "0", "a/#text", "!/next"}       },
    {"/a/*/b/*", false, {"c", "../x", "../../x", "/y/0", "", "!/a/0/b"}},
    {"*",        false, {"a", "b", "/a", "c/d", "", "!/a"}             },
    {"/a",       true,  {"t", "v/x", "v", "../u", "/y", "!/a/t/0"}     },
    {"/*/h",     true,  {"t", "v", "../x"}                             },
    {"/*/*/*",   false, {"a", "../b", "@a", ".."}                      },
    {"/d/r",     false, {"a", "@k", "", "../a"}                        },
};

/* What was seen, as one number. */
struct feed_seen {
    uint64_t sum;
    struct tree_sink next; /* gets the events, too */
    bool object[2 * TREE_DEPTH_MAX + 2];
    size_t depth;
    bool key; /* a value is next */
    uint64_t rows;
};

static inline void feed_add(struct feed_seen *seen, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        seen->sum = (seen->sum ^ ((const unsigned char *)data)[i]) * 0x100000001b3U;
    seen->sum = (seen->sum ^ size) * 0x100000001b3U;
}

static inline void feed_check(bool holds)
{
    if (!holds)
        abort();
}

static inline enum code feed_event(void *context, const struct tree_event *event, struct error *err)
{
    struct feed_seen *seen = context;
    bool member = seen->depth > 0 && seen->object[seen->depth - 1];

    feed_add(seen, &event->kind, sizeof(event->kind));
    feed_add(seen, event->text.data, event->text.size);
    feed_check(event->text.size <= TREE_LEAF_MAX);
    feed_check(utf8_check(event->text) == event->text.size);
    if (event->kind == TREE_END) {
        feed_check(seen->depth > 0 && !seen->key);
        seen->depth--;
    } else if (event->kind == TREE_KEY) {
        feed_check(member && !seen->key);
        seen->key = true;
    } else {
        feed_check(seen->key == member);
        seen->key = false;
        if (event->kind <= TREE_ARRAY) {
            feed_check(seen->depth < sizeof(seen->object));
            seen->object[seen->depth++] = event->kind == TREE_OBJECT;
        }
    }
    return seen->next.take(seen->next.context, event, err);
}

static inline enum code feed_row(void *context, const struct tree_row *row, struct error *err)
{
    struct feed_seen *seen = context;

    (void)err;
    feed_check(row->number == ++seen->rows);
    feed_add(seen, row->at, strlen(row->at));
    feed_add(seen, &row->parent, sizeof(row->parent));
    for (size_t i = 0; i < COUNT_OF(feed_plans[0].slots); i++) {
        feed_check(row->slots[i].kind != TREE_KEY);
        feed_add(seen, &row->slots[i].kind, sizeof(row->slots[i].kind));
        feed_add(seen, row->slots[i].text.data, row->slots[i].text.size);
    }
    return OK;
}

static inline enum code feed_pass(const struct tree_format *format, struct feed_seen *seen,
                                  struct bytes body, size_t piece, struct error *err)
{
    static const struct tree_limits limits = {TREE_DEPTH_MAX, TREE_LEAF_MAX};
    struct tree_sink sink = {feed_event, seen};
    struct tree_reader *reader = NULL;
    enum code code = format->open(&limits, NULL, &sink, &reader, err);

    for (size_t at = 0; code == OK && at < body.size; at += piece)
        code = format->feed(
            reader, bytes_slice(body, at, body.size - at > piece ? at + piece : body.size), err);
    if (code == OK)
        code = format->finish(reader, err);
    format->close(reader);
    feed_check(code != OK || (seen->depth == 0 && !seen->key));
    return code;
}

static inline const struct tree_plan *feed_make_plan(const struct feed_plan *choice,
                                                     struct arena *arena)
{
    struct tree_slot slots[COUNT_OF(choice->slots)] = {0};
    const struct tree_plan *plan = NULL;
    struct tree_path rows;

    feed_check(tree_path_parse(bytes_of(choice->rows), true, arena, &rows, NULL) == OK);
    for (size_t i = 0; i < COUNT_OF(slots); i++) {
        const char *text = choice->slots[i] == NULL ? "missing" : choice->slots[i];

        slots[i].document = text[0] == '!';
        feed_check(tree_path_parse(bytes_of(text + slots[i].document), false, arena, &slots[i].path,
                                   NULL) == OK);
    }
    feed_check(tree_plan_make(&rows, choice->zip, slots, COUNT_OF(slots), arena, &plan, NULL) ==
               OK);
    return plan;
}

static inline enum code feed_rows(const struct tree_format *format, const struct tree_plan *plan,
                                  struct feed_seen *seen, struct bytes body, size_t piece,
                                  struct error *err)
{
    static const struct tree_rows_limits limits = {TREE_ROWS_MAX, 4000};
    struct tree_rows *rows = NULL;
    enum code code = tree_rows_open(plan, &limits, feed_row, seen, &rows, err);

    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(plan); pass++) {
        seen->next = tree_rows_sink(rows);
        seen->depth = 0;
        seen->key = false;
        code = feed_pass(format, seen, body, piece, err);
        if (code == OK)
            code = tree_rows_passed(rows, err);
    }
    feed_check(tree_rows_count(rows) == seen->rows);
    for (size_t i = 0; code == OK && i < COUNT_OF(feed_plans[0].slots); i++) {
        struct tree_value value = tree_rows_document(rows, i);

        feed_add(seen, value.text.data, value.text.size);
    }
    tree_rows_close(rows);
    return code;
}

static inline void feed_tree(const struct tree_format *format, const uint8_t *data, size_t size)
{
    struct feed_seen whole = {0}, parts = {0};
    struct error whole_err = {0}, parts_err = {0};
    const struct tree_plan *plan;
    struct arena arena;
    struct bytes body;
    enum code code, code_parts;

    if (size < 2)
        return;
    body = (struct bytes){(const char *)data + 2, size - 2};
    arena_init(&arena, (size_t)1 << 20, NULL);
    plan = feed_make_plan(&feed_plans[data[0] % COUNT_OF(feed_plans)], &arena);
    code = feed_rows(format, plan, &whole, body, body.size + 1, &whole_err);
    feed_check(code == whole_err.code && code != E_CONFLICT && code != E_MEMORY);
    code_parts = feed_rows(format, plan, &parts, body, (size_t)data[1] + 1, &parts_err);
    /* Where a fault of broken UTF-16 is, and which of two within a text is told, expat says by how
     * it came. */
    feed_check(format == &tree_xml ? (code_parts == OK) == (code == OK) : code_parts == code);
    feed_check(code_parts != code || whole.sum == parts.sum);
    feed_check(format == &tree_xml || strcmp(whole_err.text, parts_err.text) == 0);
    arena_release(&arena);
}

#endif
