#include "ingest/pull/asking_headers.h"

#include <sodium.h>

struct header_list {
    const char **items; /* in the arena, with room for all, and an end */
    size_t count;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `line` begins with that name, in any case. */
static bool named(const char *line, struct bytes name)
{
    for (size_t i = 0; i < name.size; i++)
        if (lower(line[i]) != lower(name.data[i])) /* ends at the end of the line, too */
            return false;
    return line[name.size] == ':';
}

static bool has_header(const struct header_list *list, struct bytes name)
{
    for (size_t i = 0; i < list->count; i++)
        if (named(list->items[i], name))
            return true;
    return false;
}

/* One that has no value is left out: libcurl takes its line for something else. */
static enum code add_header(const struct filling *filling, struct header_list *list,
                            struct bytes name, struct bytes value, struct error *err)
{
    struct buf line = BUF_INIT(FILLING_SIZE_MAX);
    struct bytes text;
    enum code code;

    for (size_t i = 0; i < value.size; i++)
        if (((unsigned char)value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
            return error_set(err, E_BAD_PARAMETER, "the header %.*s would have a control byte",
                             BYTES_ARG(name));
    if (value.size == 0)
        return OK;
    buf_printf(&line, "%.*s: ", BYTES_ARG(name));
    buf_put(&line, value);
    code = filling_keep(filling, &line, &text, err);
    if (code == OK)
        list->items[list->count++] = text.data;
    buf_release(&line);
    return code;
}

static enum code add_default(const struct filling *filling, struct header_list *list,
                             struct bytes name, struct bytes value, struct error *err)
{
    return has_header(list, name) ? OK : add_header(filling, list, name, value, err);
}

/* Of the document's headers those that nobody has to be trusted with. */
static bool goes_abroad(struct bytes name)
{
    static const char *const names[] = {"accept", "accept-language", "accept-encoding",
                                        "user-agent"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (name.size == strlen(names[i]) && strncasecmp(name.data, names[i], name.size) == 0)
            return true;
    return false;
}

enum code asking_headers_basic(const struct filling *filling, struct bytes user,
                               struct bytes password, struct bytes *value, struct error *err)
{
    struct buf plain = BUF_INIT(1 << 16), out = BUF_INIT(1 << 18);
    size_t size;
    char *text;
    enum code code;

    if (user.size > 0 && memchr(user.data, ':', user.size) != NULL)
        return error_set(err, E_BAD_PARAMETER, "a user of basic auth has no colon");
    buf_put(&plain, user);
    buf_put_char(&plain, ':');
    buf_put(&plain, password);
    code = buf_finish(&plain, err);
    if (code == OK) {
        buf_put_text(&out, "Basic ");
        size = sodium_base64_ENCODED_LEN(plain.size, sodium_base64_VARIANT_ORIGINAL);
        text = buf_extend(&out, size);
        if (text != NULL) {
            sodium_bin2base64(text, size, (const unsigned char *)plain.data, plain.size,
                              sodium_base64_VARIANT_ORIGINAL);
            out.size--; /* its end */
        }
        code = filling_keep(filling, &out, value, err);
    }
    buf_release(&plain);
    buf_release(&out);
    return code;
}

static enum code bearer(const struct filling *filling, struct bytes token, struct bytes *value,
                        struct error *err)
{
    struct buf out = BUF_INIT(1 << 16);
    enum code code;

    buf_put_text(&out, "Bearer ");
    buf_put(&out, token);
    code = filling_keep(filling, &out, value, err);
    buf_release(&out);
    return code;
}

static enum code add_auth(const struct filling *filling, struct header_list *list,
                          struct error *err)
{
    const struct source_auth *auth = &filling->terms->source->auth;
    struct bytes name = BYTES("Authorization"), first, value = BYTES("");
    enum code code = OK;

    switch (auth->kind) {
    case SOURCE_AUTH_NONE:
    case SOURCE_AUTH_QUERY:
        return OK;
    case SOURCE_AUTH_BASIC:
        code = filling_text(filling, &auth->first, PLACE_PLAIN, &first, err);
        if (code == OK)
            code = filling_text(filling, &auth->second, PLACE_PLAIN, &value, err);
        if (code == OK)
            code = asking_headers_basic(filling, first, value, &value, err);
        break;
    case SOURCE_AUTH_BEARER:
        code = filling_text(filling, &auth->first, PLACE_PLAIN, &first, err);
        if (code == OK)
            code = bearer(filling, first, &value, err);
        break;
    case SOURCE_AUTH_HEADER:
        name = auth->first.rest;
        code = filling_text(filling, &auth->second, PLACE_PLAIN, &value, err);
        break;
    case SOURCE_AUTH_OAUTH2:
        code = bearer(filling, filling->terms->bearer, &value, err);
        break;
    }
    return code ? code : add_header(filling, list, name, value, err);
}

static enum code add_conditions(const struct filling *filling, struct header_list *list,
                                struct error *err)
{
    const struct asking_terms *terms = filling->terms;
    enum code code = OK;

    if (terms->page.text.size > 0)
        return OK;
    if (terms->source->conditional.etag)
        code = add_default(filling, list, BYTES("If-None-Match"), terms->etag, err);
    if (code == OK && terms->source->conditional.last_modified)
        code = add_default(filling, list, BYTES("If-Modified-Since"), terms->modified, err);
    return code;
}

static struct bytes type_of(struct bytes body)
{
    bool json = body.size > 0 && (body.data[0] == '{' || body.data[0] == '[');

    return json ? BYTES("application/json") : BYTES("application/x-www-form-urlencoded");
}

enum code asking_headers_make(const struct filling *filling, bool home, struct bytes body,
                              const char *const **headers, struct error *err)
{
    const struct source_request *request = &filling->terms->source->request;
    struct header_list list = {ARENA_ARRAY(filling->arena, const char *, request->header_count + 8),
                               0};
    enum code code = OK;

    if (list.items == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    for (size_t i = 0; code == OK && i < request->header_count; i++) {
        struct bytes value;

        if (!home && !goes_abroad(request->headers[i].name))
            continue;
        code = filling_text(filling, &request->headers[i].value, PLACE_PLAIN, &value, err);
        if (code == OK)
            code = add_header(filling, &list, request->headers[i].name, value, err);
    }
    if (code == OK && home)
        code = add_auth(filling, &list, err);
    if (code == OK && home)
        code = add_conditions(filling, &list, err);
    if (code == OK && body.size > 0)
        code = add_default(filling, &list, BYTES("Content-Type"), type_of(body), err);
    if (code == OK) /* an archive is read from its end, and is packed already */
        code = add_default(filling, &list, BYTES("Accept-Encoding"),
                           filling->terms->source->decode.zip_archive ? BYTES("identity")
                                                                      : BYTES("gzip, zstd"),
                           err);
    if (code == OK)
        code = add_default(filling, &list, BYTES("User-Agent"), filling->terms->user_agent, err);
    *headers = list.items;
    return code;
}
