/* Bodies come in pieces that end anywhere.  Whole lines are taken where they lie; what is left
 * of a piece waits in `carry`, to which the beginning of the next piece is added until a line is
 * whole.  A string may hold newlines, so a carried line may end later than at the first one: then
 * it is looked at again only when twice as much has come, which keeps the whole linear.
 *
 * A line that is bad ends at its first newline, whatever quotes it holds: a string that is not
 * closed takes no other line with it. */
#include <assert.h>
#include <stdlib.h>

#include "codec/decoder.h"
#include "codec/line_cache.h"
#include "codec/line_key.h"
#include "codec/line_point.h"

struct decoder {
    struct batch *batch;
    struct line_cache cache;
    struct line_point input;
    struct buf carry;  /* the beginning of a line */
    struct buf key;    /* scratch */
    size_t carry_next; /* look at the carry again when it has this size; 0 = at a newline */
    uint32_t line;     /* number of the line at hand */
    bool skipping;     /* the rest of a line that is too long */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static enum code line_begin(struct batch *batch, const struct decode_options *options,
                            struct decoder **decoder, struct error *err)
{
    struct decoder *made = ARENA_NEW(batch->arena, struct decoder);

    if (made == NULL)
        return no_memory(err);
    made->batch = batch;
    point_init(&made->input.point, batch, options->limits);
    made->input.precision = options->precision;
    line_cache_init(&made->cache, &made->input, options);
    made->carry = BUF_INIT(SIZE_MAX); /* at most two lines and a piece */
    made->line = 1;
    *decoder = made;
    return OK;
}

static void line_free(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    line_cache_release(&decoder->cache);
    buf_release(&decoder->carry);
    point_release(&decoder->input.point);
}

static enum code find_table(struct line_point *input, struct error *err)
{
    struct bytes duplicate;
    enum code code = point_find_table(&input->point, &duplicate);

    if (code == E_DUPLICATE_FIELD)
        return error_set(err, code, "the field \"%.*s\" stands twice: leave one",
                         BYTES_ARG(duplicate));
    return code;
}

static enum code find_series(struct decoder *decoder, struct bytes text,
                             struct line_series **series, struct error *err)
{
    struct batch *batch = decoder->batch;
    struct bytes key, measurement;
    uint32_t index;
    enum code code = OK;

    if (line_key_plain(text, decoder->cache.options.limits, batch->arena, &key, &measurement))
        index = batch_series_add(batch, key, measurement);
    else
        code = point_find_series(&decoder->input.point, &index, err);
    if (code == OK && index == UINT32_MAX)
        code = E_MEMORY;
    if (code)
        return code;
    *series = line_cache_add(&decoder->cache, text, index);
    return *series == NULL ? E_MEMORY : OK;
}

/* One line, which begins at `start`, taken apart.  Nothing of it is in the batch after a failure;
 * E_MEMORY comes without words. */
static enum code take_point(struct decoder *decoder, const char *start, struct bytes line,
                            struct error *err)
{
    struct line_point *input = &decoder->input;
    struct bytes text = {line.data, line_series_size(line)};
    struct line_series *series = line_cache_find(&decoder->cache, text);
    enum code code = OK;

