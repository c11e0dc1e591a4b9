#include "discovery/source_record.h"

#include "base/time_text.h"
#include "discovery/directory.h"
#include "discovery/document.h"
#include "discovery/registry.h"

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

/* --- wishes --- */

static enum code take_time(struct document *document, const struct json *value, int64_t *ns,
                           struct error *err)
{
    struct error why = {0};
    struct bytes text;
    enum code code = document_text_take(document, value, TIMESTAMP_TEXT_SIZE, &text, err);

    if (code == OK && timestamp_parse(text, ns, &why) != OK)
        code = document_refuse(document, err, "%s", why.text);
    return code;
}

static enum code take_pull(struct document *document, const struct json *value, struct error *err)
{
    struct source_record *record = document->context;

    return take_time(document, value, &record->wishes.pull_ns, err);
}

static struct source_backfill *last_backfill(struct document *document)
{
    struct source_record *record = document->context;

    return &record->wishes.backfills[record->wishes.backfill_count - 1];
}

static enum code take_start(struct document *document, const struct json *value, struct error *err)
{
    return take_time(document, value, &last_backfill(document)->start_ns, err);
}

static enum code take_end(struct document *document, const struct json *value, struct error *err)
{
    return take_time(document, value, &last_backfill(document)->end_ns, err);
}

static enum code take_asked(struct document *document, const struct json *value, struct error *err)
{
    return take_time(document, value, &last_backfill(document)->asked_ns, err);
}

static enum code take_backfill(struct document *document, const struct json *value,
                               struct error *err)
{
    static const struct document_key keys[] = {
        {"start", take_start},
        {"end",   take_end  },
        {"asked", take_asked},
    };
    struct pull_wishes *wishes = &((struct source_record *)document->context)->wishes;
    struct source_backfill *backfill;
    enum code code;

    if (wishes->backfill_count == SOURCE_BACKFILLS_MAX)
        return document_refuse(document, err, "is one more than the %d there may be",
                               SOURCE_BACKFILLS_MAX);
    backfill = &wishes->backfills[wishes->backfill_count++];
    *backfill = (struct source_backfill){0};
    code = document_map_take(document, value, "a backfill", keys, COUNT_OF(keys), err);
    if (code)
        return code;
    if (backfill->start_ns >= backfill->end_ns)
        return document_refuse(document, err, "ends before it starts, or lacks one of the two");
    if (wishes->backfill_count > 1 && backfill->asked_ns <= backfill[-1].asked_ns)
        return document_refuse(document, err, "was asked before the one in front of it");
    return OK;
}

static enum code take_backfills(struct document *document, const struct json *value,
                                struct error *err)
{
    return document_list_take(document, value, take_backfill, err);
}

static void drop_backfill(struct pull_wishes *wishes, size_t at)
{
    wishes->backfill_count--;
    memmove(&wishes->backfills[at], &wishes->backfills[at + 1],
            (wishes->backfill_count - at) * sizeof(wishes->backfills[0]));
}

void source_wish_pull(struct pull_wishes *wishes, int64_t now_ns)
{
    wishes->pull_ns = now_ns > wishes->pull_ns ? now_ns : wishes->pull_ns + 1;
}

void source_wish_backfill(struct pull_wishes *wishes, int64_t start_ns, int64_t end_ns,
                          int64_t now_ns)
{
    struct source_backfill *list = wishes->backfills;

    if (wishes->backfill_count > 0 && now_ns <= list[wishes->backfill_count - 1].asked_ns)
        now_ns = list[wishes->backfill_count - 1].asked_ns + 1;
    for (size_t i = wishes->backfill_count; i-- > 0;)
        if (start_ns <= list[i].start_ns && list[i].end_ns <= end_ns)
            drop_backfill(wishes, i); /* it has all of that */
    if (wishes->backfill_count == SOURCE_BACKFILLS_MAX) {
        if (list[0].start_ns < list[1].start_ns)
            list[1].start_ns = list[0].start_ns;
        if (list[0].end_ns > list[1].end_ns)
            list[1].end_ns = list[0].end_ns;
        drop_backfill(wishes, 0);
    }
    list[wishes->backfill_count++] = (struct source_backfill){start_ns, end_ns, now_ns};
}

static void put_time(struct buf *out, const char *before, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    buf_printf(out, "%s\"%.*s\"", before, (int)timestamp_print(ns, text), text);
}

static void print_wishes(const struct pull_wishes *wishes, struct buf *out)
{
    if (wishes->pull_ns != 0)
        put_time(out, ",\"pull\":", wishes->pull_ns);
    for (size_t i = 0; i < wishes->backfill_count; i++) {
        put_time(out, i == 0 ? ",\"backfills\":[{\"start\":" : ",{\"start\":",
                 wishes->backfills[i].start_ns);
        put_time(out, ",\"end\":", wishes->backfills[i].end_ns);
        put_time(out, ",\"asked\":", wishes->backfills[i].asked_ns);
        buf_put_char(out, '}');
    }
    if (wishes->backfill_count > 0)
        buf_put_char(out, ']');
}

/* --- the record --- */

enum code source_record_parse(struct bytes text, struct arena *arena, struct source_record *record,
                              struct error *err)
{
    static const struct document_key keys[] = {
        {"state",     take_state    },
        {"document",  take_document },
        {"pull",      take_pull     },
        {"backfills", take_backfills},
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
    print_wishes(&record->wishes, out);
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

size_t source_records_count(const struct registry_snapshot *records, struct bytes tenant)
{
    size_t first, end, count = 0;

    registry_range(records, REGISTRY_SOURCES, &first, &end);
    for (size_t i = first; i < end; i++) {
        struct bytes of, source;

        count +=
            source_record_split(records->records[i].name, &of, &source) && bytes_equal(of, tenant);
    }
    return count;
}
