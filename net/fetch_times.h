/* When a request was begun, sent and answered, and by when that has to be.  Pure. */
#ifndef WEIR_NET_FETCH_TIMES_H
#define WEIR_NET_FETCH_TIMES_H

#include "base/error.h"

struct fetch_times {
    int64_t connect_ns_max, first_byte_ns_max, idle_ns_max, total_ns_max; /* 0 = any */
    int64_t began_ns, sent_ns, first_byte_ns, last_byte_ns;               /* 0 = not yet */
};

/* When it has taken too long; INT64_MAX = never.  To connect is watched by libcurl. */
int64_t fetch_times_due_ns(const struct fetch_times *times);
/* E_TIMEOUT, with the name of what is due first. */
enum code fetch_times_tell(const struct fetch_times *times, struct error *err);
enum code fetch_times_tell_connect(const struct fetch_times *times, struct error *err);

#endif
