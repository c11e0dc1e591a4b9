/* What the measurements of decoders share: a whole body, in pieces as from a socket, to a batch. */
#ifndef WEIR_BENCH_DECODE_H
#define WEIR_BENCH_DECODE_H

#include <stdio.h>
#include <stdlib.h>

#include "codec/decoder.h"

enum { PIECE_SIZE = 128 * 1024 };

static inline void check(enum code code, const struct error *err)
{
    if (code == OK)
        return;
    fprintf(stderr, "%s: %s\n", code_row(code)->slug, err->text);
    exit(1);
}

/* The values of the batch.  A body that is not taken whole ends the program. */
static inline uint64_t decode_body(const struct decoder_row *row, struct bytes body,
                                   const struct decode_options *options)
{
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    struct decoder *decoder = NULL;
    uint64_t values;

    arena_init(&arena, (size_t)1 << 32, NULL);
    batch_init(&batch, &arena, options->limits->errors_max);
    check(row->begin(&batch, options, &decoder, &err), &err);
    for (size_t at = 0; at < body.size; at += PIECE_SIZE) {
        size_t end = at + PIECE_SIZE < body.size ? at + PIECE_SIZE : body.size;

        check(row->feed(decoder, bytes_slice(body, at, end), &err), &err);
    }
    check(row->finish(decoder, &err), &err);
    values = batch.value_count;
    if (batch.reject_count > 0 || !batch_resolve(&batch))
        exit(1);
    row->free(decoder);
    batch_release(&batch);
    arena_release(&arena);
    return values;
}

#endif
