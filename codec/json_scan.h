/* A strict, single-pass scanner of JSON (RFC 8259): the caller knows what should come next and
 * asks for it.  Nothing is built; numbers stay text, so that none loses a digit.  docs/decisions/
 * says why it stands beside jansson, which is what tests compare it with. */
#ifndef WEIR_CODEC_JSON_SCAN_H
#define WEIR_CODEC_JSON_SCAN_H

#include "base/arena.h"
#include "base/error.h"

enum { JSON_SCAN_SLACK = 8 }; /* zero bytes that stand behind the text */

struct json_scan {
    const char *at, *start, *end;
    struct arena *arena; /* borrowed; of texts that had escapes */
    uint32_t depth, depth_max;
    bool one_line; /* the text is a line whose number the caller tells */
};

/* Passes over white space; the character that begins the next token, '\0' at the end (or for a
 * NUL, which begins none). */
static inline char json_scan_peek(struct json_scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r')
        scan->at++;
    return *scan->at;
}

/* E_SYNTAX at where the scanner is: "line 3, column 7: <what>". Of one line: "column 7: <what>". */
enum code json_scan_fail(const struct json_scan *scan, const char *what, struct error *err);

/* '{' or '[' ... E_DEPTH when too many are open. */
MUST_USE enum code json_scan_open(struct json_scan *scan, char bracket, struct error *err);
/* After '{', '[' or an item: whether another item follows (then the scanner stands at it) or the
 * container ends.  `first` is true before the first item. */
MUST_USE enum code json_scan_more(struct json_scan *scan, char closing, bool first, bool *more,
                                  struct error *err);
/* A string, its escapes resolved; the span points into the text or the arena.  E_BAD_UTF8. */
MUST_USE enum code json_scan_text(struct json_scan *scan, struct bytes *text, struct error *err);
/* A member's name and its ':'. */
MUST_USE enum code json_scan_name(struct json_scan *scan, struct bytes *name, struct error *err);
/* A number as it stands; *integer when it has neither point nor exponent. */
MUST_USE enum code json_scan_number(struct json_scan *scan, struct bytes *number, bool *integer,
                                    struct error *err);
/* "true", "false" or "null", whichever its first letter promises. */
MUST_USE enum code json_scan_word(struct json_scan *scan, struct error *err);
/* Any value, checked and passed over. */
MUST_USE enum code json_scan_skip(struct json_scan *scan, struct error *err);
/* Nothing but white space is left. */
MUST_USE enum code json_scan_finish(struct json_scan *scan, struct error *err);

#endif
