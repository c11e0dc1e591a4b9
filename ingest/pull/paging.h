/* Where the page after a page stands.  Pure. */
#ifndef WEIR_INGEST_PULL_PAGING_H
#define WEIR_INGEST_PULL_PAGING_H

#include "base/number.h"
#include "ingest/pull/answer_headers.h"
#include "ingest/source/source.h"

enum { PAGING_POSITION_SIZE_MAX = 8192 };

/* Where a page stands, as it is noted in the progress: empty = the first; else digits, a cursor or
 * an address. */
struct page_position {
    struct bytes text;
    uint32_t number; /* of pages before it */
};

struct page_facts {
    uint64_t rows; /* that the page has, with those that `where` leaves out */
    bool empty_body;
    struct tree_value at_path, total; /* TREE_END: absent */
    const struct answer_header *headers;
    size_t header_count;
    const char *url;      /* that was asked, behind redirects */
    uint64_t rows_before; /* of the window's pages before this one */
};

/* *more: `next` (in the arena) is to be asked.  E_BAD_PAGE: more pages than `max`, another host
 * where same_host is set, an address or cursor that is none, a total that does not fit.
 *
 * An address of http on the host that was asked by https is asked by https: who stands behind a
 * proxy often knows no better, and no credential goes out in the open.  What `auth` puts into the
 * query is taken out of it, as it is put there again and has no place in what is noted. */
MUST_USE enum code paging_next(const struct source *source, const struct page_position *page,
                               const struct page_facts *facts, struct arena *arena, bool *more,
                               struct page_position *next, struct error *err);

/* What stands for ${page.value}; false: nothing, of a first page that a cursor or link leads from.
 * `digits` is where a number may be put. */
bool paging_value(const struct source_page *rules, const struct page_position *page,
                  char digits[NUMBER_TEXT_SIZE], struct bytes *value);

#endif
