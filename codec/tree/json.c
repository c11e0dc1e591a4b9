/* JSON and NDJSON as events.  Bytes are looked at where they lie; only a token that a piece cuts is
 * copied, into `carry`, until its end has come.
 *
 * It must be of no matter where pieces are cut, for errors too.  So each token is first run through
 * to its end, and judged when it is whole; and since none holds a line end (in strings that is a
 * fault), line ends are counted between tokens alone. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/json_escape.h"
#include "codec/tree/json_token.h"
#include "codec/tree/tree.h"
#include "codec/utf8.h"

enum { MARK_SIZE = 3 };

static const char mark[MARK_SIZE] = "\xef\xbb\xbf"; /* of byte order, at the very beginning */

enum expect {
    EXPECT_VALUE,
    EXPECT_ITEM,   /* a value, or the end of an array that has none yet */
    EXPECT_NAME,   /* behind a comma */
    EXPECT_MEMBER, /* a name, or the end of an object that has none yet */
    EXPECT_COLON,
    EXPECT_COMMA, /* or the end of the container */
    EXPECT_NOTHING,
};

struct tree_reader {
    struct tree_sink sink;
    size_t leaf_bytes_max;
    bool lines; /* each line is a document */
    enum expect expect;
    /* The token at hand: its first byte's offset in the whole; of one that the last piece cut,
     * which it is. */
    uint64_t token_first;
    enum json_token cut;
    struct json_string string;
    struct buf carry; /* what came of it; of a string without the first quote */
    struct buf plain; /* a string without escapes */
    uint64_t offset;  /* of the piece at hand */
    const char *piece;
    uint64_t line, line_first; /* its number from 1, the offset of its first byte */
    unsigned mark_seen;        /* bytes of the mark */
    uint32_t depth, depth_max;
    char closing[]; /* of each open container */
};

static uint64_t offset_of(const struct tree_reader *reader, const char *at)
{
    return reader->offset + (uint64_t)(at - reader->piece);
}

static enum code fail(const struct tree_reader *reader, enum code code, uint64_t offset,
                      const char *what, struct error *err)
{
    (void)error_set(err, code, "line %llu, column %llu: %s", (unsigned long long)reader->line,
                    (unsigned long long)(offset - reader->line_first + 1), what);
    if (err != NULL)
        err->line = reader->line < UINT32_MAX ? (uint32_t)reader->line : UINT32_MAX;
    return code;
}

/* What would have been right in place of what is at `offset`; `before` says what is there. */
static enum code fail_expected(const struct tree_reader *reader, uint64_t offset,
                               const char *before, struct error *err)
{
    static const char *const wanted[] = {
        [EXPECT_VALUE] = "expected a value",
        [EXPECT_ITEM] = "expected a value or ']'",
        [EXPECT_NAME] = "expected a member's name in quotes",
        [EXPECT_MEMBER] = "expected a member's name in quotes or '}'",
        [EXPECT_COLON] = "expected ':' behind a member's name",
        [EXPECT_COMMA] = "expected ',' or '}'",
        [EXPECT_NOTHING] = "expected nothing more",
    };
    const char *want = wanted[reader->expect];
    char what[80];

    if (reader->expect == EXPECT_COMMA && reader->closing[reader->depth - 1] == ']')
        want = "expected ',' or ']'";
    (void)snprintf(what, sizeof(what), "%s%s", before, want);
    return fail(reader, E_SYNTAX, offset, what, err);
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a text of the document");
}

static inline enum code emit(struct tree_reader *reader, enum tree_kind kind, struct bytes text,
                             struct error *err)
{
    struct tree_event event = {.kind = kind, .text = text};

    return reader->sink.take(reader->sink.context, &event, err);
}

static inline void value_ended(struct tree_reader *reader)
{
    reader->expect = reader->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA;
}

/* --- strings --- */

/* `raw` has a quote behind it. */
static enum code resolve_escapes(struct tree_reader *reader, struct bytes raw, struct bytes *text,
                                 struct error *err)
{
    const char *from = raw.data, *end = raw.data + raw.size;
    char *first, *to;

