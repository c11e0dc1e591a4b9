/* weir secret: the secrets of a tenant, by its server.  A value comes from a file or from stdin,
 * never from the command line, and is wiped when it was sent. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text_file.h"
#include "codec/json_doc.h"
#include "discovery/seal.h"
#include "discovery/secret_document.h"
#include "server/command_verbs.h"
#include "server/commands.h"
#include "server/registry_command.h"

enum {
    TARGET_BYTES_MAX = 256,
    FILE_BYTES_MAX = SEAL_VALUE_BYTES_MAX + 2, /* with the end of its line */
    BODY_BYTES_MAX = 64 << 10,
    LIST_DEPTH_MAX = 8,
};

static const char usage[] =
    "usage: weir secret set NAME --host HOST [--host HOST]... [--value-file FILE]\n"
    "       weir secret list [--json]\n"
    "       weir secret delete NAME\n"
    "\n"
    "Keys and passwords that sources use as ${secret:NAME}.  The server seals them; nothing shows\n"
    "a value again, and it goes to the hosts that it is bound to, and to no other.  The token\n"
    "needs scope admin.\n"
    "\n"
    "  weir secret set octopus_key --host api.octopus.energy --value-file octopus.key\n"
    "  pass show octopus | weir secret set octopus_key --host api.octopus.energy\n"
    "  weir secret list\n"
    "  weir secret delete octopus_key\n";

/* --- set --- */

static enum code value_from_stdin(struct buf *value, struct error *err)
{
    char *at = buf_extend(value, FILE_BYTES_MAX);
    size_t size = 0;
    ssize_t got = 1;

    if (!at)
        return buf_finish(value, err);
    while (size < FILE_BYTES_MAX && got > 0) {
        got = read(STDIN_FILENO, at + size, FILE_BYTES_MAX - size);
        size += got > 0 ? (size_t)got : 0;
    }
    value->size = size;
    return got < 0 ? error_set_errno(err, errno, "stdin") : OK;
}

/* A file or stdin, without its end of line.  What is wrong with it the server says, but its size,
 * which may be that of another file. */
static enum code value_read(const char *path, struct buf *value, struct error *err)
{
    enum code code = path ? text_file_read_secret(path, FILE_BYTES_MAX, value, err)
                          : value_from_stdin(value, err);

    if (code) {
        if (path)
            error_context(err, "--value-file");
        return code;
    }
    if (value->size > 0 && value->data[value->size - 1] == '\n')
        value->size--;
    if (value->size > 0 && value->data[value->size - 1] == '\r')
        value->size--;
    if (value->size == 0 || value->size > SEAL_VALUE_BYTES_MAX)
        return error_set(err, E_CONFIG, "%s: a value has 1 to %d bytes", path ? path : "stdin",
                         SEAL_VALUE_BYTES_MAX);
    return OK;
}

static enum code body_make(struct bytes value, const struct argument_list *hosts, struct buf *body,
                           struct error *err)
{
    if (!buf_extend(body, BODY_BYTES_MAX)) /* in one piece: growing would leave copies behind */
        return buf_finish(body, err);
    buf_clear(body);
    buf_put_text(body, "{\"value\":");
    json_put_text(body, value);
    buf_put_text(body, ",\"hosts\":[");
    for (size_t i = 0; i < hosts->count; i++) {
        if (i > 0)
            buf_put_char(body, ',');
        json_put_text(body, bytes_of(hosts->items[i]));
    }
    buf_put_text(body, "]}");
    return buf_finish(body, err);
}

static void wipe(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    buf_release(buf);
}

static enum code target_of(const char *name, struct buf *target, struct error *err)
{
    if (!secret_name_valid(bytes_of(name)))
        return error_set(err, E_CONFIG, "the name of a secret is 1 to %d of a-z, 0-9, '_' and '-'",
                         SECRET_NAME_BYTES_MAX);
    buf_printf(target, "/v1/secrets/%s", name);
    return buf_finish(target, err);
}

static enum code run_set(struct remote *remote, const struct verb_line *line, struct error *err)
{
    struct buf target = BUF_INIT(TARGET_BYTES_MAX), value = BUF_INIT(FILE_BYTES_MAX),
               body = BUF_INIT(BODY_BYTES_MAX);
    struct remote_request request = {.method = "PUT", .content_type = "application/json"};
    enum code code = target_of(line->name, &target, err);

