#include "ingest/pull/row_text.h"

#include "ingest/pull/row_time.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

/* The filling of one text. */
struct filling {
    const struct row_scene *scene;
    const struct tree_row *row; /* NULL: of no row */
    struct arena *arena;        /* of what places stand for */
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

static enum code time_text(const struct filling *filling, const struct place *place,
                           struct bytes *text, struct error *err)
{
    const struct row_scene *scene = filling->scene;
    const struct source_window *window = &scene->source->window;
    struct buf out = BUF_INIT(TEXT_SIZE_MAX);
    enum code code;

    if (place->kind != PLACE_NOW && !scene->windowed)
        return error_set(err, E_BAD_PARAMETER, "there is no window, whose times were to be told");
    if (place->kind == PLACE_WINDOW_END && window->end_inclusive)
        code = row_time_print_last(&window->format, window->zone, scene->end_ns, &out, err);
    else
        code = row_time_print(&window->format, window->zone,
                              place->kind == PLACE_NOW          ? scene->fetched_ns
                              : place->kind == PLACE_WINDOW_END ? scene->end_ns
                                                                : scene->start_ns,
                              &out, err);
    if (code == OK)
        code = buf_finish(&out, err);
    if (code == OK) {
        *text = arena_copy(filling->arena, buf_bytes(&out));
        code = text->data == NULL ? no_memory(err) : OK;
    }
    buf_release(&out);
    return code;
}

static enum code value_of(void *context, const struct place *place, struct bytes *value,
                          struct error *err)
{
    struct filling *filling = context;
    const struct source_partition *partition = filling->scene->partition;

    switch (place->kind) {
    case PLACE_ROW:
        if (!row_leaf(&filling->row->slots[place->slot], value))
            filling->missing = true;
        return OK;
    case PLACE_WINDOW_START:
    case PLACE_WINDOW_END:
    case PLACE_NOW:
        return time_text(filling, place, value, err);
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
                      struct bytes *filled, struct error *err)
{
    struct place_values values = {value_of, filling};
    struct buf out = BUF_INIT(TEXT_SIZE_MAX);
    enum code code = text_places_fill(places, PLACE_PLAIN, &values, &out, err);

    if (code == OK)
        code = buf_finish(&out, err);
    if (code == OK) {
        *filled = arena_copy(filling->arena, buf_bytes(&out));
        code = filled->data == NULL ? no_memory(err) : OK;
    }
    buf_release(&out);
    return code;
}

enum code row_text_make(const struct text_places *places, const struct row_scene *scene,
                        struct arena *arena, struct row_text *made, struct error *err)
{
    struct filling filling = {.scene = scene, .arena = arena};

    *made = (struct row_text){.places = places, .scene = scene};
    if (text_places_has(places, PLACE_ROW))
        return OK;
    made->constant = true;
    return fill(places, &filling, &made->text, err);
}

enum code row_text_of(const struct row_text *text, const struct tree_row *row, struct arena *arena,
                      struct bytes *filled, bool *there, struct error *err)
{
    const struct text_places *places = text->places;
    struct filling filling = {.scene = text->scene, .row = row, .arena = arena};
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
    code = fill(places, &filling, filled, err);
    *there = !filling.missing;
    if (!*there)
        *filled = (struct bytes){"", 0};
    return code;
}
