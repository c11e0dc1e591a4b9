/* Zones and times from their texts, which are good. */
#ifndef WEIR_TESTS_UNIT_BASE_TIMES_H
#define WEIR_TESTS_UNIT_BASE_TIMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time_text.h"
#include "base/zone.h"

static inline const struct zone *zone_of(const char *name, struct arena *arena)
{
    const struct zone *zone = NULL;
    struct error err = {0};

    if (zone_open(bytes_of(name), arena, &zone, &err) != OK)
        fail_msg("%s: %s", name, err.text);
    return zone;
}

/* In ns. */
static inline int64_t time_of(const char *text)
{
    struct error err = {0};
    int64_t ns = 0;

    if (timestamp_parse(bytes_of(text), &ns, &err) != OK)
        fail_msg("%s", err.text);
    return ns;
}

#endif
