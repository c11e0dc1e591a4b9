/* The files of a zip archive, one after another, each as a stream of bytes.  Nothing is written
 * anywhere, and a name is never a path: it stands in messages alone.
 *
 * The directory at the archive's end says what there is, so the bytes have to be at hand from
 * anywhere.  Memory is the same for any archive.  Any thread. */
#ifndef WEIR_CODEC_ZIP_ARCHIVE_H
#define WEIR_CODEC_ZIP_ARCHIVE_H

#include "base/error.h"

/* All of `into`; what is asked for lies within `size`. */
struct zip_archive_bytes {
    uint64_t size;
    enum code (*at)(void *context, uint64_t offset, char *into, size_t size, struct error *err);
    void *context;
};

struct zip_archive_limits {
    uint64_t files_max; /* folders count too */
    uint64_t bytes_max; /* of all files together, unpacked */
    uint64_t ratio_max; /* of these and the archive, above 1 MiB */
};

/* A code other than OK ends the reading with it. */
struct zip_archive_sink {
    /* A file, which is not a folder; `number` from 1, of these and folders. */
    enum code (*begin)(void *context, uint64_t number, struct error *err);
    enum code (*take)(void *context, struct bytes piece, struct error *err);
    enum code (*end)(void *context, struct error *err); /* it was whole, its checksum right */
    void *context;
};

/* What begins like one, be it an empty one. */
bool zip_archive_begins(struct bytes first);

/* E_BAD_COMPRESSION: it is cut or damaged, or one of its files is an archive itself (which is not
 * entered); E_UNSUPPORTED_ENCODING: a file is encrypted, or packed by another method than deflate;
 * E_BODY_LARGE, E_COMPRESSION_RATIO; E_MEMORY; what `at` and the sink say. */
MUST_USE enum code zip_archive_read(const struct zip_archive_bytes *bytes,
                                    const struct zip_archive_limits *limits,
                                    const struct zip_archive_sink *sink, struct error *err);

#endif
