/* The request for a page: address, headers and body with all places filled.  Pure, but for what
 * secret() does. */
#ifndef WEIR_INGEST_PULL_ASKING_H
#define WEIR_INGEST_PULL_ASKING_H

#include "ingest/pace/window_set.h"
#include "ingest/pull/paging.h"

struct asking_terms {
    const struct source *source;
    const struct source_partition *partition;
    const struct stretch_of_time *window; /* NULL: none */
    struct page_position page;
    struct bytes etag, modified; /* of the last answer; empty = none; sent for a first page alone */
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
    bool home;             /* it is the source's own, and has its credential */
    const char *url_shown; /* for logs: without query values of auth, and of names that sound so */
};

/* In the arena.  E_BAD_PARAMETER: a filled address that is none or has "." and ".." that came with
 * a place, control bytes in a header, a place without a value; what secret() says; E_TIME_RANGE.
 *
 * A place in the address of a page (next_url, link) that is not on the source's own scheme, host
 * and port gets no credential, and of the document's headers those alone that say what is accepted.
 * Accept-Encoding is gzip and zstd, where the document does not say; Content-Type of a body is JSON
 * where it begins with { or [, else that of a form. */
MUST_USE enum code asking_make(const struct asking_terms *terms, struct arena *arena,
                               struct asking *asking, struct error *err);
/* Of a 3xx: the next request, with credentials and headers only where scheme, host and port are
 * those of the source; 303, and 301 and 302 of POST, become GET as browsers do.  E_BAD_PARAMETER:
 * no Location (empty), not http or https, from https to http. */
MUST_USE enum code asking_redirect(const struct asking_terms *terms, const struct asking *last,
                                   unsigned status, struct bytes location, struct arena *arena,
                                   struct asking *asking, struct error *err);

/* The source as it asks for its partitions (foreach.request): that is its request, there are no
 * pages, and no credential where it is not of the scheme, host and port of the source's own. */
struct source asking_list_source(const struct source *source);

/* The request for an access token (OAUTH2, RFC 6749, 4.4), with id and secret in Authorization; its
 * host is that of token_url. */
MUST_USE enum code asking_token(const struct asking_terms *terms, struct arena *arena,
                                struct asking *asking, struct error *err);
/* Of its answer.  *until_ns is when another one is to be asked for: a tenth of its time early, at
 * most a minute; five minutes where it does not say.  E_UNAUTHORIZED with the answer's `error`;
 * E_BAD_PAGE: no JSON, no token that could stand in a header, one of another type than bearer. */
MUST_USE enum code asking_token_read(unsigned status, struct bytes body, int64_t now_ns,
                                     struct arena *arena, struct bytes *token, int64_t *until_ns,
                                     struct error *err);

#endif
