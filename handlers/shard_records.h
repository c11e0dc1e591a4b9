/* /v1/admin/shards and /v1/members: those of the registry.  Addresses come in and never go out. */
#ifndef WEIR_HANDLERS_SHARD_RECORDS_H
#define WEIR_HANDLERS_SHARD_RECORDS_H

#include "http/route.h"

extern const struct handler shard_list_handler, shard_get_handler, shard_put_handler,
    shard_delete_handler, member_list_handler, member_drain_handler, member_forget_handler;

#endif
