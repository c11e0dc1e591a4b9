/* POST /v1/sources:test: one page, fetched or pasted, and the points that a document makes of it.
 */
#ifndef WEIR_HANDLERS_SOURCE_TRIALS_H
#define WEIR_HANDLERS_SOURCE_TRIALS_H

#include "http/route.h"

extern const struct handler source_test_handler;

#endif
