/* libcurl's URL interface, with more refused in front of it and behind: it takes "http:/host",
 * "http:///host" and, in paths, backslashes, which others read otherwise. */
#include "net/address.h"

#include <stdlib.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/number.h"

static enum code refuse(struct error *err, const char *what)
{
    return error_set(err, E_BAD_PARAMETER, "an address %s", what);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- in front of libcurl --- */

/* The size of "scheme:"; 0: it has none. */
static size_t scheme_size(struct bytes text)
{
    size_t i = 0;

    while (i < text.size &&
           (is_letter(text.data[i]) || (i > 0 && (is_digit(text.data[i]) || text.data[i] == '+' ||
                                                  text.data[i] == '-' || text.data[i] == '.'))))
        i++;
    return i > 0 && i < text.size && text.data[i] == ':' ? i + 1 : 0;
}

/* Two slashes and then none. */
static bool slashes_good(struct bytes text)
{
    return text.size > 2 && text.data[0] == '/' && text.data[1] == '/' && text.data[2] != '/';
}

static bool is_http(struct bytes scheme)
{
    static const char *const names[] = {"http:", "https:"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (scheme.size == strlen(names[i]) && strncasecmp(scheme.data, names[i], scheme.size) == 0)
            return true;
    return false;
}

static enum code refuse_long(struct error *err)
{
    return refuse(err, "is longer than 8192 bytes");
}

static enum code look(struct bytes text, struct error *err)
{
    size_t scheme = scheme_size(text);
    bool network = text.size > 1 && text.data[0] == '/' && text.data[1] == '/';

    if (text.size == 0)
        return refuse(err, "is empty");
    if (text.size > ADDRESS_SIZE_MAX)
        return refuse_long(err);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f)
            return refuse(err, "has a control byte");
        if (c == '\\')
            return refuse(err, "has a backslash");
    }
    if (scheme > 0 && !is_http(bytes_slice(text, 0, scheme)))
        return refuse(err, "begins with another scheme than http or https");
    if ((scheme > 0 || network) && !slashes_good(bytes_slice(text, scheme, text.size)))
        return refuse(err, "has other than two slashes in front of its host");
    return OK;
}

/* With its end, without a fragment, all bytes ASCII.  Within a host they end up as '%', which is
 * refused there. */
static void spell(struct bytes text, struct buf *out)
{
    const char *hash = memchr(text.data, '#', text.size);
    size_t size = hash != NULL ? (size_t)(hash - text.data) : text.size;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == ' ' || c >= 0x80)
            buf_printf(out, "%%%02X", (unsigned)c);
        else
            buf_put_char(out, (char)c);
    }
    buf_put_char(out, '\0');
}

/* What stands where a host does, as it was written: libcurl takes %XX in it for what it means. */
static bool host_is_plain(struct bytes text)
{
    size_t at = scheme_size(text);

    if (text.size < at + 2 || text.data[at] != '/' || text.data[at + 1] != '/')
        return true; /* a path */
    for (at += 2; at < text.size && strchr("/?#", text.data[at]) == NULL; at++)
        if (text.data[at] == '%' || text.data[at] == '@')
            return false;
    return true;
}

/* --- behind it --- */

static enum code code_of(CURLUcode code, struct error *err)
{
    switch (code) {
    case CURLUE_OK:
        return OK;
    case CURLUE_OUT_OF_MEMORY:
        return error_set(err, E_MEMORY, "no memory for an address");
    case CURLUE_USER_NOT_ALLOWED:
        return refuse(err, "has a user or password");
    case CURLUE_UNSUPPORTED_SCHEME:
        return refuse(err, "begins with another scheme than http or https");
    case CURLUE_BAD_PORT_NUMBER:
        return refuse(err, "has a port that is none");
    case CURLUE_NO_HOST:
        return refuse(err, "has no host");
    default:
        return refuse(err, "cannot be read as one");
    }
}

/* A part, copied; empty where there is none. */
static enum code part(CURLU *url, CURLUPart which, unsigned flags, struct arena *arena,
                      struct bytes *copy, struct error *err)
{
    char *text = NULL;
    CURLUcode got = curl_url_get(url, which, &text, flags);

    if (got == CURLUE_NO_QUERY || got == CURLUE_NO_PORT) {
        *copy = BYTES("");
        return OK;
    }
    if (got == CURLUE_OK)
        *copy = arena_copy(arena, bytes_of(text));
    curl_free(text);
    if (got == CURLUE_OK && copy->data == NULL)
        got = CURLUE_OUT_OF_MEMORY;
    return code_of(got, err);
}

static bool host_good(struct bytes host)
{
    bool bracketed = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';

    if (bracketed)
        host = bytes_slice(host, 1, host.size - 1);
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];

        if (bracketed ? !is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.'
                      : !is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return host.size > 0 && host.data[0] != '.';
}