    input->start = start;
    input->line = line;
    point_clear(&input->point);
    if (series != NULL)
        input->point.measurement = series->measurement;
    else
        code = line_parse_series(input, text, err);
    if (code == OK)
        code = line_parse_values(input, text.size, err);
    if (code == OK)
        code = find_table(input, err);
    if (code == OK && series == NULL)
        code = find_series(decoder, text, &series, err);
    if (code == OK)
        code = point_put_row(&input->point, series->index, decoder->line,
                             decoder->cache.options.now_ns);
    if (code)
        return code;
    line_cache_expect(&decoder->cache, series, &input->point);
    line_cache_came(&decoder->cache, series);
    return OK;
}

/* Without spaces around it and the '\r' of its end; empty when it is blank or a comment. */
static struct bytes line_content(struct bytes line)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    while (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
        line = bytes_slice(line, 1, line.size);
    if (line.size > 0 && line.data[0] == '#')
        line.size = 0;
    return line;
}

static enum code too_many(const struct decoder *decoder, struct error *err)
{
    return error_set(err, E_POINTS_MANY,
                     "line %u: more than the %llu points allowed of one request; send several",
                     decoder->line, (unsigned long long)decoder->cache.options.limits->points_max);
}

static bool full(const struct decoder *decoder)
{
    const struct batch *batch = decoder->batch;

    return batch->row_count + batch->reject_count >= decoder->cache.options.limits->points_max;
}

static void reject_long(struct decoder *decoder)
{
    batch_reject(decoder->batch, decoder->line, E_LINE_LONG,
                 "the line is longer than the %llu bytes allowed",
                 (unsigned long long)decoder->cache.options.limits->line_bytes_max);
}

static size_t first_newline(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

    return newline == NULL ? text.size : (size_t)(newline - text.data);
}

static uint32_t count_newlines(struct bytes text)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\n';
    return count;
}

/* The line [0, size) of `text`, which may hold newlines; *taken is its size with its end. */
static enum code take_whole(struct decoder *decoder, struct bytes text, size_t size, size_t *taken,
                            struct error *err)
{
    struct bytes line = line_content(bytes_slice(text, 0, size));
    size_t first = first_newline(bytes_slice(text, 0, size));
    struct error why = {0};
    enum code code = OK;

    if (line.size > 0) {
        if (full(decoder))
            return too_many(decoder, err);
        code = take_point(decoder, text.data, line, &why);
        if (code != OK && code != E_MEMORY && first < size) {
            size = first; /* the string goes on over the newline: then the line alone is bad */
            code = take_point(decoder, text.data, line_content(bytes_slice(text, 0, size)), &why);
        }
    }
    if (code == E_MEMORY)
        return no_memory(err);
    if (code)
        batch_reject(decoder->batch, decoder->line, code, "%s", why.text);
    decoder->line += 1 + count_newlines(bytes_slice(text, 0, size));
    *taken = size < text.size ? size + 1 : size;
    return OK;
}

/* Takes one line by the slow way; *taken = 0 when its end has not come yet. */
static enum code take_line(struct decoder *decoder, struct bytes text, bool final, size_t *taken,
                           struct error *err)
{
    uint64_t line_max = decoder->cache.options.limits->line_bytes_max;
    size_t seen = text.size > line_max + 1 ? (size_t)line_max + 1 : text.size, size;
    bool whole = line_find_end(bytes_slice(text, 0, seen), &size);

    *taken = 0;
    if (!whole && seen == text.size && !final && size <= line_max)
        return OK;
    if (size > line_max) {
        size_t first = first_newline(bytes_slice(text, 0, seen));

        if (first == seen) {
            if (full(decoder))
                return too_many(decoder, err);
            reject_long(decoder);
            decoder->skipping = true;
            *taken = seen;
            return OK;
        }
        size = first; /* a string that is not closed in time */
    }
    return take_whole(decoder, text, size, taken, err);
}

/* The rest of a line that was too long. */
static size_t skip(struct decoder *decoder, struct bytes text)
{
    size_t size = first_newline(text);

    if (size == text.size)
        return size;
    decoder->skipping = false;
    decoder->line++;
    return size + 1;
}

/* Takes the lines of `text` that are whole; *taken is their size.  `slack` bytes can be read
 * behind it. */
