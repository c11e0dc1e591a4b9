#include "discovery/record_edit.h"

enum { TRIES_MAX = 8, SEEN_WAIT_MS = 2000 };

static void waits(const struct record_edit *edit, bool begins)
{
    if (edit->waits)
        edit->waits(edit->context, begins);
}

static bool was_overtaken(enum code code)
{
    return code == E_CONFLICT || code == E_EXISTS || code == E_NOT_FOUND;
}

static enum code put(struct registry *registry, const struct record_edit *edit,
                     const struct registry_record *record, struct bytes text, uint64_t *version,
                     bool *changed, struct error *err)
{
    bool there = record && !record->missing;
    enum code code;

    /* Without contact it may have changed since: the put tells that. */
    if (there && bytes_equal(record->text, text) &&
        registry_health(registry).state == REGISTRY_CONNECTED) {
        *version = record->version;
        return OK;
    }
    waits(edit, true);
    code = registry_put(registry, edit->kind, edit->name, there ? record->version : 0, text,
                        version, err);
    waits(edit, false);
    *changed = code == OK;
    return code;
}

static enum code edit_once(struct registry *registry, const struct record_edit *edit,
                           const struct registry_snapshot *records, uint64_t *version,
                           bool *changed, bool *overtaken, struct error *err)
{
    const struct registry_record *record = registry_find(records, edit->kind, edit->name);
    struct buf text = BUF_INIT(REGISTRY_TEXT_SIZE_MAX);
    enum code code = edit->edit(edit->context, records, record, &text, err);

    *overtaken = false;
    if (!code && text.limited)
        code = error_set(err, E_BODY_LARGE, "the record would have more than %d bytes",
                         REGISTRY_TEXT_SIZE_MAX);
    if (!code)
        code = buf_finish(&text, err);
    if (!code) {
        code = put(registry, edit, record, buf_bytes(&text), version, changed, err);
        *overtaken = was_overtaken(code);
    }
    if (text.size > 0)
        explicit_bzero(text.data, text.size); /* addresses of shards */
    buf_release(&text);
    return code;
}

enum code record_edit_run(struct registry *registry, const struct record_edit *edit,
                          uint64_t *version, bool *changed, struct error *err)
{
    bool overtaken = true;
    enum code code = OK;

    *version = 0;
    *changed = false;
    if (!registry_name_valid(edit->kind, edit->name))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is no name: 1 to 64 of a-z, 0-9, '_' and '-' are one",
                         BYTES_ARG(edit->name));
    for (int i = 0; i < TRIES_MAX && overtaken; i++) {
        struct registry_snapshot *records = registry_get(registry);

        code = edit_once(registry, edit, records, version, changed, &overtaken, err);
        if (overtaken) {
            waits(edit, true);
            (void)registry_wait(registry, records->sequence, SEEN_WAIT_MS);
            waits(edit, false);
        }
        registry_snapshot_put(records);
    }
    if (overtaken)
        return error_set(err, E_CONFLICT, "others change the record all the time; try again");
    return code;
}
