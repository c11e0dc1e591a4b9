/* Which addresses a tenant's source may reach: public ones, and what the operator allows besides.
 * Asked with the address that is about to be dialled, not with a name, so that a resolver that says
 * one thing first and another later changes nothing.  Pure, any thread. */
#ifndef WEIR_NET_ADDRESS_GUARD_H
#define WEIR_NET_ADDRESS_GUARD_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

enum { ADDRESS_RULES_MAX = 64 };

/* What is allowed although it is not public: "10.1.0.0/16", "[::1]", "127.0.0.1:8099" (one port
 * alone), "192.168.0.0/16:443". */
struct address_rules {
    struct address_rule {
        struct in6_addr network; /* IPv4 as mapped */
        unsigned prefix;         /* bits of 128 */
        uint16_t port;           /* 0 = any that sources go to */
    } items[ADDRESS_RULES_MAX];
    size_t count;
};

/* E_BAD_PARAMETER with what would be right. */
MUST_USE enum code address_rules_add(struct address_rules *rules, struct bytes text,
                                     struct error *err);
/* E_ADDRESS with the address, what it is, and what would allow it: "10.0.0.1 is private; ...".
 * Refused is, unless a rule has it:
 * - what is not globally reachable unicast by IANA's registries of special-purpose addresses (RFC
 *   6890 and what came since), and one address that Azure answers its own machines at;
 * - what stands for an IPv4 address that is refused (NAT64, ISATAP; a mapped one is that address
 *   itself, for rules as well); IPv4-compatible, 6to4 and Teredo always;
 * - ports that browsers do not go to (25, 22, ...), unless the rule names the port.
 * Port 0, and what is neither IPv4 nor IPv6, has no rule.  A rule of IPv6 is none of IPv4: "[::]/0"
 * allows no mapped address. */
MUST_USE enum code address_check(const struct address_rules *rules, const struct sockaddr *address,
                                 struct error *err);

#endif
