#include "discovery/zookeeper_nodes.h"

#include <assert.h>
#include <stdlib.h>

enum { KEY_SIZE_MAX = REGISTRY_NAME_SIZE_MAX + 1 };

void zookeeper_nodes_init(struct zookeeper_nodes *nodes)
{
    *nodes = (struct zookeeper_nodes){.map = MAP_INIT};
    nodes->end = &nodes->wanted;
}

static void node_free(struct zookeeper_node *node)
{
    free((char *)node->text.data);
    free(node);
}

void zookeeper_nodes_release(struct zookeeper_nodes *nodes)
{
    const struct map_slot *slot;

    while (zookeeper_nodes_next(nodes)) {
    } /* frees what was forgotten */
    for (size_t i = 0; (slot = map_next(&nodes->map, &i)) != NULL;)
        node_free(slot->value);
    map_release(&nodes->map);
}

static struct bytes key_of(enum registry_kind kind, struct bytes name, char room[KEY_SIZE_MAX])
{
    assert(name.size <= REGISTRY_NAME_SIZE_MAX);
    room[0] = (char)('a' + (int)kind);
    memcpy(room + 1, name.data, name.size);
    return (struct bytes){room, name.size + 1};
}

struct zookeeper_node *zookeeper_nodes_find(const struct zookeeper_nodes *nodes,
                                            enum registry_kind kind, struct bytes name)
{
    char room[KEY_SIZE_MAX];

    return map_get(&nodes->map, key_of(kind, name, room));
}

static struct zookeeper_node *find_or_make(struct zookeeper_nodes *nodes, enum registry_kind kind,
                                           struct bytes name)
{
    struct zookeeper_node *node = zookeeper_nodes_find(nodes, kind, name);
    char *key;

    if (node)
        return node;
    node = calloc(1, sizeof(*node) + KEY_SIZE_MAX);
    if (!node)
        return NULL;
    key = (char *)(node + 1);
    node->kind = kind;
    node->key = key_of(kind, name, key);
    node->name = bytes_slice(node->key, 1, node->key.size);
    if (map_put(&nodes->map, node->key, node))
        return node;
    free(node);
    return NULL;
}

static void want(struct zookeeper_nodes *nodes, struct zookeeper_node *node)
{
    if (node->wanted)
        return;
    node->wanted = true;
    node->wanted_next = NULL;
    *nodes->end = node;
    nodes->end = &node->wanted_next;
}

bool zookeeper_nodes_want(struct zookeeper_nodes *nodes, enum registry_kind kind, struct bytes name)
{
    struct zookeeper_node *node = find_or_make(nodes, kind, name);

    if (node)
        want(nodes, node);
    return node != NULL;
}

void zookeeper_nodes_want_all(struct zookeeper_nodes *nodes)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&nodes->map, &i)) != NULL;)
        want(nodes, slot->value);
}

struct zookeeper_node *zookeeper_nodes_next(struct zookeeper_nodes *nodes)
{
    struct zookeeper_node *node;

    while ((node = nodes->wanted) != NULL) {
        nodes->wanted = node->wanted_next;
        if (!nodes->wanted)
            nodes->end = &nodes->wanted;
        node->wanted = false;
        if (!node->forgotten)
            return node;
        node_free(node);
    }
    return NULL;
}

/* One that stands in the list of those that are wanted is freed when its turn comes: looking for it
 * there would make the end of a large tree quadratic. */
static void forget(struct zookeeper_nodes *nodes, struct zookeeper_node *node)
{
    (void)map_remove(&nodes->map, node->key);
    nodes->refused_count -= node->refused;
    node->forgotten = true;
    if (!node->wanted)
        node_free(node);
}

void zookeeper_nodes_gone(struct zookeeper_nodes *nodes, enum registry_kind kind, struct bytes name)
{
    struct zookeeper_node *node = zookeeper_nodes_find(nodes, kind, name);

    if (node)
        forget(nodes, node);
}

bool zookeeper_nodes_list(struct zookeeper_nodes *nodes, enum registry_kind kind,
                          char *const *names, size_t count)
{
    struct zookeeper_node *node, *unlisted = NULL;
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&nodes->map, &i)) != NULL;)
        ((struct zookeeper_node *)slot->value)->listed = false;
    for (size_t i = 0; i < count; i++) {
        struct bytes name = bytes_of(names[i]);

        if (!registry_name_valid(kind, name))
            continue;
        node = find_or_make(nodes, kind, name);
        if (!node)
            return false;
        node->listed = true;
        if (!node->present)
            want(nodes, node);
    }
    for (size_t i = 0; (slot = map_next(&nodes->map, &i)) != NULL;) { /* forget() moves slots */
        node = slot->value;
        if (node->kind == kind && !node->listed) {
            node->unlisted_next = unlisted;
            unlisted = node;
        }
    }
    while ((node = unlisted) != NULL) {
        unlisted = node->unlisted_next;
        forget(nodes, node);
    }
    return true;
}

bool zookeeper_nodes_read(struct zookeeper_nodes *nodes, enum registry_kind kind, struct bytes name,
                          struct bytes text, uint64_t version, int64_t owner)
{
    struct zookeeper_node *node = find_or_make(nodes, kind, name);

    if (!node) {
        free((char *)text.data);
        return false;
    }
    free((char *)node->text.data);
    node->text = text;
    node->version = version;
    node->owner = owner;
    node->present = true;
    nodes->refused_count -= node->refused;
    node->refused = false;
    return true;
}

bool zookeeper_nodes_refuse(struct zookeeper_nodes *nodes, enum registry_kind kind,
                            struct bytes name, bool *first)
{
    struct zookeeper_node *node = find_or_make(nodes, kind, name);

    if (!node)
        return false;
    *first = !node->refused;
    nodes->refused_count += !node->refused;
    node->refused = true;
    node->present = false;
    return true;
}

void zookeeper_nodes_want_refused(struct zookeeper_nodes *nodes)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&nodes->map, &i)) != NULL;)
        if (((struct zookeeper_node *)slot->value)->refused)
            want(nodes, slot->value);
}

struct registry_record *zookeeper_nodes_records(const struct zookeeper_nodes *nodes, size_t *count)
{
    struct registry_record *records = malloc((nodes->map.count + 1) * sizeof(*records));
    const struct map_slot *slot;

    *count = 0;
    for (size_t i = 0; records && (slot = map_next(&nodes->map, &i)) != NULL;) {
        const struct zookeeper_node *node = slot->value;

        if (node->present)
            records[(*count)++] = (struct registry_record){.kind = node->kind,
                                                           .name = node->name,
                                                           .text = node->text,
                                                           .version = node->version};
    }
    return records;
}
