/* Numbers are written by hand: printf of ten doubles would cost more than a server needs to read
 * them.  A whole time step is made at once into `ready`; late lines wait in the step at which they
 * are sent. */
#include "bench/data.h"

#include <math.h>

#include "bench/text.h"

enum { FIELDS_MAX = 10, LINE_SIZE = 320, KEY_SIZE = 96, SIX_DIGITS = -1 };

struct set {
    const char *name, *measurement;
    size_t fields;
    const char *field[FIELDS_MAX];
    int decimals[FIELDS_MAX]; /* or SIX_DIGITS */
    double uniform_step;      /* steps in -this..this; 0: N(0, 1) */
};

#define CPU_FIELDS                                                                                 \
    {                                                                                              \
        "usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq",     \
            "usage_softirq", "usage_steal", "usage_guest", "temperature"                           \
    }

static const struct set sets[] = {
    {.name = "integers",   .measurement = "cpu", .fields = 10, .field = CPU_FIELDS},
    { .name = "gauges",
     .measurement = "cpu",
     .fields = 10,
     .field = CPU_FIELDS,
     .decimals = {SIX_DIGITS, SIX_DIGITS, SIX_DIGITS, SIX_DIGITS, SIX_DIGITS, SIX_DIGITS,
                  SIX_DIGITS, SIX_DIGITS, SIX_DIGITS, SIX_DIGITS}},
    {                  .name = "mixed",
     .measurement = "cpu",
     .fields = 10,
     .field = CPU_FIELDS,
     .decimals = {[9] = 4},
     .uniform_step = 3},
    {                                                               .name = "station",
     .measurement = "station",
     .fields = 1,
     .field = {"temperature"},
     .decimals = {2}},
};

struct data {
    const struct set *set;
    struct data_options options;
    int64_t steps, step_next;
    uint64_t chance;
    double spare; /* the second of a pair of normal numbers */
    bool spare_there;
    double *values; /* [series * fields + field] */
    char (*keys)[KEY_SIZE];
    struct text ready; /* lines of the steps so far that nobody took */
    size_t ready_taken;
    struct text *late; /* [step], or NULL */
};

static uint64_t chance(struct data *data)
{
    uint64_t x = data->chance += 0x9e3779b97f4a7c15; /* splitmix64 */

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* In [0, 1). */
static double fraction(struct data *data)
{
    return (double)(chance(data) >> 11) * 0x1p-53;
}

/* N(0, 1), by the polar method: two at a time. */
static double normal(struct data *data)
{
    double x, y, square, factor;

    if (data->spare_there) {
        data->spare_there = false;
        return data->spare;
    }
    do {
        x = fraction(data) * 2 - 1;
        y = fraction(data) * 2 - 1;
        square = x * x + y * y;
    } while (square >= 1 || square <= 0);
    factor = sqrt(-2 * log(square) / square);
    data->spare = y * factor;
    data->spare_there = true;
    return x * factor;
}

static char *put(char *at, const char *bytes)
{
    return mempcpy(at, bytes, strlen(bytes));
}

static char *put_number(char *at, uint64_t number, int digits_min)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || count < digits_min);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

/* 0 <= `value` < 1000, with so many decimals or six significant digits (at most seven decimals). */
static char *put_decimal(char *at, double value, int decimals)
{
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    uint64_t scaled;

    if (decimals == SIX_DIGITS)
        for (decimals = 3; decimals < 7 && value * (double)powers[decimals] < 100000;)
            decimals++;
    scaled = (uint64_t)(value * (double)powers[decimals] + 0.5);
    at = put_number(at, scaled / powers[decimals], 1);
    if (decimals > 0) {
        *at++ = '.';
        at = put_number(at, scaled % powers[decimals], decimals);
    }
    return at;
}

static double walk(struct data *data, double value)
{
    double most = data->set->uniform_step;
    double step = most > 0 ? (fraction(data) * 2 - 1) * most : normal(data);

    return fmin(100, fmax(0, value + step));
}

