/* What a member answers who is asked for its pulse: hostile bytes are refused with a text and
 * change nothing, and what is taken is within the bounds that who counts with it relies on. */
#include <stdlib.h>

#include "discovery/pulse.h"
#include "model/member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pulse before = {.number = UINT32_MAX};
    struct bytes text = {size ? (const char *)data : "", size};
    struct pulse pulse = before;
    struct error err = {0};
    enum code code = pulse_parse(text, &pulse, &err);

    if (code) {
        expect(err.code == code && err.text[0] != '\0');
        expect(pulse.number == before.number);
        return 0;
    }
    expect(pulse.number <= MEMBER_NUMBER_MAX);
    expect(pulse.wall_ns >= 0 && pulse.stamp_ns >= 0 && pulse.through_ns >= 0);
    expect(pulse.wall_ns < INT64_MAX - INT64_C(3600000000000)); /* clocks are compared */
    expect(pulse.backlog_bytes <= INT64_MAX && pulse.registry_version <= INT64_MAX);
    return 0;
}
