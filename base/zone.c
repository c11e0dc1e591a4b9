/* A zone is a list of changes: from which second on the clock is how far ahead.  What the file
 * tells as a rule for the years behind its list is written out up to the last year that a time of
 * 64-bit nanoseconds can be in, so that only one form is ever looked up. */
#include "base/zone.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/reader.h"
#include "base/text_file.h"
#include "base/zone_names.h"

enum {
    NAME_SIZE_MAX = 64,
    FILE_SIZE_MAX = 64 << 10, /* the largest of the database has 4 KiB */
    CHANGES_MAX = 8192,
    TYPES_MAX = 256,
    OFFSET_MAX = 26 * 3600, /* beyond what any clock was ahead; also of a rule's time */
    YEAR_FIRST = 1900,      /* a rule that stands alone has held since */
    YEAR_LAST = 2262,
    DAY_S = 86400,
};

static const char database[] = "/usr/share/zoneinfo/";

struct zone_change {
    int64_t at_s; /* UTC; of the first INT64_MIN */
    int32_t offset_s;
};

struct zone {
    size_t count, capacity;
    struct zone_change changes[];
};

static struct zone *zone_new(struct arena *arena, size_t capacity)
{
    struct zone *zone = arena_zero(arena, sizeof(*zone) + capacity * sizeof(struct zone_change));

    if (zone != NULL)
        zone->capacity = capacity;
    return zone;
}

/* Later changes come later; one that changes nothing is left out. */
static void zone_add(struct zone *zone, int64_t at_s, int32_t offset_s)
{
    assert(zone->count < zone->capacity);
    if (zone->count > 0 && zone->changes[zone->count - 1].offset_s == offset_s)
        return;
    if (zone->count > 0 && at_s <= zone->changes[zone->count - 1].at_s)
        return;
    zone->changes[zone->count++] = (struct zone_change){at_s, offset_s};
}

/* --- the rule behind the list: "CET-1CEST,M3.5.0,M10.5.0/3" --- */

struct rule_day {
    char kind; /* 'M', 'J' (1 to 365, no leap days) or 'n' (0 to 365) */
    int month, week, day;
    int32_t time_s;
};

struct rule {
    int32_t standard_s, summer_s; /* offsets */
    bool turns;                   /* has summer time */
    struct rule_day begin, end;   /* of summer time */
};

static char rule_peek(const struct reader *text)
{
    return text->at < text->end ? *text->at : '\0';
}

static bool rule_skip(struct reader *text, char c)
{
    if (rule_peek(text) != c)
        return false;
    text->at++;
    return true;
}

/* At least one digit; above `most` fails. */
static int rule_number(struct reader *text, int most)
{
    int value = 0;
    const char *start = text->at;

    while (rule_peek(text) >= '0' && rule_peek(text) <= '9' && value <= most)
        value = value * 10 + (*text->at++ - '0');
    if (text->at == start || value > most)
        text->failed = true;
    return text->failed ? 0 : value;
}

