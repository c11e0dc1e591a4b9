#include "ingest/pull/query_text.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte that is meant; -1: the end. */
static int next_byte(struct bytes text, size_t *at)
{
    unsigned char c;

    if (*at == text.size)
        return -1;
    c = (unsigned char)text.data[(*at)++];
    if (c == '%' && text.size - *at >= 2 && hex_digit(text.data[*at]) >= 0 &&
        hex_digit(text.data[*at + 1]) >= 0) {
        c = (unsigned char)(hex_digit(text.data[*at]) * 16 + hex_digit(text.data[*at + 1]));
        *at += 2;
    } else if (c == '+') {
        c = ' ';
    }
    return c;
}

/* `text` may have %XX, `plain` has none. */
static bool means(struct bytes text, struct bytes plain)
{
    size_t at = 0;

    for (size_t i = 0; i < plain.size; i++)
        if (next_byte(text, &at) != (unsigned char)plain.data[i])
            return false;
    return at == text.size;
}

static bool sounds_secret(struct bytes name)
{
    static const char *const words[] = {"key",  "token", "secret",     "pass",
                                        "auth", "sig",   "credential", "session"};
    char plain[128];
    size_t at = 0, size = 0;
    int c;

    while (size < sizeof(plain) && (c = next_byte(name, &at)) >= 0)
        plain[size++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (size > 0 && memmem(plain, size, words[i], strlen(words[i])) != NULL)
            return true;
    return at < name.size; /* too long to look at */
}

struct parameter {
    struct bytes all, name, value;
    bool named;
};

/* Takes the next off `rest`; false: there is none. */
static bool next_parameter(struct bytes *rest, struct parameter *parameter)
{
    const char *end, *equals;
    size_t size;

    if (rest->size == 0)
        return false;
    end = memchr(rest->data, '&', rest->size);
    size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    parameter->all = bytes_slice(*rest, 0, size);
    equals = size > 0 ? memchr(rest->data, '=', size) : NULL;
    parameter->named = equals != NULL;
    size = equals != NULL ? (size_t)(equals - rest->data) : size;
    parameter->name = bytes_slice(parameter->all, 0, size);
    parameter->value = bytes_slice(parameter->all, size + (equals != NULL), parameter->all.size);
    *rest = bytes_slice(*rest, parameter->all.size + (end != NULL), rest->size);
    return true;
}

/* The part behind '?'; what stands in front of it is put out. */
static struct bytes query_of(struct bytes address, struct buf *out)
{
    const char *mark = address.size > 0 ? memchr(address.data, '?', address.size) : NULL;
    size_t at = mark != NULL ? (size_t)(mark - address.data) : address.size;

    buf_put(out, bytes_slice(address, 0, at));
    return bytes_slice(address, at + (mark != NULL), address.size);
}

void query_text_without(struct bytes address, struct bytes name, const struct bytes *value,
                        struct buf *out)
{
    struct bytes rest = query_of(address, out);
    struct parameter parameter;
    char mark = '?';

    while (next_parameter(&rest, &parameter)) {
        if (means(parameter.name, name) && (value == NULL || means(parameter.value, *value)))
            continue;
        buf_put_char(out, mark);
        buf_put(out, parameter.all);
        mark = '&';
    }
}

void query_text_shown(struct bytes address, struct bytes name, struct buf *out)
{
    struct bytes rest = query_of(address, out);
    struct parameter parameter;
    char mark = '?';

    while (next_parameter(&rest, &parameter)) {
        bool hidden = (name.size > 0 && means(parameter.name, name)) ||
                      sounds_secret(parameter.name) || !parameter.named;

        buf_put_char(out, mark);
        if (parameter.named) {
            buf_put(out, parameter.name);
            buf_put_char(out, '=');
        }
        if (!hidden)
            buf_put(out, parameter.value);
        else if (parameter.value.size > 0 || !parameter.named)
            buf_put_text(out, "***");
        mark = '&';
    }
}
