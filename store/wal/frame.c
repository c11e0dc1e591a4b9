/* Layout, little-endian:
 *
 *   0  magic "WRF1"       4  crc32c of bytes 8 .. end of payload, seeded
 *   8  version u16 = 1   10  zero u16          12  payload size u32
 *  16  segment u64       24  lsn u64           32  commit u64
 *  40  base u64          48  ingest i64        56  payload, then zeros to a multiple of 8
 *
 * The identity (segment, LSN) is under the checksum: bytes of a recycled segment or of a
 * misdirected write do not pass for a record of this place. */
#include "store/wal/frame.h"

#include "base/failpoint.h"
#include "base/hash.h"

static const char magic[4] = {'W', 'R', 'F', '1'};

enum { FRAME_VERSION = 1 };

static void store_u32(char *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value)); /* x86-64 and arm64 are little-endian; see base/buf.c */
}

static void store_u64(char *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static uint32_t load_u32(const char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t load_u64(const char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

void frame_encode(const struct frame *frame, struct bytes payload, uint32_t seed,
                  char header[FRAME_HEADER_SIZE])
{
    uint32_t crc;

    memcpy(header, magic, sizeof(magic));
    store_u32(header + 8, FRAME_VERSION);
    store_u32(header + 12, (uint32_t)payload.size);
    store_u64(header + 16, frame->segment);
    store_u64(header + 24, frame->lsn);
    store_u64(header + 32, frame->commit);
    store_u64(header + 40, frame->base);
    store_u64(header + 48, (uint64_t)frame->ingest);
    crc = crc32c(seed, (struct bytes){header + 8, FRAME_HEADER_SIZE - 8});
    store_u32(header + 4, crc32c(crc, payload));
}

bool frame_decode(struct bytes bytes, uint64_t segment, uint32_t seed, struct frame *frame,
                  struct bytes *payload)
{
    const char *at = bytes.data;
    uint32_t crc;

    if (bytes.size < FRAME_HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0)
        return false;
    frame->payload_size = load_u32(at + 12);
    frame->segment = load_u64(at + 16);
    if (load_u32(at + 8) != FRAME_VERSION || frame->segment != segment ||
        frame_size(frame->payload_size) > bytes.size)
        return false;
    crc = crc32c(seed, (struct bytes){at + 8, FRAME_HEADER_SIZE - 8 + frame->payload_size});
    if (crc != load_u32(at + 4) && !sabotage("no_crc"))
        return false;
    frame->lsn = load_u64(at + 24);
    frame->commit = load_u64(at + 32);
    frame->base = load_u64(at + 40);
    frame->ingest = (int64_t)load_u64(at + 48);
    *payload = (struct bytes){at + FRAME_HEADER_SIZE, frame->payload_size};
    return frame->lsn >= frame->commit && frame->commit > frame->base;
}

size_t frame_search(struct bytes bytes, size_t offset, uint64_t segment, uint32_t seed)
{
    while (offset + FRAME_HEADER_SIZE <= bytes.size) {
        const char *found = memmem(bytes.data + offset, bytes.size - offset, magic, sizeof(magic));
        struct frame frame;
        struct bytes payload;

        if (found == NULL)
            break;
        offset = (size_t)(found - bytes.data);
        if (offset % FRAME_ALIGNMENT == 0 &&
            frame_decode(bytes_slice(bytes, offset, bytes.size), segment, seed, &frame, &payload))
            return offset;
        offset++;
    }
    return SIZE_MAX;
}
