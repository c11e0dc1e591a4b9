#include "discovery/tenant_document.h"

#include <assert.h>

#include "base/number.h"
#include "base/time_text.h"
#include "codec/quantity.h"
#include "discovery/directory.h"
#include "discovery/document.h"

enum { LIMIT_NAMES_MAX = 64, QUANTITY_BYTES_MAX = 64, NOTE_BYTES_MAX = 200 };

static const char *const states[] = {"active", "deleted", NULL};

/* --- values --- */

enum code tenant_duration_parse(struct bytes text, int64_t *ns, struct error *err)
{
    if (bytes_equal(text, BYTES("forever"))) {
        *ns = INT64_MAX;
        return OK;
    }
    if (duration_parse(text, ns, err) == OK)
        return OK;
    error_context(err, "400d or \"forever\" are right");
    return E_BAD_PARAMETER;
}

size_t tenant_duration_print(int64_t ns, char text[40])
{
    static const char forever[] = "forever";

    _Static_assert(TIMESTAMP_TEXT_SIZE <= 40, "room for what duration_print() writes");
    if (ns != INT64_MAX)
        return duration_print(ns, text);
    memcpy(text, forever, sizeof(forever) - 1);
    return sizeof(forever) - 1;
}

static void limit_names(const char *names[LIMIT_NAMES_MAX + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < limit_row_count && count < LIMIT_NAMES_MAX; i++)
        if (limit_rows[i].per_tenant)
            names[count++] = limit_rows[i].name;
    names[count] = NULL;
}

enum code tenant_limit_parse(struct bytes name, struct bytes value, struct tenant_limit *limit,
                             struct error *err)
{
    const struct document nowhere = {.arena = NULL};
    const struct limit_row *row = limit_row_find(name);
    const char *names[LIMIT_NAMES_MAX + 1];

    limit_names(names);
    if (!row) {
        (void)document_refuse_name(&nowhere, "limit", name, names, err);
        return E_BAD_PARAMETER;
    }
    if (!row->per_tenant)
        return error_set(err, E_BAD_PARAMETER, "\"%s\" is a limit of the node, not of a tenant",
                         row->name);
    limit->row = row;
    return limit_parse(row, value, &limit->value, err);
}

/* --- reading --- */

/* What is being read besides the document. */
struct reading {
    struct tenant_document tenant;
    struct tenant_token *token;
    bool has_hash;
};

static enum code take_state(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;
    unsigned state;
    enum code code = document_choice_take(document, value, states, &state, err);

    if (!code)
        reading->tenant.deleted = state == 1;
    return code;
}

static enum code take_duration(struct document *document, const struct json *value, int64_t *ns,
                               struct error *err)
{
    struct error inner = {0};
    struct bytes text;
    enum code code = document_text_take(document, value, QUANTITY_BYTES_MAX, &text, err);

    if (!code && tenant_duration_parse(text, ns, &inner))
        code = document_refuse(document, err, "%s", inner.text);
    return code;
}

static enum code take_retention(struct document *document, const struct json *value,
                                struct error *err)
{
    struct reading *reading = document->context;

    return take_duration(document, value, &reading->tenant.retention_ns, err);
}

static enum code take_history(struct document *document, const struct json *value,
                              struct error *err)
{
    struct reading *reading = document->context;

    return take_duration(document, value, &reading->tenant.history_ns, err);
}

/* A number, or a text like "64MiB". */
static enum code take_limit(struct document *document, struct bytes name, const struct json *value,
                            struct error *err)
{
    struct reading *reading = document->context;
    struct tenant_limit limit;
    struct error inner = {0};
    char number[NUMBER_TEXT_SIZE];
    struct bytes text = BYTES("");
    enum code code = OK;

    if (json_kind(value) == JSON_KIND_INTEGER && json_integer_of(value) >= 0)
        text = (struct bytes){number, number_print_u64((uint64_t)json_integer_of(value), number)};
    else if (json_kind(value) == JSON_KIND_TEXT)
        code = document_text_take(document, value, QUANTITY_BYTES_MAX, &text, err);
    else
        code = document_refuse(document, err,
                               "must be a whole number from 0, or text with a unit, not %s",
                               json_kind_name(json_kind(value)));
    if (code)
        return code;
    if (tenant_limit_parse(name, text, &limit, &inner))
        return document_refuse(document, err, "%s", inner.text);
    return tenant_limit_put(&reading->tenant, document->arena, &limit, err);
}

