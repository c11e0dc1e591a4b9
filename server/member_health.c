#include "server/member_health.h"

#include <inttypes.h>

#include "codec/json_doc.h"
#include "server/registry_command.h"
#include "server/remote_flags.h"

enum { DEPTH_MAX = 8 };

enum shape { TEXT, NUMBER };

static const struct {
    const char *name;
    enum shape shape;
} rows[] = {
    {"health",            TEXT  },
    {"delivered_through", TEXT  },
    {"backlog_bytes",     NUMBER},
};

enum code member_health_ask(struct member_health *health, const char *url, const char *token_file,
                            struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = BYTES("/v1/members")};
    const char *values[REMOTE_FLAG_COUNT] = {[REMOTE_URL] = url,
                                             [REMOTE_TOKEN_FILE] = token_file,
                                             [REMOTE_RETRY_FOR] = "0",
                                             [REMOTE_QUIET] = "",
                                             [REMOTE_NO_PROGRESS] = ""};
    struct remote remote = {.client = NULL};
    enum code code = remote_flags_apply(values, &remote, err);

    if (code == OK)
        code = remote_send(&remote, &request, NULL, NULL, err);
    if (code == OK)
        code = json_doc_parse(buf_bytes(&remote.answer), DEPTH_MAX, &health->root, err);
    if (code)
        error_context(err, "asking %s how members are", url);
    remote_close(&remote);
    return code;
}

void member_health_release(struct member_health *health)
{
    json_doc_free(health->root);
    health->root = NULL;
}

static const struct json *member_of_name(const struct member_health *health, struct bytes name)
{
    const struct json *members = health->root ? json_member(health->root, "members") : NULL;

    for (size_t i = 0; members && i < json_count(members); i++) {
        const struct json *member = json_element(members, i);
        const struct json *own = json_member(member, "name");

        if (own && json_kind(own) == JSON_KIND_TEXT && bytes_equal(json_text_of(own), name))
            return member;
    }
    return NULL;
}

/* NULL: it is not there, or of another kind. */
static const struct json *value_of(const struct json *member, size_t row)
{
    const struct json *value = member ? json_member(member, rows[row].name) : NULL;
    enum json_kind want = rows[row].shape == TEXT ? JSON_KIND_TEXT : JSON_KIND_INTEGER;

    return value && json_kind(value) == want ? value : NULL;
}

void member_health_cells(const struct member_health *health, struct bytes name, struct buf *csv)
{
    const struct json *member = member_of_name(health, name);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct json *value = value_of(member, i);

        if (value && rows[i].shape == NUMBER)
            buf_printf(csv, ",%" PRId64, json_integer_of(value));
        else
            registry_cell(csv, false, value ? json_text_of(value) : (struct bytes){NULL, 0});
    }
}

void member_health_members(const struct member_health *health, struct bytes name, struct buf *out)
{
    const struct json *member = member_of_name(health, name);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct json *value = value_of(member, i);

        if (!value)
            continue;
        buf_printf(out, ",\"%s\":", rows[i].name);
        if (rows[i].shape == NUMBER)
            buf_printf(out, "%" PRId64, json_integer_of(value));
        else
            json_put_text(out, json_text_of(value));
    }
}
