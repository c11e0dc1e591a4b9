/* How gently a host is asked: conditional requests, timeouts, limits and repeats. */
#include "base/number.h"
#include "ingest/source/source_reader.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define DAY_MS (86400 * SECOND_MS)

enum { RATES_MAX = 8, RATE_MAX = 1000000, CONCURRENCY_MAX = 256, HOST_SIZE_MAX = 253 };

static const struct source_key conditional_keys[] = {
    KEY("etag", KEY_BOOL, source_conditional, etag, .initial = true),
    KEY("last_modified", KEY_BOOL, source_conditional, last_modified, .initial = true),
    KEY("body_hash", KEY_BOOL, source_conditional, body_hash, .initial = true),
};

void source_take_conditional(struct source_reader *reader, const struct json *value, void *block)
{
    (void)source_block(reader, value, conditional_keys, COUNT_OF(conditional_keys),
                       &((struct source *)block)->conditional);
}

#define TIMEOUT(NAME, MEMBER, FIRST)                                                               \
    KEY(NAME, KEY_DURATION, source_timeouts, MEMBER, .initial = (FIRST), .least = 1, .most = DAY_MS)

static const struct source_key timeout_keys[] = {
    TIMEOUT("connect", connect_ns, 10 * SECOND_MS),
    TIMEOUT("first_byte", first_byte_ns, 120 * SECOND_MS),
    TIMEOUT("idle", idle_ns, 60 * SECOND_MS),
    TIMEOUT("total", total_ns, 30 * MINUTE_MS),
};

void source_take_timeouts(struct source_reader *reader, const struct json *value, void *block)
{
    (void)source_block(reader, value, timeout_keys, COUNT_OF(timeout_keys),
                       &((struct source *)block)->timeouts);
}

/* --- limits --- */

/* "600/1m" */
static void take_rate(struct source_reader *reader, const struct json *value,
                      struct source_rate *rate)
{
    static const char form[] = "want a count and a duration up to 2d, as 600/1m";
    struct span span;
    struct bytes text;
    const char *slash;
    size_t at;

    if (!source_text(reader, value, false, &text))
        return;
    slash = memchr(text.data, '/', text.size);
    at = slash != NULL ? (size_t)(slash - text.data) : text.size;
    if (slash == NULL || number_parse_u64(bytes_slice(text, 0, at), &rate->count) != OK ||
        rate->count == 0 || rate->count > RATE_MAX ||
        span_parse(bytes_slice(text, at + 1, text.size), &span, NULL) != OK || span.months != 0 ||
        span_about_ns(&span) > SOURCE_RATE_SPAN_MAX_NS) {
        source_fault(reader, "%s", form);
        return;
    }
    rate->span_ns = span_about_ns(&span);
}

static void take_rates(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_limits *limits = block;
    struct source_rate *rates;

    if (value == NULL || !source_is(reader, value, JSON_KIND_ARRAY, "a list, as [600/1m]"))
        return;
    if (json_count(value) > RATES_MAX) {
        source_fault(reader, "there are %zu; want at most %d", json_count(value), RATES_MAX);
        return;
    }
    rates = ARENA_ARRAY(reader->arena, struct source_rate, json_count(value));
    if (!source_has(reader, rates))
        return;
    for (size_t i = 0; i < json_count(value); i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        take_rate(reader, json_element(value, i), &rates[i]);
        source_leave(reader);
    }
    limits->rates = rates;
    limits->rate_count = json_count(value);
}

static const struct source_key limit_keys[] = {
    KEY("host", KEY_TEXT, source_limits, host, .most = HOST_SIZE_MAX),
    KEY("concurrency", KEY_COUNT_32, source_limits, concurrency, .initial = 2, .least = 1,
        .most = CONCURRENCY_MAX),
    TAKE("rates", take_rates),
    KEY("weight", KEY_COUNT_32, source_limits, weight, .initial = 1, .least = 1, .most = RATE_MAX),
    KEY("daily", KEY_COUNT, source_limits, daily, .least = 1, .most = INT64_C(1) << 40),
    KEY("body_bytes_max", KEY_SIZE, source_limits, body_bytes_max, .initial = INT64_C(64) << 20,
        .least = 1 << 10, .most = INT64_C(1) << 40),
    KEY("plain_bytes_max", KEY_SIZE, source_limits, plain_bytes_max, .initial = INT64_C(1) << 30,
        .least = 1 << 10, .most = INT64_C(1) << 40),
};

void source_take_limits(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_limits *limits = &((struct source *)block)->limits;

    (void)source_block(reader, value, limit_keys, COUNT_OF(limit_keys), limits);
    for (size_t i = 0; i < limits->rate_count; i++)
        if (limits->rates[i].count != 0 && limits->rates[i].count < limits->weight)
            source_fault_key(reader, "weight",
                             "a request weighs more than a rate lets begin; want at most %llu",
                             (unsigned long long)limits->rates[i].count);
    if (limits->daily != 0 && limits->daily < limits->weight)
        source_fault_key(reader, "weight", "a request weighs more than `daily` has");
}

/* --- retry --- */

static const struct source_key retry_keys[] = {
    KEY("max", KEY_COUNT_32, source_retry, max, .initial = 6, .most = 100),
    KEY("base", KEY_DURATION, source_retry, base_ns, .initial = 2 * SECOND_MS, .least = 1,
        .most = DAY_MS),
    KEY("cap", KEY_DURATION, source_retry, cap_ns, .initial = 10 * MINUTE_MS, .least = 1,
        .most = DAY_MS),
    KEY("retry_after", KEY_BOOL, source_retry, retry_after, .initial = true),
};

void source_take_retry(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_retry *retry = &((struct source *)block)->retry;

    (void)source_block(reader, value, retry_keys, COUNT_OF(retry_keys), retry);
    if (retry->base_ns > retry->cap_ns)
        source_fault_key(reader, "base", "it is longer than `cap`; want at most that");
}
