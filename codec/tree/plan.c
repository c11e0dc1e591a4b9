#include "codec/tree/plan.h"

#include <assert.h>

#include "base/number.h"

static int name_compare(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

/* The first child that is not below the name. */
static uint32_t child_place(const struct tree_node *node, struct bytes name)
{
    uint32_t first = 0, end = node->child_count;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;

        if (name_compare(node->children[middle]->name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const struct tree_node *tree_node_child(const struct tree_node *node, struct bytes name)
{
    uint32_t place = child_place(node, name);

    if (place == node->child_count || name_compare(node->children[place]->name, name) != 0)
        return NULL;
    return node->children[place];
}

/* "0", "17": no sign, no zero in front. */
static uint64_t index_of(struct bytes name)
{
    uint64_t index;

    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < '0' || name.data[i] > '9')
            return UINT64_MAX;
    if ((name.size > 1 && name.data[0] == '0') || number_parse_u64(name, &index) != OK)
        return UINT64_MAX;
    return index;
}

static struct tree_node *node_new(struct arena *arena, struct tree_node *parent)
{
    struct tree_node *node = ARENA_NEW(arena, struct tree_node);

    if (node != NULL) {
        node->parent = parent;
        node->index = UINT64_MAX;
        node->level = node->column = TREE_NONE;
    }
    return node;
}

/* Where a step leads, made if it is not there; NULL: memory ran out. */
static struct tree_node *node_step(struct arena *arena, struct tree_node *node,
                                   const struct tree_step *step)
{
    uint32_t place = child_place(node, step->name);
    struct tree_node *child;

    if (step->any) {
        if (node->any == NULL)
            node->any = node_new(arena, node);
        return node->any;
    }
    if (place < node->child_count && name_compare(node->children[place]->name, step->name) == 0)
        return node->children[place];
    child = node_new(arena, node);
    if (child == NULL)
        return NULL;
    if (node->child_count == node->child_room) {
        uint32_t room = node->child_room == 0 ? 4 : node->child_room * 2;
        struct tree_node **children =
            arena_grow(arena, node->children, node->child_room * sizeof(struct tree_node *),
                       room * sizeof(struct tree_node *));

        if (children == NULL)
            return NULL;
        node->children = children;
        node->child_room = room;
    }
    memmove(node->children + place + 1, node->children + place,
            (node->child_count - place) * sizeof(struct tree_node *));
    node->children[place] = child;
    node->child_count++;
    child->name = step->name;
    child->index = index_of(step->name);
    node->indexed |= child->index != UINT64_MAX;
    return child;
}

static bool node_add_slot(struct arena *arena, struct tree_node *node, uint32_t slot)
{
    if (node->slot_count == node->slot_room) {
        uint32_t room = node->slot_room == 0 ? 2 : node->slot_room * 2;
        uint32_t *slots =
            arena_grow(arena, node->slots, node->slot_room * sizeof(*slots), room * sizeof(*slots));

        if (slots == NULL)
            return false;
        node->slots = slots;
        node->slot_room = room;
    }
    node->slots[node->slot_count++] = slot;
    return true;
}

/* A plan on its way. */
struct making {
    struct arena *arena;
    struct tree_plan *plan;
    struct tree_node **chain; /* the node of each level */
    struct plan_slot *slots;
    struct error *err;
};

static enum code no_memory(const struct making *making)
{
    return error_set(making->err, E_MEMORY, "no memory for a plan of rows");
}

static enum code refuse(const struct making *making, const struct tree_path *path, const char *what)
{
    struct buf text = BUF_INIT((size_t)2 * TREE_PATH_SIZE_MAX);

    tree_path_print(path, &text);
    (void)error_set(making->err, E_BAD_PARAMETER, "\"%.*s\": %s", (int)text.size,
                    text.size == 0 ? "" : text.data, what);
    buf_release(&text);
    return E_BAD_PARAMETER;
}

static enum code make_chain(struct making *making, const struct tree_path *rows)
{
    struct tree_plan *plan = making->plan;
    const struct tree_step *steps = rows->steps;
    size_t count = rows->count;

    if (!rows->absolute) {
        if (rows->up > 0 || (count > 0 && !steps[0].any))
            return refuse(making, rows,
                          "the path of rows begins with a slash, or with \"*\" where each "
                          "document is a row");
        plan->documents = true;
        steps += count > 0;
        count -= count > 0;
    }
    plan->level_count = (uint32_t)count + 1;
    plan->root = node_new(making->arena, NULL);
    making->chain = ARENA_ARRAY(making->arena, struct tree_node *, plan->level_count);
    plan->levels = ARENA_ARRAY(making->arena, struct plan_group, plan->level_count);
    if (plan->root == NULL || making->chain == NULL || plan->levels == NULL)
        return no_memory(making);
    making->chain[0] = plan->root;
    plan->root->level = 0;
    plan->star_level = TREE_NONE;
    for (uint32_t i = 1; i < plan->level_count; i++) {
        struct tree_node *node = node_step(making->arena, making->chain[i - 1], &steps[i - 1]);

        if (node == NULL)
            return no_memory(making);
        making->chain[i] = node;
        node->level = i;
        node->star = steps[i - 1].any;
        if (node->star)
            plan->star_level = i;
        if (plan->star_level == TREE_NONE)
            plan->named = i;
    }
    making->chain[plan->level_count - 1]->row = true;
    return OK;
}

/* The level that `../`, so many times, leads to.  An array that '*' passes goes with its element.
 */
static bool level_above(const struct making *making, uint32_t up, uint32_t *level)
{
    *level = making->plan->level_count - 1;
    for (; up > 0; up--) {
        if (*level > 0 && making->chain[*level]->star)
            (*level)--;
        if (*level == 0)
            return false;
        (*level)--;
    }
    return true;
}

/* A column's nodes: the array, and behind '*' its elements. */
static enum code make_column(struct making *making, struct tree_node **node,
                             const struct tree_step *step)
{
    static const struct tree_step any = {.any = true};
    struct tree_node *array = node_step(making->arena, *node, step), *element;

    element = array == NULL ? NULL : node_step(making->arena, array, &any);
    if (element == NULL)
        return no_memory(making);
    if (array->column == TREE_NONE) {
        element->star = true;
        array->column = element->column = making->plan->column_count;
        making->plan->columns[making->plan->column_count++] = array;
    }
    *node = element;
    return OK;
}

static enum code slot_kind(struct making *making, const struct tree_slot *slot,
                           struct plan_slot *made)
{
    const struct tree_path *path = &slot->path;
    uint32_t row = making->plan->level_count - 1, level = 0;

    *made = (struct plan_slot){.kind = PLAN_AROUND};
    if (slot->document) {
        if (!path->absolute)
            return refuse(making, path, "what is wanted of the document begins with a slash");
        made->kind = PLAN_DOCUMENT;
    } else if (!path->absolute && path->up == 0) {
        if (making->plan->zip && path->count == 0)
            return refuse(making, path, "a row of a zip is no thing of its own; name an array");
        made->kind = making->plan->zip ? PLAN_COLUMN : PLAN_ROW;
    } else if (!path->absolute && !level_above(making, path->up, &level)) {
        return refuse(making, path, "\"../\" leads above the document");
    } else if (row == 0 && !making->plan->zip) {
        made->kind = PLAN_ROW; /* the document is the row */
    }
    made->place = level;
    return OK;
}

static enum code make_slot(struct making *making, uint32_t index, const struct tree_slot *slot)
{
    struct plan_slot *made = &making->slots[index];
    const struct tree_path *path = &slot->path;
    enum code code = slot_kind(making, slot, made);
    struct tree_node *node;
    size_t step = 0;

    if (code)
        return code;
    node = making->plan->root;
    if (made->kind == PLAN_AROUND)
        node = making->chain[made->place];
    else if (made->kind != PLAN_DOCUMENT)
        node = making->chain[making->plan->level_count - 1];
    if (made->kind == PLAN_COLUMN) {
        code = make_column(making, &node, &path->steps[step++]);
        if (code)
            return code;
        made->place = node->column;
    }
    for (; step < path->count; step++) {
        assert(!path->steps[step].any);
        node = node_step(making->arena, node, &path->steps[step]);
        if (node == NULL)
            return no_memory(making);
    }
    if (!node_add_slot(making->arena, node, index))
        return no_memory(making);
    for (; made->kind == PLAN_AROUND && node != NULL; node = node->parent)
        node->first_pass = true;
    return OK;
}

/* Lists the slots of a kind by their place. */
static bool group_slots(const struct making *making, enum plan_kind kind, struct plan_group *groups,
                        uint32_t group_count)
{
    const struct tree_plan *plan = making->plan;

    for (uint32_t i = 0; i < plan->slot_count; i++)
        if (making->slots[i].kind == kind)
            groups[making->slots[i].place].count++;
    for (uint32_t i = 0; i < group_count; i++) {
        groups[i].slots = ARENA_ARRAY(making->arena, uint32_t, groups[i].count);
        if (groups[i].slots == NULL)
            return false;
        groups[i].count = 0;
    }
    for (uint32_t i = 0; i < plan->slot_count; i++)
        if (making->slots[i].kind == kind) {
            struct plan_group *group = &groups[making->slots[i].place];

            making->slots[i].order = group->count;
            group->slots[group->count++] = i;
        }
    return true;
}

static enum code make(struct making *making, const struct tree_path *rows,
                      const struct tree_slot *slots)
{
    struct tree_plan *plan = making->plan;
    enum code code = make_chain(making, rows);

    for (uint32_t i = 0; code == OK && i < plan->slot_count; i++) {
        code = make_slot(making, i, &slots[i]);
        if (code == OK && making->slots[i].kind == PLAN_AROUND)
            plan->passes = 2;
        if (code == OK && slots[i].path.count + plan->level_count + 1 > plan->depth)
            plan->depth = (uint32_t)slots[i].path.count + plan->level_count + 1;
    }
    if (code)
        return code;
    plan->column_slots = ARENA_ARRAY(making->arena, struct plan_group, plan->column_count);
    if (plan->column_slots == NULL ||
        !group_slots(making, PLAN_AROUND, plan->levels, plan->level_count) ||
        !group_slots(making, PLAN_COLUMN, plan->column_slots, plan->column_count))
        return no_memory(making);
    return OK;
}

enum code tree_plan_make(const struct tree_path *rows, bool zip, const struct tree_slot *slots,
                         size_t slot_count, struct arena *arena, const struct tree_plan **plan,
                         struct error *err)
{
    struct making making = {.arena = arena, .err = err};
    enum code code;

    *plan = NULL;
    if (slot_count > TREE_SLOTS_MAX)
        return error_set(err, E_BAD_PARAMETER, "%zu paths of a row; the most is %d", slot_count,
                         TREE_SLOTS_MAX);
    making.plan = ARENA_NEW(arena, struct tree_plan);
    making.slots = ARENA_ARRAY(arena, struct plan_slot, slot_count);
    if (making.plan == NULL || making.slots == NULL)
        return no_memory(&making);
    making.plan->columns = ARENA_ARRAY(arena, struct tree_node *, slot_count);
    if (making.plan->columns == NULL)
        return no_memory(&making);
    making.plan->slots = making.slots;
    making.plan->slot_count = (uint32_t)slot_count;
    making.plan->zip = zip;
    making.plan->passes = 1;
    making.plan->depth = (uint32_t)rows->count + 2;
    code = make(&making, rows, slots);
    if (code == OK)
        *plan = making.plan;
    return code;
}

unsigned tree_plan_passes(const struct tree_plan *plan)
{
    return plan->passes;
}
