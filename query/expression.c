/* Precedence climbing over two levels; the depth of recursion is bounded by EXPRESSION_DEPTH_MAX,
 * which also bounds the stack of an evaluation: a level of parentheses holds at most two values
 * that wait (one of a sum, one of a product). */
#include "query/expression.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/number.h"

struct parser {
    struct bytes text;
    size_t at;
    struct arena *arena;
    struct expression *expression;
    struct bytes *names;
    uint32_t depth;
    struct error *err;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the question");
}

/* --- names --- */

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool goes_on(char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '.';
}

/* Whether a backslash stands before a character that it takes its meaning from. */
static bool is_escape(struct bytes text, size_t at)
{
    return text.data[at] == '\\' && at + 1 < text.size &&
           (text.data[at + 1] == '"' || text.data[at + 1] == '\\');
}

/* Room is taken for the name alone: of a long text with many names it would be much. */
static enum code read_quoted(struct bytes text, struct arena *arena, struct bytes *name,
                             size_t *size, struct error *err)
{
    size_t end = 1, n = 0;
    char *to;

    while (end < text.size && text.data[end] != '"')
        end += is_escape(text, end) ? 2 : 1;
    if (end == text.size)
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\": the closing quote is missing",
                         BYTES_ARG(text));
    to = arena_alloc(arena, end);
    if (!to)
        return no_memory(err);
    for (size_t at = 1; at < end; at++) {
        at += is_escape(text, at);
        to[n++] = text.data[at];
    }
    *name = (struct bytes){to, n};
    *size = end + 1;
    return OK;
}

enum code name_read(struct bytes text, struct arena *arena, struct bytes *name, size_t *size,
                    struct error *err)
{
    size_t end = 0;

    if (text.size > 0 && text.data[0] == '"')
        return read_quoted(text, arena, name, size, err);
    if (text.size > 0 && begins_name(text.data[0]))
        while (end < text.size && goes_on(text.data[end]))
            end++;
    *name = bytes_slice(text, 0, end);
    *size = end;
    return OK;
}

/* --- text to steps --- */

static struct bytes rest(const struct parser *parser)
{
    return bytes_slice(parser->text, parser->at, parser->text.size);
}

/* The next character that is no space; '\0' at the end. */
static char peek(struct parser *parser)
{
    while (parser->at < parser->text.size && parser->text.data[parser->at] == ' ')
        parser->at++;
    return parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
}

static enum code refuse(const struct parser *parser, const char *want)
{
    if (parser->at >= parser->text.size)
        return error_set(parser->err, E_BAD_PARAMETER, "\"%.*s\" ends where %s is wanted",
                         BYTES_ARG(parser->text), want);
    return error_set(parser->err, E_BAD_PARAMETER, "\"%.*s\" at byte %zu: want %s",
                     BYTES_ARG(parser->text), parser->at + 1, want);
}

static enum code add_step(struct parser *parser, struct expression_step step)
{
    struct expression *expression = parser->expression;

    if (expression->step_count == EXPRESSION_STEPS_MAX)
        return error_set(parser->err, E_BAD_PARAMETER,
                         "it has more than %d operands and operations; want it in parts, as in "
                         "let=a=x*y and let=b=a+z",
                         EXPRESSION_STEPS_MAX);
    expression->steps[expression->step_count++] = step;
    return OK;
}

static enum code add_field(struct parser *parser, struct bytes name)
{
    uint32_t index = 0, count = parser->expression->name_count;

    while (index < count && !bytes_equal(parser->names[index], name))
        index++;
    if (index == count) /* there is a step for each name, so there is room */
        parser->names[parser->expression->name_count++] = name;
    return add_step(parser, (struct expression_step){EXPRESSION_FIELD, index, 0});
}

static size_t digits_size(struct bytes text, size_t at)
{
    size_t end = at;

    while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9')
        end++;
    return end - at;
}

static size_t number_size(struct bytes text)
{
    size_t end = digits_size(text, 0), exponent;

    if (end < text.size && text.data[end] == '.')
        end += 1 + digits_size(text, end + 1);
    if (end < text.size && (text.data[end] == 'e' || text.data[end] == 'E')) {
        exponent = end + 1;
        if (exponent < text.size && (text.data[exponent] == '+' || text.data[exponent] == '-'))
            exponent++;
        if (digits_size(text, exponent) > 0)
            end = exponent + digits_size(text, exponent);
    }
    return end;
}

static enum code read_number(struct parser *parser)
{
    struct bytes text = bytes_slice(rest(parser), 0, number_size(rest(parser)));
    double number;

    if (number_parse_f64(text, &number))
        return refuse(parser, "a number within the range of f64");
    if (parser->at + text.size < parser->text.size &&
        goes_on(parser->text.data[parser->at + text.size]))
        return refuse(parser, "a number, or a name in double quotes");
    parser->at += text.size;
    return add_step(parser, (struct expression_step){EXPRESSION_NUMBER, 0, number});
}

