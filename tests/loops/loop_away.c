/* Packs that go to their shard, are read there and come back, with allocations that fail, at every
 * one of them: nothing is lost, and the next attempt comes off. */
#include "tests/loops/loop.h"

#include "store/delivery/bring.h"
#include "tests/unit/store/delivery/away_depot.h"

static void yard_fill(struct yard *yard)
{
    yard_init(yard, 1);
    yard_add(yard, 1, 5);
    depot_drain(&yard->depot);
}

/* All is here or at the shard, and is what it was. */
static void yard_end(struct yard *yard)
{
    depot_time(&yard->depot, 60);
    (void)yard_look(yard);
    yard_expect(yard, 1, 5);
    yard_restart(yard);
    yard_expect(yard, 1, 5);
    assert_int_equal(house_metric(&yard->depot.house, "weir_missing_parts", METRIC_GAUGE, ""), 0);
    yard_release(yard);
}

/* Some want of memory has no code to tell it: the step did nothing. */
static enum code loop_go(struct error *err)
{
    struct yard yard;
    bool did;

    yard_fill(&yard);
    ARMED(did = away_step(yard.away));
    if (!did)
        error_set(err, E_MEMORY, "nothing went");
    yard_end(&yard);
    return did ? OK : E_MEMORY;
}

static enum code loop_come_back(struct error *err)
{
    struct yard yard;
    bool did;

    yard_fill(&yard);
    assert_int_equal(yard_look(&yard), 1);
    pack_want(yard_packs(&yard)->packs[0]);
    ARMED(did = away_step(yard.away));
    if (!did)
        error_set(err, E_MEMORY, "nothing came");
    yard_end(&yard);
    return did ? OK : E_MEMORY;
}

static enum code loop_read(struct error *err)
{
    struct yard yard;
    struct pack_file *file = NULL;
    const struct pack_block *blocks;
    struct bytes encoded;
    struct arena arena;
    struct pack *pack;
    size_t count;
    enum code code;

    yard_fill(&yard);
    assert_int_equal(yard_look(&yard), 1);
    pack = yard_packs(&yard)->packs[0];
    blocks = pack_blocks(pack, &count);
    arena_init(&arena, SIZE_MAX, NULL);
    ARMED(code = pack_file_open(pack, &file, err);
          if (code == OK) code =
              pack_read_block(pack, file, &blocks[count - 1], &arena, &encoded, err));
    pack_file_close(file);
    arena_release(&arena);
    yard_end(&yard);
    return code;
}

/* As a start does it. */
static enum code loop_begin(struct error *err)
{
    struct away *away;
    struct yard yard;
    enum code code;

    yard_fill(&yard);
    assert_int_equal(yard_look(&yard), 1);
    away_free(yard.away);
    ARMED(code = away_new(yard.depot.house.store, &yard.depot.rules, &away, err));
    if (code)
        assert_int_equal(away_new(yard.depot.house.store, &yard.depot.rules, &away, NULL), OK);
    yard.away = away;
    yard_end(&yard);
    return code;
}

static void test_nothing_is_lost_on_the_way(void **state)
{
    static const struct loop loops[] = {
        {"away: it goes",       loop_go,        {OK}     },
        {"away: it comes back", loop_come_back, {OK}     },
        {"away: it is read",    loop_read,      {E_SHARD}},
        {"away: a start",       loop_begin,     {OK}     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_on_the_way),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
