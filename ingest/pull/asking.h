/* The request for a page: address, headers and body with all places filled; and where the page
 * after it stands.  Pure. */
#ifndef WEIR_INGEST_PULL_ASKING_H
#define WEIR_INGEST_PULL_ASKING_H

#include "ingest/pull/outcome.h"
#include "ingest/pull/window_set.h"

/* Where a page stands, as it is noted in the progress: empty = the first; else digits, a cursor or
 * an address. */
struct page_position {
    struct bytes text;
    uint32_t number; /* of pages before it */
};

struct asking_terms {
    const struct source *source;
    const struct source_partition *partition;
    const struct stretch_of_time *window; /* NULL: none */
    struct page_position page;
    struct bytes etag, modified; /* of the last answer; empty = none */
    int64_t now_ns;
    struct bytes user_agent; /* where the document has none */
    /* Values of secrets, and whether they may go to the host: E_FORBIDDEN or what fits, with the
     * names of both. */
    enum code (*secret)(void *context, struct bytes name, struct bytes host, struct bytes *value,
                        struct error *err);
    struct bytes bearer; /* of OAUTH2: got by its own request */
    void *context;
};

struct asking {
    const char *method, *url;
    const char *const *headers; /* NULL-terminated */
    struct bytes body;
    struct bytes host;     /* "api.example.org:443", lower case */
    const char *url_shown; /* for logs: without query values of auth and secrets */
};

/* In the arena.  E_BAD_PARAMETER: a filled address that is none, CR or LF in a header. */
MUST_USE enum code asking_make(const struct asking_terms *terms, struct arena *arena,
                               struct asking *asking, struct error *err);
/* Of a 3xx: the next request, with credentials only where scheme, host and port are the same; 303
 * and POST become GET as browsers do.  E_BAD_PARAMETER: no Location, not http or https, from https
 * to http. */
MUST_USE enum code asking_redirect(const struct asking_terms *terms, const struct asking *last,
                                   unsigned status, struct bytes location, struct arena *arena,
                                   struct asking *asking, struct error *err);

/* Under which limits a source asks: "api.example.org", and a hash of the credential behind it. */
MUST_USE enum code asking_limit_name(const struct source *source, struct bytes tenant,
                                     struct buf *name, struct error *err);

struct page_facts {
    uint64_t rows;
    bool empty_body;
    struct tree_value at_path, total; /* TREE_END: absent */
    const struct answer_header *headers;
    size_t header_count;
    const char *url;      /* that was asked */
    uint64_t rows_before; /* of the window's pages before this one */
};

/* *more: `next` (in the arena) is to be asked.  E_BAD_PAGE: more pages than `max`, another host
 * where same_host is set, an address that is none, a total that does not fit in the end. */
MUST_USE enum code paging_next(const struct source *source, const struct page_position *page,
                               const struct page_facts *facts, struct arena *arena, bool *more,
                               struct page_position *next, struct error *err);

#endif
