/* What the store asks when it delivers packs: tenants' shards and their addresses by discovery,
 * the way there by net. */
#ifndef WEIR_SERVER_DELIVERY_H
#define WEIR_SERVER_DELIVERY_H

#include "store/delivery/delivery_rules.h"

struct directory;

/* `directory` is borrowed.  What is opened follows the tenants file: an address that was changed
 * there is used from the next call on. */
struct delivery_rules delivery_rules_of(struct directory *directory);

#endif
