#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/reply.h"

/* docs/reference/errors.md is printed here, from the table of codes, their statuses and what to do;
 * the test holds the file to it.  `make errors-page` writes it anew. */

/* NULL: no answer carries the code. */
static const char *const advice[CODE_COUNT] = {
    [E_MEMORY] = "Send again after Retry-After. If it stays: the machine or its limits are too "
                 "small for the load.",
    [E_BUSY] = "Send again after Retry-After. If it stays: the text names what is full "
               "(`ingest_bytes_max`, `head_bytes_max`, `wal_bytes_max`, workers).",
    [E_DISK_FULL] = "Make room; it heals alone. Clients go on sending the same requests.",
    [E_IO] = "Look at the disk and restart. Nothing is acknowledged until then. If the write was "
             "under way, send it again with its Idempotency-Key.",
    [E_CORRUPT] = "Run `weir verify`; it names what is damaged. Restore it, or accept the loss "
                  "(`weir verify --accept-loss`).",
    [E_CLOCK_SKEW] =
        "Put the machine's clock right, or restart with `--accept-clock` when the jump was right. "
        "In a cluster only the node refuses whose clock is ahead of the others', or a minute "
        "behind most of them: send to another one.",
    [E_DRAINING] = "Send again after Retry-After, to the server that takes over.",
    [E_NOT_READY] = "Send again after Retry-After.",
    [E_NO_MEMBER] =
        "Send it to another node. The text tells what the registry says of this one "
        "(`weir member list`): draining, drained, lost, or without a number, as all are given.",
    [E_SHARD] =
        "The text names the shard and the times of the rows. Packs whose files are no longer on "
        "this "
        "machine (`local_packs_bytes_max`) are read there; the shard's own log, and that of the "
        "server, say why it does not answer.",
    [E_PARTIAL] = "`weir verify` names what is missing. Without `strict=true` the rest is "
                  "answered, flagged `partial`.",
    [E_UNERASED] =
        "Send the same request again: the points are hidden from every answer already. "
        "`unfinished` "
        "names who may still have them, and why: a member that is down or paused, one without "
        "`peer_listen`, a shard that does not answer. The limit is `erase_ms_max`.",
    [E_TIMEOUT] =
        "Ask for less: a shorter range, fewer series, `limit`. The limit is `query_ms_max`.",
    [E_CANCELLED] = "Send again: the server gave the request up, mostly while shutting down.",
    [E_INTERNAL] = "Send again, and report it with the log's lines of this request id.",
    [E_CONFLICT] = "Read it again, and change what is there now; the text tells its version.",
    [E_PRECONDITION] = "Read it again: the ETag is its version now.",
    [E_BAD_REQUEST] =
        "The text names the rule of HTTP that is broken. Mostly a proxy or a hand-written client.",
    [E_BODY_LARGE] = "Send it in parts. The limit is `body_bytes_max`, after decompression.",
    [E_COMPRESSION_RATIO] =
        "Send it with less compression, or in parts. The limit is `compression_ratio_max`.",
    [E_BAD_COMPRESSION] =
        "The body was cut or damaged on its way, or is not what Content-Encoding says.",
    [E_UNSUPPORTED_ENCODING] = "Send gzip, zstd, deflate, or nothing; one coding alone.",
    [E_UNSUPPORTED_TYPE] = "Send a Content-Type that Accept-Post names.",
    [E_NOT_ACCEPTABLE] = "Accept application/json, application/x-ndjson, text/csv or text/plain.",
    [E_SLOW_CLIENT] =
        "Send the whole request within `header_ms_max` and `body_ms_max`, at 1 KB/s or more.",
    [E_NOT_FOUND] = "Look at the path; `GET /openapi.json` names all.",
    [E_METHOD] = "Use a method that the header Allow names.",
    [E_UNAUTHORIZED] = "Send a token that the tenants file has and that has not expired.",
    [E_FORBIDDEN] = "Use a token with the scope that the text names; without a tenants file, "
                    "`localhost`, `127.x` or `[::1]` as the Host (and Origin): [http.md](http.md).",
    [E_RATE_LIMIT] = "Send again after Retry-After. The limit is `points_per_second_max`.",
    [E_OUTBOX_FULL] =
        "Send again after Retry-After. If it stays: the shard is down or too slow; the log and "
        "`weir_delivery_lag_seconds` tell. The limit is `outbox_bytes_max`.",
    [E_NOT_DELIVERED] =
        "Nothing is lost: the points are on disk here and visible. Send the same again, with its "
        "Idempotency-Key, to go on waiting; or be content. The limit is `shard_ack_ms_max`.",
    [E_ACKS_MANY] = "Send again after Retry-After, or without `ack=shard`. The limit is "
                    "`shard_acks_max`.",
    [E_ADDRESS] =
        "The text names the address and what it is. Who operates the node may allow it by "
        "`pull_allow`.",
    [E_TLS] = "The text says what is wrong with the host's certificate, or with what it speaks.",
    [E_SOURCES_MANY] = "Take the name of one that was deleted; all names that a tenant ever gave "
                       "count. The limit is `sources_max`.",
    [E_TRIALS_MANY] = "Send again after Retry-After, or paste a page (`body`). The limit is "
                      "`tenant_trials_max`.",
    [E_BAD_PARAMETER] = "`parameter` names it, the text says what would be right.",
    [E_UNKNOWN_PARAMETER] = "The text names the nearest one that is known, or all of them.",
    [E_MISSING_PARAMETER] = "Add the parameter that `parameter` names.",
    [E_NOT_SUPPORTED] = "This version does not have it; the text says what there is instead.",
    [E_AS_OF_FUTURE] = "Ask for a time that has passed, or leave `as_of` out.",
    [E_BEFORE_HISTORY] =
        "The text names the earliest time that can be answered (`history` in the tenants file).",
    [E_BAD_CURSOR] =
        "Take `next` of the page before, with the same parameters; or begin at the first page.",
    [E_INVALID_POINTS] =
        "Repair the points in `errors`, or send `on_error=skip` to store the others.",
    [E_SYNTAX] = "The text names line or place and what was expected there.",
    [E_BAD_NUMBER] =
        "Write 1.5 or 1e3 (float), 1i (integer), 1u (unsigned); a string needs quotes.",
    [E_NUMBER_RANGE] = "Send it as a type that holds it (1u, 1.0e30).",
    [E_NOT_FINITE] = "Leave the field out: what is not there needs no value.",
    [E_BAD_TIME] = "Send RFC 3339, or an integer in the unit of `precision`.",
    [E_TIME_RANGE] = "Look at `precision`: ns sent as ms or s leave the range 1677 to 2262.",
    [E_BAD_UTF8] = "Send UTF-8.",
    [E_BAD_NAME] = "Use a name without control characters that is not empty.",
    [E_NO_FIELDS] = "Give the point at least one field.",
    [E_DUPLICATE_TAG] = "Give each tag once.",
    [E_DUPLICATE_FIELD] = "Give each field once.",
    [E_LINE_LONG] = "The limit is `line_bytes_max`. Mostly a quote that is not closed.",
    [E_NAME_LONG] = "The limit is `name_bytes_max`.",
    [E_VALUE_LONG] = "The limits are `tag_value_bytes_max` and `string_bytes_max`.",
    [E_TAGS_MANY] = "The limit is `tags_max`.",
    [E_FIELDS_MANY] = "The limits are `fields_max` of a point, `csv_columns_max` of a CSV body and "
                      "`measurement_fields_max` of a "
                      "measurement. Data in names of fields belongs in tags.",
    [E_FIELD_KIND] =
        "Send the kind that the text names (number, string or bool), or another field name.",
    [E_SERIES_LIMIT] =
        "The text names the tag that grows; put it into a field, or raise `series_max`.",
    [E_RECORD_LARGE] = "Send it in parts. The limit is `record_bytes_max`.",
    [E_POINTS_MANY] = "Send it in parts. The limit is `points_max`.",
    [E_DEPTH] = "The limit is `json_depth_max`; points need four levels.",
    [E_IDEMPOTENCY_MISMATCH] = "Use a new key for a new request; a repeat must be the same to the "
                               "byte, with the same parameters.",
    [E_IDEMPOTENCY_IN_FLIGHT] = "Wait, then send the same again: it gets the first one's answer.",
    [E_QUERY_ROWS] = "Ask for a shorter range or fewer series. The limit is `query_rows_max`.",
    [E_QUERY_BYTES] = "Ask for a shorter range or fewer series. The limit is `query_bytes_max`.",
    [E_QUERY_MEMORY] = "Ask for a shorter range, fewer groups or longer windows. The limit is "
                       "`query_memory_bytes_max`.",
    [E_QUERY_GROUPS] = "Ask for longer windows, a shorter range or fewer tags in `group_by`. The "
                       "limit is `query_groups_max`.",
    [E_QUERY_RESULT] = "Use `limit` and `cursor`. The limit is `query_result_bytes_max`.",
    [E_QUERIES_MANY] = "Send again after Retry-After. The limit is `queries_max`.",
    [E_LIVE_MANY] = "Send again after Retry-After, or leave with another. The limit is `live_max`.",
    [E_SERIES_MANY] = "Add `match=`. The limit is `query_series_max`.",
    [E_BAD_PAGE] =
        "The text has the first row that cannot be taken, or what else is wrong with the "
        "page. `POST /v1/sources:test` shows what a document makes of one: "
        "[sources.md](sources.md).",
};

