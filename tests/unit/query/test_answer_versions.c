#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

static void test_versions_are_told_with_when_they_were_known(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_expect(
        &fixture, RAW "&fields=user&match=host=g&versions=all",
        "{\"time\":10,\"known_from\":100,\"known_to\":null,\"host\":\"g\",\"user\":1.5}\n"
        "{\"time\":20,\"known_from\":100,\"known_to\":200,\"host\":\"g\",\"user\":2.0}\n"
        "{\"time\":20,\"known_from\":200,\"known_to\":null,\"host\":\"g\",\"user\":2.25}"
        "\n"
        "{\"time\":30,\"known_from\":100,\"known_to\":300,\"host\":\"g\",\"user\":3.0}\n" END("4"));
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_are_told_with_when_they_were_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