static enum code take_limits(struct document *document, const struct json *value, struct error *err)
{
    struct json *member;
    struct bytes key;

    if (json_kind(value) != JSON_KIND_OBJECT)
        return document_refuse(document, err, "must be an object of limits, not %s",
                               json_kind_name(json_kind(value)));
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        size_t before = document_enter(document, key);
        enum code code = take_limit(document, key, member, err);

        document_leave(document, before);
        if (code)
            return code;
    }
    return OK;
}

static enum code take_shard(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;
    struct error inner = {0};
    struct bytes name;
    enum code code = document_text_take(document, value, ERROR_TEXT_SIZE, &name, err);

    if (code)
        return code;
    if (!tenant_name_valid(name))
        return document_refuse(document, err,
                               "is not the name of a shard: 1 to 64 of a-z, 0-9, '_' and '-'");
    for (size_t i = 0; i < reading->tenant.shard_count; i++)
        if (bytes_equal(reading->tenant.shards[i], name))
            return document_refuse(document, err, "\"%.*s\" stands there twice", BYTES_ARG(name));
    code = tenant_shard_put(&reading->tenant, document->arena, name, &inner);
    if (code == E_MEMORY)
        return document_no_memory(err);
    return code ? document_refuse(document, err, "%s", inner.text) : OK;
}

static enum code take_shards(struct document *document, const struct json *value, struct error *err)
{
    return document_list_take(document, value, take_shard, err);
}

static enum code take_id(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;
    enum code code = document_text_take(document, value, ERROR_TEXT_SIZE, &reading->token->id, err);

    if (code)
        return code;
    /* What it is instead is not told: it could be the token itself. */
    if (!token_id_valid(reading->token->id))
        return document_refuse(document, err, "1 to %d letters and digits are an id", TOKEN_ID_MAX);
    for (size_t i = 0; i < reading->tenant.token_count; i++)
        if (bytes_equal(reading->tenant.tokens[i].id, reading->token->id))
            return document_refuse(document, err, "\"%.*s\" names another token already",
                                   BYTES_ARG(reading->token->id));
    return OK;
}

static enum code take_hash(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;

    reading->has_hash = json_kind(value) == JSON_KIND_TEXT &&
                        token_hash_parse(json_text_of(value), &reading->token->hash);
    if (!reading->has_hash)
        return document_refuse(document, err,
                               "must be the 64 hexadecimal digits of the token's SHA-256");
    return OK;
}

static enum code take_scope(struct document *document, const struct json *value, struct error *err)
{
    static const char *const names[] = {"read", "write", "admin", "operator", NULL};
    struct reading *reading = document->context;
    unsigned at;
    enum code code = document_choice_take(document, value, names, &at, err);

    if (!code)
        reading->token->scopes |= token_scope_find(bytes_of(names[at]));
    return code;
}

static enum code take_scopes(struct document *document, const struct json *value, struct error *err)
{
    return document_list_take(document, value, take_scope, err);
}

static enum code take_expires(struct document *document, const struct json *value,
                              struct error *err)
{
    struct reading *reading = document->context;
    struct error inner = {0};
    struct bytes text;
    enum code code = document_text_take(document, value, QUANTITY_BYTES_MAX, &text, err);

    if (!code && timestamp_parse(text, &reading->token->expires_ns, &inner))
        code = document_refuse(document, err, "%s", inner.text);
    return code;
}

static enum code take_note(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;

    return document_text_take(document, value, NOTE_BYTES_MAX, &reading->token->note, err);
}

static enum code take_token(struct document *document, const struct json *value, struct error *err)
{
    static const struct document_key keys[] = {
        {"id",      take_id     },
        {"sha256",  take_hash   },
        {"scopes",  take_scopes },
        {"expires", take_expires},
        {"note",    take_note   },
    };
    struct reading *reading = document->context;
    struct tenant_token token = {.expires_ns = INT64_MAX};
    struct error inner = {0};
    const char *missing = NULL;
    enum code code;

