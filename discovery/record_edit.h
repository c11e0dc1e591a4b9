/* A change of one record of the registry: what is there is read, edited and put, if nobody was
 * faster; else it is done anew on what the other one wrote.
 *
 * Failure: as edit() and registry_put() say; E_BODY_LARGE for a text that no record may have;
 * E_CONFLICT where others are faster again and again.  It waits: see registry.h. */
#ifndef WEIR_DISCOVERY_RECORD_EDIT_H
#define WEIR_DISCOVERY_RECORD_EDIT_H

#include "base/buf.h"
#include "discovery/registry.h"

struct record_edit {
    enum registry_kind kind;
    struct bytes name;
    /* Appends the new text; `record` is NULL where there is none.  May run several times. */
    enum code (*edit)(void *context, const struct registry_snapshot *records,
                      const struct registry_record *record, struct buf *text, struct error *err);
    void (*waits)(void *context, bool begins); /* around each wait; NULL = nobody asks */
    void *context;
};

/* *version is the record's.  *changed false: the text was there already, nothing was written. */
MUST_USE enum code record_edit_run(struct registry *registry, const struct record_edit *edit,
                                   uint64_t *version, bool *changed, struct error *err);

#endif
