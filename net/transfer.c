/* libcurl's callbacks only note and hand over; a failure of ours in one of them is kept and given
 * instead of libcurl's word for it.  Two time-outs of four are libcurl's or need no help of it;
 * what "the first byte" and "idle" mean is seen where bytes arrive: libcurl gives the head by the
 * line, so a host that sends half a line and falls silent counts as silent from the line before.
 *
 * HTTP/1.1 alone: with HTTP/2 the requests of all sources and tenants to a host would share one
 * connection, and its one idle time, its flow control and its end. */
#include "net/transfer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/fetch_request.h"
#include "net/fetch_times.h"

enum { NS_OF_MS = 1000000 };

struct transfer {
    const struct address_rules *allowed;
    CURL *curl;
    struct curl_slist *headers_out;
    char *body_out;
    struct buf shown; /* "GET https://host/path", for texts */
    struct staged *body;
    struct buf head; /* the texts of `headers` */
    struct fetch_header headers[FETCH_HEADERS_MAX];
    size_t head_bytes, head_lines, header_count;
    struct fetch_times times;
    uint64_t body_bytes_max, bytes;
    bool head_whole; /* its empty line has come; to libcurl a head may end with the connection */
    bool dialled;    /* an address that is not refused */
    struct error refused; /* the last one that is */
    enum code code;       /* what ended it, if libcurl did not */
    struct error err;
    char reason[CURL_ERROR_SIZE];
};

static int64_t now(void)
{
    return clock_boot_ns(clock_system());
}

/* --- callbacks --- */

/* The only place where a socket for an address comes from: what is refused here is not dialled,
 * whatever name it had. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;

    (void)purpose;
    if (address_check(transfer->allowed, &address->addr, &transfer->refused))
        return CURL_SOCKET_BAD;
    transfer->dialled = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* There is a connection, new or kept; the request goes out now.  Where a kept one ends without a
 * byte libcurl would take another and send it once more, and so on: requests that nobody counted in
 * what the host allows, of which the first may have come. */
static int begin_sending(void *context, char *to, char *from, int to_port, int from_port)
{
    struct transfer *transfer = context;

    (void)to, (void)from, (void)to_port, (void)from_port;
    if (transfer->times.sent_ns > 0) {
        transfer->code = error_set(&transfer->err, E_IO,
                                   "the connection, which was kept, ended without an answer");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->times.sent_ns = now();
    return CURL_PREREQFUNC_OK;
}

static void note_arrival(struct transfer *transfer)
{
    transfer->times.last_byte_ns = now();
    if (transfer->times.first_byte_ns == 0)
        transfer->times.first_byte_ns = transfer->times.last_byte_ns;
}

/* A line of the head, or of what some hosts send behind a body in chunks; those of 100 Continue
 * and its like count as well. */
static size_t take_line(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct bytes line = {data, size * count};

    note_arrival(transfer);
    transfer->head_bytes += line.size;
    if (line.size >= 5 && memcmp(line.data, "HTTP/", 5) == 0)
        transfer->head_whole = false;
    else if (line.data[0] == '\r' || line.data[0] == '\n')
        transfer->head_whole = true;
    transfer->head_lines += memchr(line.data, ':', line.size) != NULL;
    if (transfer->head_bytes <= FETCH_HEAD_BYTES_MAX && transfer->head_lines <= FETCH_HEADERS_MAX)
        return line.size;
    transfer->code = error_set(&transfer->err, E_IO,
                               "the head of the answer has more than %d bytes or %d headers",
                               FETCH_HEAD_BYTES_MAX, FETCH_HEADERS_MAX);
    return CURL_WRITEFUNC_ERROR;
}

static size_t take_piece(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct bytes piece = {data, size * count};

    note_arrival(transfer);
    transfer->bytes += piece.size;
    if (transfer->bytes > transfer->body_bytes_max)
        transfer->code =
            error_set(&transfer->err, E_BODY_LARGE, "the answer is larger than %llu bytes",
                      (unsigned long long)transfer->body_bytes_max);
    else
        transfer->code = staged_put(transfer->body, piece, &transfer->err);
    return transfer->code ? CURL_WRITEFUNC_ERROR : piece.size;
}

/* --- setting up --- */

static void set_rules(CURL *curl, const struct fetcher_options *options)
{
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->authority_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->authority_file);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)options->kept_s);
    /* Else the end waits for a resolver: it has a thread of its own, and ends when it ends. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
}

static void set_callbacks(struct transfer *transfer, void *owner)
{
    CURL *curl = transfer->curl;

    curl_easy_setopt(curl, CURLOPT_PRIVATE, owner);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->reason);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, begin_sending);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
}

static void set_request(struct transfer *transfer, const struct fetch_request *request)
{
    CURL *curl = transfer->curl;
    bool post = request->body.size > 0 || strcmp(request->method, "POST") == 0;

    if (post) { /* also without a body it says so: Content-Length: 0 */
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer->body_out);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers_out);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)((request->connect_ns + NS_OF_MS - 1) / NS_OF_MS));
    if (request->body_bytes_max <= INT64_MAX) /* what says beforehand that it is larger */
        curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_bytes_max);
}

