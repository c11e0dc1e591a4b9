/* NDJSON: one object a row, and a last line that says how it ended: {"_end":{…}} or
 * {"_error":{…}}.  An answer without either was cut. */
#include "query/result.h"

static bool ndjson_open(struct result *result)
{
    return result_object_keys(result);
}

static char *ndjson_row(struct result *result, char *at, const struct result_row *row)
{
    at = result_put_object(result, at, row);
    *at++ = '\n';
    return at;
}

static void ndjson_close(struct result *result, struct bytes next, struct buf *tail)
{
    buf_printf(tail, "{\"_end\":{\"rows\":%llu,", (unsigned long long)result->rows);
    result_put_facts(result, next, tail);
    buf_put_text(tail, "}}\n");
}

static void ndjson_fail(struct result *result, const struct error *err, struct buf *tail)
{
    buf_printf(tail, "{\"_error\":{\"rows\":%llu,\"code\":", (unsigned long long)result->rows);
    buf_put_json(tail, bytes_of(code_row(err->code)->slug));
    buf_put_text(tail, ",\"detail\":");
    buf_put_json(tail, bytes_of(err->text));
    buf_put_text(tail, "}}\n");
}

const struct encoder encoder_ndjson = {
    .open = ndjson_open,
    .group = result_group_object,
    .row = ndjson_row,
    .close = ndjson_close,
    .fail = ndjson_fail,
    .text_size = text_json_size,
};
