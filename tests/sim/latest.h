/* What the versions of a row come to, by the rules of docs/reference/query.md written down once
 * more and as plainly as can be. */
#ifndef WEIR_TESTS_SIM_LATEST_H
#define WEIR_TESTS_SIM_LATEST_H

#include "answer.h"

/* `written` are all versions up to S as they were submitted, `got` what the store gave in their
 * place; both must come to the same.  Both are by (time, ingest). */
void latest_compare(struct world *world, const struct view *view, uint32_t series,
                    const struct answer *written, const struct answer *got);

#endif
