#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/yaml_doc.h"
#include "discovery/directory.h"
#include "discovery/token.h"

#define SECRET "0123456789012345678901234567890123456789abc"

static void test_a_token_has_one_form(void **state)
{
    static const struct {
        const char *text, *id; /* NULL = it is no token */
    } cases[] = {
        {"weir_k3J9_" SECRET,                                     "k3J9"                            },
        {"weir_a_" SECRET,                                        "a"                               },
        {"weir_abcdefghijklmnopqrstuvwxyz012345_" SECRET,         "abcdefghijklmnopqrstuvwxyz012345"},
        {"weir_abcdefghijklmnopqrstuvwxyz0123456_" SECRET,        NULL                              },
        {"weir__" SECRET,                                         NULL                              },
        {"weir_k3J9_" SECRET "d",                                 NULL                              },
        {"weir_k3J9_"
         "123",                                          NULL                              },
        {"weir_k-J9_" SECRET,                                     NULL                              },
        {"weir_k3J9-" SECRET,                                     NULL                              },
        {"Weir_k3J9_" SECRET,                                     NULL                              },
        {"weir_k3J9_0123456789012345678901234567890123456789a=c", NULL                              },
        {"",                                                      NULL                              },
        {"weir_",                                                 NULL                              },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes id = BYTES("");
        bool got = token_id_of(bytes_of(cases[i].text), &id);

        if (got != (cases[i].id != NULL) || (got && !bytes_equal(id, bytes_of(cases[i].id))))
            fail_msg("%s: got %d, %.*s", cases[i].text, got, BYTES_ARG(id));
    }
}

static void test_scopes_are_read_and_printed(void **state)
{
    static const struct {
        const char *text;
        unsigned scopes; /* 0 = refused */
        const char *printed;
    } cases[] = {
        {"read",             1, "read"              },
        {"write,read",       3, "read, write"       },
        {"read,write,admin", 7, "read, write, admin"},
        {"operator,read",    9, "read, operator"    },
        {"operator",         8, "operator"          },
        {"read,read",        1, "read"              },
        {"",                 0, NULL                },
        {"read,",            0, NULL                },
        {"read, write",      0, NULL                },
        {"root",             0, NULL                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf printed = BUF_INIT(100);
        struct error err = {0};
        unsigned scopes = 0;
        enum code code = token_scopes_parse(bytes_of(cases[i].text), &scopes, &err);

        if (code != (cases[i].scopes ? OK : E_BAD_PARAMETER) || scopes != cases[i].scopes)
            fail_msg("\"%s\": got %d, %u", cases[i].text, code, scopes);
        token_scopes_print(scopes, &printed);
        if (cases[i].scopes)
            assert_true(bytes_equal(buf_bytes(&printed), bytes_of(cases[i].printed)));
        buf_release(&printed);
    }
}

static void test_the_hash_is_sha256_of_the_whole_text(void **state)
{
    /* FIPS 180-2, "abc". */
    const struct bytes hex =
        BYTES("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct token_hash want, got = token_hash(BYTES("abc"));

    (void)state;
    assert_true(token_hash_parse(hex, &want));
    assert_true(token_hash_equal(&want, &got));
    got.bytes[31] ^= 1;
    assert_false(token_hash_equal(&want, &got));
    assert_false(token_hash_parse(bytes_slice(hex, 0, 63), &want));
    assert_false(token_hash_parse(
        BYTES("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), &want));
}

static void test_a_new_token_is_random_and_its_line_is_yaml_that_keeps_no_secret(void **state)
{
    struct bytes before = BYTES("");
    char kept[128];

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct buf text = BUF_INIT(1000), line = BUF_INIT(1000);
        const struct yaml_node *root = NULL;
        struct arena arena;
        struct error err = {0};
        struct bytes id, secret;

        if (token_generate(BYTES("meter \"7\"\n"), 3, INT64_C(1798761600000000000), &text, &line,
                           &err))
            fail_msg("%s", err.text);
        assert_true(token_id_of(buf_bytes(&text), &id));
        assert_false(bytes_equal(buf_bytes(&text), before));
        memcpy(kept, text.data, text.size);
        before = (struct bytes){kept, text.size};
        secret = bytes_slice(buf_bytes(&text), text.size - TOKEN_SECRET_SIZE, text.size);
        assert_null(memmem(line.data, line.size, secret.data, secret.size));
        arena_init(&arena, SIZE_MAX, NULL);
        if (yaml_doc_parse(buf_bytes(&line), &arena, &root, &err))
            fail_msg("%.*s: %s", BYTES_ARG(buf_bytes(&line)), err.text);
        assert_int_equal(root->kind, YAML_KIND_LIST);
        assert_int_equal(root->first->count, 5);
        assert_true(bytes_equal(root->first->first->text, id));
        arena_release(&arena);
        buf_release(&text);
        buf_release(&line);
    }
}

static void test_a_note_that_is_no_text_is_refused(void **state)
{
    struct buf text = BUF_INIT(1000), line = BUF_INIT(1000);
    struct error err = {0};

    (void)state;
    assert_int_equal(token_generate(BYTES("\xff"), 1, INT64_MAX, &text, &line, &err),
                     E_BAD_PARAMETER);
    assert_int_equal(text.size + line.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_has_one_form),
        cmocka_unit_test(test_scopes_are_read_and_printed),
        cmocka_unit_test(test_the_hash_is_sha256_of_the_whole_text),
        cmocka_unit_test(test_a_new_token_is_random_and_its_line_is_yaml_that_keeps_no_secret),
        cmocka_unit_test(test_a_note_that_is_no_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
