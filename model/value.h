/* The types of a field and one cell of a column. */
#ifndef WEIR_MODEL_VALUE_H
#define WEIR_MODEL_VALUE_H

#include "base/bytes.h"

/* Numbers are part of the stored formats.  16..19 are reserved for f32, i16, u8, bit. */
enum value_type {
    TYPE_NONE = 0,
    TYPE_F64 = 1,
    TYPE_I64 = 2,
    TYPE_U64 = 3,
    TYPE_BOOL = 4,
    TYPE_STRING = 5,
    TYPE_RETRACTED = 6, /* an explicit null: takes the field's earlier value back */
};

/* Fields of one kind mix; of different kinds they conflict. */
enum value_kind { KIND_NONE, KIND_NUMBER, KIND_STRING, KIND_BOOL };

struct text {
    uint32_t size;
    char data[];
};

/* Eight bytes; which member holds is said by the column's type.  BOOL is u64 0 or 1,
 * RETRACTED is u64 0. */
union cell {
    double f64;
    int64_t i64;
    uint64_t u64;
    const struct text *text;
};

static inline enum value_kind value_kind(enum value_type type)
{
    switch (type) {
    case TYPE_F64:
    case TYPE_I64:
    case TYPE_U64:
        return KIND_NUMBER;
    case TYPE_STRING:
        return KIND_STRING;
    case TYPE_BOOL:
        return KIND_BOOL;
    case TYPE_NONE:
    case TYPE_RETRACTED:
        break;
    }
    return KIND_NONE;
}

static inline struct bytes text_bytes(const struct text *text)
{
    return (struct bytes){text->data, text->size};
}

/* "f64", "i64", "u64", "bool", "string", "retracted". */
const char *value_type_name(enum value_type type);
/* "number", "string", "bool". */
const char *value_kind_name(enum value_kind kind);

#endif
