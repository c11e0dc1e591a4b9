/* Bytes, packed: the ground that the column encodings stand on. */
#ifndef WEIR_CODEC_PACKED_H
#define WEIR_CODEC_PACKED_H

#include "codec/column.h"

MUST_USE enum code packed_encoder_init(struct column_encoder *encoder, struct error *err);
void packed_encoder_release(struct column_encoder *encoder);
MUST_USE enum code packed_decoder_init(struct column_decoder *decoder, struct error *err);
void packed_decoder_release(struct column_decoder *decoder);

/* All give the same form; they look for different things in the bytes.  An upper plane stands above
 * one that is not constant. */
void packed_encode_plane(struct column_encoder *encoder, struct bytes bytes);
void packed_encode_upper_plane(struct column_encoder *encoder, struct bytes bytes);
void packed_encode_text(struct column_encoder *encoder, struct bytes bytes);
/* *data is `scratch` (of `size` bytes) or points into the reader's bytes. */
MUST_USE enum code packed_decode(struct column_decoder *decoder, struct reader *reader,
                                 uint8_t *scratch, size_t size, const uint8_t **data,
                                 struct error *err);

#endif
