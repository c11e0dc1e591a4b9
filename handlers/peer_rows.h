/* POST /peer/v1/rows: what this member acknowledged and no shard lists yet, for a question of
 * another one.  docs/formats/peer.md */
#ifndef WEIR_HANDLERS_PEER_ROWS_H
#define WEIR_HANDLERS_PEER_ROWS_H

#include "http/route.h"

extern const struct handler peer_rows_handler;

#endif
