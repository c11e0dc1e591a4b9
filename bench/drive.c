/* Level-triggered epoll, sockets that do not block.  A server may answer before it has read the
 * whole body and close; so answers are read while a request is still being sent, and a send that
 * fails looks for an answer first. */
#include "bench/drive.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_PIECE = 65536, EVENTS_MAX = 512 };

static const double RETRY_S = 0.02;     /* after a refusal */
static const double PATIENCE_S = 120.0; /* without any answer */

enum phase { IDLE, SENDING, READING, WAITING, ENDED };

struct client {
    int socket; /* -1: not connected */
    enum phase phase;
    struct request own;
    const struct request *request;
    struct text answer;
    size_t sent;
    double begun, again; /* when its time began to count; when it is sent again */
};

struct run {
    const struct drive *drive;
    struct drive_result *result;
    int poll;
    struct client *clients;
    int active; /* clients that have not ended */
    double due; /* of the next request, when there is a pace */
    double answered;
    float *times_ms;
    size_t times_size;
};

double drive_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool client_dial(struct run *run, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    const struct drive *drive = run->drive;
    bool elsewhere = drive->other.sin_port != 0 && (client - run->clients) % 2 == 1;
    const struct sockaddr_in *address = elsewhere ? &drive->other : &drive->address;
    int yes = 1;

    client->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (client->socket < 0)
        die("socket");
    if (connect(client->socket, (const struct sockaddr *)address, sizeof(*address))) {
        close(client->socket);
        client->socket = -1;
        return false;
    }
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    fcntl(client->socket, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(run->poll, EPOLL_CTL_ADD, client->socket, &event))
        die("epoll_ctl");
    return true;
}

static void client_watch(struct run *run, struct client *client, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    if (epoll_ctl(run->poll, EPOLL_CTL_MOD, client->socket, &event))
        die("epoll_ctl");
}

static void client_end(struct run *run, struct client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
    client->phase = ENDED;
    run->active--;
}

/* The connection broke or is not good any more.  Whoever cannot have a new one ends. */
static void client_redial(struct run *run, struct client *client)
{
    close(client->socket);
    if (!client_dial(run, client)) {
        run->result->gone = true;
        client_end(run, client);
    }
}

static void failure_note(struct run *run, const char *what, const struct text *answer)
{
    struct drive_result *result = run->result;

    if (result->failed++ == 0)
        snprintf(result->first_failure, sizeof(result->first_failure), "%s: %.*s", what,
                 (int)(answer->size < 200 ? answer->size : 200), answer->size ? answer->bytes : "");
}

static void time_note(struct run *run, double ms)
{
    size_t count = run->result->requests;

    if (count == run->times_size) {
        run->times_size = run->times_size ? run->times_size * 2 : 4096;
        run->times_ms = realloc(run->times_ms, run->times_size * sizeof(*run->times_ms));
        if (!run->times_ms)
            die("memory");
    }
    assert(run->times_ms != NULL);
    run->times_ms[count] = (float)ms;
}

/* The value of a header, or NULL.  The whole head is there, with a NUL behind the answer. */
static const char *header(const struct text *answer, const char *name)
{
    char *end = strstr(answer->bytes, "\r\n\r\n") + 2, kept = *end;
    const char *at;

    *end = 0; /* or an absent header would be looked for in the whole body */
    at = strcasestr(answer->bytes, name);
    *end = kept;
    return at ? at + strlen(name) : NULL;
}

/* Its status when the whole answer is there, else 0. */
static int answer_status(struct text *answer)
{
    const char *body, *length;

    text_append(answer, "", 1); /* the NUL */
    answer->size--;
    body = strstr(answer->bytes, "\r\n\r\n");
    if (!body)
        return 0;
    length = header(answer, "\r\ncontent-length:");
    if (length && answer->size < (size_t)(body + 4 - answer->bytes) + strtoul(length, NULL, 10))
        return 0;
    if (!length && header(answer, "\r\ntransfer-encoding:") &&
        memcmp(answer->bytes + answer->size - 5, "0\r\n\r\n", 5) != 0)
        return 0;
    return (int)strtol(answer->bytes + strlen("HTTP/1.1 "), NULL, 10);
}

static void client_send(struct run *run, struct client *client);

static void client_again(struct run *run, struct client *client)
{
    client->answer.size = 0;
    client->sent = 0;
    client->phase = SENDING;
    client_send(run, client);
}

/* The next request, now or when it is due. */
static void client_next(struct run *run, struct client *client)
{
    const struct drive *drive = run->drive;
    double now = drive_now(), begun = run->result->begun;

    if (client->phase == ENDED)
        return;
    client->phase = IDLE;
    if (drive->pace > 0 && now < run->due)
        return; /* the loop comes back */
    if ((drive->seconds_max > 0 && now - begun >= drive->seconds_max) ||
        !drive->next(drive->state, &client->own, &client->request)) {
        client_end(run, client);
        return;
    }
    client->begun = drive->pace > 0 ? run->due : now;
    if (drive->pace > 0)
        run->due += (drive->pace_requests ? 1 : (double)client->request->bytes.size) / drive->pace;
    client_again(run, client);
}

