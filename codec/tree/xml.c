/* XML as events, by expat.  What an element is shows only as it goes on: a text, or an object,
 * which it becomes with an attribute or the first child.  So the newest element is "pending" until
 * then; those around it are objects.
 *
 * Texts of open elements stand behind one another in one buffer, since a child's is gone when its
 * parent's goes on. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "codec/tree/tree.h"

/* A token (a tag with its attributes, a comment) is held whole by expat; PIECE_SIZE_MAX is how much
 * it gets at once, so that it is soon seen when one is too long. */
enum { PIECE_SIZE_MAX = 64 << 10, DEPTH_FIRST = 32, BEGIN_SIZE = 4 };

/* Expat keeps each name of an element or attribute until the document ends, with about so much
 * around it: a host that makes up new ones had all memory. */
enum { NAMES_BYTES_MAX = 4 << 20, NAME_COST = 128 };

struct tree_reader {
    struct tree_sink sink;
    struct tree_limits limits;
    XML_Parser parser;
    enum code code;    /* what ended the reading, within one of expat's calls */
    struct error *err; /* during them */
    struct buf texts;
    size_t *first; /* owned; of each open element: where its text begins in `texts` */
    uint32_t depth, room;
    bool pending; /* the innermost may still be a text */
    uint64_t fed;
    char begin[BEGIN_SIZE]; /* until there are so many: expat tells the encoding by its first piece
                             */
    size_t begin_size;
    bool begun;
    struct map names; /* that came so far; in `kept` */
    struct arena kept;
    size_t names_bytes;
};

