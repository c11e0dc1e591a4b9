#include "store/delivery/bring.h"

#include <pthread.h>

#include "store/packs/pack_parts.h"
#include "tests/unit/store/delivery/away_depot.h"

/* A fake archive for several threads, that can be made to wait. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool shut;
    unsigned inside; /* how many wait at it */
    uint64_t gets;
};

struct gated {
    struct archive archive; /* first */
    struct archive *inner;
    bool south; /* the gate is the north's */
};

static struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0};

static enum code gated_get(struct archive *archive, struct bytes database,
                           enum archive_collection collection, struct bytes id, struct buf *body,
                           struct error *err)
{
    struct gated *gated = (struct gated *)archive;
    enum code code;

    pthread_mutex_lock(&gate.lock);
    gate.gets += !gated->south;
    gate.inside += !gated->south;
    while (gate.shut && !gated->south)
        pthread_cond_wait(&gate.more, &gate.lock);
    gate.inside -= !gated->south;
    code = gated->inner->operations->get(gated->inner, database, collection, id, body, err);
    pthread_mutex_unlock(&gate.lock);
    return code;
}

static void gated_close(struct archive *archive)
{
    struct gated *gated = (struct gated *)archive;

    pthread_mutex_lock(&gate.lock);
    gated->inner->operations->close(gated->inner);
    pthread_mutex_unlock(&gate.lock);
    free(gated);
}

static enum code gated_open(void *context, const char *shard, struct archive **archive,
                            struct error *err)
{
    static const struct archive_operations operations = {.get = gated_get, .close = gated_close};
    struct gated *gated = calloc(1, sizeof(*gated));
    enum code code;

    assert_non_null(gated);
    pthread_mutex_lock(&gate.lock);
    code = depot_open_archive(context, shard, &gated->inner, err);
    pthread_mutex_unlock(&gate.lock);
    gated->archive.operations = &operations;
    gated->south = strcmp(shard, "south") == 0;
    *archive = &gated->archive;
    return code;
}

static void gate_set(bool shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = shut;
    pthread_cond_broadcast(&gate.more);
    pthread_mutex_unlock(&gate.lock);
}

/* Of the north, since the program began. */
static uint64_t gets(void)
{
    uint64_t count;

    pthread_mutex_lock(&gate.lock);
    count = gate.gets;
    pthread_mutex_unlock(&gate.lock);
    return count;
}

static unsigned inside(void)
{
    unsigned count;

    pthread_mutex_lock(&gate.lock);
    count = gate.inside;
    pthread_mutex_unlock(&gate.lock);
    return count;
}

/* A pack of each of two tenants that is away, each at a shard of its own, and threads that bring
 * them. */
static void ground_init(struct yard *yard)
{
    struct house *house = &yard->depot.house;

    yard_init(yard, 1);
    yard_add(yard, 1, 5);
    house->tenant = catalog_tenant(house->catalog, BYTES("south-1"));
    yard_add(yard, 1, 5);
    house->tenant = catalog_tenant(house->catalog, BYTES("acme"));
    depot_drain(&yard->depot);
    assert_int_equal(yard_look(yard), 1);
    yard->depot.rules.open = gated_open;
    assert_int_equal(away_start(yard->away, NULL), OK);
}

static struct pack *pack_of(struct yard *yard)
{
    return yard_packs(yard)->packs[0];
}

struct reader {
    struct pack *pack;
    size_t block;
    struct patience patience;
    enum code code;
    struct error err;
    pthread_t thread;
};

static void *read_block(void *context)
{
    struct reader *reader = context;
    struct pack_file *file;
    struct arena arena;
    struct bytes encoded;
    size_t count;

    arena_init(&arena, SIZE_MAX, NULL);
    assert(pack_file_open(reader->pack, &file, NULL) == OK);
    pack_file_bear(file, &reader->patience);
    reader->code =
        pack_read_block(reader->pack, file, pack_blocks(reader->pack, &count) + reader->block,
                        &arena, &encoded, &reader->err);
    pack_file_close(file);
    arena_release(&arena);
    return NULL;
}

static void reader_start(struct reader *reader, struct pack *pack)
{
    *reader = (struct reader){.pack = pack, .patience = reader->patience};
    assert_int_equal(pthread_create(&reader->thread, NULL, read_block, reader), 0);
}

static void reader_join(struct reader *reader)
{
    assert_int_equal(pthread_join(reader->thread, NULL), 0);
}

static enum code tell_waiting(void *context, struct error *err)
{
    (void)err;
    *(_Atomic bool *)context = true;
    return OK;
}

/* Who wants the same waits for one answer. */
static void test_many_readers_ask_once(void **state)
{
    static struct reader readers[8];
    static _Atomic bool waits[COUNT_OF(readers)];
    struct yard yard;
    uint64_t before;

    (void)state;
    ground_init(&yard);
    before = gets();
    gate_set(true);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        readers[i].patience = (struct patience){.ask = tell_waiting, .context = (void *)&waits[i]};
        reader_start(&readers[i], pack_of(&yard));
    }
    for (size_t i = 0; i < COUNT_OF(readers); i++)
        while (!waits[i])
            usleep(1000);
    gate_set(false);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        reader_join(&readers[i]);
        if (readers[i].code)
            fail_msg("reader %zu: %s", i, readers[i].err.text);
    }
    assert_int_equal(gets() - before, 1);
    yard_release(&yard);
}

