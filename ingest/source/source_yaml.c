/* YAML to JSON: maps, lists and texts, of which those without quotes that JSON would take as
 * something else are that. */
#include "codec/json_doc.h"
#include "codec/yaml_doc.h"
#include "ingest/source/source.h"

enum { JSON_SIZE_MAX = 1 << 20 };

static size_t digits(struct bytes text, size_t at)
{
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at;
}

/* As RFC 8259 has it: no plus, no zero in front, digits on both sides of a point. */
static bool is_number(struct bytes text)
{
    size_t first = text.size > 0 && text.data[0] == '-', at = digits(text, first), part;

    if (at == first || (text.data[first] == '0' && at > first + 1))
        return false;
    if (at < text.size && text.data[at] == '.') {
        part = at + 1;
        at = digits(text, part);
        if (at == part)
            return false;
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        part = at + 1;
        part += part < text.size && (text.data[part] == '+' || text.data[part] == '-');
        at = digits(text, part);
        if (at == part)
            return false;
    }
    return at == text.size;
}

static bool is_literal(struct bytes text)
{
    return bytes_equal(text, BYTES("true")) || bytes_equal(text, BYTES("false")) ||
           bytes_equal(text, BYTES("null")) || is_number(text);
}

/* The depth of YAML documents is bounded, so that the recursion is. */
static void put_node(struct buf *out, const struct yaml_node *node)
{
    bool map = node->kind == YAML_KIND_MAP;

    if (node->kind == YAML_KIND_TEXT) {
        if (node->plain && node->text.size == 0)
            buf_put_text(out, "null");
        else if (node->plain && is_literal(node->text))
            buf_put(out, node->text);
        else
            json_put_text(out, node->text);
        return;
    }
    buf_put_char(out, map ? '{' : '[');
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first)
            buf_put_char(out, ',');
        if (map) {
            json_put_text(out, child->key);
            buf_put_char(out, ':');
        }
        put_node(out, child);
    }
    buf_put_char(out, map ? '}' : ']');
}

enum code source_of_yaml(struct bytes yaml, struct arena *arena, struct bytes *json,
                         struct error *err)
{
    struct buf out = BUF_INIT(JSON_SIZE_MAX);
    const struct yaml_node *root = NULL;
    enum code code = yaml_doc_parse(yaml, arena, &root, err);

    if (!code && root == NULL)
        code = error_set(err, E_CONFIG, "the document is empty; want a source");
    if (!code) {
        put_node(&out, root);
        if (out.limited)
            code = error_set(err, E_CONFIG, "the document is larger than a source may be");
        else
            code = buf_finish(&out, err);
    }
    if (!code) {
        *json = arena_copy(arena, buf_bytes(&out));
        if (json->data == NULL)
            code = error_set(err, E_MEMORY, "no memory for the document");
    }
    buf_release(&out);
    return code;
}
