/* The aggregates of the naive evaluator that are more than a walk: by their definitions, in 113
 * bits.  Included by naive.c. */

/* Whether the two are one value: numbers as numbers. */
static bool naive_same(const struct naive_value *a, const struct naive_value *b)
{
    if (value_kind(a->type) != value_kind(b->type))
        return false;
    if (a->type == TYPE_STRING)
        return bytes_equal(text_bytes(a->cell.text), text_bytes(b->cell.text));
    if (a->type == TYPE_BOOL)
        return a->cell.u64 == b->cell.u64;
    return real_of(a) == real_of(b);
}

/* Numbers, then bools, then texts. */
static bool naive_less(const struct naive_value *a, const struct naive_value *b)
{
    bool numbers = value_kind(a->type) == KIND_NUMBER && value_kind(b->type) == KIND_NUMBER;

    if (numbers)
        return real_of(a) < real_of(b);
    if (a->type != b->type)
        return a->type < b->type;
    if (a->type == TYPE_STRING)
        return bytes_compare(text_bytes(a->cell.text), text_bytes(b->cell.text)) < 0;
    return a->cell.u64 < b->cell.u64;
}

static struct naive_value naive_distinct(const struct naive_cell *cells, uint32_t count)
{
    uint64_t different = 0;

    for (uint32_t i = 0; i < count; i++) {
        bool seen = false;

        for (uint32_t j = 0; j < i; j++)
            seen |= naive_same(&cells[i].value, &cells[j].value);
        different += !seen;
    }
    return (struct naive_value){.type = TYPE_U64, .cell.u64 = different};
}

static struct naive_value naive_mode(const struct naive_cell *cells, uint32_t count)
{
    struct naive_value best = {.type = TYPE_NONE};
    uint32_t best_times = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct naive_value value = cells[i].value;
        uint32_t times = 0;

        for (uint32_t j = 0; j < count; j++) {
            if (!naive_same(&value, &cells[j].value))
                continue;
            times++;
            if (cells[j].value.type < value.type)
                value = cells[j].value;
        }
        if (times > best_times || (times == best_times && naive_less(&value, &best))) {
            best = value;
            best_times = times;
        }
    }
    if (best.type == TYPE_F64 && best.cell.f64 == 0)
        best.cell.f64 = 0;
    return best;
}

static struct naive_value naive_variance(const struct naive_cell *cells, uint32_t count)
{
    naive_real sum = 0, squares = 0;
    uint32_t numbers = 0;

    for (uint32_t i = 0; i < count; i++)
        if (value_kind(cells[i].value.type) == KIND_NUMBER) {
            sum += real_of(&cells[i].value);
            numbers++;
        }
    if (numbers < 2)
        return (struct naive_value){.type = TYPE_NONE};
    for (uint32_t i = 0; i < count; i++)
        if (value_kind(cells[i].value.type) == KIND_NUMBER) {
            naive_real distance = real_of(&cells[i].value) - sum / numbers;

            squares += distance * distance;
        }
    return real_value(squares / (numbers - 1));
}

