/* libcurl's easy interface.  Its callbacks only hand bytes over; a failure of ours in one of them
 * is kept in the client and given instead of libcurl's word for it. */
#include "net/client.h"

#include <pthread.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/number.h"

struct client {
    CURL *curl;
    char reason[CURL_ERROR_SIZE];
    /* Of the request that runs. */
    const struct client_source *source;
    const struct client_sink *sink;
    struct error *err;
    enum code code;  /* of a callback that failed */
    bool head_given; /* to the sink */
    unsigned status;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_code;

static void library_begin(void)
{
    library_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- callbacks --- */

static size_t give_body(char *into, size_t size, size_t count, void *context)
{
    const struct client *client = context;

    return client->source->read(client->source->context, into, size * count);
}

/* Only to the beginning: that is where a request starts again. */
static int restart_body(void *context, curl_off_t offset, int origin)
{
    const struct client_source *source = ((const struct client *)context)->source;

    if (offset != 0 || origin != SEEK_SET || !source->restart)
        return CURL_SEEKFUNC_CANTSEEK;
    return source->restart(source->context) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static unsigned status_now(const struct client *client)
{
    long status = 0;

    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    return (unsigned)status;
}

static bool give_head(struct client *client)
{
    if (client->head_given)
        return true;
    client->head_given = true;
    client->status = status_now(client);
    if (client->sink->head)
        client->code = client->sink->head(client->sink->context, client->status, client->err);
    return client->code == OK;
}

static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
    struct client *client = context;
    struct bytes piece = {data, size * count};

    if (!give_head(client))
        return CURL_WRITEFUNC_ERROR;
    if (client->sink->take)
        client->code = client->sink->take(client->sink->context, piece, client->err);
    return client->code ? CURL_WRITEFUNC_ERROR : piece.size;
}

static int ask_stopped(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct client *client = context;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return client->sink->stopped && client->sink->stopped(client->sink->context);
}

/* --- a client --- */

static void set_up(struct client *client, const struct client_options *options)
{
    CURL *curl = client->curl;
    long stall_s = (long)((options->stall_ms_max + 999) / 1000);

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, options->user_agent);
    if (!options->proxy_from_environment)
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (options->authority_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->authority_file);
    if (options->connect_ms_max > 0)
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms_max);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, stall_s > 0 ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_s);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, ask_stopped);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, client);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, restart_body);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, client);
}

enum code client_library_ready(struct error *err)
{
    pthread_once(&library_once, library_begin);
    if (library_code == CURLE_OK)
        return OK;
    return error_set(err, E_MEMORY, "libcurl: %s", curl_easy_strerror(library_code));
}

enum code client_open(const struct client_options *options, struct client **client,
                      struct error *err)
{
    struct client *made;
    enum code code;

    *client = NULL;
    code = client_library_ready(err);
    if (code)
        return code;
    made = calloc(1, sizeof(*made));
    if (made)
        made->curl = curl_easy_init();
    if (!made || !made->curl) {
        free(made);
        return error_set(err, E_MEMORY, "no memory for an HTTP client");
    }
    set_up(made, options);
    *client = made;
    return OK;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client);
}

/* --- a request --- */

static enum code code_of(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return E_NOT_READY;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return E_CONFIG;
    case CURLE_OPERATION_TIMEDOUT:
        return E_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK:
        return E_CANCELLED;
    case CURLE_OUT_OF_MEMORY:
        return E_MEMORY;
    default:
        return E_IO;
    }
}

static enum code headers_make(const char *const *headers, struct curl_slist **list)
{
    for (size_t i = 0; headers && headers[i]; i++) {
        struct curl_slist *longer = curl_slist_append(*list, headers[i]);

        if (!longer)
            return E_MEMORY;
        *list = longer;
    }
    return OK;
}

static void prepare(struct client *client, const struct client_request *request,
                    struct curl_slist *headers)
{
    CURL *curl = client->curl;
    bool body = request->source != NULL;

    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L); /* takes back what the last request left */
    curl_easy_setopt(curl, CURLOPT_NOBODY, 0L);
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->source->size);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, request->compressed ? "" : NULL);
}

/* *headers is what libcurl holds until end(). */
static enum code begin(struct client *client, const struct client_request *request,
                       const struct client_sink *sink, struct curl_slist **headers,
                       struct error *err)
{
    enum code code;

    client->source = request->source;
    client->sink = sink;
    client->err = err;
    client->code = OK;
    client->head_given = false;
    client->status = 0;
    client->reason[0] = '\0';
    *headers = NULL;
    code = headers_make(request->headers, headers);
    if (code) {
        curl_slist_free_all(*headers);
        *headers = NULL;
        return error_set(err, code, "no memory for the request");
    }
    prepare(client, request, *headers);
    return OK;
}

static enum code end(struct client *client, CURLcode result, struct curl_slist *headers,
                     struct error *err)
{
    enum code code;

    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    client->status = status_now(client);
    if (result == CURLE_OK && give_head(client)) /* an answer without a body */
        return OK;
    if (client->code)
        return client->code;
    code = code_of(result);
    if (code == E_CANCELLED)
        return error_set(err, code, "stopped");
    return error_set(err, code, "%s",
                     client->reason[0] ? client->reason : curl_easy_strerror(result));
}

enum code client_run(struct client *client, const struct client_request *request,
                     const struct client_sink *sink, struct error *err)
{
    struct curl_slist *headers;
    CURLcode result;
    enum code code = begin(client, request, sink, &headers, err);

    if (code)
        return code;
    result = curl_easy_perform(client->curl);
    return end(client, result, headers, err);
}

