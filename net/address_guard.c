/* Every address is one of 128 bits here, IPv4 as mapped; two tables of prefixes say what is not
 * public.  Whatever lies outside 2000::/3 and is not mapped or NAT64 is refused without a row: the
 * rows there are for the words. */
#include "net/address_guard.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/number.h"

enum { MAPPED_BITS = 96, ADDRESS_BITS = 128, RULE_TEXT_SIZE = 64 };

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/* https://www.iana.org/assignments/iana-ipv4-special-registry, all that is not "globally reachable:
 * true" there, and multicast.  192.0.0.0/24 has two globally reachable anycast addresses, of port
 * control and TURN: they end at the router of one's own network, and are refused as well. */
static const struct {
    uint32_t network;
    unsigned prefix;
    const char *what;
} ipv4_rows[] = {
    {IPV4(0,   0,   0,   0),   8,  "this network"                      },
    {IPV4(10,  0,   0,   0),   8,  "private"                           },
    {IPV4(100, 64,  0,   0),   10, "shared by a provider's customers"  },
    {IPV4(127, 0,   0,   0),   8,  "loopback"                          },
    {IPV4(168, 63,  129, 16),  32, "what Azure answers its machines at"},
    {IPV4(169, 254, 0,   0),   16, "link-local"                        },
    {IPV4(172, 16,  0,   0),   12, "private"                           },
    {IPV4(192, 0,   0,   0),   24, "for protocols of the IETF"         },
    {IPV4(192, 0,   2,   0),   24, "for documentation"                 },
    {IPV4(192, 88,  99,  0),   24, "a relay of 6to4"                   },
    {IPV4(192, 168, 0,   0),   16, "private"                           },
    {IPV4(198, 18,  0,   0),   15, "for benchmarks"                    },
    {IPV4(198, 51,  100, 0),   24, "for documentation"                 },
    {IPV4(203, 0,   113, 0),   24, "for documentation"                 },
    {IPV4(224, 0,   0,   0),   4,  "multicast"                         },
    {IPV4(255, 255, 255, 255), 32, "broadcast"                         },
    {IPV4(240, 0,   0,   0),   4,  "reserved"                          },
};

/* https://www.iana.org/assignments/iana-ipv6-special-registry likewise; the first that fits.
 * 2001::/23 has parts that are globally reachable, of which none serves HTTP. */
