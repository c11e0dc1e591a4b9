#include "ingest/source/source_reader.h"

static const struct {
    const char *name;
    struct source_time_format format;
    bool read, printed;
} formats[] = {
    {"iso8601", {.kind = SOURCE_TIME_ISO},                   true,  true },
    {"date",    {.kind = SOURCE_TIME_DATE},                  false, true },
    {"unix_s",  {.kind = SOURCE_TIME_UNIX, .unit = TIME_S},  true,  true },
    {"unix_ms", {.kind = SOURCE_TIME_UNIX, .unit = TIME_MS}, true,  true },
    {"unix_us", {.kind = SOURCE_TIME_UNIX, .unit = TIME_US}, true,  true },
    {"unix_ns", {.kind = SOURCE_TIME_UNIX, .unit = TIME_NS}, true,  true },
    {"excel",   {.kind = SOURCE_TIME_EXCEL},                 true,  false},
};

bool source_format(struct source_reader *reader, const struct json *value, bool printed,
                   struct source_time_format *format)
{
    static const char *const known = "iso8601, unix_s, unix_ms, unix_us, unix_ns";
    struct error err = {0};
    struct bytes text;

    if (!source_text(reader, value, false, &text))
        return false;
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (bytes_equal(text, bytes_of(formats[i].name)) &&
            (printed ? formats[i].printed : formats[i].read)) {
            *format = formats[i].format;
            return true;
        }
    if (text.size == 0 || memchr(text.data, '%', text.size) == NULL) {
        source_fault(
            reader, "\"%.*s\" is no format; want %s, %s, or a pattern as %%Y-%%m-%%dT%%H:%%M",
            (int)(text.size < 64 ? text.size : 64), text.data, known, printed ? "date" : "excel");
        return false;
    }
    if (!source_good(reader, csv_time_pattern_check(text, !printed, &err), &err))
        return false;
    *format = (struct source_time_format){.kind = SOURCE_TIME_PATTERN, .pattern = text};
    return true;
}
