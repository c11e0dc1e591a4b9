/* A merge sort from the bottom up: stretches of 16 by insertion, then merges of twice the length
 * each time, between the two arrays. */
#include "store/packs/row_order.h"

#include <string.h>

#include "model/rows.h"

enum { STRETCH = 16 };

static void insertion_sort(struct row_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct row_key key = keys[i];
        size_t at = i;

        for (; at > 0 && keys[at - 1].time > key.time; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* [0, middle) and [middle, count) of `from`, each sorted, into `to`; of equal ones the left first.
 */
static void merge(const struct row_key *from, size_t middle, size_t count, struct row_key *to)
{
    size_t left = 0, right = middle, at = 0;

    while (left < middle && right < count) {
        bool take_right = from[right].time < from[left].time;

        to[at++] = from[take_right ? right : left];
        right += take_right;
        left += !take_right;
    }
    memcpy(to + at, from + left, (middle - left) * sizeof(*to));
    memcpy(to + at + (middle - left), from + right, (count - right) * sizeof(*to));
}

static void sort_by_time(struct row_key *keys, struct row_key *scratch, size_t count)
{
    struct row_key *from = keys, *to = scratch;

    for (size_t first = 0; first < count; first += STRETCH)
        insertion_sort(keys + first, count - first < STRETCH ? count - first : STRETCH);
    for (size_t length = STRETCH; length < count; length *= 2) {
        struct row_key *sorted = to;

        for (size_t first = 0; first < count; first += 2 * length) {
            size_t rest = count - first;

            merge(from + first, length < rest ? length : rest,
                  2 * length < rest ? 2 * length : rest, to + first);
        }
        to = from;
        from = sorted;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof(*keys));
}

static int version_order(const struct row_key *a, const struct row_key *b,
                         const struct run *const *runs)
{
    const struct run *left = runs[a->run], *right = runs[b->run];

    return version_compare(
        left->revision == NULL ? INT64_MIN : left->revision[a->row], left->ingest[a->row],
        right->revision == NULL ? INT64_MIN : right->revision[b->row], right->ingest[b->row]);
}

/* Those of one time, few mostly: by insertion, halving where they are many. */
static void sort_versions(struct row_key *keys, struct row_key *scratch, size_t count,
                          const struct run *const *runs)
{
    if (count > STRETCH) {
        size_t middle = count / 2, left = 0, right = middle, at = 0;

        sort_versions(keys, scratch, middle, runs);
        sort_versions(keys + middle, scratch, count - middle, runs);
        memcpy(scratch, keys, count * sizeof(*keys));
        while (left < middle || right < count) {
            bool take_left =
                right == count ||
                (left < middle && version_order(&scratch[left], &scratch[right], runs) <= 0);

            keys[at++] = scratch[take_left ? left++ : right++];
        }
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct row_key key = keys[i];
        size_t at = i;

        for (; at > 0 && version_order(&keys[at - 1], &key, runs) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

void row_order(struct row_key *keys, struct row_key *scratch, size_t count,
               const struct run *const *runs)
{
    sort_by_time(keys, scratch, count);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && keys[end].time == keys[first].time;)
            end++;
        if (end - first > 1)
            sort_versions(keys + first, scratch, end - first, runs);
    }
}
