/* Block decoders that wait for their next reader.  One holds scratch for the largest block, which
 * takes longer to get and to touch first than a small question takes to read its rows.
 *
 * Thread: any. */
#ifndef WEIR_STORE_DECODERS_H
#define WEIR_STORE_DECODERS_H

#include <pthread.h>

#include "base/error.h"

struct block_decoder;

enum { DECODERS_KEPT_MAX = 8 }; /* more than compute at once on most machines */

struct decoders {
    pthread_mutex_t lock; /* guards: */
    struct block_decoder *kept[DECODERS_KEPT_MAX];
    unsigned count;
};

void decoders_init(struct decoders *decoders);
void decoders_release(struct decoders *decoders); /* all have come back */
/* One that nobody else has; a new one when none is kept.  `decoders` may be NULL: none is ever. */
MUST_USE enum code decoders_take(struct decoders *decoders, struct block_decoder **decoder,
                                 struct error *err);
void decoders_give(struct decoders *decoders, struct block_decoder *decoder); /* NULL is fine */

#endif
