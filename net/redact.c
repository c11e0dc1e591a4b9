#include "net/redact.h"

#include <assert.h>
#include <ctype.h>
#include <strings.h>

/* What of a text is written already; bytes beyond the room are dropped. */
struct told {
    char *into;
    size_t size, room;
};

static void put(struct told *told, struct bytes piece)
{
    size_t left = told->room - 1 - told->size;

    if (piece.size > left)
        piece.size = left;
    memcpy(told->into + told->size, piece.data, piece.size);
    told->size += piece.size;
    told->into[told->size] = '\0';
}

/* The longest of the words that `rest` begins with; 0 = none. */
static size_t word_at(struct bytes rest, const struct bytes *words, size_t count)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        if (words[i].size > longest && words[i].size <= rest.size &&
            memcmp(words[i].data, rest.data, words[i].size) == 0)
            longest = words[i].size;
    return longest;
}

void redact_words(const char *text, const struct bytes *words, size_t count, char *into,
                  size_t room)
{
    struct told told = {.into = into, .room = room};
    struct bytes rest = bytes_of(text);

    assert(room > 0);
    into[0] = '\0';
    while (rest.size > 0) {
        size_t hidden = word_at(rest, words, count);

        put(&told, hidden > 0 ? BYTES("***") : bytes_slice(rest, 0, 1));
        rest = bytes_slice(rest, hidden > 0 ? hidden : 1, rest.size);
    }
}

/* What ends the quotation that begins here; 0 = none begins.  A ' within a word quotes nothing. */
static char quote_end(struct bytes rest, bool after_letter)
{
    if (rest.data[0] == '[')
        return ']';
    return rest.data[0] == '"' || (rest.data[0] == '\'' && !after_letter) ? rest.data[0] : '\0';
}

static bool option_named(struct bytes options, struct bytes name)
{
    size_t at = 0;

    while (at < options.size) {
        const char *begin = options.data + at;
        const char *end = memchr(begin, '&', options.size - at);
        size_t size = end ? (size_t)(end - begin) : options.size - at;

        if (size > name.size && begin[name.size] == '=' && name.size > 0 &&
            strncasecmp(begin, name.data, name.size) == 0)
            return true;
        at += size + 1;
    }
    return false;
}

void redact_quotes(const char *text, struct bytes options, char *into, size_t room)
{
    struct told told = {.into = into, .room = room};
    struct bytes rest = bytes_of(text);

    assert(room > 0);
    into[0] = '\0';
    while (rest.size > 0) {
        bool after_letter = rest.data > text && isalpha((unsigned char)rest.data[-1]);
        char last = quote_end(rest, after_letter);
        const char *end = last ? memchr(rest.data + 1, last, rest.size - 1) : NULL;
        size_t size = end ? (size_t)(end - rest.data) + 1 : 1;
        struct bytes quoted = {rest.data + 1, size - 2};

        if (end && !option_named(options, quoted))
            put(&told, BYTES("\"...\""));
        else
            put(&told, bytes_slice(rest, 0, size));
        rest = bytes_slice(rest, size, rest.size);
    }
}
