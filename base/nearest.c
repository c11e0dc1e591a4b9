/* Optimal string alignment distance: three rows of the usual table are enough. */
#include "base/nearest.h"

#include <ctype.h>

enum { NAME_SIZE_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t nearest_distance(struct bytes a, struct bytes b)
{
    size_t rows[3][NAME_SIZE_MAX + 1];

    if (a.size > NAME_SIZE_MAX || b.size > NAME_SIZE_MAX)
        return SIZE_MAX;
    for (size_t column = 0; column <= b.size; column++)
        rows[0][column] = column;
    for (size_t row = 1; row <= a.size; row++) {
        const size_t *above = rows[(row - 1) % 3], *twice_above = rows[(row + 1) % 3];
        size_t *now = rows[row % 3];

        now[0] = row;
        for (size_t column = 1; column <= b.size; column++) {
            bool same = same_letter(a.data[row - 1], b.data[column - 1]);

            now[column] = least(least(above[column], now[column - 1]) + 1,
                                above[column - 1] + (same ? 0 : 1));
            if (row > 1 && column > 1 && same_letter(a.data[row - 1], b.data[column - 2]) &&
                same_letter(a.data[row - 2], b.data[column - 1]))
                now[column] = least(now[column], twice_above[column - 2] + 1);
        }
    }
    return rows[a.size % 3][b.size];
}

const char *nearest_name(struct bytes name, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = name.size / 3 > 1 ? name.size / 3 : 1;

    if (names == NULL)
        return NULL;
    for (; *names != NULL; names++) {
        size_t distance = nearest_distance(name, bytes_of(*names));

        if (distance < best_distance || (distance == best_distance && best == NULL)) {
            best = *names;
            best_distance = distance;
        }
    }
    return best;
}
