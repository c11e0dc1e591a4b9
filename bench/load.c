/* The load of the benchmarks: sends a data set to a server, or asks it questions, and prints what
 * came of it as `name value` lines.  The same bytes go to every server.  Requests are made in
 * memory before the clock starts, or with --live while they are sent; what this program itself
 * needed of the CPU is told as well.
 *
 * Exit code: 0; 3 when the server went away, what was counted until then is printed; 1 otherwise.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/data.h"
#include "bench/drive.h"

enum kind { WEIR, VICTORIA, INFLUX };

static const struct {
    const char *name, *write_path;
} servers[] = {
    [WEIR] = {"weir",             "/v1/points"     },
    [VICTORIA] = {"victoria-metrics", "/write"         },
    [INFLUX] = {"influxdb",         "/write?db=bench"},
};

static const char usage[] =
    "usage: load write|small|wide --server weir|victoria-metrics|influxdb --port N [OPTION N]...\n"
    "  write     sends the data set by line protocol\n"
    "  small     asks for an hour of one field of one host, as rows\n"
    "  wide      asks for the hourly means of one field over all hosts for a day\n"
    "the data set:\n"
    "  --set integers|gauges|mixed|station   (bench/data.h)          integers\n"
    "  --series N --step SECONDS --first SECONDS --span SECONDS      100 10 0 86400\n"
    "  --late PERCENT    of the rows come at any later moment        0\n"
    "  --chosen PERCENT  of the rows only                            100\n"
    "  --seed N                                                      1\n"
    "the load:\n"
    "  --lines N         in a request                                2000\n"
    "  --connections N   closed loop                                 10\n"
    "  --seconds S       no request begins later\n"
    "  --count N         questions to ask                            1000\n"
    "  --pace N          bytes (questions) a second, open loop\n"
    "  --growing         the asked span grows with the time, as it does where data come in\n"
    "  --live            requests are made while they are sent\n"
    "  --token TEXT      is sent with what is written\n"
    "  --other-port N    every other connection goes there\n"
    "  --other-token TEXT  is sent with every other request, instead\n"
    "  --pid N           server whose CPU time at the begin is printed\n";

struct plan {
    struct data_options data;
    struct data *source;
    enum kind server;
    const char *verb;
    char bearer[160], other_bearer[160]; /* a header line, or nothing */
    uint64_t posts;                      /* made so far */
    size_t lines;
    long count, pid;
    bool writing, wide, live, growing;
    struct drive drive;
    struct request *stock; /* made before the clock starts */
    size_t stock_count, stock_next;
    double asked_first; /* when the first question was asked */
    uint64_t chance;
    double cpu_begin_s;
};

static uint64_t chance(struct plan *plan, uint64_t bound)
{
    plan->chance ^= plan->chance << 13;
    plan->chance ^= plan->chance >> 7;
    plan->chance ^= plan->chance << 17;
    return (plan->chance >> 11) % bound;
}

