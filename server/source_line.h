/* The verbs of `weir source` that look at what is declared, or ask something of it. */
#ifndef WEIR_SERVER_SOURCE_LINE_H
#define WEIR_SERVER_SOURCE_LINE_H

#include "server/command_verbs.h"

/* "/v1/sources/NAME", or with an action behind it.  E_CONFIG: it is no name. */
MUST_USE enum code source_target(struct bytes name, const char *action, struct buf *target,
                                 struct error *err);
/* The last answer to stdout, as people read it. */
MUST_USE enum code source_json_print(struct remote *remote, struct error *err);

enum code source_run_list(struct remote *remote, const struct verb_line *line, struct error *err);
enum code source_run_show(struct remote *remote, const struct verb_line *line, struct error *err);
enum code source_run_fetches(struct remote *remote, const struct verb_line *line,
                             struct error *err);
enum code source_run_delete(struct remote *remote, const struct verb_line *line, struct error *err);
enum code source_run_action(struct remote *remote, const struct verb_line *line, struct error *err);
enum backfill_flag { BACKFILL_START, BACKFILL_END };
enum code source_run_backfill(struct remote *remote, const struct verb_line *line,
                              struct error *err);

#endif