    buf_clear(&reader->plain);
    first = to = buf_extend(&reader->plain, raw.size + 4); /* an escape of four may be the last */
    if (first == NULL)
        return no_memory(err);
    while (from < end) {
        const char *escape = memchr(from, '\\', (size_t)(end - from));
        size_t size = (size_t)((escape == NULL ? end : escape) - from);

        memcpy(to, from, size);
        to += size;
        from += size;
        if (escape == NULL)
            break;
        size = json_unescape(&from, to);
        if (size == 0)
            return fail(reader, E_SYNTAX, reader->token_first + 1 + (uint64_t)(escape - raw.data),
                        "this is no escape", err);
        to += size;
    }
    *text = (struct bytes){first, (size_t)(to - first)};
    return OK;
}

static enum code string_whole(struct tree_reader *reader, struct bytes raw, struct error *err)
{
    bool name = reader->expect == EXPECT_NAME || reader->expect == EXPECT_MEMBER;
    size_t bad = reader->string.high != 0 ? utf8_check(raw) : raw.size;
    struct bytes text = raw;

    if (bad < raw.size) {
        char what[32];

        (void)snprintf(what, sizeof(what), "0x%02x is not UTF-8", (unsigned char)raw.data[bad]);
        return fail(reader, E_BAD_UTF8, reader->token_first + 1 + bad, what, err);
    }
    if (reader->string.escapes) {
        enum code code = resolve_escapes(reader, raw, &text, err);

        if (code)
            return code;
    }
    if (name)
        reader->expect = EXPECT_COLON;
    else
        value_ended(reader);
    return emit(reader, name ? TREE_KEY : TREE_TEXT, text, err);
}

/* --- numbers and words --- */

static enum code number_whole(struct tree_reader *reader, struct bytes number, struct error *err)
{
    size_t where;
    const char *what = json_number_fault(number, &where);

    if (what != NULL)
        return fail(reader, E_SYNTAX, reader->token_first + where, what, err);
    value_ended(reader);
    return emit(reader, TREE_NUMBER, number, err);
}

static enum code word_whole(struct tree_reader *reader, struct bytes word, struct error *err)
{
    static const struct {
        struct bytes text;
        enum tree_kind kind;
    } words[] = {
        {BYTES("true"),  TREE_TRUE },
        {BYTES("false"), TREE_FALSE},
        {BYTES("null"),  TREE_NULL },
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (bytes_equal(word, words[i].text)) {
            value_ended(reader);
            return emit(reader, words[i].kind, words[i].text, err);
        }
    return fail_expected(reader, reader->token_first, "", err);
}

/* --- tokens --- */

static enum code token_whole(struct tree_reader *reader, enum json_token token, struct bytes text,
                             struct error *err)
{
    if (token == JSON_TOKEN_STRING)
        return string_whole(reader, text, err);
    return token == JSON_TOKEN_NUMBER ? number_whole(reader, text, err)
                                      : word_whole(reader, text, err);
}

static enum code token_fault(const struct tree_reader *reader, enum json_run run,
                             enum json_token token, const char *at, struct error *err)
{
    if (run == JSON_RUN_CONTROL)
        return fail(reader, E_SYNTAX, offset_of(reader, at),
                    "a control byte in a string; write \\u and its code", err);
    if (token == JSON_TOKEN_WORD)
        return fail_expected(reader, reader->token_first, "", err);
    return fail(reader, E_VALUE_LONG, reader->token_first, "longer than a text or number may be",
                err);
}

/* From *at on, where the token begins (behind the quote of a string) or, if the last piece cut it,
 * goes on. */
static enum code take_token(struct tree_reader *reader, enum json_token token, const char **at,
                            const char *end, struct error *err)
{
    struct buf *carry = &reader->carry;
    bool carried = reader->cut != JSON_TOKEN_NONE;
    struct bytes text = {.data = *at};
    size_t room = reader->leaf_bytes_max - carry->size;
    enum json_run run = token == JSON_TOKEN_STRING ? json_run_string(&reader->string, at, end, room)
                        : token == JSON_TOKEN_WORD
                            ? json_run_word(at, end, JSON_WORD_SIZE_MAX - carry->size)
                            : json_run_number(at, end, room);
    enum code code;

    if (run == JSON_RUN_LONG || run == JSON_RUN_CONTROL)
        return token_fault(reader, run, token, *at, err);
    text.size = (size_t)(*at - text.data);
    reader->cut = run == JSON_RUN_CUT ? token : JSON_TOKEN_NONE;
    if (run == JSON_RUN_CUT || carried) {
        /* With its closing quote, which ends looks ahead. */
        buf_put(carry, (struct bytes){text.data, text.size + (run == JSON_RUN_WHOLE &&
                                                              token == JSON_TOKEN_STRING)});
        if (carry->failed)
            return no_memory(err);
        if (run == JSON_RUN_CUT)
            return OK;
        text = buf_bytes(carry);
        text.size -= token == JSON_TOKEN_STRING;
    }
    *at += token == JSON_TOKEN_STRING;
    code = token_whole(reader, token, text, err);
    buf_clear(carry);
    return code;
}

static enum code begin_token(struct tree_reader *reader, enum json_token token, const char **at,
                             const char *end, struct error *err)
{
    reader->token_first = offset_of(reader, *at);
    *at += token == JSON_TOKEN_STRING;
    reader->string = (struct json_string){0};
    return take_token(reader, token, at, end, err);
}

/* --- structure --- */

static enum code open_container(struct tree_reader *reader, const char *at, struct error *err)
{
    bool object = *at == '{';

