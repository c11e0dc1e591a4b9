/* How the members of a registry are, as one of its nodes says (GET /v1/members), for a command that
 * lists them. */
#ifndef WEIR_SERVER_MEMBER_HEALTH_H
#define WEIR_SERVER_MEMBER_HEALTH_H

#include "base/buf.h"

struct json;

struct member_health {
    struct json *root; /* what it answered; NULL: nobody was asked */
};

/* Asks the node at `url`; the token is that of the file, NULL: WEIR_TOKEN.  Waits. */
MUST_USE enum code member_health_ask(struct member_health *health, const char *url,
                                     const char *token_file, struct error *err);
void member_health_release(struct member_health *health); /* also of one that is zero */
/* Cells of a table, each with a comma in front: health, delivered_through, backlog_bytes of the
 * member of this name; empty where they are not known. */
void member_health_cells(const struct member_health *health, struct bytes name, struct buf *csv);
/* The same as members of an object, each with a comma in front; those that are known. */
void member_health_members(const struct member_health *health, struct bytes name, struct buf *out);

#endif