/* "CET" or "<+0330>". */
static void rule_name(struct reader *text)
{
    const char *start = text->at;

    if (rule_skip(text, '<')) {
        while (text->at < text->end && *text->at != '>')
            text->at++;
        text->failed |= !rule_skip(text, '>');
        return;
    }
    while ((rule_peek(text) >= 'A' && rule_peek(text) <= 'Z') ||
           (rule_peek(text) >= 'a' && rule_peek(text) <= 'z'))
        text->at++;
    text->failed |= text->at == start;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int32_t rule_time(struct reader *text, int hours_max)
{
    bool negative = rule_skip(text, '-');
    int32_t value;

    if (!negative)
        (void)rule_skip(text, '+');
    value = rule_number(text, hours_max) * 3600;
    if (rule_skip(text, ':'))
        value += rule_number(text, 59) * 60;
    if (rule_skip(text, ':'))
        value += rule_number(text, 59);
    return negative ? -value : value;
}

static struct rule_day rule_day(struct reader *text)
{
    struct rule_day day = {.kind = 'n', .time_s = 2 * 3600};

    text->failed |= !rule_skip(text, ',');
    if (rule_skip(text, 'M')) {
        day.kind = 'M';
        day.month = rule_number(text, 12);
        text->failed |= !rule_skip(text, '.') || day.month < 1;
        day.week = rule_number(text, 5);
        text->failed |= !rule_skip(text, '.') || day.week < 1;
        day.day = rule_number(text, 6);
    } else {
        if (rule_skip(text, 'J'))
            day.kind = 'J';
        day.day = rule_number(text, 365);
        text->failed |= day.kind == 'J' && day.day < 1;
    }
    if (rule_skip(text, '/'))
        day.time_s = rule_time(text, 167);
    return day;
}

static bool rule_parse(struct bytes bytes, struct rule *rule)
{
    struct reader text = reader_of(bytes);

    *rule = (struct rule){0};
    rule_name(&text);
    rule->standard_s = -rule_time(&text, 24);
    if (!text.failed && reader_left(&text) > 0) {
        rule->turns = true;
        rule_name(&text);
        rule->summer_s = rule->standard_s + 3600;
        if (rule_peek(&text) != ',')
            rule->summer_s = -rule_time(&text, 24);
        rule->begin = rule_day(&text);
        rule->end = rule_day(&text);
    }
    return !text.failed && reader_left(&text) == 0;
}

/* Local seconds of the turn in that year. */
static int64_t rule_day_of(const struct rule_day *day, int year)
{
    int64_t first, days;
    int weekday;

    switch (day->kind) {
    case 'M':
        first = date_days(year, day->month, 1);
        weekday = (int)((first + 4) % 7); /* 1970-01-01 was a Thursday */
        weekday = weekday < 0 ? weekday + 7 : weekday;
        days = (day->day - weekday + 7) % 7 + (day->week - 1) * 7;
        while (days >= date_days_in_month(year, day->month))
            days -= 7;
        return (first + days) * DAY_S + day->time_s;
    case 'J': /* day 60 is the first of March, also in leap years */
        days = day->day - 1 + (day->day >= 60 && date_days_in_month(year, 2) == 29);
        return (date_days(year, 1, 1) + days) * DAY_S + day->time_s;
    default:
        return (date_days(year, 1, 1) + day->day) * DAY_S + day->time_s;
    }
}

/* The changes that the rule makes behind those of the list. */
static void rule_add(const struct rule *rule, struct zone *zone, int64_t listed_s)
{
    int year = YEAR_FIRST, month, day;

    if (listed_s > INT64_MIN) {
        int64_t days = listed_s / DAY_S;

        date_of_days(days, &year, &month, &day);
        year = year < YEAR_FIRST ? YEAR_FIRST : year;
    }
    for (; rule->turns && year <= YEAR_LAST; year++) {
        int64_t begin = rule_day_of(&rule->begin, year) - rule->standard_s;
        int64_t end = rule_day_of(&rule->end, year) - rule->summer_s;
        bool north = begin < end;

        if ((north ? begin : end) > listed_s)
            zone_add(zone, north ? begin : end, north ? rule->summer_s : rule->standard_s);
        if ((north ? end : begin) > listed_s)
            zone_add(zone, north ? end : begin, north ? rule->standard_s : rule->summer_s);
    }
}

/* --- the file --- */

struct header {
    uint8_t version;
    uint32_t utc_flags, wall_flags, leaps, changes, types, names;
};

static uint32_t big_u32(struct reader *file)
{
    return __builtin_bswap32(reader_u32(file));
}

static int64_t big_i64(struct reader *file)
{
    return (int64_t)__builtin_bswap64(reader_u64(file));
}

static bool read_header(struct reader *file, struct header *header)
{
    struct bytes magic = reader_take(file, 4);

    if (file->failed || !bytes_equal(magic, BYTES("TZif")))
        return false;
    header->version = reader_u8(file);
    (void)reader_take(file, 15);
    header->utc_flags = big_u32(file);
    header->wall_flags = big_u32(file);
    header->leaps = big_u32(file);
    header->changes = big_u32(file);
    header->types = big_u32(file);
    header->names = big_u32(file);
    return !file->failed && header->changes <= CHANGES_MAX && header->types >= 1 &&
           header->types <= TYPES_MAX && header->names <= FILE_SIZE_MAX && header->leaps == 0 &&
           header->utc_flags <= TYPES_MAX && header->wall_flags <= TYPES_MAX;
}

/* The offsets of the types: a number, whether it is summer time, and where its name is. */
static bool read_types(struct reader *file, uint32_t count, int32_t offsets[TYPES_MAX])
{
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = (int32_t)big_u32(file);
        (void)reader_u16(file);
        if (offsets[i] < -OFFSET_MAX || offsets[i] > OFFSET_MAX)
            return false;
    }
    return !file->failed;
}

/* The text between the two newlines at the file's end. */
static bool read_rule(struct reader *file, struct rule *rule, bool *any)
{
    size_t size;

    if (!rule_skip(file, '\n') || reader_left(file) == 0)
        return false;
    size = reader_left(file) - 1;
    *any = size > 0;
    return file->at[size] == '\n' &&
           (size == 0 || rule_parse((struct bytes){file->at, size}, rule));
}

