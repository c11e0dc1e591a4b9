/* A list of entries is made once from the two tables, setting_rows and limit_rows, with the three
 * names of each.  Every source only looks an entry up by its name and puts a text into it. */
#include "server/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/nearest.h"
#include "base/text_file.h"
#include "codec/json_doc.h"
#include "codec/quantity.h"
#include "codec/yaml_doc.h"
#include "server/listen_address.h"
#include "server/peer_listener.h"
#include "server/registry_place.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    ORIGIN_SIZE = 4200, /* a path and a line */
    ORIGIN_COLUMN = 40,
};

struct entry {
    const char *key; /* in the file; of limits, below `limits:` */
    const char *environment;
    const struct setting_row *row; /* one of the two */
    const struct limit_row *limit;
    const char *text;   /* as it was given */
    const char *origin; /* "default", "weir.yaml:3", "WEIR_DATA", "--data" */
};

struct config {
    struct arena arena;
    struct settings settings;
    struct entry *entries;
    size_t count;
    const char *path;                             /* of the file; NULL = none */
    struct arguments arguments;                   /* row 0 is --config, row i + 1 is entry i */
    const char **keys, **limit_keys, **variables; /* NULL-terminated, for the nearest name */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the configuration");
}

/* A text in the arena; NULL when memory ran out. */
PRINTF_LIKE(2, 3)
static char *text_make(struct config *config, const char *format, ...)
{
    char text[ORIGIN_SIZE];
    va_list arguments;
    char *made;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0)
        return NULL;
    made = arena_alloc(&config->arena, strlen(text) + 1);
    if (made)
        memcpy(made, text, strlen(text) + 1);
    return made;
}

static char *replace(char *text, char from, char to, bool upper)
{
    for (char *at = text; at && *at; at++)
        *at = *at == from ? to : upper ? (char)toupper((unsigned char)*at) : *at;
    return text;
}

static enum code entry_put(struct config *config, struct entry *entry, const char *text,
                           const char *origin, struct error *err)
{
    struct error inner = {0};
    enum code code;

    if (entry->row)
        code = setting_put(entry->row, text, &config->settings, &inner);
    else
        code = limit_parse(entry->limit, bytes_of(text),
                           limit_of(&config->settings.limits, entry->limit), &inner);
    if (code)
        return error_set(err, E_CONFIG, "%s", inner.text);
    entry->text = text;
    entry->origin = origin;
    return OK;
}

static enum code entry_make(struct config *config, size_t index, struct error *err)
{
    struct argument_row *rows = (struct argument_row *)config->arguments.rows;
    struct entry *entry = &config->entries[index];
    char initial[QUANTITY_TEXT_SIZE];
    const char *text, *flag;

    if (index < setting_row_count) {
        entry->row = &setting_rows[index];
        entry->key = entry->row->name;
        entry->environment = replace(text_make(config, "WEIR_%s", entry->key), '-', '_', true);
        flag = replace(text_make(config, "%s", entry->key), '_', '-', false);
        text = entry->row->initial;
        rows[index + 1] = (struct argument_row){flag, entry->row->value ? entry->row->value : "",
                                                entry->row->help};
        config->keys[index] = entry->key;
    } else {
        size_t i = index - setting_row_count;

        entry->limit = &limit_rows[i];
        entry->key = entry->limit->name;
        entry->environment =
            replace(text_make(config, "WEIR_LIMITS_%s", entry->key), '-', '_', true);
        flag = replace(text_make(config, "limit-%s", entry->key), '_', '-', false);
        text = text_make(config, "%.*s",
                         (int)limit_print(entry->limit, entry->limit->initial, initial), initial);
        rows[index + 1] = (struct argument_row){flag, "LIMIT", entry->limit->help};
        config->limit_keys[i] = entry->key;
    }
    if (!entry->environment || !flag || !text)
        return no_memory(err);
    config->variables[index] = entry->environment;
    return entry_put(config, entry, text, "default", err);
}

