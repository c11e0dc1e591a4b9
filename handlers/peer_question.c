#include "handlers/peer_question.h"

#include <string.h>

#include "codec/utf8.h"
#include "discovery/document.h"

enum {
    MATCH_BYTES_MAX = 8192, /* of a question for rows, unescaped */
    NAME_BYTES_MAX = 65536, /* as far as name_bytes_max goes */
};

/* --- who asks --- */

/* Whether JSON has it as it is. */
static bool can_tell(struct bytes text)
{
    return utf8_check(text) == text.size &&
           (text.size == 0 || memchr(text.data, 0, text.size) == NULL);
}

/* *size: of all of it. */
static bool can_tell_matchers(const struct selector *selector, size_t *size)
{
    *size = 0;
    for (uint32_t i = 0; i < selector->matcher_count && i < PEER_MATCHERS_MAX; i++) {
        const struct matcher *matcher = &selector->matchers[i];

        if (!can_tell(matcher->key) || !can_tell(matcher->value))
            return false;
        *size += matcher->key.size + matcher->value.size;
    }
    return selector->matcher_count <= PEER_MATCHERS_MAX;
}

static void print_matchers(const struct selector *selector, struct buf *out)
{
    static const char *const ops[] = {[MATCH_EQUAL] = "=",
                                      [MATCH_NOT_EQUAL] = "!=",
                                      [MATCH_REGEX] = "=~",
                                      [MATCH_NOT_REGEX] = "!~"};

    if (selector->matcher_count == 0)
        return;
    buf_put_text(out, ",\"match\":[");
    for (uint32_t i = 0; i < selector->matcher_count; i++) {
        buf_put_text(out, i == 0 ? "{\"key\":" : ",{\"key\":");
        json_put_text(out, selector->matchers[i].key);
        buf_printf(out, ",\"op\":\"%s\",\"value\":", ops[selector->matchers[i].op]);
        json_put_text(out, selector->matchers[i].value);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void print_begin(struct bytes tenant, struct bytes measurement, struct buf *out)
{
    buf_put_text(out, "{\"tenant\":");
    json_put_text(out, tenant);
    buf_put_text(out, ",\"measurement\":");
    json_put_text(out, measurement);
}

static void print_end(int64_t start, int64_t end, const char *moment_name, int64_t moment,
                      struct buf *out)
{
    buf_printf(out, ",\"start\":%lld,\"end\":%lld,\"%s\":%lld}", (long long)start, (long long)end,
               moment_name, (long long)moment);
}

void peer_question_print_rows(struct bytes tenant, const struct selector *selector, int64_t start,
                              int64_t end, int64_t as_of, struct buf *out)
{
    size_t size;

    print_begin(tenant, selector->measurement, out);
    if (can_tell_matchers(selector, &size) && size <= MATCH_BYTES_MAX)
        print_matchers(selector, out);
    print_end(start, end, "as_of", as_of, out);
}

static void print_fields(const struct tombstone *tombstone, struct buf *out)
{
    if (tombstone->field_count == 0)
        return;
    for (uint32_t i = 0; i < tombstone->field_count; i++) {
        buf_put_text(out, i == 0 ? ",\"fields\":[" : ",");
        json_put_text(out, tombstone->fields[i]);
    }
    buf_put_char(out, ']');
}

enum code peer_question_print_erasure(struct bytes tenant, const struct tombstone *tombstone,
                                      struct buf *out, struct error *err)
{
    const struct selector *selector = &tombstone->selector;
    size_t ignored, before = out->size;
    bool can = can_tell(selector->measurement) && can_tell_matchers(selector, &ignored);

    for (uint32_t i = 0; can && i < tombstone->field_count; i++)
        can = can_tell(tombstone->fields[i]);
    if (!can)
        return error_set(err, E_NOT_SUPPORTED,
                         "what is to be erased cannot be told to it: not all of it is text in "
                         "UTF-8, or it has more than %d conditions",
                         PEER_MATCHERS_MAX);
    print_begin(tenant, selector->measurement, out);
    print_matchers(selector, out);
    print_fields(tombstone, out);
    print_end(tombstone->start, tombstone->end, "after", tombstone->ingest, out);
    if (out->size - before > PEER_QUESTION_BYTES_MAX)
        return error_set(err, E_NOT_SUPPORTED,
                         "what is to be erased cannot be told to it: it is too long");
    return buf_finish(out, err);
}

/* --- who is asked --- */

/* Any bytes: names and values may have all in them. */
static enum code take_text(struct document *document, const struct json *value, size_t least,
                           struct bytes *text, struct error *err)
{
    struct bytes found;

    if (json_kind(value) != JSON_KIND_TEXT)
        return document_refuse(document, err, "must be text, not %s",
                               json_kind_name(json_kind(value)));
    found = json_text_of(value);
    if (found.size < least || found.size > NAME_BYTES_MAX)
        return document_refuse(document, err, "must be %zu to %d bytes", least, NAME_BYTES_MAX);
    *text = arena_copy(document->arena, found);
    return text->data != NULL ? OK : document_no_memory(err);
}

static enum code take_time(struct document *document, const struct json *value, int64_t *time,
                           struct error *err)
{
    if (json_kind(value) != JSON_KIND_INTEGER)
        return document_refuse(document, err, "must be a whole number of nanoseconds, not %s",
                               json_kind_name(json_kind(value)));
    *time = json_integer_of(value);
    return OK;
}

static enum code take_tenant(struct document *document, const struct json *value, struct error *err)
{
    return take_text(document, value, 1, &((struct peer_question *)document->context)->tenant, err);
}

static enum code take_measurement(struct document *document, const struct json *value,
                                  struct error *err)
{
    return take_text(document, value, 1, &((struct peer_question *)document->context)->measurement,
                     err);
}

/* The one that is being read. */
static struct matcher *matcher_at(const struct document *document)
{
    struct peer_question *question = document->context;

    return &question->matchers[question->matcher_count];
}

static enum code take_key(struct document *document, const struct json *value, struct error *err)
{
    return take_text(document, value, 1, &matcher_at(document)->key, err);
}

static enum code take_op(struct document *document, const struct json *value, struct error *err)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~", NULL}; /* as enum matcher_op */
    unsigned choice;
    enum code code = document_choice_take(document, value, ops, &choice, err);

    if (code == OK)
        matcher_at(document)->op = (enum matcher_op)(choice + MATCH_EQUAL);
    return code;
}

static enum code take_value(struct document *document, const struct json *value, struct error *err)
{
    return take_text(document, value, 0, &matcher_at(document)->value, err);
}

static enum code take_matcher(struct document *document, const struct json *value,
                              struct error *err)
{
    static const struct document_key keys[] = {
        {"key",   take_key  },
        {"op",    take_op   },
        {"value", take_value},
    };
    struct peer_question *question = document->context;
    const struct matcher *matcher = matcher_at(document);
    enum code code;

    if (question->matcher_count == PEER_MATCHERS_MAX)
        return document_refuse(document, err, "there are at most %d", PEER_MATCHERS_MAX);
    code = document_map_take(document, value, "a matcher", keys, COUNT_OF(keys), err);
    if (code == OK && (matcher->key.size == 0 || matcher->op == 0 || matcher->value.data == NULL))
        code = document_refuse(document, err, "has \"key\", \"op\" and \"value\"");
    question->matcher_count += code == OK;
    return code;
}

static enum code take_match(struct document *document, const struct json *value, struct error *err)
{
    return document_list_take(document, value, take_matcher, err);
}

static enum code take_field(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;
    enum code code = take_text(document, value, 1, &question->fields[question->field_count], err);

    question->field_count += code == OK;
    return code;
}

/* An empty list could be taken for whole rows. */
static enum code take_fields(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;

    question->fields = ARENA_ARRAY(document->arena, struct bytes, json_count(value) + 1);
    if (question->fields == NULL)
        return document_no_memory(err);
    if (json_kind(value) == JSON_KIND_ARRAY && json_count(value) == 0)
        return document_refuse(document, err, "names no field");
    return document_list_take(document, value, take_field, err);
}

static enum code take_start(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;

    question->has_start = true;
    return take_time(document, value, &question->start, err);
}

static enum code take_end(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;

    question->has_end = true;
    return take_time(document, value, &question->end, err);
}

static enum code take_as_of(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;
    enum code code = take_time(document, value, &question->moment, err);

    if (code == OK && question->moment < 0)
        code = document_refuse(document, err, "must be an ingest time, or 0 for now");
    return code;
}

static enum code take_after(struct document *document, const struct json *value, struct error *err)
{
    struct peer_question *question = document->context;
    enum code code = take_time(document, value, &question->moment, err);

    if (code == OK && question->moment <= 0)
        code = document_refuse(document, err, "must be the ingest time of a deletion");
    question->has_moment = true;
    return code;
}

static enum code question_read(struct bytes text, const char *what, const struct document_key *keys,
                               size_t key_count, struct arena *arena,
                               struct peer_question *question, struct error *err)
{
    enum code code;

    *question = (struct peer_question){.matcher_count = 0};
    code = document_read(text, what, keys, key_count, arena, question, err);
    if (code == OK && (question->tenant.size == 0 || question->measurement.size == 0 ||
                       !question->has_start || !question->has_end))
        code = error_set(err, E_BAD_REQUEST,
                         "%s has \"tenant\", \"measurement\", \"start\" and \"end\"", what);
    if (code == OK && question->start >= question->end)
        code = error_set(err, E_BAD_REQUEST, "\"start\" must be before \"end\"");
    return code;
}

/* Of a document every refusal is of the request. */
static enum code as_request(enum code code, struct error *err)
{
    if (code && code != E_MEMORY)
        code = err->code = E_BAD_REQUEST;
    return code;
}

enum code peer_question_read_rows(struct bytes text, struct arena *arena,
                                  struct peer_question *question, struct error *err)
{
    static const struct document_key keys[] = {
        {"tenant",      take_tenant     },
        {"measurement", take_measurement},
        {"match",       take_match      },
        {"start",       take_start      },
        {"end",         take_end        },
        {"as_of",       take_as_of      },
    };

    return as_request(
        question_read(text, "a question for rows", keys, COUNT_OF(keys), arena, question, err),
        err);
}

enum code peer_question_read_erasure(struct bytes text, struct arena *arena,
                                     struct peer_question *question, struct error *err)
{
    static const struct document_key keys[] = {
        {"tenant",      take_tenant     },
        {"measurement", take_measurement},
        {"match",       take_match      },
        {"fields",      take_fields     },
        {"start",       take_start      },
        {"end",         take_end        },
        {"after",       take_after      },
    };
    enum code code = question_read(text, "an erasure", keys, COUNT_OF(keys), arena, question, err);

    if (code == OK && !question->has_moment)
        code = error_set(err, E_BAD_REQUEST, "an erasure has \"after\"");
    return as_request(code, err);
}