static enum code parse_sum(struct parser *parser);

static enum code deeper(struct parser *parser)
{
    parser->at++;
    if (parser->depth++ < EXPRESSION_DEPTH_MAX)
        return OK;
    return error_set(parser->err, E_BAD_PARAMETER,
                     "more than %d parentheses and minus signs stand within each other",
                     EXPRESSION_DEPTH_MAX);
}

/* A number, a field, a minus sign or parentheses. */
static enum code parse_operand(struct parser *parser)
{
    char c = peek(parser);
    struct bytes name;
    size_t size;
    enum code code;

    if (c == '-' || c == '(') {
        code = deeper(parser);
        if (!code)
            code = c == '-' ? parse_operand(parser) : parse_sum(parser);
        if (code)
            return code;
        parser->depth--;
        if (c == '-')
            return add_step(parser, (struct expression_step){.op = EXPRESSION_NEGATE});
        if (peek(parser) != ')')
            return refuse(parser, "an operator or a closing parenthesis");
        parser->at++;
        return OK;
    }
    if ((c >= '0' && c <= '9') || c == '.')
        return read_number(parser);
    code = name_read(rest(parser), parser->arena, &name, &size, parser->err);
    if (code)
        return code;
    if (size == 0)
        return refuse(parser, "a number, a field's name or a parenthesis");
    parser->at += size;
    return add_field(parser, name);
}

static enum code parse_product(struct parser *parser)
{
    enum code code = parse_operand(parser);

    while (!code) {
        char c = peek(parser);

        if (c != '*' && c != '/')
            return OK;
        parser->at++;
        code = parse_operand(parser);
        if (!code)
            code = add_step(parser, (struct expression_step){.op = c == '*' ? EXPRESSION_MULTIPLY
                                                                            : EXPRESSION_DIVIDE});
    }
    return code;
}

static enum code parse_sum(struct parser *parser)
{
    enum code code = parse_product(parser);

    while (!code) {
        char c = peek(parser);

        if (c != '+' && c != '-')
            return OK;
        parser->at++;
        code = parse_product(parser);
        if (!code)
            code = add_step(parser, (struct expression_step){.op = c == '+' ? EXPRESSION_ADD
                                                                            : EXPRESSION_SUBTRACT});
    }
    return code;
}

static uint32_t depth_of(const struct expression *expression)
{
    uint32_t depth = 0, top = 0;

    for (uint32_t i = 0; i < expression->step_count; i++) {
        if (expression->steps[i].op <= EXPRESSION_FIELD)
            depth = ++top > depth ? top : depth;
        else if (expression->steps[i].op != EXPRESSION_NEGATE)
            top--;
    }
    assert(top == 1 && depth <= EXPRESSION_STACK_MAX);
    return depth;
}

enum code expression_parse(struct bytes text, struct arena *arena, struct expression *expression,
                           struct error *err)
{
    struct parser parser = {.text = text, .arena = arena, .expression = expression, .err = err};
    enum code code;

    *expression = (struct expression){0};
    expression->steps = ARENA_ARRAY(arena, struct expression_step, EXPRESSION_STEPS_MAX);
    parser.names = ARENA_ARRAY(arena, struct bytes, EXPRESSION_STEPS_MAX + 1);
    if (!expression->steps || !parser.names)
        return no_memory(err);
    expression->names = parser.names;
    code = parse_sum(&parser);
    if (!code && peek(&parser) != '\0')
        code = refuse(&parser, "one of the operators + - * /");
    else if (!code && parser.at < text.size)
        code = refuse(&parser, "no zero byte");
    if (code)
        return code;
    if (expression->name_count == 0)
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\" names no field; want one at least",
                         BYTES_ARG(text));
    expression->depth = depth_of(expression);
    return OK;
}

/* --- evaluation --- */

bool expression_stack_init(struct expression_stack *stack, uint32_t depth, struct arena *arena)
{
    stack->values = arena_alloc(arena, depth * sizeof(*stack->values));
    stack->present = arena_alloc(arena, depth * sizeof(*stack->present));
    stack->depth = depth;
    return stack->values && stack->present;
}

static double number_of(enum value_type type, union cell cell)
{
    return type == TYPE_F64 ? cell.f64 : type == TYPE_I64 ? (double)cell.i64 : (double)cell.u64;
}

/* A loop for each type, and none of them with a branch: several rows are taken at once. */
#define LOAD(member)                                                                               \
    do {                                                                                           \
        for (uint32_t i = 0; has && i < count; i++)                                                \
            values[i] = has[i] ? (double)cells[i].member : values[i];                              \
        for (uint32_t i = 0; !has && i < count; i++)                                               \
            values[i] = (double)cells[i].member;                                                   \
    } while (0)

