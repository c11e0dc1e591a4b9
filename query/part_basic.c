/* count; sum and mean; first and last. */
#include "query/parts.h"

/* --- count --- */

/* Bytes of 0 and 1: eight at a time, summed in the product's highest byte. */
static uint64_t count_ones(const uint8_t *bytes, size_t size)
{
    uint64_t sum = 0, eight;
    size_t i = 0;

    for (; i + sizeof(eight) <= size; i += sizeof(eight)) {
        memcpy(&eight, bytes + i, sizeof(eight));
        sum += eight * 0x0101010101010101u >> 56;
    }
    for (; i < size; i++)
        sum += bytes[i];
    return sum;
}

bool count_add(void *state, const struct part_input *input)
{
    struct count_state *count = state;
    const uint8_t *present = input->column->present;
    uint32_t rows = input->end - input->first;

    count->count += present ? count_ones(present + input->first, rows) : rows;
    return true;
}

void count_take(void *state, const struct part_summary *input)
{
    ((struct count_state *)state)->count += input->summary->valid_count;
}

bool count_merge(void *state, const void *other, struct pool *pool)
{
    (void)pool;
    ((struct count_state *)state)->count += ((const struct count_state *)other)->count;
    return true;
}

void count_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    *datum =
        (struct datum){.type = TYPE_U64, .cell.u64 = ((const struct count_state *)state)->count};
}

/* --- sum and mean --- */

bool sum_add(void *state, const struct part_input *input)
{
    sum_column(state, input->column, input->first, input->end);
    return true;
}

void sum_take(void *state, const struct part_summary *input)
{
    sum_summary(state, input->type, input->summary);
}

bool sum_state_merge(void *state, const void *other, struct pool *pool)
{
    (void)pool;
    sum_merge(state, other);
    return true;
}

void sum_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    sum_datum(state, datum);
}

void mean_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    *datum = (struct datum){.type = TYPE_NONE};
    if (sum_count(state) > 0)
        put_real(real_value(sum_mean(state)), datum);
}

/* --- first and last --- */

static bool end_set(struct end_state *end, enum value_type type, union cell cell, int64_t time,
                    struct pool *pool)
{
    if (type == TYPE_STRING) {
        if (!end->text || end->text_room < cell.text->size) {
            size_t room = 2 * (size_t)cell.text->size;

            end->text = arena_alloc(pool->arena, sizeof(*end->text) + room);
            if (!end->text)
                return false;
            end->text_room = (uint32_t)room;
        }
        end->text->size = cell.text->size;
        memcpy(end->text->data, cell.text->data, cell.text->size);
        cell.text = end->text;
    }
    end->time = time;
    end->cell = cell;
    end->type = type;
    return true;
}

/* Series come in order of id: of one time the first series' value stays. */
static bool is_first(const struct end_state *end, int64_t time)
{
    return end->type == TYPE_NONE || time < end->time;
}

/* Of one time the last series' value stays. */
static bool is_last(const struct end_state *end, int64_t time)
{
    return end->type == TYPE_NONE || time >= end->time;
}

static bool end_put(struct end_state *end, const struct part_input *input, uint32_t row)
{
    return end_set(end, input->column->type, input->column->cells[row], input->time[row],
                   input->pool);
}

bool first_add(void *state, const struct part_input *input)
{
    for (uint32_t i = input->first; i < input->end; i++)
        if (holds(input->column, i))
            return !is_first(state, input->time[i]) || end_put(state, input, i);
    return true;
}

bool last_add(void *state, const struct part_input *input)
{
    for (uint32_t i = input->end; i-- > input->first;)
        if (holds(input->column, i))
            return !is_last(state, input->time[i]) || end_put(state, input, i);
    return true;
}

void first_take(void *state, const struct part_summary *input)
{
    struct end_state *end = state;

    if (input->summary->row_first != 0 || !is_first(end, input->time_first))
        return;
    end->time = input->time_first;
    end->cell = input->summary->first;
    end->type = input->type;
}

void last_take(void *state, const struct part_summary *input)
{
    struct end_state *end = state;

    if (input->summary->row_last != input->row_count - 1 || !is_last(end, input->time_last))
        return;
    end->time = input->time_last;
    end->cell = input->summary->last;
    end->type = input->type;
}

bool first_merge(void *state, const void *other, struct pool *pool)
{
    const struct end_state *from = other;

    if (from->type == TYPE_NONE || !is_first(state, from->time))
        return true;
    return end_set(state, (enum value_type)from->type, from->cell, from->time, pool);
}

bool last_merge(void *state, const void *other, struct pool *pool)
{
    const struct end_state *from = other;

    if (from->type == TYPE_NONE || !is_last(state, from->time))
        return true;
    return end_set(state, (enum value_type)from->type, from->cell, from->time, pool);
}

void end_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct end_state *end = state;

    (void)call;
    *datum = (struct datum){.type = (enum value_type)end->type, .cell = end->cell};
}
