/* curl_multi_socket_action() with an epoll of our own rather than curl_multi_poll(): the latter
 * goes over all transfers whenever one of them has a byte, and hundreds of slow hosts have some
 * byte all the time.  libcurl says which sockets to watch and when it wants to be called at the
 * latest; deadlines of transfers stand beside that, and one descriptor wakes it from other threads.
 *
 * A fetch ends in fetcher_run() alone, outside of libcurl's callbacks, so done() may do as it
 * likes.  libcurl closes a kept connection only when another transfer begins: so that it does while
 * nobody asks for anything, a sweep begins when one may be due. */
#include "net/fetcher.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "net/client.h"
#include "net/transfer.h"

enum { EVENTS_AT_ONCE = 64, NS_OF_MS = 1000000, NS_OF_S = 1000000000, KEPT_S = 60 };

struct fetch {
    struct transfer *transfer;
    fetch_done *done;
    void (*sent)(void *context); /* NULL: it was told */
    void *context;
    struct fetch *next;
    bool cancelled;
};

struct fetcher {
    struct fetcher_options options; /* texts are its own */
    CURLM *multi;
    int watch, wake; /* an epoll and an eventfd */
    struct fetch *first;
    _Atomic size_t count; /* read by any */
    int64_t timer_ns;     /* when libcurl wants to be called; INT64_MAX = it does not */
    CURL *sweep;          /* under way */
    int64_t sweep_ns;     /* when the next one is due; INT64_MAX = no connection is kept */
    bool ended;           /* a fetch, since the last sweep was set */
    bool stirred;         /* something happened that ends a run */
    bool closing;
    bool bound; /* to a thread: */
    pthread_t thread;
};

static int64_t now(void)
{
    return clock_boot_ns(clock_system());
}

static bool is_own_thread(struct fetcher *fetcher)
{
    if (!fetcher->bound) {
        fetcher->bound = true;
        fetcher->thread = pthread_self();
    }
    return pthread_equal(fetcher->thread, pthread_self()) != 0;
}

/* --- what libcurl wants --- */

/* A descriptor that cannot be watched leaves its transfer to the deadlines: to say so to libcurl
 * would end all others with it. */
static int watch_socket(CURL *curl, curl_socket_t socket, int what, void *context, void *unused)
{
    const struct fetcher *fetcher = context;
    struct epoll_event event = {.data.fd = socket};

    (void)curl, (void)unused;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(fetcher->watch, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(fetcher->watch, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT)
        (void)epoll_ctl(fetcher->watch, EPOLL_CTL_ADD, socket, &event);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct fetcher *fetcher = context;

    (void)multi;
    fetcher->timer_ns = timeout_ms < 0 ? INT64_MAX : now() + timeout_ms * NS_OF_MS;
    return 0;
}

/* --- a fetcher --- */

static char *copy_of(const char *text)
{
    return text ? strdup(text) : NULL;
}

static enum code fetcher_make(struct fetcher *fetcher, const struct fetcher_options *options,
                              struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (options->kept_s == 0)
        fetcher->options.kept_s = KEPT_S;
    fetcher->options.directory = copy_of(options->directory);
    fetcher->options.authority_file = copy_of(options->authority_file);
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi || !fetcher->options.directory ||
        !fetcher->options.authority_file != !options->authority_file)
        return error_set(err, E_MEMORY, "no memory for a fetcher");
    fetcher->watch = epoll_create1(EPOLL_CLOEXEC);
    fetcher->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    event.data.fd = fetcher->wake;
    if (fetcher->watch < 0 || fetcher->wake < 0 ||
        epoll_ctl(fetcher->watch, EPOLL_CTL_ADD, fetcher->wake, &event) != 0)
        return error_set_errno(err, errno, "make a fetcher");
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)options->connections_max);
    /* Kept ones make room for new ones. */
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)options->connections_max);
    return OK;
}

enum code fetcher_open(const struct fetcher_options *options, struct fetcher **fetcher,
                       struct error *err)
{
    struct fetcher *made;
    enum code code = client_library_ready(err);

