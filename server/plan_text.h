/* A query's plan (explain=true) as a text for people. */
#ifndef WEIR_SERVER_PLAN_TEXT_H
#define WEIR_SERVER_PLAN_TEXT_H

#include "base/buf.h"

/* Of the server's JSON.  What a server of another version does not tell is "-"; limits are those
 * that it tells.  E_SYNTAX: it is no plan. */
MUST_USE enum code plan_text(struct bytes json, struct buf *out, struct error *err);

#endif
