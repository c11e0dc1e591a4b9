#include "handlers/source_backfill.h"

#include "base/time_text.h"
#include "ingest/source/source.h"

static enum code outside(const char *parameter, const char *what, int64_t ns, struct error *err)
{
    char text[TIMESTAMP_TEXT_SIZE];

    error_point(err, bytes_of(parameter));
    return error_set(err, E_BAD_PARAMETER, "%s %.*s: nothing of this range is ever asked", what,
                     (int)timestamp_print(ns, text), text);
}

enum code source_backfill_check(struct bytes name, struct bytes document, int64_t start_ns,
                                int64_t end_ns, struct arena *arena, struct error *err)
{
    struct source_faults faults = {.count = 0};
    const struct source_window *window;
    struct source *source = NULL;
    struct error why = {0};
    enum code code = source_parse(name, document, arena, &source, &faults, &why);

    if (code)
        return code == E_MEMORY ? error_set(err, code, "no memory for a source") : OK;
    window = &source->window;
    if (!window->given)
        code = error_set(err, E_NOT_SUPPORTED,
                         "\"%.*s\" has no windows: each pull asks for all that there is",
                         BYTES_ARG(name));
    else if (end_ns <= window->from_ns)
        code = outside("end", "the windows begin (window.from) at", window->from_ns, err);
    else if (start_ns >= window->until_ns)
        code = outside("start", "the windows end (window.until) at", window->until_ns, err);
    source_free(source);
    return code;
}
