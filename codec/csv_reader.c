/* Whole records are taken where they lie; what is left of a piece waits in `carry`, to which the
 * beginning of the next piece is added until a record is whole.  Cells may hold line ends, so a
 * carried record may end later than at the first one: then it is looked at again only when twice
 * as much has come, which keeps the whole linear. */
#include "codec/csv_reader.h"

#include <assert.h>
#include <endian.h>

enum { CELLS_FIRST = 16, LINE_END_SIZE_MAX = 2, CARRY_SLACK = 64 };

enum split { SPLIT_WHOLE, SPLIT_MORE, SPLIT_BAD };

/* One record on its way. */
struct scan {
    struct csv_reader *reader;
    const char *start, *end; /* of what there is */
    const char *at;
    bool final; /* nothing comes behind `end` */
    size_t count;
    bool doubled, memory_out;
    const char *what;
};

static const char byte_order_mark[] = "\xef\xbb\xbf";

void csv_reader_init(struct csv_reader *reader)
{
    reader->cells = NULL;
    reader->cell_capacity = 0;
    reader->carry = BUF_INIT(SIZE_MAX); /* at most two records and a piece */
    reader->plain = BUF_INIT(SIZE_MAX); /* at most a record */
    reader->carry_next = 0;
    reader->line = 1;
    reader->begun = reader->skipping = false;
}

void csv_reader_release(struct csv_reader *reader)
{
    buf_release(&reader->carry);
    buf_release(&reader->plain);
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static bool cells_grow(struct csv_reader *reader)
{
    size_t capacity = reader->cell_capacity == 0 ? CELLS_FIRST : reader->cell_capacity * 2;
    struct csv_cell *cells =
        arena_grow(reader->arena, reader->cells, reader->cell_capacity * sizeof(*cells),
                   capacity * sizeof(*cells));

    if (cells == NULL)
        return false;
    reader->cells = cells;
    reader->cell_capacity = capacity;
    return true;
}

static inline void add_cell(struct scan *scan, struct bytes text, bool quoted, bool doubled)
{
    struct csv_reader *reader = scan->reader;

    if (scan->count < reader->cells_max) {
        if (scan->count == reader->cell_capacity && !cells_grow(reader)) {
            scan->memory_out = true;
            return;
        }
        reader->cells[scan->count].text = text;
        reader->cells[scan->count].quoted = quoted;
        reader->cells[scan->count].doubled = doubled;
        scan->doubled |= doubled;
    }
    scan->count++;
}

/* At what ends a cell: passes the separator (then *more) or the line end. */
static enum split end_cell(struct scan *scan, bool *more)
{
    *more = false;
    if (scan->at == scan->end)
        return scan->final ? SPLIT_WHOLE : SPLIT_MORE;
    *more = *scan->at == scan->reader->separator;
    if (*scan->at == '\r') {
        if (scan->at + 1 == scan->end && !scan->final)
            return SPLIT_MORE;
        scan->at++;
        if (scan->at == scan->end)
            return SPLIT_WHOLE;
    }
    if (!*more && *scan->at != '\n') {
        scan->what =
            "behind the quote that closes a cell stands neither a separator nor the line's "
            "end; within a cell a quote is written \"\"";
        return SPLIT_BAD;
    }
    scan->at++;
    return SPLIT_WHOLE;
}

static enum split take_quoted(struct scan *scan, bool *more)
{
    const char *first = ++scan->at;
    bool doubled = false;

    for (;; scan->at += 2, doubled = true) {
        const char *quote = memchr(scan->at, '"', (size_t)(scan->end - scan->at));

        if (quote == NULL || (quote + 1 == scan->end && !scan->final))
            return SPLIT_MORE;
        scan->at = quote;
        if (quote + 1 == scan->end || quote[1] != '"')
            break;
    }
    add_cell(scan, (struct bytes){first, (size_t)(scan->at - first)}, true, doubled);
    scan->at++;
    return end_cell(scan, more);
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where a cell without quotes ends: at the separator, a line end or a quote.  Eight bytes at a
 * time, since most cells have fewer: their lengths are not to be guessed by the processor. */
static inline const char *plain_end(const char *at, const char *end, char separator)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
    const uint64_t separators = ones * (unsigned char)separator;

    for (; (size_t)(end - at) >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word, cell, line, quote, stop;

        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        cell = word ^ separators;
        line = word ^ (ones * '\n');
        quote = word ^ (ones * '"');
        stop =
            (((cell - ones) & ~cell) | ((line - ones) & ~line) | ((quote - ones) & ~quote)) & tops;
        if (stop != 0) /* marks above the lowest may be carries; the lowest is true */
            return at + (unsigned)__builtin_ctzll(stop) / 8;
    }
    while (at < end && *at != separator && *at != '\n' && *at != '"')
        at++;
    return at;
}

static enum split take_plain(struct scan *scan, bool *more)
{
    const char separator = scan->reader->separator;
    const char *first = scan->at, *end = scan->end, *last;
    const char *at = plain_end(first, end, separator);

    scan->at = at;
    if (at == end && !scan->final)
        return SPLIT_MORE;
    if (at < end && *at == '"') {
        scan->what = "a quote stands within a cell that does not begin with one; write the cell as "
                     "\"...\" and the quote as \"\"";
        return SPLIT_BAD;
    }
    *more = at < end && *at == separator;
    last = at;
    if (!*more && last > first && last[-1] == '\r')
        last--;
    while (first < last && is_blank(*first))
        first++;
    while (first < last && is_blank(last[-1]))
        last--;
    add_cell(scan, (struct bytes){first, (size_t)(last - first)}, false, false);
    scan->at += at < end;
    return SPLIT_WHOLE;
}

/* From scan->start on; SPLIT_WHOLE leaves `at` behind the record. */
static enum split split(struct scan *scan)
{
    bool more = true;
    enum split result = SPLIT_WHOLE;

    scan->at = scan->start;
    scan->count = 0;
    while (more && result == SPLIT_WHOLE)
        result = scan->at < scan->end && *scan->at == '"' ? take_quoted(scan, &more)
                                                          : take_plain(scan, &more);
    return result;
}

/* Makes each "" of the cells one quote. */
static bool undouble(struct csv_reader *reader, size_t count, size_t size)
{
    char *out;

    buf_clear(&reader->plain);
    out = buf_extend(&reader->plain, size);
    if (out == NULL)
        return false;
    count = count < reader->cells_max ? count : reader->cells_max;
    for (size_t i = 0; i < count; i++) {
        struct csv_cell *cell = &reader->cells[i];
        const char *from = cell->text.data, *end = from + cell->text.size, *first = out;

        if (!cell->doubled)
            continue;
        while (from < end) {
            from += *from == '"';
            *out++ = *from++;
        }
        cell->text = (struct bytes){first, (size_t)(out - first)};
    }
    return true;
}

static uint32_t count_line_ends(const char *at, const char *end)
{
    uint32_t count = 0;

    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        count++;
    }
    return count;
}

