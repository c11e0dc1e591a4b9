/* A block with a column of every encoding that there is, and of every kind that stands at the
 * beginning of integers and flags: for golden bytes and for damage. */
#ifndef WEIR_TESTS_ENCODING_SAMPLE_H
#define WEIR_TESTS_ENCODING_SAMPLE_H

#include "codec/column.h"
#include "tests/unit/codec/block_sample.h"

enum { ENCODING_ROWS = 96, ENCODING_SERIES_ROWS = 64 };

struct encoding_column {
    const char *name;
    enum value_type type;
    uint8_t encoding;
    int kind;           /* the first byte of the column, its lower half; -1 = any */
    int packed;         /* the kind of the lowest plane of an i64 column; -1 = any */
    uint32_t absent_in; /* every so manieth cell is absent; 0 = none */
    uint64_t (*cell)(uint32_t row);
};

static inline uint64_t encoding_mix(uint64_t seed)
{
    struct random random;

    random_seed(&random, seed);
    return random_next(&random);
}

static inline uint64_t encoding_bits(double value)
{
    return (union cell){.f64 = value}.u64;
}

static inline uint64_t encoding_decimal(uint32_t row)
{
    return row == 17 ? encoding_bits(-0.0) : encoding_bits((double)(row % 50) / 100);
}

static inline uint64_t encoding_xor(uint32_t row)
{
    return encoding_bits(1 + (double)(encoding_mix(row / 8) >> 12) / 9007199254740992.0);
}

static inline uint64_t encoding_plain(uint32_t row)
{
    return encoding_bits(1 + (double)(encoding_mix(row) >> 12) / 9007199254740992.0);
}

static inline uint64_t encoding_offset(uint32_t row)
{
    return encoding_mix(row) % 100;
}

static inline uint64_t encoding_walk(uint32_t row)
{
    uint64_t at = 1000000;

    for (uint32_t i = 0; i <= row; i++)
        at += encoding_mix(i) % 7;
    return at;
}

static inline uint64_t encoding_square(uint32_t row)
{
    return (uint64_t)row * row * 1000 + encoding_mix(row) % 2;
}

static inline uint64_t encoding_large(uint32_t row)
{
    return UINT64_MAX - row * 3;
}

static inline uint64_t encoding_zero(uint32_t row)
{
    (void)row;
    return 0;
}

static inline uint64_t encoding_one(uint32_t row)
{
    (void)row;
    return 1;
}

static inline uint64_t encoding_runs(uint32_t row)
{
    return row / 20 % 2;
}

static inline uint64_t encoding_flags(uint32_t row)
{
    return encoding_mix(row) % 2;
}

static inline uint64_t encoding_text(uint32_t row)
{
    return row % 5;
}

static inline uint64_t encoding_pattern(uint32_t row)
{
    return encoding_mix(row % 12) % 250;
}

static const struct encoding_column encoding_columns[] = {
    {"a", TYPE_F64,       1, -1, -1, 0, encoding_decimal},
    {"b", TYPE_F64,       2, -1, -1, 0, encoding_xor    },
    {"c", TYPE_F64,       3, -1, -1, 0, encoding_plain  },
    {"d", TYPE_I64,       1, 0,  -1, 0, encoding_offset },
    {"e", TYPE_I64,       1, 1,  3,  0, encoding_walk   },
    {"f", TYPE_I64,       1, 2,  -1, 0, encoding_square },
    {"g", TYPE_U64,       1, -1, -1, 0, encoding_large  },
    {"h", TYPE_BOOL,      1, 0,  -1, 0, encoding_zero   },
    {"i", TYPE_BOOL,      1, 1,  -1, 0, encoding_one    },
    {"j", TYPE_BOOL,      1, 2,  -1, 0, encoding_runs   },
    {"k", TYPE_BOOL,      1, 3,  -1, 0, encoding_flags  },
    {"l", TYPE_STRING,    1, -1, -1, 0, encoding_text   },
    {"m", TYPE_RETRACTED, 0, -1, -1, 3, encoding_zero   },
    {"n", TYPE_F64,       1, -1, -1, 4, encoding_decimal},
    {"o", TYPE_I64,       1, 0,  2,  0, encoding_pattern},
};

/* Those that there were in version 1 of the format, and how it packed them. */
enum { ENCODING_COLUMNS_1 = 14 };

static inline union cell encoding_cell(struct arena *arena, const struct encoding_column *column,
                                       uint32_t row)
{
    static const char *const words[] = {"", "wet", "dry and windy", "unknown", "ok"};
    uint64_t value = column->cell(row);
    struct bytes word;
    struct text *text;

    if (column->type != TYPE_STRING)
        return (union cell){.u64 = value};
    word = bytes_of(words[value % COUNT_OF(words)]);
    text = sample_array(arena, sizeof(*text) + word.size, 1);
    text->size = (uint32_t)word.size;
    memcpy(text->data, word.data, word.size);
    return (union cell){.text = text};
}

/* Ingest times: of version 1 two, else of records of two rows of which every other pair changed
 * places, steps of any size apart. */
static inline int64_t encoding_ingest(uint32_t row, bool old)
{
    uint32_t record = row / 2 % 4 < 2 ? row / 2 : row / 2 ^ 1;
    uint64_t at = 0;

    if (old)
        return 1700000001000000001 + (row >= 70 ? 10240000 : 0);
    for (uint32_t i = 0; i <= record; i++)
        at += 1 + (encoding_mix(i) >> (48 + encoding_mix(i + 1000) % 16));
    return 1700000001000000001 + (int64_t)at * 1024;
}

