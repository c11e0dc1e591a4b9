#include "codec/tree/tree.h"

const struct tree_format *tree_format_find(struct bytes name)
{
    static const struct tree_format *const formats[] = {&tree_json, &tree_ndjson, &tree_csv,
                                                        &tree_xml};

    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (bytes_equal(name, bytes_of(formats[i]->name)))
            return formats[i];
    return NULL;
}
