#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/notify.h"

static void test_the_service_manager_hears_the_state(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char got[32] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/weir-notify-%ld", (long)getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    notify_service("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), strlen("READY=1"));
    assert_string_equal(got, "READY=1");
    unlink(address.sun_path);
    notify_service("STOPPING=1"); /* nobody listens any more: no harm */
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
    close(fd);
}

static void test_without_a_manager_nothing_happens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_service("READY=1");
    setenv("NOTIFY_SOCKET", "not a path", 1);
    notify_service("READY=1");
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_service_manager_hears_the_state),
        cmocka_unit_test(test_without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
