#include "query/aggregate.h"

#include <assert.h>
#include <math.h>

static bool holds(const struct rows_column *column, uint32_t row)
{
    return !column->present || column->present[row];
}

/* --- count --- */

struct count_state {
    uint64_t count;
    uint64_t unused;
};

static bool count_add(void *state, const struct part_input *input)
{
    struct count_state *count = state;
    const uint8_t *present = input->column->present;
    uint64_t sum = 0;

    if (!present)
        sum = input->end - input->first;
    else
        for (uint32_t i = input->first; i < input->end; i++)
            sum += present[i];
    count->count += sum;
    return true;
}

static void count_take(void *state, const struct part_summary *input)
{
    ((struct count_state *)state)->count += input->summary->valid_count;
}

static void count_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    *datum =
        (struct datum){.type = TYPE_U64, .cell.u64 = ((const struct count_state *)state)->count};
}

/* --- sum and mean --- */

struct sum_state {
    wide integer;     /* of the i64 and u64; 2^64 of them fit */
    double high, low; /* of the f64: their sum is high + low */
    uint64_t integer_count, real_count;
};

/* high + low += value, exactly but for what falls below low's last place (Knuth's two-sum). */
static inline void sum_real(double *high, double *low, double value)
{
    double sum = *high + value;
    double part = sum - *high;

    *low += (*high - (sum - part)) + (value - part);
    *high = sum;
}

static void sum_reals(struct sum_state *sum, const struct part_input *input)
{
    const union cell *cells = input->column->cells;
    double high = sum->high, low = sum->low;
    uint64_t count = 0;

    for (uint32_t i = input->first; i < input->end; i++) {
        if (!holds(input->column, i))
            continue;
        sum_real(&high, &low, cells[i].f64);
        count++;
    }
    sum->high = high;
    sum->low = low;
    sum->real_count += count;
}

static bool sum_add(void *state, const struct part_input *input)
{
    struct sum_state *sum = state;
    const union cell *cells = input->column->cells;
    bool is_signed = input->column->type == TYPE_I64;

    if (input->column->type == TYPE_F64) {
        sum_reals(sum, input);
        return true;
    }
    for (uint32_t i = input->first; i < input->end; i++) {
        if (!holds(input->column, i))
            continue;
        sum->integer += is_signed ? (wide)cells[i].i64 : (wide)cells[i].u64;
        sum->integer_count++;
    }
    return true;
}

static void sum_take(void *state, const struct part_summary *input)
{
    const struct column_summary *summary = input->summary;
    struct sum_state *sum = state;

    if (input->type == TYPE_F64) {
        sum_real(&sum->high, &sum->low, summary->sum.f64.high);
        sum->low += summary->sum.f64.low;
        sum->real_count += summary->valid_count;
        return;
    }
    /* Modulo 2^128, so that the sign of the high word needs no care. */
    sum->integer +=
        (wide)((unsigned_wide)(uint64_t)summary->sum.integer.high << 64 | summary->sum.integer.low);
    sum->integer_count += summary->valid_count;
}

/* The sum as high + low, both parts normalised. */
static void sum_total(const struct sum_state *sum, double *high, double *low)
{
    double integer_high = (double)sum->integer;
    double integer_low = (double)(sum->integer - (wide)integer_high);

    *high = sum->high;
    *low = sum->low;
    sum_real(high, low, integer_high);
    *low += integer_low;
    integer_high = *high + *low;
    *low = *low - (integer_high - *high);
    *high = integer_high;
}

static void put_real(double value, struct datum *datum)
{
    *datum = (struct datum){.type = isfinite(value) ? TYPE_F64 : TYPE_NONE, .cell.f64 = value};
}

static void sum_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct sum_state *sum = state;
    double high, low;

    (void)call;
    if (sum->real_count == 0) {
        *datum = (struct datum){.type = sum->integer_count ? TYPE_I64 : TYPE_NONE,
                                .is_wide = sum->integer_count > 0,
                                .integer = sum->integer};
        return;
    }
    sum_total(sum, &high, &low);
    put_real(high, datum);
}

static void mean_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct sum_state *sum = state;
    double count = (double)(sum->integer_count + sum->real_count);
    double high, low, mean;

    (void)call;
    *datum = (struct datum){.type = TYPE_NONE};
    if (count == 0)
        return;
    sum_total(sum, &high, &low);
    mean = high / count;
    put_real(mean + (fma(-mean, count, high) + low) / count, datum); /* one step of Newton */
}

/* --- min and max --- */

