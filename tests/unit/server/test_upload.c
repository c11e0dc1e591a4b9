#include "tests/unit/server/own_file.h"

#include "server/resume.h"
#include "server/upload.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define DONE "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
#define JSON(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

/* Parts of so few bytes that every line is one. */
static void upload_for(struct upload *upload, struct remote *remote, const char *url,
                       const char *format)
{
    static const char *no_values[1];
    struct arguments own = {NULL, 0, no_values};
    const struct remote_line line = {"usage\n", &own, NULL};
    char *argv[] = {(char *)"test", (char *)"--url", (char *)url, (char *)"--retry-for=5s",
                    (char *)"--quiet"};
    int exit_code;

    assert_true(remote_open(&line, COUNT_OF(argv), argv, remote, &exit_code));
    *upload = (struct upload){.remote = remote, .target = BYTES("/v1/points"), .part_bytes = 12};
    assert_int_equal(points_format_named(bytes_of(format), &upload->format, NULL), OK);
}

static const char *body_of(const struct script *script, size_t connection)
{
    return strstr(script->seen[connection], "\r\n\r\n") + 4;
}

static void key_of(const struct script *script, size_t connection, char key[64])
{
    const char *at = strstr(script->seen[connection], "Idempotency-Key: ");

    assert_non_null(at);
    assert_int_equal(sscanf(at + 17, "%63s", key), 1);
}

static void test_parts_are_cut_at_lines_and_have_keys_of_their_own(void **state)
{
    /* The first answer is lost: the same part goes again, with the same key. */
    static const char *const answers[] = {"HTTP", DONE, DONE, DONE, NULL};
    char keys[4][64];
    struct upload upload;
    struct remote remote;
    struct error err = {0};
    struct script script;

    (void)state;
    own_file_write("a v=1 1\nb v=2 2\n\nc s=\"x\ny\" 3");
    script_begin(&script, answers);
    upload_for(&upload, &remote, script.url, "line_protocol");
    if (upload_file(&upload, path, &err))
        fail_msg("%s", err.text);
    assert_string_equal(body_of(&script, 0), "a v=1 1\n");
    assert_string_equal(body_of(&script, 1), "a v=1 1\n");
    assert_string_equal(body_of(&script, 2), "b v=2 2\n\n");
    assert_string_equal(body_of(&script, 3), "c s=\"x\ny\" 3");
    for (size_t i = 0; i < 4; i++)
        key_of(&script, i, keys[i]);
    assert_string_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[1], keys[2]);
    assert_string_not_equal(keys[2], keys[3]);
    assert_int_equal(upload.lines, 5);
    assert_int_equal(upload.bytes, 28);
    assert_int_equal(upload.parts, 3);
    script_end(&script);
    remote_close(&remote);
}

static void test_csv_has_its_head_in_every_part(void **state)
{
    static const char *const answers[] = {DONE, DONE, DONE, NULL};
    struct upload upload;
    struct remote remote;
    struct script script;

    (void)state;
    own_file_write("time,v\n1,1\n2,222222\n3,3\n");
    script_begin(&script, answers);
    upload_for(&upload, &remote, script.url, "csv");
    assert_int_equal(upload_file(&upload, path, NULL), OK);
    assert_string_equal(body_of(&script, 0), "time,v\n1,1\n");
    assert_string_equal(body_of(&script, 1), "time,v\n2,222222\n");
    assert_string_equal(body_of(&script, 2), "time,v\n3,3\n");
    assert_non_null(strstr(script.seen[0], "Content-Type: text/csv\r\n"));
    script_end(&script);
    remote_close(&remote);
}

static void test_csv_without_a_head_has_none_in_its_parts(void **state)
{
    static const char *const answers[] = {DONE, DONE, NULL};
    struct upload upload;
    struct remote remote;
    struct script script;

    (void)state;
    own_file_write("1,1\n2,222222\n");
    script_begin(&script, answers);
    upload_for(&upload, &remote, script.url, "csv");
    upload.headless = true;
    assert_int_equal(upload_file(&upload, path, NULL), OK);
    assert_string_equal(body_of(&script, 0), "1,1\n");
    assert_string_equal(body_of(&script, 1), "2,222222\n");
    script_end(&script);
    remote_close(&remote);
}

