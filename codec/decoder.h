/* Decoders turn request bodies into a batch, piece by piece: the table of them. */
#ifndef WEIR_CODEC_DECODER_H
#define WEIR_CODEC_DECODER_H

#include "base/time_text.h"
#include "model/batch.h"
#include "model/limits.h"

struct csv_options;

struct decode_options {
    enum time_unit precision;
    int64_t now_ns; /* of rows without a time */
    const struct limits *limits;
    const struct csv_options *csv; /* what the columns are, checked; NULL for another format */
};

struct decoder; /* one body being decoded; memory in the batch's arena or its own, see _free */

/* A bad point is noted in the batch (batch_reject) and decoding goes on; a code other than OK is
 * about the whole body (E_MEMORY, E_POINTS_MANY, JSON that is not JSON: E_SYNTAX with position)
 * and ends it. */
struct decoder_row {
    const char *name;               /* "line_protocol" */
    const char *const *media_types; /* NULL-terminated, lower case, without parameters */
    enum code (*begin)(struct batch *batch, const struct decode_options *options,
                       struct decoder **decoder, struct error *err);
    enum code (*feed)(struct decoder *decoder, struct bytes piece, struct error *err);
    enum code (*finish)(struct decoder *decoder,
                        struct error *err); /* once, after the last piece */
    void (*free)(struct decoder *decoder);  /* NULL is fine; always, also after failure */
};

/* By media type (parameters and case ignored); the first row for an empty one; NULL = unknown. */
const struct decoder_row *decoder_find(struct bytes content_type);
extern const struct decoder_row *const decoder_rows[];
extern const size_t decoder_row_count;

extern const struct decoder_row decoder_line_protocol; /* codec/line_protocol.c */
extern const struct decoder_row decoder_json;          /* codec/json_points.c */
extern const struct decoder_row decoder_csv;           /* codec/csv_points.c */
extern const struct decoder_row decoder_ndjson;        /* codec/ndjson_points.c */

#endif