enum code config_new(struct config **config_made, struct error *err)
{
    struct config *config = calloc(1, sizeof(*config));
    size_t count = setting_row_count + limit_row_count;
    struct argument_row *rows;
    enum code code = OK;

    *config_made = NULL;
    if (!config)
        return no_memory(err);
    arena_init(&config->arena, SIZE_MAX, NULL);
    config->count = count;
    config->entries = arena_zero(&config->arena, count * sizeof(*config->entries));
    config->keys = arena_zero(&config->arena, (setting_row_count + 2) * sizeof(char *));
    config->limit_keys = arena_zero(&config->arena, (limit_row_count + 1) * sizeof(char *));
    config->variables = arena_zero(&config->arena, (count + 2) * sizeof(char *));
    config->arguments.values = arena_zero(&config->arena, (count + 1) * sizeof(char *));
    config->arguments.rows = rows = arena_zero(&config->arena, (count + 1) * sizeof(*rows));
    config->arguments.count = count + 1;
    if (!config->entries || !config->keys || !config->limit_keys || !config->variables ||
        !config->arguments.values || !rows)
        code = no_memory(err);
    for (size_t i = 0; i < count && !code; i++)
        code = entry_make(config, i, err);
    if (code) {
        config_free(config);
        return code;
    }
    rows[0] = (struct argument_row){"config", "FILE", "Configuration file (YAML)."};
    config->keys[setting_row_count] = "limits";
    config->variables[count] = "WEIR_CONFIG";
    *config_made = config;
    return OK;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    arena_release(&config->arena);
    free(config);
}

struct arguments *config_arguments(struct config *config)
{
    return &config->arguments;
}

static bool text_is_fit(const struct yaml_node *node)
{
    return node->kind == YAML_KIND_TEXT && !(node->plain && node->text.size == 0) &&
           !memchr(node->text.data, '\0', node->text.size);
}

/* A list of texts, with commas between them. */
static enum code take_list(struct config *config, const struct yaml_node *list, const char **text,
                           struct error *err)
{
    *text = "";
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        if (!text_is_fit(item))
            return yaml_refuse(item, err, "an element of \"%.*s\" must have a single value",
                               BYTES_ARG(list->key));
        if (strlen(*text) + item->text.size + 2 >= ORIGIN_SIZE)
            return yaml_refuse(item, err, "\"%.*s\" is too long", BYTES_ARG(list->key));
        *text = text_make(config, "%s%s%.*s", *text, **text ? ", " : "", BYTES_ARG(item->text));
        if (!*text)
            return no_memory(err);
    }
    return OK;
}

static bool is_list(const struct entry *entry, const struct yaml_node *member)
{
    return entry->row &&
           (entry->row->kind == SETTING_RULES || entry->row->kind == SETTING_PLACES) &&
           member->kind == YAML_KIND_LIST;
}

/* A member of the file's map, or of its `limits:`. */
static enum code take_member(struct config *config, const struct yaml_node *member, bool of_limits,
                             struct error *err)
{
    struct error inner = {0};
    struct entry *entry = NULL;
    const char *text, *origin;

    for (size_t i = 0; i < config->count; i++)
        if ((config->entries[i].limit != NULL) == of_limits &&
            bytes_equal(member->key, bytes_of(config->entries[i].key)))
            entry = &config->entries[i];
    if (!entry)
        return yaml_refuse_key(member, of_limits ? config->limit_keys : config->keys, err);
    if (is_list(entry, member)) {
        enum code code = take_list(config, member, &text, err);

        if (code)
            return code;
    } else if (!text_is_fit(member)) {
        return yaml_refuse(member, err, "\"%s\" must have a single value", entry->key);
    } else {
        text = text_make(config, "%.*s", BYTES_ARG(member->text));
    }
    origin = text_make(config, "%s:%u", config->path, member->line);
    if (!text || !origin)
        return no_memory(err);
    if (entry_put(config, entry, text, origin, &inner))
        return yaml_refuse(member, err, "\"%s\": %s", entry->key, inner.text);
    return OK;
}