    if (reader->depth == reader->depth_max) {
        char what[64];

        (void)snprintf(what, sizeof(what), "nested deeper than the %u levels allowed",
                       reader->depth_max);
        return fail(reader, E_DEPTH, offset_of(reader, at), what, err);
    }
    reader->closing[reader->depth++] = object ? '}' : ']';
    reader->expect = object ? EXPECT_MEMBER : EXPECT_ITEM;
    return emit(reader, object ? TREE_OBJECT : TREE_ARRAY, (struct bytes){0}, err);
}

static enum code close_container(struct tree_reader *reader, struct error *err)
{
    reader->depth--;
    value_ended(reader);
    return emit(reader, TREE_END, (struct bytes){0}, err);
}

static enum code take_value(struct tree_reader *reader, const char **at, const char *end,
                            struct error *err)
{
    char c = **at;

    if (c == '"')
        return begin_token(reader, JSON_TOKEN_STRING, at, end, err);
    if (c == '-' || (c >= '0' && c <= '9'))
        return begin_token(reader, JSON_TOKEN_NUMBER, at, end, err);
    if (c == '{' || c == '[') {
        enum code code = open_container(reader, *at, err);

        (*at)++;
        return code;
    }
    if (json_in_word(c))
        return begin_token(reader, JSON_TOKEN_WORD, at, end, err);
    return fail_expected(reader, offset_of(reader, *at), "", err);
}

/* What begins at *at, which is no white space. */
static inline enum code take_one(struct tree_reader *reader, const char **at, const char *end,
                                 struct error *err)
{
    bool closes = reader->depth > 0 && **at == reader->closing[reader->depth - 1];

    switch (reader->expect) {
    case EXPECT_NAME:
    case EXPECT_MEMBER:
        if (**at == '"')
            return begin_token(reader, JSON_TOKEN_STRING, at, end, err);
        if (!closes || reader->expect == EXPECT_NAME)
            break;
        (*at)++;
        return close_container(reader, err);
    case EXPECT_COLON:
        if (**at != ':')
            break;
        (*at)++;
        reader->expect = EXPECT_VALUE;
        return OK;
    case EXPECT_COMMA:
        if (**at != ',' && !closes)
            break;
        (*at)++;
        if (closes)
            return close_container(reader, err);
        reader->expect = reader->closing[reader->depth - 1] == '}' ? EXPECT_NAME : EXPECT_VALUE;
        return OK;
    case EXPECT_ITEM:
        if (!closes)
            return take_value(reader, at, end, err);
        (*at)++;
        return close_container(reader, err);
    case EXPECT_VALUE:
        if (!closes)
            return take_value(reader, at, end, err);
        break;
    case EXPECT_NOTHING:
        break;
    }
    return fail_expected(reader, offset_of(reader, *at), "", err);
}

static bool between_documents(const struct tree_reader *reader)
{
    return reader->expect == EXPECT_NOTHING ||
           (reader->expect == EXPECT_VALUE && reader->depth == 0);
}

/* A line ends before `next`. */
static enum code line_end(struct tree_reader *reader, const char *next, struct error *err)
{
    if (reader->lines) {
        if (!between_documents(reader))
            return fail_expected(reader, offset_of(reader, next) - 1, "the line ends; ", err);
        reader->expect = EXPECT_VALUE;
    }
    reader->line++;
    reader->line_first = offset_of(reader, next);
    return OK;
}

static enum code take_piece(struct tree_reader *reader, const char *at, const char *end,
                            struct error *err)
{
    enum code code = OK;

