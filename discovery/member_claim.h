/* A number of the registry for a data directory, and what its record says.
 *
 * Thread: any; what writes waits for the registry. */
#ifndef WEIR_DISCOVERY_MEMBER_CLAIM_H
#define WEIR_DISCOVERY_MEMBER_CLAIM_H

#include "discovery/member_document.h"
#include "discovery/registry.h"

/* What the record of a number says. */
struct member_standing {
    const struct registry_record *record; /* NULL: nothing */
    struct member_document document;      /* where readable */
    bool readable, nameless, others;
    bool claimed; /* this moment: the records at hand do not have it yet */
};

/* To the data directory of this incarnation.  After a failure, which says what is not right with
 * the record, `record` is set. */
MUST_USE enum code member_standing_read(const struct registry_snapshot *records, unsigned number,
                                        struct bytes incarnation, struct arena *arena,
                                        struct member_standing *standing, struct error *err);
/* As registry_put(). */
MUST_USE enum code member_put(struct registry *registry, unsigned number, uint64_t expected,
                              const struct member_document *document, struct error *err);
/* Makes a record under the lowest number that never had one.  E_NO_MEMBER: all are given; E_EXISTS:
 * somebody else was faster, and the next look shows it; else as registry_put(). */
MUST_USE enum code member_claim(struct registry *registry, const struct registry_snapshot *records,
                                struct bytes incarnation, enum member_state state, unsigned *number,
                                struct error *err);

#endif
