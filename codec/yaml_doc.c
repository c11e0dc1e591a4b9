/* Events of libyaml become nodes; the depth is bounded, so that the recursion is. */
#include "codec/yaml_doc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "base/map.h"
#include "base/nearest.h"

enum { DEPTH_MAX = 16 };

struct yaml_reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct error *err;
};

static enum code refuse_line(size_t line, struct error *err, const char *format, va_list arguments)
{
    char text[ERROR_TEXT_SIZE];

    (void)vsnprintf(text, sizeof(text), format, arguments);
    error_set(err, E_CONFIG, "line %zu: %s", line, text);
    if (err)
        err->line = (uint32_t)line;
    return E_CONFIG;
}

enum code yaml_refuse(const struct yaml_node *node, struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    refuse_line(node->line, err, format, arguments);
    va_end(arguments);
    return E_CONFIG;
}

PRINTF_LIKE(3, 4)
static enum code refuse_mark(struct yaml_reader *reader, yaml_mark_t mark, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    refuse_line(mark.line + 1, reader->err, format, arguments);
    va_end(arguments);
    return E_CONFIG;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the document");
}

/* The next event; the caller deletes it after OK. */
static enum code event_next(struct yaml_reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event))
        return OK;
    if (parser->error == YAML_MEMORY_ERROR)
        return no_memory(reader->err);
    if (parser->error == YAML_READER_ERROR)
        return error_set(reader->err, E_CONFIG, "byte %zu: %s", parser->problem_offset,
                         parser->problem);
    return refuse_mark(reader, parser->problem_mark, "%s%s%s", parser->problem,
                       parser->context ? " " : "", parser->context ? parser->context : "");
}

static enum code plain_only(struct yaml_reader *reader, const yaml_event_t *event)
{
    const unsigned char *anchor = NULL, *tag = NULL;

    switch (event->type) {
    case YAML_ALIAS_EVENT:
        anchor = event->data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return refuse_mark(reader, event->start_mark, "anchors and aliases (\"%s\") are not taken",
                           (const char *)anchor);
    if (tag)
        return refuse_mark(reader, event->start_mark, "tags (\"%s\") are not taken",
                           (const char *)tag);
    return OK;
}

static enum code node_make(struct yaml_reader *reader, const yaml_event_t *event, unsigned depth,
                           struct yaml_node **node);

/* Elements up to the end of the list, or members up to the end of the map. */
static enum code children_read(struct yaml_reader *reader, struct yaml_node *parent,
                               yaml_event_type_t end, unsigned depth)
{
    const struct yaml_node **last = &parent->first;
    struct map keys = MAP_INIT;
    enum code code = OK;

    while (!code) {
        struct yaml_node *child = NULL, *name = NULL;
        yaml_event_t event;

        code = event_next(reader, &event);
        if (code)
            break;
        if (event.type == end) {
            yaml_event_delete(&event);
            break;
        }
        code = node_make(reader, &event, depth, parent->kind == YAML_KIND_MAP ? &name : &child);
        yaml_event_delete(&event);
        if (!code && name && name->kind != YAML_KIND_TEXT)
            code = yaml_refuse(name, reader->err, "a key must be text");
        if (!code && name && map_get(&keys, name->text))
            code =
                yaml_refuse(name, reader->err, "key \"%.*s\" stands twice", BYTES_ARG(name->text));
        if (!code && name && !map_put(&keys, name->text, name))
            code = no_memory(reader->err);
        if (!code && name)
            code = event_next(reader, &event);
        if (!code && name) {
            code = node_make(reader, &event, depth, &child);
            yaml_event_delete(&event);
        }
        if (code)
            break;
        assert(child != NULL);
        if (name) {
            child->key = name->text;
            child->line = name->line;
        }
        *last = child;
        last = &child->next;
        parent->count++;
    }
    map_release(&keys);
    return code;
}

static enum code node_make(struct yaml_reader *reader, const yaml_event_t *event, unsigned depth,
                           struct yaml_node **made)
{
    struct yaml_node *node;
    enum code code = plain_only(reader, event);

