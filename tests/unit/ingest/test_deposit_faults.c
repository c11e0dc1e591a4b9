/* Stands in for a function of libc: pwritev, which fails as it is told. */
#include "tests/unit/ingest/ground.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "codec/point.h"
#include "ingest/deposit.h"

static _Atomic int failure; /* errno; 0 = none */

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *parts, int count,
                                                       off_t offset)
{
    static ssize_t (*real)(int, const struct iovec *, int, off_t);

    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "pwritev");
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    return real(fd, parts, count, offset);
}

struct told {
    unsigned waits, over;
    char why[ERROR_TEXT_SIZE];
};

/* Room is made while it waits. */
static void take_why(void *context, const struct error *why)
{
    struct told *told = context;

    told->waits += why != NULL;
    told->over += why == NULL;
    if (why != NULL)
        (void)snprintf(told->why, sizeof(told->why), "%s", why->text);
    failure = 0;
}

static enum code put(struct ground *ground, int64_t time, struct told *told)
{
    _Atomic bool stop = false;
    const struct deposit_terms terms = {.environment = &ground->environment,
                                        .tenant = ground->tenant,
                                        .limits = &ground->limits,
                                        .stop = &stop,
                                        .waits = take_why,
                                        .waiter = told};
    struct error err = {0};
    struct bytes duplicate;
    struct arena arena;
    struct batch batch;
    struct point point;
    uint32_t series;
    int64_t ingest;
    enum code code;

    *told = (struct told){.waits = 0};
    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 1);
    point_init(&point, &batch, &ground->limits);
    point.measurement = BYTES("m");
    *point_add_field(&point) = (struct point_field){.name = BYTES("f"), .type = TYPE_F64};
    point.timed = true;
    point.time = time;
    assert_int_equal(point_find_series(&point, &series, &err), OK);
    assert_int_equal(point_find_table(&point, &duplicate), OK);
    assert_int_equal(point_put_row(&point, series, 1, time), OK);
    code = deposit(&terms, &batch, &ingest, &err);
    point_release(&point);
    batch_release(&batch);
    arena_release(&arena);
    return code;
}

static void test_a_full_disk_is_waited_out_and_told(void **state)
{
    struct ground ground;
    struct told told;

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    assert_int_equal(put(&ground, 1, &told), OK);
    assert_int_equal(told.waits + told.over, 0);
    failure = ENOSPC;
    assert_int_equal(put(&ground, 2, &told), OK);
    assert_true(told.waits > 0);
    assert_int_equal(told.over, 1);
    assert_non_null(strstr(told.why, "No space left"));
    assert_int_equal(ground_rows(&ground), 2);
    ground_close(&ground);
    ground_remove(&ground);
}

/* It would be waited for until the end of the process. */
static void test_a_store_that_fails_is_not_waited_for(void **state)
{
    struct ground ground;
    struct told told;

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    failure = EIO;
    assert_int_equal(put(&ground, 1, &told), E_IO);
    assert_int_equal(told.waits + told.over, 0);
    failure = 0;
    ground_close(&ground);
    ground_remove(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_is_waited_out_and_told),
        cmocka_unit_test(test_a_store_that_fails_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
