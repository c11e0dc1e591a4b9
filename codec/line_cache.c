#include "codec/line_cache.h"

#include <assert.h>

#include "codec/line_digits.h"
#include "codec/line_key.h"
#include "codec/utf8.h"

enum {
    LAYOUTS_MAX = 1024, /* a body with more forms than that gains nothing from remembering them */
    DIGITS_MAX = 19,    /* always fit 64 bits */
    EXACT_DIGITS_MAX = 15, /* 10^15 and below are exact doubles */
};

static const uint64_t powers[EXACT_DIGITS_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
};

void line_cache_init(struct line_cache *cache, struct line_point *input,
                     const struct decode_options *options)
{
    *cache = (struct line_cache){
        .batch = input->point.batch,
        .input = input,
        .options = *options,
        .unit_ns = options->precision == TIME_GUESSED ? 0 : time_unit_ns(options->precision),
        .scratch = BUF_INIT(SIZE_MAX),
    };
}

void line_cache_release(struct line_cache *cache)
{
    map_release(&cache->series_by_text);
    map_release(&cache->layouts_by_text);
    buf_release(&cache->scratch);
}

struct line_series *line_cache_find(const struct line_cache *cache, struct bytes text)
{
    return map_get(&cache->series_by_text, text);
}

void line_cache_came(struct line_cache *cache, struct line_series *series)
{
    if (cache->last != NULL)
        cache->last->next = series;
    cache->last = series;
}

static struct line_series *series_add(struct line_cache *cache, struct bytes text, uint64_t hash,
                                      uint32_t index)
{
    struct line_series *series = arena_alloc(cache->batch->arena, sizeof(*series) + text.size);
    const struct line_series *last = cache->last;

    if (series == NULL)
        return NULL;
    memcpy(series + 1, text.data, text.size);
    *series = (struct line_series){
        .text = {(const char *)(series + 1), text.size},
        .index = index,
        .measurement = cache->batch->series[index].measurement,
    };
    if (!map_put_hashed(&cache->series_by_text, series->text, hash, series))
        return NULL;
    if (last != NULL && bytes_equal(last->measurement, series->measurement))
        series->layout = last->layout;
    return series;
}

struct line_series *line_cache_add(struct line_cache *cache, struct bytes text, uint32_t index)
{
    return series_add(cache, text, map_hash(text), index);
}

static void expect_name(struct line_expected *expected, struct bytes text)
{
    char first[sizeof(expected->word)] = {0}, mask[sizeof(expected->mask)] = {0};
    size_t size = text.size < sizeof(first) ? text.size : sizeof(first);

    memcpy(first, text.data, size);
    memset(mask, 0xff, size);
    memcpy(expected->word, first, sizeof(first));
    memcpy(expected->mask, mask, sizeof(mask));
    expected->text = text;
}

static struct line_layout *layout_new(struct line_cache *cache, const struct point *point,
                                      struct bytes key)
{
    struct arena *arena = cache->batch->arena;
    size_t at = sizeof(const struct batch_table *);
    struct line_layout *layout =
        arena_alloc(arena, sizeof(*layout) + point->field_count * sizeof(layout->fields[0]));

    key = arena_copy(arena, key);
    if (layout == NULL || key.data == NULL || !map_put(&cache->layouts_by_text, key, layout))
        return NULL;
    layout->table = point->table;
    layout->other = NULL;
    layout->field_count = point->field_count;
    for (uint32_t i = 0; i < point->field_count; i++) {
        size_t end = at + point->fields[i].text.size;

        expect_name(&layout->fields[i], bytes_slice(key, at, end));
        layout->fields[i].type = point->fields[i].type;
        layout->fields[i].column = point->columns[i];
        at = end + 1; /* the type */
    }
    return layout;
}

void line_cache_expect(struct line_cache *cache, struct line_series *series,
                       const struct point *point)
{
    struct line_layout *layout, *old = series->layout;

    buf_clear(&cache->scratch);
    buf_put(&cache->scratch,
            (struct bytes){(const char *)&point->table, sizeof(const struct batch_table *)});
    for (uint32_t i = 0; i < point->field_count; i++) {
        buf_put(&cache->scratch, point->fields[i].text);
        buf_put_u8(&cache->scratch, (uint8_t)point->fields[i].type);
    }
    if (cache->scratch.failed)
        return;
    layout = map_get(&cache->layouts_by_text, buf_bytes(&cache->scratch));
    if (layout == NULL && cache->layouts_by_text.count < LAYOUTS_MAX)
        layout = layout_new(cache, point, buf_bytes(&cache->scratch));
    if (layout == NULL || layout == old)
        return;
    if (old != NULL) {
        old->other = layout;
        if (layout->other == NULL)
            layout->other = old;
    }
    series->layout = layout;
}

