/* Patterns run in PCRE2's interpreter, not its JIT: the match limit counts the same on every
 * machine and no page is writable and executable.  Tag values repeat, so each pattern remembers
 * its verdict by value: a map look-up is cheaper than the interpreter. */
#include "catalog/match.h"

#include <assert.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/map.h"

enum {
    PATTERN_BYTES_MAX = 4096,
    PATTERN_DEPTH_MAX = 64, /* of parentheses */
    /* Backtracking steps of one match: ".*a.*" over a 1 KiB value takes about 2,000. */
    MATCH_STEPS_MAX = 20000,
    MATCH_HEAP_KIB_MAX = 1024,
    VERDICTS_MAX = 1 << 16, /* remembered a pattern: 4 MiB of map */
};

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    struct map verdicts; /* value -> one of the marks below; keys point into series */
};

struct matchset {
    const struct selector *selector;
    pcre2_match_context *context;
    struct pattern *patterns; /* one a matcher; code is NULL where the matcher has none */
    const struct matcher *gave_up;
    bool starved;
};

static const char verdict_yes, verdict_no, verdict_gave_up;

static bool op_is_regex(enum matcher_op op)
{
    return op == MATCH_REGEX || op == MATCH_NOT_REGEX;
}

enum code matcher_parse(struct bytes text, struct matcher *matcher, struct error *err)
{
    size_t at = 0;
    bool negated, regex;

    while (at < text.size && text.data[at] != '=' &&
           !(text.data[at] == '!' && at + 1 < text.size &&
             (text.data[at + 1] == '=' || text.data[at + 1] == '~')))
        at++;
    if (at == text.size)
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is not a matcher: key=value, key!=value, key=~pattern or "
                         "key!~pattern is",
                         BYTES_ARG(text));
    if (at == 0)
        return error_set(err, E_BAD_PARAMETER, "matcher \"%.*s\" has no tag key before its \"%c\"",
                         BYTES_ARG(text), text.data[0]);
    matcher->key = bytes_slice(text, 0, at);
    negated = text.data[at] == '!';
    regex = (negated && text.data[at + 1] == '~') ||
            (!negated && at + 1 < text.size && text.data[at + 1] == '~');
    at += negated || regex ? 2 : 1;
    matcher->value = bytes_slice(text, at, text.size);
    if (regex)
        matcher->op = negated ? MATCH_NOT_REGEX : MATCH_REGEX;
    else
        matcher->op = negated ? MATCH_NOT_EQUAL : MATCH_EQUAL;
    return OK;
}

static enum code pattern_compile(pcre2_compile_context *context, const struct matcher *matcher,
                                 struct pattern *pattern, struct error *err)
{
    const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL |
                             PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
                             PCRE2_NEVER_BACKSLASH_C;
    struct bytes text = matcher->value;
    PCRE2_UCHAR reason[128];
    PCRE2_SIZE position = 0;
    int fault = 0;

    if (text.size > PATTERN_BYTES_MAX)
        return error_set(err, E_BAD_PARAMETER,
                         "the pattern of tag \"%.*s\" has %zu bytes, at most %d are allowed",
                         BYTES_ARG(matcher->key), text.size, PATTERN_BYTES_MAX);
    pattern->code = pcre2_compile((PCRE2_SPTR)(text.size ? text.data : ""), text.size, options,
                                  &fault, &position, context);
    if (!pattern->code && fault == PCRE2_ERROR_HEAP_FAILED) /* what compiling says; not _NOMEMORY */
        return error_set(err, E_MEMORY, "no memory for a pattern");
    if (!pattern->code) {
        pcre2_get_error_message(fault, reason, sizeof(reason));
        return error_set(err, E_BAD_PARAMETER, "pattern \"%.*s\" of tag \"%.*s\", byte %zu: %s",
                         BYTES_ARG(text), BYTES_ARG(matcher->key), (size_t)position,
                         (const char *)reason);
    }
    pattern->data = pcre2_match_data_create(1, NULL);
    if (!pattern->data)
        return error_set(err, E_MEMORY, "no memory for a pattern");
    return OK;
}

static enum code patterns_compile(struct matchset *matchset, struct error *err)
{
    const struct selector *selector = matchset->selector;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    enum code code = OK;

