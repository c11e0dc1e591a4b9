/* The gate, alone and in front of a real server: raw requests over a socket, among them the ones
 * that let one request hide in another. */
#include "tests/unit/http/served.h"

#include "http/gate.h"

enum { HEADS_MAX = 80 };

/* Splits "Name: value\n..." into headers; the gate sees them as libmicrohttpd gives them. */
static size_t split(const char *text, struct header headers[HEADS_MAX])
{
    size_t count = 0;

    while (*text != '\0' && count < HEADS_MAX) {
        const char *end = strchr(text, '\n');
        const char *colon = strchr(text, ':');
        size_t skip = (size_t)(colon - text) + 1 + (colon[1] == ' ');

        headers[count++] = (struct header){
            {text,        (size_t)(colon - text)     },
            {text + skip, (size_t)(end - text) - skip},
        };
        text = end + 1;
    }
    return count;
}

static void test_a_sound_head_passes_with_its_framing(void **state)
{
    static const struct {
        const char *name, *method, *target, *version, *headers;
        struct framing want;
    } cases[] = {
        {"no body",                    "GET", "/",        "HTTP/1.1", "Host: a\n",                                              {false, false, 0}},
        {"HTTP/1.0 needs no Host",     "GET", "/",        "HTTP/1.0", "",                                                       {false, false, 0}},
        {"length",
         "POST",                              "/a?b=%20",
         "HTTP/1.1",                                                  "Host: a:80\nContent-Length: 12\n",
         {true, false, 12}                                                                                                                       },
        {"length zero is no body",
         "POST",                              "/",
         "HTTP/1.1",                                                  "Host: a\nContent-Length: 0\n",
         {false, false, 0}                                                                                                                       },
        {"chunked",
         "POST",                              "/",
         "HTTP/1.1",                                                  "Host: a\nTransfer-Encoding: Chunked\n",
         {true, false, UINT64_MAX}                                                                                                               },
        {"waits for 100",
         "POST",                              "/",
         "HTTP/1.1",                                                  "Host: [::1]\nContent-Length: 3\nExpect: 100-Continue\n",
         {true, true, 3}                                                                                                                         },
        {"nothing to wait for",
         "POST",                              "/",
         "HTTP/1.1",                                                  "Host: a\nExpect: 100-continue\n",
         {false, false, 0}                                                                                                                       },
        {"bytes above 127 in a value",
         "GET",                               "/",
         "HTTP/1.1",                                                  "Host: a\nX: \xc3\xbc\n",
         {false, false, 0}                                                                                                                       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct header headers[HEADS_MAX];
        struct head head = {bytes_of(cases[i].method), bytes_of(cases[i].target),
                            bytes_of(cases[i].version), headers, split(cases[i].headers, headers)};
        struct framing framing = {0};
        struct error err = {0};

        if (gate_check(&head, &framing, &err) != OK)
            fail_msg("%s: %s", cases[i].name, err.text);
        if (framing.has_body != cases[i].want.has_body ||
            framing.expects != cases[i].want.expects ||
            framing.content_length != cases[i].want.content_length)
            fail_msg("%s: wrong framing", cases[i].name);
    }
}

static void test_every_rule_refuses_with_its_reason(void **state)
{
    static const struct {
        const char *name, *method, *target, *version, *headers, *text;
    } cases[] = {
        {"version",                "GET",  "/",         "HTTP/1.2", "Host: a\n",                                     "HTTP/1.1"               },
        {"no version",             "GET",  "/",         "",         "Host: a\n",                                     "HTTP/1.1"               },
        {"method",                 "G(T",  "/",         "HTTP/1.1", "Host: a\n",                                     "method"                 },
        {"empty method",           "",     "/",         "HTTP/1.1", "Host: a\n",                                     "method"                 },
        {"target is no path",      "GET",  "http://a/", "HTTP/1.1", "Host: a\n",                                     "begins with /"          },
        {"target is empty",        "GET",  "",          "HTTP/1.1", "Host: a\n",                                     "begins with /"          },
        {"NUL, encoded",           "GET",  "/a%00b",    "HTTP/1.1", "Host: a\n",                                     "%00"                    },
        {"NUL in the query",       "GET",  "/a?x=%00",  "HTTP/1.1", "Host: a\n",                                     "%00"                    },
        {"broken escape",          "GET",  "/a%4",      "HTTP/1.1", "Host: a\n",                                     "hexadecimal"            },
        {"space in the target",    "GET",  "/a b",      "HTTP/1.1", "Host: a\n",                                     "0x20"                   },
        {"tab in the target",      "GET",  "/a\tb",     "HTTP/1.1", "Host: a\n",                                     "0x09"                   },
        {"DEL in the target",      "GET",  "/a\x7f",    "HTTP/1.1", "Host: a\n",                                     "0x7f"                   },
        {"fragment",               "GET",  "/a#b",      "HTTP/1.1", "Host: a\n",                                     "0x23"                   },
        {"no Host",                "GET",  "/",         "HTTP/1.1", "X: a\n",                                        "Host is missing"        },
        {"two Hosts",              "GET",  "/",         "HTTP/1.1", "Host: a\nhost: a\n",                            "host stands 2 times"    },
        {"Host with a path",       "GET",  "/",         "HTTP/1.1", "Host: a/b\n",                                   "Host holds"             },
        {"Host with a space",      "GET",  "/",         "HTTP/1.1", "Host: a b\n",                                   "Host holds"             },
        {"space before the colon", "GET",  "/",         "HTTP/1.1", "Host: a\nContent-Length : 3\n",
         "not the name"                                                                                                                       },
        {"empty name",             "GET",  "/",         "HTTP/1.1", "Host: a\n: b\n",                                "not the name"           },
        {"name of another kind",   "GET",  "/",         "HTTP/1.1", "Host: a\nX\xc3: b\n",                           "not the name"           },
        {"bare CR",                "GET",  "/",         "HTTP/1.1", "Host: a\nX: a\rY: b\n",                         "control byte 0x0d"      },
        {"bell",                   "GET",  "/",         "HTTP/1.1", "Host: a\nX: a\a\n",                             "control byte 0x07"      },
        {"two equal lengths",      "POST", "/",         "HTTP/1.1",
         "Host: a\nContent-Length: 1\nContent-Length: 1\n",                                                          "content-length stands 2"},
        {"length and chunked",     "POST", "/",         "HTTP/1.1",
         "Host: a\nContent-Length: 1\nTransfer-Encoding: chunked\n",                                                 "side by side"           },
        {"length +5",              "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: +5\n",                 "not a number"           },
        {"length -1",              "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: -1\n",                 "not a number"           },
        {"length 5,5",             "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: 5,5\n",                "not a number"           },
        {"length 0x5",             "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: 0x5\n",                "not a number"           },
        {"length with a space",    "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: 5 \n",
         "not a number"                                                                                                                       },
        {"empty length",           "POST", "/",         "HTTP/1.1", "Host: a\nContent-Length: \n",                   "not a number"           },
        {"length of 2^63",         "POST", "/",         "HTTP/1.1",
         "Host: a\nContent-Length: 9223372036854775808\n",                                                           "not a number"           },
        {"xchunked",               "POST", "/",         "HTTP/1.1", "Host: a\nTransfer-Encoding: xchunked\n",
         "only be chunked"                                                                                                                    },
        {"identity",               "POST", "/",         "HTTP/1.1", "Host: a\nTransfer-Encoding: identity\n",
         "only be chunked"                                                                                                                    },
        {"gzip, chunked",          "POST", "/",         "HTTP/1.1", "Host: a\nTransfer-Encoding: gzip, chunked\n",
         "only be chunked"                                                                                                                    },
        {"chunked and a space",    "POST", "/",         "HTTP/1.1", "Host: a\nTransfer-Encoding: chunked \n",
         "only be chunked"                                                                                                                    },
        {"chunked twice",          "POST", "/",         "HTTP/1.1",
         "Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n",                                        "stands 2"               },
        {"chunked over 1.0",       "POST", "/",         "HTTP/1.0", "Host: a\nTransfer-Encoding: chunked\n",
         "over HTTP/1.1"                                                                                                                      },
        {"another expectation",    "POST", "/",         "HTTP/1.1", "Host: a\nExpect: tea\n",                        "100-continue"           },
        {"two tokens",             "GET",  "/",         "HTTP/1.1", "Host: a\nAuthorization: a\nAuthorization: b\n",
         "authorization stands 2"                                                                                                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct header headers[HEADS_MAX];
        struct head head = {bytes_of(cases[i].method), bytes_of(cases[i].target),
                            bytes_of(cases[i].version), headers, split(cases[i].headers, headers)};
        struct framing framing = {.content_length = 77};
        struct error err = {0};

        if (gate_check(&head, &framing, &err) != E_BAD_REQUEST)
            fail_msg("%s: passed", cases[i].name);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: '%s' does not say '%s'", cases[i].name, err.text, cases[i].text);
        if (framing.content_length != 77)
            fail_msg("%s: the framing was touched", cases[i].name);
    }
}

static void test_sizes_are_refused_one_above_their_limit(void **state)
{
    static char target[GATE_TARGET_BYTES_MAX + 1], value[GATE_HEADER_BYTES_MAX];
    struct header headers[GATE_HEADERS_MAX + 1];
    struct head head = {
        BYTES("GET"),
        {target, GATE_TARGET_BYTES_MAX},
        BYTES("HTTP/1.1"),
        headers,
        GATE_HEADERS_MAX
    };
    struct framing framing;

    (void)state;
    memset(target, 'a', sizeof(target));
    memset(value, 'a', sizeof(value));
    target[0] = '/';
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        headers[i] = (struct header){BYTES("x"), BYTES("")};
    headers[0] = (struct header){BYTES("Host"), BYTES("a")};

    assert_int_equal(gate_check(&head, &framing, NULL), OK);
    head.target.size++;
    assert_int_equal(gate_check(&head, &framing, NULL), E_BAD_REQUEST);
    head.target.size = 1;
    head.header_count++;
    assert_int_equal(gate_check(&head, &framing, NULL), E_BAD_REQUEST);
    head.header_count = 2;
    headers[1].value = (struct bytes){value, GATE_HEADER_BYTES_MAX - 6};
    assert_int_equal(gate_check(&head, &framing, NULL), OK);
    headers[1].value.size++;
    assert_int_equal(gate_check(&head, &framing, NULL), E_BAD_REQUEST);
}

/* ---- Over the wire ---- */

#define GET "GET /ping HTTP/1.1\r\n"
#define POST "POST /count HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define HIDDEN "GET /echo?start=hidden HTTP/1.1\r\nHost: a\r\n\r\n"

struct wire_case {
    const char *name, *request;
    int status;
    bool closes; /* after this answer; else the next request is answered */
};

static const struct wire_case wire_cases[] = {
    {"plain",                                    GET HOST "\r\n",                                                               200, false},
    {"HEAD is not a GET with a body",            "HEAD /nothing HTTP/1.1\r\n" HOST "\r\n",                                      404, false},
    {"body by length",                           POST HOST "Content-Length: 3\r\n\r\nabc",                                      200, false},
    {"body by chunks",                           POST HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",           200,
     false                                                                                                                                },
    {"chunk extension",                          POST HOST "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
     200,                                                                                                                            false},
    {"trailers are dropped",                     POST HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",               200,
     false                                                                                                                                },
    {"HTTP/1.0 closes",                          "GET /ping HTTP/1.0\r\n\r\n",                                                  200, true },
    {"the client asks to close",                 GET HOST "Connection: close\r\n\r\n",                                          200, true },
    {"leading empty line",                       "\r\n" GET HOST "\r\n",                                                        200, false},

    {"length 0 and another, the body a request",
     POST HOST "Content-Length: 0\r\nContent-Length: 45\r\n\r\n" HIDDEN,                                                        400, true },
    {"two lengths, the larger first",
     POST HOST "Content-Length: 45\r\nContent-Length: 0\r\n\r\n" HIDDEN,                                                        400, true },
    {"two equal lengths",                        POST HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",                 400, true },
    {"length, then chunked",
     POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN,                                       400,
     true                                                                                                                                 },
    {"chunked, then length",
     POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN,                                       400,
     true                                                                                                                                 },
    {"chunked on a GET with length",
     GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" HIDDEN,                                        400, true },
    {"xchunked",                                 POST HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN,               400, true },
    {"identity",                                 POST HOST "Transfer-Encoding: identity\r\n\r\n" HIDDEN,                        400, true },
    {"gzip, chunked",                            POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",                 400, true },
    {"chunked, gzip",                            POST HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",                 400, true },
    {"chunked twice",
     POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",                                     400,
     true                                                                                                                                 },
    {"chunked and identity",
     POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",                                    400,
     true                                                                                                                                 },
    {"chunked in a tab",                         POST HOST "Transfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n",                    400, true },
    {"vertical tab before chunked",
     POST HOST "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n0\r\n\r\n",                                                                                      400, true },
    {"space before the colon of chunked",
     POST HOST "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN,                                      400,
     true                                                                                                                                 },
    {"space before the colon of the length",     POST HOST "Content-Length : 5\r\n\r\nabcde",                                   400,
     true                                                                                                                                 },
    {"tab before the colon",                     POST HOST "Content-Length\t: 5\r\n\r\nabcde",                                  400, true },
    {"chunked over HTTP/1.0",                    "POST /count HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400,                                                                                                                            true },
    {"bare CR in a value",                       GET HOST "X: a\rContent-Length: 45\r\n\r\n",                                   400, true },
    {"bare CR before chunked",                   POST HOST "X: a\rTransfer-Encoding: chunked\r\n\r\n",                          400, true },
    {"control byte in a value",                  GET HOST "X: a\x01\r\n\r\n",                                                   400, true },
    {"name with a bracket",                      GET HOST "X(: a\r\n\r\n",                                                      400, true },
    {"name with a byte above 127",               GET HOST "X\xe9: a\r\n\r\n",                                                   400, true },
    {"no Host",                                  GET "\r\n",                                                                    400, true },
    {"two Hosts",                                GET HOST "Host: b\r\n\r\n",                                                    400, true },
    {"Host with user and path",                  GET "Host: a@b/c\r\n\r\n",                                                     400, true },
    {"encoded NUL",                              "GET /ping%00.html HTTP/1.1\r\n" HOST "\r\n",                                  400, true },
    {"broken escape",                            "GET /ping%zz HTTP/1.1\r\n" HOST "\r\n",                                       400, true },
    {"absolute target",                          "GET http://a/ping HTTP/1.1\r\n" HOST "\r\n",                                  400, true },
    {"star",                                     "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",                                          400, true },
    {"authority",                                "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n",                                       400, true },
    {"odd method",                               "G@T /ping HTTP/1.1\r\n" HOST "\r\n",                                          400, true },
    {"method in small letters",                  "get /ping HTTP/1.1\r\n" HOST "\r\n",                                          405, false},
    {"unknown method",                           "BREW /ping HTTP/1.1\r\n" HOST "\r\n",                                         405, false},
    {"TRACE",                                    "TRACE /ping HTTP/1.1\r\n" HOST "\r\n",                                        405, false},
    {"path upwards",                             "GET /a/../../etc/passwd HTTP/1.1\r\n" HOST "\r\n",                            404, false},
    {"path upwards, encoded",                    "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" HOST "\r\n",                      404, false},
    {"encoded letters are another path",         "GET /%70ing HTTP/1.1\r\n" HOST "\r\n",                                        404, false},
    {"double slash is another path",             "GET //ping HTTP/1.1\r\n" HOST "\r\n",                                         404, false},
    {"another expectation",                      POST HOST "Expect: tea\r\nContent-Length: 3\r\n\r\nabc",                       400, true },
    {"two tokens",                               GET HOST "Authorization: Bearer right\r\nAuthorization: Bearer wrong\r\n\r\n",
     400,                                                                                                                            true },
    {"two content types",
     POST HOST "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1\r\n\r\na",                                          400, true },
    {"length above the limit",                   POST HOST "Content-Length: 999999999999\r\n\r\n",                              413, true },

 /* libmicrohttpd's own refusals, before we see the head or in mid-body. */
    {"length of 20 digits",                      POST HOST "Content-Length: 99999999999999999999\r\n\r\n",                      413, true },
    {"length +5",                                POST HOST "Content-Length: +5\r\n\r\nabcde",                                   400, true },
    {"length -1",                                POST HOST "Content-Length: -1\r\n\r\n",                                        400, true },
    {"length 5,5",                               POST HOST "Content-Length: 5,5\r\n\r\nabcde",                                  400, true },
    {"length 0x5",                               POST HOST "Content-Length: 0x5\r\n\r\nabcde",                                  400, true },
    {"chunk +5",                                 POST HOST "Transfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n",        400, true },
    {"chunk 0x5",                                POST HOST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",       400,
     true                                                                                                                                 },
    {"chunk too large",                          POST HOST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",           413,
     true                                                                                                                                 },
    {"chunk of another size",                    POST HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
     400,                                                                                                                            true },
    {"head without a colon",                     GET HOST "nonsense\r\n\r\n",                                                   400, true },
};

/* Our own refusals are one problem, then the end; libmicrohttpd's can say their head twice. */
static void check_the_end(const struct wire_case *c, int fd, struct answer *answer)
{
    const char *first = strstr(answer->text, "HTTP/1.1 ");

    while (hear_more(fd, answer))
        continue;
    if (!closed(fd))
        fail_msg("%s: the connection stays open", c->name);
    if (c->status != 400 && c->status != 413)
        return;
    if (strstr(answer->text, "problem+json") == NULL)
        return;
    if (strstr(first + 1, "HTTP/1.1 ") != NULL)
        fail_msg("%s: more than one answer: %s", c->name, answer->text);
    if (strstr(answer->text, "Connection: close\r\n") == NULL)
        fail_msg("%s: does not tell that it closes", c->name);
}

static void test_raw_requests_get_one_answer(void **state)
{
    struct served *served = *state;

    for (size_t i = 0; i < COUNT_OF(wire_cases); i++) {
        const struct wire_case *c = &wire_cases[i];
        int fd = dial(served);
        struct answer answer;

        say(fd, bytes_of(c->request));
        answer = hear(fd, strncmp(c->request, "HEAD", 4) == 0);
        if (answer.status != c->status)
            fail_msg("%s: got %d, not %d: %s", c->name, answer.status, c->status, answer.text);
        if (c->closes) {
            check_the_end(c, fd, &answer);
        } else {
            answer_release(&answer);
            say(fd, BYTES(GET HOST "\r\n"));
            answer = hear(fd, false);
            if (answer.status != 200 || memcmp(answer.body, "pong\n", 5) != 0)
                fail_msg("%s: the next request got %d", c->name, answer.status);
        }
        if (strstr(answer.text, "hidden") != NULL)
            fail_msg("%s: the hidden request was answered", c->name);
        answer_release(&answer);
        close(fd);
    }
}

static void test_many_headers_and_long_ones_are_refused(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *name;
        unsigned count, size;
        int status;
    } cases[] = {
        {"63 and Host",   63,   10,     200},
        {"64 and Host",   64,   10,     400},
        {"2000 headers",  2000, 10,     431},
        {"one of 30 KB",  1,    30000,  200},
        {"one of 40 KB",  1,    40000,  400},
        {"one of 400 KB", 1,    400000, 431},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(1 << 20);
        int fd = dial(served);
        struct answer answer;

        buf_put_text(&text, GET HOST);
        for (unsigned k = 0; k < cases[i].count; k++) {
            char *value;

            buf_printf(&text, "X-%u: ", k);
            value = buf_extend(&text, cases[i].size);
            memset(value, 'a', cases[i].size);
            buf_put_text(&text, "\r\n");
        }
        buf_put_text(&text, "\r\n");
        say(fd, buf_bytes(&text));
        answer = hear(fd, false);
        if (answer.status != cases[i].status)
            fail_msg("%s: got %d", cases[i].name, answer.status);
        answer_release(&answer);
        buf_release(&text);
        close(fd);
    }
}

/* Neither of these may be read in two ways once it is through: bare LF and folds are taken as
 * libmicrohttpd takes them, but never with a second request in them. */
static void test_what_only_the_parser_sees_hides_no_request(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *name, *request;
    } cases[] = {
        {"bare LF",        "GET /ping HTTP/1.1\nHost: a\n\n"                       },
        {"folded length",  POST HOST "X: a\r\n Content-Length: 45\r\n\r\n"         },
        {"folded chunked", POST HOST "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n"},
        {"empty name",     GET HOST ": a\r\n\r\n"                                  },
        {"two spaces",     "GET  /ping HTTP/1.1\r\n" HOST "\r\n"                   },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = dial(served);
        struct answer answer;

        say(fd, bytes_of(cases[i].request));
        answer = hear(fd, false);
        if (answer.status != 200 && answer.status != 400)
            fail_msg("%s: got %d", cases[i].name, answer.status);
        answer_release(&answer);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_head_passes_with_its_framing),
        cmocka_unit_test(test_every_rule_refuses_with_its_reason),
        cmocka_unit_test(test_sizes_are_refused_one_above_their_limit),
        cmocka_unit_test(test_raw_requests_get_one_answer),
        cmocka_unit_test(test_many_headers_and_long_ones_are_refused),
        cmocka_unit_test(test_what_only_the_parser_sees_hides_no_request),
    };

    return cmocka_run_group_tests(tests, served_open, served_close);
}
