#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/limiter.h"
#include "tests/unit/codec/seed.h"

#define SECOND MOMENT_SECOND

static struct moment at(int64_t seconds)
{
    return (struct moment){(1000000 + seconds) * SECOND, seconds * SECOND};
}

static struct limiter_key *join(struct limiter *limiter, const struct source_limits *limits,
                                struct moment now)
{
    struct limiter_key *key = NULL;
    struct error err = {0};

    assert_int_equal(limiter_join(limiter, BYTES("a.example:443 1"), limits, &now, &key, &err), OK);
    return key;
}

static int64_t when(struct limiter_key *key, uint32_t weight, struct moment now)
{
    int64_t ns = limiter_when(key, weight, &now);

    return ns == INT64_MAX ? ns : ns / SECOND;
}

static void begin(struct limiter *limiter, struct limiter_key *key, uint32_t weight,
                  struct moment now)
{
    struct error err = {0};

    assert_int_equal(limiter_begin(limiter, key, weight, &now, &err), OK);
    limiter_sent(key, weight, &now);
}

/* Of a host that is up: it is of no matter which one. */
static void end(struct limiter_key *key)
{
    const struct moment began = at(0);

    limiter_end(key, &began);
}

static struct limiter *new_limiter(const struct limiter_notes *notes)
{
    struct limiter *limiter = NULL;
    struct error err = {0};

    assert_int_equal(limiter_new(notes, &limiter, &err), OK);
    return limiter;
}

static void test_so_many_begin_in_a_span_wherever_it_begins(void **state)
{
    static const struct source_rate rates[] = {
        {3, 60 * SECOND },
        {4, 300 * SECOND}
    };
    const struct source_limits limits = {.concurrency = 9, .rates = rates, .rate_count = 2};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));

    (void)state;
    begin(limiter, key, 1, at(10));
    begin(limiter, key, 2, at(50));
    assert_int_equal(when(key, 1, at(50)), 70);
    assert_int_equal(when(key, 2, at(50)), 310); /* of the other rate */
    begin(limiter, key, 1, at(70));
    assert_int_equal(when(key, 1, at(80)), 310);
    assert_int_equal(when(key, 3, at(80)), 350);
    assert_int_equal(when(key, 4, at(80)), INT64_MAX);
    assert_false(limiter_fits(key, 4));
    limiter_free(limiter);
}

/* It may go out at any moment, and only then does its span begin. */
static void test_what_has_begun_and_not_gone_out_counts_as_of_now(void **state)
{
    static const struct source_rate rate = {2, 60 * SECOND};
    const struct source_limits limits = {
        .concurrency = 9, .rates = &rate, .rate_count = 1, .daily = 3};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));
    struct moment began = at(10), sent = at(40);
    struct error err = {0};

    (void)state;
    begin(limiter, key, 1, at(0));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(limiter_begin(limiter, key, 1, &began, &err), OK);
        assert_int_equal(when(key, 1, at(10)), 60);
        assert_int_equal(when(key, 1, at(65)), 65); /* beside one that went out 65 s ago */
        assert_int_equal(when(key, 2, at(500)), INT64_MAX);
        if (again == 0) {
            limiter_unsent(key, 1, &began);
            assert_int_equal(when(key, 1, at(10)), 10);
            assert_int_equal(when(key, 2, at(10)), 60);
        } else
            limiter_sent(key, 1, &sent);
        end(key);
    }
    assert_int_equal(when(key, 1, at(50)), 60);
    begin(limiter, key, 1, at(60));
    assert_true(when(key, 1, at(60)) > 30000); /* three are a day's */
    limiter_leave(key, &limits);
    assert_ptr_equal(
        join(limiter, &(struct source_limits){.concurrency = 9, .rates = &rate, .rate_count = 1},
             at(60)),
        key);
    assert_int_equal(when(key, 1, at(60)), 100);
    limiter_free(limiter);
}