    if (!context)
        return error_set(err, E_MEMORY, "no memory for a pattern");
    pcre2_set_parens_nest_limit(context, PATTERN_DEPTH_MAX);
    for (uint32_t i = 0; i < selector->matcher_count && !code; i++)
        if (op_is_regex(selector->matchers[i].op))
            code = pattern_compile(context, &selector->matchers[i], &matchset->patterns[i], err);
    pcre2_compile_context_free(context);
    return code;
}

enum code matchset_new(const struct selector *selector, struct matchset **matchset_made,
                       struct error *err)
{
    struct matchset *matchset = calloc(1, sizeof(*matchset));
    enum code code;

    *matchset_made = NULL;
    if (!matchset)
        return error_set(err, E_MEMORY, "no memory for the matchers");
    matchset->selector = selector;
    matchset->patterns = calloc(selector->matcher_count + 1u, sizeof(*matchset->patterns));
    matchset->context = pcre2_match_context_create(NULL);
    if (!matchset->patterns || !matchset->context) {
        code = error_set(err, E_MEMORY, "no memory for the matchers");
        goto out;
    }
    pcre2_set_match_limit(matchset->context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(matchset->context, MATCH_HEAP_KIB_MAX);
    code = patterns_compile(matchset, err);

out:
    if (code)
        matchset_free(matchset);
    else
        *matchset_made = matchset;
    return code;
}

void matchset_free(struct matchset *matchset)
{
    if (!matchset)
        return;
    for (uint32_t i = 0; matchset->patterns && i < matchset->selector->matcher_count; i++) {
        pcre2_code_free(matchset->patterns[i].code);
        pcre2_match_data_free(matchset->patterns[i].data);
        map_release(&matchset->patterns[i].verdicts);
    }
    free(matchset->patterns);
    pcre2_match_context_free(matchset->context);
    free(matchset);
}

static const char *pattern_run(struct matchset *matchset, const struct pattern *pattern,
                               struct bytes value)
{
    int got = pcre2_match(pattern->code, (PCRE2_SPTR)(value.size ? value.data : ""), value.size, 0,
                          0, pattern->data, matchset->context);

    matchset->starved |= got == PCRE2_ERROR_NOMEMORY;
    if (got >= 0)
        return &verdict_yes;
    return got == PCRE2_ERROR_NOMATCH ? &verdict_no : &verdict_gave_up;
}

/* What the pattern says of the value, from memory where it can. */
static const char *pattern_verdict(struct matchset *matchset, uint32_t index, struct bytes value)
{
    struct pattern *pattern = &matchset->patterns[index];
    uint64_t hash = map_hash(value);
    const char *verdict = map_get_hashed(&pattern->verdicts, value, hash);

    if (verdict)
        return verdict;
    verdict = pattern_run(matchset, pattern, value);
    if (pattern->verdicts.count < VERDICTS_MAX) {
        bool kept = map_put_hashed(&pattern->verdicts, value, hash, (void *)verdict);

        (void)kept; /* one that finds no room is only made again */
    }
    return verdict;
}

bool matchset_admits(struct matchset *matchset, uint32_t index, struct bytes value, bool *gave_up)
{
    const struct matcher *matcher = &matchset->selector->matchers[index];
    const char *verdict;

    assert(index < matchset->selector->matcher_count);
    if (!op_is_regex(matcher->op))
        return bytes_equal(matcher->value, value) == (matcher->op == MATCH_EQUAL);
    verdict = pattern_verdict(matchset, index, value);
    if (verdict == &verdict_gave_up) {
        matchset->gave_up = matcher;
        if (gave_up)
            *gave_up = true;
        return false;
    }
    return (verdict == &verdict_yes) == (matcher->op == MATCH_REGEX);
}

const struct matcher *matchset_gave_up(const struct matchset *matchset)
{
    return matchset->gave_up;
}

bool matchset_starved(const struct matchset *matchset)
{
    return matchset->starved;
}

static struct bytes tag_of(const struct series *series, struct bytes key)
{
    for (uint32_t i = 0; i < series->tag_count; i++)
        if (bytes_equal(series->tags[i].key, key))
            return series->tags[i].value;
    return BYTES("");
}

bool matchset_matches(struct matchset *matchset, const struct series *series, bool *gave_up)
{
    const struct selector *selector = matchset->selector;

    if (!bytes_equal(selector->measurement, series->measurement))
        return false;
    for (uint32_t i = 0; i < selector->matcher_count; i++)
        if (!matchset_admits(matchset, i, tag_of(series, selector->matchers[i].key), gave_up))
            return false;
    return true;
}
