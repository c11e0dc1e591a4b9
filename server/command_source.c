/* weir source: what is pulled for a tenant, by its server.  A document comes from a file or is one
 * of the examples; what --set says is put into it here, so that the server gets a whole one. */
#include <stdio.h>

#include "base/nearest.h"
#include "base/text_file.h"
#include "codec/json_doc.h"
#include "ingest/pull/puller.h"
#include "server/command_verbs.h"
#include "server/commands.h"
#include "server/registry_command.h"
#include "server/source_examples.h"
#include "server/source_form.h"
#include "server/source_line.h"

enum {
    TARGET_BYTES_MAX = 1024,
    CELL_BYTES_MAX = 4096,
    LIST_DEPTH_MAX = 32,
    FAULTS_TOLD_MAX = 20,
    PAGE_BYTES_MAX = 16 << 20,
};

static const char usage[] =
    "usage: weir source add|check NAME|FILE [--as NAME] [--set KEY=VALUE]... [--replace]\n"
    "       weir source examples\n"
    "       weir source example NAME\n"
    "       weir source list [--json]\n"
    "       weir source test NAME|FILE [--as NAME] [--set KEY=VALUE]... [--page FILE]\n"
    "       weir source show|pull|pause|resume|delete NAME\n"
    "       weir source fetches NAME [--limit N]\n"
    "       weir source backfill NAME --start TIME --end TIME\n"
    "\n"
    "Remote APIs that Weir pulls for ever, each declared by one document: of a file (YAML or\n"
    "JSON), or one of the examples that the program has.  The token needs scope admin, to look\n"
    "at them scope read.\n"
    "\n"
    "  weir source examples\n"
    "  weir source add open-meteo --set lat=52.52 --set lon=13.41\n"
    "  weir source add octopus-consumption --set mpan=2000012345678 --set serial=12L0123456\n"
    "  weir source check meters.yaml\n"
    "  weir source test meters.yaml --page saved.json\n"
    "  weir source add meters.yaml --as meters-north\n"
    "  weir source pull open-meteo\n"
    "  weir source list\n";

/* --- add and check --- */

/* Each was said on a line of its own: the error does not say the first of them once more. */
static enum code sum_up(size_t count, enum code code, struct error *err)
{
    return error_set(err, code, "the document has %zu fault%s", count, count == 1 ? "" : "s");
}

/* What is wrong with the document, each thing on its own line. */
static void say_faults(struct remote *remote, enum code code, struct error *err)
{
    struct json *root = NULL;
    const struct json *faults;

    if (json_doc_parse(buf_bytes(&remote->answer), LIST_DEPTH_MAX, &root, NULL) != OK)
        return;
    faults = json_member(root, "errors");
    for (size_t i = 0; i < json_count(faults) && i < FAULTS_TOLD_MAX; i++) {
        const struct json *pointer = json_member(json_element(faults, i), "pointer");
        const struct json *detail = json_member(json_element(faults, i), "detail");

        if (pointer != NULL && json_kind(pointer) == JSON_KIND_TEXT && detail != NULL &&
            json_kind(detail) == JSON_KIND_TEXT)
            remote_say(remote, "%.*s: %.*s", BYTES_ARG(json_text_of(pointer)),
                       BYTES_ARG(json_text_of(detail)));
    }
    if (json_count(faults) > 0)
        (void)sum_up(json_count(faults), code, err);
    json_doc_free(root);
}

/* Bound to that host: by its name for each port, or with that port. */
static bool goes_to(const struct json *secret, struct bytes host)
{
    const struct json *hosts = json_member(secret, "hosts");
    const char *colon = host.size > 0 ? memrchr(host.data, ':', host.size) : NULL;
    struct bytes bare = {host.data, colon != NULL ? (size_t)(colon - host.data) : host.size};

    for (size_t i = 0; i < json_count(hosts); i++) {
        const struct json *bound = json_element(hosts, i);

        if (json_kind(bound) == JSON_KIND_TEXT &&
            (bytes_equal(json_text_of(bound), host) || bytes_equal(json_text_of(bound), bare)))
            return true;
    }
    return false;
}

