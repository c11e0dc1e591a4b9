#ifndef WEIR_TESTS_SIM_SELF_TEST_H
#define WEIR_TESTS_SIM_SELF_TEST_H

#include <stddef.h>

/* Tests of the fakes; prints what failed.  Returns how many did, of *count. */
size_t self_test(size_t *count);

#endif
