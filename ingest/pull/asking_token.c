#include <strings.h>

#include "codec/json_doc.h"
#include "ingest/pace/moment.h"
#include "ingest/pull/asking_headers.h"
#include "net/address.h"

enum { DEPTH_MAX = 8, LIFE_S = 300, LIFE_S_MAX = 30 * 86400 };

/* Of a form (RFC 6749, appendix B): both are encoded before they become one. */
static enum code encoded(const struct filling *filling, const struct text_places *places,
                         struct bytes *text, struct error *err)
{
    return filling_text(filling, places, PLACE_PERCENT_ALL, text, err);
}

static enum code credentials(const struct filling *filling, struct bytes *value, struct error *err)
{
    const struct source_auth *auth = &filling->terms->source->auth;
    struct bytes id, secret;
    enum code code = encoded(filling, &auth->first, &id, err);

    if (code == OK)
        code = encoded(filling, &auth->second, &secret, err);
    return code ? code : asking_headers_basic(filling, id, secret, value, err);
}

static enum code line_of(const struct filling *filling, const char *name, struct bytes value,
                         const char **line, struct error *err)
{
    struct buf out = BUF_INIT(FILLING_SIZE_MAX);
    struct bytes text = {0};
    enum code code;

    buf_printf(&out, "%s: ", name);
    buf_put(&out, value);
    code = filling_keep(filling, &out, &text, err);
    *line = text.data;
    buf_release(&out);
    return code;
}

enum code asking_token(const struct asking_terms *terms, struct arena *arena, struct asking *asking,
                       struct error *err)
{
    const struct source_auth *auth = &terms->source->auth;
    struct filling filling = {terms, arena, {0}};
    const char **headers = ARENA_ARRAY(arena, const char *, 5);
    struct buf form = BUF_INIT(FILLING_SIZE_MAX);
    struct address address;
    struct bytes value;
    enum code code = address_parse(auth->token_url, arena, &address, err);

    *asking = (struct asking){.method = "POST", .headers = headers};
    if (code == OK && headers == NULL)
        code = error_set(err, E_MEMORY, "no memory for a request");
    if (code)
        return code;
    filling.host = asking->host = address.host_port;
    asking->url = asking->url_shown = address.text.data;
    code = credentials(&filling, &value, err);
    if (code == OK)
        code = line_of(&filling, "Authorization", value, &headers[0], err);
    if (code == OK)
        code = line_of(&filling, "User-Agent", terms->user_agent, &headers[3], err);
    headers[1] = "Content-Type: application/x-www-form-urlencoded";
    headers[2] = "Accept: application/json";
    if (terms->user_agent.size == 0)
        headers[3] = NULL;
    buf_put_text(&form, "grant_type=client_credentials");
    if (auth->scope.size > 0) {
        buf_put_text(&form, "&scope=");
        place_put_percent(&form, auth->scope);
    }
    if (code == OK)
        code = filling_keep(&filling, &form, &asking->body, err);
    buf_release(&form);
    if (code)
        error_context(err, "the request for an access token");
    return code;
}

/* --- its answer --- */

/* Size 0: it is no text. */
static struct bytes text_of(const struct json *answer, const char *name)
{
    const struct json *value = json_member(answer, name);

    return value != NULL && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

/* Fit for a header, and for a text that people read. */
static bool is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.size > 0;
}

/* What it says of itself as the RFC has it: anything else may be our own secret. */
static struct bytes known_error(struct bytes text)
{
    static const char *const known[] = {
        "invalid_request",        "invalid_client", "invalid_grant", "unauthorized_client",
        "unsupported_grant_type", "invalid_scope",  "server_error",  "temporarily_unavailable",
        "access_denied",          "slow_down",
    };

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (bytes_equal(text, bytes_of(known[i])))
            return text;
    return BYTES("");
}

static int64_t life_s(const struct json *answer)
{
    const struct json *value = json_member(answer, "expires_in");
    int64_t seconds = LIFE_S;

    if (value != NULL && json_kind(value) == JSON_KIND_INTEGER)
        seconds = json_integer_of(value);
    else if (value != NULL && json_kind(value) == JSON_KIND_REAL)
        seconds = json_real_of(value) > LIFE_S_MAX ? LIFE_S_MAX
                  : json_real_of(value) > 0        ? (int64_t)json_real_of(value)
                                                   : 0;
    else if (value != NULL && json_kind(value) == JSON_KIND_TEXT &&
             number_parse_i64(json_text_of(value), &seconds) != OK)
        seconds = LIFE_S;
    seconds = seconds < 0 ? 0 : seconds;
    return seconds < LIFE_S_MAX ? seconds : LIFE_S_MAX;
}

static enum code read_answer(const struct json *answer, int64_t now_ns, struct arena *arena,
                             struct bytes *token, int64_t *until_ns, struct error *err)
{
    struct bytes text = text_of(answer, "access_token"), type = text_of(answer, "token_type");
    int64_t life = life_s(answer);

    if (!is_visible(text))
        return error_set(err, E_BAD_PAGE, "it has no access_token, or one that fits no header");
    if (type.size > 0 && (type.size != 6 || strncasecmp(type.data, "bearer", 6) != 0))
        return error_set(err, E_BAD_PAGE, "its token_type is not bearer");
    *token = arena_copy(arena, text);
    if (token->data == NULL)
        return error_set(err, E_MEMORY, "no memory for an access token");
    *until_ns = time_sum(now_ns, (life - (life / 10 < 60 ? life / 10 : 60)) * MOMENT_SECOND);
    return OK;
}

enum code asking_token_read(unsigned status, struct bytes body, int64_t now_ns, struct arena *arena,
                            struct bytes *token, int64_t *until_ns, struct error *err)
{
    struct json *answer = NULL;
    struct error unread = {0};
    enum code code = json_doc_parse(body, DEPTH_MAX, &answer, &unread);
    struct bytes error = code == OK ? text_of(answer, "error") : BYTES("");
    struct bytes told = known_error(error);

    if (status < 200 || status > 299 || error.size > 0)
        code = error_set(err, E_UNAUTHORIZED, "it was refused with status %u%s%.*s", status,
                         told.size > 0 ? ": " : "", BYTES_ARG(told));
    else if (code == E_MEMORY)
        code = error_set(err, code, "%s", unread.text);
    else if (code) /* not what stands in it */
        code = error_set(err, E_BAD_PAGE, "it is no JSON");
    else
        code = read_answer(answer, now_ns, arena, token, until_ns, err);
    json_doc_free(answer);
    if (code)
        error_context(err, "the answer with an access token");
    return code;
}
