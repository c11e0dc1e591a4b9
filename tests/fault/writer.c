/* A writer whose every byte can be known again: request n holds rows that are functions of (seed,
 * n), tests/fault/oracle.py knows the same functions.  "t n" is written to the journal before
 * request n is sent, "a n" after its 2xx, "r n" after a refusal (503), so that whatever happens to
 * the server or its file system, the journal, on another one, says what must be there, what may be,
 * and what must not.
 *
 *   writer ADDRESS PORT JOURNAL SEED FIRST CONNECTIONS SECONDS COUNT KIND BASE STRIDE
 *          TARGET
 *
 * Each connection is a thread; one that loses its server ends.  Ends after SECONDS, after COUNT
 * requests (0: any number), or when all have.  The exit code is 2 after an answer that cannot be
 * right.
 *
 * KIND says how a request looks.  weir: rows of a float, an integer and a string each, their time
 * n * 1000 + i + 1 ns.  points: one whole number a row, which every database can hold exactly, at
 * BASE + n * STRIDE + i ms in a series of the connection's own (Prometheus takes a series in order
 * only); sent as line protocol to the path TARGET.  prometheus: the same by remote-write; a 4xx is
 * a refusal for these two, and told once. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_MAX = 20, BODY_SIZE = ROWS_MAX * 160, CONNECTIONS_MAX = 64 };
enum kind { WEIR, POINTS, PROMETHEUS };

static struct sockaddr_in address;
static int journal;
static uint64_t seed, base_ms, stride_ms, request_end = UINT64_MAX;
static enum kind kind;
static const char *target;
static _Atomic uint64_t next_request;
static _Atomic bool wrong, told;
static time_t deadline;

/* splitmix64; oracle.py has the same. */
static uint64_t chance(uint64_t n, uint64_t salt)
{
    uint64_t x = seed + n * 0x9e3779b97f4a7c15u + salt * 0xbf58476d1ce4e5b9u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Any finite f64: one exponent bit goes when all are set. */
static double finite_of(uint64_t bits)
{
    double number;

    if ((bits >> 52 & 0x7ff) == 0x7ff)
        bits &= ~(1ULL << 52);
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static size_t weir_make(uint64_t n, char *body)
{
    uint64_t rows = 1 + chance(n, 0) % ROWS_MAX;
    size_t size = 0;

    for (uint64_t i = 0; i < rows; i++) {
        uint64_t salt = 1 + 3 * i;
        int printed = snprintf(body + size, BODY_SIZE - size,
                               "o,host=h%02" PRIu64 " f=%.17g,i=%" PRId64 "i,s=\"%016" PRIx64
                               "\" %" PRIu64 "\n",
                               n % 16, finite_of(chance(n, salt)), (int64_t)chance(n, salt + 1),
                               chance(n, salt + 2), n * 1000 + i + 1);

        size += (size_t)printed;
    }
    return size;
}

/* 40 bits: whole, and far from what a double or a decimal of 15 digits rounds. */
static uint64_t point(uint64_t n, uint64_t i)
{
    return chance(n, 1 + i) >> 24;
}

static size_t points_make(uint64_t n, unsigned connection, char *body)
{
    uint64_t rows = 1 + chance(n, 0) % ROWS_MAX;
    size_t size = 0;

    for (uint64_t i = 0; i < rows; i++) {
        int printed =
            snprintf(body + size, BODY_SIZE - size, "o,host=h%02u f=%" PRIu64 " %" PRIu64 "\n",
                     connection, point(n, i), base_ms + n * stride_ms + i);

        size += (size_t)printed;
    }
    return size;
}

static size_t varint(char *out, uint64_t number)
{
    size_t size = 0;

    for (; number >= 0x80; number >>= 7)
        out[size++] = (char)(number | 0x80);
    out[size++] = (char)number;
    return size;
}

static size_t bytes_put(char *out, uint8_t tag, const void *data, size_t data_size)
{
    size_t size = 1;

    out[0] = (char)tag;
    size += varint(out + 1, data_size);
    memcpy(out + size, data, data_size);
    return size + data_size;
}

static size_t label_put(char *out, const char *name, const char *value)
{
    char label[64];
    size_t size = bytes_put(label, 0x0a, name, strlen(name));

    size += bytes_put(label + size, 0x12, value, strlen(value));
    return bytes_put(out, 0x0a, label, size);
}

/* WriteRequest{timeseries{labels{name, value}.. samples{value, timestamp}..}}, in snappy's block
 * format as one literal: nothing is compressed, as nobody measures size here. */
static size_t prometheus_make(uint64_t n, unsigned connection, char *body)
{
    char series[BODY_SIZE / 2], request[BODY_SIZE / 2], host[8];
    uint64_t rows = 1 + chance(n, 0) % ROWS_MAX;
    size_t size, head;

    snprintf(host, sizeof(host), "h%02u", connection);
    size = label_put(series, "__name__", "o_f");
    size += label_put(series + size, "host", host);
    for (uint64_t i = 0; i < rows; i++) {
        double value = (double)point(n, i);
        char sample[32];
        size_t sample_size = 9;

        sample[0] = 0x09;
        memcpy(sample + 1, &value, sizeof(value));
        sample[sample_size++] = 0x10;
        sample_size += varint(sample + sample_size, base_ms + n * stride_ms + i);
        size += bytes_put(series + size, 0x12, sample, sample_size);
    }
    size = bytes_put(request, 0x0a, series, size);
    head = varint(body, size);
    body[head++] = (char)(61 << 2); /* a literal whose size - 1 follows in two bytes */
    body[head++] = (char)(size - 1);
    body[head++] = (char)((size - 1) >> 8);
    memcpy(body + head, request, size);
    return head + size;
}

static size_t body_make(uint64_t n, unsigned connection, char *body)
{
    switch (kind) {
    case WEIR:
        return weir_make(n, body);
    case POINTS:
        return points_make(n, connection, body);
    case PROMETHEUS:
        return prometheus_make(n, connection, body);
    }
    abort();
}

/* One write(2) a line, so that a killed writer leaves whole lines. */
static void note(char what, uint64_t n)
{
    char line[32];
    int size = snprintf(line, sizeof(line), "%c %" PRIu64 "\n", what, n);

    if (write(journal, line, (size_t)size) != size) {
        perror("journal");
        abort();
    }
}

static int dial(void)
{
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_sec = 20};
    int yes = 1;

    if (connection < 0)
        return -1;
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(connection, (const struct sockaddr *)&address, sizeof(address))) {
        close(connection);
        return -1;
    }
    return connection;
}

