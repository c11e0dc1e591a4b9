#include "ingest/pull/page_bytes.h"

#include <string.h>

#include "codec/inflate.h"
#include "net/staged.h"

enum { MAGIC_SIZE = 4 /* of zstd, the longest */ };

/* --- where they lie --- */

static enum code read_pasted(void *context,
                             enum code (*take)(void *taker, struct bytes piece, struct error *err),
                             void *taker, struct error *err)
{
    const struct bytes *body = context;

    return body->size == 0 ? OK : take(taker, *body, err);
}

static enum code pasted_at(void *context, uint64_t offset, char *into, size_t size,
                           struct error *err)
{
    const struct bytes *body = context;

    (void)err;
    memcpy(into, body->data + offset, size);
    return OK;
}

struct page_bytes page_bytes_of(const struct bytes *body)
{
    return (struct page_bytes){body->size, read_pasted, pasted_at, (void *)(uintptr_t)body};
}

static enum code read_staged(void *context,
                             enum code (*take)(void *taker, struct bytes piece, struct error *err),
                             void *taker, struct error *err)
{
    return staged_read(context, take, taker, err);
}

static enum code staged_bytes(void *context, uint64_t offset, char *into, size_t size,
                              struct error *err)
{
    return staged_at(context, offset, into, size, err);
}

struct page_bytes page_bytes_staged(struct staged *body)
{
    return (struct page_bytes){staged_size(body), read_staged, staged_bytes, body};
}

/* --- unpacked --- */

struct unpacking {
    const struct answer_header *headers;
    size_t header_count;
    uint64_t plain_bytes_max;
    enum code (*take)(void *taker, struct bytes piece, struct error *err);
    void *taker;
    struct inflate *inflate; /* made once it is known what the body begins with: */
    char first[MAGIC_SIZE];
    size_t first_size;
};

static struct bytes encoding_of(const struct unpacking *unpacking)
{
    const unsigned char *first = (const unsigned char *)unpacking->first;

    for (size_t i = 0; i < unpacking->header_count; i++)
        if (bytes_equal(unpacking->headers[i].name, BYTES("content-encoding")))
            return unpacking->headers[i].value;
    if (unpacking->first_size >= 2 && first[0] == 0x1f && first[1] == 0x8b)
        return BYTES("gzip");
    if (unpacking->first_size == MAGIC_SIZE && memcmp(first, "\x28\xb5\x2f\xfd", MAGIC_SIZE) == 0)
        return BYTES("zstd");
    return BYTES("");
}

static enum code begin(struct unpacking *unpacking, struct error *err)
{
    struct bytes first = {unpacking->first, unpacking->first_size};
    enum code code = inflate_new(encoding_of(unpacking), unpacking->plain_bytes_max, PAGE_RATIO_MAX,
                                 &unpacking->inflate, err);

    return code ? code
                : inflate_feed(unpacking->inflate, first, unpacking->take, unpacking->taker, err);
}

/* The first piece may be of a byte. */
static enum code take_packed(void *context, struct bytes piece, struct error *err)
{
    struct unpacking *unpacking = context;
    size_t room = MAGIC_SIZE - unpacking->first_size;
    enum code code;

    if (unpacking->inflate == NULL) {
        size_t size = piece.size < room ? piece.size : room;

        memcpy(unpacking->first + unpacking->first_size, piece.data, size);
        unpacking->first_size += size;
        piece = bytes_slice(piece, size, piece.size);
        code = unpacking->first_size < MAGIC_SIZE ? OK : begin(unpacking, err);
        if (code || unpacking->inflate == NULL)
            return code;
    }
    return inflate_feed(unpacking->inflate, piece, unpacking->take, unpacking->taker, err);
}

enum code page_unpack(const struct page_bytes *body, const struct answer_header *headers,
                      size_t header_count, uint64_t plain_bytes_max,
                      enum code (*take)(void *taker, struct bytes piece, struct error *err),
                      void *taker, struct error *err)
{
    struct unpacking unpacking = {.headers = headers,
                                  .header_count = header_count,
                                  .plain_bytes_max = plain_bytes_max,
                                  .take = take,
                                  .taker = taker};
    enum code code = body->read(body->context, take_packed, &unpacking, err);

    if (code == OK && unpacking.inflate == NULL && unpacking.first_size > 0) /* it is shorter */
        code = begin(&unpacking, err);
    if (code == OK && unpacking.inflate != NULL)
        code = inflate_finish(unpacking.inflate, err);
    inflate_free(unpacking.inflate);
    return code;
}
