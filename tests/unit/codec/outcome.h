/* What a decoder makes of a body, whole or in pieces: its code, its batch, and the batch as text.
 */
#ifndef WEIR_TESTS_UNIT_CODEC_OUTCOME_H
#define WEIR_TESTS_UNIT_CODEC_OUTCOME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "tests/unit/codec/batch_text.h"

struct outcome {
    enum code code;
    struct error err;
    struct arena arena;
    struct batch batch;
    struct buf text; /* as in batch_text.h, with a NUL behind */
};

/* The batch may take so many bytes. */
static inline void outcome_init_within(struct outcome *outcome, size_t bytes_max,
                                       const struct limits *limits)
{
    *outcome = (struct outcome){.text = BUF_INIT((size_t)1 << 30)};
    arena_init(&outcome->arena, bytes_max, NULL);
    batch_init(&outcome->batch, &outcome->arena, limits->errors_max);
}

static inline void outcome_init(struct outcome *outcome, const struct limits *limits)
{
    outcome_init_within(outcome, (size_t)1 << 30, limits);
}

/* When all is decoded. */
static inline void outcome_print(struct outcome *outcome)
{
    batch_text(&outcome->batch, &outcome->text);
    buf_put_char(&outcome->text, '\0');
}

/* `first` bytes of the body, then pieces of `piece`; nothing after a failure. */
static inline void outcome_decode(struct outcome *outcome, const struct decoder_row *row,
                                  const struct decode_options *options, struct bytes body,
                                  size_t first, size_t piece)
{
    struct decoder *decoder = NULL;

    if (outcome->code == OK)
        outcome->code = row->begin(&outcome->batch, options, &decoder, &outcome->err);
    for (size_t at = 0; at < body.size && outcome->code == OK;) {
        size_t end = at + (at == 0 ? first : piece);

        end = end < body.size ? end : body.size;
        outcome->code = row->feed(decoder, bytes_slice(body, at, end), &outcome->err);
        at = end;
    }
    if (outcome->code == OK)
        outcome->code = row->finish(decoder, &outcome->err);
    row->free(decoder);
    outcome_print(outcome);
}

static inline void outcome_release(struct outcome *outcome)
{
    struct error why = {0};

    if (outcome->code == OK && !batch_check(&outcome->batch, &why))
        fail_msg("the batch breaks its promise: %s", why.text);
    buf_release(&outcome->text);
    batch_release(&outcome->batch);
    arena_release(&outcome->arena);
}

#endif