static void client_answered(struct run *run, struct client *client, int status)
{
    struct drive_result *result = run->result;
    bool closes = header(&client->answer, "\r\nconnection: close") ||
                  client->sent < client->request->bytes.size;

    run->answered = drive_now();
    if (status == 429 || status == 503) {
        result->refused++;
        client->again = run->answered + RETRY_S;
    } else if (status / 100 == 2) {
        double ms = (run->answered - client->begun) * 1e3;

        time_note(run, ms);
        result->requests++;
        result->lines += client->request->lines;
        result->bytes += client->request->bytes.size;
        result->answer_bytes += client->answer.size;
        if (result->answer_bytes_min == 0 || client->answer.size < result->answer_bytes_min)
            result->answer_bytes_min = client->answer.size;
        result->mean_ms += ms;
        result->max_ms = ms > result->max_ms ? ms : result->max_ms;
    } else {
        failure_note(run, "answer", &client->answer);
    }
    if (closes)
        client_redial(run, client);
    if (client->phase == ENDED)
        return;
    if (status == 429 || status == 503)
        client->phase = WAITING;
    else
        client_next(run, client);
}

/* What came in; whether the connection goes on. */
static void client_receive(struct run *run, struct client *client)
{
    for (;;) {
        ssize_t got;
        int status;

        text_reserve(&client->answer, ANSWER_PIECE);
        got = recv(client->socket, client->answer.bytes + client->answer.size, ANSWER_PIECE - 1, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            if (client->phase == SENDING || client->phase == READING)
                failure_note(run, got ? strerror(errno) : "closed", &client->answer);
            client_redial(run, client);
            if (client->phase != WAITING)
                client_next(run, client);
            return;
        }
        client->answer.size += (size_t)got;
        status = answer_status(&client->answer);
        if (status == 0)
            continue;
        client_answered(run, client, status);
        return;
    }
}

static void client_send(struct run *run, struct client *client)
{
    const struct text *bytes = &client->request->bytes;

    while (client->sent < bytes->size) {
        ssize_t done = send(client->socket, bytes->bytes + client->sent, bytes->size - client->sent,
                            MSG_NOSIGNAL);

        if (done < 0 && errno == EAGAIN) {
            client_watch(run, client, EPOLLIN | EPOLLOUT);
            return;
        }
        if (done < 0) { /* an answer may be there, and tells why; else the read fails as well */
            client_watch(run, client, EPOLLIN);
            return;
        }
        client->sent += (size_t)done;
    }
    client->phase = READING;
    client_watch(run, client, EPOLLIN);
}

/* Begins what is due; seconds until the next that no socket tells, at most one. */
static double clients_due(struct run *run)
{
    double now = drive_now(), next = 1;

    for (int i = 0; i < run->drive->connections; i++) {
        struct client *client = &run->clients[i];

        if (client->phase == WAITING && client->again <= now)
            client_again(run, client);
        else if (client->phase == IDLE)
            client_next(run, client);
        if (client->phase == WAITING && client->again - now < next)
            next = client->again - now;
        if (client->phase == IDLE && run->due - now < next)
            next = run->due - now;
    }
    return next > 0 ? next : 0;
}

static int times_compare(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;

    return (a > b) - (a < b);
}

static void times_sum_up(struct run *run)
{
    struct drive_result *result = run->result;
    size_t count = result->requests;

    result->seconds = run->answered - result->begun;
    if (count == 0)
        return;
    assert(run->times_ms != NULL); /* each answer that counts has its time */
    qsort(run->times_ms, count, sizeof(*run->times_ms), times_compare);
    result->p50_ms = (double)run->times_ms[count / 2];
    result->p99_ms = (double)run->times_ms[count * 99 / 100];
    result->mean_ms /= (double)count;
}

void drive_run(const struct drive *drive, struct drive_result *result)
{
    struct run run = {.drive = drive, .result = result, .poll = epoll_create1(0)};
    struct epoll_event events[EVENTS_MAX];
    bool timed = drive->pace > 0;

    run.clients = calloc((size_t)drive->connections, sizeof(*run.clients));
    if (!run.clients || run.poll < 0)
        die("clients");
    run.active = drive->connections;
    for (int i = 0; i < drive->connections; i++)
        if (!client_dial(&run, &run.clients[i]))
            die("connect");
    result->begun = run.due = run.answered = drive_now();
    for (int i = 0; i < drive->connections; i++)
        client_next(&run, &run.clients[i]);
    while (run.active > 0) {
        double due = timed || result->refused > 0 ? clients_due(&run) : 1;
        struct timespec wait = {(time_t)due, (long)((due - (double)(time_t)due) * 1e9)};
        int count = epoll_pwait2(run.poll, events, EVENTS_MAX, &wait, NULL);

        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;

            if (client->phase == ENDED)
                continue;
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                client_receive(&run, client);
            else if (client->phase == SENDING)
                client_send(&run, client);
        }
        if (drive_now() - run.answered > PATIENCE_S) {
            failure_note(&run, "no answer for two minutes", &(struct text){0});
            break;
        }
    }
    times_sum_up(&run);
    for (int i = 0; i < drive->connections; i++) {
        if (run.clients[i].socket >= 0)
            close(run.clients[i].socket);
        text_release(&run.clients[i].own.bytes);
        text_release(&run.clients[i].answer);
    }
    free(run.times_ms);
    free(run.clients);
    close(run.poll);
}
