/* The secrets of tenants: what seals their values, and opens them for who pulls sources.  The key
 * is a line of a file, `secrets_key_file`.  A node without a registry needs none: it makes one in
 * its data directory when the first secret is kept.  In a registry all nodes need the same.
 *
 * Values are in no error and no log; what is opened is in the caller's arena: secrets_wipe() it as
 * soon as it was used.
 *
 * Thread:  any that may wait for a disk.
 * Failure: E_CONFIG: there is no key, and the text tells what to set. */
#ifndef WEIR_DISCOVERY_SECRETS_H
#define WEIR_DISCOVERY_SECRETS_H

#include "discovery/secret_document.h"

struct fs;
struct secrets;

#define SECRETS_KEY_OWN "secrets.key" /* in the data directory */

/* `key_file` NULL: the key is the node's own, in `fs`, borrowed; with a registry (`shared`) there
 * is none then, and only the use of secrets fails.  E_CONFIG, E_NOT_FOUND, E_IO: of the file. */
MUST_USE enum code secrets_open(struct fs *fs, const char *key_file, bool shared,
                                struct secrets **secrets, struct error *err);
void secrets_close(struct secrets *secrets); /* NULL is fine */

/* Sets secret->sealed, in the arena, for its name and hosts. */
MUST_USE enum code secrets_seal(struct secrets *secrets, struct bytes tenant, struct bytes value,
                                struct arena *arena, struct secret *secret, struct error *err);
/* `host` as in an address: lower case, with its port where the address has one.  E_NOT_FOUND: the
 * tenant has no secret of that name.  E_FORBIDDEN: it does not go to that host.  E_CORRUPT: it
 * cannot be opened, as it was sealed with another key, or changed.  Texts name secret and host. */
MUST_USE enum code secrets_open_value(struct secrets *secrets, struct bytes tenant,
                                      const struct secret_document *document, struct bytes name,
                                      struct bytes host, struct arena *arena, struct bytes *value,
                                      struct error *err);
/* The same out of what is declared at this moment.  E_CORRUPT also where the record is not right.
 */
MUST_USE enum code secrets_recall(struct secrets *secrets, struct registry *declared,
                                  struct bytes tenant, struct bytes name, struct bytes host,
                                  struct arena *arena, struct bytes *value, struct error *err);
void secrets_wipe(struct bytes value); /* .data NULL is fine */

#endif
