/* Whose a place is, its text says: two processes do not begin in the same nanosecond, and a session
 * that was made anew tells the same as the one before. */
#include "discovery/alive.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "discovery/alive_document.h"
#include "discovery/member_number.h"

enum {
    TEXT_BYTES_MAX = 4096,
    /* A session lives on by itself for 10 s, where nobody wants otherwise: then a process that was
     * this node before a restart has gone. */
    DOUBLED_S = 30,
};

void alive_init(struct alive *alive, struct registry *registry)
{
    *alive = (struct alive){.registry = registry, .text = BUF_INIT(TEXT_BYTES_MAX)};
}

void alive_release(struct alive *alive)
{
    buf_release(&alive->text);
}

enum code alive_describe(struct alive *alive, const char *program, const char *listen,
                         struct error *err)
{
    char since[TIMESTAMP_TEXT_SIZE];
    const struct alive_document document = {
        .program = bytes_of(program),
        .listen = bytes_of(listen),
        .since = {since, timestamp_print(clock_wall_ns(clock_system()), since)},
    };
    enum code code;

    alive_document_print(&document, &alive->text);
    code = buf_finish(&alive->text, err);
    if (code)
        buf_release(&alive->text);
    return code;
}

enum code alive_hold(struct alive *alive, unsigned number, struct error *err)
{
    char name[NUMBER_TEXT_SIZE];
    enum code code;

    if (alive->text.size == 0 || alive->number == number)
        return OK;
    if (alive->number != 0)
        registry_release(alive->registry, REGISTRY_ALIVE, member_name(alive->number, name));
    alive->number = 0;
    code = registry_hold(alive->registry, REGISTRY_ALIVE, member_name(number, name),
                         buf_bytes(&alive->text), err);
    if (!code)
        alive->number = number;
    return code;
}

/* NULL: nobody has the place. */
static const struct registry_record *place_of(const struct alive *alive,
                                              const struct registry_snapshot *records)
{
    char name[NUMBER_TEXT_SIZE];

    return alive->number == 0
               ? NULL
               : registry_find(records, REGISTRY_ALIVE, member_name(alive->number, name));
}

bool alive_own(const struct alive *alive, const struct registry_snapshot *records)
{
    const struct registry_record *record = place_of(alive, records);

    return record && bytes_equal(record->text, buf_bytes(&alive->text));
}

static struct bytes other_of(const struct alive *alive, const struct registry_snapshot *records)
{
    const struct registry_record *record = place_of(alive, records);

    if (!record || bytes_equal(record->text, buf_bytes(&alive->text)))
        return BYTES("");
    return record->text.size > 0 ? record->text : BYTES("{}");
}

struct bytes alive_other(struct alive *alive, const struct registry_snapshot *records)
{
    struct bytes other = other_of(alive, records);
    int64_t now_ns = clock_monotonic_ns(clock_system());

    if (other.size == 0) {
        if (alive->doubled_since_ns != 0)
            log_event(LOG_INFO, "no other process is this member any more",
                      LOG_UINT("member", alive->number));
        alive->doubled_since_ns = 0;
        alive->doubled_told = false;
    } else if (alive->doubled_since_ns == 0) {
        alive->doubled_since_ns = now_ns;
        log_event(LOG_WARN,
                  "another process is alive as this member: the one before a restart goes with its "
                  "session; a copy of the data directory must not serve",
                  LOG_UINT("member", alive->number), LOG_TEXT("other", other));
    } else if (!alive->doubled_told &&
               now_ns - alive->doubled_since_ns > (int64_t)DOUBLED_S * 1000000000) {
        alive->doubled_told = true;
        log_event(LOG_ERROR,
                  "another process still is this member: a copied data directory breaks what is "
                  "delivered; stop one of the two, and make it anew by weir restore",
                  LOG_UINT("member", alive->number), LOG_TEXT("other", other));
    }
    return other;
}
