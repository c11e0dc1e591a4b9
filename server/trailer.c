#include "server/trailer.h"

#include "codec/json_doc.h"

enum { DEPTH_MAX = 8 };

enum code trailer_take(void *context, struct bytes piece, struct error *err)
{
    struct trailer *trailer = context;
    struct buf *held = &trailer->held;
    const char *newline;
    size_t size;
    enum code code;

    buf_put(held, piece);
    code = buf_finish(held, err);
    if (code || held->size < 2)
        return code;
    newline = memrchr(held->data, '\n', held->size - 1);
    if (!newline)
        return OK;
    size = (size_t)(newline - held->data) + 1;
    code = trailer->take(trailer->context, bytes_slice(buf_bytes(held), 0, size), err);
    memmove(held->data, held->data + size, held->size - size);
    held->size -= size;
    return code;
}

/* The object that stands behind `key` in the last line; NULL = it is no such line. */
static struct json *last_line(const struct trailer *trailer, const char *key, struct json **root)
{
    struct bytes line = buf_bytes(&trailer->held);
    size_t prefix = strlen(trailer->prefix);

    *root = NULL;
    if (line.size < prefix || memcmp(line.data, trailer->prefix, prefix) != 0 ||
        json_doc_parse(bytes_slice(line, prefix, line.size), DEPTH_MAX, root, NULL))
        return NULL;
    return json_member(*root, key);
}

enum code trailer_finish(struct trailer *trailer, struct trailer_end *end, struct error *err)
{
    struct json *root, *said = last_line(trailer, "_end", &root), *value;
    enum code code = OK;

    if (!said) {
        json_doc_free(root);
        return error_set(err, E_PARTIAL, "the answer does not say that it is whole");
    }
    value = json_member(said, "rows");
    end->rows =
        value && json_kind(value) == JSON_KIND_INTEGER ? (uint64_t)json_integer_of(value) : 0;
    value = json_member(said, "partial");
    end->partial = value && json_kind(value) == JSON_KIND_BOOL && json_bool_of(value);
    value = json_member(said, "next");
    buf_clear(&end->next);
    if (value && json_kind(value) == JSON_KIND_TEXT)
        buf_put(&end->next, json_text_of(value));
    code = buf_finish(&end->next, err);
    json_doc_free(root);
    buf_clear(&trailer->held);
    return code;
}

void trailer_explain(const struct trailer *trailer, struct error *err)
{
    struct json *root, *said = last_line(trailer, "_error", &root), *detail;

    detail = said ? json_member(said, "detail") : NULL;
    if (detail && json_kind(detail) == JSON_KIND_TEXT)
        error_context(err, "%.*s", BYTES_ARG(json_text_of(detail)));
    json_doc_free(root);
}

void trailer_release(struct trailer *trailer)
{
    buf_release(&trailer->held);
}
