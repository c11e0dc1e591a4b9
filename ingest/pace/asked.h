/* What was asked, kept over a restart: limits hold in every span, also in one with a restart in it.
 * A file of lines, each written before its request goes out.  It is not synced: it outlives the
 * process; of a machine that loses its power the last seconds may be missing, which is less than it
 * takes to come back.
 *
 * In memory, and in the file whenever it is written anew, what is longer ago is coarser (past.h): a
 * name takes 64 KB at most, whatever is asked, and the file some 4 MiB more than its names need.
 * The age of what this boot noted is by its clock: a wall clock that is days ahead takes nothing.
 *
 * Thread: the puller's, after asked_open(). */
#ifndef WEIR_INGEST_PACE_ASKED_H
#define WEIR_INGEST_PACE_ASKED_H

#include "base/fs.h"
#include "ingest/pace/limiter.h"

struct asked;

/* Reads `path`, whose directory is made, and leaves out what no limit looks back to.  A line that
 * is no line is passed over: it was being written.  `fs` is borrowed.  E_IO, E_MEMORY. */
MUST_USE enum code asked_open(struct fs *fs, const char *directory, const struct moment *now,
                              struct asked **asked, struct error *err);
void asked_close(struct asked *asked); /* NULL is fine */

/* For limiter_new(). */
struct limiter_notes asked_notes(struct asked *asked);
/* Nobody may ask before then: a wait that an answer ordered. */
MUST_USE enum code asked_wait(struct asked *asked, struct bytes name, const struct moment *now,
                              int64_t until_wall_ns, struct error *err);
/* Behind each limiter_join(), and before anything begins: what began, and was to be waited for,
 * before this start.  The first time for each name alone. */
void asked_recall(struct asked *asked, struct bytes name, struct limiter_key *key,
                  const struct moment *now);

#endif
