#include "discovery/shards.h"

#include <stdio.h>

#include "base/text_file.h"
#include "discovery/shard_document.h"

enum { PATH_SIZE = 4096 };

struct shard_reader {
    struct directory_snapshot *snapshot;
    struct shard_settings *shard;
};

/* Somebody wrote an address where a name, a key or a path belongs: it is not told either. */
static bool looks_like_address(struct bytes text)
{
    return text.size > 3 && memmem(text.data, text.size, "://", 3) != NULL;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the shards");
}

static enum code uri_set(struct shard_reader *reader, const struct yaml_node *node,
                         struct bytes uri, struct error *err)
{
    const char *fault = shard_uri_fault(uri);

    if (reader->shard->uri.size > 0)
        return yaml_refuse(node, err, "both \"uri\" and \"uri_file\" are given; one is enough");
    if (fault)
        return yaml_refuse(node, err, "the address of \"%.*s\" %s", BYTES_ARG(node->key), fault);
    reader->shard->uri = arena_copy(&reader->snapshot->arena, uri);
    return reader->shard->uri.data ? OK : no_memory(err);
}

static enum code take_uri(void *context, const struct yaml_node *node, struct error *err)
{
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    return code ? code : uri_set(context, node, text, err);
}

/* An editor ends the last line of a file. */
static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static enum code take_uri_file(void *context, const struct yaml_node *node, struct error *err)
{
    struct buf uri = BUF_INIT((size_t)2 * SHARD_URI_BYTES_MAX);
    struct error inner = {0};
    char path[PATH_SIZE];
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    if (looks_like_address(text) || memchr(text.data, '\0', text.size) != NULL)
        return yaml_refuse(node, err,
                           "\"uri_file\" is the path of a file; an address is a \"uri\"");
    if ((size_t)snprintf(path, sizeof(path), "%.*s", BYTES_ARG(text)) >= sizeof(path))
        return yaml_refuse(node, err, "\"uri_file\": the path is too long");
    code = text_file_read_secret(path, 2 * (size_t)SHARD_URI_BYTES_MAX - 1, &uri, &inner);
    if (code == E_MEMORY)
        code = no_memory(err);
    else if (code)
        code = yaml_refuse(node, err, "\"uri_file\": %s", inner.text);
    else
        code = uri_set(context, node, trimmed(buf_bytes(&uri)), err);
    if (uri.size > 0)
        explicit_bzero(uri.data, uri.size);
    buf_release(&uri);
    return code;
}

static enum code take_unsafe(void *context, const struct yaml_node *node, struct error *err)
{
    struct shard_reader *reader = context;
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    reader->shard->unsafe = bytes_equal(text, BYTES("true"));
    if (!reader->shard->unsafe && !bytes_equal(text, BYTES("false")))
        return yaml_refuse(node, err, "\"unsafe\" must be true or false");
    return OK;
}

static enum code take_shard(struct shard_reader *reader, const struct yaml_node *node,
                            struct error *err)
{
    static const struct yaml_key keys[] = {
        {"uri",      take_uri     },
        {"uri_file", take_uri_file},
        {"unsafe",   take_unsafe  },
    };
    struct directory_snapshot *snapshot = reader->snapshot;
    struct shard_settings *shard = ARENA_NEW(&snapshot->arena, struct shard_settings);
    enum code code;

    if (!shard)
        return no_memory(err);
    if (!tenant_name_valid(node->key))
        return yaml_refuse(node, err, "the name of a shard is 1 to 64 of a-z, 0-9, '_' and '-'");
    for (const struct yaml_node *member = node->first; member; member = member->next)
        if (looks_like_address(member->key))
            return yaml_refuse(member, err, "shard %.*s: an address is written as uri: \"...\"",
                               BYTES_ARG(node->key));
    reader->shard = shard;
    shard->name = arena_copy(&snapshot->arena, node->key);
    if (!shard->name.data)
        return no_memory(err);
    code = yaml_map_take(node, "a shard", keys, COUNT_OF(keys), reader, err);
    if (code == OK && shard->uri.size == 0)
        code = yaml_refuse(node, err, "it has neither \"uri\" nor \"uri_file\"");
    if (code) {
        error_context(err, "shard %.*s", BYTES_ARG(node->key));
        return code;
    }
    return map_put(&snapshot->shards, shard->name, shard) ? OK : no_memory(err);
}

enum code shards_take(struct directory_snapshot *snapshot, const struct yaml_node *node,
                      struct error *err)
{
    struct shard_reader reader = {.snapshot = snapshot};

    if (node->kind != YAML_KIND_MAP)
        return yaml_refuse(node, err, "\"shards\" must be a map of names to addresses");
    for (const struct yaml_node *member = node->first; member; member = member->next) {
        enum code code = take_shard(&reader, member, err);

        if (code)
            return code;
    }
    return OK;
}

enum code shard_name_take(const struct directory_snapshot *snapshot, const struct yaml_node *node,
                          const struct shard_settings **shard, struct error *err)
{
    struct bytes text;
    enum code code = yaml_text_take(node, &text, err);

    if (code)
        return code;
    if (!tenant_name_valid(text))
        return yaml_refuse(node, err, "\"shard\" is the name of one of the \"shards\"");
    *shard = map_get(&snapshot->shards, text);
    if (!*shard)
        return yaml_refuse(node, err, "\"shards\" does not name the shard \"%.*s\"",
                           BYTES_ARG(text));
    return OK;
}
