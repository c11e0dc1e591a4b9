/* Any text as a path: what parses is printed as text that parses to the same. */
#include <assert.h>

#include "codec/tree/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct tree_path *a, const struct tree_path *b)
{
    assert(a->absolute == b->absolute && a->up == b->up && a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        assert(a->steps[i].any == b->steps[i].any &&
               bytes_equal(a->steps[i].name, b->steps[i].name));
}

static void check_path(struct bytes text, bool stars)
{
    struct buf out = BUF_INIT((size_t)4 * TREE_PATH_SIZE_MAX);
    struct tree_path path, again;
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = tree_path_parse(text, stars, &arena, &path, &err);
    assert(code == OK || (code == E_BAD_PARAMETER && err.text[0] != '\0'));
    if (code == OK) {
        assert(path.count <= TREE_PATH_STEPS_MAX && !(path.absolute && path.up > 0));
        for (size_t i = 0; i < path.count; i++)
            assert(path.steps[i].any ? stars : path.steps[i].name.size > 0);
        tree_path_print(&path, &out);
        assert(!out.failed);
        code = tree_path_parse(buf_bytes(&out), stars, &arena, &again, &err);
        assert(code == OK);
        check_same(&path, &again);
    }
    buf_release(&out);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {size > 0 ? (const char *)data : "", size};

    check_path(text, false);
    check_path(text, true);
    return 0;
}
