#include "server/registry_command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"
#include "base/number.h"
#include "codec/json_doc.h"
#include "discovery/record_edit.h"
#include "server/command_line.h"
#include "server/output.h"
#include "server/registry_place.h"
#include "server/table.h"

enum { VERBS_MAX = 16, WAIT_MS = 10000 };

/* --- the command line --- */

static void settings_print(const struct arguments *settings)
{
    static const char *const names[] = {"registry", "registry-credentials-file", "config"};

    fputs("\nsettings (each is also a key of the file and a variable, WEIR_…; all others of "
          "`weir serve` are\ntaken, too, and change nothing here):\n",
          stdout);
    for (size_t n = 0; n < COUNT_OF(names); n++)
        for (size_t i = 0; i < settings->count; i++)
            if (strcmp(settings->rows[i].name, names[n]) == 0)
                argument_row_print(&settings->rows[i], stdout);
}

static void verb_help(const struct registry_verb *verb, struct config *config)
{
    const struct arguments own = {verb->rows, verb->row_count, NULL};
    const struct arguments repeated = {verb->repeated, verb->repeated_count, NULL};

    fputs(verb->usage, stdout);
    fputs("\nflags:\n", stdout);
    arguments_print(&own, stdout);
    arguments_print(&repeated, stdout);
    settings_print(config_arguments(config));
}

static const struct registry_verb *verb_find(const struct registry_verb *verbs, size_t count,
                                             const char *command, const char *name)
{
    const char *names[VERBS_MAX + 1] = {NULL}, *near;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
        names[i] = verbs[i].name;
    }
    near = nearest_name(bytes_of(name), names);
    fprintf(stderr, "weir %s: \"%s\" is not known%s%s%s (weir %s --help tells all)\n", command,
            name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", command);
    return NULL;
}

static enum code words_take(struct registry_command *command, const struct argument_more *more,
                            struct error *err)
{
    if (more->rest_count != command->verb->names)
        return error_set(err, E_CONFIG, "%zu names are given, and %zu wanted", more->rest_count,
                         command->verb->names);
    for (size_t i = 0; i < more->rest_count; i++)
        command->words[i] = bytes_of(more->rest[i]);
    return OK;
}

/* argv[0] is the verb. */
static enum code line_read(struct registry_command *command, int argc, char **argv,
                           struct error *err)
{
    const struct registry_verb *verb = command->verb;
    struct arguments tables[2] = {
        {verb->rows, verb->row_count, command->values},
        *config_arguments(command->config)
    };
    struct argument_more more = {
        verb->repeated, verb->repeated_count, command->lists, true, NULL, 0};
    enum code code = arguments_read_more(argc, argv, tables, COUNT_OF(tables), &more, err);

    if (!code)
        code = words_take(command, &more, err);
    return code;
}

static enum code registry_reach(struct registry_command *command, struct error *err)
{
    const struct registry_rules rules = {.wait_ms = WAIT_MS};
    enum code code =
        registry_place_open(config_settings(command->config), &rules, &command->registry, err);

    if (!code)
        code = registry_wait_connected(command->registry, WAIT_MS, err);
    if (code)
        error_context(err, "registry");
    return code;
}

static int end(const struct registry_command *command, enum code code, const struct error *err)
{
    if (code == OK)
        return COMMAND_DONE;
    if (!command->refused) {
        command_fail(err);
        return code == E_CONFLICT ? COMMAND_CONFLICT : COMMAND_FAILED;
    }
    fprintf(stderr, "weir %s %s: %s (weir %s %s --help tells all)\n", command->name,
            command->verb->name, err->text, command->name, command->verb->name);
    return COMMAND_USAGE;
}

static int run(struct registry_command *command, int argc, char **argv)
{
    struct error err = {0};
    enum code code;

    if (arguments_ask_help(argc, argv)) {
        verb_help(command->verb, command->config);
        return COMMAND_DONE;
    }
    command->refused = true;
    code = line_read(command, argc, argv, &err);
    if (code)
        return end(command, code, &err);
    command->refused = false;
    code = config_load(command->config, environ, &err);
    if (!code && !config_settings(command->config)->registry) {
        command->refused = true;
        code = error_set(&err, E_CONFIG,
                         "which registry? --registry zookeeper://host:port,host:port/path, or a "
                         "directory; WEIR_REGISTRY says it for all commands");
    }
    if (!code)
        code = registry_reach(command, &err);
    if (!code)
        code = command->verb->run(command, &err);
    return end(command, code, &err);
}

int registry_command_run(const char *about, const struct registry_verb *verbs, size_t verb_count,
                         int argc, char **argv)
{
    struct registry_command command = {.name = argv[0]};
    struct error err = {0};
    int exit_code;

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(about, argc < 2 ? stderr : stdout);
        return argc < 2 ? COMMAND_USAGE : COMMAND_DONE;
    }
    command.verb = verb_find(verbs, verb_count, argv[0], argv[1]);
    if (!command.verb)
        return COMMAND_USAGE;
    if (config_new(&command.config, &err))
        return command_fail(&err);
    log_setup(LOG_ERROR, LOG_LOGFMT); /* how a connection comes about is not what was asked for */
    arena_init(&command.arena, SIZE_MAX, NULL);
    exit_code = run(&command, argc - 1, argv + 1);
    registry_close(command.registry);
    arena_release(&command.arena);
    config_free(command.config);
    return exit_code;
}

enum code registry_command_refuse(struct registry_command *command, struct error *err,
                                  const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    command->refused = true;
    return error_set(err, E_BAD_PARAMETER, "%s", text);
}

/* --- changing --- */

