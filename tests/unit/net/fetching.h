/* A fetcher that may go to loopback, and what came of a fetch. */
#ifndef WEIR_TESTS_UNIT_NET_FETCHING_H
#define WEIR_TESTS_UNIT_NET_FETCHING_H

#include "base/buf.h"
#include "base/clock.h"
#include "net/fetcher.h"
#include "tests/unit/net/peer.h"

enum { FETCHED_BODY_MAX = 4 << 20, FETCHED_HEADERS = 8 };

#define MS(count) ((int64_t)(count)*1000000)

struct fetched {
    bool done, sent;
    enum code code;
    struct error err;
    unsigned status;
    size_t header_count;
    char headers[FETCHED_HEADERS][2][64];
    struct buf body;
    uint64_t size, bytes;
    int64_t first_ns, took_ns;
};

static inline enum code fetched_piece(void *context, struct bytes piece, struct error *err)
{
    assert_true(piece.size > 0 && piece.size <= STAGED_PIECE_BYTES_MAX);
    buf_put(context, piece);
    return buf_finish(context, err);
}

static inline void fetched_done(void *context, struct fetch_answer *answer)
{
    struct fetched *fetched = context;

    assert_false(fetched->done);
    assert_int_equal(answer->body != NULL, answer->code == OK);
    assert_int_equal(answer->err.text[0] != '\0', answer->code != OK);
    *fetched = (struct fetched){.done = true,
                                .sent = answer->sent,
                                .code = answer->code,
                                .err = answer->err,
                                .status = answer->status,
                                .header_count = answer->header_count,
                                .body = BUF_INIT(FETCHED_BODY_MAX),
                                .bytes = answer->bytes,
                                .first_ns = answer->first_byte_ns,
                                .took_ns = answer->ended_ns - answer->began_ns};
    for (size_t i = 0; i < answer->header_count && i < FETCHED_HEADERS; i++) {
        (void)snprintf(fetched->headers[i][0], 64, "%.*s", BYTES_ARG(answer->headers[i].name));
        (void)snprintf(fetched->headers[i][1], 64, "%.*s", BYTES_ARG(answer->headers[i].value));
    }
    if (answer->body) {
        fetched->size = staged_size(answer->body);
        for (int i = 0; i < 2; i++) { /* as often as wanted */
            buf_clear(&fetched->body);
            assert_int_equal(staged_read(answer->body, fetched_piece, &fetched->body, NULL), OK);
        }
        assert_int_equal(fetched->body.size, fetched->size);
    }
    staged_free(answer->body);
}

static inline struct fetcher *fetching_begin_with(struct address_rules *rules, size_t connections,
                                                  unsigned kept_s)
{
    struct fetcher_options options = {.allowed = rules,
                                      .directory = "/tmp",
                                      .memory_bytes_max = 64 << 10,
                                      .connections_max = connections,
                                      .kept_s = kept_s};
    struct fetcher *fetcher;

    *rules = (struct address_rules){0};
    assert_int_equal(address_rules_add(rules, BYTES("127.0.0.1"), NULL), OK);
    assert_int_equal(fetcher_open(&options, &fetcher, NULL), OK);
    return fetcher;
}

static inline struct fetcher *fetching_begin(struct address_rules *rules)
{
    return fetching_begin_with(rules, 16, 0);
}

static inline void fetching_until(struct fetcher *fetcher, const bool *done)
{
    while (!*done)
        fetcher_run(fetcher, clock_boot_ns(clock_system()) + MS(10000));
}

/* `request` has at least an address; a body above 1 MiB is too large unless it says otherwise. */
static inline void fetching_one(struct fetcher *fetcher, struct fetch_request request,
                                struct fetched *fetched)
{
    struct fetch *fetch;
    struct error err = {0};

    *fetched = (struct fetched){0};
    if (request.method == NULL)
        request.method = "GET";
    if (request.body_bytes_max == 0)
        request.body_bytes_max = 1 << 20;
    if (fetcher_begin(fetcher, &request, fetched_done, fetched, &fetch, &err))
        fail_msg("%s: %s", request.url, err.text);
    fetching_until(fetcher, &fetched->done);
}

#endif
