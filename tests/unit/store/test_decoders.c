#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "codec/block_codec.h"
#include "store/decoders.h"

/* No two readers have the same one at a time, and one that came back is used again. */
static void test_each_has_its_own(void **state)
{
    struct block_decoder *taken[DECODERS_KEPT_MAX + 2], *again;
    struct decoders decoders;

    (void)state;
    decoders_init(&decoders);
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_int_equal(decoders_take(&decoders, &taken[i], NULL), OK);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(taken[i], taken[j]);
    }
    decoders_give(&decoders, taken[0]);
    assert_int_equal(decoders_take(&decoders, &again, NULL), OK);
    assert_ptr_equal(again, taken[0]);
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        decoders_give(&decoders, taken[i]);
    decoders_give(&decoders, NULL);
    assert_int_equal(decoders.count, DECODERS_KEPT_MAX);
    decoders_release(&decoders); /* LeakSanitizer sees the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
