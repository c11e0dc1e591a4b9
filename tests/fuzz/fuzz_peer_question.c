/* What another member asks this one for, as JSON: hostile bytes are refused with a text, and what
 * is taken is a question with all its parts. */
#include "handlers/peer_rows.c" /* it reads its questions itself */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static enum code once(struct bytes text, struct rows_job *job)
{
    struct error err = {0};
    enum code code;

    *job = (struct rows_job){.body = BUF_INIT(QUESTION_BYTES_MAX)};
    arena_init(&job->arena, QUESTION_ARENA_MAX, NULL);
    buf_put(&job->body, text);
    expect(!job->body.failed);
    code = question_read(job, &err);
    expect(code == OK || ((code == E_BAD_REQUEST || code == E_MEMORY) && err.code == code));
    expect(code == OK || err.text[0] != '\0');
    return code;
}

static void release(struct rows_job *job)
{
    buf_release(&job->body);
    arena_release(&job->arena);
}

static void expect_name(struct bytes name, size_t least)
{
    expect(name.data != NULL && name.size >= least && name.size <= NAME_BYTES_MAX);
}

static void check(const struct rows_question *question)
{
    expect_name(question->tenant, 1);
    expect_name(question->measurement, 1);
    expect(question->start < question->end && question->as_of >= 0);
    expect(question->matcher_count <= MATCHERS_MAX);
    for (uint32_t i = 0; i < question->matcher_count; i++) {
        const struct matcher *matcher = &question->matchers[i];

        expect_name(matcher->key, 1);
        expect_name(matcher->value, 0);
        expect(matcher->op >= MATCH_EQUAL && matcher->op <= MATCH_NOT_REGEX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rows_job job, again; /* large */
    struct bytes text = {size ? (const char *)data : "", size};

    if (size > QUESTION_BYTES_MAX)
        return 0;
    if (once(text, &job) == OK) {
        check(&job.question);
        expect(once(text, &again) == OK);
        expect(again.question.matcher_count == job.question.matcher_count);
        expect(bytes_equal(again.question.tenant, job.question.tenant));
        release(&again);
    }
    release(&job);
    return 0;
}
