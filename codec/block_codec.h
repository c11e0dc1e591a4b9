/* Blocks to bytes and back.  Columns are independent: reading one touches its bytes alone.
 * Header and every column section carry a CRC32C.  docs/formats/block.md */
#ifndef WEIR_CODEC_BLOCK_CODEC_H
#define WEIR_CODEC_BLOCK_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/block.h"

struct block_encoder; /* scratch memory and compression contexts; one thread at a time */

MUST_USE enum code block_encoder_new(struct block_encoder **encoder, struct error *err);
void block_encoder_free(struct block_encoder *encoder);
/* Appends the encoded block.  The block keeps its invariants (asserted). */
MUST_USE enum code block_encode(struct block_encoder *encoder, const struct block *block,
                                struct buf *out, struct error *err);

struct block_section {
    struct bytes name;
    enum value_type type;
    struct column_summary summary; /* valid_count only, for types that are not numbers */
    struct bytes data;
    size_t at; /* of an opened block: where in it the data begin */
    uint8_t encoding;
    uint8_t presence; /* how absent cells are stored */
    uint32_t crc;
};

/* An opened block: header parsed, columns not decoded.  Points into the encoded bytes and `arena`.
 */
struct block_view {
    struct bytes measurement;
    uint32_t row_count, series_count, column_count;
    const struct series_id *series;
    const uint32_t *series_row_first;
    int64_t time_first, time_last; /* least and greatest */
    int64_t ingest_first, ingest_last;
    bool has_revision, has_history;
    bool times_unique;                   /* no series has two rows of one time */
    const struct block_section *columns; /* sorted by (name, type) */
    struct block_section time, ingest, revision, history;
};

/* Decoding contexts; one thread at a time. */
struct block_decoder;
MUST_USE enum code block_decoder_new(struct block_decoder **decoder, struct error *err);
void block_decoder_free(struct block_decoder *decoder);

/* E_CORRUPT when the header fails its check.  `bytes` must outlive the view. */
MUST_USE enum code block_open(struct bytes bytes, struct arena *arena, struct block_view *view,
                              struct error *err);
/* How large the header is, as the first BLOCK_HEAD_SIZE bytes tell, unchecked; 0 when there are
 * fewer. */
enum { BLOCK_HEAD_SIZE = 12 };
uint32_t block_header_size(struct bytes head);
/* block_open() out of the header alone, of a block of `size` bytes.  A section can be read once its
 * data.data points to its bytes, which stand at section.at of the block. */
MUST_USE enum code block_open_header(struct bytes header, size_t size, struct arena *arena,
                                     struct block_view *view, struct error *err);
/* row_count entries each, from `arena`.  E_CORRUPT when the section fails its check or does not
 * decode. */
MUST_USE enum code block_read_time(struct block_decoder *decoder, const struct block_view *view,
                                   struct arena *arena, const int64_t **time, struct error *err);
MUST_USE enum code block_read_ingest(struct block_decoder *decoder, const struct block_view *view,
                                     struct arena *arena, const int64_t **ingest,
                                     struct error *err);
/* Whether these are the bytes that the section was written with, by its checksum. */
MUST_USE bool block_section_whole(const struct block_section *section, struct bytes bytes);
/* Whether neighbouring rows of a block of one series are all the same step apart, by the bytes of
 * its times' section alone: for an opened header. */
MUST_USE bool block_time_step(const struct block_view *view, struct bytes section, int64_t *step);
/* *revision is NULL when the block has none. */
MUST_USE enum code block_read_revision(struct block_decoder *decoder, const struct block_view *view,
                                       struct arena *arena, const int64_t **revision,
                                       struct error *err);
/* A byte a row as in model/block.h; *history is NULL when the block has none. */
MUST_USE enum code block_read_history(struct block_decoder *decoder, const struct block_view *view,
                                      struct arena *arena, const uint8_t **history,
                                      struct error *err);
/* *present is NULL when all are present.  Cells that are absent hold 0. */
MUST_USE enum code block_read_column(struct block_decoder *decoder, const struct block_view *view,
                                     uint32_t column, struct arena *arena, const union cell **cells,
                                     const uint8_t **present, struct error *err);

/* Decodes everything and compares it with what the header says of it: summaries, bounds, unique
 * times.  E_CORRUPT with what differs.  Uses as much of `arena` as all columns together. */
MUST_USE enum code block_check(struct bytes bytes, struct block_decoder *decoder,
                               struct arena *arena, struct error *err);

#endif