static enum code say_no(void *context, struct error *err)
{
    return *(_Atomic bool *)context ? error_set(err, E_CANCELLED, "the client left") : OK;
}

/* A reader's own limits end its wait; the shard's answer comes when it comes. */
static void test_a_reader_may_leave(void **state)
{
    static struct reader reader;
    static _Atomic bool left;
    struct yard yard;

    (void)state;
    ground_init(&yard);
    gate_set(true);
    reader.patience = (struct patience){.ask = say_no, .context = (void *)&left};
    reader_start(&reader, pack_of(&yard));
    usleep(50000);
    left = true;
    reader_join(&reader);
    assert_int_equal(reader.code, E_CANCELLED);
    gate_set(false);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* One that does not answer within 5 s is in trouble: who asks then is told at once, until it is
 * back. */
static void test_a_shard_that_hangs_holds_nobody_up(void **state)
{
    static struct reader first, second;
    struct yard yard;
    int64_t began_ns;

    (void)state;
    ground_init(&yard);
    gate_set(true);
    reader_start(&first, pack_of(&yard));
    while (inside() == 0)
        usleep(1000);
    depot_time(&yard.depot, 6); /* by the store's clock it has waited so long */
    reader_join(&first);
    assert_int_equal(first.code, E_SHARD);
    assert_non_null(strstr(first.err.text, "shard north"));
    began_ns = clock_monotonic_ns(clock_system());
    reader_start(&second, pack_of(&yard));
    reader_join(&second);
    assert_int_equal(second.code, E_SHARD);
    assert_true(clock_monotonic_ns(clock_system()) - began_ns < 2000000000);
    gate_set(false);
    for (int i = 0; i < 1000 && second.code; i++) {
        usleep(10000);
        reader_start(&second, pack_of(&yard));
        reader_join(&second);
    }
    assert_int_equal(second.code, OK);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* After failures it is tried again without anybody asking, and is well when it is. */
static void test_a_shard_that_was_down_is_found_well(void **state)
{
    static struct reader reader;
    struct yard yard;
    uint64_t before;

    (void)state;
    ground_init(&yard);
    pthread_mutex_lock(&gate.lock);
    yard.depot.north.fail_at = yard.depot.north.calls + 1;
    yard.depot.north.fail_on = true;
    pthread_mutex_unlock(&gate.lock);
    reader_start(&reader, pack_of(&yard));
    reader_join(&reader);
    assert_int_equal(reader.code, E_SHARD);
    assert_true(reader.err.retry_s >= 1);
    pthread_mutex_lock(&gate.lock);
    fake_heal(&yard.depot.north);
    pthread_mutex_unlock(&gate.lock);
    before = gets();
    for (int i = 0; i < 300 && gets() == before; i++) {
        depot_time(&yard.depot, 1);
        usleep(10000);
    }
    assert_true(gets() > before);
    for (int i = 0; i < 300 && yard_read(&yard, 1, 5, NULL) != OK; i++)
        usleep(10000); /* that it is well is noted behind the call */
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* A shard whose readers wait does not keep those of another from reading. */
static void test_shards_do_not_mind_each_other(void **state)
{
    static struct reader reader;
    struct yard yard;
    struct house *house = &yard.depot.house;

    (void)state;
    ground_init(&yard);
    gate_set(true);
    reader_start(&reader, pack_of(&yard));
    while (inside() == 0)
        usleep(1000);
    house->tenant = catalog_tenant(house->catalog, BYTES("south-1"));
    yard_expect(&yard, 1, 5);
    gate_set(false);
    reader_join(&reader);
    assert_int_equal(reader.code, OK);
    yard_release(&yard);
}

/* What the shard has lost is an error that says so, and not that of a shard in trouble. */
static void test_a_lost_document_is_named(void **state)
{
    struct yard yard;
    struct fake_archive *north = &yard.depot.north;
    struct error err = {0};
    size_t at = 0;

    (void)state;
    ground_init(&yard);
    pthread_mutex_lock(&gate.lock);
    while (north->documents[at].collection != ARCHIVE_PACKS)
        at++;
    fake_delete(north, &north->documents[at]);
    pthread_mutex_unlock(&gate.lock);
    assert_int_equal(yard_read(&yard, 1, 5, &err), E_SHARD);
    assert_non_null(strstr(err.text, "there no more"));
    yard_release(&yard);
}

static void test_a_changed_document_is_no_answer(void **state)
{
    struct yard yard;
    struct fake_archive *north = &yard.depot.north;
    struct error err = {0};
    size_t at = 0;

    (void)state;
    ground_init(&yard);
    pthread_mutex_lock(&gate.lock);
    while (north->documents[at].collection != ARCHIVE_PACKS)
        at++;
    north->documents[at].body[north->documents[at].size / 2] ^= 1;
    pthread_mutex_unlock(&gate.lock);
    assert_int_equal(yard_read(&yard, 1, 5, &err), E_CORRUPT);
    yard_release(&yard);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_readers_ask_once),
        cmocka_unit_test(test_a_reader_may_leave),
        cmocka_unit_test(test_a_shard_that_hangs_holds_nobody_up),
        cmocka_unit_test(test_a_shard_that_was_down_is_found_well),
        cmocka_unit_test(test_shards_do_not_mind_each_other),
        cmocka_unit_test(test_a_lost_document_is_named),
        cmocka_unit_test(test_a_changed_document_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
