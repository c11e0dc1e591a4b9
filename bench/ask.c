/* Asks a server questions from a file, a line each (method, a space, the path as it goes over the
 * wire), round and round until the time is over and each was asked often enough.  Connections are
 * kept open, each waits for its answer before it takes the next question.  Prints what came of it
 * as `name value` lines.
 *
 * Exit code: 0; 1 when an answer was no 2xx, with the first such answer on stderr. */
#include <arpa/inet.h>
#include <getopt.h>
#include <sys/resource.h>

#include "bench/drive.h"

static const char usage[] =
    "usage: ask --port N [OPTION N]... FILE\n"
    "  --connections N   closed loop                                 1\n"
    "  --seconds S       how long                                    1\n"
    "  --least N         questions, however long they take           5\n"
    "  --pace N          questions a second, open loop: S seconds of them\n";

struct asker {
    struct request *questions;
    size_t count, asked, least;
    double begun, seconds;
    bool timed; /* by the pace alone */
};

static bool asker_next(void *state, struct request *own, const struct request **request)
{
    struct asker *asker = state;

    (void)own;
    if (asker->begun <= 0)
        asker->begun = drive_now();
    if (!asker->timed && asker->asked >= asker->least &&
        drive_now() - asker->begun >= asker->seconds)
        return false;
    *request = &asker->questions[asker->asked++ % asker->count];
    return true;
}

static void question_add(struct asker *asker, const char *line, size_t size)
{
    static const char tail[] = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    struct request *question;

    asker->questions = realloc(asker->questions, (asker->count + 1) * sizeof(*asker->questions));
    if (!asker->questions)
        die("memory");
    question = &asker->questions[asker->count++];
    *question = (struct request){0};
    text_append(&question->bytes, line, size);
    text_append(&question->bytes, tail, sizeof(tail) - 1);
}

static void questions_read(struct asker *asker, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;

    if (!file)
        die(path);
    while ((size = getline(&line, &capacity, file)) > 0) {
        if (line[size - 1] == '\n')
            size--;
        if (size > 0)
            question_add(asker, line, (size_t)size);
    }
    free(line);
    fclose(file);
    if (asker->count == 0) {
        fprintf(stderr, "ask: %s: no questions\n", path);
        exit(1);
    }
}

static double own_cpu(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

enum { PORT, CONNECTIONS, SECONDS, LEAST, PACE, NUMBERS };

int main(int count, char **words)
{
    static const struct option options[] = {
        {"port",       1, NULL, PORT},
        {"connections",        1, NULL, CONNECTIONS},
        {"seconds",            1, NULL, SECONDS},
        {"least",    1, NULL, LEAST},
        {"pace", 1, NULL, PACE},
        {0   },
    };
    double values[NUMBERS] = {[CONNECTIONS] = 1, [SECONDS] = 1, [LEAST] = 5};
    struct drive_result result = {0};
    struct asker asker = {0};
    struct drive drive = {.next = asker_next, .state = &asker, .pace_requests = true};
    int option;

    while ((option = getopt_long(count, words, "", options, NULL)) != -1) {
        if (option >= NUMBERS)
            return 1; /* getopt has said why */
        values[option] = strtod(optarg, NULL);
    }
    if (optind + 1 != count || values[PORT] < 1 || values[CONNECTIONS] < 1) {
        fprintf(stderr, "%s", usage);
        return 1;
    }
    questions_read(&asker, words[optind]);
    asker.seconds = values[SECONDS];
    asker.least = (size_t)values[LEAST];
    asker.timed = values[PACE] > 0;
    drive.address = (struct sockaddr_in){.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)values[PORT]),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    drive.connections = (int)values[CONNECTIONS];
    drive.pace = values[PACE];
    drive.seconds_max = asker.timed ? values[SECONDS] : 0;
    drive_run(&drive, &result);
    printf("requests %llu\nrefused %llu\nfailed %llu\nseconds %.6f\nanswer_bytes %llu\n"
           "p50_ms %.4f\np99_ms %.4f\nmax_ms %.4f\nmean_ms %.4f\nown_cpu_seconds %.3f\n",
           (unsigned long long)result.requests, (unsigned long long)result.refused,
           (unsigned long long)result.failed, result.seconds,
           (unsigned long long)result.answer_bytes, result.p50_ms, result.p99_ms, result.max_ms,
           result.mean_ms, own_cpu());
    if (result.failed > 0)
        fprintf(stderr, "ask: first failure: %s\n", result.first_failure);
    return result.failed > 0;
}
