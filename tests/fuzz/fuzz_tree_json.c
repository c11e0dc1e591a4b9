/* JSON, or NDJSON where the first byte is 0x80 or more: see tree_feed.h. */
#include "tests/fuzz/tree_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_tree(data != NULL && size > 0 && data[0] >= 0x80 ? &tree_ndjson : &tree_json, data, size);
    return 0;
}
