/* Stands in for functions of zookeeper_link.c: answers come from a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/registry_core.h"
#include "discovery/zookeeper_reader.h"
#include "discovery/zookeeper_work.h"

/* A link that only counts what went out; linked in place of the real one. */
static size_t lists, reads, creates;
static bool deaf; /* nothing can be sent */

bool link_list(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link;
    (void)path;
    (void)tag;
    lists += !deaf;
    return !deaf;
}

bool link_read(struct zookeeper_link *link, const char *path, bool watch,
               const struct link_tag *tag)
{
    (void)link;
    (void)path;
    (void)tag;
    assert_true(watch);
    reads += !deaf;
    return !deaf;
}

static char made[8][LINK_PATH_SIZE_MAX];

bool link_create(struct zookeeper_link *link, const char *path, struct bytes text, bool ephemeral,
                 const struct link_tag *tag)
{
    (void)link;
    (void)text;
    (void)tag;
    assert_false(ephemeral);
    if (!deaf)
        snprintf(made[creates++ % 8], LINK_PATH_SIZE_MAX, "%s", path);
    return !deaf;
}

static enum code put(struct registry *registry, enum registry_kind kind, struct bytes name,
                     uint64_t expected, struct bytes text, uint64_t *version, struct error *err)
{
    (void)registry;
    (void)kind;
    (void)name;
    (void)expected;
    (void)text;
    (void)version;
    return error_set(err, E_NOT_READY, "nothing");
}

static const struct registry_operations operations = {.put = put};
static const struct zookeeper_address address = {.root = "/a/weir"};
static struct registry registry;

static int setup(void **state)
{
    const struct registry_rules rules = {0};

    (void)state;
    return (int)registry_core_init(&registry, &operations, &rules, NULL);
}

static int teardown(void **state)
{
    (void)state;
    registry_core_release(&registry);
    return 0;
}

static void begin(struct zookeeper_reader *reader)
{
    lists = reads = creates = 0;
    deaf = false;
    zookeeper_reader_init(reader, &registry);
    zookeeper_reader_want(reader);
}

static void send(struct zookeeper_reader *reader)
{
    zookeeper_reader_send(reader, NULL, &address);
}

static void tell(struct zookeeper_reader *reader, unsigned what, enum registry_kind kind,
                 const char *name, enum link_outcome outcome, size_t size)
{
    struct link_event event = {
        .kind = LINK_ANSWER, .outcome = outcome, .tag = {.what = what, .kind = kind}
    };
    static char a[] = "a", b[] = "b";
    char *names[] = {a, b};

    snprintf(event.tag.name, sizeof(event.tag.name), "%s", name);
    if (what == WORK_LIST && outcome == LINK_OK) {
        event.names = names;
        event.name_count = size;
    } else if (what == WORK_READ && outcome == LINK_OK) {
        event.text = (struct bytes){calloc(1, size + 1), size};
        event.node.changed = 7;
    }
    zookeeper_reader_take(reader, &event, NULL, &address);
    free((char *)event.text.data);
}

/* All directories are there, with so many records in that of the tenants. */
static void tell_lists(struct zookeeper_reader *reader, size_t count)
{
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        tell(reader, WORK_LIST, (enum registry_kind)i, "", LINK_OK,
             i == REGISTRY_TENANTS ? count : 0);
}

static size_t present(const struct zookeeper_reader *reader)
{
    size_t count;

    free(zookeeper_nodes_records(&reader->nodes, &count));
    return count;
}

static void test_it_is_quiet_when_all_is_read_and_not_before(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    assert_false(zookeeper_reader_quiet(&reader));
    send(&reader);
    send(&reader);
    assert_int_equal(lists, REGISTRY_KIND_COUNT); /* each once */
    assert_false(zookeeper_reader_quiet(&reader));
    tell_lists(&reader, 2);
    assert_false(zookeeper_reader_quiet(&reader));
    send(&reader);
    assert_int_equal(reads, 2);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_OK, 3);
    assert_false(zookeeper_reader_quiet(&reader));
    zookeeper_reader_changed(&reader, "/a/weir/tenants/a", &address); /* in the meantime */
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "b", LINK_ABSENT, 0);
    assert_false(zookeeper_reader_quiet(&reader));
    send(&reader);
    assert_int_equal(reads, 3);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_OK, 4);
    assert_true(zookeeper_reader_quiet(&reader) && reader.unpublished);
    assert_int_equal(present(&reader), 1);
    zookeeper_reader_changed(&reader, "/a/weir/shards", &address);
    zookeeper_reader_changed(&reader, "/somewhere/else", &address);
    assert_false(zookeeper_reader_quiet(&reader));
    send(&reader);
    assert_int_equal(lists, REGISTRY_KIND_COUNT + 1);
    zookeeper_reader_release(&reader);
}

