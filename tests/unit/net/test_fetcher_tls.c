#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/net/fetching.h"

/* A server of openssl's with a certificate for 127.0.0.1 that no authority knows. */
struct tls {
    char directory[40], certificate[80], key[80], url[80], other_url[80];
    pid_t pid;
};

static pid_t run(char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    assert_int_equal(posix_spawnp(&pid, "openssl", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void make_certificate(const struct tls *tls)
{
    char *const arguments[] = {(char *)"openssl",
                               (char *)"req",
                               (char *)"-x509",
                               (char *)"-newkey",
                               (char *)"ec",
                               (char *)"-pkeyopt",
                               (char *)"ec_paramgen_curve:prime256v1",
                               (char *)"-nodes",
                               (char *)"-subj",
                               (char *)"/CN=weir-test",
                               (char *)"-addext",
                               (char *)"subjectAltName=IP:127.0.0.1",
                               (char *)"-keyout",
                               (char *)tls->key,
                               (char *)"-out",
                               (char *)tls->certificate,
                               NULL};
    pid_t pid = run(arguments);
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void wait_until_it_listens(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int refused = 1;

    for (int i = 0; i < 2000 && refused; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        refused = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (refused)
            peer_wait(5);
    }
    assert_int_equal(refused, 0);
}

static void tls_begin(struct tls *tls)
{
    unsigned port = free_port();
    char accept_at[40];
    char *const arguments[] = {(char *)"openssl",
                               (char *)"s_server",
                               (char *)"-www",
                               (char *)"-quiet",
                               (char *)"-accept",
                               accept_at,
                               (char *)"-cert",
                               tls->certificate,
                               (char *)"-key",
                               tls->key,
                               NULL};

    (void)snprintf(tls->directory, sizeof(tls->directory), "/tmp/weir-tls-XXXXXX");
    assert_non_null(mkdtemp(tls->directory));
    (void)snprintf(tls->certificate, sizeof(tls->certificate), "%s/cert.pem", tls->directory);
    (void)snprintf(tls->key, sizeof(tls->key), "%s/key.pem", tls->directory);
    (void)snprintf(accept_at, sizeof(accept_at), "127.0.0.1:%u", port);
    (void)snprintf(tls->url, sizeof(tls->url), "https://127.0.0.1:%u/?key=Canary", port);
    (void)snprintf(tls->other_url, sizeof(tls->other_url), "https://localhost:%u/", port);
    make_certificate(tls);
    tls->pid = run(arguments);
    wait_until_it_listens(port);
}

static void tls_end(const struct tls *tls)
{
    kill(tls->pid, SIGTERM);
    (void)waitpid(tls->pid, NULL, 0);
    (void)unlink(tls->certificate);
    (void)unlink(tls->key);
    (void)rmdir(tls->directory);
}

static void fetch(const char *authority_file, const char *url, struct fetched *fetched)
{
    struct address_rules rules = {0};
    const struct fetcher_options options = {.allowed = &rules,
                                            .directory = "/tmp",
                                            .authority_file = authority_file,
                                            .connections_max = 4};
    struct fetcher *fetcher;

    assert_int_equal(address_rules_add(&rules, BYTES("127.0.0.1"), NULL), OK);
    assert_int_equal(fetcher_open(&options, &fetcher, NULL), OK);
    fetching_one(fetcher, (struct fetch_request){.url = url, .total_ns = MS(30000)}, fetched);
    fetcher_close(fetcher);
}

static void test_a_certificate_holds_or_nothing_is_sent(void **state)
{
    struct fetched fetched;
    struct tls tls;

    (void)state;
    tls_begin(&tls);
    fetch(NULL, tls.url, &fetched);
    if (fetched.code != E_TLS || fetched.sent || strstr(fetched.err.text, "Canary") ||
        !strstr(fetched.err.text, "certificate"))
        fail_msg("an authority that nobody knows: %d, %s", fetched.code, fetched.err.text);
    fetch(tls.certificate, tls.other_url, &fetched);
    if (fetched.code != E_TLS || fetched.sent)
        fail_msg("another name: %d, %s", fetched.code, fetched.err.text);
    fetch(tls.certificate, tls.url, &fetched);
    if (fetched.code != OK || fetched.status != 200 || fetched.size == 0)
        fail_msg("the right one: %d, %s", fetched.code, fetched.err.text);
    buf_release(&fetched.body);
    tls_end(&tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_certificate_holds_or_nothing_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
