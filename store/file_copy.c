#include "store/file_copy.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE_BYTES = 1 << 20 };

enum code file_hash(struct fs *fs, const char *path, struct hash128 *hash, uint64_t *size,
                    struct error *err)
{
    struct hash128_state state;
    char *piece = malloc(PIECE_BYTES);
    struct file *file = NULL;
    size_t got = PIECE_BYTES;
    enum code code;

    *size = 0;
    hash128_begin(&state);
    code = piece == NULL ? error_set(err, E_MEMORY, "no memory to read a file")
                         : fs_open(fs, path, FS_READ, &file, err);
    while (code == OK && got == PIECE_BYTES) {
        code = fs_read(file, *size, piece, PIECE_BYTES, &got, err);
        if (code)
            break;
        hash128_add(&state, (struct bytes){piece, got});
        *size += got;
    }
    *hash = hash128_end(&state);
    fs_close(file);
    free(piece);
    return code;
}

/* All bytes of `in`; *hash and *size are of what was read. */
static enum code pour(const struct file_copy *copy, struct file *in, struct file *out,
                      struct hash128 *hash, uint64_t *size, struct error *err)
{
    struct hash128_state state;
    char *piece = malloc(PIECE_BYTES);
    size_t got = PIECE_BYTES;
    enum code code = piece == NULL ? error_set(err, E_MEMORY, "no memory to copy a file") : OK;

    *size = 0;
    hash128_begin(&state);
    while (code == OK && got == PIECE_BYTES) {
        struct bytes part;

        code = fs_read(in, *size, piece, PIECE_BYTES, &got, err);
        if (code)
            break;
        part = (struct bytes){piece, got};
        hash128_add(&state, part);
        code = fs_write(out, *size, &part, 1, err);
        *size += got;
        if (code == OK && copy->step != NULL)
            code = copy->step(copy->context, got, err);
    }
    *hash = hash128_end(&state);
    free(piece);
    return code ? code : fs_sync(out, err);
}

enum code file_copy(const struct file_copy *copy, const char *path, uint64_t size,
                    const struct hash128 *hash, struct error *err)
{
    struct file *in = NULL, *out = NULL;
    struct hash128 found_hash;
    struct error ignored;
    uint64_t found_size;
    enum code code;

    code = fs_open(copy->from, path, FS_READ, &in, err);
    if (code)
        return code;
    code = fs_open(copy->to, path, FS_CREATE, &out, err);
    if (code) {
        fs_close(in);
        return code;
    }
    code = pour(copy, in, out, &found_hash, &found_size, err);
    if (code == OK && found_size != size)
        code = error_set(err, E_CORRUPT, "%s has %" PRIu64 " bytes instead of %" PRIu64, path,
                         found_size, size);
    if (code == OK && memcmp(&found_hash, hash, sizeof(*hash)) != 0)
        code =
            error_set(err, E_CORRUPT, "%s is damaged: its bytes are not those of its hash", path);
    fs_close(in);
    fs_close(out);
    if (code)
        (void)!fs_unlink(copy->to, path, &ignored); /* the first failure is what is told */
    return code;
}
