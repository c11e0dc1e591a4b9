#include "ingest/source/source_reader.h"

enum { PLACES = 1 << PLACE_EACH | 1 << PLACE_SECRET };

static void take_header(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_auth *auth = block;

    if (source_text(reader, value, false, &auth->first.rest))
        (void)source_header_name(reader, auth->first.rest);
}

static void take_name(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_auth *auth = block;

    if (source_text(reader, value, false, &auth->first.rest) && auth->first.rest.size == 0)
        source_fault(reader, "it is empty");
}

static void take_address(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_auth *auth = block;
    struct text_places places;

    /* Parsed with none allowed: so that it has none. */
    if (source_places(reader, value, 0, false, &places) && source_address(reader, places.rest))
        auth->token_url = places.rest;
}

#define TEXT(NAME, MEMBER)                                                                         \
    KEY(NAME, KEY_PLACES, source_auth, MEMBER, .required = true, .empty = true, .places = PLACES)

static const struct source_key basic_keys[] = {
    READ("type"),
    TEXT("user", first),
    TEXT("password", second),
};
static const struct source_key bearer_keys[] = {
    READ("type"),
    TEXT("token", first),
};
static const struct source_key header_keys[] = {
    READ("type"),
    TAKE("name", take_header, .required = true),
    TEXT("value", second),
};
static const struct source_key query_keys[] = {
    READ("type"),
    TAKE("name", take_name, .required = true),
    TEXT("value", second),
};
static const struct source_key oauth2_keys[] = {
    READ("type"),
    TAKE("token_url", take_address, .required = true),
    TEXT("client_id", first),
    TEXT("client_secret", second),
    KEY("scope", KEY_TEXT, source_auth, scope),
};

static const struct {
    const struct source_key *keys;
    size_t count;
} kinds[] = {
    [SOURCE_AUTH_NONE] = {NULL,        0                    },
    [SOURCE_AUTH_BASIC] = {basic_keys,  COUNT_OF(basic_keys) },
    [SOURCE_AUTH_BEARER] = {bearer_keys, COUNT_OF(bearer_keys)},
    [SOURCE_AUTH_HEADER] = {header_keys, COUNT_OF(header_keys)},
    [SOURCE_AUTH_QUERY] = {query_keys,  COUNT_OF(query_keys) },
    [SOURCE_AUTH_OAUTH2] = {oauth2_keys, COUNT_OF(oauth2_keys)},
};

static const char *const types[] = {"none", "basic", "bearer", "header", "query", "oauth2", NULL};

static const struct source_key type_key =
    KEY("type", KEY_CHOICE, source_auth, kind, .choices = types);

void source_take_auth(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_auth *auth = &((struct source *)block)->auth;
    const struct json *type;

    if (value == NULL || !source_is(reader, value, JSON_KIND_OBJECT, "an object"))
        return;
    type = json_member(value, "type");
    if (type == NULL) {
        source_fault_key(reader, "type",
                         "it is missing; want none, basic, bearer, header, query "
                         "or oauth2");
        return;
    }
    source_key_take(reader, &type_key, type, auth);
    if (auth->kind == SOURCE_AUTH_NONE && json_count(value) > 1)
        source_fault(reader, "the other keys are of no use without a type");
    else if (auth->kind != SOURCE_AUTH_NONE)
        (void)source_block(reader, value, kinds[auth->kind].keys, kinds[auth->kind].count, auth);
}
