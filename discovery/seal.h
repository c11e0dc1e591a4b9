/* A value sealed for one place: whoever has no key reads nothing, and whoever can write where it is
 * kept cannot have it opened for another tenant, name or host.  XChaCha20-Poly1305 with a nonce by
 * chance; the bytes are in docs/formats/registry.md.  Pure but for the nonce, any thread.
 *
 * Failure: E_CORRUPT: not sealed with this key for this place; E_MEMORY.  Texts tell nothing of the
 * value. */
#ifndef WEIR_DISCOVERY_SEAL_H
#define WEIR_DISCOVERY_SEAL_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    SEAL_KEY_SIZE = 32,
    SEAL_VALUE_BYTES_MAX = 4096,
    SEAL_AROUND_SIZE = 1 + 24 + 16, /* version, nonce, tag */
    SEAL_TEXT_BYTES_MAX = (SEAL_VALUE_BYTES_MAX + SEAL_AROUND_SIZE + 2) / 3 * 4,
};

struct seal_key {
    unsigned char bytes[SEAL_KEY_SIZE];
};

/* Where a value belongs; all of it must be the same when it is opened, hosts in their order. */
struct seal_place {
    struct bytes tenant, name;
    const struct bytes *hosts;
    size_t host_count;
};

/* Of a line that nobody can guess.  For who has it: wipe it afterwards. */
void seal_key_derive(struct bytes line, struct seal_key *key);
/* Whether it has the form of what seal_value() makes: base64 of the right size and version. */
bool seal_text_valid(struct bytes text);
/* Appends base64.  `value` has 1 to SEAL_VALUE_BYTES_MAX bytes. */
MUST_USE enum code seal_value(const struct seal_key *key, const struct seal_place *place,
                              struct bytes value, struct buf *text, struct error *err);
/* *value is in the arena; seal_wipe() it. */
MUST_USE enum code seal_open(const struct seal_key *key, const struct seal_place *place,
                             struct bytes text, struct arena *arena, struct bytes *value,
                             struct error *err);
/* Of what was opened, or is to be sealed: nothing of it stays in memory.  .data NULL is fine. */
void seal_wipe(struct bytes value);

#endif