/* Adds the column's rows [first, first + count) to what others of the field left open. */
static void load_column(const struct rows_column *column, uint32_t first, uint32_t count,
                        double *values, uint8_t *present)
{
    const union cell *cells = column->cells + first;
    const uint8_t *has = column->present ? column->present + first : NULL;

    if (column->type == TYPE_F64)
        LOAD(f64);
    else if (column->type == TYPE_I64)
        LOAD(i64);
    else
        LOAD(u64);
    if (!has)
        memset(present, 1, count);
    for (uint32_t i = 0; has && i < count; i++)
        present[i] |= has[i];
}

static void load(const struct rows_column *columns, uint32_t column_count, uint32_t field,
                 uint32_t first, uint32_t count, double *values, uint8_t *present)
{
    memset(values, 0, count * sizeof(*values));
    memset(present, 0, count);
    for (uint32_t i = 0; i < column_count; i++)
        if (columns[i].field == field && value_kind(columns[i].type) == KIND_NUMBER)
            load_column(&columns[i], first, count, values, present);
}

#define COMBINE(operator)                                                                          \
    do {                                                                                           \
        for (uint32_t i = 0; i < count; i++)                                                       \
            a[i] = a[i] operator b[i];                                                             \
    } while (0)

static void combine(enum expression_op op, double *a, const double *b, uint32_t count)
{
    if (op == EXPRESSION_ADD)
        COMBINE(+);
    else if (op == EXPRESSION_SUBTRACT)
        COMBINE(-);
    else if (op == EXPRESSION_MULTIPLY)
        COMBINE(*);
    else
        COMBINE(/);
}

/* At most EXPRESSION_ROWS rows. */
static void evaluate_piece(const struct expression *expression, const struct rows_column *columns,
                           uint32_t column_count, uint32_t first, uint32_t count,
                           struct expression_stack *stack)
{
    uint32_t top = 0; /* values on the stack */

    for (uint32_t s = 0; s < expression->step_count; s++) {
        const struct expression_step *step = &expression->steps[s];

        switch (step->op) {
        case EXPRESSION_NUMBER:
            assert(top < stack->depth);
            for (uint32_t i = 0; i < count; i++)
                stack->values[top][i] = step->number;
            memset(stack->present[top++], 1, count);
            break;
        case EXPRESSION_FIELD:
            assert(top < stack->depth);
            load(columns, column_count, step->field, first, count, stack->values[top],
                 stack->present[top]);
            top++;
            break;
        case EXPRESSION_NEGATE:
            for (uint32_t i = 0; i < count; i++)
                stack->values[top - 1][i] = -stack->values[top - 1][i];
            break;
        case EXPRESSION_ADD:
        case EXPRESSION_SUBTRACT:
        case EXPRESSION_MULTIPLY:
        case EXPRESSION_DIVIDE:
            assert(top >= 2);
            top--;
            combine(step->op, stack->values[top - 1], stack->values[top], count);
            for (uint32_t i = 0; i < count; i++)
                stack->present[top - 1][i] &= stack->present[top][i];
            break;
        }
    }
    assert(top == 1);
}

void expression_evaluate(const struct expression *expression, const struct rows_column *columns,
                         uint32_t column_count, uint32_t first, uint32_t end,
                         struct expression_stack *stack, union cell *cells, uint8_t *present)
{
    for (uint32_t at = first; at < end; at += EXPRESSION_ROWS) {
        uint32_t count = end - at < EXPRESSION_ROWS ? end - at : EXPRESSION_ROWS;

        evaluate_piece(expression, columns, column_count, at, count, stack);
        for (uint32_t i = 0; i < count; i++) {
            double value = stack->values[0][i];
            bool holds = stack->present[0][i] & (fabs(value) <= DBL_MAX);

            cells[at - first + i].f64 = holds ? value : 0;
            present[at - first + i] = holds;
        }
    }
}

void expression_evaluate_row(const struct expression *expression, const struct datum *values,
                             struct datum *result)
{
    double stack[EXPRESSION_STACK_MAX] = {0};
    uint32_t top = 0;

    *result = (struct datum){.type = TYPE_NONE};
    for (uint32_t s = 0; s < expression->step_count; s++) {
        const struct expression_step *step = &expression->steps[s];

        assert(top < EXPRESSION_STACK_MAX || step->op > EXPRESSION_FIELD);
        if (step->op == EXPRESSION_NUMBER) {
            stack[top++] = step->number;
        } else if (step->op == EXPRESSION_FIELD) {
            const struct datum *value = &values[step->field];

            if (value_kind(value->type) != KIND_NUMBER)
                return;
            stack[top++] =
                value->is_wide ? (double)value->integer : number_of(value->type, value->cell);
        } else if (step->op == EXPRESSION_NEGATE) {
            stack[top - 1] = -stack[top - 1];
        } else {
            assert(top >= 2);
            top--;
            combine(step->op, &stack[top - 1], &stack[top], 1);
        }
    }
    assert(top == 1);
    if (isfinite(stack[0]))
        *result = (struct datum){.type = TYPE_F64, .cell.f64 = stack[0]};
}
