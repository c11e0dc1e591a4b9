#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "discovery/alive.h"
#include "discovery/alive_document.h"
#include "discovery/registry_files.h"

static char place[64];

static int setup(void **state)
{
    (void)state;
    snprintf(place, sizeof(place), "%s", "/tmp/weir-alive-XXXXXX");
    return mkdtemp(place) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A process of its own, as far as the registry can tell. */
static struct registry *process_open(void)
{
    const struct registry_rules rules = {.fs = NULL};
    struct registry *registry = NULL;
    struct error err = {0};

    if (registry_files_open(place, &rules, &registry, &err))
        fail_msg("%s", err.text);
    return registry;
}

/* Whether that many hold a place, after a while. */
static bool comes(struct registry *registry, size_t wanted)
{
    size_t first, end = SIZE_MAX;

    for (int i = 0; i < 5000 && end != wanted; i++) {
        struct registry_snapshot *records = registry_get(registry);

        usleep(1000);
        registry_range(records, REGISTRY_ALIVE, &first, &end);
        end -= first;
        registry_snapshot_put(records);
    }
    return end == wanted;
}

static bool holds(struct registry *registry, struct bytes name)
{
    for (int i = 0; i < 5000 && !registry_held(registry, REGISTRY_ALIVE, name, NULL); i++)
        usleep(1000);
    return registry_held(registry, REGISTRY_ALIVE, name, NULL);
}

static bool doubled(struct alive *alive)
{
    struct registry_snapshot *records = registry_get(alive->registry);
    bool other = alive_other(alive, records).size > 0;

    registry_snapshot_put(records);
    return other;
}

static bool becomes(struct alive *alive, bool wanted)
{
    for (int i = 0; i < 5000 && doubled(alive) != wanted; i++)
        usleep(1000);
    return doubled(alive) == wanted;
}

static void test_a_place_is_held_by_who_serves(void **state)
{
    struct registry *registry = process_open();
    struct alive_document document;
    struct alive alive;
    struct arena arena;

    (void)state;
    alive_init(&alive, registry);
    assert_int_equal(alive_hold(&alive, 3, NULL), OK); /* it does not serve */
    assert_int_equal(alive.number, 0);
    assert_int_equal(alive_describe(&alive, "0.1.0", "h:1", NULL), OK);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(alive_document_parse(buf_bytes(&alive.text), &arena, &document, NULL), OK);
    assert_true(bytes_equal(document.program, BYTES("0.1.0")));
    assert_true(bytes_equal(document.listen, BYTES("h:1")));
    assert_true(document.since.size > 20);
    arena_release(&arena);
    assert_int_equal(alive_hold(&alive, 3, NULL), OK);
    assert_true(comes(registry, 1));
    assert_true(registry_held(registry, REGISTRY_ALIVE, BYTES("3"), NULL));
    assert_false(doubled(&alive));
    assert_int_equal(alive_hold(&alive, 4, NULL), OK);
    assert_true(holds(registry, BYTES("4")));
    assert_false(registry_held(registry, REGISTRY_ALIVE, BYTES("3"), NULL));
    registry_close(registry);
    alive_release(&alive);
}

static void test_who_comes_second_is_told_until_it_is_alone(void **state)
{
    struct registry *registries[2] = {process_open(), process_open()};
    struct alive alive[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        alive_init(&alive[i], registries[i]);
        assert_int_equal(alive_describe(&alive[i], "0.1.0", "h:1", NULL), OK);
        assert_int_equal(alive_hold(&alive[i], 7, NULL), OK);
        assert_true(comes(registries[i], 1));
    }
    assert_false(doubled(&alive[0]));
    assert_true(doubled(&alive[1]));
    registry_close(registries[0]);
    assert_true(becomes(&alive[1], false));
    assert_true(holds(registries[1], BYTES("7")));
    registry_close(registries[1]);
    alive_release(&alive[0]);
    alive_release(&alive[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_place_is_held_by_who_serves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_comes_second_is_told_until_it_is_alone, setup,
                                        teardown),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
