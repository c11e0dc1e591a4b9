/* A chain's turn: its new entries, then the packs that these name, from what is kept on the disk or
 * from the shard.  Readers get a new list when all of it is open, so that they never have half of
 * what replaces something; the first list, which replaces nothing, as it grows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/guests/guests_inside.h"

enum {
    REFUSED_TOLD_MAX = 5,
    FAULTS_TOLD_MAX = 10,
};

static const uint64_t turn_bytes_max = 16 << 20;
static const int64_t look_ns = 1000000000, retry_ns = 30 * INT64_C(1000000000);

static int64_t now_of(const struct watch *watch)
{
    return clock_monotonic_ns(watch->post->guests->store->options.clock);
}

static struct guest_place place_of(const struct watch *watch)
{
    return (struct guest_place){watch->post->guests->store, watch->ward->tenant, watch->post->name,
                                watch->incarnation, watch->member};
}

static void guest_leave(struct watch *watch, struct guest *guest)
{
    watch->post->pack_count -= guest->pack != NULL;
    free(guest->fault);
}

void watch_free(struct watch *watch)
{
    for (size_t i = 0; i < watch->guest_count; i++) {
        pack_unref(watch->guests[i].pack);
        guest_leave(watch, &watch->guests[i]);
    }
    free(watch->guests);
    follow_release(&watch->follow);
    guest_chain_unref(watch->chain);
    free(watch);
}

/* --- the chain --- */

/* The chain names it no more.  Its file goes: readers need nothing of it but what they brought. */
static void guest_go(struct watch *watch, struct guest *guest)
{
    struct guest_place place = place_of(watch);

    guest_file_remove(&place, guest->number);
    if (guest->pack != NULL)
        replaced_add(watch, guest->pack);
    guest_leave(watch, guest);
}

/* What stays keeps its pack. */
static enum code align(struct watch *watch, struct error *err)
{
    const struct chain_list *list = &watch->follow.list;
    struct guest *guests = calloc(list->count + 1, sizeof(*guests));
    size_t at = 0;

    if (guests == NULL)
        return error_set(err, E_MEMORY, "no memory for packs of another member");
    for (size_t i = 0; i < list->count; i++) {
        const struct manifest_entry *entry = &list->packs[i].entry;

        while (at < watch->guest_count && watch->guests[at].number < entry->number)
            guest_go(watch, &watch->guests[at++]);
        guests[i] = (struct guest){.number = entry->number, .hash = entry->hash};
        if (at == watch->guest_count || watch->guests[at].number != entry->number)
            continue;
        if (memcmp(&watch->guests[at].hash, &entry->hash, sizeof(entry->hash)) == 0)
            guests[i] = watch->guests[at++];
        else
            guest_go(watch, &watch->guests[at++]);
    }
    while (at < watch->guest_count)
        guest_go(watch, &watch->guests[at++]);
    free(watch->guests);
    watch->guests = guests;
    watch->guest_count = list->count;
    return OK;
}

