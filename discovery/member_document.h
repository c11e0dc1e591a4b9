/* The record of a member in the registry, docs/formats/registry.md: a node with a data directory
 * of its own, under its number. */
#ifndef WEIR_DISCOVERY_MEMBER_DOCUMENT_H
#define WEIR_DISCOVERY_MEMBER_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"

enum member_state {
    MEMBER_ACTIVE,
    MEMBER_JOINING,  /* takes no writes before all others know of it */
    MEMBER_DRAINING, /* takes none any more, and delivers what it has */
    MEMBER_DRAINED,  /* left with everything delivered */
    MEMBER_LOST,     /* forgotten: its rows are gone with it */
};

struct member_document {
    enum member_state state;
    struct bytes incarnation; /* of its data directory, hexadecimal; empty = not told */
    struct bytes address;     /* "host:port" where other members reach it; empty = nowhere */
    struct bytes at; /* RFC 3339: when somebody had it leave, or it had left; empty = never */
    struct bytes by; /* who that was, for people */
};

/* E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code member_document_parse(struct bytes text, struct arena *arena,
                                         struct member_document *document, struct error *err);
void member_document_print(const struct member_document *document, struct buf *out);
/* The same without braces. */
void member_document_print_members(const struct member_document *document, struct buf *out);
const char *member_state_name(enum member_state state);
/* It may have acknowledged rows that it has yet to deliver. */
bool member_state_owes(enum member_state state);

#endif
