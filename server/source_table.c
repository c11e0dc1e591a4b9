#include "server/source_table.h"

#include "codec/json_doc.h"
#include "server/registry_command.h"

enum { LIST_DEPTH_MAX = 32, CELL_BYTES_MAX = 4096 };

/* The text of a member, or how null is shown. */
static struct bytes cell_of(const struct json *object, const char *name)
{
    const struct json *value = json_member(object, name);

    return value != NULL && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

/* To the second: there are three of them beside each other. */
static void time_cell(const struct json *status, const char *name, struct buf *csv)
{
    struct bytes time = cell_of(status, name);
    const char *dot = time.size > 0 ? memchr(time.data, '.', time.size) : NULL;
    struct buf text = BUF_INIT(CELL_BYTES_MAX);

    buf_put(&text, bytes_slice(time, 0, dot == NULL ? time.size : (size_t)(dot - time.data)));
    if (dot != NULL)
        buf_put_char(&text, 'Z');
    registry_cell(csv, false, buf_bytes(&text));
    buf_release(&text);
}

/* What went wrong last; else what is to be looked at though nothing went wrong; else what it waits
 * for. */
static void note_cell(const struct json *status, struct buf *csv)
{
    const struct json *warnings = json_member(status, "warnings"), *first;
    struct bytes waits = cell_of(status, "waits_for"), until = cell_of(status, "waits_until");
    struct buf text = BUF_INIT(CELL_BYTES_MAX);

    buf_put(&text, cell_of(status, "error"));
    if (text.size == 0 && json_count(warnings) > 0) {
        first = json_element(warnings, 0);
        buf_printf(&text, "%.*s: %.*s", BYTES_ARG(cell_of(first, "pointer")),
                   BYTES_ARG(cell_of(first, "detail")));
    }
    if (text.size == 0 && waits.size > 0)
        buf_printf(&text, "waits for %.*s%s%.*s", BYTES_ARG(waits),
                   until.size > 0 ? ", until " : "", BYTES_ARG(until));
    registry_cell(csv, false, buf_bytes(&text));
    buf_release(&text);
}

static void list_row(const struct json *source, struct buf *csv)
{
    const struct json *status = json_member(source, "status");
    const struct json *paused = json_member(source, "paused");
    bool rests = paused != NULL && json_kind(paused) == JSON_KIND_BOOL && json_bool_of(paused);

    registry_cell(csv, true, cell_of(source, "name"));
    registry_cell(csv, false, rests ? BYTES("paused") : cell_of(status, "state"));
    time_cell(status, "next", csv);
    time_cell(status, "newest", csv);
    time_cell(status, "reached", csv);
    note_cell(status, csv);
    buf_put_char(csv, '\n');
}

enum code source_table_print(struct bytes answer, struct error *err)
{
    struct buf csv = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    struct json *root = NULL;
    const struct json *list;
    enum code code = json_doc_parse(answer, LIST_DEPTH_MAX, &root, err);

    buf_put_text(&csv, "name,state,next,newest,reached,note\n");
    list = json_member(root, "sources");
    if (code == OK && (list == NULL || json_kind(list) != JSON_KIND_ARRAY))
        code = error_set(err, E_IO, "the answer is no list of sources");
    for (size_t i = 0; code == OK && i < json_count(list); i++)
        list_row(json_element(list, i), &csv);
    if (code == OK)
        code = buf_finish(&csv, err);
    if (code == OK)
        code = registry_table_print(buf_bytes(&csv), err);
    json_doc_free(root);
    buf_release(&csv);
    return code;
}
