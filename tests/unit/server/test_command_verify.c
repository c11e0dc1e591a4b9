#include "tests/unit/server/filled.h"

#include "server/commands.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

static void test_a_sound_directory_is_counted_and_passes(void **state)
{
    static const char *const requests[] = {
        POST_5("/v1/points", "m f=1"),
        FLUSH,
        POST_5("/v1/points", "m f=2"),
    };
    char data[] = "/tmp/weir-verify-XXXXXX";
    const char *const line[] = {"verify", "--data", data, NULL};

    (void)state;
    directory_make(data);
    serve(data, requests, COUNT_OF(requests));
    captured_run(command_verify, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "packs 1 (1 rows,"));
    assert_non_null(strstr(captured.out, "wal 1 records (1 rows), 0 torn"));
    assert_non_null(strstr(captured.out, "0 faults"));
    directory_remove(data);
}

/* The segment that was begun: the first one, unless that was still being made when the second was
 * there. */
static void find_begun(const char *data, char *path, size_t size)
{
    for (unsigned id = 1; id < 4; id++) {
        char magic[8] = {0};
        FILE *file;

        snprintf(path, size, "%s/wal/%016x.wal", data, id);
        file = fopen(path, "r");
        if (file == NULL)
            continue;
        (void)!fread(magic, 1, sizeof(magic), file);
        fclose(file);
        if (memcmp(magic, "WEIRWAL1", sizeof(magic)) == 0)
            return;
    }
    fail_msg("no segment was begun");
}

/* Two commits and a flipped bit in the first: the second proves that the first was acknowledged. */
static void test_damage_is_named_and_the_exit_code_tells(void **state)
{
    static const char *const requests[] = {POST_5("/v1/points", "m f=1"),
                                           POST_5("/v1/points", "m f=2")};
    static const char *const question[] = {GET("/v1/query?measurement=m")};
    static const char *const flush[] = {FLUSH};
    char data[] = "/tmp/weir-verify-XXXXXX", path[128];
    const char *const line[] = {"verify", "--data", data, NULL};
    const char *const accept[] = {"verify", "--data", data, "--accept-loss", NULL};
    FILE *file;
    int byte;

    (void)state;
    directory_make(data);
    serve(data, requests, COUNT_OF(requests));
    find_begun(data, path, sizeof(path));
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 512 + 60, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, 512 + 60, SEEK_SET), 0);
    fputc(byte ^ 1, file);
    fclose(file);
    captured_run(command_verify, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.out, "damaged: wal segment 0000000000000001, byte"));

    /* A start tells the gap, keeps it, and has what came after. */
    serve(data, question, COUNT_OF(question));
    assert_non_null(strstr(answer, ",2.0]]}]"));
    assert_non_null(strstr(answer, "\"partial\":true"));
    captured_run(command_verify, accept, &captured);
    assert_non_null(strstr(captured.out, "accepted 1 losses"));
    assert_non_null(strstr(captured.out, "what is still damaged")); /* the wal shows it again */

    /* Once the rows around the gap are in packs, the loss is over. */
    serve(data, flush, COUNT_OF(flush));
    captured_run(command_verify, accept, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    serve(data, question, COUNT_OF(question));
    assert_non_null(strstr(answer, "\"partial\":false"));
    directory_remove(data);
}

static void test_a_directory_that_is_not_there_is_said_so(void **state)
{
    static const char *const line[] = {"verify", "--data", "/no/such/place", NULL};

    (void)state;
    captured_run(command_verify, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "/no/such/place"));
}

static void test_a_directory_that_is_served_is_named(void **state)
{
    char data[] = "/tmp/weir-verify-XXXXXX";
    const char *const line[] = {"verify", "--data", data, NULL};
    struct settings settings = {.data = data, .listen = "127.0.0.1:0", .drain_ms = 2000};
    struct server *server;
    struct error err = {0};

    (void)state;
    directory_make(data);
    limits_init(&settings.limits);
    assert_int_equal(server_start(&settings, &server, &err), OK);
    captured_run(command_verify, line, &captured);
    server_stop(server);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, data));
    assert_non_null(strstr(captured.err, "stop the server first"));
    directory_remove(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_directory_is_counted_and_passes),
        cmocka_unit_test(test_damage_is_named_and_the_exit_code_tells),
        cmocka_unit_test(test_a_directory_that_is_not_there_is_said_so),
        cmocka_unit_test(test_a_directory_that_is_served_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
