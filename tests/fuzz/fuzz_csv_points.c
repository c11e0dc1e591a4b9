/* CSV points: any bytes with any of some options make a sound batch, and the same one in whatever
 * pieces they come.  The first byte of the input chooses the options, the second the pieces. */
#include <stdlib.h>

#include "codec/csv_options.h"
#include "codec/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct option {
    const char *name, *value;
} sets[][6] = {
    {{"measurement", "m"},                       {"time_format", "epoch"}, {"tags", "h"}       },
    {                           {"measurement", "m"},                   {"tz", "Europe/London"},           {"null", "NA"}                    },
    { {"measurement_column", "m"},                          {"time", ""},                                {"decimal", ","},                     {"separator", ";"}},
    {        {"measurement", "m"},
     {"time", "d,t"},
     {"time_format", "%d/%b/%y %I:%M:%S.%f %p"},
     {"header", "no"},
     {"columns", "d,t,,a,b"}},
    {                                                                                              {"measurement", "m"},
     {"time_format", "excel"},
     {"period", "p"},
     {"period_length", "30m"},
     {"types", "a:f64,b:string"}},
    {                                                                                            {"measurement", "m"},                       {"types", "a:u64"},       {"separator", "tab"}, {"ignore", "x"}},
};

struct outcome {
    enum code code;
    struct error err;
    struct arena arena;
    struct batch batch;
};

static void decode(struct outcome *outcome, struct bytes body, size_t piece,
                   const struct limits *limits, const struct csv_options *csv)
{
    struct decode_options options = {
        .precision = TIME_MS, .now_ns = 1000, .limits = limits, .csv = csv};
    struct decoder *decoder = NULL;

    *outcome = (struct outcome){0};
    arena_init(&outcome->arena, (size_t)1 << 30, NULL);
    batch_init(&outcome->batch, &outcome->arena, 1000);
    outcome->code = decoder_csv.begin(&outcome->batch, &options, &decoder, &outcome->err);
    for (size_t at = 0; at < body.size && outcome->code == OK; at += piece)
        outcome->code = decoder_csv.feed(
            decoder, bytes_slice(body, at, at + piece < body.size ? at + piece : body.size),
            &outcome->err);
    if (outcome->code == OK)
        outcome->code = decoder_csv.finish(decoder, &outcome->err);
    decoder_csv.free(decoder);
    if (outcome->code != outcome->err.code || !batch_check(&outcome->batch, &outcome->err))
        abort();
}

static void release(struct outcome *outcome)
{
    if (!batch_resolve(&outcome->batch) || !batch_check(&outcome->batch, &outcome->err))
        abort();
    batch_release(&outcome->batch);
    arena_release(&outcome->arena);
}

static void compare(const struct outcome *whole, const struct outcome *parts)
{
    const struct batch_reject *other = parts->batch.rejects;

    if (whole->code != parts->code || strcmp(whole->err.text, parts->err.text) != 0 ||
        whole->batch.row_count != parts->batch.row_count ||
        whole->batch.value_count != parts->batch.value_count ||
        whole->batch.series_count != parts->batch.series_count ||
        whole->batch.reject_count != parts->batch.reject_count)
        abort();
    for (const struct batch_reject *one = whole->batch.rejects; one != NULL;
         one = one->next, other = other->next)
        if (one->line != other->line || one->code != other->code ||
            !bytes_equal(one->detail, other->detail))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, parts;
    struct csv_options csv;
    struct error err = {0};
    struct limits limits;
    struct arena arena;
    struct bytes body;
    const struct option *set;

    if (size < 2)
        return 0;
    limits_init(&limits);
    limits.string_bytes_max = 100;
    limits.name_bytes_max = 20;
    limits.line_bytes_max = 200;
    limits.csv_columns_max = 8;
    set = sets[data[0] % COUNT_OF(sets)];
    arena_init(&arena, (size_t)1 << 20, NULL);
    csv_options_init(&csv);
    for (size_t i = 0; i < COUNT_OF(sets[0]) && set[i].name != NULL; i++)
        if (csv_option_set(&csv, bytes_of(set[i].name), bytes_of(set[i].value), &arena, &err))
            abort();
    if (csv_options_check(&csv, &err))
        abort();
    body = (struct bytes){(const char *)data + 2, size - 2};
    decode(&whole, body, body.size + 1, &limits, &csv);
    decode(&parts, body, (size_t)data[1] + 1, &limits, &csv);
    compare(&whole, &parts);
    release(&whole);
    release(&parts);
    arena_release(&arena);
    return 0;
}
