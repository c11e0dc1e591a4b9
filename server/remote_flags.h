/* The flags of all commands that talk to a server, and what they mean. */
#ifndef WEIR_SERVER_REMOTE_FLAGS_H
#define WEIR_SERVER_REMOTE_FLAGS_H

#include "server/remote.h"

enum remote_flag {
    REMOTE_URL,
    REMOTE_TOKEN_FILE,
    REMOTE_AUTHORITY_FILE,
    REMOTE_PROXY,
    REMOTE_TIMEOUT,
    REMOTE_RETRY_FOR,
    REMOTE_GZIP,
    REMOTE_QUIET,
    REMOTE_NO_PROGRESS,
    REMOTE_FLAG_COUNT
};

extern const struct argument_row remote_rows[REMOTE_FLAG_COUNT];

/* `values` by flag.  Fills *remote, which is empty before; remote_close() it also after a
 * failure (E_CONFIG). */
MUST_USE enum code remote_flags_apply(const char *const *values, struct remote *remote,
                                      struct error *err);

#endif
