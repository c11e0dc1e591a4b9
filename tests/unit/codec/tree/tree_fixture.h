/* Documents read whole, byte by byte and cut in two at every byte, their events and rows as text.
 *
 * Events: {name:"text" name:12 name:T} with T, F and N for true, false and null, [...] of arrays
 * and
 * <...> of implied ones, documents apart by a line end; a failure as "!bad_syntax line 1, …".
 * Rows: "1 /data/0 p2: a=12 b="x" c=- ../d={}" with the number of the parent as they are met. */
#ifndef WEIR_TESTS_UNIT_CODEC_TREE_TREE_FIXTURE_H
#define WEIR_TESTS_UNIT_CODEC_TREE_TREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "codec/tree/rows.h"

static const struct tree_limits fixture_limits = {.depth_max = 8, .leaf_bytes_max = 60};

struct events {
    struct buf text;
    char open[64]; /* what closes each container */
    size_t depth;
    bool space; /* before the next value */
};

static inline enum code events_take(void *context, const struct tree_event *event,
                                    struct error *err)
{
    struct events *events = context;
    struct buf *text = &events->text;

    (void)err;
    if (events->space && event->kind != TREE_END)
        buf_put_char(text, ' ');
    events->space = event->kind > TREE_KEY || event->kind == TREE_END;
    switch (event->kind) {
    case TREE_OBJECT:
    case TREE_ARRAY:
        buf_put_char(text, event->kind == TREE_OBJECT ? '{' : event->implied ? '<' : '[');
        events->open[events->depth++] = event->kind == TREE_OBJECT ? '}'
                                        : event->implied           ? '>'
                                                                   : ']';
        break;
    case TREE_END:
        assert_true(events->depth > 0);
        buf_put_char(text, events->open[--events->depth]);
        break;
    case TREE_KEY:
        buf_printf(text, "%.*s:", BYTES_ARG(event->text));
        break;
    case TREE_TEXT:
        buf_printf(text, "\"%.*s\"", BYTES_ARG(event->text));
        break;
    case TREE_NUMBER:
        buf_put(text, event->text);
        break;
    case TREE_TRUE:
    case TREE_FALSE:
    case TREE_NULL:
        buf_put_char(text, "TFN"[event->kind - TREE_TRUE]);
        break;
    }
    if (events->depth == 0) {
        buf_put_char(text, '\n');
        events->space = false;
    }
    return OK;
}

/* In pieces of `first` and then `piece` bytes, each a copy with nothing behind it. */
static inline enum code fixture_feed(const struct tree_format *format,
                                     const struct tree_limits *limits,
                                     const struct tree_columns *columns,
                                     const struct tree_sink *sink, struct bytes body, size_t first,
                                     size_t piece, struct error *err)
{
    struct tree_reader *reader = NULL;
    enum code code = format->open(limits, columns, sink, &reader, err);

    for (size_t at = 0; at < body.size && code == OK;) {
        size_t end = at + (at == 0 ? first : piece);
        char *copy;

        end = end < body.size ? end : body.size;
        copy = malloc(end - at);
        memcpy(copy, body.data + at, end - at);
        code = format->feed(reader, (struct bytes){copy, end - at}, err);
        free(copy);
        at = end;
    }
    if (code == OK)
        code = format->finish(reader, err);
    format->close(reader);
    assert_int_equal(code, err->code);
    return code;
}

static inline void events_read(struct events *events, const struct tree_format *format,
                               const struct tree_limits *limits, const struct tree_columns *columns,
                               struct bytes body, size_t first, size_t piece)
{
    struct tree_sink sink = {events_take, events};
    struct error err = {0};

    buf_clear(&events->text);
    events->depth = 0;
    events->space = false;
    if (fixture_feed(format, limits, columns, &sink, body, first, piece, &err) != OK)
        buf_printf(&events->text, "!%s %s", code_row(err.code)->slug, err.text);
    else
        assert_int_equal(events->depth, 0);
    buf_put_char(&events->text, '\0');
}

/* Whole, cut in two at every byte, and byte by byte. */
static inline void expect_events(const struct tree_format *format,
                                 const struct tree_columns *columns, const char *name,
                                 struct bytes body, const char *want)
{
    struct events events = {.text = BUF_INIT(1 << 20)};

    for (size_t first = 0; first <= body.size; first++) {
        size_t piece = first == 0 ? 1 : body.size;

        events_read(&events, format, &fixture_limits, columns, body, first == 0 ? 1 : first, piece);
        if (strcmp(events.text.data, want) != 0)
            fail_msg("%s, cut at %zu:\n got: %s\nwant: %s", name, first, events.text.data, want);
    }
    buf_release(&events.text);
}

/* --- rows --- */

enum { FIXTURE_SLOTS_MAX = 8 };

struct rows_case {
    const char *name;
    const struct tree_format *format;
    const char *rows;
    bool zip;
    const char *slots[FIXTURE_SLOTS_MAX]; /* with '!' before it: of the document */
    const char *body;
    const char *want;
};

