/* The coordinator: one thread that owns the session and knows what the tree holds.  Events and
 * wishes come through one inbox.  Whenever the reader is quiet its nodes are published. */
#include "discovery/zookeeper.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "discovery/registry_core.h"
#include "discovery/zookeeper_address.h"
#include "discovery/zookeeper_holds.h"
#include "discovery/zookeeper_link.h"
#include "discovery/zookeeper_nodes.h"
#include "discovery/zookeeper_puts.h"
#include "discovery/zookeeper_reader.h"
#include "discovery/zookeeper_work.h"

enum {
    REFUSED_AGAIN_MS = 2000,
    OPEN_AGAIN_MS = 1000,
    TURN_MS = 1000, /* the longest without a look at the clock */
};

struct zookeeper {
    struct registry registry;
    struct thread *thread;
    struct link_inbox inbox; /* its lock guards the wishes, too: */
    bool stopping;
    struct zookeeper_address *wish; /* to be changed to; owned; NULL = none */
    struct zookeeper_puts puts;
    struct zookeeper_holds holds;

    /* Of the thread alone: */
    struct zookeeper_address address;
    struct zookeeper_link *link; /* NULL: to be opened at open_again_ns (monotonic) */
    unsigned generation;
    bool connected, was_connected;
    int64_t open_again_ns, prove_ns;
    int64_t session;
    struct zookeeper_reader reader;
};

static struct zookeeper *zookeeper_of(struct registry *registry)
{
    return (struct zookeeper *)registry;
}

static int64_t monotonic_ns(void)
{
    return clock_monotonic_ns(clock_system());
}

static int64_t ms(int64_t count)
{
    return count * 1000000;
}

/* --- the session --- */

static void link_end(struct zookeeper *zookeeper, int64_t again_ns)
{
    link_close(zookeeper->link); /* what was under way is answered, and passed over */
    zookeeper->link = NULL;
    zookeeper->generation++;
    zookeeper->connected = false;
    zookeeper->open_again_ns = again_ns;
    zookeeper_reader_lost(&zookeeper->reader);
    zookeeper_puts_lost(&zookeeper->puts);
    zookeeper_holds_lost(&zookeeper->holds);
}

static void link_begin(struct zookeeper *zookeeper)
{
    struct error err = {0};

    if (zookeeper->link || monotonic_ns() < zookeeper->open_again_ns)
        return;
    if (link_open(zookeeper->address.hosts, zookeeper->address.digest,
                  zookeeper->address.session_ms, zookeeper->generation, &zookeeper->inbox,
                  &zookeeper->link, &err)) {
        zookeeper->open_again_ns = monotonic_ns() + ms(OPEN_AGAIN_MS);
        registry_state_set(&zookeeper->registry,
                           zookeeper->was_connected ? REGISTRY_DISCONNECTED : REGISTRY_NEVER,
                           err.text);
    }
}

static void tell_disconnected(struct zookeeper *zookeeper)
{
    char complaint[256];

    link_complaint(complaint, sizeof(complaint));
    registry_state_set(&zookeeper->registry,
                       zookeeper->was_connected ? REGISTRY_DISCONNECTED : REGISTRY_NEVER,
                       complaint[0] ? complaint : "no answer");
}

static void take_state(struct zookeeper *zookeeper, enum link_state state)
{
    int64_t session;

    switch (state) {
    case LINK_CONNECTED:
        if (!link_admit(zookeeper->link)) { /* the connection is gone again, or memory is */
            link_end(zookeeper, monotonic_ns() + ms(OPEN_AGAIN_MS));
            break;
        }
        session = link_session_id(zookeeper->link);
        if (session != zookeeper->session)
            registry_session_made(&zookeeper->registry);
        zookeeper->session = session;
        atomic_store(&zookeeper->holds.session_ns, ms(link_session_ms(zookeeper->link)));
        zookeeper->connected = zookeeper->was_connected = true;
        zookeeper->prove_ns = 0; /* at once, see send_proof() */
        zookeeper_reader_want(&zookeeper->reader);
        break;
    case LINK_DISCONNECTED:
        zookeeper->connected = false;
        tell_disconnected(zookeeper);
        break;
    case LINK_EXPIRED:
        registry_state_set(&zookeeper->registry, REGISTRY_EXPIRED,
                           "the session is over; a new one is being made");
        link_end(zookeeper, 0);
        break;
    case LINK_NOT_ADMITTED:
        registry_state_set(&zookeeper->registry, REGISTRY_REFUSED,
                           "ZooKeeper takes no such credentials");
        link_end(zookeeper, monotonic_ns() + ms(REFUSED_AGAIN_MS));
        break;
    }
}

