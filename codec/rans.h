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
 *   table    of codec/rans_model.h
 *   u32      each state
 *   u16      words to the end, in the order in which the decoder takes them
 * All states begin as 2^16 in the encoder: the decoder ends there, at the last word.
 *
 * Bytes determine the coded bytes. */
#ifndef WEIR_CODEC_RANS_H
#define WEIR_CODEC_RANS_H

#include "codec/rans_model.h"

enum { RANS_SLOTS = RANS_TOTAL + 4 }; /* written four at a time */

/* Room for the bytes that the model was made of, coded. */
size_t rans_bound(size_t size);

/* Returns the size.  `room` is of rans_bound(). */
size_t rans_encode(const struct rans_model *model, struct bytes bytes, char *room);

/* Gives `size` bytes, or E_CORRUPT with the reason.  `slots` is scratch.  `coded` may be hostile:
 * the work is bounded by `size` and RANS_SLOTS. */
MUST_USE enum code rans_decode(struct bytes coded, uint32_t slots[RANS_SLOTS], uint8_t *bytes,
                               size_t size, struct error *err);

#endif
