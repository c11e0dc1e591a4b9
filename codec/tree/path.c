#include "codec/tree/path.h"

/* What is being parsed, and how far. */
struct parse {
    struct bytes text;
    size_t at;
    struct error *err;
};

static enum code fail(const struct parse *parse, size_t at, const char *what)
{
    return error_set(parse->err, E_BAD_PARAMETER, "\"%.*s\", character %zu: %s",
                     BYTES_ARG(parse->text), at + 1, what);
}

/* Up to the next slash; passes it. */
static struct bytes next_token(struct parse *parse)
{
    size_t first = parse->at, end = first;

    while (end < parse->text.size && parse->text.data[end] != '/')
        end++;
    parse->at = end < parse->text.size ? end + 1 : end;
    return bytes_slice(parse->text, first, end);
}

static enum code parse_name(const struct parse *parse, struct bytes token, struct arena *arena,
                            struct bytes *name)
{
    char *copy = arena_alloc(arena, token.size);
    size_t size = 0, first = (size_t)(token.data - parse->text.data);

    if (copy == NULL)
        return error_set(parse->err, E_MEMORY, "no memory for a path");
    for (size_t i = 0; i < token.size; i++) {
        char c = token.data[i];

        if (c == '~') {
            c = ++i < token.size ? token.data[i] : '\0';
            if (c != '0' && c != '1')
                return fail(parse, first + i - 1,
                            "behind \"~\" stands neither 0 (a tilde) nor 1 (a slash)");
            c = c == '0' ? '~' : '/';
        }
        copy[size++] = c;
    }
    *name = (struct bytes){copy, size};
    return OK;
}

static enum code parse_step(struct parse *parse, bool stars, struct arena *arena,
                            struct tree_path *path, struct tree_step *step)
{
    size_t first = parse->at;
    struct bytes token = next_token(parse);

    *step = (struct tree_step){.any = bytes_equal(token, BYTES("*"))};
    if (bytes_equal(token, BYTES("..")))
        return fail(parse, first,
                    path->absolute ? "\"..\" stands where no slash leads the path"
                                   : "\"..\" stands at a path's beginning alone");
    if (token.size == 0)
        return fail(parse, first, "an empty name");
    if (step->any && !stars)
        return fail(parse, first, "\"*\" stands in `rows` alone; an element has its number");
    return step->any ? OK : parse_name(parse, token, arena, &step->name);
}

enum code tree_path_parse(struct bytes text, bool stars, struct arena *arena,
                          struct tree_path *path, struct error *err)
{
    struct parse parse = {.text = text, .err = err};
    struct tree_step steps[TREE_PATH_STEPS_MAX], *copy;
    size_t before = 0;
    enum code code = OK;

    *path = (struct tree_path){0};
    if (text.size > TREE_PATH_SIZE_MAX)
        return error_set(err, E_BAD_PARAMETER, "a path of %zu bytes; the most is %d", text.size,
                         TREE_PATH_SIZE_MAX);
    path->absolute = text.size > 0 && text.data[0] == '/';
    parse.at = path->absolute;
    while (!path->absolute && parse.at < text.size) {
        before = parse.at;
        if (!bytes_equal(next_token(&parse), BYTES(".."))) {
            parse.at = before;
            break;
        }
        path->up++;
    }
    /* A slash at the end leads to an empty name, but for that of "../". */
    while (code == OK &&
           (parse.at < text.size || (path->count > 0 && text.data[text.size - 1] == '/'))) {
        if (path->count == TREE_PATH_STEPS_MAX)
            return fail(&parse, parse.at, "more than 64 steps");
        code = parse_step(&parse, stars, arena, path, &steps[path->count]);
        path->count++;
    }
    if (code)
        return code;
    copy = arena_alloc(arena, path->count * sizeof(*copy));
    if (copy == NULL)
        return error_set(err, E_MEMORY, "no memory for a path");
    memcpy(copy, steps, path->count * sizeof(*copy));
    path->steps = copy;
    return OK;
}

void tree_path_print_name(struct bytes name, struct buf *out)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (c == '~' || c == '/')
            buf_put_text(out, c == '~' ? "~0" : "~1");
        else
            buf_put_char(out, c);
    }
}

void tree_path_print(const struct tree_path *path, struct buf *out)
{
    for (uint32_t i = 0; i < path->up; i++)
        buf_put_text(out, i + 1 < path->up || path->count > 0 ? "../" : "..");
    if (path->absolute && path->count == 0)
        buf_put_char(out, '/');
    for (size_t i = 0; i < path->count; i++) {
        if (i > 0 || path->absolute)
            buf_put_char(out, '/');
        if (path->steps[i].any)
            buf_put_char(out, '*');
        else
            tree_path_print_name(path->steps[i].name, out);
    }
}
