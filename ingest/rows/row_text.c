#include "ingest/rows/row_text.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

/* The filling of one text. */
struct filling {
    const struct source_partition *partition;
    const struct tree_row *row; /* NULL: of no row */
    bool missing;               /* a place of the row leads nowhere */
};

bool row_leaf(const struct tree_value *value, struct bytes *text)
{
    switch (value->kind) {
    case TREE_TEXT:
    case TREE_NUMBER:
    case TREE_TRUE:
    case TREE_FALSE:
        *text = value->text;
        return true;
    default:
        *text = (struct bytes){"", 0};
        return false;
    }
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the texts of rows");
}

static enum code value_of(void *context, const struct place *place, struct bytes *value,
                          struct error *err)
{
    struct filling *filling = context;
    const struct source_partition *partition = filling->partition;

    switch (place->kind) {
    case PLACE_ROW:
        if (!row_leaf(&filling->row->slots[place->slot], value))
            filling->missing = true;
        return OK;
    case PLACE_EACH:
        for (size_t i = 0; i < partition->count; i++)
            if (bytes_equal(partition->variables[i].name, place->name)) {
                *value = partition->variables[i].value;
                return OK;
            }
        return error_set(err, E_BAD_PARAMETER, "the partition has no %.*s", BYTES_ARG(place->name));
    default:
        return error_set(err, E_BAD_PARAMETER, "this place has nothing in names and tags of rows");
    }
}

static enum code fill(const struct text_places *places, struct filling *filling,
                      struct arena *arena, struct bytes *filled, struct error *err)
{
    struct place_values values = {value_of, filling};
    struct buf out = BUF_INIT(TEXT_SIZE_MAX);
    enum code code = text_places_fill(places, PLACE_PLAIN, &values, &out, err);

    if (code == OK)
        code = buf_finish(&out, err);
    if (code == OK) {
        *filled = arena_copy(arena, buf_bytes(&out));
        code = filled->data == NULL ? no_memory(err) : OK;
    }
    buf_release(&out);
    return code;
}

enum code row_text_make(const struct text_places *places, const struct source_partition *partition,
                        struct arena *arena, struct row_text *made, struct error *err)
{
    struct filling filling = {.partition = partition};

    *made = (struct row_text){.places = places, .partition = partition};
    if (text_places_has(places, PLACE_ROW))
        return OK;
    made->constant = true;
    return fill(places, &filling, arena, &made->text, err);
}

enum code row_text_of(const struct row_text *text, const struct tree_row *row, struct arena *arena,
                      struct bytes *filled, bool *there, struct error *err)
{
    const struct text_places *places = text->places;
    struct filling filling = {.partition = text->partition, .row = row};
    enum code code;

    *there = true;
    if (text->constant) {
        *filled = text->text;
        return OK;
    }
    if (places->count == 1 && places->items[0].before.size == 0 && places->rest.size == 0) {
        *there = row_leaf(&row->slots[places->items[0].slot], filled);
        return OK;
    }
    code = fill(places, &filling, arena, filled, err);
    *there = !filling.missing;
    if (!*there)
        *filled = (struct bytes){"", 0};
    return code;
}
