/* The part of a plan that where= and let= need: which fields are read beside those shown. */
#ifndef WEIR_QUERY_PLAN_SIEVE_H
#define WEIR_QUERY_PLAN_SIEVE_H

struct error;
struct field_info;
struct plan;

#include "base/error.h"

/* plan->fields names what is shown, computed columns among it.  Makes it what is read, and with it
 * plan->sieve; where nothing is computed or left out, all stays.  `known`: the fields of the
 * measurement, by name. */
MUST_USE enum code plan_sieve(struct plan *plan, const struct field_info *known, size_t known_count,
                              struct error *err);

#endif
