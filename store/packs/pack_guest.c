/* What is said of a pack that is another member's.  Most have nothing that is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "store/packs/pack_inside.h"

enum code pack_make_guest(struct pack *pack, uint32_t member, struct error *err)
{
    struct pack_guest *guest = calloc(1, sizeof(*guest));
    size_t size = strlen(pack->name) + sizeof(" of member 4294967295");
    char *name = malloc(size);

    if (!guest || !name) {
        free(guest);
        free(name);
        return error_set(err, E_MEMORY, "no memory for a pack");
    }
    arena_init(&guest->arena, SIZE_MAX, NULL);
    (void)snprintf(name, size, "%s of member %u", pack->name, member);
    free(pack->name);
    pack->name = name;
    pack->guest = guest;
    return OK;
}

void pack_guest_free(struct pack_guest *guest)
{
    if (!guest)
        return;
    arena_release(&guest->arena);
    free(guest);
}

bool pack_is_guest(const struct pack *pack)
{
    return pack->guest != NULL;
}

enum code pack_refuse(struct pack *pack, struct bytes measurement, struct bytes field,
                      enum value_type type, struct error *err)
{
    struct pack_guest *guest = pack->guest;
    size_t size = guest->refused_count * sizeof(struct pack_refused);
    struct pack_refused *refused =
        arena_grow(&guest->arena, guest->refused, size, size + sizeof(struct pack_refused));
    struct pack_refused *last;

    if (!refused)
        return error_set(err, E_MEMORY, "no memory for a field");
    guest->refused = refused;
    last = &refused[guest->refused_count];
    *last = (struct pack_refused){arena_copy(&guest->arena, measurement),
                                  arena_copy(&guest->arena, field), type};
    if (!last->measurement.data || !last->field.data)
        return error_set(err, E_MEMORY, "no memory for a field");
    guest->refused_count++;
    return OK;
}

size_t pack_refused(const struct pack *pack, const struct pack_refused **list)
{
    if (list)
        *list = pack->guest ? pack->guest->refused : NULL;
    return pack->guest ? pack->guest->refused_count : 0;
}

bool pack_refuses(const struct pack *pack, struct bytes measurement, struct bytes field,
                  enum value_type type)
{
    const struct pack_guest *guest = pack->guest;

    for (size_t i = 0; guest && i < guest->refused_count; i++)
        if (guest->refused[i].type == type && bytes_equal(guest->refused[i].field, field) &&
            bytes_equal(guest->refused[i].measurement, measurement))
            return true;
    return false;
}
