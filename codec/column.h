/* What the column encodings of a block share: one file for each, an encode and a decode in it.
 * Encoders append to encoder->out, which remembers failure.  Decoders take bytes that may be
 * hostile: they read within their reader, write `count` values and nothing else, and answer
 * E_CORRUPT with what does not hold (the caller adds which column).  docs/formats/block.md
 *
 * From small to large: packed (bytes), bits (flags), planes (integers as bytes), widths (integers
 * as bits), integers (as small differences), then one file per column type.  Each level uses the
 * scratch named beside it.
 *
 * Thread: an encoder or decoder belongs to one thread at a time. */
#ifndef WEIR_CODEC_COLUMN_H
#define WEIR_CODEC_COLUMN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "codec/rans.h"
#include "model/block.h"

enum {
    COLUMN_TEXT_BYTES_MAX = 64 << 20, /* distinct strings of one column */
    COLUMN_SECTIONS_BYTES_MAX = 512 << 20,
    PLANES_SAMPLE_MAX = 512, /* values that planes_cost() looks at */
    DECIMAL_SCALES = 16,
    COLUMN_SLOTS = 2 * BLOCK_ROWS_MAX, /* of the hash table of distinct strings */
};

struct column_encoder {
    struct buf out;                                /* the sections of the block being encoded */
    struct buf text;                               /* strings: the distinct ones */
    struct ZSTD_CCtx_s *zstd_planes, *zstd_text;   /* packed */
    uint32_t log2_products[PLANES_SAMPLE_MAX + 1]; /* planes */
    uint8_t plane[BLOCK_ROWS_MAX];                 /* planes, bits */
    uint64_t residuals[BLOCK_ROWS_MAX];            /* integers, f64 */
    uint64_t quotients[BLOCK_ROWS_MAX];            /* integers */
    uint64_t values[BLOCK_ROWS_MAX];               /* the types */
    uint64_t more_values[BLOCK_ROWS_MAX];
    union cell cells[BLOCK_ROWS_MAX];   /* the block: present cells ... */
    uint16_t cell_rows[BLOCK_ROWS_MAX]; /* ... and the rows they came from */
    uint16_t slots[COLUMN_SLOTS];       /* strings */
};

struct column_decoder {
    struct ZSTD_DCtx_s *zstd;
    uint32_t slots[RANS_SLOTS];        /* packed */
    uint8_t planes[8][BLOCK_ROWS_MAX]; /* planes, bits */
    uint64_t values[BLOCK_ROWS_MAX];   /* the types */
    uint64_t more_values[BLOCK_ROWS_MAX];
    uint8_t flags[BLOCK_ROWS_MAX];
};

/* Flags, one byte each, 0 or 1: all equal, runs, or a bitmap. */
void bits_encode(struct column_encoder *encoder, const uint8_t *flags, size_t count);
MUST_USE enum code bits_decode(struct column_decoder *decoder, struct reader *reader,
                               uint8_t *flags, size_t count, struct error *err);

void planes_encoder_init(struct column_encoder *encoder);
/* Integers as byte planes: all lowest bytes, then all next ones, as many as are needed. */
void planes_encode(struct column_encoder *encoder, const uint64_t *values, size_t count);
MUST_USE enum code planes_decode(struct column_decoder *decoder, struct reader *reader,
                                 uint64_t *values, size_t count, struct error *err);
/* How many bits the planes would take, as their bytes are distributed; to compare, not to trust.
 * count <= PLANES_SAMPLE_MAX. */
uint64_t planes_cost(const struct column_encoder *encoder, const uint64_t *values, size_t count);

/* Integers (two's complement, differences wrap) of any kind: as offsets, differences or
 * differences of those, whichever looks least. `values` is not in encoder->residuals or
 * ->quotients. */
void integers_encode(struct column_encoder *encoder, const uint64_t *values, size_t count);
MUST_USE enum code integers_decode(struct column_decoder *decoder, struct reader *reader,
                                   uint64_t *values, size_t count, struct error *err);

/* Whether they all are one value, by its form alone: false for such that are written otherwise. */
MUST_USE bool integers_constant(struct reader *reader, size_t count, uint64_t *value);

/* Integers of very different sizes, that is without an order in their bytes: how many bits each
 * has, and those. */
void widths_encode(struct column_encoder *encoder, const uint64_t *values, size_t count);
MUST_USE enum code widths_decode(struct column_decoder *decoder, struct reader *reader,
                                 uint64_t *values, size_t count, struct error *err);

/* The types.  `cells` are the present ones, without gaps.  Encode returns the `encoding`. */
uint8_t column_f64_encode(struct column_encoder *encoder, const union cell *cells, size_t count);
MUST_USE enum code column_f64_decode(struct column_decoder *decoder, uint8_t encoding,
                                     struct reader *reader, union cell *cells, size_t count,
                                     struct error *err);
/* Whether the cell is exactly integer / 10^scale, as bits, and |integer| < 2^51. */
MUST_USE bool decimal_of(double value, unsigned scale, int64_t *integer);
double decimal_value(int64_t integer, unsigned scale);
uint8_t column_integer_encode(struct column_encoder *encoder, const union cell *cells,
                              size_t count);
MUST_USE enum code column_integer_decode(struct column_decoder *decoder, uint8_t encoding,
                                         struct reader *reader, union cell *cells, size_t count,
                                         struct error *err);
uint8_t column_bool_encode(struct column_encoder *encoder, const union cell *cells, size_t count);
MUST_USE enum code column_bool_decode(struct column_decoder *decoder, uint8_t encoding,
                                      struct reader *reader, union cell *cells, size_t count,
                                      struct error *err);
/* The distinct strings together are at most COLUMN_TEXT_BYTES_MAX,
 * or encoder->text remembers. */
uint8_t column_string_encode(struct column_encoder *encoder, const union cell *cells, size_t count);
/* Texts are in `arena`. */
MUST_USE enum code column_string_decode(struct column_decoder *decoder, uint8_t encoding,
                                        struct reader *reader, struct arena *arena,
                                        union cell *cells, size_t count, struct error *err);

/* Row times: `series_row_first` parts them into series, ascending within each. */
void column_time_encode(struct column_encoder *encoder, const struct block *block);
MUST_USE enum code column_time_decode(struct column_decoder *decoder, struct reader *reader,
                                      const uint32_t *series_row_first, size_t series_count,
                                      int64_t *time, struct error *err);
/* Of one series: whether neighbours are all one step apart, without decoding them.  Else the reader
 * stays where it is. */
MUST_USE bool column_time_step(struct reader *reader, size_t row_count, int64_t *first,
                               int64_t *step);
/* Ingest times: runs of equal ones; the least is known to both sides. */
void column_ingest_encode(struct column_encoder *encoder, const int64_t *ingest, size_t count);
MUST_USE enum code column_ingest_decode(struct column_decoder *decoder, struct reader *reader,
                                        int64_t least, int64_t *ingest, size_t count,
                                        struct error *err);
/* Revision times: which rows have one, and those. */
void column_revision_encode(struct column_encoder *encoder, const int64_t *revision, size_t count);
MUST_USE enum code column_revision_decode(struct column_decoder *decoder, struct reader *reader,
                                          int64_t *revision, size_t count, struct error *err);

#endif