static enum code list_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer)
        return E_MEMORY;
    *list = longer;
    return OK;
}

/* To libcurl "Name:" means that none is sent, "Name;" that one without a value is. */
static enum code header_add(struct curl_slist **list, const char *header)
{
    int name = (int)strcspn(header, ":");
    char *empty = NULL;
    enum code code;

    if (header[strspn(header + name + 1, " \t") + (size_t)name + 1] != '\0')
        return list_add(list, header);
    if (asprintf(&empty, "%.*s;", name, header) < 0)
        return E_MEMORY;
    code = list_add(list, empty);
    free(empty);
    return code;
}

/* Those of the caller, and what libcurl would add by itself taken back. */
static enum code make_headers(struct transfer *transfer, const struct fetch_request *request)
{
    static const struct {
        struct bytes name;
        const char *line;
    } unless_given[] = {
        {BYTES("accept-encoding"), "Accept-Encoding: gzip, zstd"},
        {BYTES("content-type"),    "Content-Type:"              },
        {BYTES("expect"),          "Expect:"                    },
    };
    enum code code = OK;

    for (size_t i = 0; !code && request->headers && request->headers[i]; i++)
        code = header_add(&transfer->headers_out, request->headers[i]);
    for (size_t i = 0; !code && i < COUNT_OF(unless_given); i++)
        if (!fetch_request_has(request, unless_given[i].name))
            code = list_add(&transfer->headers_out, unless_given[i].line);
    return code;
}

/* Of `url` what may be shown: without the query, in which there may be a key. */
static enum code show(struct transfer *transfer, const char *method, CURLU *url)
{
    char *text = NULL;

