/* The head of a remote API's answer: waits lie between now and their most, a date reads the same
 * wherever it stands, and what leads on is an address that reads as itself, of http or https,
 * without user and control bytes.  Of the input each line is a header, "name: value". */
#include <stdlib.h>

#include "ingest/pace/moment.h"
#include "ingest/pull/answer_headers.h"
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MAX = 16 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static size_t split(struct bytes text, struct answer_header headers[HEADERS_MAX])
{
    size_t count = 0;

    while (text.size > 0 && count < HEADERS_MAX) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        const char *colon = memchr(text.data, ':', size);
        size_t name = colon != NULL ? (size_t)(colon - text.data) : size;

        headers[count].name = bytes_slice(text, 0, name);
        headers[count++].value = bytes_slice(text, name + (colon != NULL), size);
        text = bytes_slice(text, size + (end != NULL), text.size);
    }
    return count;
}

static void join(const struct address *base, struct bytes reference, struct arena *arena)
{
    struct address address, again;
    struct error err = {0};
    enum code code = address_join(base, reference, arena, &address, &err);

    if (code) {
        expect(err.code == code && err.text[0] != '\0');
        return;
    }
    expect(address.text.data[address.text.size] == '\0');
    expect(memcmp(address.text.data, "http", 4) == 0);
    for (size_t i = 0; i < address.text.size; i++)
        expect(address.text.data[i] > ' ' && address.text.data[i] < 0x7f &&
               address.text.data[i] != '\\' && address.text.data[i] != '#');
    for (size_t i = 0; i < address.host_port.size; i++)
        expect(strchr("@%/?", address.host_port.data[i]) == NULL);
    expect(address.port > 0 && address.path.size > 0 && address.path.data[0] == '/');
    if (address.text.size > ADDRESS_SIZE_MAX)
        return;
    expect(address_parse(address.text, arena, &again, &err) == OK);
    expect(bytes_equal(again.text, address.text) && address_same_origin(&again, &address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now_ns = INT64_C(1795348800) * MOMENT_SECOND; /* 2026-11-22 */
    struct answer_header headers[HEADERS_MAX];
    size_t count = split((struct bytes){size ? (const char *)data : "", size}, headers);
    int64_t until_ns = 0, again_ns = 0;
    struct bytes target = {0};
    struct address base;
    struct error err = {0};
    struct arena arena;

    arena_init(&arena, 1 << 20, NULL);
    expect(address_parse(BYTES("https://api.example.org/v1/rows?page=1"), &arena, &base, &err) ==
           OK);
    if (retry_after_of(headers, count, now_ns, &until_ns))
        expect(until_ns >= now_ns && until_ns <= now_ns + MOMENT_DAY);
    if (expires_of(headers, count, now_ns, &until_ns))
        expect(until_ns >= now_ns && until_ns <= now_ns + 365 * MOMENT_DAY);
    if (link_find(headers, count, BYTES("next"), &target))
        join(&base, target, &arena);
    for (size_t i = 0; i < count; i++) {
        join(&base, headers[i].value, &arena);
        if (http_date_parse(headers[i].value, now_ns, &until_ns))
            expect(http_date_parse(headers[i].value, now_ns, &again_ns) && again_ns == until_ns &&
                   until_ns % MOMENT_SECOND == 0);
    }
    arena_release(&arena);
    return 0;
}
