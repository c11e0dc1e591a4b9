#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/directory.h"
#include "server/registry_place.h"

static void test_a_place_is_judged_without_telling_secrets(void **state)
{
    static const struct {
        const char *registry, *credentials, *want; /* NULL: it will do */
    } cases[] = {
        {"zookeeper://a:1,b:2/weir", NULL,    NULL                    },
        {"zookeeper://a:1",          "/file", NULL                    },
        {"/var/lib/registry",        NULL,    NULL                    },
        {"zookeeper://",             NULL,    "no host"               },
        {"zookeeper://u:canary@a:1", NULL,    "has no place"          },
        {"zookeper://a:1",           NULL,    "want zookeeper://"     },
        {"/var/lib/registry",        "/file", "for zookeeper:// alone"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct settings settings = {.registry = cases[i].registry,
                                          .registry_credentials_file = cases[i].credentials};
        struct error err = {0};
        enum code code = registry_place_check(&settings, &err);

        if ((code != OK) != (cases[i].want != NULL) || (code && !strstr(err.text, cases[i].want)) ||
            strstr(err.text, "canary"))
            fail_msg("%s: %s", cases[i].registry, err.text);
    }
}

static void test_credentials_come_from_a_file_of_ours_alone(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    char path[] = "/tmp/weir-credentials-XXXXXX";
    struct settings settings = {.registry = "zookeeper://127.0.0.1:1",
                                .registry_credentials_file = path};
    struct registry *registry = NULL;
    struct error err = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(registry_place_open(&settings, &rules, &registry, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "is empty"));
    assert_int_equal(write(fd, "user:canary\n", 12), 12);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(registry_place_open(&settings, &rules, &registry, &err), E_CONFIG);
    assert_null(registry);
    assert_null(strstr(err.text, "canary"));
    assert_int_equal(fchmod(fd, 0600), 0);
    if (registry_place_open(&settings, &rules, &registry, &err))
        fail_msg("%s", err.text);
    assert_int_equal(registry_place_renew(&settings, registry, &err), OK);
    registry_close(registry);
    close(fd);
    unlink(path);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

/* A byte more than was written. */
static void damage(const char *place)
{
    char path[80];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tenants/bolt", place);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
}

static void test_who_there_is_can_be_asked_once(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    char place[] = "/tmp/weir-place-XXXXXX";
    const struct settings settings = {.registry = place}, nowhere = {.registry = "/nowhere/at/all"};
    struct directory_snapshot *snapshot = NULL;
    struct registry *registry = NULL;
    struct error err = {0};
    uint64_t version;

    (void)state;
    assert_non_null(mkdtemp(place));
    if (registry_place_open(&settings, &rules, &registry, &err) ||
        registry_put(registry, REGISTRY_TENANTS, BYTES("acme"), 0, BYTES("{}"), &version, &err) ||
        registry_place_directory(&settings, true, &snapshot, &err))
        fail_msg("%s", err.text);
    assert_non_null(directory_tenant(snapshot, BYTES("acme")));
    directory_put(snapshot);
    if (registry_put(registry, REGISTRY_TENANTS, BYTES("bolt"), 0, BYTES("{"), &version, &err))
        fail_msg("%s", err.text);
    registry_close(registry);
    assert_int_equal(registry_place_directory(&settings, true, &snapshot, &err), E_CONFIG);
    assert_null(snapshot);
    assert_non_null(strstr(err.text, "their records are not right: bolt"));
    assert_int_equal(registry_place_directory(&settings, false, &snapshot, &err), OK);
    assert_non_null(directory_tenant(snapshot, BYTES("acme")));
    assert_null(directory_tenant(snapshot, BYTES("bolt")));
    directory_put(snapshot);
    damage(place);
    assert_int_equal(registry_place_directory(&settings, true, &snapshot, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "tenants/bolt: byte"));
    assert_int_not_equal(registry_place_directory(&nowhere, true, &snapshot, &err), OK);
    assert_null(snapshot);
    assert_non_null(strstr(err.text, "registry: "));
    assert_int_equal(nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_is_judged_without_telling_secrets),
        cmocka_unit_test(test_credentials_come_from_a_file_of_ours_alone),
        cmocka_unit_test(test_who_there_is_can_be_asked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