    if (!code)
        code = value_read(line->values[0], &value, err);
    if (!code)
        code = body_make(buf_bytes(&value), line->repeated, &body, err);
    request.target = buf_bytes(&target);
    request.body = buf_bytes(&body);
    if (!code)
        code = remote_send(remote, &request, NULL, NULL, err);
    if (!code)
        remote_say(remote, "the secret %s is kept", line->name);
    wipe(&body);
    wipe(&value);
    buf_release(&target);
    return code;
}

/* --- list and delete --- */

static enum code take_text(const struct json *value, struct bytes *text, struct error *err)
{
    if (!value || json_kind(value) != JSON_KIND_TEXT)
        return error_set(err, E_IO, "the answer is no list of secrets");
    *text = json_text_of(value);
    return OK;
}

static enum code row_print(const struct json *secret, struct buf *csv, struct error *err)
{
    const struct json *hosts = json_member(secret, "hosts");
    struct buf cell = BUF_INIT(BODY_BYTES_MAX);
    struct bytes text = BYTES("");
    enum code code = take_text(json_member(secret, "name"), &text, err);

    registry_cell(csv, true, text);
    for (size_t i = 0; !code && i < json_count(hosts); i++) {
        code = take_text(json_element(hosts, i), &text, err);
        if (code)
            break;
        buf_put_text(&cell, i > 0 ? ", " : "");
        buf_put(&cell, text);
    }
    registry_cell(csv, false, buf_bytes(&cell));
    buf_put_char(csv, '\n');
    buf_release(&cell);
    return code;
}

static enum code list_print(struct bytes answer, struct error *err)
{
    struct buf csv = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    struct json *root = NULL;
    const struct json *list;
    enum code code = json_doc_parse(answer, LIST_DEPTH_MAX, &root, err);

    buf_put_text(&csv, "name,hosts\n");
    list = json_member(root, "secrets");
    for (size_t i = 0; !code && i < json_count(list); i++)
        code = row_print(json_element(list, i), &csv, err);
    if (!code)
        code = buf_finish(&csv, err);
    if (!code)
        code = registry_table_print(buf_bytes(&csv), err);
    json_doc_free(root);
    buf_release(&csv);
    return code;
}

static enum code run_list(struct remote *remote, const struct verb_line *line, struct error *err)
{
    const struct remote_request request = {.method = "GET", .target = BYTES("/v1/secrets")};
    enum code code = remote_send(remote, &request, NULL, NULL, err);

    if (code)
        return code;
    return line->values[0] ? registry_json_print(&remote->answer, err)
                           : list_print(buf_bytes(&remote->answer), err);
}

static enum code run_delete(struct remote *remote, const struct verb_line *line, struct error *err)
{
    struct buf target = BUF_INIT(TARGET_BYTES_MAX);
    struct remote_request request = {.method = "DELETE"};
    enum code code = target_of(line->name, &target, err);

    request.target = buf_bytes(&target);
    if (!code)
        code = remote_send(remote, &request, NULL, NULL, err);
    if (!code)
        remote_say(remote, "the secret %s is deleted", line->name);
    buf_release(&target);
    return code;
}

/* --- the command line --- */

static const struct argument_row value_row = {
    "value-file", "FILE", "Holds the value, and not everybody may read it; else stdin has it."};
static const struct argument_row json_row = {"json", NULL, "Print the answer as one JSON object."};
static const struct argument_row host_row = {
    "host", "HOST", "Where it may go, as in an address: api.example.com, h:8443; repeat it."};

#define WHICH "one name is wanted: which secret?"

static const struct verb verbs[] = {
    {"set",    &value_row, 1, &host_row, WHICH, "--host is needed: which hosts may it go to?",
     run_set                                                                                             },
    {"list",   &json_row,  1, NULL,      NULL,  NULL,                                          run_list  },
    {"delete", NULL,       0, NULL,      WHICH, NULL,                                          run_delete},
};

int command_secret(int argc, char **argv)
{
    static const struct command_verbs command = {"secret", usage, verbs, COUNT_OF(verbs)};

    return command_verbs_run(&command, argc, argv);
}
