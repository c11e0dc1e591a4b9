/* /v1/sources: what is pulled for a tenant, how it goes, and what a document would make of a page.
 * docs/reference/sources.md */
#ifndef WEIR_HANDLERS_SOURCE_RECORDS_H
#define WEIR_HANDLERS_SOURCE_RECORDS_H

#include "base/bytes.h"
#include "http/route.h"

struct source_faults;
struct buf;

/* Appends ,"errors":[{"pointer":…,"detail":…}], pointers below `within`. */
void source_faults_put(const struct source_faults *faults, struct bytes within, struct buf *out);

extern const struct handler source_list_handler, source_get_handler, source_put_handler,
    source_delete_handler, source_fetches_handler, source_pause_handler, source_resume_handler,
    source_pull_handler, source_backfill_handler;
extern const char *const source_fetches_names[], *const source_backfill_names[];

#endif
