/* CSV decoded with options written as a query: for the tests of its decoder. */
#ifndef WEIR_TESTS_CSV_FIXTURE_H
#define WEIR_TESTS_CSV_FIXTURE_H

#include "codec/csv_options.h"
#include "codec/decoder.h"
#include "tests/unit/codec/batch_text.h"

enum { CSV_NOW = 1000 };

struct csv_outcome {
    enum code code;
    struct error err;
    struct arena arena;
    struct batch batch;
    struct buf text;
};

/* "name=value" with '&' between, nothing escaped; all are good. */
static inline enum code csv_fixture_options(struct csv_options *options, const char *text,
                                            struct arena *arena, struct error *err)
{
    enum code code = OK;

    csv_options_init(options);
    while (*text != '\0' && code == OK) {
        const char *equals = strchr(text, '='), *end = strchrnul(text, '&');

        code = csv_option_set(options, (struct bytes){text, (size_t)(equals - text)},
                              (struct bytes){equals + 1, (size_t)(end - equals - 1)}, arena, err);
        text = *end == '\0' ? end : end + 1;
    }
    return code == OK ? csv_options_check(options, err) : code;
}

/* `first` bytes, then pieces of `piece`. */
static inline void csv_fixture_decode(struct csv_outcome *outcome, const char *options_text,
                                      struct bytes body, size_t first, size_t piece,
                                      const struct limits *limits)
{
    struct csv_options csv;
    struct decode_options options = {
        .precision = TIME_S, .now_ns = CSV_NOW, .limits = limits, .csv = &csv};
    struct decoder *decoder = NULL;

    *outcome = (struct csv_outcome){.text = BUF_INIT((size_t)1 << 30)};
    arena_init(&outcome->arena, (size_t)1 << 30, NULL);
    batch_init(&outcome->batch, &outcome->arena, limits->errors_max);
    outcome->code = csv_fixture_options(&csv, options_text, &outcome->arena, &outcome->err);
    if (outcome->code == OK)
        outcome->code = decoder_csv.begin(&outcome->batch, &options, &decoder, &outcome->err);
    for (size_t at = 0; at < body.size && outcome->code == OK;) {
        size_t end = at + (at == 0 ? first : piece);

        end = end < body.size ? end : body.size;
        outcome->code = decoder_csv.feed(decoder, bytes_slice(body, at, end), &outcome->err);
        at = end;
    }
    if (outcome->code == OK)
        outcome->code = decoder_csv.finish(decoder, &outcome->err);
    decoder_csv.free(decoder);
    batch_text(&outcome->batch, &outcome->text);
    buf_put_char(&outcome->text, '\0');
}

static inline void csv_fixture_release(struct csv_outcome *outcome)
{
    buf_release(&outcome->text);
    batch_release(&outcome->batch);
    arena_release(&outcome->arena);
}

#endif
