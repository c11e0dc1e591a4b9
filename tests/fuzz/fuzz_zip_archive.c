/* Archives of zip: whatever comes, nothing is read beyond it, what is handed on stays within its
 * caps, and a file that has ended is as long as it was told. */
#include <stdlib.h>

#include "codec/zip_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 20, OUTPUT_MAX = 3 << 20, RATIO_MAX = 20, FREE = 1 << 20 };

struct output {
    const char *data; /* of its own, so that a byte beyond is noticed */
    size_t size;
    uint64_t given, number;
    bool open;
};

static enum code at(void *context, uint64_t offset, char *into, size_t size, struct error *err)
{
    const struct output *output = context;

    (void)err;
    if (offset > output->size || size > output->size - offset)
        abort();
    if (size > 0)
        memcpy(into, output->data + offset, size);
    return OK;
}

static enum code begin(void *context, uint64_t number, struct error *err)
{
    struct output *output = context;

    (void)err;
    if (output->open || number <= output->number || number > FILES_MAX)
        abort();
    output->open = true;
    output->number = number;
    return OK;
}

static enum code take(void *context, struct bytes piece, struct error *err)
{
    struct output *output = context;

    (void)err;
    output->given += piece.size;
    if (!output->open || piece.size == 0 || output->given > OUTPUT_MAX ||
        (output->given > FREE && output->given > RATIO_MAX * output->size))
        abort();
    return OK;
}

static enum code end(void *context, struct error *err)
{
    struct output *output = context;

    (void)err;
    if (!output->open)
        abort();
    output->open = false;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct output output = {.data = copy, .size = size};
    const struct zip_archive_bytes bytes = {size, at, &output};
    const struct zip_archive_limits limits = {FILES_MAX, OUTPUT_MAX, RATIO_MAX};
    const struct zip_archive_sink sink = {begin, take, end, &output};
    struct error err = {0};
    enum code code;

    memcpy(copy, data, size);
    code = zip_archive_read(&bytes, &limits, &sink, &err);
    if (code == OK && output.open)
        abort();
    if (code != OK && (err.code != code || err.text[0] == '\0'))
        abort();
    free(copy);
    return 0;
}