static void test_the_strictest_of_all_who_joined_holds(void **state)
{
    static const struct source_rate rate_a[] =
        {
            {10, 60 * SECOND}
    },
                                    rate_b[] = {{2, 60 * SECOND}};
    const struct source_limits a = {.concurrency = 3, .rates = rate_a, .rate_count = 1},
                               b = {.concurrency = 2, .rates = rate_b, .rate_count = 1, .daily = 4};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &a, at(0));

    (void)state;
    begin(limiter, key, 1, at(0));
    begin(limiter, key, 1, at(1));
    assert_int_equal(when(key, 1, at(1)), 1);
    assert_ptr_equal(join(limiter, &b, at(1)), key);
    assert_int_equal(when(key, 1, at(1)), INT64_MAX); /* two are under way */
    end(key);
    assert_int_equal(when(key, 1, at(1)), 60); /* what began before it joined counts */
    begin(limiter, key, 2, at(61));
    end(key);
    assert_true(when(key, 1, at(300)) > 30000); /* the day */
    limiter_leave(key, &b);
    assert_int_equal(when(key, 1, at(300)), 300);
    limiter_leave(key, &a);
    assert_ptr_equal(join(limiter, &b, at(301)), key); /* nothing is gained by that */
    assert_true(when(key, 1, at(301)) > 30000);
    limiter_free(limiter);
}

static void test_nobody_asks_until_the_latest_wait_is_over_whatever_the_clock_says(void **state)
{
    const struct source_limits limits = {.concurrency = 1};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));
    struct moment now = at(10), turned = {at(5000).wall_ns, at(20).boot_ns};

    (void)state;
    assert_int_equal(limiter_waits_until(key, &now), 0);
    limiter_wait(key, &now, at(600).wall_ns);
    limiter_wait(key, &now, at(300).wall_ns);
    assert_int_equal(when(key, 1, now), 600);
    assert_int_equal(when(key, 1, turned), 600);
    assert_int_equal(limiter_waits_until(key, &now), at(600).wall_ns);
    assert_int_equal(limiter_waits_until(key, &turned), at(5580).wall_ns);
    assert_int_equal(when(key, 1, at(600)), 600);
    limiter_free(limiter);
}

/* It began and failed, both at these times, and what waits is told to wait for that long. */
static void end_failed(struct limiter_key *key, int64_t began_s, int64_t now_s, bool again,
                       int64_t wait_s)
{
    const struct moment began = at(began_s), now = at(now_s);

    limiter_end(key, &began);
    limiter_failed(key, &began, &now, again, wait_s * SECOND);
}

static void test_a_host_that_is_down_is_asked_by_one_at_a_time(void **state)
{
    const struct source_limits limits = {.concurrency = 9};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));
    const struct moment probed = at(40);

    (void)state;
    for (int i = 0; i < 9; i++)
        begin(limiter, key, 1, at(i));
    for (int i = 0; i < 3; i++)
        end_failed(key, i, 10, false, 7);
    end_failed(key, 3, 11, true, 7); /* one that fails for ever says nothing of the others */
    end_failed(key, 4, 11, false, 7);
    assert_int_equal(limiter_try_when(key), INT64_MIN);
    assert_int_equal(limiter_tries(key), 0);
    end_failed(key, 5, 12, false, 7);
    assert_int_equal(limiter_try_when(key), at(19).boot_ns);
    assert_int_equal(limiter_tries(key), 1);
    end_failed(key, 6, 15, false, 50); /* under way by then: it makes nothing longer */
    assert_int_equal(limiter_try_when(key), at(19).boot_ns);
    begin(limiter, key, 1, at(20));
    assert_int_equal(limiter_try_when(key), INT64_MAX);
    end_failed(key, 7, 21, false, 50);
    assert_int_equal(limiter_try_when(key), INT64_MAX);
    end_failed(key, 20, 22, true, 8); /* whatever it is that was asked then */
    assert_int_equal(limiter_try_when(key), at(30).boot_ns);
    assert_int_equal(limiter_tries(key), 2);
    limiter_try_now(key);
    assert_true(limiter_try_when(key) <= at(23).boot_ns);
    begin(limiter, key, 1, at(40));
    limiter_end(key, &probed); /* cancelled: nobody knows, and the next one may find out */
    assert_true(limiter_try_when(key) <= at(40).boot_ns);
    limiter_free(limiter);
}