static const struct json *secret_find(const struct json *list, struct bytes name)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *called = json_member(json_element(list, i), "name");

        if (called != NULL && json_kind(called) == JSON_KIND_TEXT &&
            bytes_equal(json_text_of(called), name))
            return json_element(list, i);
    }
    return NULL;
}

/* The source is declared and will fail without: so it is told, with the line that mends it. */
static enum code say_missing_secrets(struct remote *remote, const struct source_form *form,
                                     struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = BYTES("/v1/secrets")};
    struct json *root = NULL;
    enum code code = OK;

    if (form->wishes.secret_count == 0)
        return OK;
    code = remote_send(remote, &request, NULL, NULL, err);
    if (code == OK)
        code = json_doc_parse(buf_bytes(&remote->answer), LIST_DEPTH_MAX, &root, err);
    for (size_t i = 0; code == OK && i < form->wishes.secret_count; i++) {
        struct bytes name = form->wishes.secrets[i];
        const struct json *secret = secret_find(json_member(root, "secrets"), name);

        if (secret != NULL && goes_to(secret, form->host))
            continue;
        remote_say(remote,
                   "its secret %.*s is %s: weir secret set %.*s --host %.*s --value-file %s",
                   BYTES_ARG(name), secret == NULL ? "missing" : "not bound to its host",
                   BYTES_ARG(name), BYTES_ARG(form->host), "FILE");
    }
    json_doc_free(root);
    return code;
}

/* In place of one of that name only where that is meant: what it pulled goes on under its name. */
static enum code declare(struct remote *remote, const struct source_form *form, bool replace,
                         struct error *err)
{
    struct remote_request request = {.method = "PUT",
                                     .content_type = "application/json",
                                     .body = form->json,
                                     .precondition = replace ? NULL : "If-None-Match: *"};
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    enum code code = source_target(form->name, "", &target, err);

    request.target = buf_bytes(&target);
    if (code == OK) {
        code = remote_send(remote, &request, NULL, NULL, err);
        if (code && client_status(remote->client) == 412)
            error_set(
                err, code,
                "there is a source %.*s: --replace gives it this document, --as NAME declares "
                "another one",
                BYTES_ARG(form->name));
        else if (code)
            say_faults(remote, code, err);
    }
    buf_release(&target);
    return code;
}

enum add_flag { ADD_AS, ADD_REPLACE, ADD_FLAGS };

static enum code add(struct remote *remote, const struct source_form *form, bool replace,
                     struct error *err)
{
    enum code code = declare(remote, form, replace, err);

    if (code)
        return code;
    remote_say(remote,
               client_status(remote->client) == 200
                   ? "the source %.*s was there, and has this document now (weir source pull, and "
                     "backfill of what it had, ask with it)"
                   : "the source %.*s is declared, and pulled from now on (weir source list tells "
                     "how it goes)",
               BYTES_ARG(form->name));
    return say_missing_secrets(remote, form, err);
}

/* As the server would see it, and without one. */
static enum code check(struct remote *remote, const struct source_form *form, struct arena *arena,
                       struct error *err)
{
    struct source_faults faults = {.count = 0};
    struct source *source = NULL;
    enum code code = source_parse(form->name, form->json, arena, &source, &faults, err);

    for (size_t i = 0; i < faults.count; i++)
        remote_say(remote, "%.*s: %.*s", BYTES_ARG(faults.items[i].pointer),
                   BYTES_ARG(faults.items[i].text));
    source_free(source);
    if (code != OK && faults.count > 0)
        (void)sum_up(faults.count + faults.more, code, err);
    if (code == OK)
        remote_say(remote, "the source %.*s can be declared", BYTES_ARG(form->name));
    return code;
}

enum try_flag { TRY_AS, TRY_PAGE };

