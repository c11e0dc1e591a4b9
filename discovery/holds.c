#include "discovery/holds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void holds_init(struct holds *holds, size_t hold_size, void (*end)(struct hold *hold))
{
    assert(hold_size >= sizeof(struct hold));
    *holds = (struct holds){.hold_size = hold_size, .end = end};
    pthread_mutex_init(&holds->lock, NULL);
}

static void free_all(const struct holds *holds, struct hold *first)
{
    while (first) {
        struct hold *hold = first;

        first = hold->next;
        if (holds->end)
            holds->end(hold);
        free((char *)hold->text.data);
        free(hold);
    }
}

void holds_release(struct holds *holds)
{
    free_all(holds, holds->first);
    pthread_mutex_destroy(&holds->lock);
}

struct hold *holds_find(const struct holds *holds, enum registry_kind kind, struct bytes name)
{
    struct hold *hold = holds->first;

    while (hold &&
           (hold->released || hold->kind != kind || !bytes_equal(bytes_of(hold->name), name)))
        hold = hold->next;
    return hold;
}

enum code holds_want(struct holds *holds, enum registry_kind kind, struct bytes name,
                     struct bytes text, struct error *err)
{
    struct hold *made = calloc(1, holds->hold_size), *hold;
    char *copy = malloc(text.size + 1);
    const char *before;

    if (!made || !copy) {
        free(made);
        free(copy);
        return error_set(err, E_MEMORY, "no memory to hold %.*s", BYTES_ARG(name));
    }
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    made->kind = kind;
    snprintf(made->name, sizeof(made->name), "%.*s", BYTES_ARG(name));
    pthread_mutex_lock(&holds->lock);
    hold = holds_find(holds, kind, name);
    if (!hold) {
        hold = made;
        made = NULL;
        hold->id = ++holds->ids;
        hold->next = holds->first;
        holds->first = hold;
    }
    before = hold->text.data;
    hold->text = (struct bytes){copy, text.size}; /* of one that is held: for the next time */
    pthread_mutex_unlock(&holds->lock);
    free((char *)before);
    free(made);
    return OK;
}

void holds_give_up(struct holds *holds, enum registry_kind kind, struct bytes name)
{
    struct hold *hold;

    pthread_mutex_lock(&holds->lock);
    hold = holds_find(holds, kind, name);
    if (hold)
        hold->released = true;
    pthread_mutex_unlock(&holds->lock);
}

bool holds_sweep(struct holds *holds, bool (*is_over)(const struct hold *hold))
{
    struct hold *over = NULL, **at;
    bool any;

    pthread_mutex_lock(&holds->lock);
    for (at = &holds->first; *at;) {
        struct hold *hold = *at;

        if (!is_over(hold)) {
            at = &hold->next;
            continue;
        }
        *at = hold->next;
        hold->next = over;
        over = hold;
    }
    pthread_mutex_unlock(&holds->lock);
    any = over != NULL;
    free_all(holds, over);
    return any;
}
