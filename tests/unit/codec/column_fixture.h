/* An encoder and a decoder for tests of one column encoding: encode into the fixture, then decode
 * what came out, whole or damaged. */
#ifndef WEIR_TESTS_COLUMN_FIXTURE_H
#define WEIR_TESTS_COLUMN_FIXTURE_H

#include "codec/packed.h"
#include "tests/unit/codec/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct column_encoder encoder;
    struct column_decoder decoder;
    struct arena arena;
    struct random random;
};

static inline int fixture_open(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    if (!fixture)
        return -1;
    fixture->encoder.out = BUF_INIT(COLUMN_SECTIONS_BYTES_MAX);
    fixture->encoder.text = BUF_INIT(COLUMN_TEXT_BYTES_MAX);
    planes_encoder_init(&fixture->encoder);
    arena_init(&fixture->arena, (size_t)256 << 20, NULL);
    seed_random(&fixture->random);
    *state = fixture;
    return packed_encoder_init(&fixture->encoder, NULL) ||
           packed_decoder_init(&fixture->decoder, NULL);
}

static inline int fixture_close(void **state)
{
    struct fixture *fixture = *state;

    packed_encoder_release(&fixture->encoder);
    packed_decoder_release(&fixture->decoder);
    buf_release(&fixture->encoder.out);
    buf_release(&fixture->encoder.text);
    arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

/* What the encoder wrote since the last call of buf_clear(). */
static inline struct reader fixture_reader(struct fixture *fixture)
{
    assert_false(fixture->encoder.out.failed);
    return reader_of(buf_bytes(&fixture->encoder.out));
}

/* Damages what was encoded in a random place; `decode` must answer, whatever, without touching what
 * is not its own (the sanitizers look on). */
static inline void fixture_damage(struct fixture *fixture, unsigned rounds,
                                  void (*decode)(struct fixture *fixture, struct reader reader))
{
    struct buf *out = &fixture->encoder.out;
    char *copy = malloc(out->size + 1);

    assert_non_null(copy);
    for (unsigned i = 0; i < rounds && out->size > 0; i++) {
        size_t size = (size_t)random_below(&fixture->random, out->size + 1);

        if (random_chance(&fixture->random, 2))
            size = out->size;
        memcpy(copy, out->data, size);
        for (unsigned flips = 1 + (unsigned)random_below(&fixture->random, 4);
             size > 0 && flips > 0; flips--)
            copy[random_below(&fixture->random, size)] = (char)random_next(&fixture->random);
        decode(fixture, reader_of((struct bytes){copy, size}));
    }
    free(copy);
}

/* Numbers of up to so many bits, and numbers of any width, small ones as often as large ones. */
static inline void fixture_fill_bits(struct fixture *fixture, unsigned bits, uint64_t *values,
                                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = bits == 0 ? 0 : random_next(&fixture->random) >> (64 - bits);
}

static inline void fixture_fill_widths(struct fixture *fixture, uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = random_next(&fixture->random) >> random_below(&fixture->random, 64);
}

/* Numbers of the kinds that sources send, one column each. */
enum { FIXTURE_SHAPES = 14 };

static inline const char *fixture_fill(struct fixture *fixture, unsigned shape, uint64_t *values,
                                       size_t count)
{
    static const char *const names[FIXTURE_SHAPES] = {
        "zero",       "constant",   "step",     "walk",         "noise",
        "counter",    "sine-like",  "extreme",  "milliseconds", "one outlier",
        "sign turns", "few levels", "any bits", "top bit"};
    struct random *random = &fixture->random;
    uint64_t value = 1000000;

    for (size_t i = 0; i < count; i++) {
        switch (shape) {
        case 0:
            value = 0;
            break;
        case 1:
            value = 0x0123456789abcdef;
            break;
        case 2:
            value += 10000000000;
            break;
        case 3:
            value += random_below(random, 7) - 3;
            break;
        case 4:
            value = 1000 + random_below(random, 1000);
            break;
        case 5:
            value += 5000 + random_below(random, 50);
            break;
        case 6:
            value += (i / 100) % 2 ? i % 100 : 100 - i % 100;
            break;
        case 7:
            value = random_chance(random, 2) ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
            break;
        case 8:
            value += (9900 + random_below(random, 200)) * 1000000;
            break;
        case 9:
            value = i == count / 2 ? UINT64_MAX : 17;
            break;
        case 10:
            value = i % 2 ? 0 - (uint64_t)i : i;
            break;
        case 11:
            value = random_below(random, 3) * 100 + 200;
            break;
        case 12:
            value = random_next(random);
            break;
        default:
            value = (uint64_t)1 << 63 | random_below(random, 2);
        }
        values[i] = value;
    }
    return names[shape];
}

static const size_t fixture_counts[] = {1,
                                        2,
                                        3,
                                        7,
                                        31,
                                        32,
                                        33,
                                        63,
                                        64,
                                        65,
                                        255,
                                        511,
                                        512,
                                        513,
                                        1000,
                                        BLOCK_ROWS_MAX - 1,
                                        BLOCK_ROWS_MAX};

#endif
