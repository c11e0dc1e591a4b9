#include "server/remote_flags.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/text_file.h"
#include "codec/quantity.h"
#include "server/version.h"

enum {
    URL_BYTES_MAX = 4096,
    TOKEN_BYTES_MAX = 4096,
    ANSWER_BYTES_MAX = 64 << 20,
    CONNECT_MS_MAX = 10000,
    STALL_MS_MAX = 120000, /* a query may think for a minute before its first byte */
    RETRY_MS = 60000,
    DURATION_MS_MAX = 1000 * 86400 * 20, /* as good as for ever */
};

static const char url_initial[] = "http://127.0.0.1:8090";

const struct argument_row remote_rows[REMOTE_FLAG_COUNT] = {
    [REMOTE_URL] = {"url",         "URL",      "The server; else WEIR_URL, else http://127.0.0.1:8090."},
    [REMOTE_TOKEN_FILE] = {"token-file",  "FILE",     "Holds the token; else WEIR_TOKEN is the token."        },
    [REMOTE_AUTHORITY_FILE] = {"ca-file",     "FILE",     "Certificates to trust for https, PEM."                 },
    [REMOTE_PROXY] = {"proxy",       NULL,       "Go by http_proxy, https_proxy and no_proxy."           },
    [REMOTE_TIMEOUT] = {"timeout",     "DURATION", "Give up when no byte moves for so long; 2m."           },
    [REMOTE_RETRY_FOR] = {"retry-for",   "DURATION", "Try again for so long; 1m, 0 = never."                 },
    [REMOTE_GZIP] = {"gzip",        NULL,       "Compress what goes over the network."                  },
    [REMOTE_QUIET] = {"quiet",       NULL,       "Say nothing but errors."                               },
    [REMOTE_NO_PROGRESS] = {"no-progress", NULL,       "No progress line, also on a terminal."                 },
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Its text is in no message, wrong as it may be. */
static enum code token_take(struct bytes text, const char *where, struct remote *remote,
                            struct error *err)
{
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    while (text.size > 0 && is_space(text.data[0]))
        text = bytes_slice(text, 1, text.size);
    if (text.size == 0)
        return error_set(err, E_CONFIG, "%s holds no token", where);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return error_set(err, E_CONFIG,
                             "%s: a token is one word of printable ASCII, as `weir token` prints "
                             "it",
                             where);
    buf_put_text(&remote->bearer, "Authorization: Bearer ");
    buf_put(&remote->bearer, text);
    buf_put_char(&remote->bearer, '\0');
    return buf_finish(&remote->bearer, err);
}

static enum code token_read(const char *path, struct remote *remote, struct error *err)
{
    const char *variable = getenv("WEIR_TOKEN");
    struct buf text = BUF_INIT(TOKEN_BYTES_MAX);
    enum code code;

    if (!path)
        return variable && *variable ? token_take(bytes_of(variable), "WEIR_TOKEN", remote, err)
                                     : OK;
    code = text_file_read(path, TOKEN_BYTES_MAX, &text, err);
    if (code)
        error_context(err, "--token-file");
    else
        code = token_take(buf_bytes(&text), path, remote, err);
    buf_release(&text);
    return code;
}

static enum code url_read(const char *url, struct remote *remote, struct error *err)
{
    const char *variable = getenv("WEIR_URL"), *from = "--url";
    struct bytes text;
    enum code code;

    if (!url) {
        from = "WEIR_URL";
        url = variable && *variable ? variable : url_initial;
    }
    code = client_url_check(url, err);
    if (code) {
        error_context(err, "%s", from);
        return code;
    }
    text = bytes_of(url);
    while (text.size > 0 && text.data[text.size - 1] == '/')
        text.size--;
    buf_put(&remote->url, text);
    return buf_finish(&remote->url, err);
}

static enum code duration_read(const char *const *values, enum remote_flag flag, uint64_t *ms,
                               struct error *err)
{
    enum code code;

    if (!values[flag])
        return OK;
    code = milliseconds_parse(bytes_of(values[flag]), ms, err);
    if (*ms > DURATION_MS_MAX)
        *ms = DURATION_MS_MAX;
    if (code)
        error_context(err, "--%s", remote_rows[flag].name);
    return code;
}

enum code remote_flags_apply(const char *const *values, struct remote *remote, struct error *err)
{
    struct client_options options = {
        .user_agent = "weir/" WEIR_VERSION,
        .authority_file = values[REMOTE_AUTHORITY_FILE],
        .connect_ms_max = CONNECT_MS_MAX,
        .stall_ms_max = STALL_MS_MAX,
        .proxy_from_environment = values[REMOTE_PROXY] != NULL,
    };
    uint64_t seed;
    enum code code;

    *remote = (struct remote){
        .url = BUF_INIT(URL_BYTES_MAX),
        .bearer = BUF_INIT(TOKEN_BYTES_MAX + 64),
        .answer = BUF_INIT(ANSWER_BYTES_MAX),
        .retry_ms = RETRY_MS,
        .compressed = values[REMOTE_GZIP] != NULL,
        .quiet = values[REMOTE_QUIET] != NULL,
    };
    random_secure(&seed, sizeof(seed));
    random_seed(&remote->random, seed);
    code = url_read(values[REMOTE_URL], remote, err);
    if (!code)
        code = token_read(values[REMOTE_TOKEN_FILE], remote, err);
    if (!code)
        code = duration_read(values, REMOTE_TIMEOUT, &options.stall_ms_max, err);
    if (!code)
        code = duration_read(values, REMOTE_RETRY_FOR, &remote->retry_ms, err);
    if (!code)
        code = client_open(&options, &remote->client, err);
    progress_begin(&remote->progress,
                   !remote->quiet && !values[REMOTE_NO_PROGRESS] && isatty(STDERR_FILENO) ? stderr
                                                                                          : NULL);
    return code;
}
