#include "ingest/pull/outcome.h"

#include "ingest/pace/moment.h"

__extension__ typedef unsigned __int128 unsigned_wide;

static bool is_success(unsigned status)
{
    return status >= 200 && status <= 299;
}

static bool contains(struct bytes text, struct bytes part)
{
    return part.size == 0 ||
           (text.size > 0 && memmem(text.data, text.size, part.data, part.size) != NULL);
}

static bool status_holds(const struct source_outcome *rule, unsigned status)
{
    for (size_t i = 0; i < rule->status_count; i++)
        if (status >= rule->statuses[i].first && status <= rule->statuses[i].last)
            return true;
    return rule->status_count == 0;
}

/* Each in one of the headers of its name. */
static bool headers_hold(const struct source_outcome *rule, const struct answer_facts *facts)
{
    for (size_t i = 0; i < rule->header_count; i++) {
        const struct source_contains *want = &rule->headers[i];
        bool found = false;

        for (size_t at = 0; at < facts->header_count && !found; at++)
            found = bytes_equal(facts->headers[at].name, want->name) &&
                    contains(facts->headers[at].value, want->text);
        if (!found)
            return false;
    }
    return true;
}

static bool body_holds(const struct source_outcome *rule, struct bytes body)
{
    for (size_t i = 0; i < rule->body_has_count; i++)
        if (contains(body, rule->body_has[i]))
            return true;
    return rule->body_has_count == 0;
}

/* What does not depend on rows. */
static bool holds_so_far(const struct source_outcome *rule, const struct answer_facts *facts)
{
    if (rule->counts &&
        (facts->undecodable || (rule->status_count == 0 && !is_success(facts->status))))
        return false;
    return status_holds(rule, facts->status) && headers_hold(rule, facts) &&
           body_holds(rule, facts->body);
}

/* --- until when --- */

static int64_t next_of(int64_t wall_ns, int64_t unit_ns)
{
    int64_t behind_ns = wall_ns % unit_ns;

    return time_sum(wall_ns, unit_ns - (behind_ns < 0 ? behind_ns + unit_ns : behind_ns));
}

static int64_t rule_until(const struct source_outcome *rule, int64_t wall_ns)
{
    switch (rule->until) {
    case SOURCE_FOR:
        break;
    case SOURCE_NEXT_MINUTE:
        return next_of(wall_ns, 60 * MOMENT_SECOND);
    case SOURCE_NEXT_HOUR:
        return next_of(wall_ns, 3600 * MOMENT_SECOND);
    case SOURCE_NEXT_UTC_DAY:
        return next_of(wall_ns, MOMENT_DAY);
    }
    return time_sum(wall_ns, rule->for_ns);
}

static void settle_wait(const struct source *source, const struct answer_facts *facts,
                        struct verdict *verdict)
{
    int64_t told_ns = 0;

    if (verdict->what != SOURCE_WAIT && verdict->what != SOURCE_RETRY &&
        verdict->what != SOURCE_RESTART)
        return;
    if (source->retry.retry_after)
        retry_after_of(facts->headers, facts->header_count, facts->wall_ns, &told_ns);
    if (verdict->what == SOURCE_WAIT)
        verdict->wait_until_ns = rule_until(verdict->rule, facts->wall_ns);
    verdict->wait_until_ns = time_later(verdict->wait_until_ns, told_ns);
}

/* --- what --- */

static enum source_do behind_the_list(const struct answer_facts *facts)
{
    if (facts->status == 304)
        return SOURCE_UNCHANGED;
    if (facts->status == 408 || facts->status == 425 || facts->status == 429 ||
        (facts->status >= 500 && facts->status <= 599))
        return SOURCE_RETRY;
    if (!is_success(facts->status))
        return SOURCE_FAIL;
    return facts->undecodable ? SOURCE_RETRY : SOURCE_OK;
}

struct verdict outcome_of(const struct source *source, const struct answer_facts *facts)
{
    struct verdict verdict = {.decided = true};
    bool waits_for_rows = !facts->counted && !facts->undecodable;

    for (size_t i = 0; i < source->outcome_count && verdict.rule == NULL; i++) {
        const struct source_outcome *rule = &source->outcomes[i];

        if (!holds_so_far(rule, facts))
            continue;
        if (rule->counts && waits_for_rows)
            return (struct verdict){.what = SOURCE_OK};
        if (!rule->counts || rule->count == facts->rows)
            verdict.rule = rule;
    }
    verdict.what = verdict.rule != NULL ? verdict.rule->what : behind_the_list(facts);
    if (verdict.what == SOURCE_OK && facts->undecodable)
        verdict.what = SOURCE_RETRY;
    if (verdict.what == SOURCE_OK && waits_for_rows)
        verdict.decided = false;
    settle_wait(source, facts, &verdict);
    return verdict;
}

int64_t retry_wait_ns(const struct source_retry *retry, uint32_t attempt, uint64_t chance)
{
    int64_t most_ns = retry->base_ns;

    for (uint32_t i = 0; i < attempt && most_ns < retry->cap_ns; i++)
        most_ns = time_sum(most_ns, most_ns);
    if (most_ns > retry->cap_ns)
        most_ns = retry->cap_ns;
    return (int64_t)(((unsigned_wide)chance * ((uint64_t)most_ns + 1)) >> 64);
}