static enum code expected_version(struct registry_command *command,
                                  const struct registry_change *change,
                                  const struct registry_record *record, struct error *err)
{
    uint64_t expect, version = record ? record->version : 0;

    if (!change->expect)
        return OK;
    if (number_parse_u64(bytes_of(change->expect), &expect))
        return registry_command_refuse(command, err, "--expect %s: want a version, a whole number",
                                       change->expect);
    if (expect != version)
        return error_set(err, E_CONFLICT, "it is at version %" PRIu64 ", not %" PRIu64, version,
                         expect);
    return OK;
}

struct changing {
    struct registry_command *command;
    const struct registry_change *change;
};

static enum code edit(void *context, const struct registry_snapshot *records,
                      const struct registry_record *record, struct buf *text, struct error *err)
{
    const struct changing *changing = context;
    const struct registry_change *change = changing->change;
    enum code code = expected_version(changing->command, change, record, err);

    return code ? code
                : change->edit(changing->command, change->context, records, record, text, err);
}

enum code registry_command_change(struct registry_command *command,
                                  const struct registry_change *change, uint64_t *version,
                                  struct error *err)
{
    struct changing changing = {command, change};
    const struct record_edit run = {change->kind, change->name, edit, NULL, &changing};
    bool changed;
    enum code code = record_edit_run(command->registry, &run, version, &changed, err);

    if (!registry_name_valid(change->kind, change->name))
        command->refused = true;
    if (code == E_TIMEOUT)
        error_context(err, "whether it was done is not known; look (weir %s show), and do it again",
                      command->name);
    return code;
}

/* --- telling --- */

static enum code take_stdout(void *context, struct bytes piece, struct error *err)
{
    return output_write(context, piece, err);
}

enum code registry_table_print(struct bytes csv, struct error *err)
{
    struct output *output = NULL;
    struct table *table = NULL;
    enum code code = output_open(NULL, &output, err);

    if (!code)
        code = table_new(take_stdout, output, &table, err);
    if (!code)
        code = table_take(table, csv, err);
    if (!code)
        code = table_finish(table, err);
    table_free(table);
    output_close(output);
    return code;
}

enum code registry_json_print(struct buf *json, struct error *err)
{
    struct output *output = NULL;
    enum code code;

    buf_put_char(json, '\n');
    code = buf_finish(json, err);
    if (!code)
        code = output_open(NULL, &output, err);
    if (!code)
        code = output_write(output, buf_bytes(json), err);
    output_close(output);
    return code;
}

void registry_record_begin(const struct registry_record *record, struct buf *out)
{
    buf_put_text(out, "{\"name\":");
    json_put_text(out, record->name);
    buf_printf(out, ",\"version\":%" PRIu64, record->version);
    if (record->missing)
        buf_put_text(out, ",\"missing\":true");
}

void registry_cell(struct buf *csv, bool first, struct bytes text)
{
    if (!first)
        buf_put_char(csv, ',');
    if (text.size == 0) /* as opposed to "" */
        return;
    buf_put_char(csv, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buf_put_char(csv, '"');
        buf_put_char(csv, text.data[i]);
    }
    buf_put_char(csv, '"');
}

enum code registry_command_tell(const struct registry_command *command, const char *done,
                                struct bytes name, uint64_t version, bool json, struct error *err)
{
    struct buf out = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    enum code code;

    if (!json) {
        fprintf(stderr, "%s %.*s %s (version %" PRIu64 ")\n", command->name, BYTES_ARG(name), done,
                version);
        return OK;
    }
    buf_put_text(&out, "{\"name\":");
    json_put_text(&out, name);
    buf_printf(&out, ",\"version\":%" PRIu64 ",\"done\":\"%s\"}", version, done);
    code = registry_json_print(&out, err);
    buf_release(&out);
    return code;
}

enum code registry_command_tenant(struct registry_command *command,
                                  const struct registry_record *record,
                                  struct tenant_document *document, struct error *err)
{
    struct bytes name = command->words[0];
    enum code code;

    if (!record)
        return error_set(err, E_NOT_FOUND, "there is no tenant %.*s", BYTES_ARG(name));
    code = tenant_document_parse(record->text, &command->arena, document, err);
    if (code)
        error_context(err, "the record of the tenant %.*s is not right", BYTES_ARG(name));
    return code;
}

static enum code items_print(struct registry_command *command, const struct registry_list *list,
                             const struct registry_snapshot *records, bool json, struct buf *out,
                             struct error *err)
{
    const char *between = "";
    size_t first, end;

    registry_range(records, list->kind, &first, &end);
    for (size_t i = first; i < end; i++) {
        size_t before = out->size, begun;
        enum code code;

        buf_put_text(out, between);
        begun = out->size;
        code = list->print(command, records, &records->records[i], json, out, err);
        if (code)
            return code;
        if (out->size == begun)
            out->size = before;
        else if (json)
            between = ",";
    }
    return OK;
}

enum code registry_list_print(struct registry_command *command, const struct registry_list *list,
                              bool json, struct error *err)
{
    struct registry_snapshot *records = registry_get(command->registry);
    struct buf out = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    enum code code;

    if (json)
        buf_printf(&out, "{\"%s\":[", list->member);
    else
        buf_printf(&out, "%s\n", list->columns);
    code = items_print(command, list, records, json, &out, err);
    if (json)
        buf_put_text(&out, "]}");
    if (!code)
        code = buf_finish(&out, err);
    if (!code)
        code = json ? registry_json_print(&out, err) : registry_table_print(buf_bytes(&out), err);
    buf_release(&out);
    registry_snapshot_put(records);
    return code;
}
