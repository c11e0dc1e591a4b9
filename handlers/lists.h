/* The catalog's lists: measurements, fields, tags, tag values, series. */
#ifndef WEIR_HANDLERS_LISTS_H
#define WEIR_HANDLERS_LISTS_H

#include "http/route.h"

extern const struct handler measurements_handler, fields_handler, tags_handler, tag_values_handler,
    series_handler;
extern const char *const measurements_parameter_names[];
extern const char *const measurement_parameter_names[]; /* of fields, tags and tag values */
extern const char *const series_parameter_names[];

#endif