static void test_a_host_that_answers_is_asked_by_all(void **state)
{
    const struct source_limits limits = {.concurrency = 99};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            begin(limiter, key, 1, at(i));
            end_failed(key, i, i, false, 7);
        }
        limiter_answered(key);
        assert_int_equal(limiter_try_when(key), INT64_MIN);
    }
    for (int i = 0; i < 5; i++) {
        begin(limiter, key, 1, at(10));
        end_failed(key, 10, 11, false, 7);
    }
    begin(limiter, key, 1, at(20)); /* one is under way, and another one's answer comes */
    assert_int_equal(limiter_try_when(key), INT64_MAX);
    limiter_answered(key);
    assert_int_equal(limiter_try_when(key), INT64_MIN);
    assert_int_equal(limiter_tries(key), 0);
    limiter_free(limiter);
}

/* The latest of all that holds. */
static void test_what_is_waited_for_is_told(void **state)
{
    static const struct source_rate rates[] = {
        {1, 60 * SECOND  },
        {2, 3600 * SECOND}
    };
    const struct source_limits limits = {
        .concurrency = 2, .rates = rates, .rate_count = COUNT_OF(rates), .daily = 3};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));
    struct source_rate rate = {0};
    struct moment now = at(10);

    (void)state;
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_NOTHING);
    begin(limiter, key, 1, now);
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_RATE);
    assert_int_equal(rate.span_ns, 60 * SECOND);
    begin(limiter, key, 1, at(70));
    now = at(80);
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_UNDER_WAY);
    end(key);
    end(key);
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_RATE);
    assert_int_equal(rate.span_ns, 3600 * SECOND);
    limiter_wait(key, &now, at(3000).wall_ns); /* before that hour is over */
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_RATE);
    limiter_wait(key, &now, at(4000).wall_ns);
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_TOLD);
    begin(limiter, key, 1, at(4000));
    end(key);
    now = at(8000);
    assert_int_equal(limiter_reason(key, 1, &now, &rate), LIMITER_DAY);
    limiter_free(limiter);
}

static void test_somebody_else_may_have_used_up_what_has_short_spans(void **state)
{
    static const struct source_rate rates[] = {
        {3, 60 * SECOND  },
        {5, 600 * SECOND },
        {7, 3600 * SECOND}
    };
    const struct source_limits limits = {.concurrency = 9, .rates = rates, .rate_count = 3};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(0));
    struct moment now = at(100);

    (void)state;
    limiter_held(key, &now, 60 * SECOND);
    assert_int_equal(when(key, 1, at(100)), 160);
    limiter_lost(key);
    limiter_held(key, &now, 600 * SECOND);
    assert_int_equal(when(key, 1, at(100)), 700);
    for (int seconds = 110; seconds < 700; seconds += 19) { /* it goes on */
        now = at(seconds);
        limiter_held(key, &now, 600 * SECOND);
    }
    assert_int_equal(when(key, 1, at(700)), 700);
    now = at(721); /* nobody knows what was in between */
    limiter_held(key, &now, 600 * SECOND);
    assert_int_equal(when(key, 1, at(721)), 1321);
    limiter_free(limiter);
}

static void test_notes_of_another_boot_are_as_old_as_the_wall_clock_says(void **state)
{
    static const struct source_rate rates[] = {
        {2, 60 * SECOND}
    };
    const struct source_limits limits = {.concurrency = 9, .rates = rates, .rate_count = 1};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = join(limiter, &limits, at(7));
    struct moment now = at(7);

    (void)state;
    limiter_recall(key, &now, &(struct moment){now.wall_ns - 20 * SECOND, INT64_MIN}, 1);
    limiter_recall(key, &now, &(struct moment){now.wall_ns + 900 * SECOND, INT64_MIN}, 1);
    assert_int_equal(when(key, 1, now), 47); /* 40 s are left of the first */
    assert_int_equal(when(key, 2, now), 67); /* and what lies ahead is of now */
    limiter_free(limiter);
}

