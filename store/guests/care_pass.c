/* Packs that could not be rewritten are passed over for a while, so that they keep no others of
 * their chain from being erased: a damaged one, one with more versions of a row than can be merged,
 * one that the disk has no room for.  Some of that passes, so each is tried again, ten minutes
 * later first and then after twice as long each time, as all of it may be read for that.  Where
 * room is missing there may be some at any time, and that is mostly known before anything is read
 * (not where others fill the disk meanwhile): then it is ten minutes always. */
#include <stdlib.h>

#include "base/log.h"
#include "store/guests/caretaker_inside.h"
#include "store/state.h"

enum { PASSED_MAX = 1024 }; /* with more of them the chain is at rest as a whole */

static const int64_t rest_first_ns = 600 * INT64_C(1000000000),
                     rest_most_ns = INT64_C(24) * 3600 * 1000000000;

static int64_t now_of(const struct care *care)
{
    return clock_monotonic_ns(care->caretaker->store->options.clock);
}

/* Not what the shard as a whole refuses, nor what says that this node is to leave off. */
static bool is_of_pack(enum code code)
{
    static const enum code codes[] = {E_CORRUPT, E_SHARD,     E_NOT_SUPPORTED,
                                      E_MEMORY,  E_DISK_FULL, E_IO};

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* Finds or makes; NULL: there is no room. */
static struct passed *passed_of(struct care *care, uint64_t number)
{
    struct passed *grown;

    for (size_t i = 0; i < care->passed_count; i++)
        if (care->passed[i].number == number)
            return &care->passed[i];
    if (care->passed_count == PASSED_MAX)
        return NULL;
    grown = realloc(care->passed, (care->passed_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    care->passed = grown;
    grown[care->passed_count] = (struct passed){.number = number};
    return &grown[care->passed_count++];
}

static void tell(struct care *care, struct passed *passed, enum code code, const struct error *err)
{
    if (passed->told != code)
        log_event(LOG_WARN, "a pack that a member left is passed over",
                  LOG_TEXT("tenant", care->tenant->name), LOG_CSTR("shard", care->shard->name),
                  LOG_UINT("member", care->member), LOG_UINT("pack", passed->number),
                  LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    passed->told = code;
}

enum code care_pass_over(struct care *care, uint64_t number, enum code code, struct error *err)
{
    struct passed *passed = is_of_pack(code) ? passed_of(care, number) : NULL;

    if (passed == NULL)
        return code;
    if (passed->rest_ns == 0 || code == E_DISK_FULL)
        passed->rest_ns = rest_first_ns;
    else
        passed->rest_ns = passed->rest_ns < rest_most_ns / 2 ? 2 * passed->rest_ns : rest_most_ns;
    passed->due_ns = now_of(care) + passed->rest_ns;
    care->idle = (struct hash128){{0}};
    metric_add(care->shard->failures, 1);
    tell(care, passed, code, err);
    *err = (struct error){0};
    return OK;
}

size_t care_passed(const struct care *care, uint64_t *numbers)
{
    int64_t now_ns = now_of(care);
    size_t count = 0;

    for (size_t i = 0; i < care->passed_count; i++)
        if (now_ns < care->passed[i].due_ns)
            numbers[count++] = care->passed[i].number;
    return count;
}

void care_pass_end(struct care *care, uint64_t number)
{
    size_t kept = 0;

    for (size_t i = 0; i < care->passed_count; i++)
        if (care->passed[i].number != number)
            care->passed[kept++] = care->passed[i];
    care->passed_count = kept;
}
