/* Stands in for functions of libc: getaddrinfo, which has names that lie, and connect, which counts
 * and does not leave the machine: what is public refuses, the rest is dialled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/net/fetching.h"

enum { URLS_MAX = 1000, URL_SIZE = 200, ADDRESSES_OF_A_NAME = 3 };

static _Atomic size_t dialled_public, dialled_others;
static _Atomic unsigned dialled_port;

/* --- the resolver --- */

static const struct {
    const char *name, *first[ADDRESSES_OF_A_NAME], *later[ADDRESSES_OF_A_NAME];
} names[] = {
    {"public.test",    {"93.184.216.34"},                     {NULL}       },
    {"localhost",      {"127.0.0.1", "::1"},                  {NULL}       },
    {"loopback.test",  {"127.0.0.1"},                         {NULL}       },
    {"six.test",       {"::1"},                               {NULL}       },
    {"both.test",      {"::1", "127.0.0.1"},                  {NULL}       },
    {"mapped.test",    {"::ffff:127.0.0.1"},                  {NULL}       },
    {"zero.test",      {"0.0.0.0"},                           {NULL}       },
    {"zero6.test",     {"::"},                                {NULL}       },
    {"metadata.test",  {"169.254.169.254"},                   {NULL}       },
    {"private.test",   {"10.0.0.1", "192.168.1.1"},           {NULL}       },
    {"nat64.test",     {"64:ff9b::7f00:1"},                   {NULL}       },
    {"sixtofour.test", {"2002:7f00:1::1"},                    {NULL}       },
    {"multicast.test", {"224.0.0.1"},                         {NULL}       },
    {"broadcast.test", {"255.255.255.255"},                   {NULL}       },
    {"mixed.test",     {"127.0.0.1", "93.184.216.34", "::1"}, {NULL}       },
    {"rebind.test",    {"93.184.216.34"},                     {"127.0.0.1"}},
};

static _Atomic size_t lookups;

/* One answer of several addresses, each as libc makes it of a number. */
static int answer(const char *const *addresses, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct addrinfo numeric = hints != NULL ? *hints : (struct addrinfo){0};
    struct addrinfo **end = found;
    int code = EAI_NONAME;

    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "getaddrinfo");
    numeric.ai_flags = AI_NUMERICHOST;
    numeric.ai_family = AF_UNSPEC;
    *found = NULL;
    for (size_t i = 0; i < ADDRESSES_OF_A_NAME && addresses[i] != NULL; i++) {
        code = real(addresses[i], service, &numeric, end);
        while (code == 0 && *end != NULL)
            end = &(*end)->ai_next;
    }
    return *found != NULL ? 0 : code;
}

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    const char *const itself[ADDRESSES_OF_A_NAME] = {name};
    size_t size = strlen(name);

    if (size > 0 && name[size - 1] == '.')
        size--;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strlen(names[i].name) == size && strncasecmp(names[i].name, name, size) == 0)
            return answer(lookups++ > 0 && names[i].later[0] ? names[i].later : names[i].first,
                          service, hints, found);
    return answer(itself, service, hints, found);
}

/* --- what is dialled --- */

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address,
                                                   socklen_t size)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    static const struct address_rules none;

    dialled_port = ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    if (address_check(&none, address, NULL) == OK) {
        dialled_public++;
        errno = ECONNREFUSED;
        return -1;
    }
    dialled_others++;
    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "connect");
    return real(fd, address, size);
}

/* --- hostile addresses --- */

struct hostile {
    char urls[URLS_MAX][URL_SIZE];
    size_t count;
    int listeners[2];
    unsigned port;
};

/* On every address of the machine: what is dialled waits there to be accepted. */
static void listen_everywhere(struct hostile *hostile)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    socklen_t size = sizeof(ipv4);
    static const int on = 1;

    hostile->listeners[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(hostile->listeners[0], (struct sockaddr *)&ipv4, size), 0);
    assert_int_equal(listen(hostile->listeners[0], 1000), 0);
    assert_int_equal(getsockname(hostile->listeners[0], (struct sockaddr *)&ipv4, &size), 0);
    hostile->port = ntohs(ipv4.sin_port);
    address.sin6_port = ipv4.sin_port;
    hostile->listeners[1] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (hostile->listeners[1] < 0)
        return; /* a machine without IPv6 */
    (void)setsockopt(hostile->listeners[1], IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(hostile->listeners[1], (struct sockaddr *)&address, sizeof(address)) == 0)
        (void)listen(hostile->listeners[1], 1000);
}

