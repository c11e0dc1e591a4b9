/* What a source tells of itself beside its counts: part of struct pull_source, written by the
 * puller's thread under its lock, read under it by any. */
#ifndef WEIR_INGEST_PULL_PULL_TOLD_H
#define WEIR_INGEST_PULL_PULL_TOLD_H

#include "ingest/rows/value_finds.h"

struct pull_source;

struct pull_told {
    struct value_finds finds; /* since its document is in force */
    char *warnings;           /* a list of JSON; NULL: there is none */
};

/* A page's. */
void told_finds(struct pull_source *source, const struct value_finds *finds);
/* It has another document, or ends. */
void told_forget(struct pull_source *source);

#endif