/* Two series, revision times in some rows. */
static inline struct block encoding_block_of(struct arena *arena, uint32_t column_count)
{
    static const struct series_id series[] = {
        {1, 10},
        {2, 20}
    };
    static const uint32_t row_first[] = {0, ENCODING_SERIES_ROWS, ENCODING_ROWS};
    int64_t *times = sample_array(arena, sizeof(*times), (size_t)3 * ENCODING_ROWS);
    struct block_column *columns =
        sample_array(arena, sizeof(*columns), COUNT_OF(encoding_columns));

    for (uint32_t row = 0; row < ENCODING_ROWS; row++) {
        times[row] = 1700000000000000000 + (int64_t)(row % ENCODING_SERIES_ROWS) * 10000000000;
        times[ENCODING_ROWS + row] = encoding_ingest(row, column_count == ENCODING_COLUMNS_1);
        times[2 * ENCODING_ROWS + row] = row % 5 == 0 ? INT64_MIN : 1700000000000000000 + row;
    }
    for (size_t i = 0; i < COUNT_OF(encoding_columns); i++) {
        const struct encoding_column *column = &encoding_columns[i];
        union cell *cells = sample_array(arena, sizeof(*cells), ENCODING_ROWS);
        uint8_t *present = sample_array(arena, 1, ENCODING_ROWS);

        for (uint32_t row = 0; row < ENCODING_ROWS; row++) {
            present[row] = column->absent_in == 0 || row % column->absent_in != 0;
            if (present[row])
                cells[row] = encoding_cell(arena, column, row);
        }
        columns[i] = (struct block_column){.name = bytes_of(column->name),
                                           .type = column->type,
                                           .cells = cells,
                                           .present = column->absent_in == 0 ? NULL : present};
    }
    return (struct block){.measurement = BYTES("m"),
                          .row_count = ENCODING_ROWS,
                          .series_count = COUNT_OF(series),
                          .series = series,
                          .series_row_first = row_first,
                          .time = times,
                          .ingest = times + ENCODING_ROWS,
                          .revision = times + (size_t)2 * ENCODING_ROWS,
                          .columns = columns,
                          .column_count = column_count};
}

static inline struct block encoding_block(struct arena *arena)
{
    return encoding_block_of(arena, COUNT_OF(encoding_columns));
}

/* The kind of the lowest plane of a column of integers. */
static inline int encoding_packed(struct bytes section)
{
    struct reader reader = reader_of(section);

    (void)reader_u8(&reader);
    (void)reader_uvarint(&reader);
    (void)reader_uvarint(&reader);
    (void)reader_u8(&reader);
    return reader_u8(&reader);
}

/* Fails unless the columns of the opened block are of the encodings and kinds of the table; of
 * version 1, which had fewer, but for how they are packed. */
static inline void encoding_expect(const struct block_view *view)
{
    bool old = view->column_count == ENCODING_COLUMNS_1;

    assert_true(old || view->column_count == COUNT_OF(encoding_columns));
    assert_int_equal(view->ingest.data.data[0] == 0, !old); /* by their places among sorted ones */
    for (uint32_t i = 0; i < view->column_count; i++) {
        const struct encoding_column *column = &encoding_columns[i];
        const struct block_section *section = &view->columns[i];
        int kind = section->data.size == 0 ? -1 : section->data.data[0] & 15;

        if (section->type != column->type || section->encoding != column->encoding ||
            (column->kind >= 0 && kind != column->kind))
            fail_msg("column %s: type %d, encoding %u, kind %d", column->name, (int)section->type,
                     section->encoding, kind);
        if (!old && column->packed >= 0 && encoding_packed(section->data) != column->packed)
            fail_msg("column %s: packed as %d", column->name, encoding_packed(section->data));
    }
}

/* Whether the decoders know the encoding: what they do not know they say. */
static inline bool encoding_known(enum value_type type, uint8_t encoding)
{
    static struct column_decoder decoder;
    struct reader reader = reader_of(BYTES(""));
    struct error err = {0};
    union cell cells[1];
    struct arena arena;
    enum code code = OK;

    arena_init(&arena, 1 << 20, NULL);
    if (type == TYPE_F64)
        code = column_f64_decode(&decoder, encoding, &reader, cells, 0, &err);
    else if (type == TYPE_I64 || type == TYPE_U64)
        code = column_integer_decode(&decoder, encoding, &reader, cells, 0, &err);
    else if (type == TYPE_BOOL)
        code = column_bool_decode(&decoder, encoding, &reader, cells, 0, &err);
    else if (type == TYPE_STRING)
        code = column_string_decode(&decoder, encoding, &reader, &arena, cells, 0, &err);
    arena_release(&arena);
    return code == OK || strstr(err.text, "is unknown") == NULL;
}

/* Fails when the decoders know an encoding that the table has no sample of. */
static inline void encoding_expect_all(void)
{
    for (int type = TYPE_F64; type < TYPE_RETRACTED; type++) {
        size_t known = 0;

        for (unsigned encoding = 0; encoding <= UINT8_MAX; encoding++) {
            bool sampled = false;

            for (size_t i = 0; i < COUNT_OF(encoding_columns); i++)
                sampled |= encoding_columns[i].type == (enum value_type)type &&
                           encoding_columns[i].encoding == encoding;
            known += encoding_known((enum value_type)type, (uint8_t)encoding);
            if (encoding_known((enum value_type)type, (uint8_t)encoding) != sampled)
                fail_msg("type %d, encoding %u: %s", type, encoding,
                         sampled ? "is in the table, but no decoder knows it"
                                 : "has no sample and no golden bytes: add a column here");
        }
        assert_true(known > 0 && known < UINT8_MAX);
    }
}

#endif
