#include "net/fetch_request.h"

#include <ctype.h>
#include <strings.h>

enum { METHOD_SIZE_MAX = 16 };

/* Of the connection, or worked out of the body. */
static const struct bytes ours[] = {
    BYTES("connection"),        BYTES("content-length"),   BYTES("expect"), BYTES("host"),
    BYTES("keep-alive"),        BYTES("proxy-connection"), BYTES("te"),     BYTES("trailer"),
    BYTES("transfer-encoding"), BYTES("upgrade"),
};

static bool is_token(char c)
{
    return c != '\0' && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct bytes name_of(const char *header)
{
    return (struct bytes){header, strcspn(header, ":")};
}

static bool name_is(const char *header, struct bytes name)
{
    return name_of(header).size == name.size && strncasecmp(header, name.data, name.size) == 0;
}

static enum code check_header(const char *header, struct error *err)
{
    struct bytes name = name_of(header);

    for (size_t i = 0; i < name.size; i++)
        if (!is_token(name.data[i]))
            name.size = 0;
    if (name.size == 0 || header[name.size] != ':')
        return error_set(err, E_CONFIG, "a header of the request is not \"Name: value\"");
    for (const char *at = header + name.size; *at; at++)
        if ((iscntrl((unsigned char)*at) && *at != '\t'))
            return error_set(err, E_CONFIG, "the header %.*s has a control character",
                             BYTES_ARG(name));
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (name_is(header, ours[i]))
            return error_set(err, E_CONFIG, "the header %.*s is not set by a request",
                             BYTES_ARG(name));
    return OK;
}

enum code fetch_request_check(const struct fetch_request *request, struct error *err)
{
    size_t size = strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    enum code code = OK;

    if (size == 0 || size > METHOD_SIZE_MAX || request->method[size] != '\0' ||
        strcmp(request->method, "CONNECT") == 0)
        return error_set(err, E_CONFIG, "the method of a request is GET, POST or the like");
    for (size_t i = 0; !code && request->headers && request->headers[i]; i++)
        code = check_header(request->headers[i], err);
    return code;
}

bool fetch_request_has(const struct fetch_request *request, struct bytes name)
{
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        if (name_is(request->headers[i], name))
            return true;
    return false;
}
