/* Addresses of remote APIs, read and joined as libcurl does, which dials them: what is checked here
 * is what it goes to.  The text is made anew of the parts that were checked, so that nothing in it
 * can be read in two ways.
 *
 * Refused are other schemes than http and https, a user or password, control bytes, backslashes,
 * more or fewer than two slashes behind a scheme, port 0, and hosts of other characters than
 * letters, digits, '-', '_' and '.' (an IDN stands as xn--…).  Spaces and bytes of no ASCII in path
 * and query, which APIs give in their links, become %XX.
 *
 * Pure, any thread. */
#ifndef WEIR_NET_ADDRESS_H
#define WEIR_NET_ADDRESS_H

#include "base/arena.h"
#include "base/error.h"

enum { ADDRESS_SIZE_MAX = 8192 };

struct address {
    bool https;
    uint16_t port;
    struct bytes host;      /* lower case; IPv6 in brackets */
    struct bytes host_port; /* "api.example.org:443" */
    struct bytes path;      /* from '/', without "." and ".." */
    struct bytes query;     /* without '?'; size 0: none */
    struct bytes text; /* all of it, without a port that goes without saying; with its end '\0' */
};

/* Absolute, and without '#'.  In the arena.  E_BAD_PARAMETER with what is wrong, and without what
 * stands in the address, as that may be a secret; E_MEMORY. */
MUST_USE enum code address_parse(struct bytes text, struct arena *arena, struct address *address,
                                 struct error *err);
/* Where a reference leads that stands in the answer of `base` (RFC 3986, 5): absolute or relative.
 * A fragment is left out.  As address_parse(); empty ones are refused too. */
MUST_USE enum code address_join(const struct address *base, struct bytes reference,
                                struct arena *arena, struct address *address, struct error *err);
/* Scheme, host and port. */
bool address_same_origin(const struct address *a, const struct address *b);

#endif
