/* Whose limits hold for a source: those of the host that it asks and of the credential that it
 * shows. The name tells no secret: what a credential is made of are the names of secrets. */
#include "ingest/pull/limit_name.h"
#include "base/hash.h"

static void add_places(struct hash128_state *state, const struct text_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        hash128_add(state, places->items[i].before);
        hash128_add(state, places->items[i].name);
    }
    hash128_add(state, places->rest);
}

/* Up to the first slash behind the two: places may not stand in front of it. */
static struct bytes host_of(const struct source *source)
{
    const struct text_places *url = &source->request.url;
    struct bytes text = url->count > 0 ? url->items[0].before : url->rest;
    const char *host = memmem(text.data, text.size, "://", 3);
    size_t first = host == NULL ? 0 : (size_t)(host + 3 - text.data), end = first;

    while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
        end++;
    return bytes_slice(text, first, end);
}

enum code asking_limit_name(const struct source *source, struct bytes tenant, struct buf *name,
                            struct error *err)
{
    const struct source_auth *auth = &source->auth;
    char text[HASH128_TEXT_SIZE];
    struct hash128_state state;
    struct hash128 sum;

    buf_put(name, source->limits.host.size > 0 ? source->limits.host : host_of(source));
    if (auth->kind != SOURCE_AUTH_NONE) {
        hash128_begin(&state);
        hash128_add(&state, tenant);
        add_places(&state, &auth->first);
        add_places(&state, &auth->second);
        sum = hash128_end(&state);
        hash128_print(&sum, text);
        buf_put_char(name, '#');
        buf_put(name, (struct bytes){text, 16});
    }
    return buf_finish(name, err);
}
