#include "discovery/source_record.h"

#include "discovery/directory.h"
#include "discovery/document.h"

static const char *const states[] = {"active", "paused", "deleted", NULL};
enum { ACTIVE, PAUSED, DELETED };

static enum code take_state(struct document *document, const struct json *value, struct error *err)
{
    struct source_record *record = document->context;
    unsigned state;
    enum code code = document_choice_take(document, value, states, &state, err);

    if (code)
        return code;
    record->paused = state == PAUSED;
    record->deleted = state == DELETED;
    return OK;
}

static enum code take_document(struct document *document, const struct json *value,
                               struct error *err)
{
    struct source_record *record = document->context;
    struct bytes text;

    if (json_kind(value) != JSON_KIND_TEXT)
        return document_refuse(document, err, "must be text, not %s",
                               json_kind_name(json_kind(value)));
    text = json_text_of(value);
    if (text.size > SOURCE_DOCUMENT_BYTES_MAX)
        return document_refuse(document, err, "has %zu bytes; a document has at most %d", text.size,
                               SOURCE_DOCUMENT_BYTES_MAX);
    record->document = arena_copy(document->arena, text);
    return record->document.data ? OK : document_no_memory(err);
}

enum code source_record_parse(struct bytes text, struct arena *arena, struct source_record *record,
                              struct error *err)
{
    static const struct document_key keys[] = {
        {"state",    take_state   },
        {"document", take_document},
    };
    struct source_record read = {.deleted = false};
    enum code code = document_read(text, "a source", keys, COUNT_OF(keys), arena, &read, err);

    if (code)
        return code;
    if (!read.deleted && read.document.size == 0) {
        error_point(err, BYTES("/document"));
        return error_set(err, E_CONFIG, "/document: a source that is not deleted has one");
    }
    *record = read;
    return OK;
}

void source_record_print(const struct source_record *record, struct buf *out)
{
    buf_printf(out, "{\"state\":\"%s\"",
               states[record->deleted  ? DELETED
                      : record->paused ? PAUSED
                                       : ACTIVE]);
    if (record->document.size > 0) {
        buf_put_text(out, ",\"document\":");
        json_put_text(out, record->document);
    }
    buf_put_char(out, '}');
}

bool source_name_valid(struct bytes source)
{
    return tenant_name_valid(source) && source.data[0] != '-' && source.data[0] != '_';
}

bool source_record_name(struct bytes tenant, struct bytes source, struct buf *out)
{
    if (!source_name_valid(source))
        return false;
    buf_put(out, tenant);
    buf_put_char(out, '.');
    buf_put(out, source);
    return !out->failed;
}

bool source_record_split(struct bytes name, struct bytes *tenant, struct bytes *source)
{
    const char *dot = name.size == 0 ? NULL : memchr(name.data, '.', name.size);

    if (dot == NULL)
        return false;
    *tenant = (struct bytes){name.data, (size_t)(dot - name.data)};
    *source = bytes_slice(name, tenant->size + 1, name.size);
    return source_name_valid(*source);
}
