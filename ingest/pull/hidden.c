#include "ingest/pull/hidden.h"

enum { CUT_SIZE_MIN = 4 }; /* less of one tells nothing, and is found in any text */

bool hidden_add(struct hidden *hidden, struct arena *arena, struct bytes value)
{
    struct hidden_value *added = ARENA_NEW(arena, struct hidden_value);

    if (added == NULL)
        return false;
    *added = (struct hidden_value){hidden->first, value};
    hidden->first = added;
    return true;
}

bool hidden_add_headers(struct hidden *hidden, struct arena *arena, const char *const *headers)
{
    static const struct bytes name = BYTES("Authorization: ");

    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        const char *value =
            strncmp(headers[i], name.data, name.size) == 0 ? headers[i] + name.size : NULL;
        const char *space = value == NULL ? NULL : strchr(value, ' ');

        if (value != NULL &&
            !hidden_add(hidden, arena, bytes_of(space == NULL ? value : space + 1)))
            return false;
    }
    return true;
}

static void mask_value(struct bytes value, char *text, size_t size)
{
    char *found;

    for (size_t at = 0; value.size > 0 && size - at >= value.size &&
                        (found = memmem(text + at, size - at, value.data, value.size)) != NULL;
         at = (size_t)(found - text) + value.size)
        memset(found, '*', value.size);
    for (size_t cut = value.size - 1; value.size > 0 && cut >= CUT_SIZE_MIN; cut--)
        if (cut <= size && memcmp(text + size - cut, value.data, cut) == 0) {
            memset(text + size - cut, '*', cut);
            return;
        }
}

void hidden_mask(const struct hidden *hidden, char *text, size_t size)
{
    if (size == 0)
        return;
    for (const struct hidden_value *at = hidden->first; at != NULL; at = at->next)
        mask_value(at->value, text, size);
}
