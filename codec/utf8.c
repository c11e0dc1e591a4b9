#include "codec/utf8.h"

#include <assert.h>

/* What may follow a lead byte: how many bytes, and the range of the first of them. */
static size_t follow(unsigned char lead, unsigned char *least, unsigned char *most)
{
    *least = 0x80;
    *most = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *least = 0xa0; /* shorter forms exist */
        if (lead == 0xed)
            *most = 0x9f; /* surrogates */
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *least = 0x90;
        if (lead == 0xf4)
            *most = 0x8f;
        return 3;
    }
    return 0;
}

static size_t skip_ascii(struct bytes text, size_t at)
{
    uint64_t word;

    for (; at + sizeof(word) <= text.size; at += sizeof(word)) {
        memcpy(&word, text.data + at, sizeof(word));
        if (word & 0x8080808080808080U)
            break;
    }
    while (at < text.size && (unsigned char)text.data[at] < 0x80)
        at++;
    return at;
}

size_t utf8_check(struct bytes text)
{
    size_t at = 0;

    for (;;) {
        unsigned char least, most;
        size_t more;

        at = skip_ascii(text, at);
        if (at == text.size)
            return at;
        more = follow((unsigned char)text.data[at], &least, &most);
        if (more == 0 || more > text.size - at - 1)
            return at;
        for (size_t i = 1; i <= more; i++) {
            unsigned char c = (unsigned char)text.data[at + i];

            if (c < least || c > most)
                return at;
            least = 0x80;
            most = 0xbf;
        }
        at += 1 + more;
    }
}

size_t utf8_put(uint32_t rune, char out[4])
{
    assert(rune <= 0x10ffff);
    assert(rune < 0xd800 || rune > 0xdfff);
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        out[0] = (char)(0xc0 | rune >> 6);
        out[1] = (char)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        out[0] = (char)(0xe0 | rune >> 12);
        out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
        out[2] = (char)(0x80 | (rune & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | rune >> 18);
    out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
    out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
    out[3] = (char)(0x80 | (rune & 0x3f));
    return 4;
}
