#include "base/clock.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/directory.h"
#include "discovery/token.h"
#include "server/command_line.h"

enum { TEXT_BYTES_MAX = 4096 };

static const char usage[] =
    "usage: weir token [--tenant NAME] [--scopes LIST] [--expires DURATION] [--note TEXT] "
    "[--json]\n"
    "\n"
    "Makes a token.  It is printed once, on stdout, and kept nowhere; the line that admits it "
    "goes\n"
    "into the tenants file below `tokens:` of its tenant.\n"
    "\n"
    "  weir token --tenant acme --scopes read,write --expires 90d --note \"meters, hall 2\"\n";

enum { TENANT, SCOPES, EXPIRES, NOTE, JSON };

struct token_wish {
    const char *tenant;
    unsigned scopes;
    int64_t expires_ns;
    struct bytes note;
};

static enum code wish_read(const char *const *values, struct token_wish *wish, struct error *err)
{
    int64_t now_ns = clock_wall_ns(clock_system()), duration_ns;
    enum code code;

    *wish = (struct token_wish){
        .tenant = values[TENANT] ? values[TENANT] : "default",
        .scopes = TOKEN_SCOPE_READ | TOKEN_SCOPE_WRITE,
        .expires_ns = INT64_MAX,
        .note = bytes_of(values[NOTE] ? values[NOTE] : ""),
    };
    if (!tenant_name_valid(bytes_of(wish->tenant)))
        return error_set(err, E_BAD_PARAMETER,
                         "--tenant: 1 to 64 of a-z, 0-9, '_' and '-' are a name");
    if (values[SCOPES]) {
        code = token_scopes_parse(bytes_of(values[SCOPES]), &wish->scopes, err);
        if (code) {
            error_context(err, "--scopes");
            return code;
        }
    }
    if (values[EXPIRES]) {
        code = duration_parse(bytes_of(values[EXPIRES]), &duration_ns, err);
        if (!code && duration_ns >= INT64_MAX - now_ns)
            code = error_set(err, E_BAD_PARAMETER, "\"%s\" is beyond the end of time, 2262",
                             values[EXPIRES]);
        if (code) {
            error_context(err, "--expires");
            return code;
        }
        wish->expires_ns = now_ns + duration_ns;
        wish->expires_ns -= wish->expires_ns % 1000000000; /* whole seconds read better */
    }
    return OK;
}

static void print_people(const struct token_wish *wish, struct bytes token, struct bytes entry)
{
    fprintf(stderr,
            "# The token is shown once.  Add the last line below to the tenants file, below the "
            "`tokens:` of\n# its tenant, then send SIGHUP:\n"
            "tenants:\n  %s:\n    tokens:\n      %.*s\n",
            wish->tenant, BYTES_ARG(entry));
    fflush(stderr);
    printf("%.*s\n", BYTES_ARG(token));
}

static enum code print_json(const struct token_wish *wish, struct bytes token, struct bytes entry,
                            struct error *err)
{
    struct buf out = BUF_INIT(TEXT_BYTES_MAX);
    enum code code;

    buf_put_text(&out, "{\"token\":");
    json_put_text(&out, token);
    buf_put_text(&out, ",\"tenant\":");
    json_put_text(&out, bytes_of(wish->tenant));
    buf_put_text(&out, ",\"line\":");
    json_put_text(&out, entry);
    buf_put_text(&out, "}\n");
    code = buf_finish(&out, err);
    if (!code)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

int command_token(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        [TENANT] = {"tenant",  "NAME",     "Whose token it is; default: default."                 },
        [SCOPES] = {"scopes",  "LIST",     "Of read, write, admin, operator; default: read,write."},
        [EXPIRES] = {"expires", "DURATION", "How long it is good, 90d; default: for ever."         },
        [NOTE] = {"note",    "TEXT",     "For the people who read the file."                    },
        [JSON] = {"json",    NULL,       "Print token, tenant and line as one JSON object."     },
    };
    const char *values[COUNT_OF(rows)] = {NULL};
    struct arguments own = {rows, COUNT_OF(rows), values};
    const struct command_line line = {usage, &own, NULL, false};
    struct buf token = BUF_INIT(TEXT_BYTES_MAX), entry = BUF_INIT(TEXT_BYTES_MAX);
    struct token_wish wish;
    struct error err = {0};
    int exit_code;
    enum code code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    code = wish_read(values, &wish, &err);
    if (code) {
        command_fail(&err);
        return COMMAND_USAGE;
    }
    code = token_generate(wish.note, wish.scopes, wish.expires_ns, &token, &entry, &err);
    if (!code && values[JSON])
        code = print_json(&wish, buf_bytes(&token), buf_bytes(&entry), &err);
    else if (!code)
        print_people(&wish, buf_bytes(&token), buf_bytes(&entry));
    buf_release(&token);
    buf_release(&entry);
    return code ? command_fail(&err) : COMMAND_DONE;
}