    reading->token = &token;
    reading->has_hash = false;
    code = document_map_take(document, value, "a token", keys, COUNT_OF(keys), err);
    if (code)
        return code;
    if (token.scopes == 0)
        missing = "scopes";
    if (!reading->has_hash)
        missing = "sha256";
    if (token.id.size == 0)
        missing = "id";
    if (missing)
        return document_refuse(document, err, "the token has no \"%s\"", missing);
    code = tenant_token_put(&reading->tenant, document->arena, &token, &inner);
    if (code == E_MEMORY)
        return document_no_memory(err);
    return code ? document_refuse(document, err, "%s", inner.text) : OK;
}

static enum code take_tokens(struct document *document, const struct json *value, struct error *err)
{
    return document_list_take(document, value, take_token, err);
}

static enum code read_by(const struct document_key *keys, size_t key_count, struct bytes text,
                         struct arena *arena, struct tenant_document *document, struct error *err)
{
    struct reading reading = {.has_hash = false};
    enum code code = document_read(text, "a tenant", keys, key_count, arena, &reading, err);

    if (!code)
        *document = reading.tenant;
    return code;
}

enum code tenant_document_parse(struct bytes text, struct arena *arena,
                                struct tenant_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"state",     take_state    },
        {"retention", take_retention},
        {"history",   take_history  },
        {"limits",    take_limits   },
        {"shards",    take_shards   },
        {"tokens",    take_tokens   },
    };

    return read_by(keys, COUNT_OF(keys), text, arena, document, err);
}

static enum code pass_over(struct document *document, const struct json *value, struct error *err)
{
    (void)document, (void)value, (void)err;
    return OK;
}

enum code tenant_document_salvage(struct bytes text, struct arena *arena,
                                  struct tenant_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"state",     take_state },
        {"retention", pass_over  },
        {"history",   pass_over  },
        {"limits",    pass_over  },
        {"shards",    take_shards},
        {"tokens",    take_tokens},
    };

    return read_by(keys, COUNT_OF(keys), text, arena, document, err);
}

/* --- changing --- */

/* Room for one more at the end of an array in the arena, which has room for a power of two; false
 * when memory ran out. */
static bool grow(struct arena *arena, void *items, size_t count, size_t item_size)
{
    void *old, *made;

    if ((count & (count - 1)) != 0)
        return true;
    memcpy(&old, items, sizeof(old)); /* which points to items of any type */
    made = arena_grow(arena, old, count * item_size, (count == 0 ? 1 : 2 * count) * item_size);
    if (made)
        memcpy(items, &made, sizeof(made));
    return made != NULL;
}

enum code tenant_limit_put(struct tenant_document *document, struct arena *arena,
                           const struct tenant_limit *limit, struct error *err)
{
    for (size_t i = 0; i < document->limit_count; i++)
        if (document->limits[i].row == limit->row) {
            document->limits[i] = *limit;
            return OK;
        }
    if (!grow(arena, &document->limits, document->limit_count, sizeof(*document->limits)))
        return document_no_memory(err);
    document->limits[document->limit_count++] = *limit;
    return OK;
}

enum code tenant_shard_put(struct tenant_document *document, struct arena *arena, struct bytes name,
                           struct error *err)
{
    size_t kept = 0;

    if (document->shard_count > 0 && bytes_equal(document->shards[document->shard_count - 1], name))
        return error_set(err, E_EXISTS, "its packs go to the shard %.*s already", BYTES_ARG(name));
    if (!grow(arena, &document->shards, document->shard_count, sizeof(*document->shards)))
        return document_no_memory(err);
    for (size_t i = 0; i < document->shard_count; i++)
        if (!bytes_equal(document->shards[i], name))
            document->shards[kept++] = document->shards[i];
    if (kept == TENANT_SHARDS_MAX)
        return error_set(err, E_BAD_PARAMETER, "a tenant has at most %d shards", TENANT_SHARDS_MAX);
    document->shards[kept++] = name;
    document->shard_count = kept;
    return OK;
}

