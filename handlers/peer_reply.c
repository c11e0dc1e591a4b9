#include "handlers/peer_reply.h"

#include <string.h>

#include "base/number.h"
#include "codec/json_doc.h"
#include "store/packs/pack.h"

enum {
    STATUS_ROWS = 200,
    STATUS_NONE = 204,
    STATUS_REFUSED = 401,
    STATUS_UNKNOWN = 404,
    STATUS_LARGE = 422,
    SHARD_NAME_BYTES_MAX = 64,
    NAMES_DEPTH_MAX = 4,
    DETAIL_MAX = 200,
    NAME_BYTES_MAX = 65536, /* as far as name_bytes_max goes */
};

/* --- the head --- */

static enum code refuse_status(unsigned status, struct error *err)
{
    if (status == STATUS_REFUSED)
        return error_set(err, E_NOT_READY, "it does not take this node's secret");
    if (status == STATUS_UNKNOWN)
        return error_set(err, E_NOT_READY, "it does not know the tenant yet");
    if (status == STATUS_LARGE)
        return error_set(err, E_NOT_READY,
                         "it has more such rows, or shards, than one reply takes");
    return error_set(err, E_NOT_READY, "it answered %u", status);
}

static enum code take_member(const struct peer_asked *asked, struct bytes text, struct error *err)
{
    uint64_t member;

    if (number_parse_u64(text, &member))
        return error_set(err, E_CORRUPT, "its reply does not say whose it is");
    if (member != asked->member)
        return error_set(err, E_CORRUPT, "member %llu answers at its address",
                         (unsigned long long)member);
    return OK;
}

static enum code take_through(const struct peer_asked *asked, struct bytes text, int64_t *through,
                              struct error *err)
{
    if (number_parse_i64(text, through))
        return error_set(err, E_CORRUPT, "its reply does not say up to where it is whole");
    if (*through < asked->as_of)
        return error_set(err, E_CORRUPT, "its reply is whole up to an earlier moment than asked");
    return OK;
}

/* Where S may have to follow to; and what only makes an answer less sure: absent, it says nothing.
 */
static enum code take_moments(const struct peer_head *head, struct peer_reply *reply,
                              struct error *err)
{
    if (number_parse_i64(head->newest, &reply->newest) || reply->newest < 0)
        return error_set(err, E_CORRUPT, "its reply does not say what it acknowledged last");
    if (head->settled.size > 0 && number_parse_i64(head->settled, &reply->settled))
        return error_set(err, E_CORRUPT, "its reply does not say up to where it is settled");
    if (head->floor.size > 0 && number_parse_i64(head->floor, &reply->floor))
        return error_set(err, E_CORRUPT, "its reply does not say which versions it keeps");
    return OK;
}

static bool is_shard(struct bytes name)
{
    if (name.size == 0 || name.size > SHARD_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!((name.data[i] >= 'a' && name.data[i] <= 'z') ||
              (name.data[i] >= '0' && name.data[i] <= '9') || name.data[i] == '-' ||
              name.data[i] == '_'))
            return false;
    return true;
}

