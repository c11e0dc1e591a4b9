#include "base/time_text.h"
#include "base/zone.h"
#include "ingest/source/source_reader.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS (86400 * SECOND_MS)
#define TEN_YEARS_MS (3660 * DAY_MS)
#define SECOND_NS INT64_C(1000000000)

enum { STEP_SHARE = 16, WINDOWS_MAX = 1000000 };

/* Without `until` windows go on to now, which was later than this when it was written. */
#define NOW_LEAST_NS (INT64_C(1790000000) * SECOND_NS) /* 2026-09-21 */

/* A text of `tz`, where it is a bare date; behind take of `tz`. */
static void take_moment(struct source_reader *reader, const struct json *value,
                        const struct zone *zone, int64_t *ns)
{
    static const char form[] = "a time as 2023-01-01T00:00:00Z, or a date";
    struct error err = {0};
    struct bytes text;
    int64_t second, later;

    if (!source_is(reader, value, JSON_KIND_TEXT, form))
        return;
    text = json_text_of(value);
    if (!source_good(reader, timestamp_parse(text, ns, &err), &err) || text.size != 10 ||
        zone == NULL)
        return;
    (void)zone_utc(zone, *ns / SECOND_NS, &second, &later);
    *ns = second * SECOND_NS;
}

static void take_from(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_window *window = block;

    take_moment(reader, value, window->zone, &window->from_ns);
}

static void take_until(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_window *window = block;

    window->until_ns = INT64_MAX;
    if (value != NULL)
        take_moment(reader, value, window->zone, &window->until_ns);
}

static void take_format(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_window *window = block;

    window->format = (struct source_time_format){.kind = SOURCE_TIME_ISO};
    if (value != NULL)
        (void)source_format(reader, value, true, &window->format);
}

static const char *const ends[] = {"exclusive", "inclusive", NULL};
static const char *const missing[] = {"keep", "retract", NULL};

static const struct source_key keys[] = {
    KEY("tz", KEY_ZONE, source_window, zone),
    TAKE("from", take_from, .required = true),
    TAKE("until", take_until),
    KEY("step", KEY_SPAN, source_window, step, .required = true, .least = SECOND_MS,
        .most = TEN_YEARS_MS),
    KEY("step_min", KEY_SPAN, source_window, step_min, .least = SECOND_MS, .most = TEN_YEARS_MS),
    KEY("overlap", KEY_SPAN, source_window, overlap, .most = TEN_YEARS_MS),
    KEY("lag", KEY_SPAN, source_window, lag, .most = TEN_YEARS_MS),
    TAKE("format", take_format),
    KEY("end", KEY_EITHER, source_window, end_inclusive, .choices = ends),
    KEY("clip", KEY_BOOL, source_window, clip, .initial = true),
    KEY("missing", KEY_EITHER, source_window, retract_missing, .choices = missing),
};

/* Which a fraction of a second or nothing is the last part of. */
static bool has_unit(const struct source_time_format *format)
{
    bool any = false;

    for (size_t i = 0; format->kind == SOURCE_TIME_PATTERN && i + 1 < format->pattern.size; i++) {
        char c = format->pattern.data[i] == '%' ? format->pattern.data[++i] : '\0';

        if (c == 'f')
            return false;
        any |= c != '\0' && strchr("dHIMSmbBYy", c) != NULL;
    }
    return format->kind != SOURCE_TIME_PATTERN || any;
}

static void check_window(struct source_reader *reader, struct source_window *window)
{
    int64_t step_ns = span_about_ns(&window->step), end_ns = window->until_ns;

    if (window->until_ns <= window->from_ns)
        source_fault_key(reader, "until", "it is not after `from`");
    if (end_ns == INT64_MAX)
        end_ns = NOW_LEAST_NS;
    if (step_ns > 0 && end_ns > window->from_ns && window->from_ns > 0 &&
        (end_ns - window->from_ns) / step_ns > WINDOWS_MAX)
        source_fault_key(reader, "step", "there would be more than %d windows; want a longer one",
                         WINDOWS_MAX);
    if (step_ns > 0 && span_about_ns(&window->step_min) > step_ns)
        source_fault_key(reader, "step_min", "it is longer than `step`; want a part of that");
    if (span_is_zero(&window->step_min))
        window->step_min.ns = step_ns / STEP_SHARE > SECOND_NS ? step_ns / STEP_SHARE : SECOND_NS;
    if (window->end_inclusive && !has_unit(&window->format))
        source_fault_key(reader, "end",
                         "the format has no last unit before the end; want a format down to "
                         "seconds, or `end: exclusive`");
}

void source_take_window(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_window *window = &((struct source *)block)->window;

    window->given = value != NULL;
    if (source_block(reader, value, keys, COUNT_OF(keys), window) && window->given)
        check_window(reader, window);
}
