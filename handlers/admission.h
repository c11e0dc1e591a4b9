/* Whether the body of a write is let in: at once, after a wait for memory, or not. */
#ifndef WEIR_HANDLERS_ADMISSION_H
#define WEIR_HANDLERS_ADMISSION_H

#include "http/request.h"
#include "ingest/intake.h"

/* What a write keeps from its start to its answer; in the request's arena. */
struct admission {
    struct intake_request want;
    struct intake *intake; /* NULL until it is let in */
};

/* From start() and again().  Makes the intake, or lets the request wait (OK, intake NULL), or says
 * why not.  Do not touch the request when it waits. */
MUST_USE enum code admission_try(struct request *request, struct admission *admission,
                                 struct error *err);

#endif
