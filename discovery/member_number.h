/* Which number a data directory has among the members of a registry, and which ones are free. */
#ifndef WEIR_DISCOVERY_MEMBER_NUMBER_H
#define WEIR_DISCOVERY_MEMBER_NUMBER_H

#include "base/number.h"
#include "discovery/registry.h"
#include "model/member.h"

/* The name of its records. */
struct bytes member_name(unsigned number, char text[NUMBER_TEXT_SIZE]);
/* 0: it is no member's name. */
unsigned member_number(struct bytes name);
/* NULL: there never was one. */
const struct registry_record *member_record(const struct registry_snapshot *records,
                                            unsigned number);
/* The lowest, from `from` on, that has no record: none that says "lost", and none that is missing;
 * 0: all are given. */
unsigned member_number_free(const struct registry_snapshot *records, unsigned from);
/* Whose record names the incarnation (hexadecimal): the lowest that is active, else the lowest; 0 =
 * none does.  E_MEMORY. */
MUST_USE enum code member_number_of(const struct registry_snapshot *records,
                                    struct bytes incarnation, unsigned *number, struct error *err);

#endif