/* What the server makes of a page: of one that it asks for, or of the file. */
static enum code try(struct remote *remote, const struct source_form *form, const char *path,
                     struct error *err)
{
    struct remote_request request = {.method = "POST",
                                     .target = BYTES("/v1/sources:test"),
                                     .content_type = "application/json",
                                     .question = true};
    struct buf page = BUF_INIT(PAGE_BYTES_MAX), body = BUF_INIT(8 * (size_t)PAGE_BYTES_MAX);
    enum code code = path == NULL ? OK : text_file_read(path, PAGE_BYTES_MAX, &page, err);

    buf_put_text(&body, "{\"document\":");
    buf_put(&body, form->json);
    if (path != NULL) {
        buf_put_text(&body, ",\"body\":");
        json_put_text(&body, buf_bytes(&page));
    }
    buf_put_char(&body, '}');
    if (code == OK)
        code = buf_finish(&body, err);
    if (code == OK) {
        request.body = buf_bytes(&body);
        code = remote_send(remote, &request, NULL, NULL, err);
        if (code)
            say_faults(remote, code, err);
        else
            code = source_json_print(remote, err);
    }
    buf_release(&page);
    buf_release(&body);
    return code;
}

static enum code run_form(struct remote *remote, const struct verb_line *line, struct error *err)
{
    struct source_form form;
    struct bytes json;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = source_form_read(line->name, &arena, &json, err);
    if (code == OK)
        code = source_form_fill(json, line->repeated, line->values[ADD_AS], &arena, &form, err);
    if (code == OK && strcmp(line->verb, "check") == 0)
        code = check(remote, &form, &arena, err);
    else if (code == OK && strcmp(line->verb, "test") == 0)
        code = try(remote, &form, line->values[TRY_PAGE], err);
    else if (code == OK)
        code = add(remote, &form, line->values[ADD_REPLACE], err);
    arena_release(&arena);
    return code;
}

/* --- examples --- */

/* Those that have to be given first; in brackets what is so unless it is given. */
static void put_settings(const struct source_wishes *wishes, struct buf *cell)
{
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < wishes->setting_count; i++) {
            const struct source_wish *wish = &wishes->settings[i];

            if (wish->needed != (pass == 0))
                continue;
            buf_put_text(cell, cell->size > 0 ? " " : "");
            if (wish->needed)
                buf_printf(cell, "%.*s=", BYTES_ARG(wish->key));
            else
                buf_printf(cell, "[%.*s=%.*s]", BYTES_ARG(wish->key), BYTES_ARG(wish->initial));
        }
}

static void put_secrets(const struct source_wishes *wishes, struct buf *cell)
{
    for (size_t i = 0; i < wishes->secret_count; i++) {
        buf_put_text(cell, i > 0 ? ", " : "");
        buf_put(cell, wishes->secrets[i]);
    }
}

static enum code example_row(const struct source_example *example, struct buf *csv,
                             struct error *err)
{
    struct buf settings = BUF_INIT(CELL_BYTES_MAX), secrets = BUF_INIT(CELL_BYTES_MAX);
    struct source_wishes wishes;
    struct bytes json;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = source_form_read(example->name, &arena, &json, err);
    if (code == OK)
        code = source_settings_find(json, &wishes, err);
    if (code == OK) {
        put_settings(&wishes, &settings);
        put_secrets(&wishes, &secrets);
        registry_cell(csv, true, bytes_of(example->name));
        registry_cell(csv, false, buf_bytes(&settings));
        registry_cell(csv, false, buf_bytes(&secrets));
        registry_cell(csv, false, source_form_about(example->text));
        buf_put_char(csv, '\n');
    }
    buf_release(&settings);
    buf_release(&secrets);
    arena_release(&arena);
    return code;
}

static enum code run_examples(struct remote *remote, const struct verb_line *line,
                              struct error *err)
{
    struct buf csv = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    enum code code = OK;