    if (curl_url_set(url, CURLUPART_QUERY, NULL, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return E_MEMORY;
    buf_printf(&transfer->shown, "%s %s", method, text);
    buf_put_char(&transfer->shown, '\0');
    curl_free(text);
    return buf_finish(&transfer->shown, NULL);
}

/* As libcurl reads it, so that there are no two opinions about where the host ends. */
static enum code set_address(struct transfer *transfer, const struct fetch_request *request,
                             struct error *err)
{
    CURLU *url = curl_url();
    char *text = NULL, *scheme = NULL;
    enum code code = E_MEMORY;
    CURLUcode parsed;

    if (!url)
        return E_MEMORY;
    parsed = curl_url_set(url, CURLUPART_URL, request->url, CURLU_DISALLOW_USER);
    if (parsed != CURLUE_OK && parsed != CURLUE_OUT_OF_MEMORY)
        code = E_CONFIG;
    else if (parsed == CURLUE_OK && curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
             curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
             curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
        code = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0 ? OK : E_CONFIG;
    if (code == E_CONFIG)
        (void)error_set(err, E_CONFIG,
                        "the address of a request is http:// or https:// with a host, without user "
                        "and password");
    if (!code && curl_easy_setopt(transfer->curl, CURLOPT_URL, text) != CURLE_OK)
        code = E_MEMORY;
    if (!code)
        code = show(transfer, request->method, url);
    curl_free(scheme);
    curl_free(text);
    curl_url_cleanup(url);
    return code;
}

static enum code set_up(struct transfer *transfer, const struct fetcher_options *options,
                        const struct fetch_request *request, void *owner, struct error *err)
{
    enum code code = fetch_request_check(request, err);

    if (code)
        return code;
    transfer->curl = curl_easy_init();
    transfer->body_out = malloc(request->body.size + 1);
    if (!transfer->curl || !transfer->body_out)
        return E_MEMORY;
    if (request->body.size > 0)
        memcpy(transfer->body_out, request->body.data, request->body.size);
    set_rules(transfer->curl, options);
    set_callbacks(transfer, owner);
    code = set_address(transfer, request, err);
    if (!code)
        code = make_headers(transfer, request);
    if (!code)
        code = staged_new(options->directory, options->memory_bytes_max, &transfer->body, err);
    if (code)
        return code;
    set_request(transfer, request);
    return curl_easy_setopt(transfer->curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK
               ? OK
               : E_MEMORY;
}

enum code transfer_new(const struct fetcher_options *options, const struct fetch_request *request,
                       void *owner, struct transfer **transfer, struct error *err)
{
    struct transfer *made = calloc(1, sizeof(*made));
    enum code code = E_MEMORY;

    *transfer = NULL;
    if (made) {
        made->allowed = options->allowed;
        made->shown = BUF_INIT(FETCH_HEAD_BYTES_MAX);
        made->head = BUF_INIT((size_t)2 * FETCH_HEAD_BYTES_MAX);
        made->body_bytes_max = request->body_bytes_max;
        made->times = (struct fetch_times){.connect_ns_max = request->connect_ns,
                                           .first_byte_ns_max = request->first_byte_ns,
                                           .idle_ns_max = request->idle_ns,
                                           .total_ns_max = request->total_ns,
                                           .began_ns = now()};
        code = set_up(made, options, request, owner, err);
    }
    if (code == E_MEMORY)
        (void)error_set(err, code, "no memory for a request");
    if (code) {
        transfer_free(made);
        return code;
    }
    *transfer = made;
    return OK;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers_out);
    staged_free(transfer->body);
    buf_release(&transfer->shown);
    buf_release(&transfer->head);
    free(transfer->body_out);
    free(transfer);
}

void *transfer_handle(const struct transfer *transfer)
{
    return transfer->curl;
}

int64_t transfer_due_ns(const struct transfer *transfer)
{
    return fetch_times_due_ns(&transfer->times);
}

bool transfer_sent(const struct transfer *transfer)
{
    return transfer->times.sent_ns > 0;
}

void transfer_time_out(struct transfer *transfer)
{
    transfer->code = fetch_times_tell(&transfer->times, &transfer->err);
}

void transfer_cancel(struct transfer *transfer)
{
    transfer->code = error_set(&transfer->err, E_CANCELLED, "cancelled");
}

/* --- the end --- */

static enum code code_of(CURLcode result, bool sent)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return E_NOT_READY;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return E_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL: /* sent: an answer that is no HTTP/1 */
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
        return sent ? E_IO : E_CONFIG;
    case CURLE_FILESIZE_EXCEEDED:
        return E_BODY_LARGE;
    case CURLE_OUT_OF_MEMORY: /* also what libcurl says of a line of 100 KiB */
        return sent ? E_IO : E_MEMORY;
    default:
        return E_IO;
    }
}

/* libcurl's texts have host, port and address, and what is wrong; nothing of query and headers. */
static void judge(struct transfer *transfer, CURLcode result)
{
    struct error *err = &transfer->err;
    long number = 0;

    if (result == CURLE_OK && !transfer->code && !transfer->head_whole)
        transfer->code = error_set(err, E_IO, "the answer was cut in its head");
    if (transfer->code || result == CURLE_OK)
        return;
    transfer->code = code_of(result, transfer->times.sent_ns > 0);
    if (result == CURLE_COULDNT_CONNECT) /* the only one whose text lacks the reason */
        curl_easy_getinfo(transfer->curl, CURLINFO_OS_ERRNO, &number);
    if (result == CURLE_OPERATION_TIMEDOUT)
        (void)fetch_times_tell_connect(&transfer->times, err);
    else if (result == CURLE_COULDNT_CONNECT && !transfer->dialled && transfer->refused.code)
        *err = transfer->refused;
    else if (result == CURLE_OUT_OF_MEMORY)
        (void)error_set(err, transfer->code, "memory is used up, or a line of the head too long");
    else
        (void)error_set(err, transfer->code, "%s%s%s",
                        transfer->reason[0] ? transfer->reason : curl_easy_strerror(result),
                        number > 0 ? ": " : "", number > 0 ? strerrordesc_np((int)number) : "");
    transfer->code = err->code;
}

/* A copy in `head`, which may move while it grows: spans are set when all are there. */
static void copy_headers(struct transfer *transfer)
{
    struct curl_header *header = NULL;
    size_t count = 0, at = 0;

    while (count < FETCH_HEADERS_MAX &&
           (header = curl_easy_nextheader(transfer->curl, CURLH_HEADER, -1, header)) != NULL) {
        struct fetch_header *copy = &transfer->headers[count++];

        copy->name.size = strlen(header->name);
        copy->value.size = strlen(header->value);
        while (copy->value.size > 0 && isspace((unsigned char)header->value[copy->value.size - 1]))
            copy->value.size--; /* of an empty one libcurl leaves the line's end */
        buf_put_text(&transfer->head, header->name);
        buf_put(&transfer->head, (struct bytes){header->value, copy->value.size});
    }
    transfer->header_count = transfer->head.failed ? 0 : count;
    for (size_t i = 0; i < transfer->header_count; i++) {
        struct fetch_header *copy = &transfer->headers[i];
        char *name = transfer->head.data + at;

        for (size_t j = 0; j < copy->name.size; j++)
            name[j] = (char)tolower((unsigned char)name[j]);
        copy->name.data = name;
        copy->value.data = name + copy->name.size;
        at += copy->name.size + copy->value.size;
    }
}

void transfer_end(struct transfer *transfer, int result, struct fetch_answer *answer)
{
    long status = 0;

    judge(transfer, (CURLcode)result);
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    copy_headers(transfer);
    if (!transfer->code && transfer->head.failed)
        transfer->code = error_set(&transfer->err, E_MEMORY, "no memory for the headers");
    if (!transfer->code)
        transfer->code = staged_finish(transfer->body, &transfer->err);
    if (transfer->code)
        error_context(&transfer->err, "%s", transfer->shown.data);
    *answer = (struct fetch_answer){
        .code = transfer->code,
        .err = transfer->err,
        .status = (unsigned)status,
        .headers = transfer->headers,
        .header_count = transfer->header_count,
        .body = transfer->code ? NULL : transfer->body,
        .began_ns = transfer->times.began_ns,
        .first_byte_ns = transfer->times.first_byte_ns,
        .ended_ns = now(),
        .bytes = transfer->bytes,
        .sent = transfer->times.sent_ns > 0,
    };
    if (answer->body)
        transfer->body = NULL;
}
