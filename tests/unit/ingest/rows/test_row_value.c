#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "ingest/rows/row_value.h"

static const struct bytes nulls[] = {BYTES(""),    BYTES("null"), BYTES("NaN"),
                                     BYTES("nan"), BYTES("-"),    BYTES("N/A")};
static const struct bytes odd_nulls[] = {BYTES("-999"), BYTES("inf")};
static const struct bytes qualifiers[] = {BYTES("<"), BYTES(">"), BYTES("<=")};
static const struct source_unit units[] = {
    {BYTES("degF"), 5.0 / 9, -160.0 / 9},
    {BYTES("degC"), 1,       0         },
    {BYTES("GW"),   1000,    0         },
};

static struct source_value value_of(enum source_type type)
{
    return (struct source_value){
        .type = type, .scale = 1, .decimal = '.', .nulls = nulls, .null_count = COUNT_OF(nulls)};
}

/* "1.5", "12i", "12u", "true", "\"text\"", "nothing"; with "< " in front and " code \"x\"" behind.
 */
static void print(const struct row_value *read, char *text, size_t size)
{
    char number[NUMBER_TEXT_SIZE + 1] = "";
    size_t at = (size_t)snprintf(text, size, "%.*s", BYTES_ARG(read->qualifier));

    switch (read->type) {
    case TYPE_F64:
        assert_true(isfinite(read->cell.f64));
        number[number_print_f64(read->cell.f64, number)] = '\0';
        snprintf(text + at, size - at, "%s", number);
        break;
    case TYPE_I64:
        snprintf(text + at, size - at, "%" PRId64 "i", read->cell.i64);
        break;
    case TYPE_U64:
        snprintf(text + at, size - at, "%" PRIu64 "u", read->cell.u64);
        break;
    case TYPE_BOOL:
        snprintf(text + at, size - at, "%s", read->cell.u64 ? "true" : "false");
        break;
    case TYPE_STRING:
        snprintf(text + at, size - at, "\"%.*s\"", BYTES_ARG(read->text));
        break;
    default:
        snprintf(text + at, size - at, "nothing");
    }
    at = strlen(text);
    if (read->coded.size > 0)
        snprintf(text + at, size - at, " code \"%.*s\"", BYTES_ARG(read->coded));
}

static void expect(const struct source_value *value, enum tree_kind kind, const char *text,
                   const char *unit_text, const char *want)
{
    struct tree_value found = {kind, bytes_of(text)};
    struct tree_value unit = {unit_text == NULL ? TREE_END : TREE_TEXT,
                              unit_text == NULL ? (struct bytes){0} : bytes_of(unit_text)};
    struct row_value read;
    struct error err = {0};
    char got[200] = "";
    enum code code = row_value_read(value, &found, &unit, &read, &err);

    if (code == OK)
        print(&read, got, sizeof(got));
    if (code == OK ? strcmp(got, want) != 0 : strstr(err.text, want) == NULL)
        fail_msg("type %d, kind %d, \"%s\": got %s%s, want %s", value->type, kind, text, got,
                 err.text, want);
}

struct plain {
    enum source_type type;
    enum tree_kind kind;
    const char *text, *want;
};

static void expect_all(const struct plain *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct source_value value = value_of(rows[i].type);

        expect(&value, rows[i].kind, rows[i].text, NULL, rows[i].want);
    }
}