    (void)remote;
    (void)line;
    buf_put_text(&csv, "name,settings,secrets,what\n");
    for (const struct source_example *at = source_examples; code == OK && at->name != NULL; at++)
        code = example_row(at, &csv, err);
    if (code == OK)
        code = buf_finish(&csv, err);
    if (code == OK)
        code = registry_table_print(buf_bytes(&csv), err);
    buf_release(&csv);
    return code;
}

static enum code run_example(struct remote *remote, const struct verb_line *line, struct error *err)
{
    struct nearest nearest;

    (void)remote;
    nearest_begin(&nearest, bytes_of(line->name));
    for (const struct source_example *at = source_examples; at->name != NULL; at++) {
        if (strcmp(at->name, line->name) == 0) {
            fputs(at->text, stdout);
            return OK;
        }
        nearest_look(&nearest, bytes_of(at->name));
    }
    if (nearest.best.size > 0)
        return error_set(err, E_NOT_FOUND, "there is no example \"%s\"; did you mean \"%.*s\"?",
                         line->name, BYTES_ARG(nearest.best));
    return error_set(err, E_NOT_FOUND,
                     "there is no example \"%s\" (weir source examples lists them)", line->name);
}

/* --- the command line --- */

static const struct argument_row add_rows[] = {
    [ADD_AS] = {"as",      "NAME", "What the source is called, where not as the document says."},
    [ADD_REPLACE] = {"replace", NULL,   "In place of the source that has this name."                },
};
static const struct argument_row try_rows[] = {
    [TRY_AS] = {"as",   "NAME", "What the source is called, where not as the document says."},
    [TRY_PAGE] = {"page", "FILE", "A page as it came; without it the server asks for one."    },
};
static const struct argument_row json_row = {"json", NULL, "Print the answer as one JSON object."};
static const struct argument_row limit_row = {"limit", "N",
                                              "How many, the newest first (20; 32 are kept)."};
static const struct argument_row backfill_rows[] = {
    [BACKFILL_START] = {"start", "TIME", "Where the range begins."  },
    [BACKFILL_END] = {"end",   "TIME", "Where it ends, exclusive."},
};
static const struct argument_row set_row = {
    "set", "KEY=VALUE", "What ${set:KEY} in the document stands for; repeat it."};

#define WHICH "one name is wanted: which source?"
#define DOCUMENT "one name of an example or a file is wanted"

static const struct verb verbs[] = {
    {"add",      add_rows,      ADD_FLAGS,               &set_row, DOCUMENT,                             NULL, run_form           },
    {"check",    add_rows,      1,                       &set_row, DOCUMENT,                             NULL, run_form           },
    {"test",     try_rows,      COUNT_OF(try_rows),      &set_row, DOCUMENT,                             NULL, run_form           },
    {"examples", NULL,          0,                       NULL,     NULL,                                 NULL, run_examples       },
    {"example",  NULL,          0,                       NULL,     "one name is wanted: which example?", NULL, run_example        },
    {"list",     &json_row,     1,                       NULL,     NULL,                                 NULL, source_run_list    },
    {"show",     NULL,          0,                       NULL,     WHICH,                                NULL, source_run_show    },
    {"pull",     NULL,          0,                       NULL,     WHICH,                                NULL, source_run_action  },
    {"pause",    NULL,          0,                       NULL,     WHICH,                                NULL, source_run_action  },
    {"resume",   NULL,          0,                       NULL,     WHICH,                                NULL, source_run_action  },
    {"fetches",  &limit_row,    1,                       NULL,     WHICH,                                NULL, source_run_fetches },
    {"backfill", backfill_rows, COUNT_OF(backfill_rows), NULL,     WHICH,                                NULL, source_run_backfill},
    {"delete",   NULL,          0,                       NULL,     WHICH,                                NULL, source_run_delete  },
};

int command_source(int argc, char **argv)
{
    static const struct command_verbs command = {"source", usage, verbs, COUNT_OF(verbs)};

    return command_verbs_run(&command, argc, argv);
}
