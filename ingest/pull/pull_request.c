/* What all requests of sources have in common: pages, lists of partitions, tokens, trials. */
#include "ingest/pull/pull_inside.h"

enum code pull_secret(const struct puller *puller, struct bytes tenant, struct bytes name,
                      struct bytes host, struct arena *arena, struct hidden *hidden,
                      struct bytes *value, struct error *err)
{
    const struct puller_parts *parts = &puller->parts;
    enum code code = parts->secret(parts->context, tenant, name, host, arena, value, err);

    if (code == OK && !hidden_add(hidden, arena, *value))
        code = error_set(err, E_MEMORY, "no memory for a request");
    return code;
}

struct fetch_request pull_request(const struct puller *puller, const struct source *source,
                                  const struct asking *asking)
{
    const struct source_timeouts *timeouts = &source->timeouts;
    uint64_t most = puller->parts.body_bytes_max;

    return (struct fetch_request){
        .method = asking->method,
        .url = asking->url,
        .headers = asking->headers,
        .body = asking->body,
        .connect_ns = timeouts->connect_ns,
        .first_byte_ns = timeouts->first_byte_ns,
        .idle_ns = timeouts->idle_ns,
        .total_ns = timeouts->total_ns,
        .body_bytes_max =
            source->limits.body_bytes_max < most ? source->limits.body_bytes_max : most,
    };
}

struct bytes answer_header_of(const struct fetch_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (bytes_equal(answer->headers[i].name, bytes_of(name)))
            return answer->headers[i].value;
    return BYTES("");
}

bool answer_leads_on(const struct fetch_answer *answer)
{
    unsigned status = answer->status;

    return answer->code == OK &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
           answer_header_of(answer, "location").size > 0;
}

bool answer_headers_copy(const struct fetch_answer *answer, struct arena *arena,
                         struct answer_header **headers, size_t *count)
{
    *count = 0;
    *headers = ARENA_ARRAY(arena, struct answer_header, answer->header_count + 1);
    for (size_t i = 0; *headers != NULL && i < answer->header_count; i++) {
        struct answer_header *header = &(*headers)[(*count)++];

        header->name = arena_copy(arena, answer->headers[i].name);
        header->value = arena_copy(arena, answer->headers[i].value);
        if (header->name.data == NULL || header->value.data == NULL)
            return false;
    }
    return *headers != NULL;
}

bool answer_is_final(const struct fetch_answer *answer)
{
    return answer->code == E_ADDRESS || answer->code == E_CONFIG || answer->code == E_BODY_LARGE;
}

/* No answer came for a reason that is the host's or the way's, and not of this node. */
static bool is_unreachable(enum code code)
{
    return code == E_NOT_READY || code == E_TLS || code == E_TIMEOUT || code == E_IO;
}

void answer_weigh(const struct fetch_answer *answer, struct puller *puller,
                  const struct source_retry *retry, struct limiter_key *key,
                  const struct moment *began, bool again)
{
    const struct moment now = pull_now(puller);
    uint64_t chance = random_next(&puller->random);

    if (is_unreachable(answer->code) || (answer->code == OK && answer->status >= 500))
        limiter_failed(key, began, &now, again, retry_wait_ns(retry, limiter_tries(key), chance));
    else if (answer->code == OK && !answer_leads_on(answer))
        limiter_answered(key);
}

void answer_heed(const struct fetch_answer *answer, struct puller *puller,
                 const struct source *source, struct bytes key_name, struct limiter_key *key,
                 const struct moment *now)
{
    struct answer_header headers[FETCH_HEADERS_MAX];
    int64_t until_ns;

    if (answer->status < 400 || !source->retry.retry_after)
        return;
    for (size_t i = 0; i < answer->header_count; i++)
        headers[i] = (struct answer_header){answer->headers[i].name, answer->headers[i].value};
    if (retry_after_of(headers, answer->header_count, now->wall_ns, &until_ns))
        pull_wait(puller, key_name, key, until_ns);
}
