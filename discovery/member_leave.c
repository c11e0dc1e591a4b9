#include "discovery/member_leave.h"

#include "base/time_text.h"
#include "discovery/alive_document.h"
#include "discovery/member_document.h"

static enum code read_record(const struct member_leave *leave, const struct registry_record *record,
                             struct arena *arena, struct member_document *document,
                             struct error *err)
{
    enum code code;

    if (!record)
        return error_set(err, E_NOT_FOUND, "the registry has no member %.*s",
                         BYTES_ARG(leave->name));
    code = member_document_parse(record->text, arena, document, err);
    if (code)
        error_context(err, "the record of member %.*s is not right", BYTES_ARG(leave->name));
    return code;
}

static enum code write_record(const struct member_leave *leave, enum member_state state,
                              const struct member_document *document, struct buf *text,
                              struct error *err)
{
    struct member_document written = *document;
    char at[TIMESTAMP_TEXT_SIZE];

    written.state = state;
    written.at = (struct bytes){at, timestamp_print(leave->now_ns, at)};
    written.by = leave->by;
    member_document_print(&written, text);
    return buf_finish(text, err);
}

enum code member_drain(const struct member_leave *leave, const struct registry_record *record,
                       struct arena *arena, struct buf *text, struct error *err)
{
    struct member_document document;
    enum code code = read_record(leave, record, arena, &document, err);

    if (code)
        return code;
    switch (document.state) {
    case MEMBER_LOST:
        return error_set(err, E_CONFIG,
                         "member %.*s is lost: it was forgotten, and what it had not delivered was "
                         "given up; `weir export` reads what its data directory has",
                         BYTES_ARG(leave->name));
    case MEMBER_DRAINING:
    case MEMBER_DRAINED:
        buf_put(text, record->text);
        return buf_finish(text, err);
    case MEMBER_ACTIVE:
    case MEMBER_JOINING:
        break;
    }
    return write_record(leave, MEMBER_DRAINING, &document, text, err);
}

/* Somebody holds its place: it takes writes, which would be lost without anybody's knowing. */
static enum code refuse_alive(const struct member_leave *leave, const struct registry_record *alive,
                              struct arena *arena, struct error *err)
{
    struct alive_document process = {
        .listen = {NULL, 0}
    };
    struct error ignored = {0};

    if (alive_document_parse(alive->text, arena, &process, &ignored))
        process.listen = BYTES("?");
    return error_set(
        err, E_CONFIG,
        "member %.*s is alive (%.*s): drain it, which loses nothing; or stop it first "
        "(one that was killed counts as alive until its session ends, after some 10 s)",
        BYTES_ARG(leave->name), BYTES_ARG(process.listen));
}

enum code member_forget(const struct member_leave *leave, const struct registry_snapshot *records,
                        const struct registry_record *record, struct arena *arena, struct buf *text,
                        struct error *err)
{
    const struct registry_record *alive = registry_find(records, REGISTRY_ALIVE, leave->name);
    struct member_document document;
    enum code code = read_record(leave, record, arena, &document, err);

    if (code)
        return code;
    if (document.state == MEMBER_LOST) {
        buf_put(text, record->text);
        return buf_finish(text, err);
    }
    if (document.state == MEMBER_DRAINED)
        return error_set(err, E_CONFIG,
                         "member %.*s is drained: it left with everything delivered, and there is "
                         "nothing to forget",
                         BYTES_ARG(leave->name));
    if (alive)
        return refuse_alive(leave, alive, arena, err);
    return write_record(leave, MEMBER_LOST, &document, text, err);
}
