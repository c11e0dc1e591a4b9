#include "tests/unit/store/guests/care_sample.h"

static void scene_expect_nothing(struct scene *scene)
{
    assert_int_equal(node_go_on(scene->node), 0);
    assert_int_equal(village_rows(&scene->village), scene->rows);
}

static void test_nothing_without_a_lease(void **state)
{
    static struct scene scene;

    (void)state;
    scene_init(&scene);
    scene.node->held = false;
    scene_expect_nothing(&scene);
    assert_true(scene.node->wanted);
    scene.node->held = true;
    scene_end(&scene, scene.node);
    scene_expect(&scene);
    scene_release(&scene);
}

static void test_nothing_while_a_process_serves_it(void **state)
{
    static struct scene scene;

    (void)state;
    scene_init(&scene);
    scene.village.gone = false;
    scene_expect_nothing(&scene);
    assert_false(scene.node->wanted);
    scene_release(&scene);
}

static void test_nothing_of_who_is_active(void **state)
{
    static struct scene scene;

    (void)state;
    scene_init(&scene);
    scene.village.authors[0].active = true;
    scene_expect_nothing(&scene);
    assert_false(scene.node->wanted);
    scene_release(&scene);
}

/* ... and a lease is given up for who comes back, or is gone for less than a minute again. */
static void test_a_minute_passes_first(void **state)
{
    static struct scene scene;
    struct node *node;

    (void)state;
    scene_init(&scene);
    node = scene.node;
    node_read(node);
    for (int i = 0; i < 2; i++) {
        (void)caretaker_step(node->caretaker);
        assert_false(node->wanted);
        node_time(node, 50);
        (void)caretaker_step(node->caretaker);
        assert_false(node->wanted);
        node_time(node, 11);
        node->held = false;
        (void)caretaker_step(node->caretaker);
        assert_true(node->wanted);
        scene.village.gone = false;
        (void)caretaker_step(node->caretaker);
        assert_false(node->wanted);
        scene.village.gone = true;
    }
    scene_release(&scene);
}

static uint64_t failures(struct node *node)
{
    return house_metric(&node->house, "weir_caretaker_failures_total", METRIC_COUNTER,
                        "shard=\"north\"");
}

static void test_a_shard_that_fails_is_left_alone(void **state)
{
    static struct scene scene;
    struct node *node;
    uint64_t calls;

    (void)state;
    scene_init(&scene);
    node = scene.node;
    node_read(node);
    (void)caretaker_step(node->caretaker);
    node_time(node, 61);
    scene.village.author.north.fail_at = 1;
    scene.village.author.north.fail_on = true;
    (void)caretaker_step(node->caretaker);
    assert_int_equal(failures(node), 1);
    calls = scene.village.author.north.calls;
    for (int i = 0; i < 20; i++)
        (void)caretaker_step(node->caretaker);
    assert_int_equal(scene.village.author.north.calls, calls);
    node_time(node, 40);
    (void)caretaker_step(node->caretaker);
    assert_int_equal(failures(node), 2);
    fake_heal(&scene.village.author.north);
    scene_end(&scene, node);
    scene_expect(&scene);
    scene_release(&scene);
}

/* Whatever call fails, and however: the same in the end. */
static void test_each_call_may_fail(void **state)
{
    static struct scene scene;

    (void)state;
    for (int how = FAKE_BEFORE; how < FAKE_FAILURES; how++) {
        uint64_t calls = 1;

        for (uint64_t n = 1; n <= calls; n += how == FAKE_AFTER ? 1 : 2) {
            struct fake_archive *north = &scene.village.author.north;
            uint64_t before;

            scene_init(&scene);
            before = north->calls;
            north->fail_at = before + n;
            north->how = (enum fake_failure)how;
            scene_end(&scene, scene.node);
            calls = north->calls - before;
            calls = calls < 150 ? calls : 150; /* looking at a chain at rest is most of them */
            scene_expect(&scene);
            scene_release(&scene);
        }
    }
}

/* As a process that ends at any point, and another node that goes on. */
static void test_the_holder_may_change_at_any_time(void **state)
{
    static struct scene scene;
    size_t lost = 0;

    (void)state;
    for (size_t n = 1; n < 24; n++) {
        struct node *second;

        scene_init(&scene);
        second = scene.witness;
        scene.village.held_for = n;
        (void)node_go_on(scene.node);
        node_time(scene.node, 700);
        (void)node_go_on(scene.node);
        if (scene.village.checks >= n) { /* nothing was changed any more */
            assert_int_equal(scene.village.author.north.put_bytes, scene.village.put_bytes);
            assert_int_equal(scene.village.author.north.count, scene.village.documents);
            lost++;
        }
        scene.node->held = false;
        scene.village.held_for = 0;
        second->held = true;
        node_read(second);
        (void)house_delete(&second->house, 0, 10, 42, true); /* it has been told, too */
        scene_end(&scene, second);
        second->held = false;
        scene_expect(&scene);
        scene_release(&scene);
    }
    assert_true(lost > 10);
}

/* That the lease is held twice harms nothing. */
static void test_two_may_go_on_at_once(void **state)
{
    static struct scene scene;

    (void)state;
    scene_init(&scene);
    scene.witness->held = true;
    node_read(scene.witness);
    (void)house_delete(&scene.witness->house, 0, 10, 42, true);
    for (int i = 0; i < 60; i++) {
        struct node *node = i % 2 == 0 ? scene.node : scene.witness;

        node_read(node);
        (void)caretaker_step(node->caretaker);
        node_time(scene.node, 31);
        node_time(scene.witness, 31);
    }
    (void)village_expect_whole(&scene.village, true);
    scene_expect(&scene);
    scene_release(&scene);
}

struct between {
    struct scene *scene;
    uint64_t at;
    bool came;
};

static void come_between(void *context, uint64_t call)
{
    struct between *between = context;

    if (between->came || call < between->at)
        return;
    between->came = true;
    (void)node_go_on(between->scene->witness);
}

/* ... nor that the other one does all of it between any two calls of the first. */
static void test_another_may_come_between(void **state)
{
    static struct scene scene;
    bool came = true;

    (void)state;
    for (uint64_t n = 1; came; n++) {
        struct between between = {.scene = &scene};
        struct fake_archive *north = &scene.village.author.north;

        scene_init(&scene);
        scene.witness->held = true;
        node_read(scene.witness);
        (void)house_delete(&scene.witness->house, 0, 10, 42, true);
        node_read(scene.node);
        (void)caretaker_step(scene.node->caretaker);
        node_time(scene.node, 61);
        between.at = north->calls + n;
        north->hook = come_between;
        north->hook_context = &between;
        for (int i = 0; i < 8; i++) {
            (void)caretaker_step(scene.node->caretaker);
            north->hook = NULL; /* of reading */
            node_read(scene.node);
            north->hook = come_between;
        }
        north->hook = NULL;
        came = between.came;
        scene_end(&scene, scene.node);
        scene_end(&scene, scene.witness);
        scene_expect(&scene);
        scene_release(&scene);
        assert_true(n > 20 || came);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_without_a_lease),
        cmocka_unit_test(test_nothing_while_a_process_serves_it),
        cmocka_unit_test(test_nothing_of_who_is_active),
        cmocka_unit_test(test_a_minute_passes_first),
        cmocka_unit_test(test_a_shard_that_fails_is_left_alone),
        cmocka_unit_test(test_each_call_may_fail),
        cmocka_unit_test(test_the_holder_may_change_at_any_time),
        cmocka_unit_test(test_two_may_go_on_at_once),
        cmocka_unit_test(test_another_may_come_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