    assert(options->allowed != NULL && options->directory != NULL);
    assert(options->connections_max > 0);
    *fetcher = NULL;
    if (code)
        return code;
    made = malloc(sizeof(*made));
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a fetcher");
    *made = (struct fetcher){
        .options = *options, .watch = -1, .wake = -1, .timer_ns = INT64_MAX, .sweep_ns = INT64_MAX};
    code = fetcher_make(made, options, err);
    if (code) {
        fetcher_close(made);
        return code;
    }
    *fetcher = made;
    return OK;
}

void fetcher_wake(struct fetcher *fetcher)
{
    static const uint64_t one = 1;

    (void)!write(fetcher->wake, &one, sizeof(one)); /* full: it is awake already */
}

size_t fetcher_under_way(const struct fetcher *fetcher)
{
    return fetcher->count;
}

/* --- fetches --- */

enum code fetcher_begin(struct fetcher *fetcher, const struct fetch_request *request,
                        fetch_done *done, void *context, struct fetch **fetch, struct error *err)
{
    struct fetch *made;
    enum code code;

    assert(is_own_thread(fetcher));
    *fetch = NULL;
    if (fetcher->closing)
        return error_set(err, E_CANCELLED, "nothing is fetched any more");
    if (fetcher->count >= fetcher->options.connections_max)
        return error_set(err, E_BUSY, "%zu requests are under way", fetcher->count);
    made = malloc(sizeof(*made));
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a request");
    *made = (struct fetch){.done = done, .sent = request->sent, .context = context};
    code = transfer_new(&fetcher->options, request, made, &made->transfer, err);
    if (!code && curl_multi_add_handle(fetcher->multi, transfer_handle(made->transfer)) != CURLM_OK)
        code = error_set(err, E_MEMORY, "no memory for a request");
    if (code) {
        transfer_free(made->transfer);
        free(made);
        return code;
    }
    made->next = fetcher->first;
    fetcher->first = made;
    fetcher->count++;
    *fetch = made;
    return OK;
}

void fetcher_cancel(struct fetcher *fetcher, struct fetch *fetch)
{
    assert(is_own_thread(fetcher));
    fetch->cancelled = true;
}

/* Its connection may be kept.  libcurl counts whole seconds, and more than so many. */
static void set_sweep(struct fetcher *fetcher)
{
    if (fetcher->sweep_ns == INT64_MAX) {
        fetcher->sweep_ns = now() + ((int64_t)fetcher->options.kept_s + 1) * NS_OF_S;
        fetcher->ended = false;
    } else {
        fetcher->ended = true;
    }
}

static void tell_sent(struct fetcher *fetcher, struct fetch *fetch)
{
    if (fetch->sent == NULL || !transfer_sent(fetch->transfer))
        return;
    fetch->sent(fetch->context);
    fetch->sent = NULL;
    fetcher->stirred = true;
}

static void end_fetch(struct fetcher *fetcher, struct fetch *fetch, CURLcode result)
{
    struct fetch **place = &fetcher->first;
    struct fetch_answer answer;

    tell_sent(fetcher, fetch);
    curl_multi_remove_handle(fetcher->multi, transfer_handle(fetch->transfer));
    while (*place != fetch) {
        assert(*place != NULL);
        place = &(*place)->next;
    }
    *place = fetch->next;
    fetcher->count--;
    fetcher->stirred = true;
    set_sweep(fetcher);
    transfer_end(fetch->transfer, (int)result, &answer);
    fetch->done(fetch->context, &answer);
    transfer_free(fetch->transfer);
    free(fetch);
}

static void end_sweep(struct fetcher *fetcher)
{
    curl_multi_remove_handle(fetcher->multi, fetcher->sweep);
    curl_easy_cleanup(fetcher->sweep);
    fetcher->sweep = NULL;
}

static curl_socket_t open_none(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose, (void)address;
    return CURL_SOCKET_BAD;
}

/* Asks nobody anything: no socket is made for it. */
static CURL *sweep_make(const struct fetcher *fetcher)
{
    CURL *curl = curl_easy_init();

    if (!curl)
        return NULL;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)fetcher->options.kept_s);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_none);
    if (curl_easy_setopt(curl, CURLOPT_URL, "http://0.0.0.0:1/") == CURLE_OK &&
        curl_multi_add_handle(fetcher->multi, curl) == CURLM_OK)
        return curl;
    curl_easy_cleanup(curl);
    return NULL;
}

