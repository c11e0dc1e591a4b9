/* Nothing is read behind the first byte that does not fit, so a '"' ends every look ahead. */
#include "codec/json_escape.h"

#include "codec/utf8.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at `at`, or UINT32_MAX. */
static uint32_t hex_four(const char *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);

        if (digit < 0)
            return UINT32_MAX;
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

/* The character of "\uXXXX" or of the pair "\uXXXX\uXXXX"; *at is behind it. */
static bool unescape_unicode(const char **at, uint32_t *rune)
{
    uint32_t high = hex_four(*at + 2), low;

    if (high == UINT32_MAX || (high >= 0xdc00 && high <= 0xdfff))
        return false;
    *at += 6;
    *rune = high;
    if (high < 0xd800 || high > 0xdbff)
        return true;
    if ((*at)[0] != '\\' || (*at)[1] != 'u')
        return false;
    low = hex_four(*at + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *at += 6;
    *rune = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

size_t json_unescape(const char **at, char out[4])
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    uint32_t rune;

    if ((*at)[1] == 'u')
        return unescape_unicode(at, &rune) ? utf8_put(rune, out) : 0;
    letter = (*at)[1] == '\0' ? NULL : strchr(letters, (*at)[1]);
    if (letter == NULL)
        return 0;
    out[0] = values[letter - letters];
    *at += 2;
    return 1;
}
