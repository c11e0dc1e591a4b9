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
/* Measurement and all matchers.  One thread at a time.  A pattern that passes its match limit does
 * not match, and sets *gave_up (which may be NULL). */
bool matchset_matches(struct matchset *matchset, const struct series *series, bool *gave_up);

#endif
