#include "tests/unit/ingest/follow/tail_fixture.h"

struct world {
    struct tail_fixture fixture;
    char found[512];
};

static void open_world(struct world *world)
{
    *world = (struct world){.found = ""};
    tail_fixture_init(&world->fixture, "x", "");
}

static enum code take(void *context, const char *path, const struct stat *stat, struct error *err)
{
    struct world *world = context;
    size_t size = strlen(world->found);

    (void)err;
    assert_true(S_ISREG(stat->st_mode));
    snprintf(world->found + size, sizeof(world->found) - size, "%s ",
             path + strlen(world->fixture.directory));
    return OK;
}

static void finds(struct world *world, const char *pattern, const char *want)
{
    struct error err = {0};
    enum code code;

    world->found[0] = '\0';
    code = tail_places_walk(&world->fixture.places, BYTES("a"),
                            bytes_of(tail_path(&world->fixture, pattern)), take, world, &err);
    if (code != OK || strcmp(world->found, want) != 0)
        fail_msg("%s: %d \"%s\", wanted \"%s\": %s", pattern, code, world->found, want, err.text);
}

static void test_directories(void **state)
{
    struct tail_places places = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(tail_places_add(&places, BYTES("/srv/lab/"), &err), OK);
    assert_int_equal(tail_places_add(&places, BYTES("one=/srv/one"), &err), OK);
    assert_int_equal(tail_places_add(&places, BYTES("srv"), &err), E_CONFIG);
    assert_int_equal(tail_places_add(&places, BYTES("=/srv"), &err), E_CONFIG);
    assert_int_equal(tail_places_add(&places, BYTES("/srv/../etc"), &err), E_CONFIG);
    assert_int_equal(places.count, 2);
    assert_int_equal(tail_places_check(&places, BYTES("a"), BYTES("/srv/lab/x-*"), &err), OK);
    assert_int_equal(tail_places_check(&places, BYTES("a"), BYTES("/srv/lab"), &err), OK);
    assert_int_equal(tail_places_check(&places, BYTES("one"), BYTES("/srv/one/x"), &err), OK);
    assert_int_equal(tail_places_check(&places, BYTES("a"), BYTES("/srv/labor/x"), &err),
                     E_BAD_PARAMETER);
    assert_int_equal(tail_places_check(&places, BYTES("a"), BYTES("/srv/one/x"), &err),
                     E_BAD_PARAMETER);
    assert_non_null(strstr(err.text, "below /srv/lab"));
    assert_null(strstr(err.text, "/srv/one"));
    places.count = 0;
    assert_int_equal(tail_places_check(&places, BYTES("a"), BYTES("/srv/one/x"), &err),
                     E_BAD_PARAMETER);
    assert_non_null(strstr(err.text, "pull_files"));
}

static void test_patterns(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    tail_put(&world.fixture, "a-1", 0, "x");
    tail_put(&world.fixture, "b-1", 0, "x");
    tail_put(&world.fixture, ".a-2", 0, "x");
    assert_int_equal(mkdir(tail_path(&world.fixture, "d"), 0700), 0);
    tail_put(&world.fixture, "d/a-3", 0, "x");
    finds(&world, "a-*", "/a-1 ");
    finds(&world, "a-1", "/a-1 ");
    finds(&world, "[b]-?", "/b-1 ");
    finds(&world, "d", "/d/a-3 ");
    finds(&world, "*/a-*", "/d/a-3 ");
    finds(&world, "none", "");
    tail_fixture_release(&world.fixture);
}

static void test_what_leads_out_is_not_found(void **state)
{
    struct world world;
    struct stat stat;
    struct error err = {0};
    int fd;

    (void)state;
    open_world(&world);
    assert_int_equal(symlink("/etc/hostname", tail_path(&world.fixture, "a-1")), 0);
    assert_int_equal(symlink("../../etc/hostname", tail_path(&world.fixture, "a-2")), 0);
    assert_int_equal(symlink("/etc", tail_path(&world.fixture, "d")), 0);
    assert_int_equal(mkfifo(tail_path(&world.fixture, "a-3"), 0600), 0);
    tail_put(&world.fixture, "b", 0, "x");
    assert_int_equal(symlink("b", tail_path(&world.fixture, "a-4")), 0);
    finds(&world, "a-*", "/a-4 ");
    finds(&world, "d/hostname", "");
    for (int i = 1; i <= 3; i++) {
        char name[8];

        snprintf(name, sizeof(name), "a-%d", i);
        assert_int_equal(tail_places_open(&world.fixture.places, BYTES("a"),
                                          tail_path(&world.fixture, name), &fd, &stat, &err),
                         E_FORBIDDEN);
        assert_int_equal(fd, -1);
    }
    assert_int_equal(
        tail_places_open(&world.fixture.places, BYTES("a"), "/etc/hostname", &fd, &stat, &err),
        E_FORBIDDEN);
    assert_int_equal(tail_places_open(&world.fixture.places, BYTES("a"),
                                      tail_path(&world.fixture, "a-4"), &fd, &stat, &err),
                     OK);
    close(fd);
    assert_int_equal(tail_places_open(&world.fixture.places, BYTES("a"),
                                      tail_path(&world.fixture, "c"), &fd, &stat, &err),
                     E_NOT_FOUND);
    tail_fixture_release(&world.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_what_leads_out_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
