/* POST /peer/v1/erase: what was erased through another member is erased here, too
 * (docs/formats/peer.md). */
#ifndef WEIR_HANDLERS_PEER_ERASE_H
#define WEIR_HANDLERS_PEER_ERASE_H

#include "http/route.h"

extern const struct handler peer_erase_handler;

#endif
