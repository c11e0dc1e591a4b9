#include "discovery/zookeeper_reader.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "discovery/registry_core.h"
#include "discovery/zookeeper_work.h"

enum { READS_MAX = 256 /* under way at once */, REFUSED_AGAIN_MS = 2000 };

void zookeeper_reader_init(struct zookeeper_reader *reader, struct registry *registry)
{
    *reader = (struct zookeeper_reader){.registry = registry};
    zookeeper_nodes_init(&reader->nodes);
}

void zookeeper_reader_release(struct zookeeper_reader *reader)
{
    zookeeper_nodes_release(&reader->nodes);
}

void zookeeper_reader_want(struct zookeeper_reader *reader)
{
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        reader->list[i] = true;
    zookeeper_nodes_want_all(&reader->nodes);
    reader->unpublished = true;
    reader->refused = false;
}

void zookeeper_reader_want_one(struct zookeeper_reader *reader, enum registry_kind kind,
                               struct bytes name)
{
    if (!zookeeper_nodes_want(&reader->nodes, kind, name))
        reader->list[kind] = true;
}

void zookeeper_reader_lost(struct zookeeper_reader *reader)
{
    reader->reading = 0;
    memset(reader->listing, 0, sizeof(reader->listing));
}

void zookeeper_reader_forget(struct zookeeper_reader *reader)
{
    zookeeper_nodes_release(&reader->nodes);
    zookeeper_nodes_init(&reader->nodes);
}

bool zookeeper_reader_quiet(const struct zookeeper_reader *reader)
{
    bool quiet = !reader->refused && reader->reading == 0 && !reader->nodes.wanted;

    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        quiet = quiet && !reader->list[i] && !reader->listing[i];
    return quiet;
}

/* --- asking --- */

static int64_t again_ns(void)
{
    return clock_monotonic_ns(clock_system()) + (int64_t)REFUSED_AGAIN_MS * 1000000;
}

/* Once: the next time is set. */
static bool again_is_due(int64_t *at_ns)
{
    if (clock_monotonic_ns(clock_system()) < *at_ns)
        return false;
    *at_ns = again_ns();
    return true;
}

void zookeeper_reader_send(struct zookeeper_reader *reader, struct zookeeper_link *link,
                           const struct zookeeper_address *address)
{
    char path[LINK_PATH_SIZE_MAX];
    struct zookeeper_node *node;

    if (reader->refused)
        return;
    if (reader->nodes.refused_count > 0 && again_is_due(&reader->refused_again_ns))
        zookeeper_nodes_want_refused(&reader->nodes);
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++) {
        struct link_tag tag = {.what = WORK_LIST, .kind = (enum registry_kind)i};

        if (!reader->list[i] || reader->listing[i])
            continue;
        zookeeper_path(address, tag.kind, BYTES(""), path);
        if (!link_list(link, path, &tag))
            return;
        reader->list[i] = false;
        reader->listing[i] = true;
    }
    while (reader->reading < READS_MAX && (node = zookeeper_nodes_next(&reader->nodes))) {
        struct link_tag tag = {.what = WORK_READ, .kind = node->kind};

        snprintf(tag.name, sizeof(tag.name), "%.*s", BYTES_ARG(node->name));
        zookeeper_path(address, node->kind, node->name, path);
        if (!link_read(link, path, true, &tag)) {
            zookeeper_reader_want_one(reader, node->kind, node->name);
            return;
        }
        reader->reading++;
    }
}

void zookeeper_reader_make(struct zookeeper_reader *reader, enum registry_kind kind,
                           struct zookeeper_link *link, const struct zookeeper_address *address)
{
    struct link_tag above = {.what = WORK_PARENT}, tag = {.what = WORK_TREE, .kind = kind};
    const char *root = address->root;
    char path[LINK_PATH_SIZE_MAX];
    bool sent = true;

    for (size_t i = 1; sent && i <= strlen(root); i++) {
        if (root[i] != '/' && root[i] != '\0')
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)i, root);
        sent = link_create(link, path, BYTES(""), false, &above);
    }
    zookeeper_path(address, kind, BYTES(""), path);
    if (sent && link_create(link, path, BYTES(""), false, &tag))
        reader->listing[kind] = true; /* until that is answered */
    else
        reader->list[kind] = true; /* tried again when it is seen to be missing */
}

/* --- answers --- */

