/* Parameters of windows and groups. */
#include "base/number.h"
#include "query/name_list.h"
#include "query/parameters.h"

enum {
    YEAR_MONTHS = 12,
    MONTHS_MAX = 292 * YEAR_MONTHS, /* as other durations: 64 bits of ns */
    MONTH_DAYS_MIN = 28,
};

static const int64_t day_ns = 86400000000000;

enum code take_tz(struct parse *parse, struct bytes value, struct error *err)
{
    parse->query->tz = value;
    return zone_open(value, parse->arena, &parse->query->grid.zone, err);
}

/* "3mo", "1y".  False: it is no such duration. */
static bool months_parse(struct bytes text, int64_t *months)
{
    size_t digits = 0;
    struct bytes unit;

    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    unit = bytes_slice(text, digits, text.size);
    if (digits == 0 || number_parse_i64(bytes_slice(text, 0, digits), months))
        return false;
    if (bytes_equal(unit, BYTES("y")))
        return !__builtin_mul_overflow(*months, YEAR_MONTHS, months);
    return bytes_equal(unit, BYTES("mo"));
}

/* Ends in months or years, as 1y6mo and 1.5y do; 1day does not. */
static bool is_calendar(struct bytes duration)
{
    size_t unit = duration.size;
    struct bytes name;

    while (unit > 0 && (duration.data[unit - 1] < '0' || duration.data[unit - 1] > '9'))
        unit--;
    name = bytes_slice(duration, unit, duration.size);
    return bytes_equal(name, BYTES("y")) || bytes_equal(name, BYTES("mo")) ||
           bytes_equal(name, BYTES("M"));
}

/* Days and weeks alone: a day of a zone may have 23 or 25 hours, but 24h are 24. */
static bool only_days(struct bytes duration)
{
    for (size_t i = 0; i < duration.size; i++) {
        char c = duration.data[i];

        if (c != 'd' && c != 'w' && (c < '0' || c > '9'))
            return false;
    }
    return true;
}

/* What a duration is, and what windows know besides. */
static enum code refuse_every(enum code code, struct error *err)
{
    char text[ERROR_TEXT_SIZE] = "";

    if (err)
        memcpy(text, err->text, sizeof(text));
    return error_set(err, code, "%.300s; months and years are as in 3mo or 1y", text);
}

enum code take_every(struct parse *parse, struct bytes value, struct error *err)
{
    struct grid *grid = &parse->query->grid;
    int64_t months, every;
    enum code code = OK;

    if (months_parse(value, &months)) {
        if (months == 0 || months > MONTHS_MAX)
            return error_set(err, E_BAD_PARAMETER, "duration \"%.*s\": want 1mo to 292y",
                             BYTES_ARG(value));
        if (grid->zone == NULL)
            code = zone_open(BYTES("UTC"), parse->arena, &grid->zone, err);
        if (!code)
            *grid = grid_of_months(months, 0, grid->zone);
        return code;
    }
    if (is_calendar(value) && value.data[0] >= '0' && value.data[0] <= '9')
        return error_set(err, E_BAD_PARAMETER,
                         "duration \"%.*s\": want months or years as one number, as in 3mo or 1y",
                         BYTES_ARG(value));
    code = duration_parse(value, &every, err);
    if (code)
        return refuse_every(code, err);
    if (grid->zone != NULL && only_days(value))
        *grid = grid_of_days(every / day_ns, 0, grid->zone);
    else
        *grid = grid_of_ns(every, 0);
    return OK;
}

/* In ns; of months what the shortest have. */
static int64_t length_of(const struct grid *grid)
{
    int64_t days = grid->kind == GRID_MONTHS ? MONTH_DAYS_MIN : 1;

    return grid->kind == GRID_FIXED ? grid->every : grid->every * days * day_ns;
}

enum code take_offset(struct parse *parse, struct bytes value, struct error *err)
{
    struct grid *grid = &parse->query->grid;
    bool back = value.size > 0 && value.data[0] == '-';
    int64_t offset;
    enum code code;

    if (grid_is_whole(grid)) /* the fault is told by what goes with what */
        return OK;
    code = duration_parse(bytes_slice(value, back, value.size), &offset, err);
    if (code)
        return code;
    if (offset >= length_of(grid))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want less than a window (of months: than 28 days each), as in "
                         "every=1d&offset=6h",
                         BYTES_ARG(value));
    offset = back ? -offset : offset;
    if (grid->kind == GRID_FIXED)
        *grid = grid_of_ns(grid->every, offset);
    else
        grid->offset_ns = offset;
    return OK;
}

enum code take_group_by(struct parse *parse, struct bytes value, struct error *err)
{
    struct query *query = parse->query;
    enum code code;

    if (value.size == 0)
        return OK; /* one result over all series */
    if (bytes_equal(value, BYTES("*"))) {
        query->grouping = GROUP_SERIES;
        return OK;
    }
    query->grouping = GROUP_TAGS;
    code = name_list_parse(value, &query->group_tags, &query->group_tag_count, parse->arena, err);
    for (uint32_t i = 0; i < query->group_tag_count && !code; i++)
        if (bytes_equal(query->group_tags[i], BYTES("*")))
            code = error_set(err, E_BAD_PARAMETER,
                             "\"*\" is every series for itself and stands alone");
    return code;
}

enum code take_fill(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {
        [FILL_NONE] = "none",     [FILL_NULL] = "null", [FILL_PREVIOUS] = "previous",
        [FILL_LINEAR] = "linear", [FILL_VALUE] = NULL,
    };
    struct fill *fill = &parse->query->fill;
    struct datum *datum = &fill->value;

    while (words[fill->kind] && !bytes_equal(value, bytes_of(words[fill->kind])))
        fill->kind++;
    if (fill->kind != FILL_VALUE)
        return OK;
    datum->type = TYPE_I64;
    if (number_parse_i64(value, &datum->cell.i64) == OK)
        return OK;
    datum->type = TYPE_F64;
    if (number_parse_f64(value, &datum->cell.f64) == OK)
        return OK;
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\": want none, null, previous, linear or a number", BYTES_ARG(value));
}
