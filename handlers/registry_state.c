#include "handlers/registry_state.h"

#include <inttypes.h>

#include "base/clock.h"
#include "codec/json_doc.h"
#include "discovery/follower.h"
#include "discovery/registry.h"

/* Names and texts are of tenants and hosts: the log has them, this is for everybody. */
void registry_state_print(const struct app *app, struct buf *out)
{
    struct registry_health health;
    struct follower_health in_force;
    int64_t seconds;
    bool well;

    if (app->registry == NULL)
        return;
    health = registry_health(app->registry);
    in_force = follower_health(app->follower);
    seconds = (clock_boot_ns(app->clock) - health.since_ns) / 1000000000;
    well = health.state == REGISTRY_CONNECTED && registry_whole(app->registry, NULL) == OK &&
           health.missing_count == 0 && in_force.refused == 0;
    buf_put_text(out, ",{\"name\":\"registry\",\"status\":");
    if (!directory_known(app->directory)) {
        buf_put_text(out, "\"failed\",\"code\":\"not_ready\",\"detail\":\"it was not reached yet, "
                          "and nothing of it is on disk\"}");
        return;
    }
    buf_printf(out, "\"%s\",\"state\":\"%s\",\"since_seconds\":%" PRId64 ",\"from_disk\":%s",
               well ? "ok" : "warn", registry_state_name(health.state), seconds < 0 ? 0 : seconds,
               health.from_disk ? "true" : "false");
    if (health.missing_count > 0)
        buf_printf(out, ",\"missing\":%zu", health.missing_count);
    if (in_force.refused > 0)
        buf_printf(out, ",\"refused\":%zu", in_force.refused);
    buf_put_char(out, '}');
}

static void gauge(const struct app *app, const char *name, const char *help, uint64_t value)
{
    metric_set(metrics_get(app->metrics, name, help, METRIC_GAUGE, ""), (int64_t)value);
}

void registry_state_measure(const struct app *app)
{
    struct registry_health health;
    struct follower_health in_force;
    int64_t seconds;

    if (app->registry == NULL)
        return;
    health = registry_health(app->registry);
    in_force = follower_health(app->follower);
    seconds = (clock_boot_ns(app->clock) - health.since_ns) / 1000000000;
    gauge(app, "weir_registry_connected", "1 while the registry answers.",
          health.state == REGISTRY_CONNECTED);
    gauge(app, "weir_registry_state_seconds", "How long the registry answers, or does not.",
          seconds < 0 ? 0 : (uint64_t)seconds);
    gauge(app, "weir_registry_from_disk",
          "1 while nothing newer than the copy on disk has been seen.", health.from_disk);
    gauge(app, "weir_registry_copy_stale", "1 while the newest records are not on disk.",
          !health.kept);
    gauge(app, "weir_registry_records_missing", "Records that were there and are gone.",
          health.missing_count);
    gauge(app, "weir_registry_records_refused", "Records that are not in force as they stand.",
          in_force.refused);
    gauge(app, "weir_registry_version", "Version of the registry that is in force here.",
          in_force.version);
    metric_follow(metrics_get(app->metrics, "weir_registry_sessions_total",
                              "Sessions with the registry; each but the first replaced a lost one.",
                              METRIC_COUNTER, ""),
                  health.sessions);
}