PRINTF_LIKE(2, 3)
static void add(struct hostile *hostile, const char *format, ...)
{
    va_list arguments;

    assert_true(hostile->count < URLS_MAX);
    va_start(arguments, format);
    (void)vsnprintf(hostile->urls[hostile->count++], URL_SIZE, format, arguments);
    va_end(arguments);
}

/* The machine's own, where they are not public. */
static void add_own(struct hostile *hostile)
{
    struct ifaddrs *list, *at;

    assert_int_equal(getifaddrs(&list), 0);
    for (at = list; at != NULL; at = at->ifa_next) {
        static const struct address_rules none;
        struct sockaddr_in6 with_port = {0};
        char text[INET6_ADDRSTRLEN];

        if (at->ifa_addr == NULL ||
            (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
            continue;
        memcpy(&with_port, at->ifa_addr,
               at->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(with_port));
        with_port.sin6_port = htons(8080); /* at the same place in both */
        if (address_check(&none, (const struct sockaddr *)&with_port, NULL) == OK)
            continue;
        if (at->ifa_addr->sa_family == AF_INET)
            (void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)at->ifa_addr)->sin_addr, text,
                            sizeof(text));
        else
            (void)inet_ntop(AF_INET6, &with_port.sin6_addr, text, sizeof(text));
        add(hostile, at->ifa_addr->sa_family == AF_INET ? "http://%s:%u/" : "http://[%s]:%u/", text,
            hostile->port);
    }
    freeifaddrs(list);
}

static void make_urls(struct hostile *hostile)
{
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0",
        "0.0",
        "00",
        "0x0",
        "2130706433",
        "0x7f000001",
        "0x7F.0x0.0x0.0x1",
        "0x7f.1",
        "0177.0.0.1",
        "0177.0.0.01",
        "017700000001",
        "00000177.0.0.1",
        "0x7f.0.0.01",
        "127.0.0.1.",
        "127.1.",
        "2130706433.",
        "localhost",
        "LOCALHOST",
        "LocalHost",
        "localhost.",
        "loopback.test",
        "loopback.test.",
        "six.test",
        "both.test",
        "mapped.test",
        "zero.test",
        "zero6.test",
        "metadata.test",
        "private.test",
        "nat64.test",
        "sixtofour.test",
        "multicast.test",
        "broadcast.test",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[0000::0001]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::FFFF:7F00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::1]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[fe80::5efe:127.0.0.1]",
        "[2600::5efe:127.0.0.1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[ff01::1]",
        "[100::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "169.254.43518",
        "10.0.0.1",
        "10.255.255.255",
        "012.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.1",
        "3232235521",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "%6cocalhost",
        "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1", /* digits in circles */
        "127\xe3\x80\x82"
        "0\xe3\x80\x82"
        "0\xe3\x80\x82"
        "1", /* ideographic full stops */
        "127\xef\xbc\x8e"
        "0\xef\xbc\x8e"
        "0\xef\xbc\x8e"
        "1",
        ("\xef\xbd\x8c"
         "ocalhost"),
        "localhost\xe3\x80\x82",
    };
    static const char *const others[] = {
        "file:///etc/passwd",
        "file://127.0.0.1:%u/etc/passwd",
        "gopher://127.0.0.1:%u/_GET",
        "gophers://127.0.0.1:%u/",
        "ftp://127.0.0.1:%u/a",
        "ftps://127.0.0.1:%u/a",
        "dict://127.0.0.1:%u/d:a",
        "ldap://127.0.0.1:%u/",
        "ldaps://127.0.0.1:%u/",
        "smb://127.0.0.1:%u/a/b",
        "smtp://127.0.0.1:%u/",
        "smtps://127.0.0.1:%u/",
        "imap://127.0.0.1:%u/",
        "pop3://127.0.0.1:%u/",
        "telnet://127.0.0.1:%u/",
        "tftp://127.0.0.1:%u/a",
        "rtsp://127.0.0.1:%u/a",
        "mqtt://127.0.0.1:%u/a",
        "scp://127.0.0.1:%u/a",
        "sftp://127.0.0.1:%u/a",
        "rtmp://127.0.0.1:%u/a",
        "ws://127.0.0.1:%u/",
        "unix:///run/x",
        "127.0.0.1:%u/",
        "//127.0.0.1:%u/",
        "http:127.0.0.1:%u/",
        "http:/127.0.0.1:%u/",
        "http:///127.0.0.1:%u/",
        "http://public.test@127.0.0.1:%u/",
        "http://127.0.0.1:%u@public.test/",
        "http://a:b@127.0.0.1:%u/",
        "http://public.test:80@127.0.0.1:%u/",
        "http://public.test#@127.0.0.1:%u/",
        "http://public.test?@127.0.0.1:%u/",
        "http://public.test\\@127.0.0.1:%u/",
        "http://127.0.0.1:%u\\@public.test/",
        "http://127.0.0.1 :%u/",
        "http://127.0.0.1\t:%u/",
        "http://127.0.0.1:%u/\r\nHost: a",
        "http://public.test\r\n@127.0.0.1:%u/",
        "http://127.0.0.1:0%u/",
        "http://[127.0.0.1]:%u/",
        "http://[::1:%u/",
        "http://::1:%u/",
        "http://127.0.0.1%%00.public.test:%u/",
        "http://localhost%%00:%u/",
        "http://localhost%%2f:%u/",
        "http://127.0.0.1:%u:80/",
        "HTTP://127.0.0.1:%u/",
        "http://public.test:25/",
        "http://public.test:22/",
        "http://public.test:6667/",
        "http://public.test:0/",
        "https://public.test:993/",
    };

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        add(hostile, "http://%s:%u/", hosts[i], hostile->port);
        add(hostile, "https://%s:%u/a?b=c", hosts[i], hostile->port);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    for (size_t i = 0; i < COUNT_OF(others); i++)
        add(hostile, others[i], hostile->port);
