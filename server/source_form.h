/* A document on its way to `weir source add`: of an example or a file, filled with what --set says.
 */
#ifndef WEIR_SERVER_SOURCE_FORM_H
#define WEIR_SERVER_SOURCE_FORM_H

#include "base/buf.h"
#include "ingest/source/source_settings.h"
#include "server/arguments.h"

/* What an example or a file is made of, as JSON in the arena.  E_NOT_FOUND: it is neither the name
 * of an example nor a file, with the nearest example; E_CONFIG: what is in it. */
MUST_USE enum code source_form_read(const char *name_or_path, struct arena *arena,
                                    struct bytes *json, struct error *err);
/* The line of an example's text that says what it is. */
struct bytes source_form_about(const char *text);

struct source_form {
    struct bytes json, name; /* filled; in the arena */
    struct bytes host;       /* that its secrets go to; empty: not known */
    struct source_wishes wishes;
};

/* `sets` has KEY=VALUE each; `name` NULL: the document's own.  E_CONFIG with what is missing. */
MUST_USE enum code source_form_fill(struct bytes json, const struct argument_list *sets,
                                    const char *name, struct arena *arena, struct source_form *form,
                                    struct error *err);

#endif
