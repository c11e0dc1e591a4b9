/* One request of a fetcher, as libcurl carries it out: what may go out, which addresses are
 * dialled, where the answer goes, when it has taken too long, and what its end means.
 *
 * Thread:  the fetcher's. */
#ifndef WEIR_NET_TRANSFER_H
#define WEIR_NET_TRANSFER_H

#include "net/fetcher.h"

struct transfer;

/* `options` are borrowed.  `owner` is what libcurl gives for the handle (CURLOPT_PRIVATE).
 * E_CONFIG, E_MEMORY; *transfer is NULL then. */
MUST_USE enum code transfer_new(const struct fetcher_options *options,
                                const struct fetch_request *request, void *owner,
                                struct transfer **transfer, struct error *err);
void *transfer_handle(const struct transfer *transfer); /* libcurl's */

/* When it has taken too long, of what libcurl does not watch itself; INT64_MAX = never. */
int64_t transfer_due_ns(const struct transfer *transfer);
bool transfer_sent(const struct transfer *transfer); /* at least a part of it */
/* As the end, whatever libcurl says: E_TIMEOUT for what is due, or E_CANCELLED. */
void transfer_time_out(struct transfer *transfer);
void transfer_cancel(struct transfer *transfer);

/* `result` is libcurl's.  The answer has spans of the transfer, and its body. */
void transfer_end(struct transfer *transfer, int result, struct fetch_answer *answer);
void transfer_free(struct transfer *transfer);

#endif
