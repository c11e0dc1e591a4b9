#include "ingest/source/source_reader.h"

#define DAY_MS INT64_C(86400000)

enum {
    OUTCOMES_MAX = 64,
    STATUSES_MAX = 64,
    TEXTS_MAX = 32,
    STATUS_LEAST = 100,
    STATUS_MOST = 599
};

/* 429 or "5xx" */
static bool take_status(struct source_reader *reader, const struct json *value,
                        struct source_status *status)
{
    struct bytes text;
    int64_t number = 0;

    if (json_kind(value) == JSON_KIND_INTEGER) {
        number = json_integer_of(value);
        if (number >= STATUS_LEAST && number <= STATUS_MOST) {
            *status = (struct source_status){(uint16_t)number, (uint16_t)number};
            return true;
        }
    } else if (json_kind(value) == JSON_KIND_TEXT) {
        text = json_text_of(value);
        if (text.size == 3 && text.data[0] >= '1' && text.data[0] <= '5' &&
            memcmp(text.data + 1, "xx", 2) == 0) {
            number = INT64_C(100) * (text.data[0] - '0');
            *status = (struct source_status){(uint16_t)number, (uint16_t)(number + 99)};
            return true;
        }
    }
    source_fault(reader, "want a status from %d to %d, or a class as 5xx", STATUS_LEAST,
                 STATUS_MOST);
    return false;
}

static void take_statuses(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_outcome *outcome = block;
    struct source_status *statuses;
    bool list;
    size_t count;

    if (value == NULL)
        return;
    list = json_kind(value) == JSON_KIND_ARRAY;
    count = list ? json_count(value) : 1;
    if (count == 0 || count > STATUSES_MAX) {
        source_fault(reader, "there are %zu; want 1 to %d", count, STATUSES_MAX);
        return;
    }
    statuses = ARENA_ARRAY(reader->arena, struct source_status, count);
    if (!source_has(reader, statuses))
        return;
    for (size_t i = 0; i < count && list; i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        (void)take_status(reader, json_element(value, i), &statuses[i]);
        source_leave(reader);
    }
    if (!list)
        (void)take_status(reader, value, &statuses[0]);
    outcome->statuses = statuses;
    outcome->status_count = count;
}

static void lower(struct bytes text)
{
    char *data = (char *)(uintptr_t)text.data;

    for (size_t i = 0; i < text.size; i++)
        if (data[i] >= 'A' && data[i] <= 'Z')
            data[i] = (char)(data[i] | 0x20);
}

static void take_headers(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_outcome *outcome = block;
    struct source_contains *headers;
    struct json *member;
    struct bytes key;

    if (value == NULL ||
        !source_is(reader, value, JSON_KIND_OBJECT, "a map of headers to what they contain"))
        return;
    headers = ARENA_ARRAY(reader->arena, struct source_contains, json_count(value));
    if (!source_has(reader, headers))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_contains *header = &headers[outcome->header_count];
        struct source_at here;

        source_enter(reader, &here, key);
        header->name = arena_copy(reader->arena, key);
        if (source_has(reader, header->name.data) &&
            source_text(reader, member, false, &header->text))
            outcome->header_count++;
        if (header->name.data != NULL)
            lower(header->name);
        source_leave(reader);
    }
    outcome->headers = headers;
}

static void take_body(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_outcome *outcome = block;

    if (value == NULL ||
        !source_texts(reader, value, true, TEXTS_MAX, &outcome->body_has, &outcome->body_has_count))
        return;
    if (outcome->body_has_count == 0)
        source_fault(reader, "there is none; want a text, or a list of which one is enough");
    for (size_t i = 0; i < outcome->body_has_count; i++)
        if (outcome->body_has[i].size == 0)
            source_fault(reader, "an empty text is in every body");
}

const char *const source_do_names[] = {
    [SOURCE_OK] = "ok",       [SOURCE_EMPTY] = "empty",     [SOURCE_UNCHANGED] = "unchanged",
    [SOURCE_RETRY] = "retry", [SOURCE_RESTART] = "restart", [SOURCE_WAIT] = "wait",
    [SOURCE_SPLIT] = "split", [SOURCE_SKIP] = "skip",       [SOURCE_FAIL] = "fail",
    [SOURCE_FAIL + 1] = NULL,
};
static const char *const ends[] = {"next_minute", "next_hour", "next_utc_day", NULL};
static const struct source_key keys[] = {
    TAKE("status", take_statuses),
    TAKE("header", take_headers),
    TAKE("body_has", take_body),
    KEY("count", KEY_COUNT, source_outcome, count, .most = INT64_C(1) << 40),
    KEY("do", KEY_CHOICE, source_outcome, what, .required = true, .choices = source_do_names),
    KEY("for", KEY_DURATION, source_outcome, for_ns, .least = 1, .most = 31 * DAY_MS),
    KEY("until", KEY_CHOICE, source_outcome, until, .initial = SOURCE_FOR, .choices = ends),
    KEY("warn", KEY_TEXT, source_outcome, warn),
    KEY("message", KEY_DOCUMENT_SLOT, source_outcome, message_slot),
};

static void check_outcome(struct source_reader *reader, const struct json *value,
                          const struct source_outcome *outcome, bool last)
{
    bool timed = json_member(value, "for") || json_member(value, "until");

    if (json_member(value, "do") == NULL)
        return;
    if (outcome->what == SOURCE_WAIT && !timed)
        source_fault(reader, "wait wants `for` a duration, or `until`");
    else if (outcome->what != SOURCE_WAIT && timed)
        source_fault(reader, "`for` and `until` are of `do: wait` alone");
    else if (json_member(value, "for") && json_member(value, "until"))
        source_fault(reader, "`for` and `until` say the same; want one of them");
    if (outcome->what == SOURCE_SPLIT && !reader->source->window.given)
        source_fault_key(reader, "do", "there is nothing to split without `window`");
    if (!last && outcome->status_count == 0 && outcome->header_count == 0 &&
        outcome->body_has_count == 0 && !outcome->counts)
        source_fault(reader, "without a condition it is always met, and the rules behind it never");
}

void source_take_outcomes(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;
    struct source_outcome *outcomes;
    size_t count;

    if (value == NULL || !source_is(reader, value, JSON_KIND_ARRAY, "a list of rules"))
        return;
    count = json_count(value);
    if (count > OUTCOMES_MAX) {
        source_fault(reader, "there are %zu; want at most %d", count, OUTCOMES_MAX);
        return;
    }
    outcomes = ARENA_ARRAY(reader->arena, struct source_outcome, count);
    if (!source_has(reader, outcomes))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct json *rule = json_element(value, i);
        struct source_at at;

        source_enter_element(reader, &at, i);
        if (source_block(reader, rule, keys, COUNT_OF(keys), &outcomes[i])) {
            outcomes[i].counts = json_member(rule, "count") != NULL;
            check_outcome(reader, rule, &outcomes[i], i + 1 == count);
        }
        source_leave(reader);
    }
    source->outcomes = outcomes;
    source->outcome_count = count;
}