static bool read_zone(struct reader *file, const struct header *header, struct arena *arena,
                      struct zone **made)
{
    struct reader at, index;
    int32_t offsets[TYPES_MAX];
    struct rule rule = {0};
    struct zone *zone;
    int64_t listed_s = INT64_MIN;
    bool ruled = false;

    assert(header->types >= 1); /* read_header() asks for it */
    at = reader_of(reader_take(file, header->changes * sizeof(int64_t)));
    index = reader_of(reader_take(file, header->changes));
    if (file->failed || !read_types(file, header->types, offsets))
        return false;
    (void)reader_take(file, header->names);
    (void)reader_take(file, header->wall_flags);
    (void)reader_take(file, header->utc_flags);
    if (file->failed || !read_rule(file, &rule, &ruled))
        return false;
    zone = zone_new(arena, 2 + header->changes + 2 * (YEAR_LAST - YEAR_FIRST + 1));
    *made = zone;
    if (zone == NULL)
        return true;
    zone_add(zone, INT64_MIN, offsets[0]);
    for (uint32_t i = 0; i < header->changes; i++) {
        int64_t at_s = big_i64(&at);
        uint8_t type = reader_u8(&index);

        if (type >= header->types || (i > 0 && at_s <= listed_s))
            return false;
        zone_add(zone, at_s, offsets[type]);
        listed_s = at_s;
    }
    if (ruled && header->changes == 0) /* the rule alone has always held */
        zone->changes[0].offset_s = rule.standard_s;
    if (ruled)
        rule_add(&rule, zone, listed_s);
    return true;
}

enum code zone_parse(struct bytes bytes, struct arena *arena, const struct zone **zone,
                     struct error *err)
{
    struct reader file = reader_of(bytes);
    struct header header;
    struct zone *made = NULL;
    bool good = read_header(&file, &header);

    /* Files of version 1 know times up to 2038 alone and are no longer made.  From version 2 on
     * the same comes again with 64-bit times. */
    if (good) {
        (void)reader_take(&file, header.changes * (sizeof(int32_t) + 1) + (size_t)header.types * 6 +
                                     header.names + header.wall_flags + header.utc_flags);
        good = header.version >= '2' && read_header(&file, &header) &&
               read_zone(&file, &header, arena, &made);
    }
    if (!good)
        return error_set(err, E_CORRUPT, "this is no tz file of version 2 or above");
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for a time zone");
    *zone = made;
    return OK;
}

/* "+10:00", "-03:30" */
static bool parse_offset(struct bytes name, int32_t *offset_s)
{
    static const char form[] = "+00:00";
    int32_t seconds;

    if (name.size != sizeof(form) - 1 || (name.data[0] != '+' && name.data[0] != '-'))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (form[i] == ':' ? name.data[i] != ':' : name.data[i] < '0' || name.data[i] > '9')
            return false;
    seconds = ((name.data[1] - '0') * 10 + (name.data[2] - '0')) * 3600 +
              ((name.data[4] - '0') * 10 + (name.data[5] - '0')) * 60;
    *offset_s = name.data[0] == '-' ? -seconds : seconds;
    return name.data[4] <= '5' && seconds < DAY_S;
}

/* Letters and what stands between them; no way out of the directory. */
static bool is_name(struct bytes name)
{
    if (name.size == 0 || name.size > NAME_SIZE_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i], before = i == 0 ? '/' : name.data[i - 1];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!letter && (before == '/' || strchr("_+-/", c) == NULL || c == '\0'))
            return false;
    }
    return name.data[name.size - 1] != '/';
}

/* --- those that are named --- */

/* One of each name for the whole process, for as long as it lives: it has some 10 KiB, and a
 * thousand sources may name the same.  There are some 1,200 names. */
struct named_zone {
    struct named_zone *next;
    char name[NAME_SIZE_MAX + 1];
    struct zone zone; /* last, for its changes */
};

static pthread_mutex_t named_lock = PTHREAD_MUTEX_INITIALIZER;
static struct named_zone *named; /* under it; what is in it does not change any more */

static const struct zone *find_named(struct bytes name)
{
    const struct named_zone *at;

    pthread_mutex_lock(&named_lock);
    at = named;
    pthread_mutex_unlock(&named_lock);
    while (at != NULL && !bytes_equal(bytes_of(at->name), name))
        at = at->next;
    return at == NULL ? NULL : &at->zone;
}