static int compare_f64(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* At the rank of `part` / 1000 of the way, between the two doubles that stand nearest. */
static struct naive_value naive_quantile(const struct naive_cell *cells, uint32_t count,
                                         uint32_t part)
{
    double *numbers = malloc((count + 1) * sizeof(*numbers));
    struct naive_value answer = {.type = TYPE_NONE};
    uint32_t n = 0, at, rest;

    assert(numbers);
    for (uint32_t i = 0; i < count; i++)
        if (value_kind(cells[i].value.type) == KIND_NUMBER)
            numbers[n++] = (double)real_of(&cells[i].value);
    qsort(numbers, n, sizeof(*numbers), compare_f64);
    at = n ? (n - 1) * part / 1000 : 0;
    rest = n ? (n - 1) * part % 1000 : 0;
    if (n > 0 && rest == 0)
        answer = real_value(numbers[at]);
    else if (n > 0)
        answer = real_value(numbers[at] +
                            ((naive_real)numbers[at + 1] - (naive_real)numbers[at]) * rest / 1000);
    free(numbers);
    return answer;
}

/* What a later value of a counter adds: after a drop all of it. */
static naive_real naive_rise(const struct naive_cell *cell)
{
    naive_real value = real_of(&cell->value), rise = value - real_of(&cell->before);

    if (rise >= 0)
        return rise;
    return value > 0 ? value : 0;
}

static naive_real naive_ns(const struct naive_cell *cell)
{
    return (naive_real)cell->time - (naive_real)cell->time_before;
}

/* Series by series, in each unit of time if there is one: what a counter rose by, or from the value
 * before the first change to the last. */
static struct naive_value naive_change(const struct naive_cell *cells, uint32_t count, bool counter,
                                       double unit_ns)
{
    naive_real total = 0;
    naive_integer integer = 0;
    bool any = false, integers = true;

    for (uint32_t i = 0; i < count;) {
        uint32_t series = cells[i].series;
        naive_real change = 0, ns = 0;
        const struct naive_cell *first = NULL, *last = NULL;

        for (; i < count && cells[i].series == series; i++) {
            if (value_kind(cells[i].value.type) != KIND_NUMBER || !cells[i].before.type)
                continue;
            any = true;
            first = first ? first : &cells[i];
            last = &cells[i];
            integers &=
                !counter || (cells[i].value.type != TYPE_F64 && cells[i].before.type != TYPE_F64);
            change += naive_rise(&cells[i]);
            ns += naive_ns(&cells[i]);
            if (integers && counter)
                integer += (naive_integer)naive_rise(&cells[i]);
        }
        if (last && !counter) {
            change = real_of(&last->value) - real_of(&first->before);
            integers &= last->value.type != TYPE_F64 && first->before.type != TYPE_F64;
            if (integers)
                integer += (naive_integer)change;
        }
        if (ns > 0)
            total += unit_ns > 0 ? change / ns * (naive_real)unit_ns : change;
    }
    if (!any)
        return (struct naive_value){.type = TYPE_NONE};
    if (integers && unit_ns == 0)
        return (struct naive_value){.type = TYPE_I64, .exact = true, .integer = integer};
    return real_value(total);
}

/* The area in each unit; without a unit by its time, or the mean of values without any. */
static struct naive_value naive_area(const struct naive_cell *cells, uint32_t count, double unit_ns)
{
    naive_real area = 0, ns = 0, alone = 0;
    uint32_t numbers = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (value_kind(cells[i].value.type) != KIND_NUMBER)
            continue;
        alone += real_of(&cells[i].value);
        numbers++;
        if (!cells[i].before.type)
            continue;
        area += (real_of(&cells[i].value) + real_of(&cells[i].before)) / 2 * naive_ns(&cells[i]);
        ns += naive_ns(&cells[i]);
    }
    if (ns > 0)
        return real_value(area / (unit_ns > 0 ? (naive_real)unit_ns : ns));
    if (unit_ns > 0 || numbers == 0)
        return (struct naive_value){.type = TYPE_NONE};
    return real_value(alone / numbers);
}

/* "rate(1m)", "rate". */
static bool naive_call(const char *name, const char *aggregate, double *unit_ns)
{
    size_t size = strlen(aggregate);
    char unit = 's';
    int number = 1;

    if (strncmp(name, aggregate, size) != 0 ||
        (name[size] && sscanf(name + size, "(%d%c)", &number, &unit) != 2))
        return false;
    *unit_ns = number * (unit == 'h' ? 3600e9 : unit == 'm' ? 60e9 : 1e9);
    return true;
}

/* False: it is another aggregate. */
static bool naive_more(const char *name, const struct naive_cell *cells, uint32_t count,
                       struct naive_value *value)
{
    double unit_ns;

    if (strcmp(name, "distinct") == 0)
        *value = naive_distinct(cells, count);
    else if (strcmp(name, "mode") == 0)
        *value = naive_mode(cells, count);
    else if (strcmp(name, "variance") == 0 || strcmp(name, "stddev") == 0)
        *value = naive_variance(cells, count);
    else if (strcmp(name, "median") == 0)
        *value = naive_quantile(cells, count, 500);
    else if (name[0] == 'p')
        *value = naive_quantile(cells, count, (uint32_t)(strtod(name + 1, NULL) * 10 + 0.5));
    else if (strcmp(name, "increase") == 0 || strcmp(name, "delta") == 0)
        *value = naive_change(cells, count, name[0] == 'i', 0);
    else if (naive_call(name, "rate", &unit_ns) || naive_call(name, "derivative", &unit_ns))
        *value = naive_change(cells, count, name[0] == 'r', unit_ns);
    else if (strcmp(name, "time_weighted_mean") == 0)
        *value = naive_area(cells, count, 0);
    else if (naive_call(name, "integral", &unit_ns))
        *value = naive_area(cells, count, unit_ns);
    else
        return false;
    if (strcmp(name, "stddev") == 0 && value->type)
        value->cell.f64 = sqrt(value->cell.f64);
    return true;
}
