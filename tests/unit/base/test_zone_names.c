#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/zone_names.h"

static void test_misspelt_zones_are_recognised(void **state)
{
    static const struct {
        const char *name, *near; /* NULL: none is */
    } cases[] = {
        {"Europe/Lundon",                                                         "Europe/London"                 },
        {"europe/london",                                                         "Europe/London"                 },
        {"Europe/Pariss",                                                         "Europe/Paris"                  },
        {"America/NewYork",                                                       "America/New_York"              },
        {"Berlin",                                                                "Europe/Berlin"                 },
        {"sydny",                                                                 "Australia/Sydney"              },
        {"St Johns",                                                              "America/St_Johns"              },
        {"",                                                                      NULL                            },
        {"x",                                                                     NULL                            },
        {"Middle-earth/Rivendell",                                                NULL                            },
        {"America/Argentina/Buenos Aires",                                        "America/Argentina/Buenos_Aires"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char near[ZONE_NAME_SIZE];
        bool any = zone_nearest(bytes_of(cases[i].name), near);

        if (any != (cases[i].near != NULL) || (any && strcmp(near, cases[i].near) != 0))
            fail_msg("\"%s\": got \"%s\"", cases[i].name, near);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misspelt_zones_are_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
