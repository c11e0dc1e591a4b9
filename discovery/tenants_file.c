#include "discovery/tenants_file.h"

#include "base/text_file.h"
#include "base/time_text.h"
#include "codec/quantity.h"
#include "codec/yaml_doc.h"
#include "discovery/shards.h"

enum {
    FILE_BYTES_MAX = 16 << 20,
    NAME_BYTES_MAX = 64,
    LIMIT_NAMES_MAX = 64,
};

/* Where the walk through the file is. */
struct tenants_reader {
    struct directory_snapshot *snapshot;
    const struct limits *node;
    struct tenant_settings *tenant;
    struct token_record *token;
    bool has_hash;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the tenants");
}

bool tenant_name_valid(struct bytes name)
{
    if (name.size < 1 || name.size > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static enum code take_duration(const struct yaml_node *node, int64_t *ns, struct error *err)
{
    struct error inner = {0};
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    if (bytes_equal(text, BYTES("forever"))) {
        *ns = INT64_MAX;
        return OK;
    }
    if (duration_parse(text, ns, &inner))
        return yaml_refuse(node, err, "\"%.*s\": %s (or \"forever\")", BYTES_ARG(node->key),
                           inner.text);
    return OK;
}

static enum code take_retention(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;

    return take_duration(node, &reader->tenant->retention_ns, err);
}

static enum code take_history(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;

    return take_duration(node, &reader->tenant->history_ns, err);
}

static enum code take_shard(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;

    return shard_name_take(reader->snapshot, node, &reader->tenant->shard, err);
}

static enum code take_limit(struct tenants_reader *reader, const struct yaml_node *member,
                            struct error *err)
{
    const struct limit_row *row = limit_row_find(member->key);
    const char *names[LIMIT_NAMES_MAX + 1];
    struct error inner = {0};
    struct bytes text;
    size_t count = 0;
    enum code code;

    for (size_t i = 0; i < limit_row_count && count < LIMIT_NAMES_MAX; i++)
        if (limit_rows[i].per_tenant)
            names[count++] = limit_rows[i].name;
    names[count] = NULL;
    if (!row)
        return yaml_refuse_key(member, names, err);
    if (!row->per_tenant)
        return yaml_refuse(member, err, "\"%s\" is a limit of the node, not of a tenant",
                           row->name);
    code = yaml_text_take(member, &text, err);
    if (code)
        return code;
    if (limit_parse(row, text, limit_of(&reader->tenant->limits, row), &inner))
        return yaml_refuse(member, err, "\"%s\": %s", row->name, inner.text);
    return OK;
}

static enum code take_limits(void *context, const struct yaml_node *node, struct error *err)
{
    if (node->kind != YAML_KIND_MAP)
        return yaml_refuse(node, err, "\"limits\" must be a map (key: value)");
    for (const struct yaml_node *member = node->first; member; member = member->next) {
        enum code code = take_limit(context, member, err);

        if (code)
            return code;
    }
    return OK;
}

static enum code take_id(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    if (!token_id_valid(text))
        return yaml_refuse(node, err, "id \"%.*s\": 1 to %d letters and digits are an id",
                           BYTES_ARG(text), TOKEN_ID_MAX);
    if (map_get(&reader->snapshot->tokens, text))
        return yaml_refuse(node, err, "id \"%.*s\" names another token already", BYTES_ARG(text));
    reader->token->id = text;
    return OK;
}

static enum code take_hash(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    /* The text is not told: it could be the token itself. */
    if (!token_hash_parse(text, &reader->token->hash))
        return yaml_refuse(node, err,
                           "\"sha256\" must be the 64 hexadecimal digits that `weir token` prints");
    reader->has_hash = true;
    return OK;
}

static enum code take_scopes(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;

    if (node->kind != YAML_KIND_LIST || node->count == 0)
        return yaml_refuse(node, err,
                           "\"scopes\" must be a list of read, write, admin and operator");
    for (const struct yaml_node *element = node->first; element; element = element->next) {
        unsigned scope = token_scope_find(element->text);

        if (scope == 0)
            return yaml_refuse(element, err,
                               "\"%.*s\" is not a scope: read, write, admin and operator are",
                               BYTES_ARG(element->text));
        reader->token->scopes |= scope;
    }
    return OK;
}

static enum code take_expires(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;
    struct error inner = {0};
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    if (timestamp_parse(text, &reader->token->expires_ns, &inner))
        return yaml_refuse(node, err, "\"expires\": %s", inner.text);
    return OK;
}

/* For the people who read the file only. */
static enum code take_note(void *context, const struct yaml_node *node, struct error *err)
{
    struct bytes text;

    (void)context;
    return yaml_text_take(node, &text, err);
}

static enum code take_token(struct tenants_reader *reader, const struct yaml_node *node,
                            struct error *err)
{
    static const struct yaml_key keys[] = {
        {"id",      take_id     },
        {"sha256",  take_hash   },
        {"scopes",  take_scopes },
        {"expires", take_expires},
        {"note",    take_note   },
    };
    struct token_record *token = ARENA_NEW(&reader->snapshot->arena, struct token_record);
    const char *missing = NULL;
    enum code code;

    if (!token)
        return no_memory(err);
    token->tenant = reader->tenant;
    token->expires_ns = INT64_MAX;
    reader->token = token;
    reader->has_hash = false;
    code = yaml_map_take(node, "a token", keys, COUNT_OF(keys), reader, err);
    if (code)
        return code;
    if (token->scopes == 0)
        missing = "scopes";
    if (!reader->has_hash)
        missing = "sha256";
    if (token->id.size == 0)
        missing = "id";
    if (missing)
        return yaml_refuse(node, err, "the token has no \"%s\"", missing);
    return map_put(&reader->snapshot->tokens, token->id, token) ? OK : no_memory(err);
}

static enum code take_tokens(void *context, const struct yaml_node *node, struct error *err)
{
    if (node->kind != YAML_KIND_LIST)
        return yaml_refuse(node, err, "\"tokens\" must be a list");
    for (const struct yaml_node *element = node->first; element; element = element->next) {
        enum code code = take_token(context, element, err);

        if (code)
            return code;
    }
    return OK;
}

static enum code take_tenant(struct tenants_reader *reader, const struct yaml_node *node,
                             struct error *err)
{
    static const struct yaml_key keys[] = {
        {"retention", take_retention},
        {"history",   take_history  },
        {"limits",    take_limits   },
        {"shard",     take_shard    },
        {"tokens",    take_tokens   },
    };
    enum code code;

    if (!tenant_name_valid(node->key))
        return yaml_refuse(node, err,
                           "tenant \"%.*s\": 1 to %d of a-z, 0-9, '_' and '-' are a name",
                           BYTES_ARG(node->key), NAME_BYTES_MAX);
    reader->tenant = snapshot_tenant_add(reader->snapshot, node->key, reader->node);
    if (!reader->tenant)
        return no_memory(err);
    code = yaml_map_take(node, "a tenant", keys, COUNT_OF(keys), reader, err);
    if (code)
        error_context(err, "tenant %.*s", BYTES_ARG(node->key));
    return code;
}

static enum code take_tenants(void *context, const struct yaml_node *node, struct error *err)
{
    if (node->kind != YAML_KIND_MAP)
        return yaml_refuse(node, err, "\"tenants\" must be a map of names to settings");
    for (const struct yaml_node *member = node->first; member; member = member->next) {
        enum code code = take_tenant(context, member, err);

        if (code)
            return code;
    }
    return OK;
}

static enum code take_shards(void *context, const struct yaml_node *node, struct error *err)
{
    struct tenants_reader *reader = context;

    return shards_take(reader->snapshot, node, err);
}

static enum code take_later(void *context, const struct yaml_node *node, struct error *err)
{
    (void)context, (void)node, (void)err;
    return OK;
}

/* Shards first, wherever they stand: tenants name them. */
static enum code take_file(struct tenants_reader *reader, const struct yaml_node *root,
                           struct error *err)
{
    static const struct yaml_key shards[] = {
        {"tenants", take_later },
        {"shards",  take_shards},
    };
    static const struct yaml_key tenants[] = {
        {"tenants", take_tenants},
        {"shards",  take_later  },
    };
    enum code code = yaml_map_take(root, "the file", shards, COUNT_OF(shards), reader, err);

    if (code)
        return code;
    return yaml_map_take(root, "the file", tenants, COUNT_OF(tenants), reader, err);
}

enum code tenants_parse(struct bytes text, const struct limits *node,
                        struct directory_snapshot **snapshot, struct error *err)
{
    struct tenants_reader reader = {.snapshot = snapshot_new(), .node = node};
    const struct yaml_node *root;
    enum code code;

    *snapshot = NULL;
    if (!reader.snapshot)
        return no_memory(err);
    code = yaml_doc_parse(text, &reader.snapshot->arena, &root, err);
    if (!code && root)
        code = take_file(&reader, root, err);
    /* An emptied file is an accident more often than a wish. */
    if (!code && reader.snapshot->tenants.count == 0)
        code = error_set(err, E_CONFIG, "no tenant is named below \"tenants:\"");
    if (code)
        directory_put(reader.snapshot);
    else
        *snapshot = reader.snapshot;
    return code;
}

enum code tenants_file_read(const char *path, const struct limits *node,
                            struct directory_snapshot **snapshot, struct error *err)
{
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    enum code code;

    *snapshot = NULL;
    code = text_file_read(path, FILE_BYTES_MAX, &text, err); /* its errors name the path */
    if (!code) {
        code = tenants_parse(buf_bytes(&text), node, snapshot, err);
        if (code)
            error_context(err, "%s", path);
    }
    buf_release(&text);
    return code;
}
