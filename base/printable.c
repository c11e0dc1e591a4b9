#include "base/printable.h"

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t printable_size(struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    unsigned char lead, second;

    if (text.size == 0)
        return 0;
    lead = at[0];
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f;
    if (lead < 0xc2 || lead > 0xf4 || text.size < 2 || !continues(at[1]))
        return 0;
    second = at[1];
    if (lead < 0xe0)
        return lead == 0xc2 && second < 0xa0 ? 0 : 2;
    if (text.size < 3 || !continues(at[2]))
        return 0;
    if (lead < 0xf0) {
        bool overlong = lead == 0xe0 && second < 0xa0;
        bool surrogate = lead == 0xed && second >= 0xa0;

        return overlong || surrogate ? 0 : 3;
    }
    if (text.size < 4 || !continues(at[3]))
        return 0;
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90))
        return 0;
    return 4;
}
