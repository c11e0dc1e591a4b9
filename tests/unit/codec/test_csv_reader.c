#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/csv_reader.h"

enum { RECORD_MAX = 100, CELLS_MAX = 5 };

/* Records as text: "1[a][b]" with the line, "3!bad_syntax@4" of a fault. */
struct seen {
    struct buf text;
    size_t ends_after; /* E_POINTS_MANY from that record on */
    size_t count;
};

static enum code take(void *context, const struct csv_record *record, struct error *err)
{
    struct seen *seen = context;

    if (seen->count++ == seen->ends_after)
        return error_set(err, E_POINTS_MANY, "enough");
    buf_printf(&seen->text, "%u", record->line);
    if (record->fault != OK)
        buf_printf(&seen->text, "!%s@%zu", code_row(record->fault)->slug, record->column);
    else
        for (size_t i = 0; i < record->count && i < CELLS_MAX; i++)
            buf_printf(&seen->text, record->cells[i].quoted ? "<%.*s>" : "[%.*s]",
                       BYTES_ARG(record->cells[i].text));
    if (record->fault == OK && record->count > CELLS_MAX)
        buf_printf(&seen->text, "+%zu", record->count - CELLS_MAX);
    buf_put_char(&seen->text, '\n');
    return OK;
}

static enum code read_all(struct seen *seen, struct bytes body, size_t first, size_t piece,
                          char separator)
{
    struct csv_reader reader;
    struct error err = {0};
    struct arena arena;
    enum code code = OK;

    arena_init(&arena, SIZE_MAX, NULL);
    buf_clear(&seen->text);
    seen->count = 0;
    reader = (struct csv_reader){
        .take = take,
        .context = seen,
        .arena = &arena,
        .separator = separator,
        .record_bytes_max = RECORD_MAX,
        .cells_max = CELLS_MAX,
    };
    csv_reader_init(&reader);
    for (size_t at = 0; at < body.size && code == OK;) {
        size_t end = at + (at == 0 ? first : piece);
        /* A copy without anything behind it, so that no byte too many is read unseen. */
        struct buf copy = BUF_INIT(SIZE_MAX);

        end = end < body.size ? end : body.size;
        buf_put(&copy, bytes_slice(body, at, end));
        code = csv_reader_feed(&reader, buf_bytes(&copy), &err);
        buf_release(&copy);
        at = end;
    }
    if (code == OK)
        code = csv_reader_finish(&reader, &err);
    csv_reader_release(&reader);
    arena_release(&arena);
    buf_put_char(&seen->text, '\0');
    return code;
}

/* Whole, cut in two at every byte, and in pieces of one to seven bytes. */
static void expect(const char *name, struct bytes body, char separator, const char *want)
{
    struct seen seen = {.text = BUF_INIT(1 << 20), .ends_after = SIZE_MAX};

    for (size_t first = 1; first <= body.size + 7; first++) {
        bool small = first > body.size;
        size_t piece = small ? first - body.size : SIZE_MAX / 2;

        if (read_all(&seen, body, small ? piece : first, piece, separator) != OK)
            fail_msg("%s", name);
        if (strcmp(seen.text.data, want) != 0)
            fail_msg("%s, cut at %zu:\n got: %s\nwant: %s", name, first, seen.text.data, want);
    }
    buf_release(&seen.text);
}

static void test_records(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"one",                      "a,b\n",                      "1[a][b]\n"                             },
        {"no line end",              "a,b",                        "1[a][b]\n"                             },
        {"empty cells",              ",\n,,\n",                    "1[][]\n2[][][]\n"                      },
        {"CR LF",                    "a,b\r\nc,d\r\n",             "1[a][b]\n2[c][d]\n"                    },
        {"CR at the end",            "a,b\r",                      "1[a][b]\n"                             },
        {"CR within",                "a\rb,c\n",                   "1[a\rb][c]\n"                          },
        {"blank lines",              "\n\r\na\n\n  \nb\n",         "3[a]\n6[b]\n"                          },
        {"a mark of byte order",
         "\xef\xbb\xbf"
         "a,b\n",                                                  "1[a][b]\n"                             },
        {"a mark later is text",
         "a\n\xef\xbb\xbf"
         "b\n",                                                    "1[a]\n2[\xef\xbb\xbf"
         "b]\n"                                                                             },
        {"quotes",                   "\"a,b\",\"c\"\n",            "1<a,b><c>\n"                           },
        {"doubled quotes",           "\"a\"\"b\",\"\"\"\",\"\"\n", "1<a\"b><\"><>\n"                       },
        {"line ends in quotes",      "\"a\nb\r\n\",c\nd,e\n",      "1<a\nb\r\n>[c]\n4[d][e]\n"             },
        {"quoted, CR LF",            "\"a\"\r\n\"b\"\r\n",         "1<a>\n2<b>\n"                          },
        {"quoted, no line end",      "\"a\"",                      "1<a>\n"                                },
        {"quoted, CR at the end",    "\"a\"\r",                    "1<a>\n"                                },
        {"an empty quoted cell",     "\"\"\n",                     "1<>\n"                                 },
        {"more cells than are kept", "1,2,3,4,5,6,7\n",            "1[1][2][3][4][5]+2\n"                  },
        {"a quote within",           "a\"b,c\nd\n",                "1!bad_syntax@2\n2[d]\n"                },
        {"a quote behind a space",   "a, \"b\"\nd\n",              "1!bad_syntax@4\n2[d]\n"                },
        {"text behind a quote",      "\"a\"b,c\nd\n",              "1!bad_syntax@4\n2[d]\n"                },
        {"a space behind a quote",   "\"a\" ,c\nd\n",              "1!bad_syntax@4\n2[d]\n"                },
        {"CR behind a quote",        "\"a\"\rb\nd\n",              "1!bad_syntax@5\n2[d]\n"                },
        {"bad at the very end",      "a\"b",                       "1!bad_syntax@2\n"                      },
        {"not closed, no line end",  "\"a",                        "1!bad_syntax@0\n"                      },
        {"not closed",               "x,\"a\nb,c\nd,e\n",          "1!bad_syntax@0\n2[b][c]\n3[d][e]\n"    },
        {"bad behind a line end",    "\"a\nb\"c\nd\n",             "1!bad_syntax@6\n2!bad_syntax@2\n3[d]\n"},
        {"only a quote",             "\"",                         "1!bad_syntax@0\n"                      },
        {"part of a mark",           "\xef\xbb",                   "1[\xef\xbb]\n"                         },
        {"only a mark",              "\xef\xbb\xbf",               ""                                      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(cases[i].name, bytes_of(cases[i].body), ',', cases[i].want);
    expect("spaces", BYTES(" a\t, b c ,\"  d\"\n"), ',', "1[a][b c]<  d>\n");
    expect("semicolons", BYTES("a;b,c;\";\"\n"), ';', "1[a][b,c]<;>\n");
    expect("tabs", BYTES("a\t\t b\n\tc\t\n"), '\t', "1[a][][b]\n2[][c][]\n");
}

