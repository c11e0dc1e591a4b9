/* A body as it came, and what it is unpacked.  Thread: one that may wait. */
#ifndef WEIR_INGEST_PULL_PAGE_BYTES_H
#define WEIR_INGEST_PULL_PAGE_BYTES_H

#include "ingest/pull/answer_headers.h"
#include "ingest/pull/outcome.h"

struct staged;

/* From the first byte to the last, as often as wanted; `at` gives some of them (`size` from
 * `offset` on, which there are): the directory of an archive stands at its end. */
struct page_bytes {
    uint64_t size;
    enum code (*read)(void *context,
                      enum code (*take)(void *taker, struct bytes piece, struct error *err),
                      void *taker, struct error *err);
    enum code (*at)(void *context, uint64_t offset, char *into, size_t size, struct error *err);
    void *context;
};

/* Both borrow what they are of. */
struct page_bytes page_bytes_of(const struct bytes *body);
struct page_bytes page_bytes_staged(struct staged *body);

#define PAGE_RATIO_MAX 1000 /* decompressed to compressed */

/* Hands the body to `take`, decompressed as Content-Encoding says, else as what it begins with
 * says: many servers send a file of gzip as it is.  E_BODY_LARGE above `plain_bytes_max`, else as
 * inflate_feed(). */
MUST_USE enum code page_unpack(const struct page_bytes *body, const struct answer_header *headers,
                               size_t header_count, uint64_t plain_bytes_max,
                               enum code (*take)(void *taker, struct bytes piece,
                                                 struct error *err),
                               void *taker, struct error *err);

#endif
