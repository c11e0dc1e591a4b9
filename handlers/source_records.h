/* /v1/sources: what is pulled for a tenant, how it goes, and what a document would make of a page.
 * docs/reference/sources.md */
#ifndef WEIR_HANDLERS_SOURCE_RECORDS_H
#define WEIR_HANDLERS_SOURCE_RECORDS_H

#include "base/bytes.h"
#include "http/route.h"

struct buf;
struct record_job;
struct source;
struct source_faults;

/* Appends ,"errors":[{"pointer":…,"detail":…}], pointers below `within`. */
void source_faults_put(const struct source_faults *faults, struct bytes within, struct buf *out);

/* Whether this node can do what the document wants, and its tenant may: as puller_takes() and
 * tails_takes(). */
MUST_USE enum code source_takes(const struct record_job *job, const struct source *source,
                                struct error *err);

extern const struct handler source_list_handler, source_get_handler, source_put_handler,
    source_delete_handler, source_fetches_handler, source_pause_handler, source_resume_handler,
    source_pull_handler, source_backfill_handler;
extern const char *const source_fetches_names[], *const source_backfill_names[];

#endif
