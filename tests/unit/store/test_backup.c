#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/backup.h"
#include "tests/unit/store/shelf.h"

struct ground {
    struct house house;
    struct shelf shelf;
    struct backup_options options;
    struct backup_report report;
    unsigned steps, act_at;
    void (*act)(struct ground *ground);
    struct error err;
};

static enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    struct ground *ground = context;

    assert_true(done > 0 && total > 0);
    if (++ground->steps != ground->act_at)
        return OK;
    if (ground->act == NULL)
        return error_set(err, E_CANCELLED, "enough");
    ground->act(ground);
    return OK;
}

static void ground_init(struct ground *ground)
{
    *ground = (struct ground){.steps = 0};
    house_init(&ground->house);
    house_open(&ground->house);
    shelf_fill_house(&ground->house);
    shelf_init(&ground->shelf);
    ground->options = (struct backup_options){
        .from = ground->house.fs.inner,
        .to = ground->shelf.fs,
        .source = ground->house.index,
        .index_path = ground->shelf.index_path,
        .map_bytes = SHELF_MAP_BYTES,
        .hot = true,
        .step = step,
        .context = ground,
    };
}

static enum code take(struct ground *ground)
{
    return backup_take(&ground->options, &ground->report, &ground->err);
}

static void ground_release(struct ground *ground)
{
    house_close(&ground->house);
    house_remove(&ground->house);
    shelf_release(&ground->shelf);
}

static void test_a_backup_has_what_is_in_packs(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct backup_label label;
        struct ground ground;

        ground_init(&ground);
        ground.options.link = link == 1;
        if (take(&ground))
            fail_msg("%s", ground.err.text);
        assert_int_equal(ground.report.tries, 1);
        assert_int_equal(ground.report.linked, link == 1 ? 3 : 0);
        assert_int_equal(ground.report.copied, link == 1 ? 0 : 3);
        assert_int_equal(ground.report.label.totals.rows, 60010); /* not those of the wal */
        assert_int_equal(shelf_count(&ground.shelf, "index"), 1); /* no lock file */
        assert_int_equal(backup_write_label(ground.shelf.fs, &ground.report.label, "0", NULL), OK);
        assert_int_equal(backup_read_label(ground.shelf.fs, &label, NULL), OK);
        assert_memory_equal(&label.totals, &ground.report.label.totals, sizeof(label.totals));
        assert_int_equal(shelf_count(&ground.shelf, ""), 3);
        ground_release(&ground);
    }
}

static void compact(struct ground *ground)
{
    bool did = true;

    while (did)
        assert_int_equal(store_step_compact(ground->house.store, true, &did, NULL), OK);
}

/* After the first pack all of them become others, and their files go. */
static void test_packs_that_are_compacted_meanwhile_make_a_newer_copy(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct pack_totals totals;
        struct ground ground;

        ground_init(&ground);
        ground.options.link = link == 1;
        ground.act = compact;
        ground.act_at = 1;
        if (take(&ground))
            fail_msg("%s", ground.err.text);
        assert_int_equal(ground.report.tries, 2);
        assert_int_equal(pack_totals_of(ground.house.index, &totals, NULL), OK);
        assert_memory_equal(&totals, &ground.report.label.totals, sizeof(totals));
        assert_int_equal(shelf_count(&ground.shelf, "packs/acme"), totals.files); /* none of old */
        ground_release(&ground);
    }
}

/* All packs go and two come at every step: the backup gives up, and says why.  Versions that were
 * written over go too, else each compaction would be longer than the one before. */
static void churn(struct ground *ground)
{
    ground->house.clock.wall_more += 2000000000;
    compact(ground);
    for (uint32_t i = 0; i < 2; i++) {
        house_put_noise(&ground->house, 1, ground->steps * 2 + i);
        house_seal(&ground->house);
    }
    ground->act_at = ground->steps + 1;
}

static void test_a_race_that_is_lost_again_and_again_is_given_up(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground.house.limits.compact_packs_max = 2;
    ground.house.history_ns = 1;
    ground.act = churn;
    ground.act_at = 1;
    assert_int_equal(take(&ground), E_BUSY);
    assert_int_equal(ground.report.tries, 20);
    assert_non_null(strstr(ground.err.text, "compacted faster than they were copied"));
    ground_release(&ground);
}

static void test_a_pack_that_is_lost_is_told_at_once(void **state)
{
    static const char lost[] = "packs/acme/0000000000000002.pack";

    (void)state;
    for (int hot = 0; hot < 2; hot++) {
        struct ground ground;

        ground_init(&ground);
        ground.options.hot = hot == 1;
        assert_int_equal(fs_unlink(ground.house.fs.inner, lost, NULL), OK);
        assert_int_equal(take(&ground), E_CORRUPT);
        assert_non_null(strstr(ground.err.text, lost));
        assert_int_equal(ground.report.tries, hot == 1 ? 2 : 1);
        ground_release(&ground);
    }
}

static void test_it_ends_when_told(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground.act_at = 2;
    assert_int_equal(take(&ground), E_CANCELLED);
    ground_release(&ground);
}

static void test_there_may_be_no_label(void **state)
{
    struct backup_label label;
    struct error err = {0};
    struct shelf shelf;

    (void)state;
    shelf_init(&shelf);
    assert_int_equal(backup_read_label(shelf.fs, &label, &err), E_NOT_FOUND);
    shelf_release(&shelf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_backup_has_what_is_in_packs),
        cmocka_unit_test(test_packs_that_are_compacted_meanwhile_make_a_newer_copy),
        cmocka_unit_test(test_a_race_that_is_lost_again_and_again_is_given_up),
        cmocka_unit_test(test_a_pack_that_is_lost_is_told_at_once),
        cmocka_unit_test(test_it_ends_when_told),
        cmocka_unit_test(test_there_may_be_no_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