static enum code refuse(void *context, struct bytes key, const struct moment *now, uint32_t weight,
                        struct error *err)
{
    (void)context;
    (void)key;
    (void)now;
    (void)weight;
    return error_set(err, E_DISK_FULL, "no space");
}

static void test_what_cannot_be_noted_does_not_begin(void **state)
{
    static const struct source_rate rates[] = {
        {1, 60 * SECOND}
    };
    static const struct limiter_notes notes = {refuse, NULL};
    const struct source_limits limits = {.concurrency = 1, .rates = rates, .rate_count = 1};
    struct limiter *limiter = new_limiter(&notes);
    struct limiter_key *key = join(limiter, &limits, at(0));
    struct moment now = at(0);
    struct error err = {0};

    (void)state;
    assert_int_equal(limiter_begin(limiter, key, 1, &now, &err), E_DISK_FULL);
    assert_int_equal(when(key, 1, now), 0);
    limiter_free(limiter);
}

static void test_keys_that_nobody_has_go_in_the_end(void **state)
{
    const struct source_limits limits = {.concurrency = 1};
    struct limiter *limiter = new_limiter(NULL);
    struct limiter_key *key = NULL;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) { /* what stays would be found by a sanitizer's clock alone */
        char name[16];
        struct moment now = at(i * 3600);

        snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(limiter_join(limiter, bytes_of(name), &limits, &now, &key, &err), OK);
        limiter_leave(key, &limits);
    }
    limiter_free(limiter);
}

/* --- whatever happens --- */

enum { LOG_MAX = 6000, SOURCES = 4, RATES = 3 };

struct world {
    struct random random;
    int64_t true_ns;   /* that passes for the host */
    int64_t booted_ns; /* of true_ns */
    int64_t wall_ahead_ns;
    struct begun_once {
        int64_t true_ns;
        struct moment moment;
        int64_t booted_ns;
        uint32_t weight;
    } log[LOG_MAX];
    size_t logged;
    struct source_rate rates[SOURCES][RATES];
    struct source_limits limits[SOURCES];
    bool joined[SOURCES];
    struct limiter *limiter;
    struct limiter_key *key;
    uint32_t under_way;
};

static struct moment now_of(const struct world *world)
{
    return (struct moment){world->true_ns + world->wall_ahead_ns,
                           world->true_ns - world->booted_ns};
}

/* Notes are the log. */
static enum code note(void *context, struct bytes key, const struct moment *now, uint32_t weight,
                      struct error *err)
{
    struct world *world = context;

    (void)key;
    (void)err;
    world->log[world->logged++] =
        (struct begun_once){world->true_ns, *now, world->booted_ns, weight};
    return OK;
}

static void world_join(struct world *world, size_t source)
{
    struct moment now = now_of(world);
    struct error err = {0};

    if (!world->joined[source])
        assert_int_equal(limiter_join(world->limiter, BYTES("k"), &world->limits[source], &now,
                                      &world->key, &err),
                         OK);
    world->joined[source] = true;
}

static void restart(struct world *world, const struct limiter_notes *notes, bool machine)
{
    struct moment now;

    limiter_free(world->limiter);
    world->limiter = new_limiter(notes);
    world->true_ns += (int64_t)random_below(&world->random, 3) * SECOND;
    if (machine)
        world->booted_ns = world->true_ns;
    world->under_way = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        bool joined = world->joined[i];

        world->joined[i] = false;
        if (joined || i == 0)
            world_join(world, i);
    }
    now = now_of(world);
    for (size_t i = 0; i < world->logged; i++) {
        struct moment began = world->log[i].moment;

        if (world->log[i].booted_ns != world->booted_ns)
            began.boot_ns = INT64_MIN;
        limiter_recall(world->key, &now, &began, world->log[i].weight);
    }
}