/* The text, made of the parts.  Joined, and with %XX for what had one byte, it may have become
 * longer than what would be read again. */
static enum code put_together(struct address *address, struct arena *arena, struct error *err)
{
    struct buf text = BUF_INIT((size_t)ADDRESS_SIZE_MAX * 4),
               host = BUF_INIT((size_t)ADDRESS_SIZE_MAX * 2);
    enum code code;

    buf_printf(&host, "%.*s:%u", BYTES_ARG(address->host), (unsigned)address->port);
    buf_put_text(&text, address->https ? "https://" : "http://");
    if (address->port == (address->https ? 443 : 80))
        buf_put(&text, address->host);
    else
        buf_put(&text, buf_bytes(&host));
    buf_put(&text, address->path);
    if (address->query.size > 0) {
        buf_put_char(&text, '?');
        buf_put(&text, address->query);
    }
    buf_put_char(&text, '\0');
    code = buf_finish(&text, err);
    if (code == OK)
        code = buf_finish(&host, err);
    if (code == OK) {
        address->text = arena_copy(arena, buf_bytes(&text));
        address->host_port = arena_copy(arena, buf_bytes(&host));
        if (address->text.data == NULL || address->host_port.data == NULL)
            code = error_set(err, E_MEMORY, "no memory for an address");
        else if (--address->text.size > ADDRESS_SIZE_MAX)
            code = refuse_long(err);
    }
    buf_release(&text);
    buf_release(&host);
    return code;
}

static enum code take_apart(CURLU *url, struct arena *arena, struct address *address,
                            struct error *err)
{
    struct bytes scheme = {0}, port = {0};
    uint64_t number = 0;
    enum code code = part(url, CURLUPART_SCHEME, 0, arena, &scheme, err);

    if (code == OK)
        code = part(url, CURLUPART_HOST, 0, arena, &address->host, err);
    if (code == OK)
        code = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, arena, &port, err);
    if (code == OK)
        code = part(url, CURLUPART_PATH, 0, arena, &address->path, err);
    if (code == OK)
        code = part(url, CURLUPART_QUERY, 0, arena, &address->query, err);
    if (code)
        return code;
    for (size_t i = 0; i < address->host.size; i++) { /* the arena's */
        char *c = (char *)(uintptr_t)&address->host.data[i];

        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    address->https = bytes_equal(scheme, BYTES("https"));
    if (!address->https && !bytes_equal(scheme, BYTES("http")))
        return refuse(err, "begins with another scheme than http or https");
    if (!host_good(address->host))
        return refuse(err, "has a host that is none (an international one stands as xn--...)");
    if (number_parse_u64(port, &number) != OK || number == 0 || number > UINT16_MAX)
        return refuse(err, "has a port that is none");
    address->port = (uint16_t)number;
    return put_together(address, arena, err);
}

/* `base` NULL: `text` is absolute. */
static enum code read_text(const char *base, struct bytes text, struct arena *arena,
                           struct address *address, struct error *err)
{
    struct buf spelled = BUF_INIT((size_t)ADDRESS_SIZE_MAX * 3 + 1);
    CURLU *url = curl_url();
    enum code code;

    *address = (struct address){0};
    spell(text, &spelled);
    code = buf_finish(&spelled, err);
    if (code == OK && url == NULL)
        code = error_set(err, E_MEMORY, "no memory for an address");
    if (code == OK && !host_is_plain(buf_bytes(&spelled)))
        code = refuse(err, "has a user or password, or a host that is none (an international one "
                           "stands as xn--...)");
    if (code == OK && base != NULL)
        code = code_of(curl_url_set(url, CURLUPART_URL, base, 0), err);
    if (code == OK && (base == NULL || spelled.size > 1)) /* else it was a fragment alone */
        code = code_of(curl_url_set(url, CURLUPART_URL, spelled.data, CURLU_DISALLOW_USER), err);
    if (code == OK)
        code = take_apart(url, arena, address, err);
    curl_url_cleanup(url);
    buf_release(&spelled);
    return code;
}

enum code address_parse(struct bytes text, struct arena *arena, struct address *address,
                        struct error *err)
{
    enum code code = look(text, err);

    if (code)
        return code;
    if (scheme_size(text) == 0)
        return refuse(err, "begins with http:// or https://");
    if (memchr(text.data, '#', text.size) != NULL)
        return refuse(err, "has a fragment (#)");
    return read_text(NULL, text, arena, address, err);
}

enum code address_join(const struct address *base, struct bytes reference, struct arena *arena,
                       struct address *address, struct error *err)
{
    enum code code = look(reference, err);

    if (code)
        return code;
    return read_text(base->text.data, reference, arena, address, err);
}

bool address_same_origin(const struct address *a, const struct address *b)
{
    return a->https == b->https && bytes_equal(a->host_port, b->host_port);
}
