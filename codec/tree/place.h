/* Where in a document we are, as a text for people: "/response/data/17". */
#ifndef WEIR_CODEC_TREE_PLACE_H
#define WEIR_CODEC_TREE_PLACE_H

#include "base/bytes.h"

enum { PLACE_SIZE_MAX = 256 }; /* what is longer is cut */

struct place {
    size_t size; /* set it back to go up */
    char text[PLACE_SIZE_MAX + 1];
};

void place_add_name(struct place *place, struct bytes name); /* with ~0 and ~1 */
void place_add_number(struct place *place, uint64_t number);
const char *place_text(struct place *place); /* "/" at the document */

#endif
