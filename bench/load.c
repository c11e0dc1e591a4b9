/* The load of the ingest benchmark: HOSTS x 10 fields x one row in 10 s over SPAN seconds as line
 * protocol, made in memory before the clock starts, sent as 2,000-line requests over keep-alive
 * connections, a thread each.  With 100 hosts and a day: 864,000 lines, 8.64 M values.
 *
 *   load ADDRESS PORT PID HOSTS SECONDS CONNECTIONS [write|read|small]
 *
 *   write   sends everything, flushes, prints lines a second and the server's CPU seconds
 *   small   1,000 writes of one line, one after another: p50 and p99
 *   read    1,000 reads of one hour of one series: p50 and p99
 *
 * Values are like those of TSBS's cpu set: whole numbers 0..100 that walk; a second field in ten is
 * a 6-digit gauge.  The seed is fixed. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
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

enum {
    FIELDS = 10,
    LINES_A_REQUEST = 2000,
    LINE_SIZE = 320,
    CONNECTIONS_MAX = 256,
    ROUNDS = 1000,
    ANSWER_SIZE = 1 << 20
};

static const int64_t START_NS = 1700000000000000000;

struct request {
    char *bytes; /* head and body */
    size_t size;
};

static struct sockaddr_in address;
static struct request *requests;
static size_t request_count;
static _Atomic size_t request_next;
static uint64_t chance_state = 20240601;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t chance(void)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* utime + stime of the server, in seconds. */
static double cpu_of(int pid)
{
    char path[64], text[1024], *at;
    unsigned long user = 0, system = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (!file || !fgets(text, sizeof(text), file))
        die(path);
    fclose(file);
    at = strrchr(text, ')'); /* the name may hold spaces */
    if (!at ||
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die(path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void request_seal(struct request *request, const char *head, const char *body, size_t size)
{
    size_t head_size = strlen(head);

    request->bytes = malloc(head_size + size);
    if (!request->bytes)
        die("malloc");
    memcpy(request->bytes, head, head_size);
    if (size > 0)
        memcpy(request->bytes + head_size, body, size);
    request->size = head_size + size;
}

static struct request request_post(const char *path, const char *body, size_t size)
{
    struct request request;
    char head[256];

    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
             "%zu\r\n\r\n",
             path, size);
    request_seal(&request, head, body, size);
    return request;
}

/* One line; the values of a host walk from the line before. */
static size_t line_make(char *text, int host, int64_t time_ns, double *values)
{
    static const char *const names[FIELDS] = {
        "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
        "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "temperature"};
    size_t size = (size_t)snprintf(
        text, LINE_SIZE, "cpu,hostname=host_%d,region=eu-west-%d,os=debian12 ", host, host % 3);

    for (int f = 0; f < FIELDS; f++) {
        double step = (double)(chance() % 2001) / 1000.0 - 1.0;
        double *value = &values[f];

        *value = fmin(100.0, fmax(0.0, *value + step * 3));
        size += (size_t)snprintf(text + size, LINE_SIZE - size,
                                 f == FIELDS - 1 ? "%s%s=%.4f" : "%s%s=%.0f", f ? "," : "",
                                 names[f], *value);
    }
    size += (size_t)snprintf(text + size, LINE_SIZE - size, " %" PRId64 "\n", time_ns);
    return size;
}

/* Rows in the order of time, all hosts at each: what a fleet of agents sends. */
static uint64_t requests_make(int hosts, int64_t seconds)
{
    uint64_t lines = (uint64_t)hosts * (uint64_t)(seconds / 10), made = 0;
    char *body = malloc((size_t)LINES_A_REQUEST * LINE_SIZE);
    double *values = calloc((size_t)hosts * FIELDS, sizeof(*values));
    size_t size = 0;

    requests = calloc(lines / LINES_A_REQUEST + 1, sizeof(*requests));
    if (!body || !values || !requests)
        die("malloc");
    for (int i = 0; i < hosts * FIELDS; i++)
        values[i] = (double)(chance() % 101);
    for (int64_t t = 0; t < seconds / 10; t++)
        for (int host = 0; host < hosts; host++) {
            size += line_make(body + size, host, START_NS + t * 10000000000,
                              &values[(size_t)host * FIELDS]);
            if (++made % LINES_A_REQUEST == 0 || made == lines) {
                requests[request_count++] = request_post("/v1/points", body, size);
                size = 0;
            }
        }
    free(values);
    free(body);
    return lines;
}

static int dial(void)
{
    int connection = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    if (connection < 0 || connect(connection, (const struct sockaddr *)&address, sizeof(address)))
        die("connect");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return connection;
}

/* The number after `name` in the head, or -1. */
static long header_number(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* Sends and waits for the whole answer; its status. */
static int exchange(int connection, const struct request *request, char *answer)
{
    size_t sent = 0, size = 0;
    const char *body;
    long length;

    while (sent < request->size) {
        ssize_t done = send(connection, request->bytes + sent, request->size - sent, MSG_NOSIGNAL);

        if (done <= 0)
            die("send");
        sent += (size_t)done;
    }
    for (;;) {
        ssize_t got = recv(connection, answer + size, ANSWER_SIZE - 1 - size, 0);

        if (got <= 0)
            die("recv");
        size += (size_t)got;
        answer[size] = 0;
        body = strstr(answer, "\r\n\r\n");
        if (!body)
            continue;
        body += 4;
        length = header_number(answer, "content-length: ");
        if (strcasestr(answer, "transfer-encoding: chunked")
                ? memcmp(answer + size - 5, "0\r\n\r\n", 5) == 0
                : length < 0 || size >= (size_t)(body - answer) + (size_t)length)
            return (int)strtol(answer + 9, NULL, 10);
    }
}

static void *connection_run(void *unused)
{
    char *answer = malloc(ANSWER_SIZE);
    int connection = dial();

    (void)unused;
    if (!answer)
        die("malloc");
    for (size_t n; (n = atomic_fetch_add(&request_next, 1)) < request_count;) {
        int status;

        while ((status = exchange(connection, &requests[n], answer)) == 503)
            usleep(20000);
        if (status != 204) {
            fprintf(stderr, "%s\n", answer);
            exit(1);
        }
    }
    close(connection);
    free(answer);
    return NULL;
}

static void write_all(int pid, int hosts, int64_t seconds, int connections)
{
    pthread_t threads[CONNECTIONS_MAX];
    uint64_t lines = requests_make(hosts, seconds);
    double values = (double)lines * FIELDS, begun, cpu, acknowledged, took;
    struct request flush = request_post("/v1/admin/flush", "", 0);
    char *answer = malloc(ANSWER_SIZE);
    size_t bytes = 0;

    for (size_t i = 0; i < request_count; i++)
        bytes += requests[i].size;
    cpu = cpu_of(pid);
    begun = now();
    for (int i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, connection_run, NULL))
            die("pthread_create");
    for (int i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    acknowledged = now() - begun;
    if (!answer || exchange(dial(), &flush, answer) != 200)
        die("flush");
    took = now() - begun;
    cpu = cpu_of(pid) - cpu;
    printf("lines %" PRIu64
           "\nvalues %.0f\nbody_bytes %zu\nseconds_acknowledged %.3f\nseconds_sealed %.3f\n"
           "lines_per_second %.0f\nserver_cpu_seconds %.3f\nvalues_per_cpu_second %.0f\n",
           lines, values, bytes, acknowledged, took, (double)lines / acknowledged, cpu,
           values / cpu);
    free(answer);
    free(flush.bytes);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* One request after another on one connection. */
static void latency(bool reading, int hosts)
{
    double times[ROUNDS];
    char *answer = malloc(ANSWER_SIZE);
    int connection = dial();

    if (!answer)
        die("malloc");
    for (int i = 0; i < ROUNDS; i++) {
        struct request request;
        char text[512];
        double begun;
        int status;

        if (reading) {
            int64_t start = START_NS + (int64_t)(chance() % 20) * 3600000000000;

            snprintf(
                text, sizeof(text),
                "GET "
                "/v1/"
                "query?measurement=cpu&fields=usage_user&match=hostname%%3Dhost_%d&start=%" PRId64
                "&end=%" PRId64 " HTTP/1.1\r\nHost: localhost\r\n\r\n",
                (int)(chance() % (uint64_t)hosts), start, start + 3600000000000);
            request_seal(&request, text, NULL, 0);
        } else {
            size_t size = (size_t)snprintf(text, sizeof(text),
                                           "small,host=a value=%d %" PRId64 "\n", i, START_NS + i);

            request = request_post("/v1/points", text, size);
        }
        begun = now();
        status = exchange(connection, &request, answer);
        times[i] = (now() - begun) * 1e3;
        if (status != (reading ? 200 : 204)) {
            fprintf(stderr, "%s\n", answer);
            exit(1);
        }
        free(request.bytes);
    }
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    printf("%s_ms_p50 %.3f\n%s_ms_p99 %.3f\n", reading ? "read" : "small", times[ROUNDS / 2],
           reading ? "read" : "small", times[ROUNDS * 99 / 100]);
    close(connection);
    free(answer);
}

int main(int count, char **words)
{
    int hosts, connections;

    if (count != 8) {
        fprintf(stderr, "usage: %s ADDRESS PORT PID HOSTS SECONDS CONNECTIONS write|small|read\n",
                words[0]);
        return 1;
    }
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)strtoul(words[2], NULL, 10));
    hosts = (int)strtol(words[4], NULL, 10);
    connections = (int)strtol(words[6], NULL, 10);
    if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1 || connections < 1 ||
        connections > CONNECTIONS_MAX || hosts < 1) {
        fprintf(stderr, "load: an IPv4 address, 1..%d connections and at least a host are needed\n",
                CONNECTIONS_MAX);
        return 1;
    }
    if (strcmp(words[7], "write") == 0)
        write_all((int)strtol(words[3], NULL, 10), hosts, strtoll(words[5], NULL, 10), connections);
    else
        latency(strcmp(words[7], "read") == 0, hosts);
    return 0;
}