static void test_what_is_lost_is_asked_again(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    send(&reader);
    tell_lists(&reader, 1);
    tell(&reader, WORK_LIST, REGISTRY_SHARDS, "", LINK_LOST, 0);
    send(&reader);
    assert_int_equal(lists, REGISTRY_KIND_COUNT + 1);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_LOST, 0);
    deaf = true; /* no memory, or no connection */
    send(&reader);
    assert_false(zookeeper_reader_quiet(&reader));
    deaf = false;
    send(&reader);
    assert_int_equal(reads, 2);
    zookeeper_reader_lost(&reader);
    zookeeper_reader_want(&reader);
    send(&reader);
    assert_int_equal(lists, 2 * REGISTRY_KIND_COUNT + 1);
    zookeeper_reader_forget(&reader);
    assert_int_equal(present(&reader), 0);
    zookeeper_reader_release(&reader);
}

static void test_a_directory_that_is_missing_is_made(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    send(&reader);
    tell_lists(&reader, 0);
    assert_true(zookeeper_reader_quiet(&reader));
    zookeeper_reader_changed(&reader, "/a/weir/leases", &address);
    send(&reader);
    tell(&reader, WORK_LIST, REGISTRY_LEASES, "", LINK_ABSENT, 0);
    assert_int_equal(creates, 3);
    assert_string_equal(made[0], "/a");
    assert_string_equal(made[1], "/a/weir");
    assert_string_equal(made[2], "/a/weir/leases");
    assert_false(zookeeper_reader_quiet(&reader));
    lists = 0;
    send(&reader); /* not while it is being made */
    assert_int_equal(lists, 0);
    tell(&reader, WORK_TREE, REGISTRY_LEASES, "", LINK_THERE, 0);
    send(&reader);
    assert_int_equal(lists, 1);
    zookeeper_reader_release(&reader);
}

static void test_without_rights_nothing_is_asked_for_a_while(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    send(&reader);
    tell_lists(&reader, 1);
    tell(&reader, WORK_LIST, REGISTRY_TENANTS, "", LINK_REFUSED, 0);
    assert_true(reader.refused && reader.again_ns > 0);
    assert_false(zookeeper_reader_quiet(&reader));
    assert_int_equal(registry_health(&registry).state, REGISTRY_REFUSED);
    assert_non_null(strstr(registry_health(&registry).text, "no rights on /a/weir/tenants: are"));
    reads = lists = 0;
    send(&reader);
    assert_int_equal(reads + lists, 0);
    zookeeper_reader_want(&reader);
    send(&reader);
    assert_int_equal(reads, 1);
    zookeeper_reader_release(&reader);
}

static void test_a_record_that_cannot_be_read_stops_no_other(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    send(&reader);
    tell_lists(&reader, 2);
    send(&reader);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_REFUSED, 0);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "b", LINK_OK, 3);
    assert_true(zookeeper_reader_quiet(&reader) && reader.unpublished);
    assert_int_equal(present(&reader), 1);
    assert_int_equal(reader.nodes.refused_count, 1);
    assert_non_null(strstr(reader.complaint, "no rights on /a/weir/tenants/a"));
    reads = 0;
    send(&reader); /* not before some time has passed */
    assert_int_equal(reads, 0);
    reader.refused_again_ns = 0;
    send(&reader);
    assert_int_equal(reads, 1);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_FAILED, 0);
    assert_true(zookeeper_reader_quiet(&reader));
    assert_int_equal(reader.nodes.refused_count, 1);
    assert_non_null(strstr(reader.complaint, "/a/weir/tenants/a cannot be read"));
    zookeeper_reader_changed(&reader, "/a/weir/tenants/a", &address);
    send(&reader);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_OK, 3);
    assert_true(zookeeper_reader_quiet(&reader));
    assert_int_equal(present(&reader), 2);
    assert_int_equal(reader.nodes.refused_count, 0);
    zookeeper_reader_release(&reader);
}

static void test_a_record_has_a_largest_size(void **state)
{
    struct zookeeper_reader reader;

    (void)state;
    begin(&reader);
    send(&reader);
    tell_lists(&reader, 2);
    send(&reader);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "a", LINK_OK, REGISTRY_TEXT_SIZE_MAX);
    tell(&reader, WORK_READ, REGISTRY_TENANTS, "b", LINK_OK, REGISTRY_TEXT_SIZE_MAX + 1);
    assert_true(zookeeper_reader_quiet(&reader));
    assert_int_equal(present(&reader), 1);
    assert_non_null(zookeeper_nodes_find(&reader.nodes, REGISTRY_TENANTS, BYTES("a")));
    zookeeper_reader_release(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_quiet_when_all_is_read_and_not_before),
        cmocka_unit_test(test_what_is_lost_is_asked_again),
        cmocka_unit_test(test_a_directory_that_is_missing_is_made),
        cmocka_unit_test(test_without_rights_nothing_is_asked_for_a_while),
        cmocka_unit_test(test_a_record_that_cannot_be_read_stops_no_other),
        cmocka_unit_test(test_a_record_has_a_largest_size),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
