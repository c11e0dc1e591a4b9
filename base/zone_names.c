/* zone.tab has a line for each country's zones: country, place, name and perhaps a remark, with
 * tabs between them.  Old names are not in it, so that nobody is led to one. */
#include "base/zone_names.h"

#include "base/nearest.h"
#include "base/text_file.h"

enum { FILE_SIZE_MAX = 256 << 10, COLUMN_NAME = 2 };

static const char list[] = "/usr/share/zoneinfo/zone.tab";

/* Up to the separator, which is taken off the rest, too. */
static struct bytes take_part(struct bytes *rest, char separator)
{
    const char *found = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    size_t size = found ? (size_t)(found - rest->data) : rest->size;
    struct bytes part = bytes_slice(*rest, 0, size);

    *rest = bytes_slice(*rest, found ? size + 1 : size, rest->size);
    return part;
}

/* "Berlin" of "Europe/Berlin". */
static struct bytes city_of(struct bytes name)
{
    size_t at = name.size;

    while (at > 0 && name.data[at - 1] != '/')
        at--;
    return bytes_slice(name, at, name.size);
}

static size_t distance(struct bytes name, struct bytes zone)
{
    size_t whole = nearest_distance(name, zone), city = nearest_distance(name, city_of(zone));

    return city < whole ? city : whole;
}

bool zone_nearest(struct bytes name, char near[ZONE_NAME_SIZE])
{
    size_t best = name.size / 3 > 1 ? name.size / 3 + 1 : 2; /* as nearest_name() has it */
    struct buf file = BUF_INIT(FILE_SIZE_MAX);
    struct bytes rest, found = BYTES("");

    if (text_file_read(list, FILE_SIZE_MAX, &file, NULL) == OK) {
        for (rest = buf_bytes(&file); rest.size > 0;) {
            struct bytes line = take_part(&rest, '\n'), zone = {NULL, 0};
            size_t far;

            for (int column = 0; column <= COLUMN_NAME; column++)
                zone = take_part(&line, '\t');
            if (zone.size == 0 || zone.size >= ZONE_NAME_SIZE)
                continue;
            far = distance(name, zone);
            if (far < best) {
                best = far;
                found = zone;
            }
        }
    }
    memcpy(near, found.data, found.size);
    near[found.size] = '\0';
    buf_release(&file);
    return found.size > 0;
}
