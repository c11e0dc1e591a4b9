#include "discovery/secret_line.h"

#include "base/text_file.h"

enum code secret_line_take(const char *path, struct bytes *line, struct error *err)
{
    while (line->size > 0 &&
           (line->data[line->size - 1] == '\n' || line->data[line->size - 1] == '\r'))
        line->size--; /* an editor ends the last line */
    if (line->size < SECRET_LINE_BYTES_MIN || line->size > SECRET_LINE_BYTES_MAX)
        return error_set(err, E_CONFIG,
                         "%s has a secret of %zu bytes; want one line of %d to %d, as `head -c 32 "
                         "/dev/urandom | base64` makes one",
                         path, line->size, SECRET_LINE_BYTES_MIN, SECRET_LINE_BYTES_MAX);
    for (size_t i = 0; i < line->size; i++)
        if (line->data[i] <= ' ' || line->data[i] > '~')
            return error_set(err, E_CONFIG,
                             "%s: byte %zu of the secret is none that can be printed; want one "
                             "line of letters, digits and punctuation, without spaces",
                             path, i + 1);
    return OK;
}

enum code secret_line_read(const char *path, struct buf *file, struct bytes *line,
                           struct error *err)
{
    enum code code = text_file_read_secret(path, SECRET_LINE_FILE_BYTES_MAX, file, err);

    *line = buf_bytes(file);
    return code ? code : secret_line_take(path, line, err);
}

void secret_line_release(struct buf *file)
{
    if (file->size > 0)
        explicit_bzero(file->data, file->size);
    buf_release(file);
}
