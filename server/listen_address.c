#include "server/listen_address.h"

#include <arpa/inet.h>

#include "base/number.h"

enum { HOST_BYTES_MAX = 255 };

static bool host_is_loopback(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

enum code listen_address_check(struct bytes text, bool *loopback, struct error *err)
{
    struct bytes host = text, port;
    char name[HOST_BYTES_MAX + 1];
    bool bracketed = text.size > 0 && text.data[0] == '[';
    uint64_t number;

    while (host.size > 0 && host.data[host.size - 1] != ':')
        host.size--;
    if (host.size < 2)
        goto wrong;
    port = bytes_slice(text, host.size, text.size);
    host.size--;
    if (bracketed) {
        if (host.size < 3 || host.data[host.size - 1] != ']')
            goto wrong;
        host = bytes_slice(host, 1, host.size - 1);
    }
    if (host.size > HOST_BYTES_MAX || (!bracketed && memchr(host.data, ':', host.size)) ||
        number_parse_u64(port, &number) || number > UINT16_MAX)
        goto wrong;
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    *loopback = host_is_loopback(name);
    return OK;

wrong:
    return error_set(err, E_CONFIG, "\"%.*s\" is not an address: 127.0.0.1:8090 and [::1]:8090 are",
                     BYTES_ARG(text));
}
