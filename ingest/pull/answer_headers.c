#include "ingest/pull/answer_headers.h"

#include "base/date.h"
#include "base/number.h"
#include "ingest/pace/moment.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `small` is in lower case. */
static bool equal_lower(struct bytes text, struct bytes small)
{
    if (text.size != small.size)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (lower(text.data[i]) != small.data[i])
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

bool answer_header_find(const struct answer_header *headers, size_t count, struct bytes name,
                        struct bytes *value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(headers[i].name, name)) {
            *value = trim(headers[i].value);
            return true;
        }
    return false;
}

/* --- dates --- */

struct date_parts {
    int year, month, day, hour, minute, second;
};

static bool digits(struct bytes text, int *value)
{
    *value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *value = *value * 10 + (text.data[i] - '0');
    }
    return text.size > 0 && text.size <= 4;
}

static bool month_of(struct bytes text, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (*month = 1; *month <= 12; ++*month)
        if (bytes_equal(text, (struct bytes){names + (size_t)(*month - 1) * 3, 3}))
            return true;
    return false;
}

static bool time_of_day(struct bytes text, struct date_parts *date)
{
    return text.size == 8 && text.data[2] == ':' && text.data[5] == ':' &&
           digits(bytes_slice(text, 0, 2), &date->hour) &&
           digits(bytes_slice(text, 3, 5), &date->minute) &&
           digits(bytes_slice(text, 6, 8), &date->second);
}