static enum code take_file(struct config *config, const struct yaml_node *root, struct error *err)
{
    enum code code = OK;

    if (root->kind != YAML_KIND_MAP)
        return yaml_refuse(root, err, "the file must be a map (key: value)");
    for (const struct yaml_node *member = root->first; member && !code; member = member->next) {
        if (!bytes_equal(member->key, BYTES("limits"))) {
            code = take_member(config, member, false, err);
            continue;
        }
        if (member->kind != YAML_KIND_MAP)
            return yaml_refuse(member, err, "\"limits\" must be a map (key: value)");
        for (const struct yaml_node *limit = member->first; limit && !code; limit = limit->next)
            code = take_member(config, limit, true, err);
    }
    return code;
}

static enum code read_file(struct config *config, struct error *err)
{
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    const struct yaml_node *root = NULL;
    enum code code = text_file_read(config->path, FILE_BYTES_MAX, &text, err);

    if (!code) {
        code = yaml_doc_parse(buf_bytes(&text), &config->arena, &root, err);
        if (!code && root)
            code = take_file(config, root, err);
        if (code)
            error_context(err, "%s", config->path);
    }
    buf_release(&text);
    return code;
}

/* "NAME=value" of ours; what stands behind the '=' is the value. */
static const char *variable_value(const char *variable, const char *name)
{
    size_t size = strlen(name);

    return strncmp(variable, name, size) == 0 && variable[size] == '=' ? variable + size + 1 : NULL;
}

/* Kubernetes puts WEIR_SERVICE_HOST, WEIR_PORT_8090_TCP and the like into every container beside a
 * service that is called weir; WEIR_FAILPOINTS and WEIR_SABOTAGE are base/failpoint.h's, WEIR_URL
 * and WEIR_TOKEN are those of the commands that talk to a server. */
static bool variable_is_foreign(const char *variable)
{
    static const char *const foreign[] = {"WEIR_SERVICE_",  "WEIR_PORT=", "WEIR_FAILPOINTS=",
                                          "WEIR_SABOTAGE=", "WEIR_URL=",  "WEIR_TOKEN="};

    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        if (strncmp(variable, foreign[i], strlen(foreign[i])) == 0)
            return true;
    return strncmp(variable, "WEIR_PORT_", 10) == 0 && isdigit((unsigned char)variable[10]);
}

static enum code take_variable(struct config *config, const char *variable, struct error *err)
{
    struct bytes name = {variable, strcspn(variable, "=")};
    const char *near;

    for (size_t i = 0; i < config->count; i++) {
        struct entry *entry = &config->entries[i];
        const char *value = variable_value(variable, entry->environment);
        enum code code;

        if (!value)
            continue;
        code = entry_put(config, entry, value, entry->environment, err);
        if (code)
            error_context(err, "%s", entry->environment);
        return code;
    }
    if (variable_value(variable, "WEIR_CONFIG") || variable_is_foreign(variable))
        return OK;
    near = nearest_name(name, config->variables);
    return error_set(err, E_CONFIG, "unknown environment variable %.*s%s%s%s", BYTES_ARG(name),
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static enum code read_environment(struct config *config, char *const *environment,
                                  struct error *err)
{
    enum code code = OK;

    for (; *environment && !code; environment++)
        if (strncmp(*environment, "WEIR_", 5) == 0)
            code = take_variable(config, *environment, err);
    return code;
}

static enum code read_flags(struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *value = config->arguments.values[i + 1];
        const char *name = config->arguments.rows[i + 1].name;
        const char *origin;
        enum code code;

        if (!value)
            continue;
        origin = text_make(config, "--%s", name);
        if (!origin)
            return no_memory(err);
        code = entry_put(config, &config->entries[i], value, origin, err);
        if (code) {
            error_context(err, "--%s", name);
            return code;
        }
    }
    return OK;
}

/* --config, WEIR_CONFIG, or the first of the usual places that has a file; NULL = none. */
static const char *find_path(const struct config *config, char *const *environment)
{
    static const char *const usual[] = {"weir.yaml", "/etc/weir/weir.yaml"};

    if (config->arguments.values[0])
        return config->arguments.values[0];
    for (; *environment; environment++) {
        const char *value = variable_value(*environment, "WEIR_CONFIG");

        if (value)
            return value;
    }
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        if (access(usual[i], F_OK) == 0)
            return usual[i];
    return NULL;
}

/* It is a part of a header of every request. */
static enum code check_contact(const char *contact, struct error *err)
{
    size_t size = contact != NULL ? strlen(contact) : 0;

