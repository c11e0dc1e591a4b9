#include "discovery/secret_document.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/number.h"
#include "discovery/document.h"
#include "discovery/seal.h"

enum { HOST_NAME_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, PORT_MAX = 65535 };

/* --- names and hosts --- */

struct bytes secret_record_name(struct bytes tenant, char name[REGISTRY_NAME_SIZE_MAX])
{
    static const char after[] = ".-secrets";
    char text[REGISTRY_NAME_SIZE_MAX + sizeof(after)];
    int size = snprintf(text, sizeof(text), "%.*s%s", BYTES_ARG(tenant), after);

    if (size > REGISTRY_NAME_SIZE_MAX) /* no tenant has such a name: the registry refuses it */
        size = REGISTRY_NAME_SIZE_MAX;
    memcpy(name, text, (size_t)size);
    return (struct bytes){name, (size_t)size};
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool secret_name_valid(struct bytes name)
{
    if (name.size == 0 || name.size > SECRET_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!is_lower(name.data[i]) && name.data[i] != '_' && name.data[i] != '-')
            return false;
    return true;
}

static bool is_port(struct bytes text)
{
    uint64_t port;

    return text.size > 0 && text.data[0] != '0' && number_parse_u64(text, &port) == OK &&
           port <= PORT_MAX;
}

/* Labels of a name, or an IPv4 address, which has the form of one. */
static bool is_host_name(struct bytes text)
{
    size_t label = 0;

    if (text.size == 0 || text.size > HOST_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (c == '.' && (label == 0 || text.data[i - 1] == '-'))
            return false;
        if (c == '-' && label == 0)
            return false;
        if (c != '.' && c != '-' && c != '_' && !is_lower(c))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_BYTES_MAX)
            return false;
    }
    return label > 0 && text.data[text.size - 1] != '-';
}

/* "[2001:db8::1]" */
static bool is_ipv6(struct bytes text)
{
    char address[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
    struct in6_addr parsed;

    if (text.size < 4 || text.data[0] != '[' || text.data[text.size - 1] != ']' ||
        text.size - 2 >= sizeof(address))
        return false;
    memcpy(address, text.data + 1, text.size - 2);
    address[text.size - 2] = '\0';
    /* One address has one text, else it would not be found again. */
    return inet_pton(AF_INET6, address, &parsed) == 1 &&
           inet_ntop(AF_INET6, &parsed, again, sizeof(again)) && strcmp(address, again) == 0;
}

/* Without its port; the whole of it where it has none. */
static struct bytes without_port(struct bytes host)
{
    for (size_t i = host.size; i > 0 && host.data[i - 1] != ']'; i--)
        if (host.data[i - 1] == ':')
            return (struct bytes){host.data, i - 1};
    return host;
}

bool secret_host_valid(struct bytes host)
{
    struct bytes name = without_port(host);

    if (name.size < host.size && !is_port(bytes_slice(host, name.size + 1, host.size)))
        return false;
    return is_host_name(name) || is_ipv6(name);
}

bool secret_goes_to(const struct secret *secret, struct bytes host)
{
    for (size_t i = 0; i < secret->host_count; i++)
        if (bytes_equal(secret->hosts[i], host) ||
            bytes_equal(secret->hosts[i], without_port(host)))
            return true;
    return false;
}

/* --- reading --- */

struct hosts {
    struct bytes *list;
    size_t count;
};

static enum code take_host(struct document *document, const struct json *value, struct error *err)
{
    struct hosts *hosts = document->context;
    struct bytes host;
    enum code code = document_text_take(document, value, SECRET_HOST_BYTES_MAX, &host, err);

    if (code)
        return code;
    /* What it is instead is not told: it could be the value itself. */
    if (!secret_host_valid(host))
        return document_refuse(document, err,
                               "is no host: want a name as in an address, in lower case, with a "
                               "port or without, as \"api.example.com\"; no scheme, path or '*'");
    for (size_t i = 0; i < hosts->count; i++)
        if (bytes_equal(hosts->list[i], host))
            return document_refuse(document, err, "stands there twice");
    if (hosts->count == SECRET_HOSTS_MAX)
        return document_refuse(document, err, "a secret goes to at most %d hosts",
                               SECRET_HOSTS_MAX);
    hosts->list[hosts->count++] = host;
    return OK;
}

enum code secret_hosts_take(struct document *document, const struct json *value,
                            struct bytes **list, size_t *count, struct error *err)
{
    struct hosts hosts = {ARENA_ARRAY(document->arena, struct bytes, SECRET_HOSTS_MAX), 0};
    void *context = document->context;
    enum code code;

    if (!hosts.list)
        return document_no_memory(err);
    document->context = &hosts;
    code = document_list_take(document, value, take_host, err);
    document->context = context;
    if (!code && hosts.count == 0)
        code = document_refuse(document, err, "has no host; a secret goes to those that it names");
    *list = hosts.list;
    *count = hosts.count;
    return code;
}

/* What is being read. */
struct reading {
    struct secret_document document;
    struct secret secret;
};

static enum code take_name(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;
    enum code code =
        document_text_take(document, value, ERROR_TEXT_SIZE, &reading->secret.name, err);

    if (code)
        return code;
    if (!secret_name_valid(reading->secret.name))
        return document_refuse(document, err, "1 to %d of a-z, 0-9, '_' and '-' are a name",
                               SECRET_NAME_BYTES_MAX);
    if (secret_document_find(&reading->document, reading->secret.name))
        return document_refuse(document, err, "\"%.*s\" names another secret already",
                               BYTES_ARG(reading->secret.name));
    return OK;
}

static enum code take_hosts(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;

    return secret_hosts_take(document, value, &reading->secret.hosts, &reading->secret.host_count,
                             err);
}

static enum code take_sealed(struct document *document, const struct json *value, struct error *err)
{
    struct reading *reading = document->context;
    enum code code =
        document_text_take(document, value, SEAL_TEXT_BYTES_MAX, &reading->secret.sealed, err);

    if (!code && !seal_text_valid(reading->secret.sealed))
        code = document_refuse(document, err, "is no sealed value");
    return code;
}

static enum code take_secret(struct document *document, const struct json *value, struct error *err)
{
    static const struct document_key keys[] = {
        {"name",   take_name  },
        {"hosts",  take_hosts },
        {"sealed", take_sealed},
    };
    struct reading *reading = document->context;
    const struct secret *secret = &reading->secret;
    const char *missing = NULL;
    struct error inner = {0};
    enum code code;

    reading->secret = (struct secret){.host_count = 0};
    code = document_map_take(document, value, "a secret", keys, COUNT_OF(keys), err);
    if (code)
        return code;
    if (secret->sealed.size == 0)
        missing = "sealed";
    if (secret->host_count == 0)
        missing = "hosts";
    if (secret->name.size == 0)
        missing = "name";
    if (missing)
        return document_refuse(document, err, "the secret has no \"%s\"", missing);
    code = secret_document_put(&reading->document, document->arena, secret, &inner);
    if (code == E_MEMORY)
        return document_no_memory(err);
    return code ? document_refuse(document, err, "%s", inner.text) : OK;
}

static enum code take_secrets(struct document *document, const struct json *value,
                              struct error *err)
{
    return document_list_take(document, value, take_secret, err);
}

enum code secret_document_parse(struct bytes text, struct arena *arena,
                                struct secret_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"secrets", take_secrets},
    };
    struct reading reading = {
        .document = {NULL, 0}
    };
    enum code code =
        document_read(text, "a record of secrets", keys, COUNT_OF(keys), arena, &reading, err);

    if (!code)
        *document = reading.document;
    return code;
}