static int64_t ns_of(const struct date_parts *date)
{
    int64_t seconds = date_days(date->year, date->month, date->day) * 86400 +
                      (int64_t)date->hour * 3600 + (int64_t)date->minute * 60 + date->second;

    return seconds * MOMENT_SECOND;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool fixed_form(struct bytes text, struct date_parts *date)
{
    return text.size == 24 && text.data[2] == ' ' && text.data[6] == ' ' && text.data[11] == ' ' &&
           bytes_equal(bytes_slice(text, 20, 24), BYTES(" GMT")) &&
           digits(bytes_slice(text, 0, 2), &date->day) &&
           month_of(bytes_slice(text, 3, 6), &date->month) &&
           digits(bytes_slice(text, 7, 11), &date->year) &&
           time_of_day(bytes_slice(text, 12, 20), date);
}

/* "06-Nov-94 08:49:37 GMT" */
static bool old_form(struct bytes text, struct date_parts *date)
{
    return text.size == 22 && text.data[2] == '-' && text.data[6] == '-' && text.data[9] == ' ' &&
           bytes_equal(bytes_slice(text, 18, 22), BYTES(" GMT")) &&
           digits(bytes_slice(text, 0, 2), &date->day) &&
           month_of(bytes_slice(text, 3, 6), &date->month) &&
           digits(bytes_slice(text, 7, 9), &date->year) &&
           time_of_day(bytes_slice(text, 10, 18), date);
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_form(struct bytes text, struct date_parts *date)
{
    return text.size == 20 && text.data[3] == ' ' && text.data[6] == ' ' && text.data[15] == ' ' &&
           month_of(bytes_slice(text, 0, 3), &date->month) &&
           digits(trim(bytes_slice(text, 4, 6)), &date->day) &&
           time_of_day(bytes_slice(text, 7, 15), date) &&
           digits(bytes_slice(text, 16, 20), &date->year);
}

/* The name of the day is not held against the date: it decides nothing. */
static bool day_name(struct bytes *text)
{
    static const char *const names[] = {
        "Monday, ", "Mon, ",    "Tuesday, ", "Tue, ",      "Wednesday, ", "Wed, ",    "Thursday, ",
        "Thu, ",    "Friday, ", "Fri, ",     "Saturday, ", "Sat, ",       "Sunday, ", "Sun, ",
        "Mon ",     "Tue ",     "Wed ",      "Thu ",       "Fri ",        "Sat ",     "Sun "};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct bytes name = bytes_of(names[i]);

        if (text->size >= name.size && memcmp(text->data, name.data, name.size) == 0) {
            *text = bytes_slice(*text, name.size, text->size);
            return true;
        }
    }
    return false;
}

bool http_date_parse(struct bytes text, int64_t wall_ns, int64_t *ns)
{
    struct date_parts date = {0};
    bool old;

    text = trim(text);
    if (!day_name(&text))
        return false;
    old = old_form(text, &date);
    if (!old && !fixed_form(text, &date) && !asctime_form(text, &date))
        return false;
    if (old) {
        int year, month, day;

        date_of_days(wall_ns / MOMENT_DAY, &year, &month, &day);
        date.year += (year + 50) / 100 * 100;
        date.year -= date.year > year + 50 ? 100 : 0;
    }
    if (date.year < 1678 || date.year > 2261 || date.day < 1 ||
        date.day > date_days_in_month(date.year, date.month) || date.hour > 23 ||
        date.minute > 59 || date.second > 60) /* a leap second is the next one */
        return false;
    *ns = ns_of(&date);
    return true;
}

/* --- how long --- */

/* Seconds; more than can be counted are the most. */
static bool seconds_of(struct bytes text, int64_t *ns)
{
    uint64_t seconds;
    enum code code;

    if (text.size == 0 || text.data[0] < '0' || text.data[0] > '9')
        return false;
    code = number_parse_u64(text, &seconds);
    if (code != OK && code != E_NUMBER_RANGE)
        return false;
    if (code || seconds > INT64_MAX / MOMENT_SECOND)
        seconds = INT64_MAX / MOMENT_SECOND;
    *ns = (int64_t)seconds * MOMENT_SECOND;
    return true;
}

static int64_t within(int64_t wait_ns, int64_t wall_ns, int64_t most_ns)
{
    if (wait_ns < 0)
        wait_ns = 0;
    return time_sum(wall_ns, wait_ns < most_ns ? wait_ns : most_ns);
}

/* How long it is until then for who has the answer's clock. */
static int64_t until_date(const struct answer_header *headers, size_t count, int64_t date_ns,
                          int64_t wall_ns)
{
    struct bytes text;
    int64_t sent_ns;

    if (!answer_header_find(headers, count, BYTES("date"), &text) ||
        !http_date_parse(text, wall_ns, &sent_ns))
        sent_ns = wall_ns;
    return time_between(sent_ns, date_ns);
}

bool retry_after_of(const struct answer_header *headers, size_t count, int64_t wall_ns,
                    int64_t *until_ns)
{
    struct bytes text;
    int64_t wait_ns;

    if (!answer_header_find(headers, count, BYTES("retry-after"), &text))
        return false;
    if (!seconds_of(text, &wait_ns)) {
        if (!http_date_parse(text, wall_ns, &wait_ns))
            return false;
        wait_ns = until_date(headers, count, wait_ns, wall_ns);
    }
    *until_ns = within(wait_ns, wall_ns, MOMENT_DAY);
    return true;
}

/* The next of a list up to `separator`, commas within quotes being none; false: there is no more.
 */
static bool next_item(struct bytes *list, char separator, struct bytes *item)
{
    bool quoted = false;
    size_t i = 0;

    if (list->data == NULL)
        return false;
    for (; i < list->size && (quoted || list->data[i] != separator); i++) {
        if (quoted && list->data[i] == '\\' && i + 1 < list->size)
            i++;
        else if (list->data[i] == '"')
            quoted = !quoted;
    }
    *item = trim(bytes_slice(*list, 0, i));
    *list = i < list->size ? bytes_slice(*list, i + 1, list->size) : (struct bytes){NULL, 0};
    return true;
}

/* "name=value" or "name=\"value\""; false: it has no value. */
static bool name_and_value(struct bytes item, struct bytes *name, struct bytes *value)
{
    const char *equals = item.size ? memchr(item.data, '=', item.size) : NULL;
    size_t at = equals ? (size_t)(equals - item.data) : item.size;

    *name = trim(bytes_slice(item, 0, at));
    *value = BYTES("");
    if (equals == NULL)
        return false;
    *value = trim(bytes_slice(item, at + 1, item.size));
    if (value->size >= 2 && value->data[0] == '"' && value->data[value->size - 1] == '"')
        *value = bytes_slice(*value, 1, value->size - 1);
    return true;
}

/* The shortest that is said. */
static bool max_age(const struct answer_header *headers, size_t count, int64_t *ns)
{
    bool said = false;

    for (size_t i = 0; i < count; i++) {
        struct bytes list = headers[i].value, item, name, value;
        int64_t age_ns = 0;

        if (!bytes_equal(headers[i].name, BYTES("cache-control")))
            continue;
        while (next_item(&list, ',', &item)) {
            bool valued = name_and_value(item, &name, &value);

            if (equal_lower(name, BYTES("max-age")) ? !valued || !seconds_of(value, &age_ns)
                                                    : !equal_lower(name, BYTES("no-cache")) &&
                                                          !equal_lower(name, BYTES("no-store")))
                continue;
            *ns = said && *ns < age_ns ? *ns : age_ns;
            said = true;
            age_ns = 0;
        }
    }
    return said;
}

bool expires_of(const struct answer_header *headers, size_t count, int64_t wall_ns,
                int64_t *until_ns)
{
    struct bytes text;
    int64_t fresh_ns, age_ns;

    if (max_age(headers, count, &fresh_ns)) {
        if (answer_header_find(headers, count, BYTES("age"), &text) && seconds_of(text, &age_ns))
            fresh_ns -= age_ns;
    } else if (answer_header_find(headers, count, BYTES("expires"), &text)) {
        /* What is no date, as "0", has passed (RFC 9111). */
        fresh_ns = http_date_parse(text, wall_ns, &fresh_ns)
                       ? until_date(headers, count, fresh_ns, wall_ns)
                       : 0;
    } else {
        return false;
    }
    *until_ns = within(fresh_ns, wall_ns, 365 * MOMENT_DAY);
    return true;
}

/* --- links --- */

static bool has_word(struct bytes words, struct bytes word)
{
    struct bytes item;

    while (next_item(&words, ' ', &item))
        if (equal_lower(item, word))
            return true;
    return false;
}

/* What stands behind a target: of several `rel` the first. */
static bool is_relation(struct bytes parameters, struct bytes relation)
{
    bool decided = false, is = false;
    struct bytes item, name, value;

    while (next_item(&parameters, ';', &item)) {
        name_and_value(item, &name, &value);
        if (equal_lower(name, BYTES("anchor")))
            return false;
        if (!decided && equal_lower(name, BYTES("rel"))) {
            decided = true;
            is = has_word(value, relation);
        }
    }
    return is;
}

bool link_find(const struct answer_header *headers, size_t count, struct bytes relation,
               struct bytes *target)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = trim(headers[i].value), parameters;

        if (!bytes_equal(headers[i].name, BYTES("link")))
            continue;
        while (rest.size > 0 && rest.data[0] == '<') { /* a target may have commas */
            const char *end = memchr(rest.data, '>', rest.size);
            size_t size;

            if (end == NULL)
                break;
            size = (size_t)(end - rest.data);
            *target = trim(bytes_slice(rest, 1, size));
            rest = bytes_slice(rest, size + 1, rest.size);
            if (next_item(&rest, ',', &parameters) && is_relation(parameters, relation))
                return true;
            while (rest.size > 0 && (rest.data[0] == ',' || is_space(rest.data[0])))
                rest = bytes_slice(rest, 1, rest.size);
        }
    }
    return false;
}
