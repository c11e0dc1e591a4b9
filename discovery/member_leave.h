/* What a member's record becomes when somebody has it leave, docs/formats/registry.md: drained,
 * which loses nothing and is its own to carry out, or forgotten, which gives up what it has not
 * delivered.
 *
 * Failure: E_NOT_FOUND, there is no such member; E_CONFIG, it is not possible, with what to do
 * instead; E_MEMORY. */
#ifndef WEIR_DISCOVERY_MEMBER_LEAVE_H
#define WEIR_DISCOVERY_MEMBER_LEAVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "discovery/registry.h"

struct member_leave {
    struct bytes name; /* of its record: its number */
    struct bytes by;   /* who wants it, for people: at most 200 bytes */
    int64_t now_ns;    /* wall clock */
};

/* Appends the new text, or, where it is leaving or has left already, the one that is there.
 * `record` is as registry_find() gives it. */
MUST_USE enum code member_drain(const struct member_leave *leave,
                                const struct registry_record *record, struct arena *arena,
                                struct buf *text, struct error *err);
/* Likewise.  `records` tell who is alive: there is contact with the registry. */
MUST_USE enum code member_forget(const struct member_leave *leave,
                                 const struct registry_snapshot *records,
                                 const struct registry_record *record, struct arena *arena,
                                 struct buf *text, struct error *err);

#endif
