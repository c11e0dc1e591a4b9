/* Any JSON document as a source.  What parses holds together, and parses again to the same; what
 * does not has faults that say where and what. */
#include <assert.h>

#include "ingest/source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_source(const struct source *source)
{
    const struct tree_plan *plan = NULL;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    assert(source_plan(source, &arena, &plan, NULL) == OK);
    arena_release(&arena);
    assert(source->name.size > 0 && source->value_count > 0);
    assert(source->schedule.every_ns > 0 && source->schedule.jitter_ns >= 0);
    assert(source->schedule.jitter_ns <= source->schedule.every_ns);
    assert(source->foreach.count > 0 || source->foreach.plan != NULL);
    assert(source->decode.format != NULL && source->decode.rows.absolute);
    assert(source->limits.concurrency > 0 && source->limits.weight > 0);
    assert(source->retry.base_ns <= source->retry.cap_ns);
    assert(source->time.slot_count > 0 && source->time.zone != NULL);
    for (size_t i = 0; i < source->value_count; i++)
        assert(source->values[i].slot != SOURCE_NO_SLOT);
    for (size_t i = 0; i < source->tag_count; i++)
        assert(source->tags[i].from_slot == (source->tags[i].slot != SOURCE_NO_SLOT));
    if (source->window.given)
        assert(source->window.from_ns < source->window.until_ns && source->window.zone != NULL &&
               span_about_ns(&source->window.step_min) > 0);
}

static void check_faults(const struct source_faults *faults, const struct error *err)
{
    assert(faults->count > 0 && (faults->more == 0 || faults->count == COUNT_OF(faults->items)));
    for (size_t i = 0; i < faults->count; i++) {
        struct bytes pointer = faults->items[i].pointer;

        assert(pointer.size == 0 || pointer.data[0] == '/');
        assert(faults->items[i].text.size > 0);
    }
    assert(err->text[0] != '\0' && (err->pointer[0] == '\0' || err->pointer[0] == '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {size ? (const char *)data : "", size};
    struct source *source = NULL, *again = NULL;
    struct source_faults faults;
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, 8 << 20, NULL);
    code = source_parse(BYTES(""), text, &arena, &source, &faults, &err);
    assert(code == OK || (err.code == code && err.text[0] != '\0' && source == NULL));
    if (code == OK) {
        check_source(source);
        assert(source_parse(source->name, text, &arena, &again, &faults, &err) == OK);
        assert(again->value_count == source->value_count);
        assert(again->foreach.count == source->foreach.count);
    } else if (code == E_BAD_PARAMETER) {
        check_faults(&faults, &err);
    } else {
        assert(code == E_SYNTAX || code == E_MEMORY);
    }
    source_free(source);
    source_free(again);
    arena_release(&arena);
    return 0;
}
