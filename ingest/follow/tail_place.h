/* Where files may be that sources follow: directories that the operator allows, and what lies
 * below them, whatever symbolic links say.  Waits for disks; any thread. */
#ifndef WEIR_INGEST_FOLLOW_TAIL_PLACE_H
#define WEIR_INGEST_FOLLOW_TAIL_PLACE_H

#include <sys/stat.h>

#include "base/error.h"

enum { TAIL_PLACES_MAX = 32 };

struct tail_places {
    size_t count;
    struct tail_place {
        struct bytes tenant; /* empty: of all */
        struct bytes directory;
    } items[TAIL_PLACES_MAX];
};

/* "/dir" or "tenant=/dir", borrowed.  E_CONFIG. */
MUST_USE enum code tail_places_add(struct tail_places *places, struct bytes text,
                                   struct error *err);
/* Whether a path of a document is below a directory that the tenant may read: E_BAD_PARAMETER with
 * what it may.  Looks at no disk. */
MUST_USE enum code tail_places_check(const struct tail_places *places, struct bytes tenant,
                                     struct bytes path, struct error *err);

/* Each regular file that `path` names, or that lies in the directory that it names; in a step
 * `*`, `?` and `[...]` stand for what they do in a shell.  What leads out is passed over.
 * E_NOT_FOUND: nothing that can be looked into; E_IO, E_MEMORY; codes of take(). */
MUST_USE enum code tail_places_walk(const struct tail_places *places, struct bytes tenant,
                                    struct bytes path,
                                    enum code (*take)(void *context, const char *path,
                                                      const struct stat *stat, struct error *err),
                                    void *context, struct error *err);
/* A regular file to read.  E_NOT_FOUND, E_FORBIDDEN: it leads out or is no regular file; E_IO. */
MUST_USE enum code tail_places_open(const struct tail_places *places, struct bytes tenant,
                                    const char *path, int *fd, struct stat *stat,
                                    struct error *err);

#endif
