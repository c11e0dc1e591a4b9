#include "handlers/member_state.h"

#include "codec/json_doc.h"
#include "discovery/membership.h"

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

static void gauge(const struct app *app, const char *name, const char *help, unsigned value)
{
    metric_set(metrics_get(app->metrics, name, help, METRIC_GAUGE, ""), (int64_t)value);
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
}
