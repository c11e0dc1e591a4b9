/* One point as a JSON object, taken from a scanner into a batch: what JSON and NDJSON bodies share.
 * A fault of the point rejects it, its other parts are still checked as JSON; what is wrong begins
 * with its RFC 6901 pointer.  For those decoders alone. */
#ifndef WEIR_CODEC_JSON_POINT_H
#define WEIR_CODEC_JSON_POINT_H

#include "codec/decoder.h"
#include "codec/json_scan.h"
#include "codec/point.h"

struct json_point {
    struct batch *batch; /* borrowed */
    struct decode_options options;
    struct point point;
    struct json_scan scan; /* by the caller */
    const char *array;  /* pointer of the array it is in: "/points" or ""; NULL: it stands alone */
    uint32_t line;      /* of the batch, from 1; its index in the array + 1; by the caller */
    struct error fault; /* the first of the point at hand */
};

void json_point_init(struct json_point *input, struct batch *batch,
                     const struct decode_options *options);
void json_point_release(struct json_point *input);

/* The value at which the scanner stands; behind one that stands alone the text has to end.  A code
 * other than OK is a fault of the JSON, or E_MEMORY: the batch has nothing of it. */
MUST_USE enum code json_point_take(struct json_point *input, struct error *err);

#endif
