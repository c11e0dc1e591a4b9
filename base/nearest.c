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

void nearest_begin(struct nearest *nearest, struct bytes name)
{
    *nearest = (struct nearest){
        .name = name, .best = BYTES(""), .distance = name.size / 3 > 1 ? name.size / 3 : 1};
}

void nearest_look(struct nearest *nearest, struct bytes name)
{
    size_t longer = name.size > nearest->name.size ? name.size : nearest->name.size;
    size_t shorter = name.size > nearest->name.size ? nearest->name.size : name.size;
    size_t distance;

    if (longer - shorter > nearest->distance || longer > NAME_SIZE_MAX)
        return;
    nearest->compared++;
    distance = nearest_distance(nearest->name, name);
    if (distance > nearest->distance || (distance == nearest->distance && nearest->best.size > 0 &&
                                         bytes_compare(name, nearest->best) >= 0))
        return;
    nearest->best = name;
    nearest->distance = distance;
}

const char *nearest_name(struct bytes name, const char *const *names)
{
    struct nearest nearest;

    nearest_begin(&nearest, name);
    for (; names != NULL && *names != NULL; names++)
        nearest_look(&nearest, bytes_of(*names));
    return nearest.best.size > 0 ? nearest.best.data : NULL;
}