static const char *const heads[CODE_COUNT] = {
    [E_MEMORY] = "The server or its machine",
    [E_BAD_REQUEST] = "The request",
    [E_OUTBOX_FULL] = "Shards",
    [E_ADDRESS] = "Sources",
    [E_BAD_PARAMETER] = "Parameters",
    [E_INVALID_POINTS] = "Points",
    [E_QUERY_ROWS] = "Queries",
    [E_BAD_PAGE] = "Sources",
};

static void print_page(struct buf *page)
{
    buf_put_text(
        page, "# Errors\n"
              "Every refusal is a problem (RFC 9457, `application/problem+json`) whose `code` is "
              "one of these and stays the same for ever;\ntexts may change. `retry`: the same "
              "request can succeed later; 429 and 503 carry Retry-After, in whole seconds. "
              "Every\nserver shows this page at `/docs/errors`, where `type` points. Printed from "
              "`base/error.c`, `http/problem.c` and "
              "`tests/unit/http/test_errors_page.c` by `make errors-page`.\n"
              "Only what is no HTTP at all (a request line, Content-Length, chunk or version that "
              "cannot be read) is refused by libmicrohttpd itself:\n400, 413 or 505 with a line of "
              "HTML. The routes of InfluxDB tell the same in [another shape](influx.md).\n\n"
              "```json\n"
              "{\"type\":\"/docs/errors#bad_parameter\",\"title\":\"A parameter has a wrong "
              "value\",\"status\":400,\"detail\":\"…\",\"instance\":\"(the request id)\","
              "\"code\":\"bad_parameter\",\"parameter\":\"start\"}\n"
              "```\n\n"
              "Codes of points mostly stand in `errors` of an `invalid_points` answer, each with "
              "its line; there the status is the whole\nanswer's.\n");
    for (int code = 1; code < CODE_COUNT; code++) {
        const struct code_row *row = code_row((enum code)code);

        if (heads[code] != NULL)
            buf_printf(
                page,
                "\n## %s\n| code | status | retry | what | what to do |\n|---|---|---|---|---|\n",
                heads[code]);
        if (advice[code] != NULL)
            buf_printf(page, "| <a id=\"%s\"></a>`%s` | %u | %s | %s | %s |\n", row->slug,
                       row->slug, problem_status((enum code)code), row->retry_helps ? "yes" : "no",
                       row->title, advice[code]);
    }
}

