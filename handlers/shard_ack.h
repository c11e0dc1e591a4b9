/* A write that is answered once its rows are at the tenant's shard (ack=shard): durable and visible
 * here first, as any other, then its connection stays parked. */
#ifndef WEIR_HANDLERS_SHARD_ACK_H
#define WEIR_HANDLERS_SHARD_ACK_H

#include "base/metric.h"
#include "store/delivery/delivery.h"

struct request;

struct shard_ack {
    struct delivery_ack ack; /* first */
    struct request *request;
    struct metric *waiting; /* NULL: it does not wait, nor will */
    struct metric *seconds;
    int64_t began_ns;
    void (*done)(struct request *request, enum code code, const struct error *err);
};

/* Takes one of the tenant's places, before anything is stored.  E_BAD_PARAMETER where it has no
 * shard; E_ACKS_MANY. */
MUST_USE enum code shard_ack_take(struct shard_ack *ack, struct request *request,
                                  struct error *err);
/* Of a parked request whose rows are stored: done() when they are there, or why they are not, from
 * any thread, perhaps before this returns. */
void shard_ack_wait(struct shard_ack *ack, int64_t ingest,
                    void (*done)(struct request *request, enum code code, const struct error *err));
void shard_ack_end(struct shard_ack *ack); /* also where no place is held */

#endif
