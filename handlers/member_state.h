/* What /readyz and /metrics tell of this node as a member of its registry.  Without one, nothing.
 */
#ifndef WEIR_HANDLERS_MEMBER_STATE_H
#define WEIR_HANDLERS_MEMBER_STATE_H

#include "base/buf.h"
#include "handlers/app.h"

/* A check, with the comma in front.  Any thread, as below. */
void member_state_print(const struct app *app, struct buf *out);
void member_state_measure(const struct app *app);
/* False: writes are refused. */
bool member_is_active(const struct app *app);
/* 0: none, or there is no registry. */
unsigned member_of(const struct app *app);

/* What is known of a member beyond the registry, each with the comma in front. */
void member_detail_print(const struct app *app, unsigned number, struct buf *out);

#endif
