/* Where tokens of JSON end, in text that may be cut anywhere: a token is run through, piece by
 * piece, and looked at when it is whole. */
#ifndef WEIR_CODEC_TREE_JSON_TOKEN_H
#define WEIR_CODEC_TREE_JSON_TOKEN_H

#include "base/bytes.h"

enum json_token { JSON_TOKEN_NONE, JSON_TOKEN_STRING, JSON_TOKEN_NUMBER, JSON_TOKEN_WORD };

enum { JSON_WORD_SIZE_MAX = 8 };

enum json_run {
    JSON_RUN_WHOLE,   /* *at is behind it; of a string, at its last quote */
    JSON_RUN_CUT,     /* there is more to come */
    JSON_RUN_LONG,    /* it is longer than the room */
    JSON_RUN_CONTROL, /* of a string: a control byte, at *at */
};

/* A string on its way; zero at its beginning. */
struct json_string {
    bool escaped;  /* the last byte was a backslash that begins an escape */
    bool escapes;  /* it has some */
    uint64_t high; /* not 0: it may have bytes above 0x7f */
};

/* From *at on, at most `room` bytes. */
enum json_run json_run_string(struct json_string *string, const char **at, const char *end,
                              size_t room);
enum json_run json_run_number(const char **at, const char *end, size_t room);
enum json_run json_run_word(const char **at, const char *end, size_t room);
bool json_in_word(char c);
/* What is wrong with a number that is whole, and where; NULL: nothing is. */
const char *json_number_fault(struct bytes number, size_t *where);

#endif
