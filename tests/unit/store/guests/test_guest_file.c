#include "store/guests/guest_file.h"

#include "store/packs/pack_stub.h"
#include "tests/unit/store/guests/inn.h"

struct ground {
    struct inn inn;
    struct guest_place place;
    struct archive *archive;
    struct chain_list list;
    _Atomic bool stop;
    uint64_t bytes;
};

/* A small pack and a large one, delivered. */
static void ground_init(struct ground *ground)
{
    int64_t through;

    memset(ground, 0, sizeof(*ground));
    inn_init(&ground->inn);
    depot_add_pack(&ground->inn.author, 2, 0);
    house_put_noise(&ground->inn.author.house, 1, 5);
    house_seal(&ground->inn.author.house);
    depot_drain(&ground->inn.author);
    (void)depot_chain(&ground->inn.author, BYTES("acme"), "north", &ground->list, &through);
    assert_int_equal(ground->list.count, 2);
    ground->archive = fake_open(&ground->inn.author.north);
    ground->place = (struct guest_place){ground->inn.house.store, ground->inn.house.tenant, "north",
                                         ground->inn.author.house.store->incarnation, 1};
    assert_int_equal(guest_place_make(&ground->place, NULL), OK);
}

static void ground_release(struct ground *ground)
{
    ground->archive->operations->close(ground->archive);
    chain_list_release(&ground->list);
    inn_release(&ground->inn);
}

static enum code fetch(struct ground *ground, size_t at, struct error *err)
{
    return guest_file_fetch(&ground->place, ground->archive, &ground->list.packs[at], &ground->stop,
                            &ground->bytes, err);
}

static enum code open_kept(struct ground *ground, size_t at, struct error *err)
{
    struct pack *pack;
    enum code code = guest_file_open(&ground->place, &ground->list.packs[at].entry, &pack, err);

    assert_true((code == OK) == (pack != NULL));
    pack_unref(pack);
    return code;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

static size_t files(struct ground *ground)
{
    size_t count = 0;

    assert_int_equal(
        fs_list(&ground->inn.house.fs.fs, "guests/acme/north", count_name, &count, NULL), OK);
    return count;
}

static void test_what_was_fetched_can_be_opened(void **state)
{
    struct ground ground;
    struct error err = {0};

    (void)state;
    ground_init(&ground);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(open_kept(&ground, i, &err), E_NOT_FOUND);
        if (fetch(&ground, i, &err) != OK || open_kept(&ground, i, &err) != OK)
            fail_msg("%s", err.text);
    }
    assert_int_equal(ground.bytes,
                     ground.list.packs[0].entry.bytes + ground.list.packs[1].entry.bytes);
    assert_int_equal(files(&ground), 3);
    assert_int_equal(catalog_series_count(ground.inn.house.catalog, ground.inn.house.tenant), 2);
    guest_file_remove(&ground.place, ground.list.packs[0].entry.number);
    guest_file_remove(&ground.place, ground.list.packs[1].entry.number);
    assert_int_equal(files(&ground), 0);
    ground_release(&ground);
}

/* A chain that tells of another pack than is kept, or than the documents are. */
static void test_another_pack_than_the_chain_tells_of_is_refused(void **state)
{
    struct ground ground;
    struct error err = {0};

    (void)state;
    ground_init(&ground);
    for (size_t i = 0; i < 2; i++) {
        struct manifest_entry *entry = &ground.list.packs[i].entry, before = *entry;

        entry->hash.bytes[0] ^= 1;
        assert_int_equal(fetch(&ground, i, &err), E_CORRUPT);
        *entry = before;
        entry->row_count++;
        assert_true(fetch(&ground, i, &err) != OK || open_kept(&ground, i, &err) == E_CORRUPT);
        *entry = before;
        entry->bytes--;
        assert_int_equal(fetch(&ground, i, &err), E_CORRUPT);
        *entry = before;
        assert_int_equal(fetch(&ground, i, NULL), OK);
        entry->time_first--;
        assert_int_equal(open_kept(&ground, i, &err), E_CORRUPT);
        *entry = before;
    }
    ground_release(&ground);
}

/* Nothing is left of a fetch that did not come off, and the next one does. */
static void test_a_disk_that_fails_leaves_nothing(void **state)
{
    struct ground ground;
    uint64_t n;
    enum code code = E_IO;

    (void)state;
    ground_init(&ground);
    for (size_t i = 0; i < 2; i++) {
        for (n = 1, code = E_IO; code != OK; n++) {
            house_fail(&ground.inn.house, n, false, E_IO);
            code = fetch(&ground, i, NULL);
            house_fail(&ground.inn.house, 0, false, OK);
            if (code == OK)
                assert_int_equal(open_kept(&ground, i, NULL), OK);
            assert_true(n < 100);
        }
        assert_true(n > 2);
    }
    ground_release(&ground);
}

static void test_a_stop_ends_it(void **state)
{
    struct ground ground;
    struct error err = {0};

    (void)state;
    ground_init(&ground);
    ground.stop = true;
    assert_int_equal(fetch(&ground, 1, &err), E_DRAINING);
    assert_int_equal(files(&ground), 0);
    ground_release(&ground);
}

/* What another chain keeps in the same place stays. */
static void test_a_sweep_takes_what_is_not_listed(void **state)
{
    struct ground ground;
    struct guest_place other;

    (void)state;
    ground_init(&ground);
    assert_int_equal(fetch(&ground, 0, NULL), OK);
    assert_int_equal(fetch(&ground, 1, NULL), OK);
    other = ground.place;
    other.incarnation.bytes[3] ^= 1;
    guest_files_sweep(&other, &(struct chain_list){.count = 0});
    assert_int_equal(files(&ground), 3);
    guest_files_sweep(&ground.place, &ground.list);
    assert_int_equal(files(&ground), 3);
    ground.list.count = 1;
    guest_files_sweep(&ground.place, &ground.list);
    assert_int_equal(files(&ground), 1);
    guest_files_sweep(&ground.place, &(struct chain_list){.count = 0});
    assert_int_equal(files(&ground), 0);
    ground_release(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_fetched_can_be_opened),
        cmocka_unit_test(test_another_pack_than_the_chain_tells_of_is_refused),
        cmocka_unit_test(test_a_disk_that_fails_leaves_nothing),
        cmocka_unit_test(test_a_stop_ends_it),
        cmocka_unit_test(test_a_sweep_takes_what_is_not_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