/* At the limit, one below and one above, with each line end. */
static void test_long_records(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", ""};

    (void)state;
    for (size_t size = RECORD_MAX - 1; size <= RECORD_MAX + 3; size++)
        for (size_t k = 0; k < COUNT_OF(ends); k++)
            for (int quoted = 0; quoted < 2; quoted++) {
                struct buf body = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
                bool fits = size <= RECORD_MAX;

                for (size_t i = 0; i < size; i++)
                    buf_put_char(&body, quoted && (i == 0 || i == size - 1) ? '"' : 'x');
                if (fits) {
                    buf_printf(&want, quoted ? "1<" : "1[");
                    for (size_t i = 0; i < (quoted ? size - 2 : size); i++)
                        buf_put_char(&want, 'x');
                    buf_printf(&want, quoted ? ">\n" : "]\n");
                } else {
                    buf_printf(&want, "1!line_too_long@0\n");
                }
                buf_put_text(&body, ends[k]);
                if (ends[k][0] != '\0') {
                    buf_put_text(&body, "b\n");
                    buf_put_text(&want, "2[b]\n");
                }
                buf_put_char(&want, '\0');
                expect("long", buf_bytes(&body), ',', want.data);
                buf_release(&body);
                buf_release(&want);
            }
}

/* A quote that is not closed within the limit takes its own line and no other. */
static void test_a_quote_that_is_not_closed_in_time(void **state)
{
    struct buf body = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);

    (void)state;
    buf_put_text(&body, "a,\"b\n");
    buf_put_text(&want, "1!bad_syntax@0\n");
    for (int i = 2; i < 60; i++) {
        buf_printf(&body, "c,%d\n", i);
        buf_printf(&want, "%d[c][%d]\n", i, i);
    }
    buf_put_char(&want, '\0');
    expect("unclosed", buf_bytes(&body), ',', want.data);
    buf_release(&body);
    buf_release(&want);
}

static void test_what_take_says_ends_the_reading(void **state)
{
    struct seen seen = {.text = BUF_INIT(1 << 20), .ends_after = 1};

    (void)state;
    assert_int_equal(read_all(&seen, BYTES("a\nb\nc\n"), 100, 100, ','), E_POINTS_MANY);
    assert_string_equal(seen.text.data, "1[a]\n");
    assert_int_equal(read_all(&seen, BYTES("a\nb"), 100, 100, ','), E_POINTS_MANY);
    buf_release(&seen.text);
}

/* Any bytes, in any pieces: the same records. */
static void test_pieces_are_of_no_matter(void **state)
{
    static const char alphabet[] = "a1,\"\"\n\r \xef\xbb\xbf";
    struct seen whole = {.text = BUF_INIT(1 << 20), .ends_after = SIZE_MAX}, parts = whole;
    uint64_t x = 88172645463325252U;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char body[300];
        size_t size = 0;

        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        for (size_t end = x % sizeof(body); size < end; size++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            body[size] = alphabet[x % (sizeof(alphabet) - 1)];
            if (x >> 32 & 7)
                body[size] = 'x';
        }
        assert_int_equal(read_all(&whole, (struct bytes){body, size}, size, 1, ','), OK);
        assert_int_equal(
            read_all(&parts, (struct bytes){body, size}, 1 + x % 7, 1 + (x >> 8) % 150, ','), OK);
        if (strcmp(whole.text.data, parts.text.data) != 0)
            fail_msg("round %d:\n%.*s\nwhole: %s\nparts: %s", round, (int)size, body,
                     whole.text.data, parts.text.data);
    }
    buf_release(&whole.text);
    buf_release(&parts.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_a_quote_that_is_not_closed_in_time),
        cmocka_unit_test(test_what_take_says_ends_the_reading),
        cmocka_unit_test(test_pieces_are_of_no_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