/* What a line begins with. */
struct line_head {
    struct bytes text;
    uint64_t hash;              /* of a text that had to be looked for */
    struct line_series *series; /* NULL: new */
    struct line_layout *layout; /* NULL: nothing is expected */
};

/* The series of the line: the one that came next the last time, or found by its text, or new and
 * then, if it is of the same measurement, expected to look like the one before. */
static struct line_head expect_head(const struct line_cache *cache, const char *line,
                                    const char *end)
{
    struct line_series *last = cache->last, *next = last == NULL ? NULL : last->next;
    struct line_head head = {
        .text = {line, (size_t)(end - line)}
    };
    const char *newline;

    if (next != NULL && next->text.size < head.text.size && line[next->text.size] == ' ' &&
        memcmp(line, next->text.data, next->text.size) == 0) {
        head = (struct line_head){.text = next->text, .series = next, .layout = next->layout};
        return head;
    }
    newline = memchr(line, '\n', head.text.size);
    assert(newline != NULL);
    head.text.size = (size_t)(newline - line);
    head.text.size = line_series_size(head.text);
    if (line[head.text.size] != ' ')
        return head;
    head.hash = map_hash(head.text);
    head.series = map_get_hashed(&cache->series_by_text, head.text, head.hash);
    if (head.series != NULL)
        head.layout = head.series->layout;
    else if (last != NULL && head.text.size >= last->measurement.size &&
             memcmp(line, last->measurement.data, last->measurement.size) == 0)
        head.layout = last->layout;
    return head;
}

/* Makes a series whose line is as expected but for its text.  NULL: what is wrong, the slow way
 * will tell. */
static struct line_series *new_series(struct line_cache *cache, const struct line_head *head,
                                      const struct batch_table *table)
{
    struct line_point *input = cache->input;
    struct bytes key, measurement;
    uint32_t index;

    if (line_key_plain(head->text, cache->options.limits, cache->batch->arena, &key,
                       &measurement)) {
        if (!bytes_equal(measurement, table->measurement))
            return NULL;
        index = batch_series_add(cache->batch, key, measurement);
        return index == UINT32_MAX ? NULL : series_add(cache, head->text, head->hash, index);
    }
    input->start = head->text.data;
    input->line = head->text;
    if (line_parse_series(input, head->text, NULL) != OK ||
        !bytes_equal(input->point.measurement, table->measurement) ||
        point_find_series(&input->point, &index, NULL) != OK)
        return NULL;
    return series_add(cache, head->text, head->hash, index);
}

static inline bool is_name(const struct line_expected *expected, const char *at, const char *end)
{
    uint64_t word[2];

    memcpy(word, at, sizeof(word));
    if ((((word[0] ^ expected->word[0]) & expected->mask[0]) |
         ((word[1] ^ expected->word[1]) & expected->mask[1])) != 0)
        return false;
    return expected->text.size <= sizeof(word) ||
           ((size_t)(end - at) > expected->text.size &&
            memcmp(at, expected->text.data, expected->text.size) == 0);
}

static inline bool ends_value(char c)
{
    return c == ',' || c == ' ' || c == '\n' || c == '\r';
}

/* What is not a plain short decimal: the whole token by the slow way. */
static const char *take_scalar(const char *at, enum value_type type, union cell *cell)
{
    const char *end = at;
    enum value_type found;

    while (!ends_value(*end))
        end++;
    if (line_parse_scalar((struct bytes){at, (size_t)(end - at)}, &found, cell) != OK ||
        found != type)
        return NULL;
    return end;
}

static inline const char *take_f64(const char *at, union cell *cell)
{
    const char *start = at;
    bool negative = *at == '-';
    unsigned count, decimals = 0;
    uint64_t digits;
    double value;

    at += negative;
    digits = line_digits(&at, &count);
    if (*at == '.' && count > 0) {
        uint64_t fraction;

        at++;
        fraction = line_digits(&at, &decimals);
        if (count + decimals > EXACT_DIGITS_MAX)
            return take_scalar(start, TYPE_F64, cell);
        assert(decimals < EXACT_DIGITS_MAX);
        digits = digits * powers[decimals] + fraction;
    }
    if (count == 0 || count > EXACT_DIGITS_MAX || !ends_value(*at))
        return take_scalar(start, TYPE_F64, cell);
    value = (double)digits / (double)powers[decimals]; /* both exact: rounded once */
    cell->f64 = negative ? -value : value;
    return at;
}

static inline const char *take_i64(const char *at, union cell *cell)
{
    const char *start = at;
    bool negative = *at == '-';
    unsigned count;
    uint64_t digits;

    at += negative;
    digits = line_digits(&at, &count);
    if (count == 0 || count >= DIGITS_MAX || *at != 'i' || !ends_value(at[1]))
        return take_scalar(start, TYPE_I64, cell);
    cell->i64 = negative ? -(int64_t)digits : (int64_t)digits;
    return at + 1;
}

