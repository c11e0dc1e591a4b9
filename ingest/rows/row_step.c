#include "ingest/rows/row_step.h"

#include <inttypes.h>

#include "base/number.h"
#include "base/zone.h"

enum { DAY_S = 86400, SHOWN_MAX = 64 };

#define SECOND_NS INT64_C(1000000000)

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

enum code row_step_parse(struct bytes text, struct span *step, struct error *err)
{
    struct error why = {0};

    if (span_parse(text, step, &why) == OK)
        return OK;
    return error_set(err, E_BAD_TIME, "the step: %s", why.text);
}

int64_t row_step_day_end(const struct zone *zone, int64_t ns)
{
    int64_t second = ns / SECOND_NS - (ns % SECOND_NS < 0);
    int64_t local_s = second + (zone == NULL ? 0 : zone_offset(zone, second));
    int64_t day = local_s / DAY_S - (local_s % DAY_S < 0);
    int64_t end_s = (day + 1) * DAY_S, later_s, end_ns;

    if (zone != NULL)
        (void)zone_utc(zone, end_s, &end_s, &later_s); /* turned over: the turn is the end */
    return csv_time_join(end_s, 0, &end_ns, NULL) == OK ? end_ns : INT64_MAX;
}

static enum code past_the_day(const struct source_time *time, const struct row_base *base,
                              const struct span *step, int64_t index, struct error *err)
{
    int64_t length = base->end_ns - base->ns;

    return error_set(err, E_BAD_TIME,
                     "the index %" PRId64 " is past the end of its day, which in tz has %" PRId64
                     " (%" PRId64 " to %" PRId64 ")",
                     index, (length + step->ns - 1) / step->ns, time->index_first,
                     time->index_first + (length - 1) / step->ns);
}

enum code row_step_index(const struct source_time *time, const struct row_base *base,
                         const struct span *step, struct bytes text, struct row_place *place,
                         struct error *err)
{
    bool daily = base->end_ns != INT64_MAX && span_is_fixed(step) && step->ns < DAY_S * SECOND_NS;
    struct row_place made = {.origin_ns = base->ns, .step = *step};
    int64_t index;
    enum code code;

    if (number_parse_i64(text, &index) != OK ||
        __builtin_sub_overflow(index, time->index_first, &made.count))
        return error_set(err, E_BAD_TIME, "the index \"%.*s\" is no integer",
                         BYTES_ARG(shown(text)));
    if (made.count < 0)
        return error_set(err, E_BAD_TIME, "the index %" PRId64 " is below the first, %" PRId64,
                         index, time->index_first);
    code = row_step_from(&made, 0, time->zone, &made.ns, err);
    if (daily && (code == E_TIME_RANGE || (code == OK && made.ns >= base->end_ns)))
        return past_the_day(time, base, step, index, err);
    if (code == OK)
        *place = made;
    return code;
}

enum code row_step_from(const struct row_place *place, int64_t steps, const struct zone *zone,
                        int64_t *ns, struct error *err)
{
    int64_t count;

    if (__builtin_add_overflow(place->count, steps, &count))
        return error_set(err, E_TIME_RANGE, "the time is outside of 1677-09-21 to 2262-04-11");
    return span_add(&place->step, count, zone, place->origin_ns, ns, err);
}
