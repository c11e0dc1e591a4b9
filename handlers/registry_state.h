/* What /readyz and /metrics tell of the registry. */
#ifndef WEIR_HANDLERS_REGISTRY_STATE_H
#define WEIR_HANDLERS_REGISTRY_STATE_H

#include "handlers/app.h"

/* Appends the check, ",{...}"; nothing where there is no registry. */
void registry_state_print(const struct app *app, struct buf *out);
void registry_state_measure(const struct app *app);

#endif
