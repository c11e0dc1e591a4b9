#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/member_claim.h"

#define OWN "00112233445566778899aabbccddeeff"

/* How numbers are claimed, and by how many at once, is in test_membership.c: it is of a registry.
 */
static void test_a_record_is_ours_anothers_or_nobodys(void **state)
{
    static const struct {
        const char *text; /* NULL: there is none */
        enum code want;
        bool readable, nameless, others;
    } cases[] = {
        {NULL,                                                     OK,       false, false, false},
        {"{\"incarnation\":\"" OWN "\"}",                          OK,       true,  false, false},
        {"{\"incarnation\":\"ffeeddccbbaa99887766554433221100\"}", OK,       true,  false, true },
        {"{\"state\":\"lost\"}",                                   OK,       true,  true,  false},
        {"{\"incarnation\":7}",                                    E_CONFIG, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct registry_record record = {
            .kind = REGISTRY_MEMBERS, .name = BYTES("7"), .version = 1};
        struct registry_snapshot records = {.records = &record, .count = cases[i].text != NULL};
        struct member_standing standing;
        struct error err = {0};
        struct arena arena;

        if (cases[i].text)
            record.text = bytes_of(cases[i].text);
        arena_init(&arena, SIZE_MAX, NULL);
        if (member_standing_read(&records, 7, BYTES(OWN), &arena, &standing, &err) !=
                cases[i].want ||
            (standing.record != NULL) != (cases[i].text != NULL) ||
            standing.readable != cases[i].readable || standing.nameless != cases[i].nameless ||
            standing.others != cases[i].others || standing.claimed)
            fail_msg("%zu: %s", i, err.text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_ours_anothers_or_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
