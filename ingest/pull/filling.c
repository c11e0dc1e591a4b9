#include "ingest/pull/filling.h"

#include "ingest/pace/moment.h"
#include "ingest/rows/row_time.h"

enum code filling_keep(const struct filling *filling, struct buf *buf, struct bytes *text,
                       struct error *err)
{
    enum code code;

    buf_put_char(buf, '\0');
    code = buf_finish(buf, err);
    if (code)
        return code;
    *text = arena_copy(filling->arena, buf_bytes(buf));
    if (text->data == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    text->size--;
    return OK;
}

/* The unit that a format has as its least: what stands behind it in a time is not told. */
static struct span unit_of(const struct source_time_format *format)
{
    static const struct {
        const char *letters;
        struct span span;
    } units[] = {
        {"Sf",  {.ns = MOMENT_SECOND}       },
        {"M",   {.ns = 60 * MOMENT_SECOND}  },
        {"HIp", {.ns = 3600 * MOMENT_SECOND}},
        {"daA", {.days = 1}                 },
        {"mbB", {.months = 1}               },
    };

    if (format->kind == SOURCE_TIME_DATE)
        return (struct span){.days = 1};
    if (format->kind != SOURCE_TIME_PATTERN)
        return units[0].span;
    for (size_t unit = 0; unit < COUNT_OF(units); unit++)
        for (size_t i = 0; i + 1 < format->pattern.size; i++)
            if (format->pattern.data[i] == '%' &&
                strchr(units[unit].letters, format->pattern.data[++i]) != NULL)
                return units[unit].span;
    return (struct span){.months = 12};
}

/* An end that is exclusive and cut at now may lie within a unit of its format: the next one is
 * said, else what came since the unit began would not be asked for. */
static enum code print_end(const struct source_window *rules, int64_t end_ns, struct buf *out,
                           struct error *err)
{
    struct span unit = unit_of(&rules->format);
    int64_t next_ns;
    enum code code;

    if (rules->end_inclusive)
        return row_time_print_last(&rules->format, rules->zone, end_ns, out, err);
    if (unit.ns == MOMENT_SECOND && end_ns % MOMENT_SECOND == 0)
        return row_time_print(&rules->format, rules->zone, end_ns, out, err);
    code = span_add(&unit, 1, rules->zone, end_ns - 1, &next_ns, err);
    if (code)
        return code;
    next_ns -= (next_ns % MOMENT_SECOND + MOMENT_SECOND) % MOMENT_SECOND;
    return row_time_print(&rules->format, rules->zone, next_ns, out, err);
}

static enum code print_time(const struct filling *filling, enum place_kind kind,
                            struct bytes *value, struct error *err)
{
    const struct source_window *rules = &filling->terms->source->window;
    const struct stretch_of_time *window = filling->terms->window;
    struct buf out = BUF_INIT(256);
    int64_t now_ns = filling->terms->now_ns;
    enum code code;

    if (kind != PLACE_NOW && window == NULL)
        return error_set(err, E_BAD_PARAMETER, "${window.start} and ${window.end} have no window");
    now_ns -= (now_ns % MOMENT_SECOND + MOMENT_SECOND) % MOMENT_SECOND;
    if (kind == PLACE_WINDOW_END)
        code = print_end(rules, window->end_ns, &out, err);
    else
        code = row_time_print(&rules->format, rules->zone,
                              kind == PLACE_NOW ? now_ns : window->start_ns, &out, err);
    if (code == OK)
        code = filling_keep(filling, &out, value, err);
    buf_release(&out);
    return code;
}

static enum code variable(const struct filling *filling, struct bytes name, struct bytes *value,
                          struct error *err)
{
    const struct source_partition *partition = filling->terms->partition;

    for (size_t i = 0; partition != NULL && i < partition->count; i++)
        if (bytes_equal(partition->variables[i].name, name)) {
            *value = partition->variables[i].value;
            return OK;
        }
    return error_set(err, E_BAD_PARAMETER, "${each.%.*s} has no value here", BYTES_ARG(name));
}

static enum code number(const struct filling *filling, const struct place *place,
                        struct bytes *value, struct error *err)
{
    const struct source_page *rules = &filling->terms->source->page;
    char digits[NUMBER_TEXT_SIZE];
    struct bytes text;

    if (place->kind == PLACE_PAGE_LIMIT)
        text = (struct bytes){digits, number_print_u64(rules->limit, digits)};
    else if (!paging_value(rules, &filling->terms->page, digits, &text))
        text = BYTES("");
    *value = arena_copy(filling->arena, text);
    return value->data != NULL ? OK : error_set(err, E_MEMORY, "no memory for a request");
}

static enum code value_of(void *context, const struct place *place, struct bytes *value,
                          struct error *err)
{
    const struct filling *filling = context;
    const struct asking_terms *terms = filling->terms;

    switch (place->kind) {
    case PLACE_EACH:
        return variable(filling, place->name, value, err);
    case PLACE_WINDOW_START:
    case PLACE_WINDOW_END:
    case PLACE_NOW:
        return print_time(filling, place->kind, value, err);
    case PLACE_PAGE_VALUE:
    case PLACE_PAGE_LIMIT:
        return number(filling, place, value, err);
    case PLACE_SECRET:
        if (filling->host.size > 0 && terms->secret != NULL)
            return terms->secret(terms->context, place->name, filling->host, value, err);
        break;
    case PLACE_ROW:
    case PLACE_KIND_COUNT:
        break;
    }
    return error_set(err, E_BAD_PARAMETER, "a place stands where none of its kind may");
}

enum code filling_text(const struct filling *filling, const struct text_places *places,
                       enum place_manner manner, struct bytes *text, struct error *err)
{
    const struct place_values values = {value_of, (void *)(uintptr_t)filling};
    struct buf out = BUF_INIT(FILLING_SIZE_MAX);
    enum code code = text_places_fill(places, manner, &values, &out, err);

    if (code == OK)
        code = filling_keep(filling, &out, text, err);
    buf_release(&out);
    return code;
}
