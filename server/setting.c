#include "server/setting.h"

#include "base/number.h"
#include "codec/quantity.h"

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "logfmt", "json", NULL};

/* A row is its member with: kind, default, what help calls the value, help, the rest. */
#define SETTING(member, of_kind, first, word, text, ...)                                           \
    {                                                                                              \
        .name = #member, .offset = offsetof(struct settings, member), .kind = (of_kind),           \
        .initial = (first), .value = (word), .help = (text), __VA_ARGS__                           \
    }

const struct setting_row setting_rows[] = {
    SETTING(data, SETTING_TEXT, "weir-data", "DIR",
            "Directory of everything that is kept; made if it is missing.", ),
    SETTING(listen, SETTING_TEXT, "127.0.0.1:8090", "HOST:PORT",
            "Address to serve on; port 0 takes any free one.", ),
    SETTING(tenants, SETTING_TEXT, "", "FILE",
            "File of tenants and tokens; without one: one tenant, open to loopback.",
            .optional = true),
    SETTING(registry, SETTING_TEXT, "", "WHERE",
            "Registry of tenants, shards and members, instead of a tenants file: "
            "zookeeper://host:port,host:port/path, or a directory of files.",
            .optional = true),
    SETTING(registry_credentials_file, SETTING_TEXT, "", "FILE",
            "File with the user:password that ZooKeeper is shown (scheme digest).",
            .optional = true),
    SETTING(port_file, SETTING_TEXT, "", "FILE",
            "File that gets the address really bound, once it is served.", .optional = true),
    SETTING(peer_listen, SETTING_TEXT, "", "HOST:PORT",
            "Address to serve other members of the registry on; port 0 takes any free one.",
            .optional = true),
    SETTING(peer_secret_file, SETTING_TEXT, "", "FILE",
            "File with the secret that all members of the registry show one another.",
            .optional = true),
    SETTING(peer_address, SETTING_TEXT, "", "HOST:PORT",
            "Address that other members reach peer_listen by, where it is another one.",
            .optional = true),
    SETTING(secrets_key_file, SETTING_TEXT, "", "FILE",
            "File with the key that seals secrets of tenants; without a registry one is made.",
            .optional = true),
    SETTING(insecure_listen, SETTING_BOOL, "false", NULL,
            "Serve beyond loopback without tokens: whoever reaches the port may do everything.", ),
    SETTING(log_level, SETTING_CHOICE, "info", "LEVEL",
            "Least level of messages: debug, info, warn or error.", .choices = log_levels),
    SETTING(log_format, SETTING_CHOICE, "auto", "FORMAT",
            "logfmt, json, or auto: logfmt on a terminal, else json.", .choices = log_formats),
    SETTING(http_threads, SETTING_COUNT, "0", "COUNT", "Threads that serve HTTP; 0 = one per core.",
            .most = 256),
    SETTING(query_threads, SETTING_COUNT, "0", "COUNT",
            "Threads that answer queries; 0 = one per core.", .most = 256),
    SETTING(query_helpers_max, SETTING_COUNT, "15", "COUNT",
            "Idle query threads that may help with one query; 0 = none.", .most = 15),
    SETTING(query_at_once_values_max, SETTING_COUNT, "65536", "COUNT",
            "A query of so many values is answered by the thread that read it, without a worker; 0 "
            "= none.",
            .most = 1048576),
    SETTING(accept_clock, SETTING_BOOL, "false", NULL,
            "Take a wall clock that jumped as the truth.", ),
    SETTING(ballast_bytes, SETTING_SIZE, "64MiB", "SIZE",
            "File that is given up when the disk is full, so that sealing goes on.",
            .most = UINT64_C(1) << 40),
    SETTING(drain_ms, SETTING_MS, "20s", "DURATION",
            "How long requests under way may go on after SIGTERM.", .most = 3600000),
    SETTING(slow_query_ms, SETTING_MS, "1s", "DURATION",
            "A query that takes so long is told in the log; 0 = none is.", .most = 86400000),
    SETTING(pull_allow, SETTING_RULES, "", "RULES",
            "Addresses that sources may reach although they are not public, separated by commas: "
            "10.1.0.0/16, 127.0.0.1:8099, [fd00::]/8:443.", ),
    SETTING(pull_contact, SETTING_TEXT, "", "TEXT",
            "Who pulls, for the User-Agent that remote APIs see: an address of mail, or of a page.",
            .optional = true),
    SETTING(pull_body_bytes_max, SETTING_SIZE, "4GiB", "SIZE",
            "Largest page of a source, as it comes over the network.", .most = UINT64_C(1) << 40),
    SETTING(pull_plain_bytes_max, SETTING_SIZE, "16GiB", "SIZE",
            "Largest page of a source, decompressed.", .most = UINT64_C(1) << 40),
    SETTING(pull_files, SETTING_PLACES, "", "DIRS",
            "Directories in which sources may follow files, separated by commas: /srv/lab, or of "
            "one tenant, lab=/srv/lab.", ),
};