/* utime + stime of all threads of the server, in seconds. */
static double cpu_of(long pid)
{
    char path[64], text[1024], *at;
    unsigned long user = 0, system = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
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

/* The head stands in front of a body whose size is known when the body is: so it is written with a
 * fixed width and filled in afterwards. */
static bool post_make(struct plan *plan, struct request *request)
{
    char head[512];
    bool other = plan->other_bearer[0] != 0 && plan->posts++ % 2 == 1;
    int size =
        snprintf(head, sizeof(head),
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n%s"
                 "Content-Length: %08d\r\n\r\n",
                 servers[plan->server].write_path, other ? plan->other_bearer : plan->bearer, 0);

    request->bytes.size = 0;
    text_append(&request->bytes, head, (size_t)size);
    request->lines = data_lines(plan->source, plan->lines, &request->bytes);
    if (request->lines == 0)
        return false;
    snprintf(head, sizeof(head), "%08zu", request->bytes.size - (size_t)size);
    memcpy(request->bytes.bytes + size - 12, head, 8);
    return true;
}

/* Percent encoding of whatever is not plain. */
static void put_encoded(struct text *to, const char *text)
{
    for (; *text; text++) {
        char code[4];

        if (strchr("{}\"[]()<>=' ,", *text)) {
            snprintf(code, sizeof(code), "%%%02X", (unsigned char)*text);
            text_append(to, code, 3);
        } else {
            text_append(to, text, 1);
        }
    }
}

/* `parts` are pairs: as it is, encoded; as it is, ... */
static void get_make(struct request *request, const char *const *parts, size_t count)
{
    static const char tail[] = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

    request->bytes.size = 0;
    text_append(&request->bytes, "GET ", 4);
    for (size_t i = 0; i < count; i++)
        if (i % 2 == 0)
            text_append(&request->bytes, parts[i], strlen(parts[i]));
        else
            put_encoded(&request->bytes, parts[i]);
    text_append(&request->bytes, tail, sizeof(tail) - 1);
    request->lines = 0;
}

static void small_make(struct plan *plan, struct request *request, int64_t first_s)
{
    unsigned host = (unsigned)chance(plan, plan->data.series);
    char question[256], range[128];
    long long start = first_s, end = first_s + 3600;

    if (plan->server == WEIR) {
        snprintf(question, sizeof(question), "hostname=host_%u", host);
        snprintf(range, sizeof(range), "&epoch=s&start=%lld&end=%lld", start, end);
        get_make(
            request,
            (const char *[]){"/v1/query?measurement=cpu&fields=usage_user&match=", question, range},
            3);
    } else if (plan->server == VICTORIA) {
        snprintf(question, sizeof(question), "cpu_usage_user{hostname=\"host_%u\"}", host);
        snprintf(range, sizeof(range), "&start=%lld&end=%lld", start, end - 1);
        get_make(request, (const char *[]){"/api/v1/export?", "match[]", "=", question, range}, 5);
    } else {
        snprintf(question, sizeof(question),
                 "SELECT usage_user FROM cpu WHERE hostname='host_%u' AND time>=%llds AND "
                 "time<%llds",
                 host, start, end);
        get_make(request, (const char *[]){"/query?db=bench&epoch=s&q=", question}, 2);
    }
}

static void wide_make(struct plan *plan, struct request *request, int64_t first_s)
{
    char text[256];
    long long start = first_s - first_s % 3600 + 3600, end = start + 86400 - 3600;

    if (plan->server == WEIR) {
        snprintf(text, sizeof(text),
                 "/v1/query?measurement=cpu&fields=usage_user&agg=mean&every=1h&epoch=s&start=%lld&"
                 "end=%lld",
                 start, end);
        get_make(request, (const char *[]){text}, 1);
    } else if (plan->server == VICTORIA) {
        snprintf(text, sizeof(text), "&start=%lld&end=%lld&step=3600&nocache=1", start + 3600, end);
        get_make(request,
                 (const char *[]){
                     "/api/v1/query_range?query=", "avg(avg_over_time(cpu_usage_user[1h]))", text},
                 3);
    } else {
        snprintf(text, sizeof(text),
                 "SELECT mean(usage_user) FROM cpu WHERE time>=%llds AND time<%llds GROUP BY "
                 "time(1h)",
                 start, end);
        get_make(request, (const char *[]){"/query?db=bench&epoch=s&q=", text}, 2);
    }
}

/* A question whose range lies somewhere in the data, or in what there is of them by now. */
static bool question_make(struct plan *plan, struct request *request)
{
    int64_t range_s = plan->wide ? 86400 : 3600, reach_s = plan->data.span_s, first_s;
    double now = drive_now();

    if (plan->count == 0)
        return false;
    plan->count--;
    if (plan->asked_first <= 0)
        plan->asked_first = now;
    if (plan->growing)
        reach_s = (int64_t)((double)reach_s * (now - plan->asked_first) / plan->drive.seconds_max);
    first_s = DATA_START_S + plan->data.first_s;
    if (reach_s > range_s)
        first_s += (int64_t)chance(plan, (uint64_t)(reach_s - range_s));
    (plan->wide ? wide_make : small_make)(plan, request, first_s);
    return true;
}

static bool plan_next(void *state, struct request *own, const struct request **request)
{
    struct plan *plan = state;

    if (plan->stock) {
        *request = &plan->stock[plan->stock_next];
        return plan->stock_next++ < plan->stock_count;
    }
    *request = own;
    return plan->writing ? post_make(plan, own) : question_make(plan, own);
}

static void stock_make(struct plan *plan)
{
    size_t capacity =
        (size_t)(plan->data.span_s / plan->data.step_s) * plan->data.series / plan->lines + 2;

    plan->stock = calloc(capacity, sizeof(*plan->stock));
    if (!plan->stock)
        die("memory");
    while (post_make(plan, &plan->stock[plan->stock_count]))
        plan->stock_count++;
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || value < 0) {
        fprintf(stderr, "load: '%s' is no number\n%s", text, usage);
        exit(1);
    }
    return value;
}

