#include "ingest/source/source_reader.h"

enum { REDIRECTS_MAX = 20, PAIRS_MAX = 256 };

/* A request while it is read. */
struct reading {
    struct source_request request;
    unsigned allowed;
};

static void take_url(struct source_reader *reader, const struct json *value, void *block)
{
    struct reading *reading = block;
    struct bytes text;

    if (source_text(reader, value, false, &text) && source_address(reader, text))
        (void)source_places(reader, value, reading->allowed, false, &reading->request.url);
}

static size_t count_values(const struct json *map)
{
    struct json *member;
    struct bytes key;
    size_t count = 0;

    for (void *at = NULL; json_next(map, &at, &key, &member);)
        count += json_kind(member) == JSON_KIND_ARRAY ? json_count(member) : 1;
    return count;
}

/* A value, or each of a list. */
static void take_values(struct source_reader *reader, unsigned allowed, struct bytes name,
                        const struct json *value, struct source_pair *pairs, size_t *count)
{
    size_t size = json_kind(value) == JSON_KIND_ARRAY ? json_count(value) : 0;

    for (size_t i = 0; i < size; i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        pairs[*count].name = name;
        (void)source_places(reader, json_element(value, i), allowed, false, &pairs[*count].value);
        ++*count;
        source_leave(reader);
    }
    if (json_kind(value) == JSON_KIND_ARRAY)
        return;
    pairs[*count].name = name;
    (void)source_places(reader, value, allowed, false, &pairs[*count].value);
    ++*count;
}

/* A map of names to texts with places, in its order. */
static void take_pairs(struct source_reader *reader, const struct json *value, unsigned allowed,
                       bool headers, const struct source_pair **pairs, size_t *count)
{
    struct source_pair *made;
    struct json *member;
    struct bytes key;

    if (value == NULL || !source_is(reader, value, JSON_KIND_OBJECT, "a map of names to texts"))
        return;
    if (count_values(value) > PAIRS_MAX) {
        source_fault(reader, "there are %zu values; want at most %d", count_values(value),
                     PAIRS_MAX);
        return;
    }
    made = ARENA_ARRAY(reader->arena, struct source_pair, count_values(value));
    if (!source_has(reader, made))
        return;
    *pairs = made;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct bytes name = arena_copy(reader->arena, key);
        struct source_at here;

        if (!source_has(reader, name.data))
            return;
        source_enter(reader, &here, key);
        if (!headers && key.size == 0)
            source_fault(reader, "the name is empty");
        else if (headers && json_kind(member) == JSON_KIND_ARRAY)
            source_fault(reader, "it is an array; want a text: a header is given once");
        else if (!headers || source_header_name(reader, key))
            take_values(reader, allowed, name, member, made, count);
        source_leave(reader);
    }
}

static void take_query(struct source_reader *reader, const struct json *value, void *block)
{
    struct reading *reading = block;

    take_pairs(reader, value, reading->allowed, false, &reading->request.query,
               &reading->request.query_count);
}

static void take_headers(struct source_reader *reader, const struct json *value, void *block)
{
    struct reading *reading = block;
    const struct source_pair **headers = &reading->request.headers;
    size_t *count = &reading->request.header_count;

    take_pairs(reader, value, reading->allowed, true, headers, count);
    for (size_t i = 0; i < *count; i++)
        for (size_t j = 0; j < i; j++)
            if ((*headers)[i].name.size == (*headers)[j].name.size &&
                strncasecmp((*headers)[i].name.data, (*headers)[j].name.data,
                            (*headers)[i].name.size) == 0)
                source_fault(reader, "the header %.*s stands twice", BYTES_ARG((*headers)[i].name));
}

static void take_body(struct source_reader *reader, const struct json *value, void *block)
{
    struct reading *reading = block;

    if (value == NULL)
        return;
    reading->request.has_body =
        source_places(reader, value, reading->allowed, true, &reading->request.body);
}

static const char *const methods[] = {"GET", "POST", NULL};

static const struct source_key keys[] = {
    TAKE("url", take_url, .required = true),
    KEY("method", KEY_EITHER, reading, request.post, .choices = methods),
    TAKE("query", take_query),
    TAKE("headers", take_headers),
    TAKE("body", take_body),
    KEY("redirects", KEY_COUNT_32, reading, request.redirects_max, .initial = 5,
        .most = REDIRECTS_MAX),
};

void source_read_request(struct source_reader *reader, const struct json *value, unsigned allowed,
                         struct source_request *request)
{
    struct reading reading = {.allowed = allowed};

    (void)source_block(reader, value, keys, COUNT_OF(keys), &reading);
    *request = reading.request;
    if (request->has_body && !request->post)
        source_fault_key(reader, "body", "GET has none; want `method: POST`");
}

void source_take_request(struct source_reader *reader, const struct json *value, void *block)
{
    unsigned allowed = ~(1U << PLACE_SECRET | 1U << PLACE_ROW) & ((1U << PLACE_KIND_COUNT) - 1);

    source_read_request(reader, value, allowed, &((struct source *)block)->request);
}
