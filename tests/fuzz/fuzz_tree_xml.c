/* XML: see tree_feed.h. */
#include "tests/fuzz/tree_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_tree(&tree_xml, data, size);
    return 0;
}
