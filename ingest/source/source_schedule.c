#include "ingest/source/source_reader.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (INT64_C(24) * 60 * MINUTE_MS)
#define MINUTE_NS (MINUTE_MS * 1000000)
#define DAY_NS (DAY_MS * 1000000)

enum { JITTER_SHARE = 10 };

/* "03:17" */
static void take_at(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_schedule *schedule = block;
    struct bytes text;
    int digits[4], count = 0;

    if (value == NULL || !source_text(reader, value, false, &text))
        return;
    for (size_t i = 0; i < text.size && text.size == 5; i++)
        if (i != 2 && text.data[i] >= '0' && text.data[i] <= '9')
            digits[count++] = text.data[i] - '0';
    if (count != 4 || text.data[2] != ':' || digits[0] * 10 + digits[1] > 23 || digits[2] > 5) {
        source_fault(reader, "want a time of day as 03:17, from 00:00 to 23:59");
        return;
    }
    schedule->daily = true;
    schedule->at_s = (digits[0] * 10 + digits[1]) * 3600 + (digits[2] * 10 + digits[3]) * 60;
}

static const struct source_key keys[] = {
    KEY("every", KEY_DURATION, source_schedule, every_ns, .required = true, .least = 1000,
        .most = 366 * DAY_MS),
    KEY("jitter", KEY_DURATION, source_schedule, jitter_ns, .initial = -1, .most = 366 * DAY_MS),
    TAKE("at", take_at),
    KEY("tz", KEY_ZONE, source_schedule, zone),
    KEY("respect_expires", KEY_BOOL, source_schedule, respect_expires),
};

void source_take_schedule(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_schedule *schedule = &((struct source *)block)->schedule;

    (void)source_block(reader, value, keys, COUNT_OF(keys), schedule);
    if (schedule->jitter_ns < 0)
        schedule->jitter_ns = schedule->every_ns / JITTER_SHARE < 10 * MINUTE_NS
                                  ? schedule->every_ns / JITTER_SHARE
                                  : 10 * MINUTE_NS;
    if (schedule->every_ns > 0 && schedule->jitter_ns > schedule->every_ns)
        source_fault_key(reader, "jitter", "it is longer than `every`; want a part of that");
    if (schedule->daily && schedule->every_ns % DAY_NS != 0)
        source_fault_key(reader, "every", "with `at` want whole days, as P1D");
}
