/* What rANS (codec/rans.h) has to know of its bytes: how often each one comes, of 4096 places, and
 * the table that tells it.
 *
 * Form of the table of bytes that are not all equal:
 *   u8       least byte a
 *   u8       greatest byte b
 *   bits, lowest of a byte first, then zeros up to a whole byte:
 *     2      k
 *     2      precision p, 0 to 2
 *     b-a+1  times: the byte's code minus that of the byte before (of a: minus 0), as zigzag, in
 *            Exp-Golomb code of order k
 * Code 0: the byte does not come; a and b do.  Else code - 1 is a small float with p bits of
 * mantissa behind a hidden one (p = 2: 0..8, 10, 12, 14, 16, 20, ... 65536), the byte's weight.
 *
 * m bytes that come, with weights of sum W, share 4096: the share of each ends at (weights up to
 * it) * ((4096 - m) * 2^32 / W) / 2^32 + (bytes that come up to it), both divisions rounded down,
 * and that of the last at 4096.  So each has at least 1, whatever the weights are.
 *
 * Bytes determine the table. */
#ifndef WEIR_CODEC_RANS_MODEL_H
#define WEIR_CODEC_RANS_MODEL_H

#include "base/bytes.h"
#include "base/error.h"

enum {
    RANS_TOTAL_BITS = 12,
    RANS_TOTAL = 1 << RANS_TOTAL_BITS, /* the frequencies' sum */
    RANS_BYTES_MAX = UINT16_MAX,       /* that are coded together */
    RANS_STATES = 4,
    RANS_ALONE_MAX = 1024, /* up to so many bytes have one state */
    RANS_TABLE_MAX = 512,  /* a code takes at most 13 bits in the order that is chosen */
};

struct rans_shares {
    unsigned least, greatest;
    uint16_t frequency[256]; /* from the least to the greatest, which are not 0 */
};

/* How often each byte comes, and how it is to be coded. */
struct rans_model {
    uint8_t table[RANS_TABLE_MAX]; /* as it is stored */
    size_t table_size;
    size_t size; /* of all that is coded, give or take a hundredth */
    struct rans_shares shares;
};

static inline size_t rans_state_count(size_t size)
{
    return size <= RANS_ALONE_MAX ? 1 : RANS_STATES;
}

/* `bytes`: 2 to RANS_BYTES_MAX, not all equal.  False, and the model is not made, when coding them
 * would not give less than `size_max`. */
bool rans_model_make(struct rans_model *model, struct bytes bytes, size_t size_max);

/* Reads the table that *coded begins with; *coded is then what is behind it.  E_CORRUPT with the
 * reason. */
MUST_USE enum code rans_shares_read(struct bytes *coded, struct rans_shares *shares,
                                    struct error *err);

#endif
