/* JSON points: what our scanner takes is JSON to jansson too, and the batch keeps its promises. */
#include <stdlib.h>

#include "codec/decoder.h"
#include "codec/json_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum code decode(struct bytes body, const struct limits *limits, uint64_t *bad)
{
    struct decode_options options = {.precision = TIME_MS, .now_ns = 1000, .limits = limits};
    struct decoder *decoder = NULL;
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    enum code code;

    arena_init(&arena, (size_t)1 << 30, NULL);
    batch_init(&batch, &arena, 10);
    code = decoder_json.begin(&batch, &options, &decoder, &err);
    for (size_t at = 0; at < body.size && code == OK; at += 1000)
        code = decoder_json.feed(
            decoder, bytes_slice(body, at, at + 1000 < body.size ? at + 1000 : body.size), &err);
    if (code == OK)
        code = decoder_json.finish(decoder, &err);
    decoder_json.free(decoder);
    *bad = batch.reject_count;
    if (code != err.code || !batch_check(&batch, &err) || !batch_resolve(&batch) ||
        !batch_check(&batch, &err))
        abort();
    batch_release(&batch);
    arena_release(&arena);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = {(const char *)data, size};
    struct error err = {0};
    struct limits limits;
    struct json *root;
    uint64_t bad;
    bool array;
    enum code code, theirs;

    limits_init(&limits);
    limits.string_bytes_max = 100;
    limits.name_bytes_max = 20;
    limits.json_depth_max = 8;
    code = decode(body, &limits, &bad);
    theirs = json_doc_parse(body, (uint32_t)limits.json_depth_max, &root, &err);
    array = theirs == OK && json_kind(root) == JSON_KIND_ARRAY;
    json_doc_free(root);
    /* A good document is good to both; numbers beyond int64 and overflowing reals, names
     * with NUL and duplicates are refused only by jansson as a whole. */
    if (code == OK && bad == 0 && theirs != OK && strstr(err.text, "too big") == NULL)
        abort();
    if (code == E_SYNTAX && array)
        abort();
    return 0;
}