/* Two threads that open it at once make two, of which one is found from then on. */
static enum code keep_named(struct bytes name, const struct zone *zone, const struct zone **kept,
                            struct error *err)
{
    size_t changes_size = zone->count * sizeof(zone->changes[0]);
    struct named_zone *made = calloc(1, sizeof(*made) + changes_size);

    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for a time zone");
    memcpy(made->name, name.data, name.size);
    made->zone.count = made->zone.capacity = zone->count;
    memcpy(made->zone.changes, zone->changes, changes_size);
    pthread_mutex_lock(&named_lock);
    made->next = named;
    named = made;
    pthread_mutex_unlock(&named_lock);
    *kept = &made->zone;
    return OK;
}

static enum code open_file(struct bytes name, const struct zone **zone, struct error *err)
{
    char path[sizeof(database) + NAME_SIZE_MAX];
    struct buf file = BUF_INIT(FILE_SIZE_MAX);
    const struct zone *read = NULL;
    struct arena arena;
    enum code code;

    memcpy(path, database, sizeof(database) - 1);
    memcpy(path + sizeof(database) - 1, name.data, name.size);
    path[sizeof(database) - 1 + name.size] = '\0';
    arena_init(&arena, SIZE_MAX, NULL);
    code = text_file_read(path, FILE_SIZE_MAX, &file, err);
    if (code == OK)
        code = zone_parse(buf_bytes(&file), &arena, &read, err);
    if (code == OK)
        code = keep_named(name, read, zone, err);
    arena_release(&arena);
    buf_release(&file);
    return code;
}

static enum code open_named(struct bytes name, const struct zone **zone, struct error *err)
{
    const struct zone *found;

    if (!is_name(name))
        return E_NOT_FOUND;
    found = find_named(name);
    if (found == NULL)
        return open_file(name, zone, err);
    *zone = found;
    return OK;
}

enum code zone_open(struct bytes name, struct arena *arena, const struct zone **zone,
                    struct error *err)
{
    char near[ZONE_NAME_SIZE];
    int32_t offset_s = 0;
    enum code code;

    if (parse_offset(name, &offset_s) || bytes_equal(name, BYTES("UTC")) ||
        bytes_equal(name, BYTES("Z"))) {
        struct zone *fixed = zone_new(arena, 1);

        if (fixed == NULL)
            return error_set(err, E_MEMORY, "no memory for a time zone");
        zone_add(fixed, INT64_MIN, offset_s);
        *zone = fixed;
        return OK;
    }
    code = open_named(name, zone, err);
    if (code == OK || code == E_MEMORY || code == E_IO)
        return code;
    if (zone_nearest(name, near))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is no time zone of the tz database of this machine; did you "
                         "mean \"%s\"?",
                         BYTES_ARG(name), near);
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\" is no time zone of the tz database of this machine (%s); right are "
                     "a name as Europe/Berlin, UTC, or an offset as +10:00 (in a URL %%2B10:00)",
                     name.size > NAME_SIZE_MAX ? NAME_SIZE_MAX : (int)name.size, name.data,
                     database);
}

/* The last change not behind that second. */
static size_t find_change(const struct zone *zone, int64_t utc_s)
{
    size_t first = 0, end = zone->count;

    assert(zone->count > 0);
    while (end - first > 1) {
        size_t middle = first + (end - first) / 2;

        if (zone->changes[middle].at_s <= utc_s)
            first = middle;
        else
            end = middle;
    }
    return first;
}

bool zone_is_fixed(const struct zone *zone)
{
    return zone->count == 1;
}

int32_t zone_offset(const struct zone *zone, int64_t utc_s)
{
    return zone->changes[find_change(zone, utc_s)].offset_s;
}

enum zone_local zone_utc(const struct zone *zone, int64_t local_s, int64_t *earlier_s,
                         int64_t *later_s)
{
    size_t index = find_change(zone, local_s - OFFSET_MAX);
    unsigned found = 0;

    *earlier_s = *later_s = local_s - zone->changes[index].offset_s;
    for (; index < zone->count; index++) {
        int64_t utc_s = local_s - zone->changes[index].offset_s;
        bool last = index + 1 == zone->count;

        if (utc_s < zone->changes[index].at_s) { /* shown neither before the turn nor behind it */
            if (found == 0)
                *earlier_s = *later_s = zone->changes[index].at_s;
            break;
        }
        if (!last && utc_s >= zone->changes[index + 1].at_s)
            continue;
        if (found++ == 0)
            *earlier_s = utc_s;
        *later_s = utc_s;
    }
    return found == 0 ? ZONE_NEVER : found == 1 ? ZONE_ONCE : ZONE_TWICE;
}
