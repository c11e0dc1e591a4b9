#include "model/value.h"

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [TYPE_NONE] = "none",
        [TYPE_F64] = "f64",
        [TYPE_I64] = "i64",
        [TYPE_U64] = "u64",
        [TYPE_BOOL] = "bool",
        [TYPE_STRING] = "string",
        [TYPE_RETRACTED] = "retracted",
    };

    return (size_t)type < COUNT_OF(names) ? names[type] : "unknown";
}

const char *value_kind_name(enum value_kind kind)
{
    static const char *const names[] = {"none", "number", "string", "bool"};

    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}
