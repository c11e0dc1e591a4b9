/* Files of the registry: hostile bytes are refused or give records that keep their promises and are
 * the same after another round; and whatever can be written is read back as it was. */
#include <stdlib.h>

#include "discovery/registry_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 16 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_round(const struct registry_record *records, size_t count)
{
    struct buf image = BUF_INIT((size_t)1 << 28);
    struct registry_record *again;
    struct error err = {0};
    size_t found;

    registry_image_put(records, count, &image);
    expect(buf_finish(&image, NULL) == OK);
    expect(registry_image_parse(buf_bytes(&image), &again, &found, &err) == OK && found == count);
    for (size_t i = 0; i < count; i++)
        expect(again[i].kind == records[i].kind && again[i].version == records[i].version &&
               again[i].missing == records[i].missing &&
               bytes_equal(again[i].name, records[i].name) &&
               bytes_equal(again[i].text, records[i].text));
    free(again);
    buf_release(&image);
}

/* Records out of the input, as far as it goes. */
static void check_made(const uint8_t *data, size_t size)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.abcdefghijklmnopqrstuvwxyz";
    struct registry_record records[RECORDS_MAX];
    size_t count = 0, at = 0;

    while (count < RECORDS_MAX && size - at >= 4) {
        enum registry_kind kind = (enum registry_kind)(data[at] % REGISTRY_KIND_COUNT);
        size_t first = data[at + 1] % 30, length = 1 + data[at + 2] % 30;
        size_t left = size - at - 4, text = data[at + 3] < left ? data[at + 3] : left;
        struct bytes span = bytes_slice(BYTES(name), first, first + length);

        if (registry_name_valid(kind, span))
            records[count++] = (struct registry_record){
                .kind = kind,
                .name = span,
                .text = {(const char *)data + at + 4, text},
                .version = 1 | (uint64_t)data[at] * 0x0101010101010101,
                .missing = data[at + 1] & 1
            };
        at += 4 + text;
    }
    check_round(records, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct registry_record *records;
    struct error err = {0};
    size_t count;
    enum code code =
        registry_image_parse((struct bytes){(const char *)data, size}, &records, &count, &err);

    if (code) {
        expect(code == E_CORRUPT && records == NULL && count == 0 && err.text[0] != '\0');
    } else {
        for (size_t i = 0; i < count; i++)
            expect(registry_name_valid(records[i].kind, records[i].name) &&
                   records[i].text.size <= REGISTRY_TEXT_SIZE_MAX && records[i].version > 0);
        check_round(records, count);
        free(records);
    }
    check_made(data, size);
    return 0;
}