/* Another one follows if something ended since, or this one could not be made. */
static void begin_sweep(struct fetcher *fetcher)
{
    if (!fetcher->sweep)
        fetcher->sweep = sweep_make(fetcher);
    fetcher->sweep_ns = INT64_MAX;
    if (fetcher->ended || !fetcher->sweep)
        set_sweep(fetcher);
}

/* Those that libcurl says are through. */
static void end_finished(struct fetcher *fetcher)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        if (private)
            end_fetch(fetcher, (struct fetch *)(void *)private, result);
        else
            end_sweep(fetcher);
    }
}

/* One that is cancelled or due; NULL = none. */
static struct fetch *find_due(const struct fetcher *fetcher, int64_t now_ns)
{
    for (struct fetch *fetch = fetcher->first; fetch; fetch = fetch->next)
        if (fetch->cancelled || transfer_due_ns(fetch->transfer) <= now_ns)
            return fetch;
    return NULL;
}

/* From the beginning after each: done() may have changed the list. */
static void end_due(struct fetcher *fetcher, int64_t now_ns)
{
    struct fetch *fetch;

    while ((fetch = find_due(fetcher, now_ns)) != NULL) {
        if (fetch->cancelled)
            transfer_cancel(fetch->transfer);
        else
            transfer_time_out(fetch->transfer);
        end_fetch(fetcher, fetch, CURLE_OK);
    }
}

/* --- running --- */

static int64_t next_ns(const struct fetcher *fetcher, int64_t until_ns)
{
    int64_t next = until_ns < fetcher->timer_ns ? until_ns : fetcher->timer_ns;

    if (fetcher->sweep_ns < next)
        next = fetcher->sweep_ns;
    for (const struct fetch *fetch = fetcher->first; fetch; fetch = fetch->next) {
        int64_t due = fetch->cancelled ? 0 : transfer_due_ns(fetch->transfer);

        if (due < next)
            next = due;
    }
    return next;
}

static int wait_ms(int64_t next)
{
    int64_t ns = next - now();

    if (ns <= 0)
        return 0;
    return ns / NS_OF_MS < INT32_MAX - 1 ? (int)((ns + NS_OF_MS - 1) / NS_OF_MS) : INT32_MAX - 1;
}

/* Whatever epoll says of a fault, libcurl finds by reading or writing. */
static int action_of(uint32_t events)
{
    int in = events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0;
    int out = events & (EPOLLOUT | EPOLLERR) ? CURL_CSELECT_OUT : 0;

    return in | out;
}

static void run_once(struct fetcher *fetcher, int64_t until_ns)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int running, count;
    int64_t now_ns;

    count = epoll_wait(fetcher->watch, events, EVENTS_AT_ONCE, wait_ms(next_ns(fetcher, until_ns)));
    for (int i = 0; i < count; i++) {
        uint64_t times;

        if (events[i].data.fd != fetcher->wake) {
            (void)curl_multi_socket_action(fetcher->multi, events[i].data.fd,
                                           action_of(events[i].events), &running);
            continue;
        }
        (void)!read(fetcher->wake, &times, sizeof(times));
        fetcher->stirred = true;
    }
    now_ns = now();
    if (fetcher->timer_ns <= now_ns) {
        fetcher->timer_ns = INT64_MAX;
        (void)curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (struct fetch *fetch = fetcher->first; fetch; fetch = fetch->next)
        tell_sent(fetcher, fetch);
    end_finished(fetcher);
    end_due(fetcher, now_ns);
    if (fetcher->sweep_ns <= now_ns)
        begin_sweep(fetcher);
}

void fetcher_run(struct fetcher *fetcher, int64_t until_ns)
{
    assert(is_own_thread(fetcher));
    fetcher->stirred = false;
    do
        run_once(fetcher, until_ns);
    while (!fetcher->stirred && now() < until_ns);
}

void fetcher_close(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    fetcher->closing = true;
    while (fetcher->first) {
        transfer_cancel(fetcher->first->transfer);
        end_fetch(fetcher, fetcher->first, CURLE_OK);
    }
    if (fetcher->sweep)
        end_sweep(fetcher);
    curl_multi_cleanup(fetcher->multi);
    if (fetcher->watch >= 0)
        close(fetcher->watch);
    if (fetcher->wake >= 0)
        close(fetcher->wake);
    free((char *)fetcher->options.directory);
    free((char *)fetcher->options.authority_file);
    free(fetcher);
}
