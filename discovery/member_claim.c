#include "discovery/member_claim.h"

#include "base/clock.h"
#include "discovery/member_number.h"

enum {
    SEEN_MS = 1000, /* in which a record that somebody else made is seen */
    TEXT_BYTES_MAX = 4096,
};

enum code member_standing_read(const struct registry_snapshot *records, unsigned number,
                               struct bytes incarnation, struct arena *arena,
                               struct member_standing *standing, struct error *err)
{
    enum code code;

    *standing = (struct member_standing){.record = member_record(records, number)};
    if (!standing->record)
        return OK;
    code = member_document_parse(standing->record->text, arena, &standing->document, err);
    if (code)
        return code;
    standing->readable = true;
    standing->nameless = standing->document.incarnation.size == 0;
    standing->others =
        !standing->nameless && !bytes_equal(standing->document.incarnation, incarnation);
    return OK;
}

enum code member_put(struct registry *registry, unsigned number, uint64_t expected,
                     const struct member_document *document, struct error *err)
{
    struct buf text = BUF_INIT(TEXT_BYTES_MAX);
    char name[NUMBER_TEXT_SIZE];
    uint64_t version;
    enum code code;

    member_document_print(document, &text);
    code = buf_finish(&text, err);
    if (!code)
        code = registry_put(registry, REGISTRY_MEMBERS, member_name(number, name), expected,
                            buf_bytes(&text), &version, err);
    buf_release(&text);
    return code;
}

/* Somebody was faster: whether that is seen in time. */
static bool seen_soon(struct registry *registry, unsigned number)
{
    int64_t until_ns = clock_monotonic_ns(clock_system()) + (int64_t)SEEN_MS * 1000000;

    for (;;) {
        struct registry_snapshot *records = registry_get(registry);
        const struct registry_record *record = member_record(records, number);
        bool seen = record && !record->missing;
        uint64_t sequence = records->sequence;
        int64_t left_ns = until_ns - clock_monotonic_ns(clock_system());

        registry_snapshot_put(records);
        if (seen || left_ns <= 0)
            return seen;
        (void)registry_wait(registry, sequence, (int)(left_ns / 1000000) + 1);
    }
}

/* One that is there and cannot be read is somebody's, too. */
enum code member_claim(struct registry *registry, const struct registry_snapshot *records,
                       struct bytes incarnation, enum member_state state, unsigned *claimed,
                       struct error *err)
{
    const struct member_document document = {.state = state, .incarnation = incarnation};
    unsigned number = member_number_free(records, 1);

    while (number != 0) {
        enum code code = member_put(registry, number, 0, &document, err);

        if (!code) {
            *claimed = number;
            return OK;
        }
        if (code != E_EXISTS || seen_soon(registry, number)) {
            error_context(err, "this node has no member number yet");
            return code;
        }
        number = member_number_free(records, number + 1);
    }
    return error_set(err, E_NO_MEMBER,
                     "all member numbers of the registry, 1 to %d, are given, and none is given "
                     "twice: this node cannot be a member",
                     MEMBER_NUMBER_MAX);
}