enum { HAS_F64 = 1, HAS_I64 = 2, HAS_U64 = 4 };

/* One extreme for each type, so that no loop compares across types. */
struct extreme_state {
    double f64;
    int64_t i64;
    uint64_t u64;
    uint64_t has;
};

#define EXTREME_LOOP(member, bit, better)                                                          \
    do {                                                                                           \
        for (uint32_t i = input->first; i < input->end; i++) {                                     \
            if (!holds(input->column, i))                                                          \
                continue;                                                                          \
            if (!(extreme.has & (bit)) || input->column->cells[i].member better extreme.member)    \
                extreme.member = input->column->cells[i].member;                                   \
            extreme.has |= (bit);                                                                  \
        }                                                                                          \
    } while (0)

static bool min_add(void *state, const struct part_input *input)
{
    struct extreme_state extreme = *(struct extreme_state *)state;

    if (input->column->type == TYPE_F64)
        EXTREME_LOOP(f64, HAS_F64, <);
    else if (input->column->type == TYPE_I64)
        EXTREME_LOOP(i64, HAS_I64, <);
    else
        EXTREME_LOOP(u64, HAS_U64, <);
    *(struct extreme_state *)state = extreme;
    return true;
}

static bool max_add(void *state, const struct part_input *input)
{
    struct extreme_state extreme = *(struct extreme_state *)state;

    if (input->column->type == TYPE_F64)
        EXTREME_LOOP(f64, HAS_F64, >);
    else if (input->column->type == TYPE_I64)
        EXTREME_LOOP(i64, HAS_I64, >);
    else
        EXTREME_LOOP(u64, HAS_U64, >);
    *(struct extreme_state *)state = extreme;
    return true;
}

#define EXTREME_TAKE(member, bit, better, cell)                                                    \
    do {                                                                                           \
        if (!(extreme->has & (bit)) || (cell).member better extreme->member)                       \
            extreme->member = (cell).member;                                                       \
        extreme->has |= (bit);                                                                     \
    } while (0)

static void min_take(void *state, const struct part_summary *input)
{
    struct extreme_state *extreme = state;

    if (input->type == TYPE_F64)
        EXTREME_TAKE(f64, HAS_F64, <, input->summary->min);
    else if (input->type == TYPE_I64)
        EXTREME_TAKE(i64, HAS_I64, <, input->summary->min);
    else
        EXTREME_TAKE(u64, HAS_U64, <, input->summary->min);
}

static void max_take(void *state, const struct part_summary *input)
{
    struct extreme_state *extreme = state;

    if (input->type == TYPE_F64)
        EXTREME_TAKE(f64, HAS_F64, >, input->summary->max);
    else if (input->type == TYPE_I64)
        EXTREME_TAKE(i64, HAS_I64, >, input->summary->max);
    else
        EXTREME_TAKE(u64, HAS_U64, >, input->summary->max);
}

/* -1, 0, 1, exactly: an integer against a real. */
static int compare_integer(wide integer, double real)
{
    wide whole;

    if (real >= 0x1p65)
        return -1;
    if (real <= -0x1p65)
        return 1;
    whole = (wide)real;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    return real > (double)whole ? -1 : real < (double)whole;
}

static int compare_data(const struct datum *a, const struct datum *b)
{
    wide integer_a = a->type == TYPE_I64 ? (wide)a->cell.i64 : (wide)a->cell.u64;
    wide integer_b = b->type == TYPE_I64 ? (wide)b->cell.i64 : (wide)b->cell.u64;

    if (a->type == TYPE_F64) /* the other is not: each type stands once */
        return -compare_integer(integer_b, a->cell.f64);
    return integer_a < integer_b ? -1 : integer_a > integer_b;
}

/* The best of the types' extremes: `sign` times it is the least. */
static void extreme_finish(const struct extreme_state *extreme, int sign, struct datum *datum)
{
    const struct {
        uint64_t bit;
        struct datum datum;
    } each[] = {
  /* + 0.0: of the two zeros always the positive one */
        {HAS_F64, {.type = TYPE_F64, .cell.f64 = extreme->f64 + 0.0}},
        {HAS_I64, {.type = TYPE_I64, .cell.i64 = extreme->i64}      },
        {HAS_U64, {.type = TYPE_U64, .cell.u64 = extreme->u64}      },
    };

    *datum = (struct datum){.type = TYPE_NONE};
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        if (!(extreme->has & each[i].bit))
            continue;
        if (datum->type == TYPE_NONE || sign * compare_data(datum, &each[i].datum) > 0)
            *datum = each[i].datum;
    }
}

