/* A write whose answer is lost has happened or not: what is there is read, and decides.  A record
 * of the same text that came after the expected version is taken for ours; nobody could tell it
 * from one.
 *
 * The server that is read from may be behind: of what another node was told a moment ago, and
 * after a connection that moved, of what we wrote.  So a question to the leader (`sync`) goes ahead
 * of each read that decides, on the same connection: the server answers in order, and the read when
 * it has all that the leader had.  (A leader that was stopped, and does not know yet that it is
 * none any more, can be behind all the same.) */
#include "discovery/zookeeper_work.h"

#include "discovery/registry_core.h"

enum { REFUSED_AGAIN_S = 2 };

/* --- putting --- */

static void put_done(struct zookeeper_put *put, enum code code)
{
    put->code = code;
    put->decided = true;
}

static struct link_tag put_tag(const struct zookeeper_put *put)
{
    return (struct link_tag){.what = WORK_PUT, .kind = put->kind, .id = put->id};
}

void zookeeper_put_step(struct zookeeper_put *put, struct zookeeper_link *link,
                        const struct zookeeper_address *address)
{
    struct link_tag tag = put_tag(put), ahead = {.what = WORK_PROOF};
    char path[LINK_PATH_SIZE_MAX];

    if (put->stage != PUT_WAITS || put->decided || put->homeless)
        return;
    zookeeper_path(address, put->kind, put->name, path);
    if (put->expected == 0 && !put->look) {
        if (link_create(link, path, put->text, false, &tag))
            put->stage = PUT_WRITES;
    } else if (link_sync(link, path, &ahead) && link_read(link, path, false, &tag)) {
        put->stage = PUT_READS;
    }
}

static void put_refused(struct zookeeper_put *put, enum link_outcome outcome,
                        const struct zookeeper_address *address)
{
    put_done(put, outcome == LINK_REFUSED
                      ? error_set(&put->err, E_CONFIG,
                                  "ZooKeeper gives no rights on it below %s: are the credentials "
                                  "those of whoever made it?",
                                  address->root)
                      : error_set(&put->err, E_IO, "ZooKeeper could not do it"));
}

/* What is there was read: `node` and `text`. */
static void put_decide(struct zookeeper_put *put, const struct link_event *event,
                       struct zookeeper_link *link, const struct zookeeper_address *address)
{
    uint64_t version = (uint64_t)event->node.changed;
    struct link_tag tag = put_tag(put);
    char path[LINK_PATH_SIZE_MAX];

    if (put->tried && version > put->expected && bytes_equal(event->text, put->text)) {
        put->version = version;
        put->stage = PUT_WRITTEN;
        return;
    }
    if (version != put->expected) {
        put_done(put, registry_expect(version, put->expected, &put->err));
        return;
    }
    zookeeper_path(address, put->kind, put->name, path);
    put->stage =
        link_write(link, path, put->text, event->node.version, &tag) ? PUT_WRITES : PUT_WAITS;
}

static void put_was_read(struct zookeeper_put *put, const struct link_event *event,
                         struct zookeeper_link *link, const struct zookeeper_address *address)
{
    put->stage = PUT_WAITS;
    switch (event->outcome) {
    case LINK_OK:
        put_decide(put, event, link, address);
        return;
    case LINK_ABSENT:
        put->look = false; /* what went out may happen yet: then the next one meets it */
        if (put->expected > 0)
            put_done(put, error_set(&put->err, E_NOT_FOUND,
                                    "it is not in the registry; version 0 would make it"));
        return;
    case LINK_LOST:
        return;
    default:
        put_refused(put, event->outcome, address);
    }
}

static void put_was_written(struct zookeeper_put *put, const struct link_event *event,
                            const struct zookeeper_address *address)
{
    put->stage = PUT_WAITS;
    switch (event->outcome) {
    case LINK_OK:
        put->version = (uint64_t)event->node.changed;
        put->stage = PUT_WRITTEN;
        return;
    case LINK_LOST:
        put->look = put->tried = true;
        return;
    case LINK_THERE:
    case LINK_CHANGED:
        put->look = true;
        return;
    case LINK_ABSENT:
        if (put->expected == 0)
            put->homeless = true;
        return;
    default:
        put_refused(put, event->outcome, address);
    }
}

void zookeeper_put_answer(struct zookeeper_put *put, const struct link_event *event,
                          struct zookeeper_link *link, const struct zookeeper_address *address)
{
    if (put->stage == PUT_READS)
        put_was_read(put, event, link, address);
    else if (put->stage == PUT_WRITES)
        put_was_written(put, event, address);
}

void zookeeper_put_home(struct zookeeper_put *put, enum link_outcome outcome,
                        const struct zookeeper_address *address)
{
    if (!put->homeless)
        return;
    put->homeless = false;
    if (outcome == LINK_REFUSED || outcome == LINK_FAILED)
        put_refused(put, outcome, address);
}

void zookeeper_put_lost(struct zookeeper_put *put)
{
    if (put->stage == PUT_WRITES)
        put->look = put->tried = true;
    if (put->stage != PUT_WRITTEN)
        put->stage = PUT_WAITS;
    put->homeless = false;
}

