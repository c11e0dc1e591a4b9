/* What another member asks this one for, as JSON: hostile bytes are refused with a text, and what
 * is taken is a question with all its parts.  The first byte says which kind. */
#include <stdlib.h>

#include "handlers/peer_question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_BYTES_MAX = 65536, ARENA_BYTES_MAX = 1 << 20 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static enum code once(bool erasure, struct bytes text, struct arena *arena,
                      struct peer_question *question)
{
    struct error err = {0};
    enum code code;

    *question = (struct peer_question){.start = 0};
    arena_init(arena, ARENA_BYTES_MAX, NULL);
    code = erasure ? peer_question_read_erasure(text, arena, question, &err)
                   : peer_question_read_rows(text, arena, question, &err);
    expect(code == OK || ((code == E_BAD_REQUEST || code == E_MEMORY) && err.code == code));
    expect(code == OK || err.text[0] != '\0');
    return code;
}

static void expect_name(struct bytes name, size_t least)
{
    expect(name.data != NULL && name.size >= least && name.size <= NAME_BYTES_MAX);
}

static void check(const struct peer_question *question)
{
    expect_name(question->tenant, 1);
    expect_name(question->measurement, 1);
    expect(question->start < question->end && question->moment >= 0);
    expect(question->matcher_count <= PEER_MATCHERS_MAX);
    for (uint32_t i = 0; i < question->matcher_count; i++) {
        const struct matcher *matcher = &question->matchers[i];

        expect_name(matcher->key, 1);
        expect_name(matcher->value, 0);
        expect(matcher->op >= MATCH_EQUAL && matcher->op <= MATCH_NOT_REGEX);
    }
    for (uint32_t i = 0; i < question->field_count; i++)
        expect_name(question->fields[i], 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer_question question, again; /* large */
    struct arena arena, other;
    struct bytes text;
    bool erasure;

    if (size == 0 || size > PEER_QUESTION_BYTES_MAX)
        return 0;
    erasure = data[0] == 'e';
    text = (struct bytes){(const char *)data + 1, size - 1};
    if (once(erasure, text, &arena, &question) == OK) {
        check(&question);
        expect(once(erasure, text, &other, &again) == OK);
        expect(again.matcher_count == question.matcher_count);
        expect(bytes_equal(again.tenant, question.tenant));
        arena_release(&other);
    }
    arena_release(&arena);
    return 0;
}
