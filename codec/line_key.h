/* The canonical key of a series whose text is plain: printable ASCII without escapes, tags in
 * order, nothing that a fault could be told of, no part longer than 127 bytes.  Such a text is its
 * key but for the separators, in whose places the key has the sizes of what follows; so two texts
 * that differ are two series.  Any other text is taken apart with care (codec/line_point.h).  For
 * the line protocol decoder alone. */
#ifndef WEIR_CODEC_LINE_KEY_H
#define WEIR_CODEC_LINE_KEY_H

#include "base/arena.h"
#include "model/limits.h"

/* `text` ends before the line's first space.  The key goes into the arena, the measurement is a
 * part of it.  False: it is not plain, or memory ran out. */
bool line_key_plain(struct bytes text, const struct limits *limits, struct arena *arena,
                    struct bytes *key, struct bytes *measurement);

#endif
