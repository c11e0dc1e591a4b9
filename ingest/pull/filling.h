/* Texts of a source with their places filled for one request.  Pure, but for what secret() does. */
#ifndef WEIR_INGEST_PULL_FILLING_H
#define WEIR_INGEST_PULL_FILLING_H

#include "ingest/pull/asking.h"

enum { FILLING_SIZE_MAX = 1 << 20 };

struct filling {
    const struct asking_terms *terms;
    struct arena *arena;
    struct bytes host; /* that secrets go to; size 0: none may be asked for */
};

/* In the arena. */
MUST_USE enum code filling_text(const struct filling *filling, const struct text_places *places,
                                enum place_manner manner, struct bytes *text, struct error *err);
/* What is in the buffer, in the arena, with an end that is not counted. */
MUST_USE enum code filling_keep(const struct filling *filling, struct buf *buf, struct bytes *text,
                                struct error *err);

#endif