/* What the newest in the log does to each rate that holds, and to the days. */
static void check(const struct world *world)
{
    int64_t newest_ns = world->log[world->logged - 1].true_ns;

    for (size_t source = 0; source < SOURCES; source++)
        for (size_t i = 0; world->joined[source] && i < world->limits[source].rate_count; i++) {
            const struct source_rate *rate = &world->rates[source][i];
            uint64_t sum = 0;

            for (size_t at = world->logged;
                 at-- > 0 && world->log[at].true_ns > newest_ns - rate->span_ns;)
                sum += world->log[at].weight;
            if (sum > rate->count)
                fail_msg("%llu of %llu in %lld ns", (unsigned long long)sum,
                         (unsigned long long)rate->count, (long long)rate->span_ns);
        }
    for (size_t source = 0; source < SOURCES; source++) {
        int64_t day = world->log[world->logged - 1].moment.wall_ns / MOMENT_DAY;
        uint64_t sum = 0;

        for (size_t at = 0; at < world->logged; at++)
            if (world->log[at].moment.wall_ns / MOMENT_DAY == day)
                sum += world->log[at].weight;
        if (world->joined[source] && world->limits[source].daily > 0)
            assert_true(sum <= world->limits[source].daily);
    }
}

/* Without jumps: the earliest that the log allows. */
static int64_t earliest(const struct world *world, uint32_t weight)
{
    int64_t when_ns = world->true_ns;

    for (size_t source = 0; source < SOURCES; source++)
        for (size_t i = 0; world->joined[source] && i < world->limits[source].rate_count; i++) {
            const struct source_rate *rate = &world->rates[source][i];
            uint64_t sum = weight;

            for (size_t at = world->logged; at-- > 0;) {
                sum += world->log[at].weight;
                if (sum > rate->count) {
                    int64_t free_ns = world->log[at].true_ns + rate->span_ns;

                    when_ns = free_ns > when_ns ? free_ns : when_ns;
                    break;
                }
            }
        }
    return when_ns;
}

static void world_make(struct world *world, const struct limiter_notes *notes, bool daily)
{
    struct random random = world->random;

    memset(world, 0, sizeof(*world));
    world->random = random;
    world->true_ns = 400 * MOMENT_DAY;
    world->wall_ahead_ns = (int64_t)random_below(&world->random, 86400) * SECOND;
    world->booted_ns = world->true_ns - (int64_t)random_below(&world->random, 1000) * SECOND;
    for (size_t source = 0; source < SOURCES; source++) {
        struct source_limits *limits = &world->limits[source];

        limits->rates = world->rates[source];
        limits->rate_count = random_below(&world->random, RATES + 1);
        limits->concurrency = 1 + (uint32_t)random_below(&world->random, 4);
        limits->daily =
            daily && random_chance(&world->random, 2) ? 20 + random_below(&world->random, 60) : 0;
        for (size_t i = 0; i < RATES; i++)
            world->rates[source][i] =
                (struct source_rate){4 + random_below(&world->random, 30),
                                     (1 + (int64_t)random_below(&world->random, 400)) * SECOND};
    }
    world->limiter = new_limiter(notes);
    world_join(world, 0);
}

/* One thing happens. */
static void step(struct world *world, const struct limiter_notes *notes, bool jumps, bool boots)
{
    size_t source = 1 + random_below(&world->random, SOURCES - 1);

    switch (random_below(&world->random, 40)) {
    case 0:
        world_join(world, source);
        break;
    case 1:
        if (world->joined[source])
            limiter_leave(world->key, &world->limits[source]);
        world->joined[source] = false;
        break;
    case 2:
        restart(world, notes, boots && random_chance(&world->random, 2));
        break;
    case 3: /* to and fro; over a restart of the machine only back, as nobody knows better */
        if (jumps && boots)
            world->wall_ahead_ns -= (int64_t)random_below(&world->random, 3000) * SECOND;
        else if (jumps) /* half a day at most: a day is remembered for another one */
            world->wall_ahead_ns = (int64_t)random_below(&world->random, 40000) * SECOND;
        break;
    case 4:
    case 5:
    case 6:
        world->true_ns += (int64_t)random_below(&world->random, 200) * SECOND;
        break;
    default:
        if (world->under_way > 0 && random_chance(&world->random, 2)) {
            end(world->key);
            world->under_way--;
        }
        world->true_ns += (int64_t)random_below(&world->random, 3) * SECOND / 2;
        break;
    }
}