    if (code)
        return code;
    if (depth == DEPTH_MAX)
        return refuse_mark(reader, event->start_mark, "nested deeper than %d", DEPTH_MAX);
    node = ARENA_NEW(reader->arena, struct yaml_node);
    if (!node)
        return no_memory(reader->err);
    node->line = (uint32_t)event->start_mark.line + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = YAML_KIND_TEXT;
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->text =
            arena_copy(reader->arena, (struct bytes){(const char *)event->data.scalar.value,
                                                     event->data.scalar.length});
        if (!node->text.data)
            return no_memory(reader->err);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_KIND_LIST;
        code = children_read(reader, node, YAML_SEQUENCE_END_EVENT, depth + 1);
        break;
    default:
        assert(event->type == YAML_MAPPING_START_EVENT);
        node->kind = YAML_KIND_MAP;
        code = children_read(reader, node, YAML_MAPPING_END_EVENT, depth + 1);
        break;
    }
    *made = node;
    return code;
}

/* Stream start, at most one document, stream end. */
static enum code document_read(struct yaml_reader *reader, const struct yaml_node **root)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    struct yaml_node *node = NULL;
    bool begun = false;
    enum code code = OK;

    while (!code && type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;

        code = event_next(reader, &event);
        if (code)
            break;
        type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && begun)
            code = refuse_mark(reader, event.start_mark, "a second document begins");
        begun = begun || type == YAML_DOCUMENT_START_EVENT;
        if (!code && type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
            type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT)
            code = node_make(reader, &event, 0, &node);
        yaml_event_delete(&event);
    }
    if (!code && node && node->kind == YAML_KIND_TEXT && node->plain && node->text.size == 0)
        node = NULL; /* "---" and nothing */
    if (!code)
        *root = node;
    return code;
}

enum code yaml_doc_parse(struct bytes text, struct arena *arena, const struct yaml_node **root,
                         struct error *err)
{
    struct yaml_reader reader = {.arena = arena, .err = err};
    enum code code;

    if (!yaml_parser_initialize(&reader.parser))
        return no_memory(err);
    yaml_parser_set_input_string(&reader.parser,
                                 (const unsigned char *)(text.size ? text.data : ""), text.size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    code = document_read(&reader, root);
    yaml_parser_delete(&reader.parser);
    return code;
}

enum code yaml_refuse_key(const struct yaml_node *member, const char *const *names,
                          struct error *err)
{
    const char *near = nearest_name(member->key, names);

    return yaml_refuse(member, err, "unknown key \"%.*s\"%s%s%s", BYTES_ARG(member->key),
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

enum code yaml_map_take(const struct yaml_node *map, const char *what, const struct yaml_key *keys,
                        size_t key_count, void *context, struct error *err)
{
    const char *names[YAML_KEYS_MAX + 1];

    assert(key_count <= YAML_KEYS_MAX);
    if (map->kind != YAML_KIND_MAP &&
        !(map->kind == YAML_KIND_TEXT && map->plain && map->text.size == 0))
        return yaml_refuse(map, err, "%s must be a map (key: value)", what);
    for (size_t i = 0; i < key_count; i++)
        names[i] = keys[i].name;
    names[key_count] = NULL;
    for (const struct yaml_node *member = map->first; member; member = member->next) {
        size_t i = 0;
        enum code code;

        while (i < key_count && !bytes_equal(member->key, bytes_of(keys[i].name)))
            i++;
        if (i == key_count)
            return yaml_refuse_key(member, names, err);
        code = keys[i].take(context, member, err);
        if (code)
            return code;
    }
    return OK;
}

static enum code refuse_value(const struct yaml_node *node, struct error *err, const char *fault)
{
    if (node->key.size == 0)
        return yaml_refuse(node, err, "an element %s", fault);
    return yaml_refuse(node, err, "\"%.*s\" %s", BYTES_ARG(node->key), fault);
}

enum code yaml_text_take(const struct yaml_node *node, struct bytes *text, struct error *err)
{
    if (node->kind != YAML_KIND_TEXT)
        return refuse_value(node, err, "must be a single value");
    if (node->text.size == 0)
        return refuse_value(node, err, "has no value");
    *text = node->text;
    return OK;
}