enum code tenant_token_put(struct tenant_document *document, struct arena *arena,
                           const struct tenant_token *token, struct error *err)
{
    if (document->token_count == TENANT_TOKENS_MAX)
        return error_set(err, E_BAD_PARAMETER, "a tenant has at most %d tokens", TENANT_TOKENS_MAX);
    if (!grow(arena, &document->tokens, document->token_count, sizeof(*document->tokens)))
        return document_no_memory(err);
    document->tokens[document->token_count++] = *token;
    return OK;
}

bool tenant_token_remove(struct tenant_document *document, struct bytes id)
{
    for (size_t i = 0; i < document->token_count; i++) {
        if (!bytes_equal(document->tokens[i].id, id))
            continue;
        memmove(&document->tokens[i], &document->tokens[i + 1],
                (document->token_count - i - 1) * sizeof(*document->tokens));
        document->token_count--;
        return true;
    }
    return false;
}

/* --- printing --- */

static void print_hash(const struct token_hash *hash, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";

    buf_put_text(out, ",\"sha256\":\"");
    for (size_t i = 0; i < sizeof(hash->bytes); i++) {
        buf_put_char(out, digits[hash->bytes[i] >> 4]);
        buf_put_char(out, digits[hash->bytes[i] & 15]);
    }
    buf_put_char(out, '"');
}

static void print_scopes(unsigned scopes, struct buf *out)
{
    static const char *const names[] = {"read", "write", "admin", "operator"};
    const char *between = "";

    buf_put_text(out, ",\"scopes\":[");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (scopes & token_scope_find(bytes_of(names[i]))) {
            buf_printf(out, "%s\"%s\"", between, names[i]);
            between = ",";
        }
    buf_put_char(out, ']');
}

static void print_tokens(const struct tenant_document *document, bool hashes, struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < document->token_count; i++) {
        const struct tenant_token *token = &document->tokens[i];
        char time[TIMESTAMP_TEXT_SIZE];

        buf_printf(out, "%s{\"id\":\"%.*s\"", i > 0 ? "," : "", BYTES_ARG(token->id));
        if (hashes)
            print_hash(&token->hash, out);
        print_scopes(token->scopes, out);
        if (token->expires_ns != INT64_MAX)
            buf_printf(out, ",\"expires\":\"%.*s\"", (int)timestamp_print(token->expires_ns, time),
                       time);
        if (token->note.size > 0) {
            buf_put_text(out, ",\"note\":");
            json_put_text(out, token->note);
        }
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

void tenant_document_print_tokens(const struct tenant_document *document, struct buf *out)
{
    print_tokens(document, false, out);
}

static void print_duration(const char *name, int64_t ns, struct buf *out)
{
    char text[40];

    if (ns != 0)
        buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)tenant_duration_print(ns, text), text);
}

static void print_limits(const struct tenant_document *document, struct buf *out)
{
    if (document->limit_count == 0)
        return;
    buf_put_text(out, ",\"limits\":{");
    for (size_t i = 0; i < document->limit_count; i++) {
        const struct tenant_limit *limit = &document->limits[i];
        char text[QUANTITY_TEXT_SIZE];

        buf_printf(out, "%s\"%s\":\"%.*s\"", i > 0 ? "," : "", limit->row->name,
                   (int)limit_print(limit->row, limit->value, text), text);
    }
    buf_put_char(out, '}');
}

static void print_members(const struct tenant_document *document, bool hashes, struct buf *out)
{
    buf_printf(out, "\"state\":\"%s\"", states[document->deleted]);
    print_duration("retention", document->retention_ns, out);
    print_duration("history", document->history_ns, out);
    print_limits(document, out);
    if (document->shard_count > 0) {
        buf_put_text(out, ",\"shards\":[");
        for (size_t i = 0; i < document->shard_count; i++)
            buf_printf(out, "%s\"%.*s\"", i > 0 ? "," : "", BYTES_ARG(document->shards[i]));
        buf_put_char(out, ']');
    }
    if (document->token_count > 0) {
        buf_put_text(out, ",\"tokens\":");
        print_tokens(document, hashes, out);
    }
}

void tenant_document_print_members(const struct tenant_document *document, struct buf *out)
{
    print_members(document, false, out);
}

void tenant_document_print(const struct tenant_document *document, struct buf *out)
{
    buf_put_char(out, '{');
    print_members(document, true, out);
    buf_put_char(out, '}');
}
