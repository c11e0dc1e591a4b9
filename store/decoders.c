/* The one given last goes first: its scratch is the likeliest to be in a cache. */
#include "store/decoders.h"

#include <assert.h>

#include "codec/block_codec.h"

void decoders_init(struct decoders *decoders)
{
    *decoders = (struct decoders){.count = 0};
    pthread_mutex_init(&decoders->lock, NULL);
}

void decoders_release(struct decoders *decoders)
{
    while (decoders->count > 0)
        block_decoder_free(decoders->kept[--decoders->count]);
    pthread_mutex_destroy(&decoders->lock);
}

enum code decoders_take(struct decoders *decoders, struct block_decoder **decoder,
                        struct error *err)
{
    *decoder = NULL;
    if (decoders == NULL)
        return block_decoder_new(decoder, err);
    pthread_mutex_lock(&decoders->lock);
    assert(decoders->count <= DECODERS_KEPT_MAX);
    if (decoders->count > 0)
        *decoder = decoders->kept[--decoders->count];
    pthread_mutex_unlock(&decoders->lock);
    return *decoder != NULL ? OK : block_decoder_new(decoder, err);
}

void decoders_give(struct decoders *decoders, struct block_decoder *decoder)
{
    bool kept = false;

    if (decoders == NULL || decoder == NULL) {
        block_decoder_free(decoder);
        return;
    }
    pthread_mutex_lock(&decoders->lock);
    if (decoders->count < DECODERS_KEPT_MAX) {
        decoders->kept[decoders->count++] = decoder;
        kept = true;
    }
    pthread_mutex_unlock(&decoders->lock);
    if (!kept)
        block_decoder_free(decoder);
}
