/* This node as a member of its registry: it enters itself under a number, once and for good, tells
 * while it serves that it is alive, and takes writes as long as its record lets it.
 *
 * The number is that of the data directory's incarnation.  It is claimed by a record that only one
 * can make, noted durably on this machine, and in use from then on: a crash in between leaves a
 * record that names the incarnation, which the next start finds.  Without contact what was noted
 * and what was last seen are in force, as all of the registry.
 *
 * Thread: one of its own, which waits for the registry where something is to be written. */
#ifndef WEIR_DISCOVERY_MEMBERSHIP_H
#define WEIR_DISCOVERY_MEMBERSHIP_H

#include "discovery/member_document.h"
#include "discovery/registry.h"

struct membership;

/* Of those who give out ingest times; called by membership_start() and by the thread. */
struct membership_actions {
    /* Durable: the number is this data directory's, and in all ingest times from now on. */
    enum code (*note)(void *context, unsigned number, struct error *err);
    void (*join)(void *context); /* writes are taken */
    /* They are refused with `why`; E_NOT_READY, E_NO_MEMBER, or as note() failed. */
    void (*part)(void *context, const struct error *why);
    /* What its record says, each time that it was looked at; before join() and part(). */
    void (*stand)(void *context, enum member_state state);
    /* After part(), of one that is draining: OK when everything that was ever acknowledged is
     * delivered, else what that waits for.  Asked every second; waits for nothing itself. */
    enum code (*leave)(void *context, struct error *why);
    /* Whether others, as the records have them, let it write: E_NOT_READY, and what is waited for.
     * `joins`: it has yet to be known to all of them.  Asked every second, and when somebody calls
     * membership_changed().  NULL: nobody is asked. */
    enum code (*meet)(void *context, const struct registry_snapshot *records, unsigned number,
                      bool joins, struct error *why);
    void *context;
};

struct membership_rules {
    struct registry *registry; /* borrowed */
    struct bytes incarnation;  /* of the data directory, hexadecimal; copied */
    unsigned number;           /* that was noted; 0 = none */
    const char *program;       /* its version; borrowed */
    struct membership_actions actions;
};

/* Before the registry is opened, whose news go to membership_changed(). */
MUST_USE enum code membership_new(struct membership **membership, struct error *err);
void membership_changed(struct membership *membership);
/* Enters, where the registry is there, and goes on with what comes.  Without a number yet writes
 * are parted from. */
MUST_USE enum code membership_start(struct membership *membership,
                                    const struct membership_rules *rules, struct error *err);
/* The node serves at this address ("host:port"): alive/<number> is held from now on.  Its record
 * gets the one where other members reach it; `reached` NULL: nowhere. */
MUST_USE enum code membership_serve(struct membership *membership, const char *address,
                                    const char *reached, struct error *err);
/* Before the registry is closed, which ends what is held, and which is to hurry from now on: nobody
 * else goes on with it.  NULL, or not started, is fine. */
void membership_stop(struct membership *membership);
void membership_free(struct membership *membership); /* after it; NULL is fine */

struct membership_health {
    unsigned number; /* 0 = none yet */
    enum member_state state;
    struct error waits; /* .code is not OK: draining, and this is to be done yet */
    bool active;        /* writes are taken; else: */
    struct error why;   /* .code is what they are refused with */
    struct error flaw;  /* the record is not as it should be, and could not be mended; OK = it is */
    bool doubled;       /* another process says that it is this member, too: */
    char other[256];    /* in its own words, for people */
};

struct membership_health membership_health(struct membership *membership); /* any thread */

#endif
