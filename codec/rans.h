/* Bytes by an entropy coder: range asymmetric numeral systems (rANS, Jarek Duda, "Asymmetric
 * numeral systems: entropy coding combining speed of Huffman coding with compression rate of
 * arithmetic coding", 2013, arXiv:1311.2540), static, order 0.  A byte that comes in p of all
 * places takes log2(1/p) bits, not a whole number of them as with Huffman: of the differences of a
 * walk, 0.274 B instead of 0.300 B.  It knows nothing of repeats.
 *
 * A state is a number x of [2^16, 2^32).  Byte s, whose frequency f of 4096 begins at c in the sum
 * of the frequencies before it, is put by x -> (x / f) * 4096 + c + x % f, after the lower 16 bits
 * of x went out if the result would not fit; it is taken by the inverse: x % 4096 lies in s's
 * share.  What is put last is taken first, so the encoder walks backwards and the decoder forwards.
 * Byte i belongs to state i % 4: four chains of arithmetic side by side.  Up to RANS_ALONE_MAX
 * bytes have one state, whose four bytes are enough to store.
 *
 * Form of n bytes, 2 <= n <= RANS_BYTES_MAX, not all equal; n is known to both sides:
 *   u8 least byte, u8 greatest byte, then bits, lowest of a byte first: 2 bits k; 2 bits p; for
 * each byte from the least to the greatest its code minus the code before it (of the least: minus
 * 0) as zigzag, in Exp-Golomb code of order k; zeros up to a whole byte; u32 each state; u16 as
 * many as are left: words, in the order in which the decoder takes them. A code is 0 for a byte
 * that does not come; else code - 1 is a small float with p (0..2) bits of mantissa behind a hidden
 * one (p = 2: 0..8, 10, 12, 14, 16, 20, ... 65536), the byte's weight w. m bytes that come, with
 * weights of sum W, share 4096: the share of each ends at (weights up to it) * ((4096 - m) * 2^32 /
 * W) / 2^32 + (bytes that come up to it), both divisions rounded down, and that of the last at
 * 4096. So each has at least 1, whatever the weights are.  All states begin as 2^16 in the encoder:
 * the decoder ends there, at the last word.
 *
 * Bytes determine the coded bytes. */
#ifndef WEIR_CODEC_RANS_H
#define WEIR_CODEC_RANS_H

#include "base/bytes.h"
#include "base/error.h"

enum {
    RANS_TOTAL = 4096,           /* the frequencies' sum */
    RANS_BYTES_MAX = UINT16_MAX, /* that are coded together */
    RANS_STATES = 4,
    RANS_ALONE_MAX = 1024,
    RANS_TABLE_MAX = 512,        /* a code takes at most 13 bits in the order that is chosen */
    RANS_SLOTS = RANS_TOTAL + 4, /* written four at a time */
};

/* How often each byte comes, and how it is to be coded. */
struct rans_model {
    uint8_t table[RANS_TABLE_MAX]; /* as it is stored */
    size_t table_size;
    size_t size; /* of all that is coded, give or take a hundredth */
    unsigned least, greatest;
    uint16_t frequency[256];
};

/* `bytes`: 2 to RANS_BYTES_MAX, not all equal.  False, and the model is not made, when coding them
 * would not give less than `size_max`. */
bool rans_model_make(struct rans_model *model, struct bytes bytes, size_t size_max);

/* Room for the bytes that the model was made of, coded. */
size_t rans_bound(size_t size);

/* Returns the size.  `room` is of rans_bound(). */
size_t rans_encode(const struct rans_model *model, struct bytes bytes, char *room);

/* Gives `size` bytes, or E_CORRUPT with the reason.  `slots` is scratch.  `coded` may be hostile:
 * the work is bounded by `size` and RANS_SLOTS. */
MUST_USE enum code rans_decode(struct bytes coded, uint32_t slots[RANS_SLOTS], uint8_t *bytes,
                               size_t size, struct error *err);

#endif
