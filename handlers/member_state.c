#include "handlers/member_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/membership.h"
#include "discovery/roll.h"
#include "store/delivery/delivery.h"
#include "store/store.h"

bool member_is_active(const struct app *app)
{
    return app->membership == NULL || membership_health(app->membership).active;
}

unsigned member_of(const struct app *app)
{
    return app->membership == NULL ? 0 : membership_health(app->membership).number;
}

static void put_detail(struct buf *out, const char *text)
{
    buf_put_text(out, ",\"detail\":");
    json_put_text(out, bytes_of(text));
}

/* Where the other process is, is for the log. */
void member_state_print(const struct app *app, struct buf *out)
{
    struct membership_health health;

    if (app->membership == NULL)
        return;
    health = membership_health(app->membership);
    buf_printf(out, ",{\"name\":\"member\",\"status\":\"%s\"",
               !health.active                       ? "failed"
               : health.doubled || health.flaw.code ? "warn"
                                                    : "ok");
    if (health.number != 0)
        buf_printf(out, ",\"number\":%u", health.number);
    if (health.state != MEMBER_ACTIVE)
        buf_printf(out, ",\"state\":\"%s\"", member_state_name(health.state));
    if (!health.active) {
        buf_printf(out, ",\"code\":\"%s\"", code_row(health.why.code)->slug);
        put_detail(out, health.why.text);
    } else if (health.doubled) {
        put_detail(out, "another process is this member, too; the log says which: the one before a "
                        "restart goes by itself, a copied data directory does not");
    } else if (health.flaw.code) {
        put_detail(out, "its record in the registry is not as it should be; the log says why");
    }
    buf_put_char(out, '}');
}

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMESTAMP_TEXT_SIZE];

    if (ns > 0)
        buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)timestamp_print(ns, text), text);
}

static void print_own(const struct app *app, struct buf *out)
{
    struct membership_health health = membership_health(app->membership);
    struct error ignored = {0};
    bool ready = health.active && !app->draining && store_ready(app->store, &ignored) == OK;

    buf_printf(out, ",\"health\":\"%s\"", ready ? "ready" : "not ready");
    if (app->delivery != NULL) {
        struct delivery_backlog backlog = delivery_backlog(app->delivery);

        buf_printf(out, ",\"backlog_bytes\":%" PRIu64, backlog.bytes);
        put_time(out, "delivered_through", backlog.through);
    }
    if (health.waits.code == OK)
        return;
    buf_put_text(out, ",\"waits_for\":");
    json_put_text(out, bytes_of(health.waits.text));
}

static void print_entry(const struct app *app, const struct roll_entry *entry, struct buf *out)
{
    int64_t ago_ns = clock_boot_ns(app->clock) - entry->boot_ns;

    buf_printf(out, ",\"health\":\"%s\"",
               !entry->answered     ? "unreachable"
               : entry->pulse.ready ? "ready"
                                    : "not ready");
    if (entry->boot_ns == 0)
        return;
    buf_printf(out, ",\"answered_seconds_ago\":%" PRId64 ",\"backlog_bytes\":%" PRIu64,
               ago_ns < 0 ? 0 : ago_ns / 1000000000, entry->pulse.backlog_bytes);
    put_time(out, "delivered_through", entry->pulse.through_ns);
    buf_printf(out, ",\"clock_behind_ms\":%" PRId64, entry->lead_ns / 1000000);
}

void member_detail_print(const struct app *app, unsigned number, struct buf *out)
{
    struct roll_entry entry;

    if (number == member_of(app))
        print_own(app, out);
    else if (app->roll != NULL && roll_entry(app->roll, number, &entry))
        print_entry(app, &entry, out);
}

static void gauge(const struct app *app, const char *name, const char *help, unsigned value)
{
    metric_set(metrics_get(app->metrics, name, help, METRIC_GAUGE, ""), (int64_t)value);
}

/* Of members that were asked once: those that left stay, as not up. */
static void measure_roll(const struct app *app)
{
    static const struct {
        const char *name, *help;
    } rows[] = {
        {"weir_peer_up",            "1 while another member answers when it is asked how it is."},
        {"weir_peer_backlog_bytes", "Bytes of packs that another member has to deliver."        },
        {"weir_peer_lag_seconds",   "Age of what another member has delivered everything up to."},
        {"weir_peer_behind_ms",
         "By how much the wall clock of another member is behind this one's."                   },
    };
    int64_t now_ns = clock_wall_ns(app->clock), lead_ns;
    struct roll_entry entry;

    for (unsigned at = 1; (at = roll_next(app->roll, at)) != 0; at++) {
        char label[32];

        if (!roll_entry(app->roll, at, &entry))
            continue;
        const int64_t lag_ns = entry.pulse.through_ns > 0 ? now_ns - entry.pulse.through_ns : 0;
        const int64_t values[] = {entry.answered, (int64_t)entry.pulse.backlog_bytes,
                                  lag_ns > 0 ? lag_ns / 1000000000 : 0, entry.lead_ns / 1000000};

        (void)snprintf(label, sizeof(label), "member=\"%u\"", at);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            metric_set(metrics_get(app->metrics, rows[i].name, rows[i].help, METRIC_GAUGE, label),
                       values[i]);
    }
    metric_set(
        metrics_get(app->metrics, "weir_clock_ahead_ms",
                    "By how much this wall clock is ahead of other members'.", METRIC_GAUGE, ""),
        roll_lead(app->roll, now_ns, clock_boot_ns(app->clock), &lead_ns) ? lead_ns / 1000000 : 0);
}

void member_state_measure(const struct app *app)
{
    struct membership_health health;

    if (app->membership == NULL)
        return;
    health = membership_health(app->membership);
    gauge(app, "weir_member_number", "Number of this node in its registry; 0 = none yet.",
          health.number);
    gauge(app, "weir_member_active", "1 while this node may take writes as a member.",
          health.active);
    gauge(app, "weir_member_doubled", "1 while another process is alive as the same member.",
          health.doubled);
    if (app->roll != NULL)
        measure_roll(app);
}
