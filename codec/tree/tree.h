/* Documents of a remote API as a stream of events, whatever they are written in: objects, arrays
 * and leaves, fed piece by piece, so that a body of a gigabyte needs no more memory than a small
 * one.  JSON, NDJSON, CSV and XML give the same events; codec/tree/rows.h makes rows of them.
 *
 * A leaf is text as it stands, so that no number loses a digit.  One thread at a time; pure. */
#ifndef WEIR_CODEC_TREE_TREE_H
#define WEIR_CODEC_TREE_TREE_H

#include "base/error.h"

enum tree_kind {
    TREE_OBJECT, /* begins */
    TREE_ARRAY,  /* begins */
    TREE_END,    /* of the innermost that is open */
    TREE_KEY,    /* of the member whose value comes next */
    TREE_TEXT,
    TREE_NUMBER,
    TREE_TRUE,
    TREE_FALSE,
    TREE_NULL,
};

struct tree_event {
    enum tree_kind kind;
    struct bytes text; /* of a key, text or number; valid during the call */
    /* Of TREE_ARRAY: it stands in no document.  XML has it around each element, so that `*` is
     * passed there, and need not be. */
    bool implied;
};

struct tree_sink {
    /* A code other than OK ends the reading with it. */
    enum code (*take)(void *context, const struct tree_event *event, struct error *err);
    void *context;
};

struct tree_limits {
    uint32_t depth_max; /* of containers, of XML of elements; E_DEPTH */
    /* Of a text, number or key as it stands there, E_VALUE_LONG; of CSV of a record, E_LINE_LONG.
     */
    size_t leaf_bytes_max;
};

/* Of CSV alone.  A record with fewer cells than there are names lacks the last ones; one with more
 * is a fault, and so are empty names and names that stand twice. */
struct tree_columns {
    char separator;
    bool header;               /* the first record has the names */
    uint32_t skip;             /* records before the header or the first row */
    const struct bytes *names; /* where there is no header; else NULL */
    size_t name_count;
    /* A header that has none of these is a text of one line, as of an error: E_SYNTAX.  None: any
     * is one. */
    const struct bytes *wanted;
    size_t wanted_count;
};

struct tree_reader;

/* One document after another goes to the sink: of JSON and XML there is one; each line of NDJSON
 * and each record of CSV is one.  Every document is one value: begun, and whole.
 *
 * XML: the document is an object whose member is the root.  An element is its name without
 * namespace as a key and an implied array with what it is: a text without the white space around
 * it; or, if it has attributes or children, an object of these: "@name" of each attribute but
 * xmlns, the children, and at last, if there is one, the text as "#text".  A DOCTYPE that declares
 * something is refused, and nothing is loaded from elsewhere. */
struct tree_format {
    const char *name; /* "json", "ndjson", "csv", "xml" */
    /* `columns` is NULL but for CSV (there: commas, a header).  What is borrowed lives as long as
     * the reader.  E_BAD_PARAMETER or E_SYNTAX: the columns' names. */
    enum code (*open)(const struct tree_limits *limits, const struct tree_columns *columns,
                      const struct tree_sink *sink, struct tree_reader **reader, struct error *err);
    /* E_SYNTAX with line and column (JSON, XML, CSV: "line 3, column 7: …"), E_BAD_UTF8, E_DEPTH,
     * E_MEMORY, or what the sink says.  After an error nothing more is fed. */
    enum code (*feed)(struct tree_reader *reader, struct bytes piece, struct error *err);
    enum code (*finish)(struct tree_reader *reader, struct error *err); /* E_SYNTAX: it is cut */
    void (*close)(struct tree_reader *reader);                          /* NULL is fine */
};

extern const struct tree_format tree_json, tree_ndjson, tree_csv, tree_xml;
const struct tree_format *tree_format_find(struct bytes name); /* NULL: unknown */

#endif
