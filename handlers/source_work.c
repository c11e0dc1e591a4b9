#include "handlers/source_work.h"

#include "base/time_text.h"
#include "ingest/source/source.h"

static enum code outside(const char *parameter, const char *what, int64_t ns, struct error *err)
{
    char text[TIMESTAMP_TEXT_SIZE];

    error_point(err, bytes_of(parameter));
    return error_set(err, E_BAD_PARAMETER, "%s %.*s: nothing of this range is ever asked", what,
                     (int)timestamp_print(ns, text), text);
}

/* NULL: the document is wrong. */
static enum code parse(struct bytes name, struct bytes document, struct arena *arena,
                       struct source **source, struct error *err)
{
    struct source_faults faults = {.count = 0};
    struct error why = {0};
    enum code code = source_parse(name, document, arena, source, &faults, &why);

    if (code)
        *source = NULL;
    return code == E_MEMORY ? error_set(err, code, "no memory for a source") : OK;
}

static enum code check_pulled(const struct source *source, struct bytes name, struct error *err)
{
    if (!source->files.given)
        return OK;
    return error_set(err, E_NOT_SUPPORTED,
                     "\"%.*s\" follows files: what grows is read on by itself, and nothing is read "
                     "twice",
                     BYTES_ARG(name));
}

enum code source_pull_check(struct bytes name, struct bytes document, struct arena *arena,
                            struct error *err)
{
    struct source *source = NULL;
    enum code code = parse(name, document, arena, &source, err);

    if (code == OK && source != NULL)
        code = check_pulled(source, name, err);
    source_free(source);
    return code;
}

static enum code check_range(const struct source *source, struct bytes name, int64_t start_ns,
                             int64_t end_ns, struct error *err)
{
    const struct source_window *window = &source->window;
    enum code code = check_pulled(source, name, err);

    if (code)
        return code;
    if (!window->given)
        return error_set(err, E_NOT_SUPPORTED,
                         "\"%.*s\" has no `window`: each pull asks for all that there is",
                         BYTES_ARG(name));
    if (end_ns <= window->from_ns)
        return outside("end", "the windows begin (window.from) at", window->from_ns, err);
    if (start_ns >= window->until_ns)
        return outside("start", "the windows end (window.until) at", window->until_ns, err);
    return OK;
}

enum code source_backfill_check(struct bytes name, struct bytes document, int64_t start_ns,
                                int64_t end_ns, struct arena *arena, struct error *err)
{
    struct source *source = NULL;
    enum code code = parse(name, document, arena, &source, err);

    if (code == OK && source != NULL)
        code = check_range(source, name, start_ns, end_ns, err);
    source_free(source);
    return code;
}
