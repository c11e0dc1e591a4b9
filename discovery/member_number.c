#include "discovery/member_number.h"

#include "base/arena.h"
#include "discovery/member_document.h"

struct bytes member_name(unsigned number, char text[NUMBER_TEXT_SIZE])
{
    return (struct bytes){text, number_print_u64(number, text)};
}

unsigned member_number(struct bytes name)
{
    char text[NUMBER_TEXT_SIZE];
    uint64_t number;

    if (number_parse_u64(name, &number) || number < 1 || number > MEMBER_NUMBER_MAX ||
        !bytes_equal(member_name((unsigned)number, text), name)) /* "007" */
        return 0;
    return (unsigned)number;
}

const struct registry_record *member_record(const struct registry_snapshot *records,
                                            unsigned number)
{
    char text[NUMBER_TEXT_SIZE];

    return registry_find(records, REGISTRY_MEMBERS, member_name(number, text));
}

unsigned member_number_free(const struct registry_snapshot *records, unsigned from)
{
    for (unsigned number = from; number <= MEMBER_NUMBER_MAX; number++)
        if (!member_record(records, number))
            return number;
    return 0;
}

enum code member_number_of(const struct registry_snapshot *records, struct bytes incarnation,
                           unsigned *number, struct error *err)
{
    struct arena arena;
    enum code code = OK;
    bool active = false;

    *number = 0;
    arena_init(&arena, SIZE_MAX, NULL);
    for (unsigned n = 1; n <= MEMBER_NUMBER_MAX && !active && code != E_MEMORY; n++) {
        const struct registry_record *record = member_record(records, n);
        struct member_document document;

        if (!record)
            continue;
        code = member_document_parse(record->text, &arena, &document, NULL);
        if (code || !bytes_equal(document.incarnation, incarnation))
            continue;
        active = document.state == MEMBER_ACTIVE;
        if (active || *number == 0)
            *number = n;
    }
    arena_release(&arena);
    return code == E_MEMORY ? error_set(err, E_MEMORY, "no memory to read the members") : OK;
}