/* --- changing --- */

static struct secret *find(const struct secret_document *document, struct bytes name)
{
    for (size_t i = 0; i < document->count; i++)
        if (bytes_equal(document->secrets[i].name, name))
            return &document->secrets[i];
    return NULL;
}

const struct secret *secret_document_find(const struct secret_document *document, struct bytes name)
{
    return find(document, name);
}

enum code secret_document_put(struct secret_document *document, struct arena *arena,
                              const struct secret *secret, struct error *err)
{
    struct secret *former = find(document, secret->name);
    struct secret *grown;

    if (former) {
        *former = *secret;
        return OK;
    }
    if (document->count == SECRETS_MAX)
        return error_set(err, E_BAD_PARAMETER, "a tenant has at most %d secrets", SECRETS_MAX);
    grown = arena_grow(arena, document->secrets, document->count * sizeof(*grown),
                       (document->count + 1) * sizeof(*grown));
    if (!grown)
        return document_no_memory(err);
    document->secrets = grown;
    document->secrets[document->count++] = *secret;
    return OK;
}

bool secret_document_remove(struct secret_document *document, struct bytes name)
{
    struct secret *secret = find(document, name);

    if (!secret)
        return false;
    document->count--;
    memmove(secret, secret + 1,
            (size_t)(document->secrets + document->count - secret) * sizeof(*secret));
    return true;
}

/* --- printing --- */

/* All texts in it are plain: nothing needs escaping. */
static void secret_print(const struct secret *secret, bool sealed, struct buf *out)
{
    buf_printf(out, "{\"name\":\"%.*s\",\"hosts\":[", BYTES_ARG(secret->name));
    for (size_t i = 0; i < secret->host_count; i++)
        buf_printf(out, "%s\"%.*s\"", i > 0 ? "," : "", BYTES_ARG(secret->hosts[i]));
    buf_put_char(out, ']');
    if (sealed)
        buf_printf(out, ",\"sealed\":\"%.*s\"", BYTES_ARG(secret->sealed));
    buf_put_char(out, '}');
}

void secret_print_name(const struct secret *secret, struct buf *out)
{
    secret_print(secret, false, out);
}

static void list_print(const struct secret_document *document, bool sealed, struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < document->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        secret_print(&document->secrets[i], sealed, out);
    }
    buf_put_char(out, ']');
}

void secret_document_print_names(const struct secret_document *document, struct buf *out)
{
    list_print(document, false, out);
}

void secret_document_print(const struct secret_document *document, struct buf *out)
{
    buf_put_text(out, "{\"secrets\":");
    list_print(document, true, out);
    buf_put_char(out, '}');
}
