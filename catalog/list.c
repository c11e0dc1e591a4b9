/* The lists for people: every list is one walk under the tenant's read lock into a page. */
#include "catalog/catalog.h"
#include "catalog/lock.h"
#include "catalog/page.h"
#include "catalog/tables.h"

/* What a list wants of one measurement. */
typedef void measurement_visit(const struct measurement *measurement, struct bytes key,
                               struct page *page);

static void visit_name(const struct measurement *measurement, struct bytes key, struct page *page)
{
    (void)key;
    /* One without series was named by a request that was refused later. */
    if (measurement->series_count > 0)
        page_add(page, measurement->name, NULL);
}

static void visit_fields(const struct measurement *measurement, struct bytes key, struct page *page)
{
    const struct map_slot *slot;

    (void)key;
    for (size_t i = 0; (slot = map_next(&measurement->fields, &i)) != NULL;)
        page_add(page, slot->key, slot->value);
}

static void visit_keys(const struct measurement *measurement, struct bytes key, struct page *page)
{
    const struct map_slot *slot;

    (void)key;
    for (size_t i = 0; (slot = map_next(&measurement->tags.keys, &i)) != NULL;)
        if (tag_key_used(slot->value))
            page_add(page, slot->key, NULL);
}

static void visit_values(const struct measurement *measurement, struct bytes key, struct page *page)
{
    const struct tag_key *found = tags_key(&measurement->tags, key);
    const struct tag_value *value;

    for (size_t i = 0; found && (value = hash_table_next(&found->values, &i)) != NULL;)
        if (value->count > 0)
            page_add(page, value->text, NULL);
}

/* Visits one measurement, or all when the name is empty. */
static void visit(struct tenant_tables *tables, struct bytes name, measurement_visit *each,
                  struct bytes key, struct page *page)
{
    lock_read(&tables->lock);
    if (name.size > 0) {
        const struct measurement *measurement = measurement_find(tables, name);

        if (measurement)
            each(measurement, key, page);
    } else {
        const struct map_slot *slot;

        for (size_t i = 0; (slot = map_next(&tables->measurements, &i)) != NULL;)
            if (!measurement_is_hidden(slot->key))
                each(slot->value, key, page);
    }
    lock_leave(&tables->lock);
}

static enum code list_names(const struct tenant *tenant, struct bytes measurement,
                            measurement_visit *each, struct bytes key, struct bytes after,
                            size_t limit, struct arena *arena, struct bytes **names, size_t *count,
                            struct error *err)
{
    struct bytes *list;
    struct page page;
    enum code code;

    page_init(&page, after, limit, arena);
    visit(tables_of(tenant), measurement, each, key, &page);
    code = page_finish(&page, err);
    if (code)
        goto out;
    list = ARENA_ARRAY(arena, struct bytes, page.count);
    if (!list) {
        code = error_set(err, E_MEMORY, "no memory for the list");
        goto out;
    }
    for (size_t i = 0; i < page.count; i++)
        list[i] = page.items[i].name; /* names live as long as the catalog */
    *names = list;
    *count = page.count;

out:
    page_release(&page);
    return code;
}

enum code catalog_measurements(struct catalog *catalog, const struct tenant *tenant,
                               struct bytes after, size_t limit, struct arena *arena,
                               struct bytes **names, size_t *count, struct error *err)
{
    (void)catalog;
    return list_names(tenant, BYTES(""), visit_name, BYTES(""), after, limit, arena, names, count,
                      err);
}

enum code catalog_tag_keys(struct catalog *catalog, const struct tenant *tenant,
                           struct bytes measurement, struct bytes after, size_t limit,
                           struct arena *arena, struct bytes **keys, size_t *count,
                           struct error *err)
{
    (void)catalog;
    return list_names(tenant, measurement, visit_keys, BYTES(""), after, limit, arena, keys, count,
                      err);
}

enum code catalog_tag_values(struct catalog *catalog, const struct tenant *tenant,
                             struct bytes measurement, struct bytes key, struct bytes after,
                             size_t limit, struct arena *arena, struct bytes **values,
                             size_t *count, struct error *err)
{
    (void)catalog;
    return list_names(tenant, measurement, visit_values, key, after, limit, arena, values, count,
                      err);
}

enum code catalog_fields(struct catalog *catalog, const struct tenant *tenant,
                         struct bytes measurement, struct bytes after, size_t limit,
                         struct arena *arena, struct field_info **fields, size_t *count,
                         struct error *err)
{
    struct field_info *list;
    struct page page;
    enum code code;

    (void)catalog;
    page_init(&page, after, limit, arena);
    visit(tables_of(tenant), measurement, visit_fields, BYTES(""), &page);
    code = page_finish(&page, err);
    if (code)
        goto out;
    list = ARENA_ARRAY(arena, struct field_info, page.count);
    if (!list) {
        code = error_set(err, E_MEMORY, "no memory for the list");
        goto out;
    }
    /* Kind and types change under the lock. */
    lock_read(&tables_of(tenant)->lock);
    for (size_t i = 0; i < page.count; i++) {
        const struct field *field = page.items[i].item;

        list[i] = (struct field_info){field->name, field->kind, field->types};
    }
    lock_leave(&tables_of(tenant)->lock);
    *fields = list;
    *count = page.count;

out:
    page_release(&page);
    return code;
}
