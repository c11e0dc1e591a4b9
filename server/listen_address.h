/* The text of a listen address, checked before anything is opened. */
#ifndef WEIR_SERVER_LISTEN_ADDRESS_H
#define WEIR_SERVER_LISTEN_ADDRESS_H

#include "base/error.h"

/* "127.0.0.1:8090", "[::1]:8090", "localhost:0".  *loopback: only this machine can reach it; a name
 * other than localhost counts as reachable.  E_CONFIG. */
MUST_USE enum code listen_address_check(struct bytes text, bool *loopback, struct error *err);

#endif
