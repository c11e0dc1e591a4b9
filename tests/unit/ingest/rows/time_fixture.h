/* Formats and zones of times by their names, for tests. */
#ifndef WEIR_TESTS_UNIT_INGEST_ROWS_TIME_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_ROWS_TIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/zone.h"
#include "ingest/source/source.h"

/* As a document names it. */
static inline struct source_time_format time_format_of(const char *name)
{
    static const struct {
        const char *name;
        struct source_time_format format;
    } names[] = {
        {"iso8601", {.kind = SOURCE_TIME_ISO}                  },
        {"date",    {.kind = SOURCE_TIME_DATE}                 },
        {"unix_s",  {.kind = SOURCE_TIME_UNIX, .unit = TIME_S} },
        {"unix_ms", {.kind = SOURCE_TIME_UNIX, .unit = TIME_MS}},
        {"unix_us", {.kind = SOURCE_TIME_UNIX, .unit = TIME_US}},
        {"unix_ns", {.kind = SOURCE_TIME_UNIX, .unit = TIME_NS}},
        {"excel",   {.kind = SOURCE_TIME_EXCEL}                },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].format;
    return (struct source_time_format){.kind = SOURCE_TIME_PATTERN, .pattern = bytes_of(name)};
}

/* NULL for NULL. */
static inline const struct zone *zone_of(const char *name, struct arena *arena)
{
    const struct zone *zone = NULL;
    struct error err = {0};

    if (name != NULL && zone_open(bytes_of(name), arena, &zone, &err))
        fail_msg("%s: %s", name, err.text);
    return zone;
}

static inline int64_t time_of(const char *text)
{
    int64_t ns = 0;
    struct error err = {0};

    if (timestamp_parse(bytes_of(text), &ns, &err))
        fail_msg("%s: %s", text, err.text);
    return ns;
}

#endif
