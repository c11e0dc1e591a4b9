#include "codec/decoder.h"

#include <strings.h>

const struct decoder_row *const decoder_rows[] = {
    &decoder_line_protocol,
    &decoder_json,
    &decoder_ndjson,
    &decoder_csv,
};
const size_t decoder_row_count = COUNT_OF(decoder_rows);

/* "Text/Plain ; charset=utf-8" is "Text/Plain". */
static struct bytes media_type(struct bytes content_type)
{
    size_t first = 0, end = 0;

    while (first < content_type.size &&
           (content_type.data[first] == ' ' || content_type.data[first] == '\t'))
        first++;
    for (end = first; end < content_type.size; end++)
        if (content_type.data[end] == ';' || content_type.data[end] == ' ' ||
            content_type.data[end] == '\t')
            break;
    return bytes_slice(content_type, first, end);
}

const struct decoder_row *decoder_find(struct bytes content_type)
{
    struct bytes wanted = media_type(content_type);

    if (wanted.size == 0)
        return decoder_rows[0];
    for (size_t i = 0; i < decoder_row_count; i++)
        for (const char *const *type = decoder_rows[i]->media_types; *type != NULL; type++)
            if (strlen(*type) == wanted.size && strncasecmp(*type, wanted.data, wanted.size) == 0)
                return decoder_rows[i];
    return NULL;
}