static enum code give_fault(struct csv_reader *reader, enum code fault, const char *what,
                            size_t column, struct error *err)
{
    struct csv_record record = {
        .line = reader->line, .fault = fault, .what = what, .column = column};

    return reader->take(reader->context, &record, err);
}

static enum code give(struct scan *scan, const char *readable_end, struct error *err)
{
    struct csv_reader *reader = scan->reader;
    struct csv_record record = {
        .line = reader->line,
        .cells = reader->cells,
        .count = scan->count,
        .readable_end = readable_end,
    };

    if (scan->count == 1 && reader->cells[0].text.size == 0 && !reader->cells[0].quoted)
        return OK;
    if (scan->doubled && !undouble(reader, scan->count, (size_t)(scan->at - scan->start)))
        return no_memory(err);
    return reader->take(reader->context, &record, err);
}

/* A record that cannot be split: told, and passed up to its first line end, `newline` (NULL: none
 * in sight, so that the rest is to be skipped). */
static enum code give_bad(struct scan *scan, const char *newline, enum split result, size_t size,
                          struct error *err)
{
    struct csv_reader *reader = scan->reader;
    enum code code;

    if (result == SPLIT_BAD)
        code = give_fault(reader, E_SYNTAX, scan->what, (size_t)(scan->at - scan->start) + 1, err);
    else if (newline == NULL && size > reader->record_bytes_max)
        code = give_fault(reader, E_LINE_LONG, "the line is longer than allowed", 0, err);
    else
        code = give_fault(reader, E_SYNTAX,
                          "a quoted cell is not closed before the record's limit or the body's end",
                          0, err);
    reader->skipping = newline == NULL;
    scan->at = newline == NULL ? scan->end : newline + 1;
    reader->line += newline != NULL;
    return code;
}

/* Takes one record; *taken = 0 when its end has not come yet. */
static enum code take_record(struct csv_reader *reader, struct bytes text, size_t slack, bool final,
                             size_t *taken, struct error *err)
{
    size_t seen_max = reader->record_bytes_max + LINE_END_SIZE_MAX;
    size_t seen = text.size > seen_max ? seen_max : text.size;
    struct scan scan = {
        .reader = reader,
        .start = text.data,
        .end = text.data + seen,
        .final = final && text.size < seen_max, /* so that it is of no matter how it came */
    };
    enum split result = split(&scan);
    const char *newline;
    enum code code;

    *taken = 0;
    if (scan.memory_out)
        return no_memory(err);
    if (result == SPLIT_WHOLE) {
        size_t size = (size_t)(scan.at - scan.start);

        size -= size > 0 && scan.at[-1] == '\n';
        size -= size > 0 && scan.start[size - 1] == '\r';
        if (size > reader->record_bytes_max)
            code = give_fault(reader, E_LINE_LONG, "the line is longer than allowed", 0, err);
        else
            code = give(&scan, text.data + text.size + slack, err);
        reader->line += count_line_ends(scan.start, scan.at);
        *taken = (size_t)(scan.at - scan.start);
        return code;
    }
    newline = memchr(text.data, '\n', seen);
    if (seen < seen_max && !final && (result == SPLIT_MORE || newline == NULL))
        return OK;
    code = give_bad(&scan, newline, result, seen, err);
    *taken = (size_t)(scan.at - scan.start);
    return code;
}

