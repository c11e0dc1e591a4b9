#include "http/parameter.h"

#include "base/nearest.h"

#include <stdio.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum code percent_decode(struct bytes text, bool form, struct arena *arena, struct bytes *decoded,
                         struct error *err)
{
    char *out = arena_alloc(arena, text.size);
    size_t size = 0;

    if (out == NULL)
        return error_set(err, E_MEMORY, "no memory for the parameters");
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (c == '+' && form) {
            c = ' ';
        } else if (c == '%') {
            int high = text.size - i > 2 ? hex_value(text.data[i + 1]) : -1;
            int low = text.size - i > 2 ? hex_value(text.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return error_set(err, E_BAD_REQUEST,
                                 "'%%' needs two hexadecimal digits; write %%25 for itself");
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return error_set(err, E_BAD_REQUEST, "parameters cannot hold a NUL");
        out[size++] = c;
    }
    *decoded = (struct bytes){out, size};
    return OK;
}

static enum code append(struct parameter_list *list, struct arena *arena, struct parameter item,
                        struct error *err)
{
    if (list->count == PARAMETERS_MAX)
        return error_set(err, E_BAD_REQUEST, "there are more than %d parameters", PARAMETERS_MAX);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        struct parameter *items = arena_grow(arena, list->items, list->capacity * sizeof(*items),
                                             capacity * sizeof(*items));

        if (items == NULL)
            return error_set(err, E_MEMORY, "no memory for the parameters");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return OK;
}

enum code parameters_parse(struct bytes text, struct arena *arena, struct parameter_list *list,
                           struct error *err)
{
    for (size_t first = 0; first < text.size;) {
        const char *at = text.data + first;
        const char *amper = memchr(at, '&', text.size - first);
        size_t size = amper == NULL ? text.size - first : (size_t)(amper - at);
        const char *equals = memchr(at, '=', size);
        size_t name_size = equals == NULL ? size : (size_t)(equals - at);
        struct parameter item = {
            {NULL, 0},
            {NULL, 0}
        };
        enum code code;

        first += size + 1;
        if (size == 0)
            continue;
        code = percent_decode((struct bytes){at, name_size}, true, arena, &item.name, err);
        if (code)
            return code;
        if (equals != NULL) {
            struct bytes value = {equals + 1, size - name_size - 1};

            code = percent_decode(value, true, arena, &item.value, err);
            if (code)
                return code;
        }
        code = append(list, arena, item, err);
        if (code)
            return code;
    }
    return OK;
}

static bool is_known(struct bytes name, const char *const *known)
{
    for (; known != NULL && *known != NULL; known++)
        if (bytes_equal(name, bytes_of(*known)))
            return true;
    return false;
}

/* "; did you mean 'start'?", or where no name is near all of them, as far as they fit. */
static void suggest(struct bytes name, const char *const *known, char *text, size_t capacity)
{
    const char *nearest = nearest_name(name, known);
    size_t size = 0;

    text[0] = '\0';
    if (nearest != NULL)
        (void)snprintf(text, capacity, "; did you mean '%s'?", nearest);
    for (; nearest == NULL && known != NULL && *known != NULL; known++) {
        int more =
            snprintf(text + size, capacity - size, "%s%s", size ? ", " : "; there are ", *known);

        if (more < 0 || (size_t)more >= capacity - size) {
            text[size] = '\0';
            return;
        }
        size += (size_t)more;
    }
}

enum code parameters_check(const struct parameter_list *list, const char *const *known,
                           struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct bytes name = list->items[i].name;
        char hint[ERROR_TEXT_SIZE - 112]; /* beside a name of 64 bytes */

        if (is_known(name, known))
            continue;
        if (name.size > 0 && (name.data[0] == '{' || name.data[0] == '['))
            return error_set(err, E_UNKNOWN_PARAMETER,
                             "what stands where a parameter's name should looks like JSON: want "
                             "the header Content-Type: application/json, without which a body is "
                             "a form to curl -d");
        suggest(name, known, hint, sizeof(hint));
        error_set(err, E_UNKNOWN_PARAMETER, "parameter '%.*s' is not known here%s",
                  name.size > 64 ? 64 : (int)name.size, name.data, hint);
        error_point(err, name);
        return E_UNKNOWN_PARAMETER;
    }
    return OK;
}
