/* The text is made when a page was read, as whoever asks for it may not look at the document, which
 * is the puller's thread's. */
#include "ingest/pull/pull_told.h"

#include <stdlib.h>

#include "ingest/pull/pull_inside.h"

enum { WARNINGS_BYTES_MAX = 16 << 10 };

static char *warnings_of(const struct value_finds *finds, const struct source *source)
{
    struct buf text = BUF_INIT(WARNINGS_BYTES_MAX);
    char *warnings = NULL;

    if (finds->rows == 0 || finds->absent == 0)
        return NULL;
    value_finds_put(finds, source, &text);
    if (buf_finish(&text, NULL) == OK)
        warnings = strndup(text.data, text.size);
    buf_release(&text);
    return warnings;
}

void told_finds(struct pull_source *source, const struct value_finds *finds)
{
    struct pull_told *told = &source->told;
    char *warnings, *former;

    if (finds->rows == 0)
        return;
    value_finds_add(&told->finds, finds, source->source);
    warnings = warnings_of(&told->finds, source->source);
    pthread_mutex_lock(&source->puller->lock);
    former = told->warnings;
    told->warnings = warnings;
    pthread_mutex_unlock(&source->puller->lock);
    free(former);
}

void told_forget(struct pull_source *source)
{
    struct pull_told *told = &source->told;
    char *former;

    pthread_mutex_lock(&source->puller->lock);
    former = told->warnings;
    *told = (struct pull_told){.warnings = NULL};
    pthread_mutex_unlock(&source->puller->lock);
    free(former);
}
