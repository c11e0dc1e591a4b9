/* GET /peer/v1/source (docs/formats/peer.md): how a source goes, as the member knows that pulls it.
 *
 * "{}" where it is not this one.
 *
 * Thread: HTTP threads. */
#ifndef WEIR_HANDLERS_PEER_SOURCE_H
#define WEIR_HANDLERS_PEER_SOURCE_H

#include "http/route.h"

extern const struct handler peer_source_handler;
extern const char *const peer_source_parameter_names[];

#endif
