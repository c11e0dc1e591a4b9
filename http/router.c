/* A linear walk: some fifty rows of memcmp are below a microsecond, and the table stays const. */
#include "http/router.h"

#include <assert.h>

static const char *const method_names[METHOD_COUNT] = {
    [METHOD_GET] = "GET",
    [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",
    [METHOD_DELETE] = "DELETE",
};

static bool literal(const char *path)
{
    return strchr(path, '{') == NULL;
}

void router_check(const struct route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *brace = strchr(routes[i].path, '{');

        assert(routes[i].path[0] == '/');
        assert(routes[i].method < METHOD_COUNT);
        assert(routes[i].handler != NULL);
        assert(routes[i].handler->finish != NULL);
        if (brace != NULL) {
            assert(brace[-1] == '/');
            assert(strchr(brace, '}') != NULL);
            assert(strchr(brace + 1, '{') == NULL);
        }
        for (size_t k = 0; k < i; k++)
            assert(routes[i].method != routes[k].method ||
                   strcmp(routes[i].path, routes[k].path) != 0);
    }
}

/* Does `path` follow `pattern`?  A {name} takes one segment that is not empty. */
static bool matches(const char *pattern, struct bytes path, struct bytes *variable)
{
    const char *brace = strchr(pattern, '{'), *after;
    size_t before, tail, end;

    *variable = (struct bytes){NULL, 0};
    if (brace == NULL)
        return bytes_equal(path, bytes_of(pattern));
    before = (size_t)(brace - pattern);
    after = strchr(brace, '}') + 1;
    tail = strlen(after);
    if (path.size <= before + tail || memcmp(path.data, pattern, before) != 0)
        return false;
    end = path.size - tail;
    if (memcmp(path.data + end, after, tail) != 0)
        return false;
    if (memchr(path.data + before, '/', end - before) != NULL)
        return false;
    *variable = bytes_slice(path, before, end);
    return true;
}

static void put_allowed(struct buf *allow, enum method method)
{
    if (allow->size > 0)
        buf_put_text(allow, ", ");
    buf_put_text(allow, method_names[method]);
    if (method == METHOD_GET)
        buf_put_text(allow, ", HEAD");
}

enum code router_find(const struct route *routes, size_t count, struct bytes method,
                      struct bytes path, const struct route **route, struct bytes *variable,
                      struct buf *allow, struct error *err)
{
    bool head = bytes_equal(method, BYTES("HEAD"));
    const struct route *best = NULL;
    bool known = false;

    for (size_t i = 0; i < count; i++) {
        const char *name = method_names[routes[i].method];
        struct bytes segment;

        if (!matches(routes[i].path, path, &segment))
            continue;
        known = true;
        if (!bytes_equal(method, bytes_of(name)) && !(head && routes[i].method == METHOD_GET)) {
            put_allowed(allow, routes[i].method);
            continue;
        }
        if (best == NULL || literal(routes[i].path)) {
            best = &routes[i];
            *variable = segment;
        }
    }
    if (best != NULL) {
        *route = best;
        return OK;
    }
    if (known)
        return error_set(err, E_METHOD, "%.*s is not allowed here, but %.*s",
                         method.size > 32 ? 32 : (int)method.size, method.data,
                         BYTES_ARG(buf_bytes(allow)));
    return error_set(err, E_NOT_FOUND, "there is nothing at %.*s",
                     path.size > 128 ? 128 : (int)path.size, path.data);
}