static bool only_ephemeral(const struct registry_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!registry_kind_ephemeral(records[i].kind))
            return false;
    return true;
}

/* Where there are records and none can be read it is the credentials that are wrong: an empty
 * registry is something else. */
static bool publish(struct zookeeper *zookeeper)
{
    const struct zookeeper_reader *reader = &zookeeper->reader;
    bool refused = reader->nodes.refused_count > 0;
    struct error err = {0};
    size_t count;
    struct registry_record *records = zookeeper_nodes_records(&reader->nodes, &count);
    enum code code = OK;

    if (!records)
        code = error_set(&err, E_MEMORY, "no memory for %zu records", count);
    else if (refused && only_ephemeral(records, count))
        registry_state_set(&zookeeper->registry, REGISTRY_REFUSED, reader->complaint);
    else
        code = registry_publish(&zookeeper->registry, records, count,
                                refused ? reader->complaint : "", &err);
    free(records);
    if (code) {
        log_error(LOG_ERROR, "registry", &err);
        registry_state_set(&zookeeper->registry, registry_health(&zookeeper->registry).state,
                           err.text);
    }
    zookeeper->reader.unpublished = code != OK;
    return !code;
}

/* --- what callers want --- */

/* The directory of a kind was made, or could not be: who waited for it goes on. */
static void tree_made(struct zookeeper *zookeeper, const struct link_event *event)
{
    enum registry_kind kind = event->tag.kind;

    zookeeper_puts_home(&zookeeper->puts, kind, event->outcome, &zookeeper->address);
    zookeeper_holds_home(&zookeeper->holds, kind, event->outcome);
}

static void take_put(struct zookeeper *zookeeper, const struct link_event *event)
{
    const struct zookeeper_put *put =
        zookeeper_puts_answer(&zookeeper->puts, event, zookeeper->link, &zookeeper->address);

    if (!put)
        return;
    if (put->homeless)
        zookeeper_reader_make(&zookeeper->reader, put->kind, zookeeper->link, &zookeeper->address);
    if (put->stage == PUT_WRITTEN)
        zookeeper_reader_want_one(&zookeeper->reader, put->kind, put->name);
}

static void take_hold(struct zookeeper *zookeeper, const struct link_event *event)
{
    const struct zookeeper_hold *hold =
        zookeeper_holds_answer(&zookeeper->holds, event, zookeeper->session);

    if (!hold)
        return;
    if (hold->homeless)
        zookeeper_reader_make(&zookeeper->reader, hold->wanted.kind, zookeeper->link,
                              &zookeeper->address);
    /* Whoever has it: its end is watched. */
    zookeeper_reader_want_one(&zookeeper->reader, hold->wanted.kind, bytes_of(hold->wanted.name));
}

static void step_holds(struct zookeeper *zookeeper, bool asks, bool published)
{
    const struct zookeeper_turn turn = {
        .link = zookeeper->link,
        .address = &zookeeper->address,
        .nodes = &zookeeper->reader.nodes,
        .session = zookeeper->session,
        .connected = asks,
        .published = published,
    };

    zookeeper_holds_step(&zookeeper->holds, &turn);
}

static void change_address(struct zookeeper *zookeeper, const struct zookeeper_address *address)
{
    struct zookeeper_address before = zookeeper->address;

    zookeeper->address = *address;
    if (zookeeper_address_equal(&before, address))
        return;
    if (strcmp(before.root, address->root) != 0)
        zookeeper_reader_forget(&zookeeper->reader);
    link_end(zookeeper, 0);
}

/* True: it is time to stop. */
static bool take_wishes(struct zookeeper *zookeeper)
{
    struct zookeeper_address *wish;
    bool stopping;

    zookeeper_puts_take(&zookeeper->puts);
    pthread_mutex_lock(&zookeeper->inbox.lock);
    wish = zookeeper->wish;
    zookeeper->wish = NULL;
    stopping = zookeeper->stopping;
    pthread_mutex_unlock(&zookeeper->inbox.lock);
    if (wish)
        change_address(zookeeper, wish);
    free(wish);
    return stopping;
}

/* --- the thread --- */

