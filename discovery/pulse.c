#include "discovery/pulse.h"

#include <stddef.h>

#include "codec/json_doc.h"
#include "model/member.h"

enum { DEPTH_MAX = 4 };

/* Some months of room for who counts with it. */
static const int64_t wall_most = INT64_C(9200000000000000000);

static enum code refuse(struct error *err, const char *key, const char *want)
{
    return error_set(err, E_SYNTAX, "not a pulse: \"%s\" must be %s", key, want);
}

static enum code take_truth(const struct json *root, const char *key, bool *value,
                            struct error *err)
{
    const struct json *member = json_member(root, key);

    if (!member || json_kind(member) != JSON_KIND_BOOL)
        return refuse(err, key, "true or false");
    *value = json_bool_of(member);
    return OK;
}

static enum code take_integer(const struct json *root, const char *key, int64_t *value,
                              struct error *err)
{
    const struct json *member = json_member(root, key);

    if (!member || json_kind(member) != JSON_KIND_INTEGER || json_integer_of(member) < 0)
        return refuse(err, key, "a whole number from 0 on");
    *value = json_integer_of(member);
    return OK;
}

/* What older ones do not say. */
static enum code take_more(const struct json *root, struct pulse *pulse, struct error *err)
{
    const struct json *incarnation = json_member(root, "incarnation");

    if (incarnation && (json_kind(incarnation) != JSON_KIND_TEXT ||
                        !hash128_parse(json_text_of(incarnation), &pulse->incarnation)))
        return refuse(err, "incarnation", "that of a data directory");
    return json_member(root, "closed_ns") ? take_integer(root, "closed_ns", &pulse->closed_ns, err)
                                          : OK;
}

static enum code take_all(const struct json *root, struct pulse *pulse, struct error *err)
{
    int64_t number = 0, backlog = 0, version = 0;
    const struct {
        const char *key;
        int64_t *value;
    } rows[] = {
        {"number",           &number           },
        {"wall_ns",          &pulse->wall_ns   },
        {"stamp_ns",         &pulse->stamp_ns  },
        {"through_ns",       &pulse->through_ns},
        {"backlog_bytes",    &backlog          },
        {"registry_version", &version          },
    };
    enum code code = take_truth(root, "ready", &pulse->ready, err);

    if (!code)
        code = take_truth(root, "peer_known", &pulse->peer_known, err);
    for (size_t i = 0; !code && i < COUNT_OF(rows); i++)
        code = take_integer(root, rows[i].key, rows[i].value, err);
    if (!code)
        code = take_more(root, pulse, err);
    if (!code && number > MEMBER_NUMBER_MAX)
        code = refuse(err, "number", "a member's");
    if (!code && pulse->wall_ns > wall_most)
        code = refuse(err, "wall_ns", "a time before 2262");
    pulse->number = (unsigned)number;
    pulse->backlog_bytes = (uint64_t)backlog;
    pulse->registry_version = (uint64_t)version;
    return code;
}

enum code pulse_parse(struct bytes text, struct pulse *pulse, struct error *err)
{
    struct pulse read = {.number = 0};
    struct json *root = NULL;
    enum code code = json_doc_parse(text, DEPTH_MAX, &root, err);

    if (!code)
        code = take_all(root, &read, err);
    json_doc_free(root);
    if (!code)
        *pulse = read;
    return code;
}
