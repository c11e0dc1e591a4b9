#include "discovery/shard_document.h"

#include "discovery/document.h"

static const char *const states[] = {"active", "deleted", NULL};

static bool starts(struct bytes text, struct bytes with)
{
    return text.size > with.size && memcmp(text.data, with.data, with.size) == 0;
}

const char *shard_uri_fault(struct bytes uri)
{
    if (uri.size == 0)
        return "is empty";
    if (uri.size > SHARD_URI_BYTES_MAX)
        return "is longer than 4096 bytes";
    for (size_t i = 0; i < uri.size; i++)
        if ((unsigned char)uri.data[i] <= ' ' || uri.data[i] == 0x7f)
            return "has a blank, a line break or a control character in it";
    if (!starts(uri, BYTES("mongodb://")) && !starts(uri, BYTES("mongodb+srv://")))
        return "does not begin with mongodb:// or mongodb+srv:// and go on with a host";
    return NULL;
}

/* A password should have its '@', '/' and '?' escaped.  Where one may not have, what looks like a
 * host may be a part of it. */
struct bytes shard_uri_hosts(struct bytes uri)
{
    const char *scheme = uri.size > 0 ? memmem(uri.data, uri.size, "://", 3) : NULL;
    size_t first, end;

    if (!scheme)
        return (struct bytes){NULL, 0};
    first = (size_t)(scheme + 3 - uri.data);
    for (end = first; end < uri.size && uri.data[end] != '/' && uri.data[end] != '?';)
        end++;
    if (memchr(uri.data + end, '@', uri.size - end))
        return (struct bytes){NULL, 0};
    for (size_t i = end; i-- > first;)
        if (uri.data[i] == '@')
            return bytes_slice(uri, i + 1, end);
    return bytes_slice(uri, first, end);
}

static enum code take_state(struct document *document, const struct json *value, struct error *err)
{
    struct shard_document *shard = document->context;
    unsigned state;
    enum code code = document_choice_take(document, value, states, &state, err);

    if (!code)
        shard->deleted = state == 1;
    return code;
}

/* Whatever is wrong with it, it is not told. */
static enum code take_uri(struct document *document, const struct json *value, struct error *err)
{
    struct shard_document *shard = document->context;
    struct bytes text;
    const char *fault;

    if (json_kind(value) != JSON_KIND_TEXT)
        return document_refuse(document, err, "must be text, not %s",
                               json_kind_name(json_kind(value)));
    text = json_text_of(value);
    fault = shard_uri_fault(text);
    if (fault)
        return document_refuse(document, err, "the address %s", fault);
    shard->uri = arena_copy(document->arena, text);
    return shard->uri.data ? OK : document_no_memory(err);
}

static enum code take_unsafe(struct document *document, const struct json *value, struct error *err)
{
    struct shard_document *shard = document->context;

    return document_bool_take(document, value, &shard->unsafe, err);
}

static enum code take_region(struct document *document, const struct json *value, struct error *err)
{
    struct shard_document *shard = document->context;

    return document_text_take(document, value, SHARD_REGION_BYTES_MAX, &shard->region, err);
}

enum code shard_document_parse(struct bytes text, struct arena *arena,
                               struct shard_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"state",  take_state },
        {"uri",    take_uri   },
        {"unsafe", take_unsafe},
        {"region", take_region},
    };
    struct shard_document read = {.deleted = false};
    enum code code = document_read(text, "a shard", keys, COUNT_OF(keys), arena, &read, err);

    if (code)
        return code;
    if (!read.deleted && read.uri.size == 0) {
        error_point(err, BYTES("/uri"));
        return error_set(err, E_CONFIG, "/uri: a shard that is not deleted has an address");
    }
    *document = read;
    return OK;
}

static void print_rest(const struct shard_document *document, struct buf *out)
{
    if (document->unsafe)
        buf_put_text(out, ",\"unsafe\":true");
    if (document->region.size > 0) {
        buf_put_text(out, ",\"region\":");
        json_put_text(out, document->region);
    }
}

void shard_document_print(const struct shard_document *document, struct buf *out)
{
    buf_printf(out, "{\"state\":\"%s\"", states[document->deleted]);
    if (document->uri.size > 0) {
        buf_put_text(out, ",\"uri\":");
        json_put_text(out, document->uri);
    }
    print_rest(document, out);
    buf_put_char(out, '}');
}

void shard_document_print_members(const struct shard_document *document, struct buf *out)
{
    struct bytes hosts = shard_uri_hosts(document->uri);

    buf_printf(out, "\"state\":\"%s\"", states[document->deleted]);
    if (hosts.size > 0) {
        buf_put_text(out, ",\"hosts\":");
        json_put_text(out, hosts);
    }
    print_rest(document, out);
}
