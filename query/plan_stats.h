/* The part of a plan that statistics need: which fields have rows, and which are read beside them,
 * since a row counts as missing a value where any field of the measurement has one. */
#ifndef WEIR_QUERY_PLAN_STATS_H
#define WEIR_QUERY_PLAN_STATS_H

#include "base/bytes.h"
#include "base/error.h"

struct field_info;
struct plan;

/* `fields`: those that have rows, in any order; `known`: the fields of the measurement, by name.
 * Sets what choose_columns() (plan.c) sets for other questions. */
MUST_USE enum code plan_stats(struct plan *plan, const struct bytes *fields, uint32_t field_count,
                              const struct field_info *known, size_t known_count,
                              struct error *err);

#endif