static bool send_all(int connection, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(connection, data, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* The status of the one answer that is awaited, 0 when the connection ended before it did.  The
 * body is read and dropped. */
static int answer_read(int connection, char *text, size_t text_size)
{
    size_t size = 0;

    for (;;) {
        char *end, *length;
        ssize_t got = recv(connection, text + size, text_size - 1 - size, 0);

        if (got <= 0)
            return 0;
        size += (size_t)got;
        text[size] = 0;
        end = strstr(text, "\r\n\r\n");
        if (!end)
            continue;
        length = strcasestr(text, "content-length:");
        if (length && length < end) {
            size_t wanted = (size_t)(end + 4 - text) + strtoull(length + 15, NULL, 10);

            if (wanted >= text_size)
                return 0;
            if (size < wanted)
                continue;
        }
        return (int)strtol(text + 9, NULL, 10);
    }
}

static const char line_head[] = "Content-Type: text/plain\r\n";
static const char prometheus_head[] = "Content-Type: application/x-protobuf\r\n"
                                      "Content-Encoding: snappy\r\n"
                                      "X-Prometheus-Remote-Write-Version: 0.1.0\r\n";

static void *connection_run(void *numbered)
{
    unsigned number = (unsigned)(uintptr_t)numbered;
    char body[BODY_SIZE], head[256], text[16384];
    int connection = dial();

    while (connection >= 0 && time(NULL) < deadline) {
        uint64_t n = atomic_fetch_add(&next_request, 1);
        size_t size;
        int head_size, status = 0;

        if (n >= request_end)
            break;
        size = body_make(n, number, body);
        head_size = snprintf(head, sizeof(head),
                             "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n",
                             target, kind == PROMETHEUS ? prometheus_head : line_head, size);

        note('t', n);
        if (send_all(connection, head, (size_t)head_size) && send_all(connection, body, size))
            status = answer_read(connection, text, sizeof(text));
        if (status >= 200 && status < 300) {
            note('a', n);
        } else if (status == 503 || status == 500 || (status >= 400 && kind != WEIR)) {
            note('r', n);
            if (status < 500 && !atomic_exchange(&told, true))
                fprintf(stderr, "request %" PRIu64 " got %d: %.300s\n", n, status, text);
            usleep(2000);
            if (strcasestr(text, "connection: close")) {
                close(connection);
                connection = dial();
            }
        } else if (status == 0) {
            break; /* unknown: the journal has only its try */
        } else {
            fprintf(stderr, "request %" PRIu64 " got %d: %s\n", n, status, text);
            atomic_store(&wrong, true);
            break;
        }
    }
    if (connection >= 0)
        close(connection);
    return NULL;
}

int main(int count, char **words)
{
    static const char *const kinds[] = {
        [WEIR] = "weir", [POINTS] = "points", [PROMETHEUS] = "prometheus"};
    pthread_t threads[CONNECTIONS_MAX];
    uint64_t requests;
    unsigned connections;

    if (count != 13) {
        fprintf(stderr,
                "usage: %s ADDRESS PORT JOURNAL SEED FIRST CONNECTIONS SECONDS COUNT KIND BASE "
                "STRIDE TARGET\n",
                words[0]);
        return 1;
    }
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)strtoul(words[2], NULL, 10));
    journal = open(words[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1 || journal < 0) {
        perror(words[3]);
        return 1;
    }
    seed = strtoull(words[4], NULL, 10);
    next_request = strtoull(words[5], NULL, 10);
    connections = (unsigned)strtoul(words[6], NULL, 10);
    deadline = time(NULL) + strtol(words[7], NULL, 10);
    requests = strtoull(words[8], NULL, 10);
    if (requests > 0)
        request_end = next_request + requests;
    while (kind <= PROMETHEUS && strcmp(words[9], kinds[kind]) != 0)
        kind++;
    base_ms = strtoull(words[10], NULL, 10);
    stride_ms = strtoull(words[11], NULL, 10);
    target = words[12];
    if (connections == 0 || connections > CONNECTIONS_MAX || kind > PROMETHEUS ||
        (kind != WEIR && stride_ms < ROWS_MAX))
        return 1;

    for (unsigned i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, connection_run, (void *)(uintptr_t)i))
            return 1;
    for (unsigned i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&wrong) ? 2 : 0;
}
