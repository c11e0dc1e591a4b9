/* A directory that appears under its name once it is whole: until then it is NAME.part, which one
 * process at a time has, and which is removed when nothing comes of it. */
#ifndef WEIR_SERVER_STAGING_H
#define WEIR_SERVER_STAGING_H

#include "base/fs.h"

struct staging;

/* E_EXISTS when there is something under the name; an empty directory is fine with `empty_passes`.
 * What a process that was killed left in NAME.part is removed; E_BUSY while one is at work there.
 * *staging is NULL on failure. */
MUST_USE enum code staging_open(const char *path, bool empty_passes, struct staging **staging,
                                struct error *err);
struct fs *staging_fs(struct staging *staging);
const char *staging_path(const struct staging *staging); /* "NAME.part" */
/* What is in it was synced, all but the names in the directory itself.  Then it is NAME, for
 * good. */
MUST_USE enum code staging_finish(struct staging *staging, struct error *err);
/* Removes what was not finished.  NULL is fine. */
void staging_close(struct staging *staging);

#endif