static const struct {
    uint16_t network[8];
    unsigned prefix;
    const char *what;
} ipv6_rows[] = {
    {{0},                      128, "unspecified"                          },
    {{0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"                             },
    {{0},                      96,  "an IPv4-compatible address"           },
    {{0x64, 0xff9b, 1},        48,  "for translation to IPv4 within a site"},
    {{0x100},                  64,  "where what is sent is discarded"      },
    {{0x100, 0, 0, 1},         64,  "a dummy"                              },
    {{0x2001, 0},              32,  "a Teredo address"                     },
    {{0x2001, 2, 0},           48,  "for benchmarks"                       },
    {{0x2001, 0},              23,  "for protocols of the IETF"            },
    {{0x2001, 0xdb8},          32,  "for documentation"                    },
    {{0x2002},                 16,  "a 6to4 address"                       },
    {{0x3fff, 0},              20,  "for documentation"                    },
    {{0x5f00},                 16,  "a segment identifier"                 },
    {{0xfc00},                 7,   "unique local"                         },
    {{0xfe80},                 10,  "link-local"                           },
    {{0xfec0},                 10,  "site-local"                           },
    {{0xff00},                 8,   "multicast"                            },
};

/* https://fetch.spec.whatwg.org/#bad-port: what speaks there is not HTTP, and may take a request
 * for something else. */
static const uint16_t bad_ports[] = {
    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,   37,
    42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,  110,
    111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,  427,
    465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,  563,
    587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045, 4190,
    5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

/* --- addresses --- */

static uint32_t ipv4_of(const struct in6_addr *address, size_t first)
{
    const uint8_t *at = address->s6_addr + first;

    return IPV4(at[0], at[1], at[2], at[3]);
}

static struct in6_addr mapped_make(struct in_addr ipv4)
{
    struct in6_addr made = {
        .s6_addr = {[10] = 0xff, [11] = 0xff}
    };

    memcpy(made.s6_addr + 12, &ipv4, sizeof(ipv4));
    return made;
}

static bool is_mapped(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

/* Whether the first `bits` are the same. */
static bool begins_alike(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    return memcmp(a, b, bytes) == 0 &&
           (rest == 0 || (a->s6_addr[bytes] ^ b->s6_addr[bytes]) >> (8 - rest) == 0);
}

static bool address_read(const struct sockaddr *from, struct in6_addr *address, uint16_t *port)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in ipv4;

        memcpy(&ipv4, from, sizeof(ipv4));
        *address = mapped_make(ipv4.sin_addr);
        *port = ntohs(ipv4.sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;

        memcpy(&ipv6, from, sizeof(ipv6));
        *address = ipv6.sin6_addr;
        *port = ntohs(ipv6.sin6_port);
        return true;
    }
    return false;
}

static void address_print(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
    if (is_mapped(address))
        (void)inet_ntop(AF_INET, address->s6_addr + 12, text, INET6_ADDRSTRLEN);
    else
        (void)inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
}

/* --- what they are; NULL = public --- */

static const char *what_ipv4(uint32_t address)
{
    for (size_t i = 0; i < COUNT_OF(ipv4_rows); i++)
        if ((address ^ ipv4_rows[i].network) >> (32 - ipv4_rows[i].prefix) == 0)
            return ipv4_rows[i].what;
    return NULL;
}

static const char *what_ipv6(const struct in6_addr *address)
{
    for (size_t i = 0; i < COUNT_OF(ipv6_rows); i++) {
        struct in6_addr network;

        for (size_t j = 0; j < 8; j++) {
            network.s6_addr[2 * j] = (uint8_t)(ipv6_rows[i].network[j] >> 8);
            network.s6_addr[2 * j + 1] = (uint8_t)ipv6_rows[i].network[j];
        }
        if (begins_alike(address, &network, ipv6_rows[i].prefix))
            return ipv6_rows[i].what;
    }
    return address->s6_addr[0] >> 5 == 1 ? NULL : "not of those that are given to hosts";
}

static const char *what_is(const struct in6_addr *address)
{
    static const struct in6_addr nat64 = {
        .s6_addr = {0, 0x64, 0xff, 0x9b}
    };
    static const uint8_t isatap[] = {0, 0, 0x5e, 0xfe};
    uint8_t interface[sizeof(isatap)];
    const char *what;

    if (is_mapped(address))
        return what_ipv4(ipv4_of(address, 12));
    if (begins_alike(address, &nat64, 96))
        return what_ipv4(ipv4_of(address, 12)) ? "one of IPv4 that is not public" : NULL;
    what = what_ipv6(address);
    if (what)
        return what;
    memcpy(interface, address->s6_addr + 8, sizeof(interface));
    interface[0] &= (uint8_t)~2; /* the bit says whether the IPv4 address is globally unique */
    if (memcmp(interface, isatap, sizeof(isatap)) == 0 && what_ipv4(ipv4_of(address, 12)))
        return "one of IPv4 that is not public";
    return NULL;
}

static bool port_is_bad(uint16_t port)
{
    for (size_t i = 0; i < COUNT_OF(bad_ports); i++)
        if (bad_ports[i] == port)
            return true;
    return false;
}

/* --- rules --- */

static bool rule_has(const struct address_rule *rule, const struct in6_addr *address)
{
    bool ipv4 = rule->prefix >= MAPPED_BITS && is_mapped(&rule->network);

    return ipv4 == is_mapped(address) && begins_alike(&rule->network, address, rule->prefix);
}

enum code address_check(const struct address_rules *rules, const struct sockaddr *from,
                        struct error *err)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    bool allowed = false;
    const char *what;
    uint16_t port;

    if (!address_read(from, &address, &port))
        return error_set(err, E_ADDRESS, "an address is of IPv4 or IPv6");
    if (port == 0)
        return error_set(err, E_ADDRESS, "port 0 is none");
    for (size_t i = 0; i < rules->count; i++) {
        if (!rule_has(&rules->items[i], &address))
            continue;
        if (rules->items[i].port == port)
            return OK;
        allowed = allowed || rules->items[i].port == 0;
    }
    address_print(&address, text);
    what = allowed ? NULL : what_is(&address);
    if (what)
        return error_set(
            err, E_ADDRESS, "%s is %s; the operator may allow it: WEIR_PULL_ALLOW=%s%s%s:%u", text,
            what, is_mapped(&address) ? "" : "[", text, is_mapped(&address) ? "" : "]", port);
    if (port_is_bad(port))
        return error_set(err, E_ADDRESS, "port %u (of %s) is not one of HTTP", port, text);
    return OK;
}

/* "[::1]/128:80" and "10.0.0.0/8:80": what stands before "/" or ":", as an address. */
static bool rule_address(const char **at, struct in6_addr *address, bool *ipv4)
{
    char host[RULE_TEXT_SIZE];
    struct in_addr of_ipv4;
    const char *end;

    *ipv4 = **at != '[';
    if (*ipv4) {
        end = *at + strcspn(*at, "/:");
    } else {
        *at += 1;
        end = strchr(*at, ']');
        if (!end)
            return false;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)(end - *at), *at);
    *at = end + !*ipv4;
    if (!*ipv4)
        return inet_pton(AF_INET6, host, address) == 1;
    if (inet_pton(AF_INET, host, &of_ipv4) != 1)
        return false;
    *address = mapped_make(of_ipv4);
    return true;
}

/* The number behind `mark`, if that is there; else *value stays. */
static bool rule_number(const char **at, char mark, uint64_t least, uint64_t most, uint64_t *value)
{
    size_t size;

    if (**at != mark)
        return true;
    *at += 1;
    size = strspn(*at, "0123456789");
    if (size == 0 || number_parse_u64((struct bytes){*at, size}, value) || *value < least ||
        *value > most)
        return false;
    *at += size;
    return true;
}

/* Zero but for the first `bits`. */
static struct in6_addr network_of(const struct in6_addr *address, unsigned bits)
{
    struct in6_addr made = *address;

    for (unsigned i = 0; i < sizeof(made.s6_addr); i++)
        if (8 * i + 8 > bits)
            made.s6_addr[i] &= (uint8_t)(8 * i >= bits ? 0 : 0xff << (8 * i + 8 - bits));
    return made;
}

static enum code rule_parse(const char *text, struct address_rule *rule, struct error *err)
{
    struct in6_addr address, network;
    uint64_t bits, port = 0;
    const char *at = text;
    bool ipv4;

    if (!rule_address(&at, &address, &ipv4))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%s\" is no address: write 10.1.0.0/16, [fd00::]/8, 127.0.0.1:8099 or "
                         "[::1]:443",
                         text);
    bits = ipv4 ? 32 : ADDRESS_BITS;
    if (!rule_number(&at, '/', 0, bits, &bits))
        return error_set(err, E_BAD_PARAMETER, "\"%s\": behind the / stand 0 to %d bits", text,
                         ipv4 ? 32 : ADDRESS_BITS);
    if (!rule_number(&at, ':', 1, UINT16_MAX, &port) || *at != '\0')
        return error_set(err, E_BAD_PARAMETER, "\"%s\": behind the : stands a port, 1 to 65535",
                         text);
    bits += ipv4 ? MAPPED_BITS : 0;
    network = network_of(&address, (unsigned)bits);
    if (memcmp(&network, &address, sizeof(network)) != 0) {
        char right[INET6_ADDRSTRLEN];

        address_print(&network, right);
        return error_set(err, E_BAD_PARAMETER, "\"%s\": the network begins at %s", text, right);
    }
    *rule = (struct address_rule){network, (unsigned)bits, (uint16_t)port};
    return OK;
}

enum code address_rules_add(struct address_rules *rules, struct bytes span, struct error *err)
{
    char text[RULE_TEXT_SIZE];
    enum code code;

    if (rules->count == ADDRESS_RULES_MAX)
        return error_set(err, E_BAD_PARAMETER, "there are more than %d rules", ADDRESS_RULES_MAX);
    if (span.size == 0 || span.size >= sizeof(text) || memchr(span.data, '\0', span.size))
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\" is no address", BYTES_ARG(span));
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(span));
    code = rule_parse(text, &rules->items[rules->count], err);
    if (!code)
        rules->count++;
    return code;
}