static void ask(struct world *world, bool exact)
{
    uint32_t weight = 1 + (uint32_t)random_below(&world->random, 4);
    struct moment now = now_of(world);
    int64_t when_ns = limiter_when(world->key, weight, &now);
    struct error err = {0};

    if (when_ns == INT64_MAX) {
        assert_true(world->under_way > 0);
        end(world->key);
        world->under_way--;
        return;
    }
    if (exact)
        assert_int_equal(when_ns <= now.boot_ns ? world->true_ns : when_ns + world->booted_ns,
                         earliest(world, weight));
    if (when_ns > now.boot_ns + (int64_t)random_below(&world->random, 60) * SECOND &&
        !random_chance(&world->random, 30))
        return;
    world->true_ns += when_ns > now.boot_ns ? when_ns - now.boot_ns : 0;
    now = now_of(world);
    if (limiter_when(world->key, weight, &now) > now.boot_ns)
        fail_msg("it said %lld", (long long)when_ns);
    assert_int_equal(limiter_begin(world->limiter, world->key, weight, &now, &err), OK);
    limiter_sent(world->key, weight, &now);
    world->under_way++;
    check(world);
}

/* `daily`: with budgets of days, too. */
static void run(bool jumps, bool boots, bool daily)
{
    static struct world world;
    const struct limiter_notes notes = {note, &world};

    seed_random(&world.random);
    for (int round = 0; round < 60; round++) {
        size_t begun = 0;

        world_make(&world, &notes, daily);
        for (int i = 0; i < 1500 && world.logged < LOG_MAX; i++) {
            step(&world, &notes, jumps, boots);
            ask(&world, !jumps && !daily);
            begun = world.logged;
        }
        assert_true(begun > 20); /* it does not just refuse */
        limiter_free(world.limiter);
    }
}

static void test_never_more_and_never_later_than_needed(void **state)
{
    (void)state;
    run(false, false, false);
    run(false, true, false);
}

static void test_never_more_whatever_the_wall_clock_does(void **state)
{
    (void)state;
    run(true, false, false);
    run(true, false, true);
}

static void test_never_more_when_the_machine_restarts_with_a_clock_set_back(void **state)
{
    (void)state;
    run(true, true, false);
    run(false, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_begin_in_a_span_wherever_it_begins),
        cmocka_unit_test(test_what_has_begun_and_not_gone_out_counts_as_of_now),
        cmocka_unit_test(test_the_strictest_of_all_who_joined_holds),
        cmocka_unit_test(test_nobody_asks_until_the_latest_wait_is_over_whatever_the_clock_says),
        cmocka_unit_test(test_a_host_that_is_down_is_asked_by_one_at_a_time),
        cmocka_unit_test(test_a_host_that_answers_is_asked_by_all),
        cmocka_unit_test(test_what_is_waited_for_is_told),
        cmocka_unit_test(test_somebody_else_may_have_used_up_what_has_short_spans),
        cmocka_unit_test(test_notes_of_another_boot_are_as_old_as_the_wall_clock_says),
        cmocka_unit_test(test_what_cannot_be_noted_does_not_begin),
        cmocka_unit_test(test_keys_that_nobody_has_go_in_the_end),
        cmocka_unit_test(test_never_more_and_never_later_than_needed),
        cmocka_unit_test(test_never_more_whatever_the_wall_clock_does),
        cmocka_unit_test(test_never_more_when_the_machine_restarts_with_a_clock_set_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