/* --- several at once --- */

struct client_group {
    CURLM *multi;
};

enum code client_group_open(struct client_group **group, struct error *err)
{
    struct client_group *made;
    enum code code;

    *group = NULL;
    code = client_library_ready(err);
    if (code)
        return code;
    made = calloc(1, sizeof(*made));
    if (made)
        made->multi = curl_multi_init();
    if (!made || !made->multi) {
        free(made);
        return error_set(err, E_MEMORY, "no memory for HTTP clients");
    }
    *group = made;
    return OK;
}

void client_group_close(struct client_group *group)
{
    if (!group)
        return;
    curl_multi_cleanup(group->multi);
    free(group);
}

/* Who is in the group has its errand as libcurl's private pointer until it has ended. */
static bool errand_begin(struct client_group *group, struct client_errand *errand, uint64_t ms_max,
                         struct curl_slist **headers)
{
    CURL *curl = errand->client->curl;

    errand->err = (struct error){0};
    errand->code = begin(errand->client, &errand->request, &errand->sink, headers, &errand->err);
    if (errand->code)
        return false;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ms_max);
    /* Else the end waits for a resolver: it has a thread of its own, and ends when it ends. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, errand);
    if (curl_multi_add_handle(group->multi, curl) == CURLM_OK)
        return true;
    curl_easy_setopt(curl, CURLOPT_PRIVATE, NULL);
    errand->code = end(errand->client, CURLE_OUT_OF_MEMORY, *headers, &errand->err);
    return false;
}

static void errand_end(struct client_group *group, struct client_errand *errand, CURLcode result,
                       struct curl_slist *headers)
{
    CURL *curl = errand->client->curl;

    curl_multi_remove_handle(group->multi, curl);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 0L);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, NULL);
    errand->code = end(errand->client, result, headers, &errand->err);
}

/* Those that libcurl says are through. */
static size_t end_some(struct client_group *group, const struct client_errand *errands,
                       struct curl_slist **headers)
{
    CURLMsg *message;
    size_t ended = 0;
    int left;

    while ((message = curl_multi_info_read(group->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        if (private != NULL) {
            struct client_errand *errand = (struct client_errand *)(void *)private;

            errand_end(group, errand, result, headers[errand - errands]);
            ended++;
        }
    }
    return ended;
}

void client_group_run(struct client_group *group, struct client_errand *errands, size_t count,
                      uint64_t ms_max)
{
    struct curl_slist **headers = calloc(count + 1, sizeof(*headers));
    size_t under_way = 0;
    int running = 1;

    for (size_t i = 0; i < count; i++) {
        if (!headers)
            errands[i].code = error_set(&errands[i].err, E_MEMORY, "no memory for the request");
        else
            under_way += errand_begin(group, &errands[i], ms_max, &headers[i]);
    }
    while (under_way > 0) {
        CURLMcode result = curl_multi_perform(group->multi, &running);

        under_way -= end_some(group, errands, headers);
        if (result == CURLM_OK && under_way > 0 && running > 0)
            result = curl_multi_poll(group->multi, NULL, 0, 1000, NULL);
        if (result != CURLM_OK || (running == 0 && under_way > 0))
            break;
    }
    for (size_t i = 0; under_way > 0 && i < count; i++) { /* libcurl itself failed */
        char *private = NULL;

        curl_easy_getinfo(errands[i].client->curl, CURLINFO_PRIVATE, &private);
        if (private != NULL)
            errand_end(group, &errands[i], CURLE_FAILED_INIT, headers[i]);
    }
    free(headers);
}

unsigned client_status(const struct client *client)
{
    return client->status;
}

bool client_header_at(struct client *client, const char *name, size_t index, struct bytes *value)
{
    struct curl_header *header;

    if (curl_easy_header(client->curl, name, index, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return false;
    *value = bytes_of(header->value);
    return true;
}

bool client_header(struct client *client, const char *name, struct bytes *value)
{
    return client_header_at(client, name, 0, value);
}

bool client_retry_after(struct client *client, uint64_t *seconds)
{
    struct bytes value;

    return client_header(client, "Retry-After", &value) && number_parse_u64(value, seconds) == OK;
}

/* --- URLs --- */

static bool url_has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';

    curl_free(text);
    return has;
}

static bool url_is_http(CURLU *url)
{
    char *scheme = NULL;
    bool http = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    return http;
}

enum code client_url_check(const char *text, struct error *err)
{
    CURLU *url = curl_url();
    CURLUcode parsed;
    enum code code = OK;

    if (!url)
        return error_set(err, E_MEMORY, "no memory for the URL");
    parsed = curl_url_set(url, CURLUPART_URL, text, 0);
    if (url_has(url, CURLUPART_USER) || url_has(url, CURLUPART_PASSWORD) ||
        (parsed != CURLUE_OK && strchr(text, '@'))) /* not shown */
        code = error_set(err, E_CONFIG,
                         "a URL holds no user or password: a token comes from a "
                         "file or the environment");
    else if (strpbrk(text, "?#")) /* nor is what may stand there, as token=... */
        code = error_set(err, E_CONFIG, "the URL of a server has no ? and no #");
    else if (parsed != CURLUE_OK || !url_is_http(url))
        code = error_set(err, E_CONFIG, "\"%s\" is not a URL such as http://127.0.0.1:8090", text);
    curl_url_cleanup(url);
    return code;
}

const char *client_library_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}
