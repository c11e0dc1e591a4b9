#include <assert.h>

#include "catalog/tables.h"

bool field_claimed(const struct tenant_tables *tables, struct bytes measurement, struct bytes name,
                   enum value_type type)
{
    const struct measurement *found = measurement_find(tables, measurement);
    const struct field *field = found ? map_get(&found->fields, name) : NULL;

    return field && (field->types & (1u << type)) != 0 && field->kind == value_kind(type);
}

enum value_kind field_kind(const struct tenant_tables *tables, struct bytes measurement,
                           struct bytes name)
{
    const struct measurement *found = measurement_find(tables, measurement);
    const struct field *field = found ? map_get(&found->fields, name) : NULL;

    return field ? field->kind : KIND_NONE;
}

static struct field *field_new(struct tenant_tables *tables, struct measurement *measurement,
                               struct bytes name, enum value_kind kind)
{
    struct field *field = ARENA_NEW(&tables->arena, struct field);

    if (!field)
        return NULL;
    field->kind = kind;
    field->name = arena_copy(&tables->arena, name);
    if (!field->name.data || !map_put(&measurement->fields, field->name, field))
        return NULL;
    return field;
}

enum code field_claim(struct tenant_tables *tables, struct bytes measurement_name,
                      struct bytes name, enum value_type type, uint64_t fields_max, bool force,
                      struct error *err)
{
    enum value_kind kind = value_kind(type);
    struct measurement *measurement = measurement_make(tables, measurement_name);
    struct field *field;

    assert(kind != KIND_NONE);
    if (!measurement)
        goto memory;
    field = map_get(&measurement->fields, name);
    if (!field && measurement->fields.count >= fields_max)
        return error_set(err, E_FIELDS_MANY,
                         "field \"%.*s\" is new and measurement \"%.*s\" has its %llu fields "
                         "(measurement_fields_max) already",
                         BYTES_ARG(name), BYTES_ARG(measurement_name),
                         (unsigned long long)fields_max);
    if (!field)
        field = field_new(tables, measurement, name, kind);
    if (!field)
        goto memory;
    if (field->kind != kind && !force)
        return error_set(err, E_FIELD_KIND,
                         "field \"%.*s\" of measurement \"%.*s\" holds %s values, this one is %s",
                         BYTES_ARG(name), BYTES_ARG(measurement_name), value_kind_name(field->kind),
                         value_kind_name(kind));
    field->types = (uint8_t)(field->types | (1u << type));
    return OK;

memory:
    return error_set(err, E_MEMORY, "no memory for a new field");
}