    if (reader->cut != JSON_TOKEN_NONE)
        code = take_token(reader, reader->cut, &at, end, err);
    while (code == OK && at < end) {
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
        } else if (*at == '\n') {
            at++;
            code = line_end(reader, at, err);
        } else {
            code = take_one(reader, &at, end, err);
        }
    }
    return code;
}

static enum code reader_feed(struct tree_reader *reader, struct bytes piece, struct error *err)
{
    const char *at = piece.data, *end = piece.data + piece.size;
    enum code code;

    reader->piece = piece.data;
    for (; at < end && reader->mark_seen < MARK_SIZE; at++, reader->mark_seen++) {
        if (*at == mark[reader->mark_seen])
            continue;
        if (reader->mark_seen > 0)
            return fail_expected(reader, 0, "", err);
        break;
    }
    if (at < end && reader->mark_seen == 0)
        reader->mark_seen = MARK_SIZE + 1; /* there is none */
    if (reader->mark_seen == MARK_SIZE) {
        reader->mark_seen++;
        reader->line_first = MARK_SIZE;
    }
    code = take_piece(reader, at, end, err);
    reader->offset += piece.size;
    return code;
}

/* Of a document that is cut. */
static enum code reader_finish(struct tree_reader *reader, struct error *err)
{
    enum json_token cut = reader->cut;
    enum code code = OK;

    reader->piece = NULL;
    reader->cut = JSON_TOKEN_NONE;
    if (reader->mark_seen > 0 && reader->mark_seen < MARK_SIZE)
        return fail_expected(reader, 0, "", err);
    if (cut == JSON_TOKEN_STRING)
        return fail(reader, E_SYNTAX, reader->offset, "the JSON ends within a text", err);
    if (cut != JSON_TOKEN_NONE)
        code = token_whole(reader, cut, buf_bytes(&reader->carry), err);
    if (code)
        return code;
    if (reader->expect != EXPECT_NOTHING && !(reader->lines && between_documents(reader)))
        return fail_expected(reader, reader->offset, "the JSON ends; ", err);
    return OK;
}

static void reader_close(struct tree_reader *reader)
{
    if (reader == NULL)
        return;
    buf_release(&reader->carry);
    buf_release(&reader->plain);
    free(reader);
}

static enum code open_json(const struct tree_limits *limits, bool lines,
                           const struct tree_sink *sink, struct tree_reader **reader,
                           struct error *err)
{
    struct tree_reader *new = calloc(1, sizeof(*new) + limits->depth_max);

    *reader = new;
    if (new == NULL)
        return no_memory(err);
    new->sink = *sink;
    new->leaf_bytes_max = limits->leaf_bytes_max;
    new->depth_max = limits->depth_max;
    new->lines = lines;
    new->line = 1;
    new->carry = BUF_INIT(SIZE_MAX); /* a leaf at the most */
    new->plain = BUF_INIT(SIZE_MAX);
    return OK;
}

static enum code open_one(const struct tree_limits *limits, const struct tree_columns *columns,
                          const struct tree_sink *sink, struct tree_reader **reader,
                          struct error *err)
{
    (void)columns;
    return open_json(limits, false, sink, reader, err);
}

static enum code open_lines(const struct tree_limits *limits, const struct tree_columns *columns,
                            const struct tree_sink *sink, struct tree_reader **reader,
                            struct error *err)
{
    (void)columns;
    return open_json(limits, true, sink, reader, err);
}

const struct tree_format tree_json = {"json", open_one, reader_feed, reader_finish, reader_close};
const struct tree_format tree_ndjson = {"ndjson", open_lines, reader_feed, reader_finish,
                                        reader_close};
