/* Which fields the blocks of a pack have, as bytes that can be kept: spans measurement and name, u8
 * type, each once; u32 CRC32C of them all behind the last. */
#ifndef WEIR_STORE_GUESTS_GUEST_FIELDS_H
#define WEIR_STORE_GUESTS_GUEST_FIELDS_H

#include "base/buf.h"
#include "model/value.h"

struct pack;

struct guest_field {
    struct bytes measurement, name;
    enum value_type type; /* not TYPE_RETRACTED, which claims nothing */
};

/* Reads the header of every block.  E_CORRUPT. */
MUST_USE enum code guest_fields_collect(const struct pack *pack, struct buf *out,
                                        struct error *err);
/* While `each` gives OK; what it is given is valid during the call.  E_CORRUPT. */
MUST_USE enum code guest_fields_walk(struct bytes bytes,
                                     enum code (*each)(void *context,
                                                       const struct guest_field *field,
                                                       struct error *err),
                                     void *context, struct error *err);

#endif
