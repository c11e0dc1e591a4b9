#include "ingest/source/source_reader.h"

#include <stdarg.h>
#include <stdio.h>

enum { POINTER_SIZE_MAX = 256 << 10 }; /* a document has 64 KiB, each '~' of which becomes two */

void source_enter(struct source_reader *reader, struct source_at *at, struct bytes key)
{
    *at = (struct source_at){.around = reader->at, .key = key};
    reader->at = at;
}

void source_enter_element(struct source_reader *reader, struct source_at *at, size_t index)
{
    *at = (struct source_at){.around = reader->at, .index = index};
    reader->at = at;
}

void source_leave(struct source_reader *reader)
{
    reader->at = reader->at->around;
}

/* The depth of documents is bounded, so that the recursion is. */
static void put_pointer(struct buf *out, const struct source_at *at)
{
    if (at == NULL)
        return;
    put_pointer(out, at->around);
    if (at->key.data == NULL) {
        buf_printf(out, "/%zu", at->index);
        return;
    }
    buf_put_char(out, '/');
    for (size_t i = 0; i < at->key.size; i++) {
        char c = at->key.data[i];

        if (c == '~' || c == '/')
            buf_put_char(out, '~');
        buf_put_char(out, (char)(c == '~' ? '0' : c == '/' ? '1' : c));
    }
}

struct bytes source_pointer(struct source_reader *reader)
{
    struct buf text = BUF_INIT(POINTER_SIZE_MAX);
    struct bytes pointer = BYTES("");

    put_pointer(&text, reader->at);
    if (buf_finish(&text, NULL) == OK)
        pointer = arena_copy(reader->speech, buf_bytes(&text));
    else
        reader->starved = true;
    buf_release(&text);
    return source_has(reader, pointer.data) ? pointer : BYTES("");
}

static void add_fault(struct source_reader *reader, struct bytes pointer, const char *text)
{
    struct source_faults *faults = reader->faults;
    struct error printable = {0};
    struct bytes copy;

    if (faults->count == COUNT_OF(faults->items)) {
        faults->more++;
        return;
    }
    (void)error_set(&printable, E_BAD_PARAMETER, "%s", text);
    copy = arena_copy(reader->speech, bytes_of(printable.text));
    if (source_has(reader, copy.data) && source_has(reader, pointer.data))
        faults->items[faults->count++] = (struct source_fault){pointer, copy};
}

void source_fault_at(struct source_reader *reader, struct bytes pointer, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_fault(reader, pointer, text);
}

void source_fault(struct source_reader *reader, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_fault(reader, source_pointer(reader), text);
}

void source_fault_key(struct source_reader *reader, const char *key, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    struct source_at at;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    source_enter(reader, &at, bytes_of(key));
    add_fault(reader, source_pointer(reader), text);
    source_leave(reader);
}

bool source_good(struct source_reader *reader, enum code code, const struct error *err)
{
    if (code == E_MEMORY)
        reader->starved = true;
    else if (code != OK)
        source_fault(reader, "%s", err->text);
    return code == OK;
}

bool source_has(struct source_reader *reader, const void *memory)
{
    if (memory == NULL)
        reader->starved = true;
    return memory != NULL;
}

bool source_is(struct source_reader *reader, const struct json *value, enum json_kind kind,
               const char *want)
{
    if (json_kind(value) != kind)
        source_fault(reader, "it is %s; want %s", json_kind_name(json_kind(value)), want);
    return json_kind(value) == kind;
}