#pragma GCC diagnostic pop
    add_own(hostile);
}

static void expect_nobody_came(const struct hostile *hostile)
{
    for (size_t i = 0; i < COUNT_OF(hostile->listeners); i++)
        assert_int_equal(accept(hostile->listeners[i], NULL, NULL), -1);
    assert_int_equal(dialled_others, 0);
}

static struct fetcher *fetcher_of_none(void)
{
    static const struct address_rules none;
    const struct fetcher_options options = {
        .allowed = &none, .directory = "/tmp", .connections_max = 4};
    struct fetcher *fetcher;

    assert_int_equal(fetcher_open(&options, &fetcher, NULL), OK);
    return fetcher;
}

static void fetch(struct fetcher *fetcher, const char *url, struct fetched *fetched)
{
    const struct fetch_request request = {.method = "GET",
                                          .url = url,
                                          .body_bytes_max = 1000,
                                          .connect_ns = MS(5000),
                                          .total_ns = MS(5000)};
    struct fetch *begun;

    *fetched = (struct fetched){0};
    fetched->code = fetcher_begin(fetcher, &request, fetched_done, fetched, &begun, &fetched->err);
    if (!fetched->code)
        fetching_until(fetcher, &fetched->done);
}

/* What may be wrong with an address is many things; a connection is none of them. */
static void test_no_hostile_address_is_dialled(void **state)
{
    static struct hostile hostile;
    struct fetcher *fetcher = fetcher_of_none();
    size_t refused = 0;

    (void)state;
    listen_everywhere(&hostile);
    make_urls(&hostile);
    assert_true(hostile.count >= 150);
    for (size_t i = 0; i < hostile.count; i++) {
        struct fetched fetched;

        fetch(fetcher, hostile.urls[i], &fetched);
        if ((fetched.code != E_ADDRESS && fetched.code != E_CONFIG &&
             fetched.code != E_NOT_READY) ||
            fetched.sent || dialled_others > 0)
            fail_msg("%s: %d, %s", hostile.urls[i], fetched.code, fetched.err.text);
        refused += fetched.code == E_ADDRESS;
    }
    assert_true(refused >= 150);
    expect_nobody_came(&hostile);
    fetcher_close(fetcher);
    for (size_t i = 0; i < COUNT_OF(hostile.listeners); i++)
        close(hostile.listeners[i]);
    printf("figure: %zu hostile addresses, %zu refused where they would be dialled\n",
           hostile.count, refused);
}

