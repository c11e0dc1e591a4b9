#include "discovery/name_list.h"

#include <stdio.h>

enum { MORE_SIZE = sizeof(" and 18446744073709551615 more") };

void name_list_add(struct name_list *list, struct bytes name)
{
    const char *between = list->count > 0 ? ", " : "";
    size_t room = sizeof(list->text) - MORE_SIZE - list->size;

    if (list->shown == list->count && name.size + 2 <= room) {
        list->size +=
            (size_t)snprintf(list->text + list->size, room + 1, "%s%.*s", between, BYTES_ARG(name));
        list->shown++;
    }
    list->count++;
}

const char *name_list_text(struct name_list *list)
{
    if (list->shown == 0 && list->count > 0)
        (void)snprintf(list->text, sizeof(list->text), "%zu of them", list->count);
    else if (list->shown < list->count)
        (void)snprintf(list->text + list->size, MORE_SIZE, " and %zu more",
                       list->count - list->shown);
    return list->text;
}