static void min_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    extreme_finish(state, 1, datum);
}

static void max_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    extreme_finish(state, -1, datum);
}

/* --- first and last --- */

struct end_state {
    int64_t time;
    union cell cell;
    uint32_t type;      /* TYPE_NONE = nothing yet */
    uint32_t text_room; /* bytes at `text`; texts go with their place, so they are copied */
    struct text *text;
};

static bool end_set(struct end_state *end, const struct part_input *input, uint32_t row)
{
    union cell cell = input->column->cells[row];

    if (input->column->type == TYPE_STRING) {
        if (!end->text || end->text_room < cell.text->size) {
            end->text = arena_alloc(input->arena, sizeof(*end->text) + 2 * (size_t)cell.text->size);
            if (!end->text)
                return false;
            end->text_room = 2 * cell.text->size;
        }
        end->text->size = cell.text->size;
        memcpy(end->text->data, cell.text->data, cell.text->size);
        cell.text = end->text;
    }
    end->time = input->time[row];
    end->cell = cell;
    end->type = input->column->type;
    return true;
}

/* Series come in order of id: of one time the first series' value stays. */
static bool first_add(void *state, const struct part_input *input)
{
    struct end_state *end = state;

    for (uint32_t i = input->first; i < input->end; i++) {
        if (!holds(input->column, i))
            continue;
        if (end->type != TYPE_NONE && input->time[i] >= end->time)
            return true;
        return end_set(end, input, i);
    }
    return true;
}

/* Of one time the last series' value stays. */
static bool last_add(void *state, const struct part_input *input)
{
    struct end_state *end = state;

    for (uint32_t i = input->end; i-- > input->first;) {
        if (!holds(input->column, i))
            continue;
        if (end->type != TYPE_NONE && input->time[i] < end->time)
            return true;
        return end_set(end, input, i);
    }
    return true;
}

static void first_take(void *state, const struct part_summary *input)
{
    struct end_state *end = state;

    if (input->summary->row_first != 0 ||
        (end->type != TYPE_NONE && input->time_first >= end->time))
        return;
    end->time = input->time_first;
    end->cell = input->summary->first;
    end->type = input->type;
}

static void last_take(void *state, const struct part_summary *input)
{
    struct end_state *end = state;

    if (input->summary->row_last != input->row_count - 1 ||
        (end->type != TYPE_NONE && input->time_last < end->time))
        return;
    end->time = input->time_last;
    end->cell = input->summary->last;
    end->type = input->type;
}

static void end_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct end_state *end = state;

    (void)call;
    *datum = (struct datum){.type = (enum value_type)end->type, .cell = end->cell};
}

const struct part_row part_rows[PART_KINDS] = {
    [PART_COUNT] = {sizeof(struct count_state),   false, count_add, count_take},
    [PART_SUM] = {sizeof(struct sum_state),     true,  sum_add,   sum_take  },
    [PART_MIN] = {sizeof(struct extreme_state), true,  min_add,   min_take  },
    [PART_MAX] = {sizeof(struct extreme_state), true,  max_add,   max_take  },
    [PART_FIRST] = {sizeof(struct end_state),     false, first_add, first_take},
    [PART_LAST] = {sizeof(struct end_state),     false, last_add,  last_take },
};

static_assert(sizeof(struct count_state) % 16 == 0, "states stand one behind another, aligned");
static_assert(sizeof(struct sum_state) % 16 == 0, "states stand one behind another, aligned");
static_assert(sizeof(struct extreme_state) % 16 == 0, "states stand one behind another, aligned");
static_assert(sizeof(struct end_state) % 16 == 0, "states stand one behind another, aligned");

const struct aggregate aggregate_rows[] = {
    {"count", PART_COUNT, count_finish},
    {"sum",   PART_SUM,   sum_finish  },
    {"min",   PART_MIN,   min_finish  },
    {"max",   PART_MAX,   max_finish  },
    {"mean",  PART_SUM,   mean_finish },
    {"first", PART_FIRST, end_finish  },
    {"last",  PART_LAST,  end_finish  },
};

const size_t aggregate_row_count = COUNT_OF(aggregate_rows);

bool aggregate_call_parse(struct bytes text, struct aggregate_call *call)
{
    for (size_t i = 0; i < aggregate_row_count; i++) {
        if (!bytes_equal(text, bytes_of(aggregate_rows[i].name)))
            continue;
        *call = (struct aggregate_call){&aggregate_rows[i], text};
        return true;
    }
    return false;
}
