/* Whose limits hold for a source: those of the host that it asks and of the credential that it
 * shows. The name tells no secret: what a credential is made of are the names of secrets. */
#include "ingest/pull/limit_name.h"

#include <strings.h>

#include "base/hash.h"

/* With its size, which keeps "a", "bc" and "ab", "c" apart. */
static void add_text(struct hash128_state *state, struct bytes text)
{
    uint64_t size = text.size;

    hash128_add(state, (struct bytes){(const char *)&size, sizeof(size)});
    hash128_add(state, text);
}

static void add_places(struct hash128_state *state, const struct text_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        add_text(state, places->items[i].before);
        add_text(state, places->items[i].name);
    }
    add_text(state, places->rest);
}

/* Up to the first slash behind the two: places may not stand in front of it.  Without the port that
 * goes without saying. */
static struct bytes host_of(struct bytes text)
{
    const char *host = memmem(text.data, text.size, "://", 3);
    size_t first = host == NULL ? 0 : (size_t)(host + 3 - text.data), end = first;
    struct bytes port = first == 7 ? BYTES(":80") : BYTES(":443"); /* behind "http://" */

    while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
        end++;
    if (end - first > port.size && bytes_equal(bytes_slice(text, end - port.size, end), port))
        end -= port.size;
    return bytes_slice(text, first, end);
}

static struct bytes before_places(const struct source_request *request)
{
    const struct text_places *url = &request->url;

    return url->count > 0 ? url->items[0].before : url->rest;
}

static struct bytes home_of(const struct source *source)
{
    return host_of(before_places(&source->request));
}

static bool is_same_host(struct bytes a, struct bytes b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

bool asking_same_home(const struct source_request *a, const struct source_request *b)
{
    struct bytes one = before_places(a), two = before_places(b);

    return strncasecmp(one.data, two.data, strlen("https")) == 0 &&
           is_same_host(host_of(one), host_of(two));
}

/* Names of hosts are the same in capitals. */
static void put_host(struct buf *name, struct bytes host)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];

        buf_put_char(name, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static enum code put_name(const struct source *source, struct bytes host, struct bytes tenant,
                          struct buf *name, struct error *err)
{
    const struct source_auth *auth = &source->auth;
    char text[HASH128_TEXT_SIZE];
    struct hash128_state state;
    struct hash128 sum;

    put_host(name, host);
    if (auth->kind != SOURCE_AUTH_NONE) {
        hash128_begin(&state);
        add_text(&state, tenant);
        add_places(&state, &auth->first);
        add_places(&state, &auth->second);
        sum = hash128_end(&state);
        hash128_print(&sum, text);
        buf_put_char(name, '#');
        buf_put(name, (struct bytes){text, 16});
    }
    return buf_finish(name, err);
}

enum code asking_limit_name(const struct source *source, struct bytes tenant, struct buf *name,
                            struct error *err)
{
    struct bytes host = source->limits.host.size > 0 ? source->limits.host : home_of(source);

    return put_name(source, host, tenant, name, err);
}

enum code asking_token_limit_name(const struct source *source, struct bytes tenant,
                                  struct buf *name, struct error *err)
{
    struct bytes host = host_of(source->auth.token_url), home = home_of(source);

    if (is_same_host(host, home))
        return asking_limit_name(source, tenant, name, err);
    return put_name(source, host, tenant, name, err);
}