static enum kind server_named(const char *name)
{
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
        if (strcmp(servers[i].name, name) == 0)
            return (enum kind)i;
    fprintf(stderr, "load: no server '%s'\n%s", name, usage);
    exit(1);
}

/* Options with a number, and what they are when not given. */
enum {
    PORT,
    SERIES,
    STEP,
    FIRST,
    SPAN,
    LATE,
    CHOSEN,
    SEED,
    LINES,
    CONNECTIONS,
    SECONDS,
    COUNT,
    PACE,
    PID,
    OTHER_PORT,
    NUMBERS
};

static const struct {
    const char *name;
    double value;
} numbers[NUMBERS] = {
    [PORT] = {"port",        0    },
    [SERIES] = {"series",      100  },
    [STEP] = {"step",        10   },
    [FIRST] = {"first",       0    },
    [SPAN] = {"span",        86400},
    [LATE] = {"late",        0    },
    [CHOSEN] = {"chosen",      100  },
    [SEED] = {"seed",        1    },
    [LINES] = {"lines",       2000 },
    [CONNECTIONS] = {"connections", 10   },
    [SECONDS] = {"seconds",     0    },
    [COUNT] = {"count",       1000 },
    [PACE] = {"pace",        0    },
    [PID] = {"pid",         0    },
    [OTHER_PORT] = {"other-port",  0    },
};

/* Names that take text or nothing stand behind the numbers. */
static void words_read(struct plan *plan, int count, char **words, double *values)
{
    struct option options[NUMBERS + 7] = {
        [NUMBERS] = {"server",      1, NULL, NUMBERS    },
          {"set",         1, NULL, NUMBERS + 1},
        {"live",        0, NULL, NUMBERS + 2},
          {"growing",     0, NULL, NUMBERS + 3},
        {"token",       1, NULL, NUMBERS + 4},
          {"other-token", 1, NULL, NUMBERS + 5},
    };
    int option;

    for (int i = 0; i < NUMBERS; i++) {
        options[i] = (struct option){numbers[i].name, 1, NULL, i};
        values[i] = numbers[i].value;
    }
    while ((option = getopt_long(count, words, "", options, NULL)) != -1)
        if (option >= 0 && option < NUMBERS)
            values[option] = number(optarg);
        else if (option == NUMBERS)
            plan->server = server_named(optarg);
        else if (option == NUMBERS + 1)
            plan->data.set = optarg;
        else if (option == NUMBERS + 2)
            plan->live = true;
        else if (option == NUMBERS + 3)
            plan->growing = true;
        else if (option == NUMBERS + 4)
            snprintf(plan->bearer, sizeof(plan->bearer), "Authorization: Bearer %s\r\n", optarg);
        else if (option == NUMBERS + 5)
            snprintf(plan->other_bearer, sizeof(plan->other_bearer), "Authorization: Bearer %s\r\n",
                     optarg);
        else
            exit(1); /* getopt has said why */
    plan->verb = optind + 1 == count ? words[optind] : "";
}