static const struct {
    const char *name, *format, *text, *answers[3];
    enum code want;
    const char *out, *told; /* a part of stdout; of the error */
    uint64_t refused;
} refusals[] = {
    {"the line of a later part",
     "line_protocol", "a v=1 1\nb v=2 2\nc v=x 3\n",
     {DONE, JSON("400 Bad", "{\"code\":\"invalid_points\",\"errors\":[{\"line\":1,\"code\":\"bad\","
                            "\"detail\":\"no\"}]}")},
     E_INVALID_POINTS, "\"line\":2,\"code\":\"bad\",\"detail\":\"no\"}",
     "nothing of lines 2 to 2 is stored", 1},
    {"the head of CSV is no line of a part",
     "csv",           "time,v\n1,1\n2,2222\n3,x\n",
     {DONE, JSON("400 Bad", "{\"code\":\"invalid_points\",\"errors\":[{\"line\":2,\"code\":\"bad\","
                            "\"detail\":\"no\"}]}")},
     E_INVALID_POINTS, "\"line\":4,",
     "lines 4 to 4",                      1},
    {"skipped lines",
     "line_protocol", "a v=1 1\n",
     {JSON("200 OK", "{\"accepted\":0,\"rejected\":3,\"errors\":[{\"line\":1,\"code\":\"bad\","
                     "\"detail\":\"no\"}]}")},
     OK,               "\"line\":1,",
     "",                                  3},
    {"JSON tells points",
     "json",          "[1]",
     {JSON("400 Bad", "{\"code\":\"invalid_points\",\"errors\":[{\"line\":7,\"code\":\"bad\","
                      "\"detail\":\"no\"}]}")},
     E_INVALID_POINTS, "\"point\":7,",
     "nothing of the file",               1},
    {"too large",
     "line_protocol", "a v=1 1\n",
     {JSON("413 Large", "{\"code\":\"body_too_large\",\"detail\":\"big\"} ")},
     E_BODY_LARGE,     "",
     "--batch-bytes",                     0},
};

static size_t refusal_at;

/* As a command, so that stdout can be caught. */
static int refuse(int argc, char **argv)
{
    const char *answers[3] = {refusals[refusal_at].answers[0], refusals[refusal_at].answers[1]};
    struct upload upload;
    struct remote remote;
    struct error err = {0};
    struct script script;
    enum code code;

    (void)argc;
    (void)argv;
    own_file_write(refusals[refusal_at].text);
    script_begin(&script, answers);
    upload_for(&upload, &remote, script.url, refusals[refusal_at].format);
    upload.json = true;
    code = upload_file(&upload, path, &err);
    if (code != refusals[refusal_at].want || !strstr(err.text, refusals[refusal_at].told) ||
        upload.refused != refusals[refusal_at].refused)
        printf("%d, %s, %d refused", code, err.text, (int)upload.refused);
    script_end(&script);
    remote_close(&remote);
    return 0;
}

static void test_refused_lines_are_those_of_the_file(void **state)
{
    static struct captured captured;
    static const char *const line[] = {"refuse", NULL};

    (void)state;
    for (refusal_at = 0; refusal_at < COUNT_OF(refusals); refusal_at++) {
        captured_run(refuse, line, &captured);
        if (!strstr(captured.out, refusals[refusal_at].out) || strstr(captured.out, "refused"))
            fail_msg("%s: %s", refusals[refusal_at].name, captured.out);
    }
}

static void test_a_later_run_goes_on_where_the_first_stopped(void **state)
{
    static const char *const first[] = {DONE, "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n",
                                        NULL};
    static const char *const second[] = {DONE, NULL};
    static const struct hash128 options = {{1}};
    char state_path[64];
    struct upload upload;
    struct remote remote;
    struct error err = {0};
    struct script script;

    (void)state;
    (void)snprintf(state_path, sizeof(state_path), "%s.state", path);
    for (int run = 0; run < 3; run++) {
        own_file_write(run < 2 ? "a v=1 1\nb v=2 2\n" : "A v=1 1\nb v=2 2\n");
        script_begin(&script, run == 0 ? first : second);
        upload_for(&upload, &remote, script.url, "line_protocol");
        assert_int_equal(resume_open(state_path, &options, &upload.resume, NULL), OK);
        if (run == 0) {
            assert_int_equal(upload_file(&upload, path, &err), E_BAD_REQUEST);
            assert_int_equal(upload.line_stored, 1);
        } else if (run == 1) {
            assert_int_equal(upload_file(&upload, path, &err), OK);
            assert_int_equal(script.connections, 1);
            assert_string_equal(body_of(&script, 0), "b v=2 2\n");
        } else {
            assert_int_equal(upload_file(&upload, path, &err), E_CONFIG);
            assert_non_null(strstr(err.text, "have changed since"));
        }
        script_end(&script);
        resume_close(upload.resume);
        remote_close(&remote);
    }
    (void)unlink(state_path);
}

static void test_a_line_without_end_is_refused_here(void **state)
{
    static const char *const none[] = {NULL};
    struct upload upload;
    struct remote remote;
    struct error err = {0};
    struct script script;
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (64 << 20) + 1), 0);
    fclose(file);
    script_begin(&script, none);
    upload_for(&upload, &remote, script.url, "line_protocol");
    assert_int_equal(upload_file(&upload, path, &err), E_LINE_LONG);
    assert_non_null(strstr(err.text, "line 1 does not end within 64 MiB"));
    script_end(&script);
    remote_close(&remote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_cut_at_lines_and_have_keys_of_their_own),
        cmocka_unit_test(test_csv_has_its_head_in_every_part),
        cmocka_unit_test(test_csv_without_a_head_has_none_in_its_parts),
        cmocka_unit_test(test_refused_lines_are_those_of_the_file),
        cmocka_unit_test(test_a_later_run_goes_on_where_the_first_stopped),
        cmocka_unit_test(test_a_line_without_end_is_refused_here),
    };

    return cmocka_run_group_tests(tests, own_file_make, own_file_remove);
}
