/* The canonical key of a series: uvarint size + measurement, then for each tag, sorted by
 * key bytes, uvarint size + key, uvarint size + value.  Tags with empty values are left out.
 * docs/formats/series_key.md */
#ifndef WEIR_CODEC_SERIES_KEY_H
#define WEIR_CODEC_SERIES_KEY_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/series.h"

/* Sorts `tags` in place and appends the key to `out`.  E_DUPLICATE_TAG names the tag. */
MUST_USE enum code series_key_encode(struct bytes measurement, struct series_tag *tags,
                                     size_t tag_count, struct buf *out, struct error *err);
/* The parts point into `key`; the tag array is from `arena`.  E_CORRUPT unless it is canonical. */
MUST_USE enum code series_key_decode(struct bytes key, struct arena *arena,
                                     struct bytes *measurement, const struct series_tag **tags,
                                     uint32_t *tag_count, struct error *err);
/* Whether the key is canonical; then *measurement is its part. */
MUST_USE bool series_key_check(struct bytes key, struct bytes *measurement);
/* BLAKE2b-128 of the key. */
struct series_id series_key_id(struct bytes key);
/* "cpu,host=a" as line protocol writes it, escaped; for people. */
void series_key_print(struct bytes key, struct buf *out);

#endif