static void plan_read(struct plan *plan, int count, char **words)
{
    double values[NUMBERS];

    words_read(plan, count, words, values);
    plan->writing = strcmp(plan->verb, "write") == 0;
    plan->wide = strcmp(plan->verb, "wide") == 0;
    if ((!plan->writing && !plan->wide && strcmp(plan->verb, "small") != 0) || values[PORT] < 1 ||
        values[CONNECTIONS] < 1 || values[LINES] < 1 || values[SERIES] < 1 || values[STEP] < 1 ||
        (plan->growing && values[SECONDS] <= 0)) {
        fprintf(stderr, "%s", usage);
        exit(1);
    }
    plan->data.series = (uint64_t)values[SERIES];
    plan->data.step_s = (int64_t)values[STEP];
    plan->data.first_s = (int64_t)values[FIRST];
    plan->data.span_s = (int64_t)values[SPAN];
    plan->data.late_share = values[LATE] / 100;
    plan->data.chosen_share = values[CHOSEN] / 100;
    plan->data.seed = (uint64_t)values[SEED];
    plan->lines = (size_t)values[LINES];
    plan->count = (long)values[COUNT];
    plan->pid = (long)values[PID];
    plan->drive = (struct drive){
        .address = {.sin_family = AF_INET,
                    .sin_port = htons((uint16_t)values[PORT]),
                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .other = {.sin_family = AF_INET,
                    .sin_port = htons((uint16_t)values[OTHER_PORT]),
                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .connections = (int)values[CONNECTIONS],
        .seconds_max = values[SECONDS],
        .pace = values[PACE],
        .pace_requests = !plan->writing,
        .next = plan_next,
        .state = plan,
    };
}

static double load_cpu(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

static void result_print(const struct plan *plan, const struct drive_result *result, double cpu_s)
{
    printf(
        "server_cpu_begin %.3f\nbegun %.6f\nseconds %.6f\nrequests %llu\nlines %llu\nvalues %llu\n"
        "bytes %llu\nanswer_bytes %llu\nanswer_bytes_min %llu\nrefused %llu\nfailed %llu\n",
        plan->cpu_begin_s, result->begun, result->seconds, (unsigned long long)result->requests,
        (unsigned long long)result->lines,
        (unsigned long long)result->lines * (plan->source ? data_fields(plan->source) : 0),
        (unsigned long long)result->bytes, (unsigned long long)result->answer_bytes,
        (unsigned long long)result->answer_bytes_min, (unsigned long long)result->refused,
        (unsigned long long)result->failed);
    printf("p50_ms %.3f\np99_ms %.3f\nmax_ms %.3f\nmean_ms %.3f\nload_cpu_seconds %.3f\n",
           result->p50_ms, result->p99_ms, result->max_ms, result->mean_ms, cpu_s);
    if (result->failed > 0)
        fprintf(stderr, "load: first failure: %s\n", result->first_failure);
}

int main(int count, char **words)
{
    struct plan plan = {.data.set = "integers", .chance = 88172645463325252};
    struct drive_result result = {0};
    double cpu;

    plan_read(&plan, count, words);
    if (plan.writing) {
        plan.source = data_new(&plan.data);
        if (!plan.source) {
            fprintf(stderr, "load: no data set '%s'\n%s", plan.data.set, usage);
            return 1;
        }
        if (!plan.live)
            stock_make(&plan);
    }
    plan.cpu_begin_s = plan.pid > 0 ? cpu_of(plan.pid) : 0;
    printf("ready 1\n"); /* whoever waits for the begin reads this line */
    fflush(stdout);
    cpu = load_cpu();
    drive_run(&plan.drive, &result);
    result_print(&plan, &result, load_cpu() - cpu);
    for (size_t i = 0; i < plan.stock_count; i++)
        text_release(&plan.stock[i].bytes);
    free(plan.stock);
    data_free(plan.source);
    return result.gone ? 3 : 0;
}
