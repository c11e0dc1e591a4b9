/* Compiled matchers: regular expressions are PCRE2, anchored, with a match limit. */
#ifndef WEIR_CATALOG_MATCH_H
#define WEIR_CATALOG_MATCH_H

#include "base/error.h"
#include "model/matcher.h"
#include "model/series.h"

struct matchset;

/* `host=a`, `host!=a`, `host=~a.*`, `host!~a|b`: the spans point into `text`.  E_BAD_PARAMETER. */
MUST_USE enum code matcher_parse(struct bytes text, struct matcher *matcher, struct error *err);
/* E_BAD_PARAMETER with the pattern's fault and position. `selector` must outlive it. */
MUST_USE enum code matchset_new(const struct selector *selector, struct matchset **matchset,
                                struct error *err);
void matchset_free(struct matchset *matchset);
/* Whether matcher `index` admits the value of its tag (empty = the tag is absent).  Verdicts of
 * patterns are remembered by value: values outlive the matchset, as those of series do. */
bool matchset_admits(struct matchset *matchset, uint32_t index, struct bytes value, bool *gave_up);
/* Measurement and all matchers.  One thread at a time.  A pattern that passes its match limit
 * (20,000 steps for one value) admits nothing, whichever its sense, and sets *gave_up (which may be
 * NULL). */
bool matchset_matches(struct matchset *matchset, const struct series *series, bool *gave_up);
/* A matcher whose pattern gave up since matchset_new(); NULL = none did. */
const struct matcher *matchset_gave_up(const struct matchset *matchset);
/* True when one did for want of memory, which says nothing of the pattern. */
bool matchset_starved(const struct matchset *matchset);

#endif