static struct bytes without_spaces(struct bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* "north=12" */
static bool take_listed(struct bytes text, struct peer_listed *listed)
{
    const char *equals = text.size > 0 ? memchr(text.data, '=', text.size) : NULL;
    size_t size = equals ? (size_t)(equals - text.data) : 0;

    listed->shard = bytes_slice(text, 0, size);
    return equals && is_shard(listed->shard) &&
           number_parse_u64(bytes_slice(text, size + 1, text.size), &listed->entry) == OK;
}

static enum code take_delivered(struct bytes text, struct peer_reply *reply, struct error *err)
{
    struct bytes rest = without_spaces(text);

    while (rest.size > 0) {
        const char *comma = memchr(rest.data, ',', rest.size);
        size_t size = comma ? (size_t)(comma - rest.data) : rest.size;

        if (reply->listed_count == PEER_SHARDS_MAX)
            return error_set(err, E_CORRUPT, "its reply names more than %d shards",
                             PEER_SHARDS_MAX);
        if (!take_listed(without_spaces(bytes_slice(rest, 0, size)),
                         &reply->listed[reply->listed_count++]))
            return error_set(err, E_CORRUPT, "its reply does not say what it has delivered");
        rest = bytes_slice(rest, comma ? size + 1 : size, rest.size);
    }
    return OK;
}

/* --- the pack --- */

/* A pack says whose it is: "acme/0000000000000011". */
static bool is_of_tenant(const struct pack *pack, struct bytes tenant)
{
    const char *name = pack_name(pack);

    return strlen(name) > tenant.size && memcmp(name, tenant.data, tenant.size) == 0 &&
           name[tenant.size] == '/' && strchr(name + tenant.size + 1, '/') == NULL;
}

static enum code take_pack(const struct peer_asked *asked, struct bytes body, struct pack **taken,
                           struct error *err)
{
    struct pack *pack;
    struct error found = {0};
    enum code code = pack_open_memory(body, &pack, &found);

    if (code == E_MEMORY)
        return error_set(err, code, "no memory for its rows");
    if (code)
        return error_set(err, E_CORRUPT, "its reply is no pack: %.150s", found.text);
    if (!is_of_tenant(pack, asked->tenant))
        code = error_set(err, E_CORRUPT, "its reply has rows of another tenant");
    else if (memcmp(pack_incarnation(pack), &asked->incarnation, sizeof(asked->incarnation)) != 0)
        code = error_set(err, E_CORRUPT, "its reply has rows of another data directory");
    else if (pack_kind(pack) != PACK_PLAIN) /* it would be read beside another one */
        code = error_set(err, E_CORRUPT, "its reply is no plain pack");
    if (code)
        pack_unref(pack);
    else
        *taken = pack;
    return code;
}

enum code peer_reply_read(const struct peer_asked *asked, const struct peer_head *head,
                          struct bytes body, struct peer_reply *reply, struct error *err)
{
    static const struct peer_reply nothing = {
        .through = INT64_MIN, .settled = INT64_MIN, .floor = INT64_MIN};
    enum code code;

    *reply = nothing;
    if (head->status != STATUS_ROWS && head->status != STATUS_NONE)
        return refuse_status(head->status, err);
    code = take_member(asked, head->member, err);
    if (!code)
        code = take_through(asked, head->through, &reply->through, err);
    if (!code)
        code = take_delivered(head->delivered, reply, err);
    if (!code)
        code = take_moments(head, reply, err);
    if (!code && head->status == STATUS_ROWS)
        code = take_pack(asked, body, &reply->pack, err);
    if (code)
        *reply = nothing;
    return code;
}

/* --- names --- */

static enum code take_names(const struct json *list, struct arena *arena, struct bytes **names,
                            size_t *count, struct error *err)
{
    size_t size = list != NULL && json_kind(list) == JSON_KIND_ARRAY ? json_count(list) : SIZE_MAX;

    if (size == SIZE_MAX)
        return error_set(err, E_CORRUPT, "its reply is no list of measurements");
    *names = ARENA_ARRAY(arena, struct bytes, size);
    for (size_t i = 0; *names != NULL && i < size; i++) {
        const struct json *name = json_element(list, i);
        struct bytes text = json_kind(name) == JSON_KIND_TEXT ? json_text_of(name) : BYTES("");

        if (text.size == 0 || text.size > NAME_BYTES_MAX)
            return error_set(err, E_CORRUPT, "its reply names no measurement");
        (*names)[i] = arena_copy(arena, text);
        if ((*names)[i].data == NULL)
            return error_set(err, E_MEMORY, "no memory for its names");
    }
    *count = size;
    return *names != NULL ? OK : error_set(err, E_MEMORY, "no memory for its names");
}

/* Its head is of the member that was asked, and its body is JSON: to be freed, on errors too. */
static enum code take_json(const struct peer_asked *asked, const struct peer_head *head,
                           struct bytes body, struct json **root, struct error *err)
{
    enum code code;

    *root = NULL;
    if (head->status != STATUS_ROWS)
        return refuse_status(head->status, err);
    code = take_member(asked, head->member, err);
    if (!code && json_doc_parse(body, NAMES_DEPTH_MAX, root, NULL))
        code = error_set(err, E_CORRUPT, "its reply is no JSON");
    return code;
}

enum code peer_reply_names(const struct peer_asked *asked, const struct peer_head *head,
                           struct bytes body, struct arena *arena, struct bytes **names,
                           size_t *count, struct error *err)
{
    struct json *root;
    enum code code = take_json(asked, head, body, &root, err);

    *count = 0;
    if (!code)
        code = take_names(json_member(root, "measurements"), arena, names, count, err);
    json_doc_free(root);
    if (code)
        *count = 0;
    return code;
}

/* --- a source --- */

enum code peer_reply_told(const struct peer_asked *asked, const struct peer_head *head,
                          struct bytes body, struct arena *arena, struct bytes *told,
                          struct error *err)
{
    struct json *root;
    enum code code = take_json(asked, head, body, &root, err);

    json_doc_free(root);
    if (code)
        return code;
    *told = arena_copy(arena, body);
    return told->data != NULL ? OK : error_set(err, E_MEMORY, "no memory for what it says");
}

/* --- an erasure --- */

static struct bytes member_text(const struct json *root, const char *name)
{
    const struct json *value = root == NULL ? NULL : json_member(root, name);

    return value != NULL && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

/* In its own words, as far as there are any: they tell who has not done it yet. */
static enum code refuse_erasure(unsigned status, const struct json *problem, struct error *err)
{
    struct bytes detail = member_text(problem, "detail");

    if (detail.size == 0 || status == STATUS_REFUSED || status == STATUS_UNKNOWN)
        return refuse_status(status, err);
    return error_set(err, E_NOT_READY, "it answered %u: %.*s", status,
                     (int)(detail.size < DETAIL_MAX ? detail.size : DETAIL_MAX), detail.data);
}

enum code peer_reply_erased(const struct peer_asked *asked, const struct peer_head *head,
                            struct bytes body, int64_t *ingest, struct error *err)
{
    char incarnation[HASH128_TEXT_SIZE];
    struct json *root = NULL;
    const struct json *erased, *moment;
    bool parsed = json_doc_parse(body, NAMES_DEPTH_MAX, &root, NULL) == OK;
    enum code code = OK;

    hash128_print(&asked->incarnation, incarnation);
    erased = parsed ? json_member(root, "erased") : NULL;
    moment = parsed ? json_member(root, "ingest") : NULL;
    *ingest = 0;
    if (head->status != STATUS_ROWS)
        code = refuse_erasure(head->status, parsed ? root : NULL, err);
    if (!code)
        code = take_member(asked, head->member, err);
    if (!code && (erased == NULL || json_kind(erased) != JSON_KIND_BOOL || !json_bool_of(erased)))
        code = error_set(err, E_CORRUPT, "its reply does not say that it has erased");
    if (!code && !bytes_equal(member_text(root, "incarnation"), bytes_of(incarnation)))
        code = error_set(err, E_CORRUPT, "another data directory answers at its address");
    if (!code && (moment == NULL || json_kind(moment) != JSON_KIND_INTEGER))
        code = error_set(err, E_CORRUPT, "its reply does not say when it has erased");
    if (!code)
        *ingest = json_integer_of(moment);
    json_doc_free(root);
    return code;
}
