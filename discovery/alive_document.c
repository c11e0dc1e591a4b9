#include "discovery/alive_document.h"

#include "discovery/document.h"

enum { TEXT_BYTES_MAX = 300 };

static enum code take_program(struct document *document, const struct json *value,
                              struct error *err)
{
    struct alive_document *alive = document->context;

    return document_text_take(document, value, TEXT_BYTES_MAX, &alive->program, err);
}

static enum code take_listen(struct document *document, const struct json *value, struct error *err)
{
    struct alive_document *alive = document->context;

    return document_text_take(document, value, TEXT_BYTES_MAX, &alive->listen, err);
}

static enum code take_since(struct document *document, const struct json *value, struct error *err)
{
    struct alive_document *alive = document->context;

    return document_text_take(document, value, TEXT_BYTES_MAX, &alive->since, err);
}

enum code alive_document_parse(struct bytes text, struct arena *arena,
                               struct alive_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"program", take_program},
        {"listen",  take_listen },
        {"since",   take_since  },
    };
    struct alive_document read = {
        .since = {NULL, 0}
    };
    enum code code = document_read(text, "what is alive", keys, COUNT_OF(keys), arena, &read, err);

    if (!code)
        *document = read;
    return code;
}

void alive_document_print_members(const struct alive_document *document, struct buf *out)
{
    const struct {
        const char *name;
        struct bytes text;
    } rows[] = {
        {"since",   document->since  },
        {"program", document->program},
        {"listen",  document->listen },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].text.size == 0)
            continue;
        buf_printf(out, ",\"%s\":", rows[i].name);
        json_put_text(out, rows[i].text);
    }
}

void alive_document_print(const struct alive_document *document, struct buf *out)
{
    size_t begin = out->size;

    alive_document_print_members(document, out);
    if (out->size > begin) /* in place of the first comma */
        out->data[begin] = '{';
    else
        buf_put_char(out, '{');
    buf_put_char(out, '}');
}
