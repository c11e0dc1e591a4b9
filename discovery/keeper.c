#include "discovery/keeper.h"

#include <stdlib.h>

#include "base/hash.h"
#include "discovery/member_number.h"

/* For the node that it is of, where that is there. */
static const int64_t patience_ns = 2 * INT64_C(1000000000), again_ns = 2 * INT64_C(1000000000);

struct keeper_member {
    struct hash128 incarnation;
    unsigned number;
    bool there; /* as of the last look */
    bool owes;
    uint64_t version; /* of what is kept: */
    char *text;
    size_t size;
    int64_t due_ns; /* when it is put, while it is not there */
};

void keeper_release(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        free(keeper->members[i].text);
    free(keeper->members);
    *keeper = (struct keeper){.count = 0};
}

/* Finds or makes; NULL: memory. */
static struct keeper_member *member_of(struct keeper *keeper, const struct hash128 *incarnation)
{
    struct keeper_member *grown;

    for (size_t i = 0; i < keeper->count; i++)
        if (hash128_equal(&keeper->members[i].incarnation, incarnation))
            return &keeper->members[i];
    if (keeper->count == keeper->capacity) {
        grown = realloc(keeper->members, (keeper->capacity + 16) * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        keeper->members = grown;
        keeper->capacity += 16;
    }
    keeper->members[keeper->count] = (struct keeper_member){.incarnation = *incarnation};
    return &keeper->members[keeper->count++];
}

/* What memory is too short for is kept as it was. */
static void take(struct keeper *keeper, const struct registry_record *record,
                 const struct member_document *document)
{
    unsigned number = member_number(record->name);
    struct keeper_member *member;
    struct hash128 incarnation;
    char *text;

    if (number == 0 || !hash128_parse(document->incarnation, &incarnation) ||
        (member = member_of(keeper, &incarnation)) == NULL)
        return;
    member->there |= !record->missing;
    if (member->text != NULL &&
        (record->missing || (member->number == number && member->version == record->version)))
        return;
    text = malloc(record->text.size + 1);
    if (text == NULL)
        return;
    memcpy(text, record->text.data, record->text.size);
    free(member->text);
    member->text = text;
    member->size = record->text.size;
    member->number = number;
    member->version = record->version;
    member->owes = member_state_owes(document->state);
}

bool keeper_look(struct keeper *keeper, const struct registry_snapshot *records, struct bytes own,
                 int64_t now_ns)
{
    size_t first, end, gone = 0;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < keeper->count; i++)
        keeper->members[i].there = false;
    registry_range(records, REGISTRY_MEMBERS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const struct registry_record *record = &records->records[i];
        struct member_document document;

        if (member_document_parse(record->text, &arena, &document, &(struct error){0}) == OK &&
            !bytes_equal(document.incarnation, own))
            take(keeper, record, &document);
    }
    arena_release(&arena);
    for (size_t i = 0; i < keeper->count; i++) {
        struct keeper_member *member = &keeper->members[i];

        if (member->there)
            member->due_ns = 0;
        else if (member->due_ns == 0)
            member->due_ns = now_ns + (member->owes ? patience_ns : 0);
        gone += !member->there;
    }
    return gone > 0;
}

/* Its own, unless that is another's by now. */
static unsigned number_for(const struct keeper_member *member,
                           const struct registry_snapshot *records, struct bytes incarnation,
                           struct arena *arena)
{
    const struct registry_record *record = member_record(records, member->number);
    struct member_document document;

    if (record == NULL ||
        (record->missing &&
         member_document_parse(record->text, arena, &document, &(struct error){0}) == OK &&
         bytes_equal(document.incarnation, incarnation)))
        return member->number;
    return member_number_free(records, 1);
}

bool keeper_next(struct keeper *keeper, const struct registry_snapshot *records, int64_t now_ns,
                 struct arena *arena, unsigned *number, struct member_document *document)
{
    for (size_t i = 0; i < keeper->count; i++) {
        size_t at = (keeper->resume + i) % keeper->count;
        struct keeper_member *member = &keeper->members[at];

        if (member->there || member->text == NULL || now_ns < member->due_ns ||
            member_document_parse((struct bytes){member->text, member->size}, arena, document,
                                  &(struct error){0}) != OK)
            continue;
        member->due_ns = now_ns + again_ns;
        *number = number_for(member, records, document->incarnation, arena);
        if (*number != 0) {
            keeper->resume = at + 1;
            return true;
        }
    }
    return false;
}
