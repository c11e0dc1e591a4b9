/* Parking: requests that other threads answer, many at once, with clients that leave. */
#include "tests/unit/http/served.h"

#include "http/exchange.h"

#define HOST "Host: a\r\n"

enum { CLIENTS = 16, ROUNDS = 60 };

static void test_lookups_find_the_first(void **state)
{
    static const struct parameter parameters[] = {
        {BYTES("a"), BYTES("1")},
        {BYTES("a"), BYTES("2")},
    };
    static const struct header headers[] = {
        {BYTES("X-One"), BYTES("1")}
    };
    struct exchange x = {.headers = headers, .header_count = 1};
    struct bytes value = {NULL, 0};

    (void)state;
    x.request.parameters = parameters;
    x.request.parameter_count = 2;
    assert_true(request_parameter(&x.request, "a", &value));
    assert_true(bytes_equal(value, BYTES("1")));
    assert_false(request_parameter(&x.request, "b", &value));
    assert_true(bytes_equal(request_header(&x.request, "x-oNE"), BYTES("1")));
    assert_null(request_header(&x.request, "x-on").data);
}

struct crowd {
    struct served *served;
    unsigned number, answered;
};

/* One client: requests on one connection, each with its own id, which the worker echoes. */
static void *client_run(void *context)
{
    struct crowd *crowd = context;
    int fd = dial(crowd->served);

    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[256], id[32];
        struct answer answer;

        snprintf(id, sizeof(id), "c%u-%u", crowd->number, i);
        if (i % 7 == 6) { /* leaves in the middle */
            snprintf(text, sizeof(text), "GET /park HTTP/1.1\r\n" HOST "X-Request-Id: %s\r\n\r\n",
                     id);
            say(fd, bytes_of(text));
            close(fd);
            fd = dial(crowd->served);
            crowd->answered++;
            continue;
        }
        if (i % 2 == 0)
            snprintf(text, sizeof(text), "GET /park HTTP/1.1\r\n" HOST "X-Request-Id: %s\r\n\r\n",
                     id);
        else
            snprintf(text, sizeof(text),
                     "POST /park HTTP/1.1\r\n" HOST
                     "X-Request-Id: %s\r\nContent-Length: 4\r\n\r\nbody",
                     id);
        say(fd, bytes_of(text));
        answer = hear(fd, false);
        if (answer.status == 200 &&
            bytes_equal((struct bytes){answer.body, answer.body_size}, bytes_of(id)))
            crowd->answered++;
        answer_release(&answer);
    }
    close(fd);
    return NULL;
}

static void test_every_parked_request_gets_its_own_answer(void **state)
{
    struct served *served = *state;
    struct crowd crowd[CLIENTS];
    pthread_t threads[CLIENTS];

    for (unsigned i = 0; i < CLIENTS; i++) {
        crowd[i] = (struct crowd){served, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, client_run, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowd[i].answered, ROUNDS);
    }
    EVENTUALLY(served->started == served->cleaned);
    assert_int_equal(
        metric_value(metrics_get(served->metrics, "weir_http_parked", "", METRIC_GAUGE, "")), 0);
}

static void test_the_holder_sees_that_the_client_left(void **state)
{
    struct served *served = *state;
    unsigned before = served->cancelled_seen;
    int fd = dial(served);

    served->hold = true;
    say(fd, BYTES("GET /park HTTP/1.1\r\n" HOST "\r\n"));
    EVENTUALLY(served->held == 1);
    close(fd);
    EVENTUALLY(served->cancelled_seen == before + 1);
    served->hold = false;
    EVENTUALLY(served->started == served->cleaned);
}

static void test_a_client_that_stays_is_not_cancelled(void **state)
{
    struct served *served = *state;
    unsigned before = served->cancelled_seen;
    int fd = dial(served);
    struct answer answer;

    served->hold = true;
    say(fd, BYTES("GET /park HTTP/1.1\r\n" HOST "\r\n"));
    EVENTUALLY(served->held == 1);
    usleep(150000); /* some rounds of the watch */
    served->hold = false;
    answer = hear(fd, false);
    assert_int_equal(answer.status, 200);
    assert_int_equal(served->cancelled_seen, before);
    answer_release(&answer);
    close(fd);
}

static int setup(void **state)
{
    static struct served served;

    served_init(&served);
    served.limits.idle_ms_max = 200; /* the watch looks four times in that */
    served_start(&served);
    *state = &served;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups_find_the_first),
        cmocka_unit_test(test_every_parked_request_gets_its_own_answer),
        cmocka_unit_test(test_the_holder_sees_that_the_client_left),
        cmocka_unit_test(test_a_client_that_stays_is_not_cancelled),
    };

    return cmocka_run_group_tests(tests, setup, served_close_clean);
}
