/* Every allocation fails while records become the directory: what was in force stays, or all of the
 * new is; memory that ran out is never taken for a record that is not right. */
#include "tests/loops/loop.h"

#include "base/log.h"
#include "discovery/registered.h"
#include "discovery/registry_core.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct registry_record right[] = {
    {REGISTRY_TENANTS, false, BYTES("a"),
     BYTES("{\"limits\":{\"series_max\":7},\"shards\":[\"n\",\"s\"],\"tokens\":[{\"id\":\"x\","
           "\"sha256\":\"" HASH "\",\"scopes\":[\"read\"],\"note\":\"y\"}]}"),
     1                                                                                          },
    {REGISTRY_TENANTS, false, BYTES("b"), BYTES("{\"shards\":[\"n\"]}"),                       2},
    {REGISTRY_SHARDS,  false, BYTES("n"), BYTES("{\"uri\":\"mongodb://h\",\"region\":\"r\"}"), 3},
    {REGISTRY_SHARDS,  false, BYTES("s"), BYTES("{\"uri\":\"mongodb://h\"}"),                  4},
};

/* One that is not right, and a shard that is deleted under its tenants. */
static const struct registry_record wrong[] = {
    {REGISTRY_TENANTS, false, BYTES("a"), BYTES("{\"limit\":1}"),             5},
    {REGISTRY_TENANTS, false, BYTES("b"), BYTES("{\"shards\":[\"n\"]}"),      2},
    {REGISTRY_SHARDS,  false, BYTES("n"), BYTES("{\"state\":\"deleted\"}"),   6},
    {REGISTRY_SHARDS,  false, BYTES("s"), BYTES("{\"uri\":\"mongodb://h\"}"), 4},
};

static size_t fault_count(const struct registered *registered)
{
    size_t count;

    (void)registered_faults(registered, &count);
    return count;
}

static enum code loop_build(struct error *err)
{
    struct registry_snapshot *first = registry_snapshot_new(right, COUNT_OF(right));
    struct registry_snapshot *second = registry_snapshot_new(wrong, COUNT_OF(wrong));
    struct directory_snapshot *made = NULL;
    struct registered *registered = NULL;
    struct limits node;
    enum code code;

    limits_init(&node);
    ARMED(code = registered_new(NULL, &registered, err));
    if (code)
        goto out;
    ARMED(code = registered_build(registered, first, &node, &made, err));
    assert_int_equal(fault_count(registered), 0);
    if (code)
        goto out;
    assert_int_equal(directory_tenant_count(made), 2);
    directory_put(made);
    ARMED(code = registered_build(registered, second, &node, &made, err));
    assert_int_equal(fault_count(registered), code ? 0 : 2);
    if (code) /* nothing has changed: the same succeeds afterwards */
        assert_int_equal(registered_build(registered, second, &node, &made, NULL), OK);
    assert_int_equal(fault_count(registered), 2);
    assert_int_equal(directory_tenant(made, BYTES("a"))->limits.series_max, 7);
    assert_non_null(directory_shard(made, BYTES("n")));

out:
    directory_put(made);
    registered_free(registered);
    registry_snapshot_put(first);
    registry_snapshot_put(second);
    return code;
}

static const struct loop loops[] = {
    {"registered: build", loop_build, {0}},
};

static void test_what_was_in_force_stays_or_all_of_the_new_is(void **state)
{
    (void)state;
    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_in_force_stays_or_all_of_the_new_is),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
