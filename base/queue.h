/* A bounded queue of pointers between threads: many senders, many takers.  Senders never
 * wait; takers do.  The lock guards all fields and is never held across I/O. */
#ifndef WEIR_BASE_QUEUE_H
#define WEIR_BASE_QUEUE_H

#include "base/error.h"

struct queue;

MUST_USE enum code queue_new(size_t count_max, struct queue **queue, struct error *err);
void queue_free(struct queue *queue); /* NULL is fine; nobody may be waiting */
/* False when it is full or closed. */
MUST_USE bool queue_send(struct queue *queue, void *item);
/* Waits for at least one item and takes up to `count_max` in order; 0 = closed and empty.
 * timeout_ms < 0 waits for ever; on time-out gives 0 too: ask queue_closed(). */
size_t queue_take(struct queue *queue, void **items, size_t count_max, int timeout_ms);
void queue_close(struct queue *queue); /* sends fail from now on, takers drain what is left */
bool queue_closed(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
