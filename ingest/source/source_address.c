#include <assert.h>

#include "base/number.h"
#include "ingest/source/source_reader.h"

enum { ADDRESS_SIZE_MAX = 8 << 10, HOST_SIZE_MAX = 253 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool host_good(struct bytes host)
{
    bool six = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';

    if (six)
        host = bytes_slice(host, 1, host.size - 1);
    for (size_t i = 0; i < host.size; i++)
        if (!is_letter(host.data[i]) && !is_in(host.data[i], six ? ":." : ".-_"))
            return false;
    return host.size > 0 && host.size <= HOST_SIZE_MAX && (six || host.data[0] != '.');
}

/* "host", "host:port" or "[::1]:port". */
static const char *authority_fault(struct bytes authority)
{
    size_t colon = authority.size;
    uint64_t port = 1;

    if (memmem(authority.data, authority.size, "${", 2) != NULL)
        return "places may not stand in scheme and host";
    if (memchr(authority.data, '@', authority.size) != NULL)
        return "user and password have no place in an address; want them in `auth`";
    while (colon > 0 && authority.data[colon - 1] != ':' && authority.data[colon - 1] != ']')
        colon--;
    if (colon > 0 && authority.data[colon - 1] == ':') {
        if (number_parse_u64(bytes_slice(authority, colon, authority.size), &port) != OK ||
            port == 0 || port > UINT16_MAX)
            return "want a port from 1 to 65535";
        colon--;
    } else {
        colon = authority.size;
    }
    return host_good(bytes_slice(authority, 0, colon)) ? NULL
                                                       : "want a host of letters, digits, "
                                                         "'.' and '-'";
}

/* What stands behind the host, without what is in places. */
static const char *rest_fault(struct bytes rest)
{
    for (size_t i = 0; i < rest.size; i++) {
        char c = rest.data[i];

        if (c == '$' && i + 1 < rest.size && rest.data[i + 1] == '{') {
            while (i < rest.size && rest.data[i] != '}')
                i++;
            continue;
        }
        if (c == '#')
            return "a fragment (behind '#') goes to no server; want '#' as %23";
        if (!is_letter(c) && !is_in(c, "-._~:/?@!$&'()*+,;=%[]"))
            return "want what is neither letter nor digit percent-encoded, as %20";
    }
    return NULL;
}

bool source_address(struct source_reader *reader, struct bytes text)
{
    static const struct bytes schemes[] = {BYTES("https://"), BYTES("http://")};
    const char *fault = "want an address as https://api.example.org/v1/data";

    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t size = schemes[i].size, end = size;

        if (text.size <= size || memcmp(text.data, schemes[i].data, size) != 0)
            continue;
        while (end < text.size && !is_in(text.data[end], "/?#"))
            end++;
        fault = authority_fault(bytes_slice(text, size, end));
        if (fault == NULL)
            fault = rest_fault(bytes_slice(text, end, text.size));
    }
    if (fault == NULL && text.size > ADDRESS_SIZE_MAX)
        fault = "it is longer than 8 KiB";
    if (fault != NULL)
        source_fault(reader, "%s", fault);
    return fault == NULL;
}

static bool is_token(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!is_letter(name.data[i]) && !is_in(name.data[i], "!#$%&'*+-.^_`|~"))
            return false;
    return name.size > 0 && name.size <= 256;
}

/* Framing, and what the pages are asked with. */
static const char *const ours[] = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
    "if-none-match",
    "if-modified-since",
    "range",
};

bool source_header_name(struct source_reader *reader, struct bytes name)
{
    if (!is_token(name)) {
        source_fault(reader, "want a header's name: letters, digits and !#$%%&'*+-.^_`|~");
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (name.size == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.size) == 0) {
            source_fault(reader, "this header is ours, and is sent where it is right");
            return false;
        }
    return true;
}
