/* CSV decoded with options written as a query: for the tests of its decoder. */
#ifndef WEIR_TESTS_CSV_FIXTURE_H
#define WEIR_TESTS_CSV_FIXTURE_H

#include "codec/csv_options.h"
#include "tests/unit/codec/outcome.h"

enum { CSV_NOW = 1000 };

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
static inline void csv_fixture_decode(struct outcome *outcome, const char *options_text,
                                      struct bytes body, size_t first, size_t piece,
                                      const struct limits *limits)
{
    struct csv_options csv;
    struct decode_options options = {
        .precision = TIME_S, .now_ns = CSV_NOW, .limits = limits, .csv = &csv};

    outcome_init(outcome, limits);
    outcome->code = csv_fixture_options(&csv, options_text, &outcome->arena, &outcome->err);
    outcome_decode(outcome, &decoder_csv, &options, body, first, piece);
}

#endif
