/* string columns: the distinct strings once, in order of first use, and for each cell its string's
 * ordinal.
 *
 * Form: uvarint distinct count, integers: ordinals, integers: sizes, packed: all texts one behind
 * another. */
#include "codec/packed.h"

#include "base/map.h"

#include <assert.h>

enum { STRING_DICTIONARY = 1 };

/* The ordinal of the text: the one it has, or `distinct` after entering it.  Linear probing; a slot
 * holds ordinal + 1, and the table is at most half full. */
static size_t dictionary_find(struct column_encoder *encoder, const union cell *cells,
                              const uint64_t *first_cells, size_t distinct, struct bytes text)
{
    size_t slot = (size_t)map_hash(text) % COLUMN_SLOTS;

    for (; encoder->slots[slot] != 0; slot = (slot + 1) % COLUMN_SLOTS) {
        size_t ordinal = encoder->slots[slot] - (size_t)1;

        if (bytes_equal(text_bytes(cells[first_cells[ordinal]].text), text))
            return ordinal;
    }
    encoder->slots[slot] = (uint16_t)(distinct + 1);
    return distinct;
}

uint8_t column_string_encode(struct column_encoder *encoder, const union cell *cells, size_t count)
{
    uint64_t *ordinals = encoder->values, *firsts = encoder->more_values;
    size_t distinct = 0;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return STRING_DICTIONARY;
    memset(encoder->slots, 0, sizeof(encoder->slots));
    buf_clear(&encoder->text);
    for (size_t i = 0; i < count; i++) {
        struct bytes text = text_bytes(cells[i].text);

        ordinals[i] = dictionary_find(encoder, cells, firsts, distinct, text);
        if (ordinals[i] == distinct) {
            firsts[distinct++] = i;
            buf_put(&encoder->text, text);
        }
    }
    buf_put_uvarint(&encoder->out, distinct);
    integers_encode(encoder, ordinals, count);
    for (size_t i = 0; i < distinct; i++)
        firsts[i] = cells[firsts[i]].text->size;
    integers_encode(encoder, firsts, distinct);
    packed_encode_text(encoder, buf_bytes(&encoder->text));
    return STRING_DICTIONARY;
}

/* Of a struct text with its bytes, so that the next one is aligned. */
static size_t text_room(uint64_t size)
{
    return (sizeof(struct text) + (size_t)size + 3) / 4 * 4;
}

/* The distinct texts, in one piece of `arena`.  Sizes become pointers' offsets in it.  The packed
 * bytes are put at its end and moved forward to their places: the room of the texts not yet moved
 * is never smaller than their bytes. */
static enum code texts_decode(struct column_decoder *decoder, struct reader *reader,
                              struct arena *arena, uint64_t *sizes, size_t distinct, char **texts,
                              struct error *err)
{
    size_t bytes = 0, room = 0, at = 0;
    const uint8_t *data;
    enum code code;

    for (size_t i = 0; i < distinct; i++) {
        if (sizes[i] > COLUMN_TEXT_BYTES_MAX - bytes)
            return error_set(err, E_CORRUPT, "strings of more than %d bytes",
                             COLUMN_TEXT_BYTES_MAX);
        bytes += (size_t)sizes[i];
        room += text_room(sizes[i]);
    }
    *texts = arena_alloc(arena, room);
    if (!*texts)
        return error_set(err, E_MEMORY, "no memory for %zu bytes of strings", room);
    code = packed_decode(decoder, reader, (uint8_t *)*texts + room - bytes, bytes, &data, err);
    if (code)
        return code;
    for (size_t i = 0; i < distinct; i++) {
        struct text *text = (struct text *)(void *)(*texts + at);
        uint32_t size = (uint32_t)sizes[i];

        memmove(text->data, data, size);
        text->size = size;
        data += size;
        sizes[i] = at;
        at += text_room(size);
    }
    return OK;
}

enum code column_string_decode(struct column_decoder *decoder, uint8_t encoding,
                               struct reader *reader, struct arena *arena, union cell *cells,
                               size_t count, struct error *err)
{
    uint64_t *ordinals = decoder->values, *offsets = decoder->more_values, distinct;
    char *texts;
    enum code code;

    if (encoding != STRING_DICTIONARY)
        return error_set(err, E_CORRUPT, "string encoding %u is unknown", encoding);
    if (count == 0)
        return OK;
    distinct = reader_uvarint(reader);
    if (reader->failed || distinct == 0 || distinct > count)
        return error_set(err, E_CORRUPT, "%llu distinct strings in %zu cells",
                         (unsigned long long)distinct, count);
    code = integers_decode(decoder, reader, ordinals, count, err);
    if (code)
        return code;
    code = integers_decode(decoder, reader, offsets, (size_t)distinct, err);
    if (code)
        return code;
    code = texts_decode(decoder, reader, arena, offsets, (size_t)distinct, &texts, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (ordinals[i] >= distinct)
            return error_set(err, E_CORRUPT, "cell %zu has string %llu of %llu", i,
                             (unsigned long long)ordinals[i], (unsigned long long)distinct);
        cells[i].text = (const struct text *)(const void *)(texts + offsets[ordinals[i]]);
    }
    return OK;
}