/* A string without escapes; newlines in it are fine as long as it ends before `end`. */
static const char *take_string(struct line_cache *cache, const char *at, const char *end,
                               uint32_t *newlines, union cell *cell)
{
    const char *first = at + 1, *close;
    struct text *text;
    struct bytes raw;

    if (*at != '"')
        return NULL;
    close = memchr(first, '"', (size_t)(end - first));
    if (close == NULL || !ends_value(close[1]))
        return NULL;
    raw = (struct bytes){first, (size_t)(close - first)};
    if (raw.size > cache->options.limits->string_bytes_max ||
        memchr(raw.data, '\\', raw.size) != NULL || utf8_check(raw) < raw.size)
        return NULL;
    text = arena_alloc(cache->batch->arena, sizeof(*text) + raw.size);
    if (text == NULL)
        return NULL;
    text->size = (uint32_t)raw.size;
    memcpy(text->data, raw.data, raw.size);
    for (size_t i = 0; i < raw.size; i++)
        *newlines += raw.data[i] == '\n';
    cell->text = text;
    return close + 1;
}

/* The fields of `layout` from `at` on, into the next row of its table; where they end, or NULL. */
static const char *take_fields(struct line_cache *cache, const struct line_layout *layout,
                               const char *at, const char *end, uint32_t *newlines)
{
    struct batch_table *table = layout->table;
    uint32_t row = batch_row_begin(cache->batch, table);

    if (row == UINT32_MAX)
        return NULL;
    for (uint32_t i = 0;; at++) {
        const struct line_expected *expected = &layout->fields[i];
        union cell *cell = &table->columns[expected->column][row];

        if (at >= end || !is_name(expected, at, end))
            return NULL;
        at += expected->text.size;
        if (expected->type == TYPE_F64)
            at = take_f64(at, cell);
        else if (expected->type == TYPE_I64)
            at = take_i64(at, cell);
        else if (expected->type == TYPE_STRING)
            at = take_string(cache, at, end, newlines, cell);
        else
            at = take_scalar(at, expected->type, cell);
        if (at == NULL)
            return NULL;
        if (++i == layout->field_count)
            return *at == ',' ? NULL : at;
        if (*at != ',')
            return NULL;
    }
}

static bool scale(const struct line_cache *cache, int64_t *time)
{
    int64_t unit_ns = cache->unit_ns;

    if (unit_ns == 0)
        unit_ns = time_unit_ns(time_unit_guess(*time));
    return !__builtin_mul_overflow(*time, unit_ns, time);
}

/* The time at `at`, a line's last part; where it ends, or NULL when it is not plain. */
static const char *take_time(const struct line_cache *cache, const char *at, int64_t *time)
{
    bool negative = *at == '-';
    unsigned count;
    uint64_t digits;
    int64_t value;

    at += negative;
    digits = line_digits(&at, &count);
    if (count == 0 || count > DIGITS_MAX || digits > (uint64_t)INT64_MAX)
        return NULL;
    value = negative ? -(int64_t)digits : (int64_t)digits;
    if (cache->unit_ns != 1 && !scale(cache, &value))
        return NULL;
    if (value == INT64_MAX || value < INT64_MIN + 2)
        return NULL;
    *time = value;
    return at;
}

const char *line_cache_take(struct line_cache *cache, const char *line, const char *end,
                            uint32_t number, uint32_t *newlines)
{
    struct line_head head = expect_head(cache, line, end);
    struct line_series *series = head.series;
    struct line_layout *layout = head.layout;
    const char *from, *at = NULL;
    uint32_t inner = 0;
    bool timed;
    int64_t time = 0;

    if (layout == NULL)
        return NULL;
    from = line + head.text.size + 1;
    at = take_fields(cache, layout, from, end, &inner);
    if (at == NULL && layout->other != NULL) {
        layout = layout->other;
        inner = 0;
        at = take_fields(cache, layout, from, end, &inner);
    }
    if (at == NULL)
        return NULL;
    timed = *at == ' ';
    if (timed) {
        at = take_time(cache, at + 1, &time);
        if (at == NULL)
            return NULL;
    }
    at += *at == '\r';
    if (*at != '\n' || (uint64_t)(at - line) > cache->options.limits->line_bytes_max)
        return NULL;
    if (series == NULL)
        series = new_series(cache, &head, layout->table);
    if (series == NULL)
        return NULL;
    if (!timed)
        time = batch_untimed(cache->batch, series->index, cache->options.now_ns);
    batch_row_done(cache->batch, layout->table, series->index, number, time);
    series->layout = layout;
    line_cache_came(cache, series);
    *newlines += inner;
    return at + 1;
}
