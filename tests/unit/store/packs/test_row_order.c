#include "store/packs/row_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "model/rows.h"

enum { RUNS = 3, ROWS_MAX = 5000 };

static int64_t ingest[RUNS][ROWS_MAX], revision[RUNS][ROWS_MAX];
static const struct run *runs[RUNS];

static int64_t revision_at(const struct row_key *key)
{
    return runs[key->run]->revision == NULL ? INT64_MIN : runs[key->run]->revision[key->row];
}

static int plain_order(const void *a, const void *b)
{
    const struct row_key *left = a, *right = b;

    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return version_compare(revision_at(left), runs[left->run]->ingest[left->row],
                           revision_at(right), runs[right->run]->ingest[right->row]);
}

/* The same as a plain sort, whatever the number of rows and however many share a time. */
static void test_rows_are_in_version_order(void **state)
{
    static struct row_key keys[RUNS * ROWS_MAX], want[RUNS * ROWS_MAX], scratch[RUNS * ROWS_MAX];
    static struct run made[RUNS];
    static const uint64_t times[] = {1, 3, 50, 100000, UINT64_MAX};
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (uint32_t r = 0; r < RUNS; r++) {
        made[r] = (struct run){.ingest = ingest[r], .revision = r == 1 ? revision[r] : NULL};
        runs[r] = &made[r];
    }
    for (int turn = 0; turn < 400; turn++) {
        uint32_t rows = turn < 100 ? (uint32_t)turn : (uint32_t)random_below(&random, ROWS_MAX);
        uint64_t spread = times[(size_t)turn % COUNT_OF(times)];
        int64_t stamp = 1000; /* ingest times are unique */
        size_t count = 0;

        for (uint32_t i = 0; i < rows; i++) {
            uint32_t run = (uint32_t)random_below(&random, RUNS), row = i;

            ingest[run][row] = stamp += 1024;
            revision[run][row] = random_chance(&random, 2)
                                     ? INT64_MIN
                                     : stamp - (int64_t)random_below(&random, 9000);
            keys[count++] = (struct row_key){(int64_t)random_below(&random, spread), run, row};
        }
        memcpy(want, keys, count * sizeof(*keys));
        if (count > 1)
            qsort(want, count, sizeof(*want), plain_order);
        row_order(keys, scratch, count, runs);
        for (size_t i = 0; i < count; i++)
            if (plain_order(&keys[i], &want[i]) != 0)
                fail_msg("turn %d: row %zu of %zu", turn, i, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_in_version_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