struct rows_seen {
    const struct rows_case *one;
    struct buf text;
    uint64_t parents[64];
    size_t parent_count;
};

static inline void put_value(struct buf *out, const struct tree_value *value)
{
    static const char *const kinds[] = {
        [TREE_OBJECT] = "{}",
        [TREE_ARRAY] = "[]",
        [TREE_END] = "-",
        [TREE_KEY] = "KEY",
    };

    if (value->kind == TREE_TEXT)
        buf_printf(out, "\"%.*s\"", BYTES_ARG(value->text));
    else if (value->kind > TREE_KEY)
        buf_put(out, value->text);
    else
        buf_put_text(out, kinds[value->kind]);
}

static inline enum code rows_take(void *context, const struct tree_row *row, struct error *err)
{
    struct rows_seen *seen = context;
    size_t parent = 0;

    (void)err;
    while (parent < seen->parent_count && seen->parents[parent] != row->parent)
        parent++;
    if (parent == seen->parent_count) {
        assert_true(parent < COUNT_OF(seen->parents));
        seen->parents[seen->parent_count++] = row->parent;
    }
    buf_printf(&seen->text, "%llu %s p%zu:", (unsigned long long)row->number, row->at, parent + 1);
    for (size_t i = 0; i < FIXTURE_SLOTS_MAX && seen->one->slots[i] != NULL; i++) {
        if (seen->one->slots[i][0] == '!')
            continue;
        buf_printf(&seen->text, " %s=", seen->one->slots[i]);
        put_value(&seen->text, &row->slots[i]);
    }
    buf_put_char(&seen->text, '\n');
    return OK;
}

static inline enum code rows_plan(const struct rows_case *one, struct arena *arena,
                                  const struct tree_plan **plan, struct error *err)
{
    struct tree_slot slots[FIXTURE_SLOTS_MAX] = {0};
    struct tree_path rows;
    size_t count = 0;

    assert_int_equal(tree_path_parse(bytes_of(one->rows), true, arena, &rows, err), OK);
    for (; count < FIXTURE_SLOTS_MAX && one->slots[count] != NULL; count++) {
        slots[count].document = one->slots[count][0] == '!';
        assert_int_equal(tree_path_parse(bytes_of(one->slots[count] + slots[count].document), false,
                                         arena, &slots[count].path, err),
                         OK);
    }
    return tree_plan_make(&rows, one->zip, slots, count, arena, plan, err);
}

static inline void rows_read(struct rows_seen *seen, const struct tree_plan *plan,
                             const struct tree_rows_limits *limits, size_t first, size_t piece)
{
    static const struct tree_limits wide = {.depth_max = 30, .leaf_bytes_max = 1000};
    const struct rows_case *one = seen->one;
    struct tree_rows *rows = NULL;
    struct error err = {0};
    enum code code = tree_rows_open(plan, limits, rows_take, seen, &rows, &err);

    buf_clear(&seen->text);
    seen->parent_count = 0;
    for (unsigned pass = 0; code == OK && pass < tree_plan_passes(plan); pass++) {
        struct tree_sink sink = tree_rows_sink(rows);

        code =
            fixture_feed(one->format, &wide, NULL, &sink, bytes_of(one->body), first, piece, &err);
        if (code == OK)
            code = tree_rows_passed(rows, &err);
    }
    for (size_t i = 0; code == OK && i < FIXTURE_SLOTS_MAX && one->slots[i] != NULL; i++)
        if (one->slots[i][0] == '!') {
            struct tree_value value = tree_rows_document(rows, i);

            buf_printf(&seen->text, "%s ", one->slots[i]);
            put_value(&seen->text, &value);
            buf_put_char(&seen->text, '\n');
        }
    if (code)
        buf_printf(&seen->text, "!%s %s\n", code_row(code)->slug, err.text);
    buf_put_char(&seen->text, '\0');
    tree_rows_close(rows);
}

static inline void expect_rows_within(const struct rows_case *one,
                                      const struct tree_rows_limits *limits)
{
    struct rows_seen seen = {.one = one, .text = BUF_INIT(1 << 20)};
    const struct tree_plan *plan = NULL;
    struct error err = {0};
    struct arena arena;

    arena_init(&arena, (size_t)1 << 20, NULL);
    if (rows_plan(one, &arena, &plan, &err) != OK)
        fail_msg("%s: %s", one->name, err.text);
    for (size_t first = 0; first <= strlen(one->body); first++) {
        rows_read(&seen, plan, limits, first == 0 ? 1 : first, first == 0 ? 1 : SIZE_MAX / 2);
        if (strcmp(seen.text.data, one->want) != 0)
            fail_msg("%s, cut at %zu:\n got: %s\nwant: %s", one->name, first, seen.text.data,
                     one->want);
    }
    arena_release(&arena);
    buf_release(&seen.text);
}

static inline void expect_rows(const struct rows_case *one)
{
    static const struct tree_rows_limits limits = {.rows_max = 1000, .around_bytes_max = 1 << 16};

    expect_rows_within(one, &limits);
}

#endif
