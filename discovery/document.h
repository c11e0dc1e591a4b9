/* Documents of the registry, read strictly: what is unknown, doubled or of another kind is refused,
 * with a JSON pointer to it.  Texts of errors tell no value but names, numbers and times: the rest
 * may be a secret.
 *
 * Failure: E_CONFIG with err->pointer, its text beginning with the pointer; E_MEMORY. */
#ifndef WEIR_DISCOVERY_DOCUMENT_H
#define WEIR_DISCOVERY_DOCUMENT_H

#include "base/arena.h"
#include "base/error.h"
#include "codec/json_doc.h"

/* Where the reading is. */
struct document {
    struct arena *arena; /* of what is taken; borrowed */
    void *context;       /* for those who take */
    char pointer[ERROR_POINTER_SIZE];
    size_t pointer_size;
};

typedef enum code document_take(struct document *document, const struct json *value,
                                struct error *err);

struct document_key {
    const char *name;
    document_take *take;
};

enum { DOCUMENT_KEYS_MAX = 32, DOCUMENT_DEPTH_MAX = 8 };

/* The whole of it: an object of these keys.  `what` it is stands in errors ("a tenant"). */
MUST_USE enum code document_read(struct bytes text, const char *what,
                                 const struct document_key *keys, size_t key_count,
                                 struct arena *arena, void *context, struct error *err);
MUST_USE enum code document_map_take(struct document *document, const struct json *value,
                                     const char *what, const struct document_key *keys,
                                     size_t key_count, struct error *err);
/* `take` is called for each element. */
MUST_USE enum code document_list_take(struct document *document, const struct json *value,
                                      document_take *take, struct error *err);
/* Text that is not empty, printable and at most `bytes_max` long; copied into the arena. */
MUST_USE enum code document_text_take(struct document *document, const struct json *value,
                                      size_t bytes_max, struct bytes *text, struct error *err);
MUST_USE enum code document_bool_take(struct document *document, const struct json *value,
                                      bool *yes, struct error *err);
/* The place of one of `names` (NULL-terminated). */
MUST_USE enum code document_choice_take(struct document *document, const struct json *value,
                                        const char *const *names, unsigned *choice,
                                        struct error *err);

/* For who walks by itself: a member or element of what is being read, and back. */
size_t document_enter(struct document *document, struct bytes key);
void document_leave(struct document *document, size_t before);

enum code document_refuse(const struct document *document, struct error *err, const char *format,
                          ...) PRINTF_LIKE(3, 4);
/* An unknown name, with the nearest of `names` (NULL-terminated). */
enum code document_refuse_name(const struct document *document, const char *what, struct bytes name,
                               const char *const *names, struct error *err);
enum code document_no_memory(struct error *err);

#endif