static void tell_corrupt(struct watch *watch, const struct error *err)
{
    if (!watch->corrupt)
        log_event(LOG_ERROR, "what another member delivered cannot be read",
                  LOG_TEXT("tenant", watch->ward->tenant->name),
                  LOG_CSTR("shard", watch->post->name), LOG_UINT("member", watch->member),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    watch->corrupt = true;
}

/* --- packs --- */

/* Whether it is the shard that failed, and not what it has. */
static bool is_of_shard(enum code code)
{
    return code == E_NOT_READY || code == E_TIMEOUT || code == E_CONFIG || code == E_DRAINING;
}

static enum code bring(struct watch *watch, struct guest *guest, const struct chain_pack *listed,
                       uint64_t *bytes, struct error *err)
{
    struct guest_place place = place_of(watch);
    struct error found = {0};
    enum code code = guest_file_open(&place, &listed->entry, &guest->pack, &found);

    if (code == OK)
        return OK;
    if (code == E_MEMORY) {
        if (err != NULL)
            *err = found;
        return code;
    }
    code = guest_place_make(&place, err);
    if (code == OK)
        code = guest_file_fetch(&place, watch->post->archive, listed, &watch->post->guests->stop,
                                bytes, err);
    if (code == OK)
        code = guest_file_open(&place, &listed->entry, &guest->pack, err);
    if (code != OK)
        guest_file_remove(&place, listed->entry.number);
    return code;
}

/* It is told to readers, and tried again later. */
static void note_fault(struct watch *watch, struct guest *guest, const struct error *err)
{
    size_t size = sizeof(err->text) + 160;

    if (guest->fault == NULL)
        log_event(LOG_WARN, "a pack of another member cannot be read",
                  LOG_TEXT("tenant", watch->ward->tenant->name),
                  LOG_CSTR("shard", watch->post->name), LOG_UINT("member", watch->member),
                  LOG_UINT("pack", guest->number), LOG_LONG_TEXT("error", bytes_of(err->text)));
    free(guest->fault);
    guest->fault = malloc(size);
    if (guest->fault != NULL)
        (void)snprintf(guest->fault, size, "member %u: pack %016" PRIx64 " at shard %s: %s",
                       watch->member, guest->number, watch->post->name, err->text);
    guest->retry_ns = now_of(watch) + retry_ns;
}

/* *any: something became of one. */
static enum code bring_some(struct watch *watch, bool *any, struct error *err)
{
    uint64_t bytes = 0;
    enum code code = OK;

    watch->waits = watch->cramped = false;
    for (size_t i = 0; i < watch->guest_count; i++) {
        struct guest *guest = &watch->guests[i];
        struct error found = {0};

        if (guest->pack != NULL || (guest->fault != NULL && now_of(watch) < guest->retry_ns)) {
            watch->cramped |= guest->pack == NULL && guest->no_room;
            continue;
        }
        watch->waits = true;
        if (bytes >= turn_bytes_max)
            break;
        code = bring(watch, guest, &watch->follow.list.packs[i], &bytes, &found);
        if (is_of_shard(code)) {
            if (err != NULL)
                *err = found;
            break;
        }
        guest->no_room = code == E_DISK_FULL;
        watch->cramped |= guest->no_room;
        code = OK;
        watch->waits = false;
        *any = true;
        if (guest->pack == NULL) {
            note_fault(watch, guest, &found);
            continue;
        }
        watch->post->pack_count++;
        free(guest->fault);
        guest->fault = NULL;
    }
    metric_add(watch->post->bytes, bytes);
    return code;
}

/* --- what readers get --- */

static enum code tell_refused(const struct watch *watch, const struct pack *pack,
                              struct guest_chain *chain, struct error *err)
{
    const struct pack_refused *refused;
    size_t count = pack_refused(pack, &refused);
    size_t told = count < REFUSED_TOLD_MAX ? count : REFUSED_TOLD_MAX;
    char text[ERROR_TEXT_SIZE];
    enum code code = OK;

    for (size_t i = 0; code == OK && i < told; i++) {
        (void)snprintf(
            text, sizeof(text),
            "pack %s at shard %s: field \"%.*s\" of measurement \"%.*s\" holds %s values "
            "there and others here: they are left out",
            pack_name(pack), watch->post->name, BYTES_ARG(refused[i].field),
            BYTES_ARG(refused[i].measurement), value_kind_name(value_kind(refused[i].type)));
        code = guest_chain_fault(chain, bytes_of(text), err);
    }
    if (code == OK && count > told) {
        (void)snprintf(text, sizeof(text),
                       "pack %s at shard %s: so it is with %zu types of fields more",
                       pack_name(pack), watch->post->name, count - told);
        code = guest_chain_fault(chain, bytes_of(text), err);
    }
    return code;
}

static enum code add_guest(const struct watch *watch, struct guest *guest,
                           struct guest_chain *chain, struct error *err)
{
    struct error found = {0};
    char text[ERROR_TEXT_SIZE];
    enum code code = guest_chain_add(chain, pack_ref(guest->pack), &found);

    if (code == OK)
        return tell_refused(watch, guest->pack, chain, err);
    if (code == E_MEMORY) {
        if (err != NULL)
            *err = found;
        return code;
    }
    (void)snprintf(text, sizeof(text), "pack %.100s: %.250s", pack_name(guest->pack), found.text);
    return guest_chain_fault(chain, bytes_of(text), err);
}

/* As far as the chain tells. */
static enum code add_unread(struct guest_chain *chain, const struct manifest_entry *entry,
                            struct error *err)
{
    const struct pack_about about = {
        .number = entry->number,
        .row_count = entry->row_count,
        .time_first = entry->time_first,
        .time_last = entry->time_last,
        .ingest_first = entry->ingest_first,
        .settled = INT64_MIN,
    };

    return guest_chain_lack(chain, &about, err);
}

/* What is not open is told: the first ones by what is wrong with them. */
static enum code add_all(const struct watch *watch, struct guest_chain *chain, struct error *err)
{
    size_t lacking = 0, told = 0;
    char text[160];
    enum code code = OK;

    for (size_t i = 0; code == OK && i < watch->guest_count; i++) {
        struct guest *guest = &watch->guests[i];

        if (guest->pack == NULL)
            code = add_unread(chain, &watch->follow.list.packs[i].entry, err);
        if (code)
            break;
        if (guest->pack != NULL)
            code = add_guest(watch, guest, chain, err);
        else if (guest->fault != NULL && told++ < FAULTS_TOLD_MAX)
            code = guest_chain_fault(chain, bytes_of(guest->fault), err);
        else
            lacking++;
    }
    if (code || lacking == 0)
        return code;
    (void)snprintf(text, sizeof(text),
                   "member %u: %zu of its %zu packs at shard %s are not read yet", watch->member,
                   lacking, watch->guest_count, watch->post->name);
    return guest_chain_fault(chain, bytes_of(text), err);
}

static enum code publish(struct watch *watch, struct error *err)
{
    struct guests *guests = watch->post->guests;
    struct guest_chain *chain =
                           guest_chain_new(watch->member, &watch->incarnation, watch->guest_count),
                       *before;
    enum code code;

    if (chain == NULL)
        return error_set(err, E_MEMORY, "no memory for packs of another member");
    code = add_all(watch, chain, err);
    if (code) {
        guest_chain_unref(chain);
        return code;
    }
    guest_chain_finish(chain);
    chain->whole = chain->count == watch->guest_count;
    chain->through = watch->waits ? INT64_MIN : watch->follow.through;
    chain->next = watch->follow.next; /* what of it is not here yet is told as missing */
    (void)snprintf(chain->shard, sizeof(chain->shard), "%s", watch->post->name);
    pthread_mutex_lock(&guests->lock);
    before = watch->chain;
    watch->chain = chain;
    watch->read = true;
    watch->ward->sequence++; /* a list of before has no packs of it: it is not to be renewed */
    pthread_mutex_unlock(&guests->lock);
    guest_chain_unref(before);
    watch->whole |= !watch->waits;
    if (!ward_compose(guests, watch->ward))
        return error_set(err, E_MEMORY, "no memory for packs of another member");
    replaced_sweep(guests);
    return OK;
}

/* --- a turn --- */

static bool author_left(struct watch *watch)
{
    bool left;

    pthread_mutex_lock(&watch->post->guests->lock);
    left = watch->left;
    pthread_mutex_unlock(&watch->post->guests->lock);
    return left;
}

/* Readers have all that there will ever be. */
static enum code close_chain(struct watch *watch, struct error *err)
{
    struct guests *guests = watch->post->guests;
    bool first;

    pthread_mutex_lock(&guests->lock);
    first = !watch->closed && watch->left;
    watch->closed |= first;
    pthread_mutex_unlock(&guests->lock);
    if (!first || ward_compose(guests, watch->ward))
        return OK;
    pthread_mutex_lock(&guests->lock);
    watch->closed = false; /* it is tried again */
    pthread_mutex_unlock(&guests->lock);
    return error_set(err, E_MEMORY, "no memory for packs of another member");
}

/* All that was listed by then is in what readers get. */
static void note_looked(struct watch *watch, int64_t now_ns)
{
    pthread_mutex_lock(&watch->post->guests->lock);
    watch->looked_ns = now_ns;
    pthread_mutex_unlock(&watch->post->guests->lock);
}

static enum code turn(struct watch *watch, struct error *err)
{
    struct guest_place place = place_of(watch);
    bool changed = false, any = false, first = !watch->follow.read, left = author_left(watch);
    bool looks = !watch->waits || first;
    int64_t word = word_of(watch), began_ns = now_of(watch);
    enum code code = OK, brought;

    if (looks)
        code = follow_step(&watch->follow, watch->post->archive, &changed, err);
    watch->behind |= changed; /* also where an entry came and the next one failed */
    if (code)
        return code;
    watch->corrupt = false;
    if (watch->behind) {
        code = align(watch, err);
        if (code)
            return code;
        watch->behind = false;
        watch->unpublished = true;
    }
    if (first)
        guest_files_sweep(&place, &watch->follow.list);
    brought = bring_some(watch, &any, err);
    watch->unpublished |= any;
    if (watch->unpublished && (!watch->waits || !watch->whole)) {
        code = publish(watch, brought == OK ? err : NULL);
        watch->unpublished = code != OK || watch->waits;
    }
    if (!looks || changed || watch->waits || watch->cramped || watch->unpublished || brought ||
        code)
        return brought ? brought : code;
    note_looked(watch, began_ns);
    if (left)
        code = close_chain(watch, err);
    return code ? code : word_keep(watch, word, err);
}

static void note_refused(struct watch *watch, bool refused)
{
    if (watch->refused == refused)
        return;
    pthread_mutex_lock(&watch->post->guests->lock);
    watch->refused = refused;
    pthread_mutex_unlock(&watch->post->guests->lock);
}

enum code watch_turn(struct watch *watch, bool *more, struct error *err)
{
    struct error found = {0};
    enum code code;

    if (now_of(watch) < watch->due_ns)
        return OK;
    code = turn(watch, &found);
    if (is_of_shard(code)) {
        if (err != NULL)
            *err = found;
        return code;
    }
    note_refused(watch, code == E_CORRUPT);
    if (code)
        tell_corrupt(watch, &found);
    watch->due_ns = now_of(watch) + (code ? retry_ns : look_ns);
    if (watch->waits && code == OK)
        watch->due_ns = 0;
    *more |= watch->waits && code == OK;
    return OK;
}
