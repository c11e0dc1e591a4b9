#include "store/guests/follow.h"

#include <stdlib.h>

#include "store/delivery/chain_read.h"

enum {
    ENTRIES_MAX = 64, /* of a step: others wait for their turn */
};

void follow_init(struct follow *follow, struct bytes tenant, const struct hash128 *incarnation)
{
    *follow = (struct follow){.tenant = tenant, .incarnation = *incarnation, .through = INT64_MIN};
}

void follow_release(struct follow *follow)
{
    chain_list_release(&follow->list);
}

/* From nothing. */
static enum code begin(struct follow *follow, struct archive *archive, struct error *err)
{
    struct chain_list list = {.count = 0};
    struct error found = {0};
    struct chain_about about;
    enum code code =
        chain_read(archive, follow->tenant, &follow->incarnation, &list, &about, &found);

    if (code && code != E_NOT_FOUND) {
        chain_list_release(&list);
        if (err != NULL)
            *err = found;
        return code;
    }
    chain_list_release(&follow->list);
    follow->list = list;
    follow->next = code == OK ? about.last + 1 : 0;
    follow->through = code == OK ? about.through : INT64_MIN;
    follow->read = true;
    return OK;
}

/* The list as it is with the entry; what fails leaves what there was. */
static enum code apply(struct follow *follow, const struct chain_entry *entry, struct error *err)
{
    struct chain_list list = {.count = follow->list.count, .capacity = follow->list.count};
    enum code code;

    if (list.count > 0) {
        list.packs = malloc(list.count * sizeof(*list.packs));
        if (list.packs == NULL)
            return error_set(err, E_MEMORY, "no memory for a list of %zu packs", list.count);
        memcpy(list.packs, follow->list.packs, list.count * sizeof(*list.packs));
    }
    code = chain_list_apply(&list, entry, err);
    if (code) {
        chain_list_release(&list);
        return code;
    }
    chain_list_release(&follow->list);
    follow->list = list;
    follow->next = entry->number + 1;
    follow->through = entry->through;
    return OK;
}

/* *more: there was an entry. */
static enum code go_on(struct follow *follow, struct archive *archive, bool *more,
                       struct error *err)
{
    struct error found = {0};
    struct chain_entry entry;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = chain_entry_read(archive, follow->tenant, &follow->incarnation, follow->next, &arena,
                            &entry, &found);
    *more = code == OK;
    if (code == OK)
        code = apply(follow, &entry, &found);
    arena_release(&arena);
    if (code == E_NOT_FOUND)
        return OK;
    if (code && err != NULL)
        *err = found;
    return code;
}

enum code follow_step(struct follow *follow, struct archive *archive, bool *changed,
                      struct error *err)
{
    bool more = true;
    enum code code = OK;

    *changed = !follow->read;
    if (!follow->read)
        return begin(follow, archive, err);
    for (unsigned i = 0; code == OK && more && i < ENTRIES_MAX; i++) {
        code = go_on(follow, archive, &more, err);
        *changed |= code == OK && more;
    }
    if (code == E_CORRUPT)
        follow->read = false;
    return code;
}