static void stop(struct tree_reader *reader, enum code code)
{
    reader->code = code;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void fail(struct tree_reader *reader, enum code code, const char *what)
{
    unsigned long line = XML_GetCurrentLineNumber(reader->parser);

    (void)error_set(reader->err, code, "line %lu, column %lu: %s", line,
                    (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, what);
    if (reader->err != NULL)
        reader->err->line = (uint32_t)line;
    stop(reader, code);
}

static void no_memory(struct tree_reader *reader)
{
    stop(reader, error_set(reader->err, E_MEMORY, "no memory for an element of the document"));
}

static void emit(struct tree_reader *reader, enum tree_kind kind, struct bytes text)
{
    struct tree_event event = {.kind = kind, .text = text, .implied = kind == TREE_ARRAY};
    enum code code;

    if (reader->code)
        return;
    code = reader->sink.take(reader->sink.context, &event, reader->err);
    if (code)
        stop(reader, code);
}

static void emit_mark(struct tree_reader *reader, enum tree_kind kind)
{
    emit(reader, kind, (struct bytes){0});
}

static struct bytes local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return bytes_of(colon == NULL ? name : colon + 1);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_namespace(const char *name)
{
    return strcmp(name, "xmlns") == 0 || strncmp(name, "xmlns:", 6) == 0;
}

static void check_size(struct tree_reader *reader, size_t size)
{
    if (!reader->code && size > reader->limits.leaf_bytes_max)
        fail(reader, E_VALUE_LONG, "longer than a text or name may be");
}

static void note_name(struct tree_reader *reader, const char *name)
{
    struct bytes text = bytes_of(name), copy;
    uint64_t hash = map_hash(text);

    if (reader->code || map_get_hashed(&reader->names, text, hash) != NULL)
        return;
    reader->names_bytes += text.size + NAME_COST;
    if (reader->names_bytes > NAMES_BYTES_MAX) {
        fail(reader, E_VALUE_LONG, "more different names of elements and attributes than may be");
        return;
    }
    copy = arena_copy(&reader->kept, text);
    if (copy.data == NULL || !map_put_hashed(&reader->names, copy, hash, reader))
        no_memory(reader);
}

static void emit_attribute(struct tree_reader *reader, const char *name, const char *value)
{
    struct bytes local = local_name(name);
    size_t keep = reader->texts.size;

    check_size(reader, local.size + 1);
    check_size(reader, strlen(value));
    buf_put_char(&reader->texts, '@');
    buf_put(&reader->texts, local);
    if (!reader->code && reader->texts.failed)
        no_memory(reader);
    if (reader->code)
        return;
    emit(reader, TREE_KEY, bytes_slice(buf_bytes(&reader->texts), keep, reader->texts.size));
    emit(reader, TREE_TEXT, bytes_of(value));
    reader->texts.size = keep;
}

/* Of the element whose tag begins. */
static bool push(struct tree_reader *reader)
{
    if (reader->depth == reader->limits.depth_max) {
        char what[64];

        (void)snprintf(what, sizeof(what), "nested deeper than the %u levels allowed",
                       reader->limits.depth_max);
        fail(reader, E_DEPTH, what);
        return false;
    }
    if (reader->depth == reader->room) {
        uint32_t room = reader->room == 0 ? DEPTH_FIRST : reader->room * 2;
        size_t *first = realloc(reader->first, room * sizeof(*first));

        if (first == NULL) {
            no_memory(reader);
            return false;
        }
        reader->first = first;
        reader->room = room;
    }
    reader->first[reader->depth++] = reader->texts.size;
    return true;
}

static void XMLCALL start_element(void *context, const char *name, const char **attributes)
{
    struct tree_reader *reader = context;
    struct bytes local = local_name(name);

    if (reader->code)
        return;
    if (reader->depth == 0 || reader->pending) /* the document, or what is around it */
        emit_mark(reader, TREE_OBJECT);
    check_size(reader, local.size);
    note_name(reader, name);
    if (reader->code || !push(reader))
        return;
    emit(reader, TREE_KEY, local);
    emit_mark(reader, TREE_ARRAY);
    reader->pending = true;
    for (; *attributes != NULL && !reader->code; attributes += 2) {
        note_name(reader, attributes[0]);
        if (is_namespace(attributes[0]))
            continue;
        if (reader->pending)
            emit_mark(reader, TREE_OBJECT);
        reader->pending = false;
        emit_attribute(reader, attributes[0], attributes[1]);
    }
}

static void XMLCALL end_element(void *context, const char *name)
{
    struct tree_reader *reader = context;
    struct bytes text;
    size_t first;

    (void)name;
    if (reader->code)
        return;
    first = reader->first[--reader->depth];
    text = first == reader->texts.size
               ? BYTES("")
               : bytes_slice(buf_bytes(&reader->texts), first, reader->texts.size);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    if (reader->pending) {
        emit(reader, TREE_TEXT, text);
    } else {
        if (text.size > 0) {
            emit(reader, TREE_KEY, BYTES("#text"));
            emit(reader, TREE_TEXT, text);
        }
        emit_mark(reader, TREE_END);
    }
    emit_mark(reader, TREE_END);
    reader->texts.size = first;
    reader->pending = false;
    if (reader->depth == 0)
        emit_mark(reader, TREE_END);
}

/* Of the innermost element.  White space before its first word is nothing. */
static void XMLCALL take_text(void *context, const char *data, int size)
{
    struct tree_reader *reader = context;
    struct bytes part = {data, (size_t)size};

    if (reader->code || reader->depth == 0)
        return;
    if (reader->texts.size == reader->first[reader->depth - 1])
        while (part.size > 0 && is_space(part.data[0]))
            part = bytes_slice(part, 1, part.size);
    buf_put(&reader->texts, part);
    if (reader->texts.failed)
        no_memory(reader);
    check_size(reader, reader->texts.size - reader->first[reader->depth - 1]);
}

/* Entities that a document declares can make gigabytes of a line; nobody's API needs them. */
static void XMLCALL start_doctype(void *context, const char *name, const char *system,
                                  const char *public, int has_declarations)
{
    struct tree_reader *reader = context;

    (void)name, (void)system, (void)public;
    if (has_declarations && !reader->code)
        fail(reader, E_SYNTAX, "a DOCTYPE with declarations of its own is not read");
}

/* Of a DOCTYPE that is elsewhere, which is not loaded. */
static void XMLCALL skipped_entity(void *context, const char *name, int is_parameter)
{
    struct tree_reader *reader = context;

    (void)name, (void)is_parameter;
    if (!reader->code)
        fail(reader, E_SYNTAX, "an entity that the document does not have");
}

static enum code parse(struct tree_reader *reader, struct bytes piece, bool final,
                       struct error *err)
{
    enum XML_Status status;
    enum XML_Error fault;

    reader->err = err;
    status = XML_Parse(reader->parser, piece.data, (int)piece.size, final);
    fault = XML_GetErrorCode(reader->parser);
    reader->fed += piece.size;
    if (status != XML_STATUS_OK && !reader->code) {
        if (fault == XML_ERROR_NO_MEMORY)
            no_memory(reader);
        else
            fail(reader, E_SYNTAX, XML_ErrorString(fault));
    }
    if (!reader->code && !final) {
        int64_t at = XML_GetCurrentByteIndex(reader->parser);

        if (at >= 0 && reader->fed - (uint64_t)at > reader->limits.leaf_bytes_max + PIECE_SIZE_MAX)
            fail(reader, E_VALUE_LONG, "a tag or comment longer than a text may be");
    }
    reader->err = NULL;
    return reader->code;
}

static enum code begin(struct tree_reader *reader, struct error *err)
{
    struct bytes first = {reader->begin, reader->begin_size};

    reader->begun = true;
    return first.size == 0 ? OK : parse(reader, first, false, err);
}

static enum code reader_feed(struct tree_reader *reader, struct bytes piece, struct error *err)
{
    size_t room = BEGIN_SIZE - reader->begin_size, size = piece.size < room ? piece.size : room;
    enum code code = OK;

    if (!reader->begun) {
        if (size > 0)
            memcpy(reader->begin + reader->begin_size, piece.data, size);
        reader->begin_size += size;
        piece = bytes_slice(piece, size, piece.size);
        code = reader->begin_size < BEGIN_SIZE ? OK : begin(reader, err);
    }
    for (size_t at = 0; code == OK && at < piece.size; at += PIECE_SIZE_MAX)
        code =
            parse(reader,
                  bytes_slice(piece, at,
                              piece.size - at > PIECE_SIZE_MAX ? at + PIECE_SIZE_MAX : piece.size),
                  false, err);
    return code;
}

static enum code reader_finish(struct tree_reader *reader, struct error *err)
{
    enum code code = reader->begun ? OK : begin(reader, err);

    return code ? code : parse(reader, (struct bytes){0}, true, err);
}

static void reader_close(struct tree_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->parser != NULL)
        XML_ParserFree(reader->parser);
    buf_release(&reader->texts);
    map_release(&reader->names);
    arena_release(&reader->kept);
    free(reader->first);
    free(reader);
}

static enum code reader_open(const struct tree_limits *limits, const struct tree_columns *columns,
                             const struct tree_sink *sink, struct tree_reader **reader,
                             struct error *err)
{
    struct tree_reader *new = calloc(1, sizeof(*new));

    (void)columns;
    *reader = NULL;
    if (new != NULL) {
        arena_init(&new->kept, SIZE_MAX, NULL);
        new->parser = XML_ParserCreate(NULL);
    }
    if (new == NULL || new->parser == NULL) {
        reader_close(new);
        return error_set(err, E_MEMORY, "no memory for a reader of XML");
    }
    new->sink = *sink;
    new->limits = *limits;
    new->texts = BUF_INIT(SIZE_MAX); /* a leaf at most of each that is open */
    XML_SetUserData(new->parser, new);
    XML_SetElementHandler(new->parser, start_element, end_element);
    XML_SetCharacterDataHandler(new->parser, take_text);
    XML_SetStartDoctypeDeclHandler(new->parser, start_doctype);
    XML_SetSkippedEntityHandler(new->parser, skipped_entity);
    *reader = new;
    return OK;
}

const struct tree_format tree_xml = {"xml", reader_open, reader_feed, reader_finish, reader_close};
