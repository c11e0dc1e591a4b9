/* GET /peer/v1/names: which measurements this member knows of a tenant, for another one that lists
 * them.  docs/formats/peer.md */
#ifndef WEIR_HANDLERS_PEER_NAMES_H
#define WEIR_HANDLERS_PEER_NAMES_H

#include "http/route.h"

enum { PEER_NAMES_MAX = 100000 }; /* of one reply; a member with more does not tell them */

extern const struct handler peer_names_handler;
extern const char *const peer_names_parameter_names[];

#endif
