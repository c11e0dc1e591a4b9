/* Members of a JSON object as the parameters of a question: a table says what JSON each takes, and
 * makes of it the text that the parameter has elsewhere. */
#ifndef WEIR_QUERY_JSON_PARAMETERS_H
#define WEIR_QUERY_JSON_PARAMETERS_H

#include "codec/json_doc.h"
#include "query/parameters.h"

/* A growing list; names are static, values in the arena. */
struct parameter_list {
    struct query_parameter *items;
    size_t count, capacity;
    struct arena *arena; /* borrowed */
};

/* The parameter of that name, P_COUNT when there is none. */
enum parameter parameter_named(struct bytes name);
bool parameter_list_has(const struct parameter_list *list, enum parameter parameter);
/* Adds one; a list makes several of one that may be repeated.  Errors point at what is wrong
 * ("match/1"). */
MUST_USE enum code parameter_list_add(struct parameter_list *list, enum parameter parameter,
                                      const struct json *value, struct error *err);
/* Copies those of that name from another list. */
MUST_USE enum code parameter_list_copy(struct parameter_list *list,
                                       const struct parameter_list *from, enum parameter parameter,
                                       struct error *err);

/* What is pointed at stands within `path` of the document: the pointer becomes path/pointer.  One
 * that is complete stays as it is, one that is empty too. */
void error_point_within(struct error *err, struct bytes path);
/* What points into a list ("match/1") that is none in the object, but one text, points at it. */
void error_point_listed(struct error *err, const struct json *object);
/* Points at a member that no table knows: "/" and "~" in names are escaped (RFC 6901). */
void error_point_member(struct error *err, struct bytes name);

#endif