const size_t setting_row_count = COUNT_OF(setting_rows);

static void *place_of(const struct setting_row *row, struct settings *settings)
{
    return (char *)settings + row->offset;
}

static enum code put_text(const struct setting_row *row, const char *text,
                          struct settings *settings, struct error *err)
{
    if (!*text && !row->optional)
        return error_set(err, E_CONFIG, "has no value");
    *(const char **)place_of(row, settings) = *text ? text : NULL;
    return OK;
}

static enum code put_number(const struct setting_row *row, const char *text,
                            struct settings *settings, struct error *err)
{
    struct bytes span = bytes_of(text);
    struct error inner = {0};
    uint64_t value = 0;
    enum code code;

    if (row->kind == SETTING_SIZE)
        code = size_parse(span, &value, &inner);
    else if (row->kind == SETTING_MS)
        code = milliseconds_parse(span, &value, &inner);
    else if (number_parse_u64(span, &value))
        code = error_set(&inner, E_CONFIG, "\"%s\" is not a whole number from 0 to %llu", text,
                         (unsigned long long)row->most);
    else
        code = OK;
    if (code)
        return error_set(err, E_CONFIG, "%s", inner.text);
    if (value > row->most)
        return error_set(err, E_CONFIG, "\"%s\" is above the most, %llu", text,
                         (unsigned long long)row->most);
    *(uint64_t *)place_of(row, settings) = value;
    return OK;
}

static enum code put_bool(const struct setting_row *row, const char *text,
                          struct settings *settings, struct error *err)
{
    bool yes = strcmp(text, "true") == 0;

    if (!yes && strcmp(text, "false") != 0)
        return error_set(err, E_CONFIG, "\"%s\" is neither true nor false", text);
    *(bool *)place_of(row, settings) = yes;
    return OK;
}

static enum code put_choice(const struct setting_row *row, const char *text,
                            struct settings *settings, struct error *err)
{
    for (unsigned i = 0; row->choices[i]; i++)
        if (strcmp(text, row->choices[i]) == 0) {
            *(unsigned *)place_of(row, settings) = i;
            return OK;
        }
    return error_set(err, E_CONFIG, "\"%s\" is none of its values. %s", text, row->help);
}

/* Commas or spaces are between them; a list of the file comes with commas. */
static enum code put_rules(const struct setting_row *row, const char *text,
                           struct settings *settings, struct error *err)
{
    static const char between[] = ", \t\n";
    struct address_rules rules = {0};

    for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
        struct bytes rule = {at, strcspn(at, between)};
        struct error inner = {0};

        if (address_rules_add(&rules, rule, &inner))
            return error_set(err, E_CONFIG, "%s", inner.text);
        at += rule.size;
    }
    *(struct address_rules *)place_of(row, settings) = rules;
    return OK;
}

/* Commas are between them, with spaces or without. */
static enum code put_places(const struct setting_row *row, const char *text,
                            struct settings *settings, struct error *err)
{
    static const char between[] = ", \t\n";
    struct tail_places places = {0};

    for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
        struct bytes place = {at, strcspn(at, ",\n")};
        struct error inner = {0};

        at += place.size;
        while (place.size > 0 && strchr(between, place.data[place.size - 1]) != NULL)
            place.size--;
        if (tail_places_add(&places, place, &inner))
            return error_set(err, E_CONFIG, "%s", inner.text);
    }
    *(struct tail_places *)place_of(row, settings) = places;
    return OK;
}

enum code setting_put(const struct setting_row *row, const char *text, struct settings *settings,
                      struct error *err)
{
    switch (row->kind) {
    case SETTING_TEXT:
        return put_text(row, text, settings, err);
    case SETTING_BOOL:
        return put_bool(row, text, settings, err);
    case SETTING_CHOICE:
        return put_choice(row, text, settings, err);
    case SETTING_RULES:
        return put_rules(row, text, settings, err);
    case SETTING_PLACES:
        return put_places(row, text, settings, err);
    case SETTING_SIZE:
    case SETTING_MS:
    case SETTING_COUNT:
        break;
    }
    return put_number(row, text, settings, err);
}