static void test_a_public_address_is_dialled_itself_without_a_proxy(void **state)
{
    struct fetcher *fetcher = fetcher_of_none();
    struct fetched fetched;

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:3128/", 1), 0);
    assert_int_equal(setenv("https_proxy", "http://8.8.8.8:3128/", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "socks5://127.0.0.1:1080/", 1), 0);
    dialled_public = 0;
    fetch(fetcher, "http://public.test:8443/", &fetched);
    assert_int_equal(fetched.code, E_NOT_READY);
    assert_int_equal(dialled_public, 1);
    assert_int_equal(dialled_port, 8443);
    fetch(fetcher, "https://public.test/", &fetched);
    assert_int_equal(dialled_public, 2);
    assert_int_equal(dialled_port, 443);
    fetch(fetcher, "http://nowhere.test/", &fetched);
    assert_int_equal(fetched.code, E_NOT_READY);
    assert_false(fetched.sent);
    assert_int_equal(dialled_public, 2);
    assert_int_equal(dialled_others, 0);
    fetcher_close(fetcher);
}

/* Where one address of several is public that one is dialled, and no other. */
static void test_a_resolver_that_changes_its_mind_changes_nothing(void **state)
{
    struct fetched fetched;
    struct fetcher *fetcher = fetcher_of_none();

    (void)state;
    dialled_public = 0;
    fetch(fetcher, "http://mixed.test/", &fetched);
    assert_int_equal(fetched.code, E_NOT_READY);
    assert_int_equal(dialled_public, 1);
    lookups = 0;
    fetch(fetcher, "http://rebind.test/", &fetched);
    assert_int_equal(fetched.code, E_NOT_READY);
    assert_int_equal(dialled_public, 2);
    fetcher_close(fetcher);
    fetcher = fetcher_of_none(); /* with nothing kept of names */
    for (int i = 0; i < 20; i++) {
        fetch(fetcher, "http://rebind.test/", &fetched);
        assert_int_equal(fetched.code, E_ADDRESS);
        assert_non_null(strstr(fetched.err.text, "127.0.0.1 is loopback"));
    }
    assert_true(lookups >= 2);
    assert_int_equal(dialled_public, 2);
    assert_int_equal(dialled_others, 0);
    fetcher_close(fetcher);
}

/* --- from outside --- */

/* What the kernel is asked to connect to by this program, run with the one test of that name. */
static size_t strace_count(const char *name)
{
    char log[] = "/tmp/weir-strace-XXXXXX", self[PATH_MAX] = {0}, line[1000];
    char *const arguments[] = {
        (char *)"strace",        (char *)"-f", (char *)"-qq", (char *)"-o", log, (char *)"-e",
        (char *)"trace=connect", self,         (char *)name,  NULL};
    int file = mkstemp(log), status = -1;
    size_t count = 0;
    FILE *seen;
    pid_t pid;

    assert_true(file >= 0 && readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    close(file);
    /* A leak cannot be looked for where somebody looks on already. */
    assert_int_equal(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
    assert_int_equal(posix_spawnp(&pid, "strace", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    seen = fopen(log, "r");
    assert_non_null(seen);
    while (fgets(line, sizeof(line), seen))
        count += strstr(line, "AF_INET") != NULL;
    fclose(seen);
    (void)unlink(log);
    return count;
}

static void allowed_is_dialled(void **state)
{
    static const struct peer_answer answer = {BYTES("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                                              PEER_KEEPS, false};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    fetch(fetcher, peer.url, &fetched);
    assert_int_equal(fetched.code, OK);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static void test_strace_sees_no_connection(void **state)
{
    (void)state;
    assert_int_equal(strace_count("hostile"), 0);
    assert_int_equal(strace_count("allowed"), 1); /* it would have been seen */
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_hostile_address_is_dialled),
        cmocka_unit_test(test_a_public_address_is_dialled_itself_without_a_proxy),
        cmocka_unit_test(test_a_resolver_that_changes_its_mind_changes_nothing),
        cmocka_unit_test(test_strace_sees_no_connection),
    };
    const struct CMUnitTest hostile[] = {cmocka_unit_test(test_no_hostile_address_is_dialled)};
    const struct CMUnitTest allowed[] = {cmocka_unit_test(allowed_is_dialled)};

    /* What they say is the other program's: TAP is counted here. */
    if (count == 2 && freopen("/dev/null", "w", stdout) == NULL)
        return 1;
    if (count == 2 && strcmp(arguments[1], "hostile") == 0)
        return cmocka_run_group_tests(hostile, NULL, NULL);
    if (count == 2)
        return cmocka_run_group_tests(allowed, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
