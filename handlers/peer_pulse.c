#include "handlers/peer_pulse.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/hash.h"
#include "discovery/member_document.h"
#include "discovery/member_number.h"
#include "discovery/membership.h"
#include "handlers/app.h"
#include "handlers/peer_routes.h"
#include "http/reply.h"
#include "store/delivery/delivery.h"
#include "store/member.h"

enum { PULSE_BYTES_MAX = 4096 };

/* As its record says; one without a number, or whose record cannot be read, says what it does. */
static const char *state_of(const struct membership_health *health,
                            const struct registry_snapshot *records, struct arena *arena)
{
    const struct registry_record *record = member_record(records, health->number);
    struct member_document document;
    struct error ignored;

    if (!health->active && health->why.code != E_NO_MEMBER)
        return "joining";
    if (record != NULL && member_document_parse(record->text, arena, &document, &ignored) == OK)
        return member_state_name(document.state);
    return health->active ? "active" : "joining";
}

/* Whether answers given here name who asks.  A number alone says nothing: a registry that was
 * emptied gives it to another data directory, and a node that is cut off knows the one from before.
 */
static bool is_known(const struct registry_snapshot *records, const struct request *request)
{
    unsigned number = peer_caller_of(request)->number;
    const struct registry_record *record = number == 0 ? NULL : member_record(records, number);
    struct member_document document;
    struct arena arena;
    bool known;

    arena_init(&arena, SIZE_MAX, NULL);
    known = record != NULL && !record->missing &&
            member_document_parse(record->text, &arena, &document, &(struct error){0}) == OK &&
            member_state_owes(document.state) && document.incarnation.size > 0 &&
            bytes_equal(document.incarnation, request_header(request, "Weir-Incarnation"));
    arena_release(&arena);
    return known;
}

static bool is_ready(const struct app *app, const struct membership_health *health)
{
    return !app->draining && health->active && directory_known(app->directory) &&
           store_ready(app->store, &(struct error){0}) == OK;
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

static void pulse_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct membership_health health = membership_health(app->membership);
    /* First: the records that are told are those that it is of, or later ones. */
    struct delivery_backlog backlog = delivery_backlog(app->delivery);
    struct registry_snapshot *records = registry_get(app->registry);
    struct buf out = BUF_INIT(PULSE_BYTES_MAX);
    char incarnation[HASH128_TEXT_SIZE];

    store_incarnation(app->store, incarnation);
    buf_printf(&out, "{\"number\":%u,\"incarnation\":\"%s\",\"state\":\"%s\",\"ready\":%s",
               health.number, incarnation, state_of(&health, records, &request->arena),
               truth(is_ready(app, &health)));
    buf_printf(&out, ",\"wall_ns\":%" PRId64 ",\"stamp_ns\":%" PRId64 ",\"through_ns\":%" PRId64,
               clock_wall_ns(app->clock), store_stamp_newest(app->store), backlog.through);
    buf_printf(&out, ",\"closed_ns\":%" PRId64, backlog.closed);
    buf_printf(&out, ",\"backlog_bytes\":%" PRIu64 ",\"registry_version\":%" PRIu64, backlog.bytes,
               records->version);
    buf_printf(&out, ",\"peer_known\":%s}\n", truth(is_known(records, request)));
    registry_snapshot_put(records);
    reply_buf_take(request, 200, "application/json", &out);
}

const struct handler peer_pulse_handler = {.finish = pulse_finish};