static void take_answer(struct zookeeper *zookeeper, struct link_event *event)
{
    if (event->outcome != LINK_LOST)
        registry_seen(&zookeeper->registry);
    switch (event->tag.what) {
    case WORK_TREE:
        tree_made(zookeeper, event);
        zookeeper_reader_take(&zookeeper->reader, event, zookeeper->link, &zookeeper->address);
        break;
    case WORK_LIST:
    case WORK_READ:
        zookeeper_reader_take(&zookeeper->reader, event, zookeeper->link, &zookeeper->address);
        break;
    case WORK_PROOF:
        if (event->outcome == LINK_OK)
            zookeeper_holds_prove(&zookeeper->holds, event->tag.sent_ns);
        break;
    case WORK_PUT:
        take_put(zookeeper, event);
        break;
    case WORK_HOLD:
        take_hold(zookeeper, event);
        break;
    default:
        break;
    }
}

static void take_event(struct zookeeper *zookeeper, struct link_event *event)
{
    if (!zookeeper->link || event->generation != zookeeper->generation)
        return; /* of a session that is over */
    if (event->kind == LINK_STATE)
        take_state(zookeeper, event->state);
    else if (event->kind == LINK_NODE)
        zookeeper_reader_changed(&zookeeper->reader, event->path, &zookeeper->address);
    else
        take_answer(zookeeper, event);
}

/* Once a sixth of the session's time the leader is asked for a sign of life.  It goes first on each
 * connection, whose server may be behind what was seen or written through the one before: what
 * comes after it is answered when that is so no more.  False: it could not go, so nothing shall. */
static bool send_proof(struct zookeeper *zookeeper)
{
    struct link_tag tag = {.what = WORK_PROOF};

    if (monotonic_ns() < zookeeper->prove_ns)
        return true;
    if (!link_sync(zookeeper->link, zookeeper->address.root, &tag))
        return false;
    zookeeper->prove_ns = monotonic_ns() + atomic_load(&zookeeper->holds.session_ns) / 6;
    return true;
}

static void turn(struct zookeeper *zookeeper)
{
    bool asks, published = false;

    link_begin(zookeeper);
    if (zookeeper->reader.refused && monotonic_ns() >= zookeeper->reader.again_ns)
        zookeeper_reader_want(&zookeeper->reader);
    asks = zookeeper->connected && send_proof(zookeeper);
    if (asks) {
        zookeeper_puts_step(&zookeeper->puts, zookeeper->link, &zookeeper->address);
        zookeeper_reader_send(&zookeeper->reader, zookeeper->link, &zookeeper->address);
    } else if (zookeeper->link && !zookeeper->was_connected) {
        tell_disconnected(zookeeper);
    }
    if (zookeeper->connected && zookeeper_reader_quiet(&zookeeper->reader))
        published = !zookeeper->reader.unpublished || publish(zookeeper);
    zookeeper_puts_finish(&zookeeper->puts, published,
                          atomic_load(&zookeeper->registry.puts_end_ns),
                          registry_state_name(registry_health(&zookeeper->registry).state));
    step_holds(zookeeper, asks, published);
    registry_keep(&zookeeper->registry, false);
}

/* Monotonic: when the clock has to be looked at again. */
static int64_t due_ns(const struct zookeeper *zookeeper)
{
    int64_t due = monotonic_ns() + ms(TURN_MS),
            puts_due =
                zookeeper_puts_due(&zookeeper->puts, atomic_load(&zookeeper->registry.puts_end_ns));

    if (zookeeper->connected && zookeeper->prove_ns < due)
        due = zookeeper->prove_ns;
    if (zookeeper->reader.refused && zookeeper->reader.again_ns < due)
        due = zookeeper->reader.again_ns;
    return due < puts_due ? due : puts_due;
}

static void run(void *context)
{
    struct zookeeper *zookeeper = context;

    for (;;) {
        bool lost;
        struct link_event *event;

        turn(zookeeper);
        event = link_inbox_take(&zookeeper->inbox, due_ns(zookeeper), &lost);
        while (event) {
            struct link_event *next = event->next;

            take_event(zookeeper, event);
            link_event_free(event);
            event = next;
        }
        if (lost)
            zookeeper_reader_want(&zookeeper->reader);
        if (take_wishes(zookeeper))
            break;
    }
    link_close(zookeeper->link);
}

/* --- the interface --- */