void zookeeper_put_end(struct zookeeper_put *put, const char *state)
{
    if (put->stage == PUT_WRITTEN)
        put_done(put, OK);
    else if (put->tried || put->stage == PUT_WRITES)
        put_done(put,
                 error_set(&put->err, E_TIMEOUT,
                           "it was sent, and no answer came (%s): it may have been written, or "
                           "not; what the registry shows next will tell",
                           state));
    else
        put_done(put,
                 error_set(&put->err, E_NOT_READY,
                           "ZooKeeper was not reached in time (%s); nothing was written", state));
}

/* --- holding --- */

void zookeeper_hold_step(struct zookeeper_hold *hold, struct zookeeper_link *link,
                         const struct zookeeper_address *address,
                         const struct zookeeper_nodes *nodes, int64_t session, int64_t now_ns)
{
    struct link_tag tag = {.what = WORK_HOLD, .kind = hold->wanted.kind, .id = hold->wanted.id};
    struct bytes name = bytes_of(hold->wanted.name);
    const struct zookeeper_node *node;
    char path[LINK_PATH_SIZE_MAX];

    zookeeper_path(address, hold->wanted.kind, name, path);
    if (hold->stage == HOLD_HELD && hold->wanted.released) {
        if (hold->look ? link_read(link, path, false, &tag) : link_remove(link, path, &tag))
            hold->stage = hold->look ? HOLD_LOOKS : HOLD_REMOVES;
        return;
    }
    if (hold->stage != HOLD_WANTED)
        return;
    if (hold->wanted.released) {
        hold->stage = HOLD_OVER;
        return;
    }
    if (now_ns < hold->again_ns || hold->homeless)
        return;
    node = zookeeper_nodes_find(nodes, hold->wanted.kind, name);
    if (hold->look || (node && node->present && node->owner == session)) {
        if (link_read(link, path, false, &tag)) {
            hold->look = false;
            hold->stage = HOLD_LOOKS;
        }
        return;
    }
    if (node && node->present)
        return; /* somebody has it; its end is told */
    if (link_create(link, path, hold->wanted.text, true, &tag))
        hold->stage = HOLD_MAKES;
}

static bool hold_ours(struct zookeeper_hold *hold, const struct link_event *event)
{
    hold->epoch = (uint64_t)event->node.created;
    hold->stage = HOLD_HELD;
    return true;
}

/* It may be gone, and be somebody else's by now. */
static bool hold_look_again(struct zookeeper_hold *hold)
{
    hold->stage = HOLD_HELD;
    hold->look = true;
    return false;
}

bool zookeeper_hold_answer(struct zookeeper_hold *hold, const struct link_event *event,
                           int64_t session, int64_t now_ns)
{
    enum link_outcome outcome = event->outcome;

    switch (hold->stage) {
    case HOLD_MAKES:
        if (outcome == LINK_OK)
            return hold_ours(hold, event);
        hold->stage = HOLD_WANTED;
        if (outcome == LINK_THERE)
            hold->look = true; /* an answer may have been lost before */
        else if (outcome == LINK_ABSENT)
            hold->homeless = true;
        else if (outcome != LINK_LOST)
            hold->again_ns = now_ns + (int64_t)REFUSED_AGAIN_S * 1000000000;
        return false;
    case HOLD_LOOKS:
        if (outcome == LINK_LOST && hold->wanted.released)
            return hold_look_again(hold);
        hold->look = false;
        if (outcome == LINK_OK && event->node.owner == session)
            return hold_ours(hold, event);
        hold->stage = HOLD_WANTED;
        if (outcome == LINK_REFUSED || outcome == LINK_FAILED) /* it is of other credentials */
            hold->again_ns = now_ns + (int64_t)REFUSED_AGAIN_S * 1000000000;
        return false;
    case HOLD_REMOVES:
        if (outcome == LINK_LOST)
            return hold_look_again(hold);
        hold->stage = HOLD_OVER;
        return false;
    default:
        return false;
    }
}

void zookeeper_hold_home(struct zookeeper_hold *hold, enum link_outcome outcome, int64_t now_ns)
{
    if (hold->homeless && (outcome == LINK_REFUSED || outcome == LINK_FAILED))
        hold->again_ns = now_ns + (int64_t)REFUSED_AGAIN_S * 1000000000;
    hold->homeless = false;
}

bool zookeeper_hold_awaits(const struct hold *holds, const struct hold *hold)
{
    for (const struct hold *at = holds; at && !hold->released; at = at->next)
        if (at->released && at->kind == hold->kind && strcmp(at->name, hold->name) == 0)
            return true;
    return false;
}

void zookeeper_hold_lost(struct zookeeper_hold *hold)
{
    hold->stage = hold->wanted.released ? HOLD_OVER : HOLD_WANTED;
    hold->homeless = hold->look = false;
    hold->again_ns = 0;
}

void zookeeper_hold_check(struct zookeeper_hold *hold, const struct zookeeper_nodes *nodes,
                          int64_t session)
{
    const struct zookeeper_node *node;

    if (hold->stage != HOLD_HELD)
        return;
    node = zookeeper_nodes_find(nodes, hold->wanted.kind, bytes_of(hold->wanted.name));
    if (!node || !node->present || node->owner != session)
        hold->stage = HOLD_WANTED; /* somebody removed it */
}
