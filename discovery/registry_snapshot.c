/* Snapshots, and what their records may be called.  Pure, but for the count of who holds one. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "discovery/registry_core.h"

static const struct {
    const char *name;
    bool ephemeral;
} kinds[REGISTRY_KIND_COUNT] = {
    [REGISTRY_TENANTS] = {"tenants", false},
      [REGISTRY_SHARDS] = {"shards",  false},
    [REGISTRY_MEMBERS] = {"members", false},
      [REGISTRY_SOURCES] = {"sources", false},
    [REGISTRY_ALIVE] = {"alive",   true },
      [REGISTRY_LEASES] = {"leases",  true },
};

const char *registry_kind_name(enum registry_kind kind)
{
    assert((unsigned)kind < REGISTRY_KIND_COUNT);
    return kinds[kind].name;
}

bool registry_kind_ephemeral(enum registry_kind kind)
{
    assert((unsigned)kind < REGISTRY_KIND_COUNT);
    return kinds[kind].ephemeral;
}

static bool part_valid(struct bytes part)
{
    for (size_t i = 0; i < part.size; i++) {
        char c = part.data[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            return false;
    }
    return part.size >= 1 && part.size <= 64;
}

bool registry_name_valid(enum registry_kind kind, struct bytes name)
{
    const char *dot = name.size > 0 ? memchr(name.data, '.', name.size) : NULL;
    size_t size = dot ? (size_t)(dot - name.data) : name.size;

    if (kind != REGISTRY_SOURCES)
        return part_valid(name);
    return dot && part_valid(bytes_slice(name, 0, size)) &&
           part_valid(bytes_slice(name, size + 1, name.size));
}

int registry_record_order(const void *a, const void *b)
{
    const struct registry_record *left = a, *right = b;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return bytes_compare(left->name, right->name);
}

static struct bytes copy_into(char **at, struct bytes bytes)
{
    struct bytes copy = {*at, bytes.size};

    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return copy;
}

/* One allocation: snapshot, records, bytes. */
struct registry_snapshot *registry_snapshot_new(const struct registry_record *records, size_t count)
{
    struct registry_snapshot *snapshot;
    struct registry_record *copies;
    size_t bytes = 0;
    char *at;

    for (size_t i = 0; i < count; i++)
        bytes += records[i].name.size + records[i].text.size;
    snapshot = malloc(sizeof(*snapshot) + count * sizeof(*copies) + bytes);
    if (!snapshot)
        return NULL;
    copies = (struct registry_record *)(snapshot + 1);
    at = (char *)(copies + count);
    *snapshot = (struct registry_snapshot){.records = copies, .count = count, .references = 1};
    for (size_t i = 0; i < count; i++) {
        copies[i] = records[i];
        copies[i].name = copy_into(&at, records[i].name);
        copies[i].text = copy_into(&at, records[i].text);
        snapshot->missing_count += records[i].missing;
        if (!registry_kind_ephemeral(records[i].kind) && records[i].version > snapshot->version)
            snapshot->version = records[i].version;
    }
    if (count > 0)
        qsort(copies, count, sizeof(*copies), registry_record_order);
    return snapshot;
}

void registry_snapshot_put(struct registry_snapshot *snapshot)
{
    if (snapshot && atomic_fetch_sub(&snapshot->references, 1) == 1)
        free(snapshot);
}

/* The first record that is not before (kind, name). */
static size_t place_of(const struct registry_snapshot *snapshot, unsigned kind, struct bytes name)
{
    struct registry_record key = {.kind = (enum registry_kind)kind, .name = name};
    size_t first = 0, end = snapshot->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (registry_record_order(&snapshot->records[middle], &key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const struct registry_record *registry_find(const struct registry_snapshot *snapshot,
                                            enum registry_kind kind, struct bytes name)
{
    size_t at = place_of(snapshot, kind, name);
    const struct registry_record *record = &snapshot->records[at];

    return at < snapshot->count && record->kind == kind && bytes_equal(record->name, name) ? record
                                                                                           : NULL;
}

void registry_range(const struct registry_snapshot *snapshot, enum registry_kind kind,
                    size_t *first, size_t *end)
{
    *first = place_of(snapshot, kind, BYTES(""));
    *end = place_of(snapshot, kind + 1U, BYTES(""));
}
