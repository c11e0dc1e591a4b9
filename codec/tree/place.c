#include "codec/tree/place.h"

#include "base/number.h"

static void add(struct place *place, struct bytes part)
{
    size_t room = PLACE_SIZE_MAX - place->size;
    size_t size = part.size < room ? part.size : room;

    memcpy(place->text + place->size, part.data, size);
    place->size += size;
}

void place_add_name(struct place *place, struct bytes name)
{
    add(place, BYTES("/"));
    for (size_t i = 0; i < name.size && place->size < PLACE_SIZE_MAX; i++)
        add(place, name.data[i] == '/'   ? BYTES("~1")
                   : name.data[i] == '~' ? BYTES("~0")
                                         : bytes_slice(name, i, i + 1));
}

void place_add_number(struct place *place, uint64_t number)
{
    char text[NUMBER_TEXT_SIZE + 1];

    text[0] = '/';
    add(place, (struct bytes){text, 1 + number_print_u64(number, text + 1)});
}

const char *place_text(struct place *place)
{
    place->text[place->size] = '\0';
    return place->size == 0 ? "/" : place->text;
}