    for (size_t i = 0; i < size; i++)
        if (contact[i] < ' ' || contact[i] > '~')
            return error_set(err, E_CONFIG, "pull_contact: want printable characters of ASCII");
    if (size > SETTING_CONTACT_SIZE_MAX)
        return error_set(err, E_CONFIG, "pull_contact has %zu characters; want at most %d", size,
                         SETTING_CONTACT_SIZE_MAX);
    return OK;
}

static enum code check(const struct config *config, struct error *err)
{
    const struct settings *settings = &config->settings;
    bool loopback;
    enum code code = listen_address_check(bytes_of(settings->listen), &loopback, err);

    if (code) {
        error_context(err, "listen");
        return code;
    }
    if (!loopback && !settings->tenants && !settings->registry && !settings->insecure_listen)
        return error_set(err, E_CONFIG,
                         "listen: %s is not loopback and there are no tokens: whoever reaches it "
                         "may do everything. Name a --tenants file, or say --insecure-listen",
                         settings->listen);
    if (settings->tenants && settings->registry)
        return error_set(err, E_CONFIG,
                         "tenants and registry both say who may do what; leave one of them out");
    if (settings->registry_credentials_file && !settings->registry)
        return error_set(err, E_CONFIG, "registry_credentials_file needs a registry");
    code = check_contact(settings->pull_contact, err);
    if (code)
        return code;
    if (settings->registry) {
        code = registry_place_check(settings, err);
        if (code)
            error_context(err, "registry");
    }
    return code ? code : peer_listener_check(settings, err);
}

enum code config_load(struct config *config, char *const *environment, struct error *err)
{
    enum code code = OK;

    config->path = find_path(config, environment);
    if (config->path)
        code = read_file(config, err);
    if (!code)
        code = read_environment(config, environment, err);
    if (!code)
        code = read_flags(config, err);
    if (!code)
        code = check(config, err);
    return code;
}

const struct settings *config_settings(const struct config *config)
{
    return &config->settings;
}

enum log_format config_log_format(const struct config *config)
{
    if (config->settings.log_format == 0)
        return isatty(STDERR_FILENO) ? LOG_LOGFMT : LOG_JSON;
    return config->settings.log_format == 1 ? LOG_LOGFMT : LOG_JSON;
}

void config_print(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct entry *entry = &config->entries[i];
        size_t first;

        if (i == setting_row_count)
            buf_put_text(out, "limits:\n");
        first = out->size;
        buf_printf(out, "%s%s: ", entry->limit ? "  " : "", entry->key);
        if (entry->row && (entry->row->kind == SETTING_TEXT || entry->row->kind == SETTING_RULES ||
                           entry->row->kind == SETTING_PLACES))
            json_put_text(out, bytes_of(entry->text)); /* a JSON string is a YAML one */
        else
            buf_put_text(out, entry->text);
        while (!out->failed && out->size - first < ORIGIN_COLUMN)
            buf_put_char(out, ' ');
        buf_printf(out, " # %s\n", entry->origin);
    }
}