static size_t line_make(struct data *data, uint64_t series, int64_t time_s, char *text)
{
    const struct set *set = data->set;
    double *values = &data->values[series * set->fields];
    char *at = put(text, data->keys[series]);

    for (size_t f = 0; f < set->fields; f++) {
        values[f] = walk(data, values[f]);
        *at++ = f > 0 ? ',' : ' ';
        at = put(at, set->field[f]);
        *at++ = '=';
        at = put_decimal(at, values[f], set->decimals[f]);
    }
    *at++ = ' ';
    at = put_number(at, (uint64_t)time_s, 1);
    at = put(at, "000000000\n");
    return (size_t)(at - text);
}

/* All rows of the next step, and the late ones that come with it. */
static void step_make(struct data *data)
{
    int64_t step = data->step_next++;
    int64_t time_s = DATA_START_S + data->options.first_s + step * data->options.step_s;
    char line[LINE_SIZE];

    for (uint64_t series = 0; series < data->options.series; series++) {
        struct text *to = &data->ready;

        if (data->options.chosen_share < 1 && fraction(data) >= data->options.chosen_share)
            continue;
        if (data->late && fraction(data) < data->options.late_share)
            to = &data->late[step + (int64_t)(fraction(data) * (double)(data->steps - step))];
        text_append(to, line, line_make(data, series, time_s, line));
    }
    if (data->late) {
        text_append(&data->ready, data->late[step].bytes, data->late[step].size);
        text_release(&data->late[step]);
    }
}

struct data *data_new(const struct data_options *options)
{
    const struct set *set = NULL;
    struct data *data = calloc(1, sizeof(*data));

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (strcmp(sets[i].name, options->set) == 0)
            set = &sets[i];
    if (!data)
        die("memory");
    if (!set) {
        free(data);
        return NULL;
    }
    data->set = set;
    data->options = *options;
    data->steps = options->span_s / options->step_s;
    data->chance = options->seed;
    data->values = calloc(options->series * set->fields, sizeof(*data->values));
    data->keys = calloc(options->series, sizeof(*data->keys));
    data->late = options->late_share > 0 ? calloc((size_t)data->steps, sizeof(*data->late)) : NULL;
    if (!data->values || !data->keys || (options->late_share > 0 && !data->late))
        die("memory");
    for (uint64_t i = 0; i < options->series * set->fields; i++)
        data->values[i] = fraction(data) * 100;
    for (uint64_t i = 0; i < options->series; i++) {
        if (strcmp(set->measurement, "cpu") == 0)
            snprintf(data->keys[i], KEY_SIZE,
                     "cpu,hostname=host_%llu,region=eu-west-%llu,os=debian12",
                     (unsigned long long)i, (unsigned long long)(i % 3));
        else
            snprintf(data->keys[i], KEY_SIZE, "station,id=s%07llu,site=site_%llu",
                     (unsigned long long)i, (unsigned long long)(i / 1000));
    }
    return data;
}

size_t data_lines(struct data *data, size_t lines, struct text *body)
{
    size_t taken = 0;

    while (taken < lines) {
        const char *line, *end;

        while (data->ready_taken == data->ready.size) {
            data->ready.size = data->ready_taken = 0;
            if (data->step_next == data->steps)
                return taken;
            step_make(data);
        }
        line = data->ready.bytes + data->ready_taken;
        end = (const char *)memchr(line, '\n', data->ready.size - data->ready_taken) + 1;
        text_append(body, line, (size_t)(end - line));
        data->ready_taken += (size_t)(end - line);
        taken++;
    }
    return taken;
}

size_t data_fields(const struct data *data)
{
    return data->set->fields;
}

void data_free(struct data *data)
{
    if (!data)
        return;
    for (int64_t i = 0; data->late && i < data->steps; i++)
        text_release(&data->late[i]);
    text_release(&data->ready);
    free(data->late);
    free(data->keys);
    free(data->values);
    free(data);
}
