#include "codec/line_key.h"

#include "codec/point.h"

enum {
    PART_SIZE_MAX = 0x7f, /* in the key it is told by one byte, as a separator is one */
    MEASUREMENT = 0,
    TAG_KEY,
    TAG_VALUE,
};

static uint64_t part_max(uint64_t bytes_max)
{
    return bytes_max < PART_SIZE_MAX ? bytes_max : PART_SIZE_MAX;
}

/* Puts the sizes into `key`, whose byte i + 1 is the text's byte i. */
static bool put_sizes(struct bytes text, const struct limits *limits, char *key)
{
    const uint64_t size_max[] = {
        [MEASUREMENT] = part_max(limits->name_bytes_max),
        [TAG_KEY] = part_max(limits->name_bytes_max),
        [TAG_VALUE] = part_max(limits->tag_value_bytes_max),
    };
    struct bytes last = {0}; /* tag key */
    uint64_t tag_count = 0;
    size_t first = 0; /* of the part at hand */
    int part = MEASUREMENT;

    for (size_t at = 0; at <= text.size; at++) {
        char c = at < text.size ? text.data[at] : ',';

        if (c == '\\')
            return false;
        if (c != ',' && (c != '=' || part == MEASUREMENT))
            continue;
        if ((c == '=') != (part == TAG_KEY) || at == first || at - first > size_max[part])
            return false;
        key[first] = (char)(at - first);
        if (part == TAG_KEY) {
            struct bytes name = bytes_slice(text, first, at);

            if (tag_count > 0 && bytes_compare(last, name) >= 0)
                return false;
            last = name;
            tag_count++;
        }
        part = part == TAG_KEY ? TAG_VALUE : TAG_KEY;
        first = at + 1;
    }
    return tag_count <= limits->tags_max;
}

bool line_key_plain(struct bytes text, const struct limits *limits, struct arena *arena,
                    struct bytes *key, struct bytes *measurement)
{
    char *data;

    if (!name_plain(text))
        return false;
    data = arena_alloc(arena, text.size + 1);
    if (data == NULL)
        return false;
    memcpy(data + 1, text.data, text.size);
    if (!put_sizes(text, limits, data))
        return false;
    *key = (struct bytes){data, text.size + 1};
    *measurement = (struct bytes){data + 1, (size_t)data[0]};
    return true;
}