static enum code zookeeper_put(struct registry *registry, enum registry_kind kind,
                               struct bytes name, uint64_t expected, struct bytes text,
                               uint64_t *version, struct error *err)
{
    struct zookeeper *zookeeper = zookeeper_of(registry);
    struct zookeeper_put put = {.kind = kind, .name = name, .text = text, .expected = expected};
    enum code code =
        zookeeper_puts_put(&zookeeper->puts, &zookeeper->inbox, &put, registry->rules.wait_ms, err);

    *version = put.version;
    return code;
}

static enum code zookeeper_hold(struct registry *registry, enum registry_kind kind,
                                struct bytes name, struct bytes text, struct error *err)
{
    struct zookeeper *zookeeper = zookeeper_of(registry);
    enum code code = holds_want(&zookeeper->holds.wanted, kind, name, text, err);

    link_inbox_poke(&zookeeper->inbox);
    return code;
}

static void zookeeper_release(struct registry *registry, enum registry_kind kind, struct bytes name)
{
    struct zookeeper *zookeeper = zookeeper_of(registry);

    holds_give_up(&zookeeper->holds.wanted, kind, name);
    link_inbox_poke(&zookeeper->inbox);
}

static bool zookeeper_held(struct registry *registry, enum registry_kind kind, struct bytes name,
                           uint64_t *epoch)
{
    return zookeeper_holds_have(&zookeeper_of(registry)->holds, kind, name, epoch);
}

static void zookeeper_free(struct zookeeper *zookeeper)
{
    zookeeper_holds_release(&zookeeper->holds);
    zookeeper_puts_release(&zookeeper->puts);
    zookeeper_reader_release(&zookeeper->reader);
    link_inbox_release(&zookeeper->inbox);
    registry_core_release(&zookeeper->registry);
    free(zookeeper->wish);
    explicit_bzero(&zookeeper->address, sizeof(zookeeper->address));
    free(zookeeper);
}

static void zookeeper_stop(struct registry *registry)
{
    struct zookeeper *zookeeper = zookeeper_of(registry);

    pthread_mutex_lock(&zookeeper->inbox.lock);
    zookeeper->stopping = true;
    pthread_mutex_unlock(&zookeeper->inbox.lock);
    link_inbox_poke(&zookeeper->inbox);
    thread_join(zookeeper->thread);
    zookeeper_free(zookeeper);
}

static const struct registry_operations operations = {
    .put = zookeeper_put,
    .hold = zookeeper_hold,
    .release = zookeeper_release,
    .held = zookeeper_held,
    .close = zookeeper_stop,
};

enum code zookeeper_registry_open(const struct zookeeper_settings *settings,
                                  const struct registry_rules *rules, struct registry **registry,
                                  struct error *err)
{
    struct zookeeper *zookeeper = calloc(1, sizeof(*zookeeper));
    enum code code;

    *registry = NULL;
    if (!zookeeper)
        return error_set(err, E_MEMORY, "no memory for the registry");
    code = zookeeper_address_take(settings, &zookeeper->address, err);
    if (!code)
        code = registry_core_init(&zookeeper->registry, &operations, rules, err);
    if (code) {
        free(zookeeper);
        return code;
    }
    link_inbox_init(&zookeeper->inbox);
    zookeeper_puts_init(&zookeeper->puts);
    zookeeper_reader_init(&zookeeper->reader, &zookeeper->registry);
    zookeeper_holds_init(&zookeeper->holds);
    *registry = &zookeeper->registry; /* before `changed` is called */
    code = thread_start("registry", run, zookeeper, &zookeeper->thread, err);
    if (code) {
        *registry = NULL;
        zookeeper_free(zookeeper);
    }
    return code;
}

enum code zookeeper_registry_change(struct registry *registry,
                                    const struct zookeeper_settings *settings, struct error *err)
{
    struct zookeeper *zookeeper = zookeeper_of(registry);
    struct zookeeper_address *wish = calloc(1, sizeof(*wish)), *before;
    enum code code;

    assert(registry->operations == &operations);
    if (!wish)
        return error_set(err, E_MEMORY, "no memory for the registry's address");
    code = zookeeper_address_take(settings, wish, err);
    if (code) {
        free(wish);
        return code;
    }
    pthread_mutex_lock(&zookeeper->inbox.lock);
    before = zookeeper->wish;
    zookeeper->wish = wish;
    pthread_mutex_unlock(&zookeeper->inbox.lock);
    free(before);
    link_inbox_poke(&zookeeper->inbox);
    return OK;
}

const char *zookeeper_library_version(void)
{
    return link_library_version();
}
