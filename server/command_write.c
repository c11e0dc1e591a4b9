/* weir write and weir import: files of points into a server.  They differ in the keys of their
 * parts: those of an import are made of what the files hold, so that it can be begun again. */
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "codec/quantity.h"
#include "server/commands.h"
#include "server/resume.h"
#include "server/upload.h"

enum { TARGET_BYTES_MAX = 64 << 10, SECOND = 1000000000 };

enum flag { FORMAT, PRECISION, ON_ERROR, BATCH_BYTES, JSON, RESUME, FLAG_COUNT };

static const char write_usage[] =
    "usage: weir write [FILE…] [flags]\n"
    "\n"
    "  weir write points.txt\n"
    "  tail -F sensor.log | weir write --precision ms -\n"
    "  weir write --format csv --option measurement=weather --option time=date weather.csv\n"
    "  weir write --on-error skip --json points.ndjson.gz\n"
    "\n"
    "Writes points: line protocol, or what the name's end says (.csv, .json, .ndjson; .gz and "
    ".zst\n"
    "are decompressed).  Without FILE, or for -, from stdin.  Goes in parts of a few MiB, each\n"
    "stored whole or not at all, and once, also when an answer is lost and it is sent again.\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 some lines were refused, 130 interrupted\n";

static const char import_usage[] =
    "usage: weir import FILE… [flags]\n"
    "\n"
    "  weir import backup.lp.zst\n"
    "  weir import --resume import.state year-*.lp.gz\n"
    "  weir export --url http://old:8090 --out all.lp && weir import --url http://new:8090 all.lp\n"
    "\n"
    "Writes large files as `weir write` does, so that it can be stopped, killed and begun again "
    "with\n"
    "the same command: what is stored is not stored twice (for as long as the server keeps keys, "
    "a\n"
    "day by default), and with --resume it is not even sent again.\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 some lines were refused, 130 interrupted\n";

static const struct argument_row rows[FLAG_COUNT] = {
    [FORMAT] = {"format",      "NAME",  "line_protocol, json, ndjson or csv; else by the file's name."},
    [PRECISION] = {"precision",   "UNIT",  "Of times that are numbers: ns, us, ms or s; ns."             },
    [ON_ERROR] = {"on-error",    "WHAT",  "A bad line: fail (its part is not stored) or skip it."       },
    [BATCH_BYTES] = {"batch-bytes", "SIZE",  "How much goes in one request; 4MiB."                         },
    [JSON] = {"json",        NULL,    "Refused lines and the sums on stdout, one object a line."    },
    [RESUME] = {"resume",      "STATE", "File that holds how far it is; made if it is missing."       },
};

static const struct argument_row option_rows[] = {
    {"option", "KEY=VALUE", "A parameter of POST /v1/points, as it is; repeat it."},
};

struct command {
    const char *const *values; /* by flag */
    const struct argument_list *options;
    bool import;
    struct buf target;
    struct upload upload;
};

/* --- flags --- */

static enum code target_make(struct command *command, struct error *err)
{
    struct buf *target = &command->target;

    buf_put_text(target, "/v1/points");
    if (command->values[PRECISION])
        remote_put_parameter(target, "precision", bytes_of(command->values[PRECISION]));
    if (command->values[ON_ERROR])
        remote_put_parameter(target, "on_error", bytes_of(command->values[ON_ERROR]));
    for (size_t i = 0; i < command->options->count; i++) {
        const char *option = command->options->items[i], *equals = strchr(option, '=');
        char name[64];

        if (!equals || equals == option || (size_t)(equals - option) >= sizeof(name))
            return error_set(err, E_CONFIG, "--option %s: want KEY=VALUE", option);
        (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - option), option);
        for (const char *c = name; *c; c++)
            if ((*c < 'a' || *c > 'z') && *c != '_')
                return error_set(err, E_CONFIG, "--option %s: a key is of a-z and _", option);
        remote_put_parameter(target, name, bytes_of(equals + 1));
        if (strcmp(option, "header=no") == 0)
            command->upload.headless = true;
    }
    command->upload.target = buf_bytes(target);
    return buf_finish(target, err);
}

/* An import's keys are bound to what gives its bytes their meaning, and no other run's. */
static void salt_make(struct command *command)
{
    const char *format = command->values[FORMAT] ? command->values[FORMAT] : "";
    struct hash128_state state;

    if (!command->import) {
        random_secure(&command->upload.salt, sizeof(command->upload.salt));
        return;
    }
    hash128_begin(&state);
    hash128_add(&state, buf_bytes(&command->target));
    hash128_add(&state, (struct bytes){format, strlen(format) + 1});
    hash128_add(&state, (struct bytes){(const char *)&command->upload.part_bytes,
                                       sizeof(command->upload.part_bytes)});
    command->upload.salt = hash128_end(&state);
}

/* The state is of one server and tenant: that a part is stored in one says nothing of another. */
static struct hash128 options_hash(const struct command *command)
{
    const struct remote *remote = command->upload.remote;
    struct hash128_state state;

    hash128_begin(&state);
    hash128_add(&state,
                (struct bytes){(const char *)&command->upload.salt, sizeof(struct hash128)});
    hash128_add(&state, buf_bytes(&remote->url));
    return hash128_end(&state);
}

static enum code flags_apply(struct command *command, struct error *err)
{
    const char *const *values = command->values;
    struct upload *upload = &command->upload;
    struct hash128 options;
    enum code code = OK;