static void complain(const struct link_event *event, const struct zookeeper_address *address,
                     char *text, size_t room)
{
    const struct link_tag *tag = &event->tag;

    snprintf(text, room, "%s%s/%s%s%s%s", event->outcome == LINK_REFUSED ? "no rights on " : "",
             address->root, registry_kind_name(tag->kind), tag->name[0] ? "/" : "", tag->name,
             event->outcome == LINK_REFUSED ? ": are the credentials those of whoever made it?"
                                            : " cannot be read");
}

static void refuse(struct zookeeper_reader *reader, const struct link_event *event,
                   const struct zookeeper_address *address)
{
    char text[sizeof(reader->complaint)];

    complain(event, address, text, sizeof(text));
    reader->refused = true;
    reader->again_ns = again_ns();
    registry_state_set(reader->registry, REGISTRY_REFUSED, text);
}

/* False: memory ran out. */
static bool refuse_one(struct zookeeper_reader *reader, const struct link_event *event,
                       const struct zookeeper_address *address)
{
    bool first;

    if (!zookeeper_nodes_refuse(&reader->nodes, event->tag.kind, bytes_of(event->tag.name), &first))
        return false;
    complain(event, address, reader->complaint, sizeof(reader->complaint));
    if (!first)
        return true;
    reader->refused_again_ns = again_ns();
    log_event(LOG_ERROR, "a record of the registry cannot be read: what was last seen of it stays",
              LOG_CSTR("detail", reader->complaint));
    return true;
}

static void take_list(struct zookeeper_reader *reader, const struct link_event *event,
                      struct zookeeper_link *link, const struct zookeeper_address *address)
{
    enum registry_kind kind = event->tag.kind;

    reader->listing[kind] = false;
    switch (event->outcome) {
    case LINK_OK:
    case LINK_ABSENT: /* names none */
        if (!zookeeper_nodes_list(&reader->nodes, kind, event->names, event->name_count))
            reader->list[kind] = true;
        reader->unpublished = true;
        if (event->outcome == LINK_ABSENT)
            zookeeper_reader_make(reader, kind, link, address);
        break;
    case LINK_REFUSED:
    case LINK_FAILED:
        refuse(reader, event, address);
        reader->list[kind] = true;
        break;
    default:
        reader->list[kind] = true;
    }
}

static void take_read(struct zookeeper_reader *reader, struct link_event *event,
                      const struct zookeeper_address *address)
{
    enum registry_kind kind = event->tag.kind;
    struct bytes name = bytes_of(event->tag.name), text = event->text;
    bool again = event->outcome == LINK_LOST;

    assert(reader->reading > 0);
    reader->reading--;
    reader->unpublished = true;
    if (event->outcome == LINK_OK && text.size > REGISTRY_TEXT_SIZE_MAX) {
        log_event(LOG_WARN, "a record of the registry is too large, and passed over",
                  LOG_CSTR("kind", registry_kind_name(kind)), LOG_TEXT("name", name),
                  LOG_UINT("bytes", text.size));
        zookeeper_nodes_gone(&reader->nodes, kind, name);
    } else if (event->outcome == LINK_OK) {
        event->text = (struct bytes){NULL, 0};
        again = !zookeeper_nodes_read(&reader->nodes, kind, name, text,
                                      (uint64_t)event->node.changed, event->node.owner);
    } else if (event->outcome == LINK_ABSENT) {
        zookeeper_nodes_gone(&reader->nodes, kind, name);
    } else if (event->outcome != LINK_LOST) {
        again = !refuse_one(reader, event, address);
    }
    if (again)
        zookeeper_reader_want_one(reader, kind, name);
}

void zookeeper_reader_take(struct zookeeper_reader *reader, struct link_event *event,
                           struct zookeeper_link *link, const struct zookeeper_address *address)
{
    if (event->tag.what == WORK_LIST) {
        take_list(reader, event, link, address);
    } else if (event->tag.what == WORK_READ) {
        take_read(reader, event, address);
    } else {
        assert(event->tag.what == WORK_TREE);
        reader->listing[event->tag.kind] = false;
        reader->list[event->tag.kind] = true;
        if (event->outcome == LINK_REFUSED || event->outcome == LINK_FAILED)
            refuse(reader, event, address);
    }
}

void zookeeper_reader_changed(struct zookeeper_reader *reader, const char *path,
                              const struct zookeeper_address *address)
{
    enum registry_kind kind;
    struct bytes name;

    if (!zookeeper_path_parse(address, path, &kind, &name))
        return;
    if (name.size == 0)
        reader->list[kind] = true;
    else
        zookeeper_reader_want_one(reader, kind, name);
}