static enum code take_lines(struct decoder *decoder, struct bytes text, size_t slack, bool final,
                            size_t *taken, struct error *err)
{
    const char *at = text.data, *end = text.data + text.size, *fast_end = at;
    enum code code = OK;

    if (text.size + slack > LINE_SLACK) {
        size_t size = text.size + slack - LINE_SLACK;
        const char *newline = memrchr(at, '\n', size < text.size ? size : text.size);

        fast_end = newline == NULL ? at : newline + 1;
    }
    while (code == OK && at < end) {
        const char *next = NULL;
        size_t size;

        if (decoder->skipping) {
            at += skip(decoder, (struct bytes){at, (size_t)(end - at)});
            continue;
        }
        if (at < fast_end && !full(decoder)) {
            uint32_t newlines = 1;

            next = line_cache_take(&decoder->cache, at, fast_end, decoder->line, &newlines);
            if (next != NULL) {
                decoder->line += newlines;
                at = next;
                continue;
            }
        }
        code = take_line(decoder, (struct bytes){at, (size_t)(end - at)}, final, &size, err);
        if (size == 0)
            break;
        at += size;
    }
    *taken = (size_t)(at - text.data);
    return code;
}

/* Adds to the carry, with the slack behind it. */
static enum code carry_add(struct decoder *decoder, struct bytes part, struct error *err)
{
    struct buf *carry = &decoder->carry;

    buf_put(carry, part);
    if (buf_extend(carry, LINE_SLACK) == NULL)
        return no_memory(err);
    carry->size -= LINE_SLACK;
    memset(carry->data + carry->size, 0, LINE_SLACK);
    return OK;
}

/* How much of the piece to add to the carry before it is looked at. */
static size_t carry_wants(const struct decoder *decoder, struct bytes piece)
{
    size_t size;

    if (decoder->carry_next > decoder->carry.size)
        size = decoder->carry_next - decoder->carry.size;
    else
        size = first_newline(piece) + 1;
    return size < piece.size ? size : piece.size;
}

static enum code carry_take(struct decoder *decoder, bool final, struct error *err)
{
    struct buf *carry = &decoder->carry;
    size_t taken = 0;
    enum code code = take_lines(decoder, buf_bytes(carry), LINE_SLACK, final, &taken, err);

    if (code)
        return code;
    assert(!final || taken == carry->size);
    decoder->carry_next = taken == 0 ? 2 * carry->size : 0;
    carry->size -= taken;
    memmove(carry->data, carry->data + taken, carry->size + LINE_SLACK);
    return OK;
}

static enum code line_feed(struct decoder *decoder, struct bytes piece, struct error *err)
{
    uint64_t line_max = decoder->cache.options.limits->line_bytes_max;
    size_t taken;
    enum code code;

    while (decoder->carry.size > 0 && piece.size > 0) {
        size_t size = carry_wants(decoder, piece);
        bool newline = piece.data[size - 1] == '\n';

        code = carry_add(decoder, bytes_slice(piece, 0, size), err);
        if (code)
            return code;
        piece = bytes_slice(piece, size, piece.size);
        if (decoder->carry_next == 0 ? !newline && decoder->carry.size <= line_max
                                     : decoder->carry.size < decoder->carry_next)
            return OK;
        code = carry_take(decoder, false, err);
        if (code)
            return code;
    }
    if (piece.size == 0)
        return OK;
    code = take_lines(decoder, piece, 0, false, &taken, err);
    if (code || taken == piece.size)
        return code;
    piece = bytes_slice(piece, taken, piece.size);
    decoder->carry_next = first_newline(piece) < piece.size ? 2 * piece.size : 0;
    return carry_add(decoder, piece, err);
}

static enum code line_finish(struct decoder *decoder, struct error *err)
{
    return decoder->carry.size == 0 ? OK : carry_take(decoder, true, err);
}

static const char *const media_types[] = {
    "text/plain",
    "application/vnd.influx.line-protocol",
    "text/x-influx-line-protocol",
    "application/x-www-form-urlencoded", /* what curl -d says unless it is told */
    NULL,
};

const struct decoder_row decoder_line_protocol = {
    .name = "line_protocol",
    .media_types = media_types,
    .begin = line_begin,
    .feed = line_feed,
    .finish = line_finish,
    .free = line_free,
};