    upload->part_bytes = UPLOAD_PART_BYTES;
    upload->json = values[JSON] != NULL;
    if (values[FORMAT])
        code = points_format_named(bytes_of(values[FORMAT]), &upload->format, err);
    if (!code && values[ON_ERROR] && strcmp(values[ON_ERROR], "fail") != 0 &&
        strcmp(values[ON_ERROR], "skip") != 0)
        code = error_set(err, E_CONFIG, "--on-error %s: want fail or skip", values[ON_ERROR]);
    if (!code && values[BATCH_BYTES]) {
        code = size_parse(bytes_of(values[BATCH_BYTES]), &upload->part_bytes, err);
        if (!code && (upload->part_bytes < 1024 || upload->part_bytes > (64 << 20)))
            code = error_set(err, E_CONFIG, "want 1KiB to 64MiB");
        if (code)
            error_context(err, "--batch-bytes");
    }
    if (!code)
        code = target_make(command, err);
    if (code)
        return code;
    salt_make(command);
    options = options_hash(command);
    return values[RESUME] ? resume_open(values[RESUME], &options, &upload->resume, err) : OK;
}

/* --- what became of it --- */

static void tell_json(const struct upload *upload, int exit_code)
{
    printf("{\"done\":%s,\"files\":%llu,\"requests\":%llu,\"bytes\":%llu,\"lines\":%llu,"
           "\"refused\":%llu}\n",
           exit_code == COMMAND_DONE || exit_code == COMMAND_REFUSED ? "true" : "false",
           (unsigned long long)upload->files, (unsigned long long)upload->parts,
           (unsigned long long)upload->bytes, (unsigned long long)upload->lines,
           (unsigned long long)upload->refused);
}

static void tell_done(struct upload *upload, int64_t ns)
{
    struct buf size = BUF_INIT(64);

    progress_print_size(&size, upload->bytes);
    remote_say(upload->remote, "%llu lines (%.*s) of %llu %s in %.1f s",
               (unsigned long long)(upload->lines - upload->refused), BYTES_ARG(buf_bytes(&size)),
               (unsigned long long)upload->files, upload->files == 1 ? "file" : "files",
               (double)ns / SECOND);
    buf_release(&size);
}

static void tell_how_to_go_on(const struct command *command, const char *path)
{
    const struct upload *upload = &command->upload;

    if (command->import)
        remote_say(upload->remote, "the same command goes on%s",
                   upload->resume ? "" : "; what is stored already is not stored twice");
    else if (upload->line_stored > 0)
        remote_say(upload->remote, "%s is stored up to line %llu; go on behind it",
                   strcmp(path, "-") == 0 ? "stdin" : path,
                   (unsigned long long)upload->line_stored);
}

static int run(struct command *command, char **paths, size_t count)
{
    struct upload *upload = &command->upload;
    int64_t from_ns = clock_monotonic_ns(clock_system());
    struct error err = {0};
    int exit_code = COMMAND_DONE;
    enum code code = OK;
    size_t i = 0;

    for (; i < count && !code; i++)
        code = upload_file(upload, paths[i], &err);
    if (code) {
        exit_code = remote_fail(upload->remote, &err);
        if (code == E_CANCELLED && !upload->remote->quiet)
            fputs("weir: interrupted\n", stderr);
        if (code != E_CONFIG) /* its text says what else to do */
            tell_how_to_go_on(command, paths[i - 1]);
    } else {
        tell_done(upload, clock_monotonic_ns(clock_system()) - from_ns);
    }
    if (code == E_INVALID_POINTS || (!code && upload->refused > 0))
        exit_code = COMMAND_REFUSED;
    if (!code && upload->refused > 0)
        remote_say(upload->remote, "%llu lines were refused and left out",
                   (unsigned long long)upload->refused);
    if (upload->json)
        tell_json(upload, code ? COMMAND_FAILED : exit_code);
    return exit_code;
}

static int command_upload(int argc, char **argv, bool import)
{
    static char from_stdin[] = "-", *only_stdin[] = {from_stdin};
    const char *values[FLAG_COUNT] = {NULL};
    struct argument_list options = {.count = 0};
    struct arguments own = {rows, import ? FLAG_COUNT : RESUME, values};
    struct argument_more more = {option_rows, COUNT_OF(option_rows), &options, true, NULL, 0};
    const struct remote_line line = {import ? import_usage : write_usage, &own, &more};
    struct remote remote;
    struct command command = {.values = values,
                              .options = &options,
                              .import = import,
                              .target = BUF_INIT(TARGET_BYTES_MAX),
                              .upload = {.remote = &remote}};
    struct error err = {0};
    int exit_code;

    if (!remote_open(&line, argc, argv, &remote, &exit_code))
        return exit_code;
    if (more.rest_count == 0 && (import || isatty(STDIN_FILENO))) {
        fprintf(stderr, "weir %s: name the files%s (weir %s --help tells all)\n", argv[0],
                import ? "" : ", or - for stdin", argv[0]);
        exit_code = COMMAND_USAGE;
    } else if (flags_apply(&command, &err)) {
        fprintf(stderr, "weir %s: %s\n", argv[0], err.text);
        exit_code = COMMAND_USAGE;
    } else {
        exit_code = run(&command, more.rest_count ? more.rest : only_stdin,
                        more.rest_count ? more.rest_count : 1);
    }
    resume_close(command.upload.resume);
    buf_release(&command.target);
    remote_close(&remote);
    return exit_code;
}

int command_write(int argc, char **argv)
{
    return command_upload(argc, argv, false);
}

int command_import(int argc, char **argv)
{
    return command_upload(argc, argv, true);
}
