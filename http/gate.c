/* Each rule names the trick it stops:
 * - one Content-Length of plain digits or one "Transfer-Encoding: chunked", never both: else the
 *   proxy before us and libmicrohttpd can see different ends of the body;
 * - names are tokens and values hold no control bytes: "Content-Length :" or a bare CR are headers
 *   to one parser and not to another;
 * - one Host; no %00 in the target: C strings would end there.  A NUL byte itself is not seen
 *   here: libmicrohttpd ends the target or value at it;
 * - headers that decide what a request means stand at most once. */
#include "http/gate.h"

#include "base/number.h"

/* Of these, "which of the two counts?" has no safe answer. */
static const char *const single_headers[] = {
    "authorization", "content-encoding", "content-length", "content-type",      "expect",
    "host",          "idempotency-key",  "if-none-match",  "transfer-encoding",
};

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool header_is(struct bytes name, const char *lower)
{
    for (size_t i = 0; i < name.size; i++)
        if (lower[i] == '\0' || lower_of(name.data[i]) != lower[i])
            return false;
    return lower[name.size] == '\0';
}

const struct header *header_find(const struct header *headers, size_t count, const char *lower)
{
    for (size_t i = 0; i < count; i++)
        if (header_is(headers[i].name, lower))
            return &headers[i];
    return NULL;
}

static bool letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool token(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!letter_or_digit(text.data[i]) &&
            (text.data[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text.data[i]) == NULL))
            return false;
    return text.size > 0;
}

static bool hex(char c)
{
    return (c >= '0' && c <= '9') || (lower_of(c) >= 'a' && lower_of(c) <= 'f');
}

static enum code check_target(struct bytes target, struct error *err)
{
    if (target.size > GATE_TARGET_BYTES_MAX)
        return error_set(err, E_BAD_REQUEST,
                         "the request target has %zu bytes, at most %d are taken", target.size,
                         GATE_TARGET_BYTES_MAX);
    if (target.size == 0 || target.data[0] != '/')
        return error_set(err, E_BAD_REQUEST,
                         "the request target must be a path that begins with /");
    for (size_t i = 0; i < target.size; i++) {
        unsigned char c = (unsigned char)target.data[i];

        if (c <= ' ' || c == 0x7f || c == '#')
            return error_set(err, E_BAD_REQUEST,
                             "byte 0x%02x at %zu of the request target must be percent-encoded", c,
                             i);
        if (c != '%')
            continue;
        if (target.size - i < 3 || !hex(target.data[i + 1]) || !hex(target.data[i + 2]))
            return error_set(err, E_BAD_REQUEST,
                             "'%%' at %zu of the request target needs two hexadecimal digits", i);
        if (target.data[i + 1] == '0' && target.data[i + 2] == '0')
            return error_set(err, E_BAD_REQUEST, "the request target holds %%00, a NUL");
    }
    return OK;
}

static enum code check_header(const struct header *header, struct error *err)
{
    if (!token(header->name))
        return error_set(err, E_BAD_REQUEST, "'%.*s' is not the name of a header",
                         header->name.size > 64 ? 64 : (int)header->name.size, header->name.data);
    for (size_t i = 0; i < header->value.size; i++) {
        unsigned char c = (unsigned char)header->value.data[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return error_set(err, E_BAD_REQUEST, "control byte 0x%02x in header %.*s", c,
                             BYTES_ARG(header->name));
    }
    return OK;
}

static enum code check_headers(const struct head *head, struct error *err)
{
    size_t bytes = 0;

    if (head->header_count > GATE_HEADERS_MAX)
        return error_set(err, E_BAD_REQUEST, "there are more than %d headers", GATE_HEADERS_MAX);
    for (size_t i = 0; i < head->header_count; i++) {
        enum code code = check_header(&head->headers[i], err);

        if (code)
            return code;
        bytes += head->headers[i].name.size + head->headers[i].value.size;
    }
    if (bytes > GATE_HEADER_BYTES_MAX)
        return error_set(err, E_BAD_REQUEST, "the headers have %zu bytes, at most %d are taken",
                         bytes, GATE_HEADER_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(single_headers); i++) {
        size_t count = 0;

        for (size_t k = 0; k < head->header_count; k++)
            count += header_is(head->headers[k].name, single_headers[i]);
        if (count > 1)
            return error_set(err, E_BAD_REQUEST, "header %s stands %zu times, once is right",
                             single_headers[i], count);
    }
    return OK;
}

static enum code check_host(const struct head *head, bool http_1_1, struct error *err)
{
    const struct header *host = header_find(head->headers, head->header_count, "host");

    if (host == NULL)
        return http_1_1 ? error_set(err, E_BAD_REQUEST, "header Host is missing") : OK;
    for (size_t i = 0; i < host->value.size; i++)
        if (!letter_or_digit(host->value.data[i]) &&
            strchr("-._~:[]%", host->value.data[i]) == NULL)
            return error_set(err, E_BAD_REQUEST, "header Host holds more than a name and a port");
    return OK;
}

static enum code check_framing(const struct head *head, bool http_1_1, struct framing *framing,
                               struct error *err)
{
    const struct header *length = header_find(head->headers, head->header_count, "content-length");
    const struct header *coding =
        header_find(head->headers, head->header_count, "transfer-encoding");
    const struct header *expect = header_find(head->headers, head->header_count, "expect");

    *framing = (struct framing){0};
    if (length != NULL && coding != NULL)
        return error_set(err, E_BAD_REQUEST,
                         "Content-Length and Transfer-Encoding stand side by side");
    if (coding != NULL) {
        /* Compared without trimming, as libmicrohttpd does: "chunked " would hang it. */
        if (!http_1_1 || !header_is(coding->value, "chunked"))
            return error_set(err, E_BAD_REQUEST,
                             "Transfer-Encoding can only be chunked, over HTTP/1.1");
        framing->has_body = true;
        framing->content_length = UINT64_MAX;
    }
    if (length != NULL) {
        if (length->value.size == 0 || length->value.data[0] == '-' ||
            number_parse_u64(length->value, &framing->content_length) != OK ||
            framing->content_length >= INT64_MAX)
            return error_set(err, E_BAD_REQUEST, "Content-Length is not a number of bytes");
        framing->has_body = framing->content_length > 0;
    }
    if (expect != NULL) {
        if (!header_is(expect->value, "100-continue"))
            return error_set(err, E_BAD_REQUEST, "Expect can only be 100-continue");
        framing->expects = http_1_1 && framing->has_body;
    }
    return OK;
}

enum code gate_check(const struct head *head, struct framing *framing, struct error *err)
{
    bool http_1_1 = bytes_equal(head->version, BYTES("HTTP/1.1"));
    struct framing found;
    enum code code;

    if (!http_1_1 && !bytes_equal(head->version, BYTES("HTTP/1.0")))
        return error_set(err, E_BAD_REQUEST, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (!token(head->method))
        return error_set(err, E_BAD_REQUEST, "the method is not a token");
    code = check_target(head->target, err);
    if (code)
        return code;
    code = check_headers(head, err);
    if (code)
        return code;
    code = check_host(head, http_1_1, err);
    if (code)
        return code;
    code = check_framing(head, http_1_1, &found, err);
    if (code)
        return code;
    *framing = found;
    return OK;
}
