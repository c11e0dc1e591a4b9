#include "handlers/influx_query.h"

#include <strings.h>

#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/influx_shape.h"
#include "http/reply.h"

enum { RESULT_BYTES_MAX = 64 * 1024 };

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (space(text.data[text.size - 1]) || text.data[text.size - 1] == ';'))
        text.size--;
    while (text.size > 0 && space(text.data[0]))
        text = bytes_slice(text, 1, text.size);
    return text;
}

/* Takes the word, and the spaces behind it, from the beginning of the text. */
static bool take(struct bytes *text, const char *word)
{
    size_t size = strlen(word);

    if (text->size < size || strncasecmp(text->data, word, size) != 0 ||
        (text->size > size && !space(text->data[size])))
        return false;
    *text = trim(bytes_slice(*text, size, text->size));
    return true;
}

enum influx_statement influx_statement_parse(struct bytes text)
{
    text = trim(text);
    if (memchr(text.data, ';', text.size) != NULL)
        return INFLUX_OTHER; /* several */
    if (take(&text, "create"))
        return take(&text, "database") && text.size > 0 ? INFLUX_CREATE_DATABASE : INFLUX_OTHER;
    return take(&text, "show") && take(&text, "databases") && text.size == 0 ? INFLUX_SHOW_DATABASES
                                                                             : INFLUX_OTHER;
}

static enum code print(const struct request *request, struct bytes text, struct buf *out,
                       struct error *err)
{
    const struct session *session = session_of(request);

    buf_put_text(out, "{\"results\":[{\"statement_id\":0");
    switch (influx_statement_parse(text)) {
    case INFLUX_CREATE_DATABASE:
        if ((session->grant.scopes & SCOPE_WRITE) == 0)
            return error_set(err, E_FORBIDDEN, "this needs a token with the scope \"write\"");
        break;
    case INFLUX_SHOW_DATABASES:
        buf_put_text(out, ",\"series\":[{\"name\":\"databases\",\"columns\":[\"name\"],"
                          "\"values\":[[");
        json_put_text(out, session->tenant->name);
        buf_put_text(out, "]]}]");
        break;
    case INFLUX_OTHER:
        buf_put_text(out, ",\"error\":\"not supported: InfluxQL is not spoken here, but CREATE "
                          "DATABASE and SHOW DATABASES; ask GET /v1/query\"");
        break;
    }
    buf_put_text(out, "}]}\n");
    return OK;
}

static void query_finish(struct request *request)
{
    struct bytes text;
    struct buf out = BUF_INIT(RESULT_BYTES_MAX);
    struct error err = {0};
    enum code code = parameters_once(request, NULL, &err);

    if (code == OK && (!request_parameter(request, "q", &text) || trim(text).size == 0))
        code = error_set(&err, E_MISSING_PARAMETER, "missing required parameter \"q\"");
    if (code == OK)
        code = print(request, text, &out, &err);
    if (code) {
        buf_release(&out);
        reply_problem(request, &err);
        return;
    }
    influx_headers(request);
    reply_buf_take(request, 200, "application/json", &out);
}

const struct handler influx_query_handler = {.finish = query_finish};

const char *const influx_query_names[] = {"q",          "db",     "rp",        "u",
                                          "p",          "epoch",  "pretty",    "chunked",
                                          "chunk_size", "params", "precision", NULL};
