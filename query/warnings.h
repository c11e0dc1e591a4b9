/* What a question names and the catalog does not know.  Tomorrow it may, so the question is
 * answered; but as a misspelt name looks the same, the answer says so. */
#ifndef WEIR_QUERY_WARNINGS_H
#define WEIR_QUERY_WARNINGS_H

#include "base/bytes.h"
#include "catalog/catalog.h"

struct plan;

enum { WARNINGS_MAX = 4 }; /* of one answer; what is beyond is not told */

struct warnings {
    struct bytes texts[WARNINGS_MAX]; /* all different; UTF-8, in the plan's arena */
    struct bytes names[WARNINGS_MAX]; /* that they are about, as what: not looked for again */
    enum noun nouns[WARNINGS_MAX];
    uint32_t count;
};

/* Of the plan's question, into plan->warnings.  False when memory ran out, or the question is to be
 * answered at once and there is one. */
MUST_USE bool warnings_make(struct plan *plan);
/* Those of a selection of a join, with its name. */
MUST_USE bool warnings_take(struct plan *plan, const struct warnings *from, struct bytes selection);

#endif
