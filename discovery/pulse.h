/* What a member answers who asks how it is, docs/formats/peer.md. */
#ifndef WEIR_DISCOVERY_PULSE_H
#define WEIR_DISCOVERY_PULSE_H

#include "base/error.h"
#include "base/hash.h"

enum { PULSE_BYTES_MAX = 16384 };

struct pulse {
    unsigned number;            /* of the member that answers */
    struct hash128 incarnation; /* of its data directory; zeros: it does not say */
    bool ready;                 /* it takes writes */
    bool peer_known;            /* it names the one that asks where its rows may be missing */
    int64_t wall_ns;            /* its wall clock */
    int64_t stamp_ns;           /* the newest ingest time that it gave; 0 = none */
    int64_t through_ns;         /* all that it acknowledged up to this is delivered */
    int64_t closed_ns;          /* ... or ever will, and of all tenants; 0 = it does not say */
    uint64_t backlog_bytes, registry_version;
};

/* What else it says is left to those who know it.  E_SYNTAX: it is no pulse, and why; E_MEMORY. */
MUST_USE enum code pulse_parse(struct bytes text, struct pulse *pulse, struct error *err);

#endif