/* The rest of a line that was too long. */
static size_t skip(struct csv_reader *reader, struct bytes text)
{
    const char *newline = memchr(text.data, '\n', text.size);

    if (newline == NULL)
        return text.size;
    reader->skipping = false;
    reader->line++;
    return (size_t)(newline - text.data) + 1;
}

/* Takes the records of `text` that are whole; *taken is their size.  `slack` bytes can be read
 * behind it. */
static enum code take_records(struct csv_reader *reader, struct bytes text, size_t slack,
                              bool final, size_t *taken, struct error *err)
{
    size_t at = 0;
    enum code code = OK;

    if (!reader->begun && text.size > 0) {
        size_t mark = sizeof(byte_order_mark) - 1, seen = text.size < mark ? text.size : mark;
        bool same = memcmp(text.data, byte_order_mark, seen) == 0;

        *taken = 0;
        if (same && seen < mark && !final)
            return OK;
        reader->begun = true;
        at = same && seen == mark ? mark : 0;
    }
    while (code == OK && at < text.size) {
        struct bytes rest = bytes_slice(text, at, text.size);
        size_t size;

        if (reader->skipping) {
            at += skip(reader, rest);
            continue;
        }
        code = take_record(reader, rest, slack, final, &size, err);
        if (size == 0)
            break;
        at += size;
    }
    *taken = at;
    return code;
}

static size_t first_line_end(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

    return newline == NULL ? text.size : (size_t)(newline - text.data);
}

/* Adds to the carry, with the slack behind it. */
static enum code carry_add(struct csv_reader *reader, struct bytes part, struct error *err)
{
    struct buf *carry = &reader->carry;

    buf_put(carry, part);
    if (buf_extend(carry, CARRY_SLACK) == NULL)
        return no_memory(err);
    carry->size -= CARRY_SLACK;
    memset(carry->data + carry->size, 0, CARRY_SLACK);
    return OK;
}

static enum code carry_take(struct csv_reader *reader, bool final, struct error *err)
{
    struct buf *carry = &reader->carry;
    size_t taken = 0;
    enum code code = take_records(reader, buf_bytes(carry), CARRY_SLACK, final, &taken, err);

    if (code)
        return code;
    assert(!final || taken == carry->size);
    reader->carry_next = taken == 0 ? 2 * carry->size : 0;
    carry->size -= taken;
    memmove(carry->data, carry->data + taken, carry->size + CARRY_SLACK);
    return OK;
}

/* How much of the piece to add to the carry before it is looked at. */
static size_t carry_wants(const struct csv_reader *reader, struct bytes piece)
{
    size_t size;

    if (reader->carry_next > reader->carry.size)
        size = reader->carry_next - reader->carry.size;
    else
        size = first_line_end(piece) + 1;
    return size < piece.size ? size : piece.size;
}

enum code csv_reader_feed(struct csv_reader *reader, struct bytes piece, struct error *err)
{
    size_t taken;
    enum code code;

    while (reader->carry.size > 0 && piece.size > 0) {
        size_t size = carry_wants(reader, piece);
        bool line_end = piece.data[size - 1] == '\n';

        code = carry_add(reader, bytes_slice(piece, 0, size), err);
        if (code)
            return code;
        piece = bytes_slice(piece, size, piece.size);
        if (reader->carry_next == 0
                ? !line_end && reader->carry.size < reader->record_bytes_max + LINE_END_SIZE_MAX
                : reader->carry.size < reader->carry_next)
            return OK;
        code = carry_take(reader, false, err);
        if (code)
            return code;
    }
    if (piece.size == 0)
        return OK;
    code = take_records(reader, piece, 0, false, &taken, err);
    if (code || taken == piece.size)
        return code;
    piece = bytes_slice(piece, taken, piece.size);
    reader->carry_next = first_line_end(piece) < piece.size ? 2 * piece.size : 0;
    return carry_add(reader, piece, err);
}

enum code csv_reader_finish(struct csv_reader *reader, struct error *err)
{
    return reader->carry.size == 0 ? OK : carry_take(reader, true, err);
}

void csv_reader_drop(struct csv_reader *reader)
{
    buf_clear(&reader->carry);
    reader->carry_next = 0;
}
