/* JSON documents for reading (the only file that includes jansson is json_doc.c) and a writer.
 * Duplicate keys, NUL in keys and nesting above the given depth are refused. For small documents:
 * points come through json_points.h, which is made for bulk. */
#ifndef WEIR_CODEC_JSON_DOC_H
#define WEIR_CODEC_JSON_DOC_H

#include "base/buf.h"

struct json; /* a value inside a document; lives as long as the document */

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

/* E_SYNTAX with line, column and what is wrong, also for an integer beyond int64; E_DEPTH. */
MUST_USE enum code json_doc_parse(struct bytes text, uint32_t depth_max, struct json **root,
                                  struct error *err);
const char *json_doc_version(void);    /* of the library that runs */
void json_doc_free(struct json *root); /* NULL is fine */
enum json_kind json_kind(const struct json *value);
const char *json_kind_name(enum json_kind kind); /* "a number", "an array", ...; for people */
/* NULL when absent, or when it is no object. */
struct json *json_member(const struct json *object, const char *key);
size_t json_count(const struct json *container); /* 0 for what is no container */
struct json *json_element(const struct json *array, size_t index);
/* Walks an object in document order: for (void *at = NULL; json_next(object, &at, &key, &value);)
 */
bool json_next(const struct json *object, void **at, struct bytes *key, struct json **value);
/* Of a value of that kind (asserted). */
bool json_bool_of(const struct json *value);
int64_t json_integer_of(const struct json *value);
double json_real_of(const struct json *value);
struct bytes json_text_of(const struct json *value); /* may hold NUL */

/* Writing: a JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
void json_put_text(struct buf *out, struct bytes text);

#endif
