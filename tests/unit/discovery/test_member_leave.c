#include <stdio.h>

#include "discovery/member_leave.h"
#include "tests/unit/discovery/document_ground.h"

#define AT "1970-01-01T00:00:01Z"
#define RECORD(state) "{\"state\":\"" state "\",\"incarnation\":\"0a\",\"address\":\"h:1\"}"
#define LEFT(state)                                                                                \
    "{\"state\":\"" state "\",\"incarnation\":\"0a\",\"address\":\"h:1\",\"at\":\"" AT             \
    "\",\"by\":\"me\"}"

static void test_who_leaves_is_noted_with_when_and_by_whom(void **state)
{
    static const struct {
        const char *record; /* NULL: there is none */
        bool alive, forget;
        const char *want; /* "": as it was; else a record or, with a code, words of the refusal */
        enum code code;
    } cases[] = {
        {RECORD("active"),   true,  false, LEFT("draining"),                    OK         },
        {RECORD("active"),   false, false, LEFT("draining"),                    OK         },
        {RECORD("joining"),  true,  false, LEFT("draining"),                    OK         },
        {RECORD("draining"), true,  false, "",                                  OK         },
        {RECORD("drained"),  false, false, "",                                  OK         },
        {RECORD("lost"),     false, false, "member 2 is lost",                  E_CONFIG   },
        {NULL,               false, false, "has no member 2",                   E_NOT_FOUND},
        {"{",                false, false, "the record of member 2 is not",     E_CONFIG   },
        {RECORD("active"),   false, true,  LEFT("lost"),                        OK         },
        {RECORD("joining"),  false, true,  LEFT("lost"),                        OK         },
        {RECORD("draining"), false, true,  LEFT("lost"),                        OK         },
        {RECORD("lost"),     false, true,  "",                                  OK         },
        {RECORD("lost"),     true,  true,  "",                                  OK         },
        {RECORD("active"),   true,  true,  "member 2 is alive (x:1): drain it", E_CONFIG   },
        {RECORD("draining"), true,  true,  "member 2 is alive (x:1)",           E_CONFIG   },
        {RECORD("drained"),  false, true,  "there is nothing to forget",        E_CONFIG   },
        {NULL,               false, true,  "has no member 2",                   E_NOT_FOUND},
        {"{",                false, true,  "the record of member 2 is not",     E_CONFIG   },
    };
    const struct member_leave leave = {
        .name = BYTES("2"), .by = BYTES("me"), .now_ns = INT64_C(1000000000)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct registry_record member = {.kind = REGISTRY_MEMBERS,
                                               .name = BYTES("2"),
                                               .text =
                                                   bytes_of(cases[i].record ? cases[i].record : ""),
                                               .version = 1};
        const struct registry_record records[] = {
            member,
            {.kind = REGISTRY_ALIVE,
              .name = BYTES("2"),
              .text = BYTES("{\"listen\":\"x:1\"}"),
              .version = 2},
        };
        const struct registry_snapshot snapshot = {.records = records,
                                                   .count = cases[i].alive ? 2 : 1};
        const struct registry_record *record = cases[i].record ? &member : NULL;
        struct buf text = BUF_INIT(1000);
        struct error err = {0};
        enum code code = cases[i].forget
                             ? member_forget(&leave, &snapshot, record, &arena, &text, &err)
                             : member_drain(&leave, record, &arena, &text, &err);
        const char *want = cases[i].want[0] == '\0' ? cases[i].record : cases[i].want;

        if (code != cases[i].code || (code == OK ? !bytes_equal(buf_bytes(&text), bytes_of(want))
                                                 : strstr(err.text, want) == NULL))
            fail_msg("%zu: %d, %.*s, %s", i, code, (int)text.size, text.size ? text.data : "",
                     err.text);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_leaves_is_noted_with_when_and_by_whom),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