static void test_every_code_that_an_answer_can_have_says_what_to_do(void **state)
{
    (void)state;
    for (int code = 1; code < CODE_COUNT; code++) {
        bool shown = code != E_END && code != E_EXISTS && code != E_CONFIG;

        if ((advice[code] != NULL) != shown)
            fail_msg("%s", code_row((enum code)code)->slug);
    }
}

static void test_the_page_is_what_is_printed(void **state)
{
    static char text[1 << 18];
    struct buf page = BUF_INIT(1 << 18);
    FILE *file = fopen("docs/reference/errors.md", "r");
    size_t size = 0;

    (void)state;
    if (file != NULL) {
        size = fread(text, 1, sizeof(text), file);
        fclose(file);
    }
    print_page(&page);
    if (!bytes_equal(buf_bytes(&page), (struct bytes){text, size}))
        fail_msg("docs/reference/errors.md is not what the tables say: make errors-page");
    buf_release(&page);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_that_an_answer_can_have_says_what_to_do),
        cmocka_unit_test(test_the_page_is_what_is_printed),
    };

    if (count == 2 && strcmp(arguments[1], "--print") == 0) {
        struct buf page = BUF_INIT(1 << 18);

        print_page(&page);
        fwrite(page.data, 1, page.size, stdout);
        buf_release(&page);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