/* A well-known client of EIA takes a number that is 0 for none. */
static void test_zero_is_a_value(void **state)
{
    static const struct plain rows[] = {
        {SOURCE_NUMBER,  TREE_NUMBER, "0",     "0"    },
        {SOURCE_NUMBER,  TREE_NUMBER, "0.0",   "0"    },
        {SOURCE_NUMBER,  TREE_NUMBER, "-0.0",  "-0"   },
        {SOURCE_NUMBER,  TREE_TEXT,   "0",     "0"    },
        {SOURCE_INTEGER, TREE_NUMBER, "0",     "0i"   },
        {SOURCE_INTEGER, TREE_TEXT,   "0",     "0i"   },
        {SOURCE_BOOL,    TREE_NUMBER, "0",     "false"},
        {SOURCE_BOOL,    TREE_FALSE,  "false", "false"},
        {SOURCE_TEXT,    TREE_NUMBER, "0",     "\"0\""},
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void test_numbers(void **state)
{
    static const struct plain rows[] = {
        {SOURCE_NUMBER,  TREE_NUMBER, "0.1",                  "0.1"                     },
        {SOURCE_NUMBER,  TREE_NUMBER, "6215",                 "6215"                    },
        {SOURCE_NUMBER,  TREE_NUMBER, "-1.5e3",               "-1500"                   },
        {SOURCE_NUMBER,  TREE_TEXT,   "0.063",                "0.063"                   },
        {SOURCE_NUMBER,  TREE_TEXT,   " 12.5\n",              "12.5"                    },
        {SOURCE_NUMBER,  TREE_TEXT,   "+3",                   "3"                       },
        {SOURCE_NUMBER,  TREE_NUMBER, "1e999",                "does not fit a 64-bit"   },
        {SOURCE_NUMBER,  TREE_TEXT,   "-1e999",               "does not fit a 64-bit"   },
        {SOURCE_NUMBER,  TREE_TEXT,   "Ponded / Still",       "is no number; coded"     },
        {SOURCE_NUMBER,  TREE_TEXT,   "<10",                  "is no number; coded"     },
        {SOURCE_NUMBER,  TREE_TEXT,   "1,5",                  "is no number"            },
        {SOURCE_NUMBER,  TREE_TEXT,   "0x10",                 "is no number"            },
        {SOURCE_NUMBER,  TREE_TRUE,   "true",                 "\"true\" is no number"   },
        {SOURCE_NUMBER,  TREE_OBJECT, "",                     "at its path is an object"},
        {SOURCE_NUMBER,  TREE_ARRAY,  "",                     "at its path is an array" },
        {SOURCE_INTEGER, TREE_NUMBER, "9007199254740993",     "9007199254740993i"       },
        {SOURCE_INTEGER, TREE_NUMBER, "-9223372036854775808", "-9223372036854775808i"   },
        {SOURCE_INTEGER, TREE_NUMBER, "9223372036854775808",  "9223372036854775808u"    },
        {SOURCE_INTEGER, TREE_NUMBER, "18446744073709551616", "does not fit 64 bits"    },
        {SOURCE_INTEGER, TREE_NUMBER, "-9223372036854775809", "does not fit 64 bits"    },
        {SOURCE_INTEGER, TREE_NUMBER, "3.000",                "3i"                      },
        {SOURCE_INTEGER, TREE_TEXT,   "3.0",                  "3i"                      },
        {SOURCE_INTEGER, TREE_TEXT,   "10",                   "10i"                     },
        {SOURCE_INTEGER, TREE_NUMBER, "1.5",                  "is no integer"           },
        {SOURCE_INTEGER, TREE_TEXT,   ".0",                   "is no integer"           },
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

/* What is no number is never stored as one. */
static void test_not_finite(void **state)
{
    static const char *const texts[] = {"NAN", "inf", "-inf", "Infinity", "-Infinity", "+INF"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct source_value value = value_of(SOURCE_NUMBER);

        expect(&value, TREE_TEXT, texts[i], NULL, "cannot be stored as a number");
        value.coded = SOURCE_CODED_KEEP;
        expect(&value, TREE_TEXT, texts[i], NULL, "cannot be stored as a number");
        value.coded = SOURCE_CODED_SKIP;
        expect(&value, TREE_TEXT, texts[i], NULL, "nothing");
    }
}

static void test_nothing(void **state)
{
    static const struct {
        enum tree_kind kind;
        const char *text;
    } rows[] = {
        {TREE_END,  ""     },
        {TREE_NULL, "null" },
        {TREE_TEXT, ""     },
        {TREE_TEXT, "null" },
        {TREE_TEXT, "NaN"  },
        {TREE_TEXT, "-"    },
        {TREE_TEXT, "N/A"  },
        {TREE_TEXT, "  "   },
        {TREE_TEXT, " N/A "},
    };
    static const enum source_type types[] = {SOURCE_NUMBER, SOURCE_INTEGER, SOURCE_BOOL,
                                             SOURCE_TEXT};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * COUNT_OF(types); i++) {
        struct source_value value = value_of(types[i % COUNT_OF(types)]);
        enum tree_kind kind = rows[i / COUNT_OF(types)].kind;
        const char *text = rows[i / COUNT_OF(types)].text;

        expect(&value, kind, text, NULL, "nothing");
        value.required = true;
        expect(&value, kind, text, NULL, "there is no value: ");
    }
}

static void test_own_nulls(void **state)
{
    struct source_value value = value_of(SOURCE_NUMBER);

    (void)state;
    value.nulls = odd_nulls;
    value.null_count = COUNT_OF(odd_nulls);
    expect(&value, TREE_NUMBER, "-999", NULL, "nothing");
    expect(&value, TREE_TEXT, "-999", NULL, "nothing");
    expect(&value, TREE_TEXT, "inf", NULL, "nothing");
    expect(&value, TREE_NUMBER, "-99", NULL, "-99");
    expect(&value, TREE_TEXT, "NaN", NULL, "cannot be stored as a number");
    expect(&value, TREE_TEXT, "", NULL, "is no number");
    value.type = SOURCE_TEXT;
    expect(&value, TREE_TEXT, "", NULL, "\"\"");
}

static void test_bools_and_texts(void **state)
{
    static const struct plain rows[] = {
        {SOURCE_BOOL, TREE_TRUE,   "true",   "true"                          },
        {SOURCE_BOOL, TREE_NUMBER, "1",      "true"                          },
        {SOURCE_BOOL, TREE_TEXT,   "True",   "true"                          },
        {SOURCE_BOOL, TREE_TEXT,   " FALSE", "false"                         },
        {SOURCE_BOOL, TREE_TEXT,   "0",      "false"                         },
        {SOURCE_BOOL, TREE_NUMBER, "2",      "neither true (1) nor false (0)"},
        {SOURCE_BOOL, TREE_TEXT,   "yes",    "neither true (1) nor false (0)"},
        {SOURCE_BOOL, TREE_OBJECT, "",       "at its path is an object"      },
        {SOURCE_TEXT, TREE_TEXT,   " a b ",  "\" a b \""                     },
        {SOURCE_TEXT, TREE_NUMBER, "1.50",   "\"1.50\""                      },
        {SOURCE_TEXT, TREE_TRUE,   "true",   "\"true\""                      },
        {SOURCE_TEXT, TREE_ARRAY,  "",       "at its path is an array"       },
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void test_decimals_and_thousands(void **state)
{
    static const struct {
        char decimal, thousands;
        enum tree_kind kind;
        const char *text, *want;
    } rows[] = {
        {',', '\0', TREE_TEXT,   "1,5",           "1.5"         },
        {',', '\0', TREE_TEXT,   "-1,5e2",        "-150"        },
        {',', '\0', TREE_TEXT,   "1.5",           "is no number"},
        {',', '\0', TREE_TEXT,   "1,5,5",         "is no number"},
        {',', '\0', TREE_NUMBER, "1.5",           "1.5"         },
        {',', '.',  TREE_TEXT,   "1.234.567,25",  "1234567.25"  },
        {',', '.',  TREE_TEXT,   "234,25",        "234.25"      },
        {',', '.',  TREE_TEXT,   "1.5",           "is no number"},
        {'.', ',',  TREE_TEXT,   "1,234.5",       "1234.5"      },
        {'.', ',',  TREE_TEXT,   "-12,345,678",   "-12345678"   },
        {'.', ',',  TREE_TEXT,   "1,000e3",       "1000000"     },
        {'.', ',',  TREE_TEXT,   "1234",          "1234"        },
        {'.', ',',  TREE_TEXT,   "1,5",           "is no number"},
        {'.', ',',  TREE_TEXT,   "1,23,456",      "is no number"},
        {'.', ',',  TREE_TEXT,   "1234,567",      "is no number"},
        {'.', ',',  TREE_TEXT,   ",123",          "is no number"},
        {'.', ',',  TREE_TEXT,   "1,234,",        "is no number"},
        {'.', ',',  TREE_TEXT,   "1.234,567",     "is no number"},
        {'.', ' ',  TREE_TEXT,   "1 234 567",     "1234567"     },
        {'.', '\'', TREE_TEXT,   "1'234'567.125", "1234567.125" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct source_value value = value_of(SOURCE_NUMBER);

        value.decimal = rows[i].decimal;
        value.thousands = rows[i].thousands;
        expect(&value, rows[i].kind, rows[i].text, NULL, rows[i].want);
    }
}

static void test_qualifiers_and_codes(void **state)
{
    static const struct {
        enum source_coded coded;
        enum tree_kind kind;
        const char *text, *want;
    } rows[] = {
        {SOURCE_CODED_FAIL, TREE_TEXT,   "<10",            "<10"                            },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "> 2000",         ">2000"                          },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "<= 0.5",         "<=0.5"                          },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "10",             "10"                             },
        {SOURCE_CODED_FAIL, TREE_NUMBER, "10",             "10"                             },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "<",              "\"<\" is no number"             },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "~10",            "\"~10\" is no number"           },
        {SOURCE_CODED_FAIL, TREE_TEXT,   "<inf",           "cannot be stored as a number"   },
        {SOURCE_CODED_KEEP, TREE_TEXT,   "Ponded / Still", "nothing code \"Ponded / Still\""},
        {SOURCE_CODED_KEEP, TREE_TEXT,   "<LOD",           "nothing code \"<LOD\""          },
        {SOURCE_CODED_KEEP, TREE_TEXT,   "<10",            "<10"                            },
        {SOURCE_CODED_SKIP, TREE_TEXT,   "Ponded / Still", "nothing"                        },
        {SOURCE_CODED_KEEP, TREE_TEXT,   "1e999",          "does not fit a 64-bit float"    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct source_value value = value_of(SOURCE_NUMBER);

        value.qualifiers = qualifiers;
        value.qualifier_count = COUNT_OF(qualifiers);
        value.coded = rows[i].coded;
        expect(&value, rows[i].kind, rows[i].text, NULL, rows[i].want);
    }
}

static void test_units_and_scales(void **state)
{
    static const struct {
        enum source_type type;
        enum source_coded coded;
        double scale, offset;
        const char *text, *unit, *want;
    } rows[] = {
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "-40",              "degF",         "-40"                            },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "0.1",              "degC",         "0.1"                            },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "-0",               "degC",         "-0"                             },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 2,    0.5, "1",                "degC",         "2.5"                            },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 2,    0,   "1.5",              "GW",           "3000"                           },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "1",                "K",            "the unit \"K\" is none of units"},
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "1",                NULL,           "the unit \"\" is none of units" },
        {SOURCE_NUMBER,  SOURCE_CODED_KEEP, 1,    0,   "Calm",             "Coded Result", "nothing code \"Calm\""          },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1,    0,   "",                 "K",            "nothing"                        },
        {SOURCE_NUMBER,  SOURCE_CODED_FAIL, 1e10, 0,   "1e300",            "degC",         "beyond all floats"              },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 1,    0,   "9007199254740993", "degC",         "9007199254740993i"              },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 1,    0,   "3",                "GW",           "3000i"                          },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 0.5,  0,   "3",                "degC",         "it is no integer"               },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 0.5,  0.5, "3",                "degC",         "2i"                             },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 2,    0,   "9007199254740993", "degC",         "it is no integer"               },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 0.5,  0,   "9007199254740993", "degC",         "it is no integer"               },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 1e-3, 0,   "9007199254740993", "GW",           "it is no integer"               },
        {SOURCE_INTEGER, SOURCE_CODED_FAIL, 0.5,  0,   "9007199254740990", "degC",
         "4503599627370495i"                                                                                                },
        {SOURCE_TEXT,    SOURCE_CODED_FAIL, 2,    0,   "3",                "K",            "\"3\""                          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct source_value value = value_of(rows[i].type);

        value.units = units;
        value.unit_count = COUNT_OF(units);
        value.scale = rows[i].scale;
        value.offset = rows[i].offset;
        value.coded = rows[i].coded;
        expect(&value, TREE_TEXT, rows[i].text, rows[i].unit, rows[i].want);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_is_a_value),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_own_nulls),
        cmocka_unit_test(test_bools_and_texts),
        cmocka_unit_test(test_decimals_and_thousands),
        cmocka_unit_test(test_qualifiers_and_codes),
        cmocka_unit_test(test_units_and_scales),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
