#include "server/source_line.h"

#include "codec/json_indent.h"
#include "server/registry_command.h"
#include "server/source_table.h"

enum { TARGET_BYTES_MAX = 1024 };

enum code source_target(struct bytes name, const char *action, struct buf *target,
                        struct error *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    for (size_t i = 0; i < name.size; i++)
        if (memchr(good, name.data[i], sizeof(good) - 1) == NULL)
            return error_set(err, E_CONFIG, "\"%.*s\" is no name of a source", BYTES_ARG(name));
    buf_printf(target, "/v1/sources/%.*s%s%s", BYTES_ARG(name), action[0] != '\0' ? "/" : "",
               action);
    return buf_finish(target, err);
}

enum code source_json_print(struct remote *remote, struct error *err)
{
    struct buf text = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    enum code code;

    json_indent(buf_bytes(&remote->answer), &text);
    code = registry_json_print(&text, err);
    buf_release(&text);
    return code;
}

enum code source_run_list(struct remote *remote, const struct verb_line *line, struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = BYTES("/v1/sources")};
    enum code code = remote_send(remote, &request, NULL, NULL, err);

    if (code)
        return code;
    return line->values[0] ? registry_json_print(&remote->answer, err)
                           : source_table_print(buf_bytes(&remote->answer), err);
}

/* `parameters` are names and values in turn, NULL behind them; one whose value is NULL is left out.
 */
static enum code ask(struct remote *remote, const struct verb_line *line, const char *method,
                     const char *action, const char *const *parameters, struct error *err)
{
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    struct remote_request request = {.method = method};
    enum code code = source_target(bytes_of(line->name), action, &target, err);

    for (; *parameters != NULL; parameters += 2)
        if (parameters[1] != NULL)
            remote_put_parameter(&target, parameters[0], bytes_of(parameters[1]));
    if (code == OK)
        code = buf_finish(&target, err);
    request.target = buf_bytes(&target);
    if (code == OK)
        code = remote_send(remote, &request, NULL, NULL, err);
    buf_release(&target);
    return code;
}

static const char *const none[] = {NULL};

enum code source_run_show(struct remote *remote, const struct verb_line *line, struct error *err)
{
    enum code code = ask(remote, line, "GET", "", none, err);

    return code ? code : source_json_print(remote, err);
}

enum code source_run_delete(struct remote *remote, const struct verb_line *line, struct error *err)
{
    enum code code = ask(remote, line, "DELETE", "", none, err);

    if (code == OK)
        remote_say(remote, "the source %s is deleted; its rows stay", line->name);
    return code;
}

/* The verb is the action's name. */
enum code source_run_action(struct remote *remote, const struct verb_line *line, struct error *err)
{
    enum code code = ask(remote, line, "POST", line->verb, none, err);

    if (code == OK) {
        remote_say(remote, "%s %s: %s", line->verb, line->name,
                   strcmp(line->verb, "pull") == 0 ? "asked for" : "done");
        remote_say_warnings(remote);
    }
    return code;
}

enum code source_run_fetches(struct remote *remote, const struct verb_line *line, struct error *err)
{
    const char *const parameters[] = {"limit", line->values[0], NULL};
    enum code code = ask(remote, line, "GET", "fetches", parameters, err);

    return code ? code : source_json_print(remote, err);
}

enum code source_run_backfill(struct remote *remote, const struct verb_line *line,
                              struct error *err)
{
    const char *start = line->values[BACKFILL_START], *end = line->values[BACKFILL_END];
    const char *const parameters[] = {"start", start, "end", end, NULL};
    enum code code;

    if (start == NULL || end == NULL)
        return error_set(err, E_CONFIG, "--start and --end are needed: which range?");
    code = ask(remote, line, "POST", "backfill", parameters, err);
    if (code == OK) {
        remote_say(remote, "backfill %s: asked for", line->name);
        remote_say_warnings(remote);
    }
    return code;
}
