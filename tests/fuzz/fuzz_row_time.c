/* Any text as a time of any format: the first byte chooses it, the second the zone and what is
 * meant where clocks are turned back.  What is read and printed reads as the same moment. */
#include <assert.h>

#include "base/zone.h"
#include "ingest/rows/row_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct source_time_format formats[] = {
    {.kind = SOURCE_TIME_ISO},
    {                           .kind = SOURCE_TIME_UNIX,         .unit = TIME_S},
    {                           .kind = SOURCE_TIME_UNIX,        .unit = TIME_MS},
    {                           .kind = SOURCE_TIME_UNIX,        .unit = TIME_US},
    {                           .kind = SOURCE_TIME_UNIX,        .unit = TIME_NS},
    {                           .kind = SOURCE_TIME_EXCEL                      },
    { .kind = SOURCE_TIME_PATTERN,                       .pattern = BYTES("%d/%m/%Y %H:%M:%S.%f")},
    {                       .kind = SOURCE_TIME_PATTERN,                       .pattern = BYTES("%a, %d %b %Y %I:%M:%S.%f %p %z")},
    {                       .kind = SOURCE_TIME_PATTERN,                       .pattern = BYTES("%Y%m%d%H%M")},
    {                       .kind = SOURCE_TIME_PATTERN,                       .pattern = BYTES("%A %B %d %y %%%H")},
    {                       .kind = SOURCE_TIME_PATTERN,                       .pattern = BYTES("%d.%m.%Y")},
};
static const char *const zone_names[] = {
    NULL,
    "UTC",
    "Europe/London",
    "Europe/Paris",
    "America/New_York",
    "America/Havana",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "+05:45",
};
static struct arena arena;
static const struct zone *zones[COUNT_OF(zone_names)];

static void open_zones(void)
{
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 1; i < COUNT_OF(zones); i++) {
        enum code code = zone_open(bytes_of(zone_names[i]), &arena, &zones[i], NULL);

        assert(code == OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct source_time_format *format;
    const struct zone *zone;
    enum source_ambiguous ambiguous;
    struct buf out = BUF_INIT(1000);
    struct error err = {0};
    int64_t ns, again;
    bool date_only;
    enum code code;

    if (zones[1] == NULL)
        open_zones();
    if (size < 2)
        return 0;
    format = &formats[data[0] % COUNT_OF(formats)];
    zone = zones[data[1] % COUNT_OF(zones)];
    ambiguous = (enum source_ambiguous)(data[1] / COUNT_OF(zones) % 4);
    code = row_time_parse(format, zone, ambiguous, (struct bytes){(const char *)data + 2, size - 2},
                          NULL, &ns, &date_only, &err);
    if (code) {
        assert(code == E_BAD_TIME || code == E_TIME_RANGE);
        assert(err.code == code && err.text[0] != '\0');
        return 0;
    }
    code = row_time_print(format, zone, ns, &out, &err);
    assert(code == OK && !out.failed);
    code = row_time_parse(format, zone, ambiguous, buf_bytes(&out), NULL, &again, NULL, &err);
    assert(code == OK && again == ns);
    out.size = 0;
    code = row_time_print_last(format, zone, ns, &out, &err);
    assert(code == OK || format->kind == SOURCE_TIME_EXCEL);
    buf_release(&out);
    return 0;
}
