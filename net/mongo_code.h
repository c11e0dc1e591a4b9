/* What the error codes of a MongoDB server mean for Weir: most say that the same call may succeed
 * later, after an election or when the server is back. */
#ifndef WEIR_NET_MONGO_CODE_H
#define WEIR_NET_MONGO_CODE_H

#include "base/error.h"

/* E_NOT_READY, E_TIMEOUT, E_CONFIG, E_EXISTS, else E_IO. */
enum code mongo_code(uint32_t server_code);

#endif
