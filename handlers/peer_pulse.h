/* GET /peer/v1/pulse: how this member is, for another one.  docs/formats/peer.md */
#ifndef WEIR_HANDLERS_PEER_PULSE_H
#define WEIR_HANDLERS_PEER_PULSE_H

#include "http/route.h"

extern const struct handler peer_pulse_handler;

#endif
