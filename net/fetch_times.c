#include "net/fetch_times.h"

enum { NS_OF_MS = 1000000 };

struct due {
    int64_t at_ns, ns_max;
    const char *what, *means;
};

static void due_sooner(struct due *due, int64_t from_ns, int64_t ns_max, const char *what,
                       const char *means)
{
    if (ns_max > 0 && from_ns > 0 && from_ns < due->at_ns - ns_max)
        *due = (struct due){from_ns + ns_max, ns_max, what, means};
}

/* What came last counts: a kept connection that turns out to be closed makes libcurl send anew. */
static struct due due_first(const struct fetch_times *times)
{
    struct due due = {.at_ns = INT64_MAX};

    if (times->last_byte_ns > 0)
        due_sooner(&due, times->last_byte_ns, times->idle_ns_max, "idle", "nothing more came");
    else
        due_sooner(&due, times->sent_ns, times->first_byte_ns_max, "first_byte", "no answer began");
    due_sooner(&due, times->began_ns, times->total_ns_max, "total", "the answer was not whole");
    return due;
}

int64_t fetch_times_due_ns(const struct fetch_times *times)
{
    return due_first(times).at_ns;
}

static enum code tell(const struct due *due, struct error *err)
{
    return error_set(err, E_TIMEOUT, "%s within %lld ms (timeouts.%s)", due->means,
                     (long long)(due->ns_max / NS_OF_MS), due->what);
}

enum code fetch_times_tell(const struct fetch_times *times, struct error *err)
{
    struct due due = due_first(times);

    return tell(&due, err);
}

enum code fetch_times_tell_connect(const struct fetch_times *times, struct error *err)
{
    return tell(&(struct due){.ns_max = times->connect_ns_max,
                              .what = "connect",
                              .means = "no connection was made"},
                err);
}
