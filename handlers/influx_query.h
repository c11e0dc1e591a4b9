/* GET and POST /query: the few statements of InfluxQL that clients send before they write.
 * CREATE DATABASE changes nothing (a tenant is one database, under any name), SHOW DATABASES names
 * the tenant; whatever else is asked is answered with an error that says where to ask. */
#ifndef WEIR_HANDLERS_INFLUX_QUERY_H
#define WEIR_HANDLERS_INFLUX_QUERY_H

#include "http/route.h"

enum influx_statement { INFLUX_CREATE_DATABASE, INFLUX_SHOW_DATABASES, INFLUX_OTHER };

/* Any case and spacing; one statement, with or without a semicolon. */
enum influx_statement influx_statement_parse(struct bytes text);

extern const struct handler influx_query_handler;
extern const char *const influx_query_names[];

#endif
