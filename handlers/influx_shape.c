#include "handlers/influx_shape.h"

#include "codec/json_doc.h"
#include "http/reply.h"

void influx_headers(struct request *request)
{
    reply_header(request, "X-Influxdb-Version", BYTES(INFLUX_VERSION));
    reply_header(request, "X-Influxdb-Build", BYTES("OSS"));
}

unsigned influx_status(enum code code)
{
    unsigned status = problem_status(code);

    if (code == E_NOT_SUPPORTED)
        return 501;
    return status < 500 && code_row(code)->retry_helps ? 503 : status;
}

/* The words of InfluxDB 2 for a status. */
static const char *word_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *word;
    } words[] = {
        {401, "unauthorized"          },
        {403, "forbidden"             },
        {404, "not found"             },
        {405, "method not allowed"    },
        {413, "request too large"     },
        {415, "unsupported media type"},
        {422, "unprocessable entity"  },
        {500, "internal error"        },
        {501, "not implemented"       },
        {503, "unavailable"           },
        {504, "unavailable"           },
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].status == status)
            return words[i].word;
    return "invalid";
}

static struct bytes text_of(const struct error *err)
{
    return bytes_of(err->text[0] != '\0' ? err->text : code_row(err->code)->title);
}

static void put_error(const struct error *err, struct bytes extra, struct buf *body)
{
    buf_put_text(body, "{\"error\":");
    json_put_text(body, text_of(err));
    buf_put(body, extra);
    buf_put_text(body, "}\n");
}

void influx_1_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body)
{
    influx_headers(request);
    reply_header(request, "X-Influxdb-Error", text_of(err));
    put_error(err, extra, body);
}

void influx_2_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body)
{
    influx_headers(request);
    buf_printf(body, "{\"code\":\"%s\",\"message\":", word_of(influx_status(err->code)));
    json_put_text(body, text_of(err));
    if (err->line > 0)
        buf_printf(body, ",\"line\":%u", err->line);
    buf_put(body, extra);
    buf_put_text(body, "}\n");
}

void influx_3_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body)
{
    influx_headers(request);
    put_error(err, extra, body);
}
