/* Names for people, of which there may be more than a text takes: "acme, bolt and 17 more". */
#ifndef WEIR_DISCOVERY_NAME_LIST_H
#define WEIR_DISCOVERY_NAME_LIST_H

#include "base/bytes.h"

enum { NAME_LIST_SIZE = 160 };

/* Zero is an empty one. */
struct name_list {
    size_t count, shown;
    size_t size; /* of the names that are shown */
    char text[NAME_LIST_SIZE];
};

void name_list_add(struct name_list *list, struct bytes name);
/* Good until the next call; "" = none. */
const char *name_list_text(struct name_list *list);

#endif
