/* What other members of the registry answered of late when they were asked for their pulse, and
 * what follows from it: how far this node's wall clock is ahead of theirs, and whether all of them
 * know of it.
 *
 * Thread: any. */
#ifndef WEIR_DISCOVERY_ROLL_H
#define WEIR_DISCOVERY_ROLL_H

#include "discovery/pulse.h"
#include "discovery/registry.h"

struct roll;

MUST_USE enum code roll_new(struct roll **roll, struct error *err);
void roll_free(struct roll *roll); /* NULL is fine */

/* A member that is to be asked. */
struct roll_target {
    unsigned number;
    bool alive;
    char address[304];
};

/* Those of the records that may have rows, have an address and are not `own`; at most `room`.  The
 * number of them. */
size_t roll_targets(const struct registry_snapshot *records, unsigned own,
                    struct roll_target *targets, size_t room);

/* Whether there is one but `own` that may have rows, be it that it cannot be asked: it starts as
 * well, or does not listen for others.  A record that cannot be read says of nobody that it left.
 */
bool roll_has_others(const struct registry_snapshot *records, unsigned own);

/* It answered who asked it at this time of our wall clock and of CLOCK_BOOTTIME. */
void roll_answered(struct roll *roll, const struct pulse *pulse, int64_t wall_ns, int64_t boot_ns);
void roll_silent(struct roll *roll, unsigned number);
/* All of these, or those of them whose turn it was, were asked once more, by this member; others
 * are no members any more.  Another number begins anew with who knows it. */
void roll_asked(struct roll *roll, unsigned own, const struct roll_target *targets, size_t count);

/* How far our wall clock is ahead of that of the members, ours among them: of the lower half's
 * last. So of two whose clocks differ the one that is ahead finds itself so, and of more the fewer
 * do. False: nobody has answered of late. */
bool roll_lead(struct roll *roll, int64_t wall_ns, int64_t boot_ns, int64_t *lead_ns);

/* E_NOT_READY, with what is waited for: whether this node may give out ingest times.  Others were
 * asked for their clocks once; and, if it `joins`, each that is alive and can be asked has said
 * twice, a second apart, that it knows us, so that it names us where it has to.  Who answers is
 * waited for also where the registry does not have it as alive: it may be cut off from that, and
 * answer questions.  Beside members that cannot be asked, as those that start, too, it is a second
 * in which they see the record. */
MUST_USE enum code roll_confirm(struct roll *roll, const struct registry_snapshot *records,
                                unsigned own, bool joins, struct error *why);

/* Of one member. */
struct roll_entry {
    bool answered;   /* when it was asked last */
    int64_t boot_ns; /* when it answered last; 0 = never, and what follows is not there */
    int64_t lead_ns; /* our wall clock was ahead of its by this, or by more */
    struct pulse pulse;
};

/* False: it was never asked. */
bool roll_entry(struct roll *roll, unsigned number, struct roll_entry *view);
/* Numbers from `number` on that were asked, for a walk; 0 = no more. */
unsigned roll_next(struct roll *roll, unsigned number);

#endif
