#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/openapi_text.h"
#include "http/router.h"

/* What the program serves at /openapi.json is what is held against its routes here. */
static struct json *document;

static int setup(void **state)
{
    struct error err = {0};

    (void)state;
    if (json_doc_parse(openapi_text(), 64, &document, &err) == OK)
        return 0;
    print_error("openapi/openapi.json: %s\n", err.text);
    return -1;
}

static int teardown(void **state)
{
    (void)state;
    json_doc_free(document);
    return 0;
}

static const char *method_of(const struct route *route)
{
    static const char *const names[METHOD_COUNT] = {"get", "post", "put", "delete"};

    return names[route->method];
}

static struct json *operation_of(const struct route *route)
{
    struct json *path = json_member(json_member(document, "paths"), route->path);
    struct json *operation = json_member(path, method_of(route));

    if (operation == NULL)
        fail_msg("%s %s is not described", method_of(route), route->path);
    return operation;
}

/* {"$ref":"#/components/a/b"} is what it names; anything else itself. */
static struct json *resolved(struct json *value)
{
    struct json *reference = json_member(value, "$ref");
    struct json *at = document;
    char text[128], *rest = text, *name;

    if (reference == NULL)
        return value;
    snprintf(text, sizeof(text), "%.*s", BYTES_ARG(json_text_of(reference)));
    if (strncmp(text, "#/", 2) != 0)
        fail_msg("$ref %s is not of this document", text);
    for (rest += 2; at != NULL && (name = strsep(&rest, "/")) != NULL;)
        at = json_member(at, name);
    if (at == NULL)
        fail_msg("$ref %.*s names nothing", BYTES_ARG(json_text_of(reference)));
    return at;
}

static bool text_is(struct json *object, const char *member, const char *text)
{
    struct json *value = json_member(object, member);

    return value != NULL && bytes_equal(json_text_of(value), bytes_of(text));
}

static void test_the_route_table_is_sound(void **state)
{
    (void)state;
    router_check(app_routes, app_route_count);
}

static void test_exactly_the_routes_there_are_are_described(void **state)
{
    struct json *paths = json_member(document, "paths"), *path, *operation;
    struct bytes name, method;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < app_route_count; i++)
        (void)operation_of(&app_routes[i]);
    for (void *at = NULL; json_next(paths, &at, &name, &path);)
        for (void *in = NULL; json_next(path, &in, &method, &operation);)
            count++;
    if (count != app_route_count)
        fail_msg("%zu operations are described, %zu routes are served", count, app_route_count);
}

static void check_parameters(const struct route *route)
{
    struct json *list = json_member(operation_of(route), "parameters");
    size_t known = 0, described = 0;

    for (const char *const *name = route->parameters; name != NULL && *name != NULL; name++) {
        bool found = false;

        known++;
        for (size_t i = 0; i < json_count(list); i++) {
            struct json *parameter = resolved(json_element(list, i));

            found |= text_is(parameter, "in", "query") && text_is(parameter, "name", *name);
        }
        if (!found)
            fail_msg("%s %s: parameter %s is not described", method_of(route), route->path, *name);
    }
    for (size_t i = 0; i < json_count(list); i++)
        described += text_is(resolved(json_element(list, i)), "in", "query");
    if (known != described)
        fail_msg("%s %s: %zu query parameters are described, it knows %zu", method_of(route),
                 route->path, described, known);
}

static void test_query_parameters_are_those_that_the_route_knows(void **state)
{
    (void)state;
    for (size_t i = 0; i < app_route_count; i++)
        check_parameters(&app_routes[i]);
}

static bool list_has(struct json *list, const char *text)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (bytes_equal(json_text_of(json_element(list, i)), bytes_of(text)))
            return true;
    return false;
}

/* Codes that no answer carries. */
static bool never_answered(enum code code)
{
    return code == OK || code == E_END || code == E_EXISTS || code == E_CONFIG;
}

static void test_every_code_that_an_answer_can_have_is_enumerated(void **state)
{
    struct json *schemas = json_member(json_member(document, "components"), "schemas");
    struct json *codes = json_member(json_member(schemas, "Code"), "enum");
    struct json *lines = json_member(json_member(schemas, "LineCode"), "enum");
    size_t count = 0;

    (void)state;
    for (int code = 0; code < CODE_COUNT; code++) {
        const char *slug = code_row((enum code)code)->slug;

        if (list_has(codes, slug) == never_answered((enum code)code))
            fail_msg("%s: described %d", slug, list_has(codes, slug));
        count += !never_answered((enum code)code);
    }
    assert_int_equal(json_count(codes), count);
    for (size_t i = 0; i < json_count(lines); i++) {
        char slug[64];

        snprintf(slug, sizeof(slug), "%.*s", BYTES_ARG(json_text_of(json_element(lines, i))));
        if (!list_has(codes, slug))
            fail_msg("line code %s is no code", slug);
    }
}

static void test_what_needs_a_token_says_which_scope(void **state)
{
    (void)state;
    for (size_t i = 0; i < app_route_count; i++) {
        const struct route *route = &app_routes[i];
        struct json *operation = operation_of(route);
        struct json *security = json_member(operation, "security");
        struct json *description = json_member(operation, "description");
        const char *scope = route->scope == SCOPE_READ    ? "Scope `read`"
                            : route->scope == SCOPE_WRITE ? "Scope `write`"
                            : route->scope == SCOPE_ANY
                                ? "Scope `read`, `write`, `admin` or `operator`"
                            : route->scope == SCOPE_OPERATOR ? "Scope `operator`"
                                                             : "Scope `admin`";

        if ((route->scope == SCOPE_NONE) != (security != NULL && json_count(security) == 0))
            fail_msg("%s %s: security", method_of(route), route->path);
        if (route->scope == SCOPE_NONE)
            continue;
        if (description == NULL ||
            !bytes_equal(bytes_slice(json_text_of(description), 0, strlen(scope)), bytes_of(scope)))
            fail_msg("%s %s: the description does not begin with %s", method_of(route), route->path,
                     scope);
        if (json_member(json_member(operation, "responses"), "401") == NULL ||
            json_member(json_member(operation, "responses"), "403") == NULL)
            fail_msg("%s %s: 401 and 403 are not described", method_of(route), route->path);
    }
}

static void walk(struct json *value)
{
    struct json *child;
    struct bytes name;

    switch (json_kind(value)) {
    case JSON_KIND_OBJECT:
        (void)resolved(value);
        for (void *at = NULL; json_next(value, &at, &name, &child);)
            walk(child);
        break;
    case JSON_KIND_ARRAY:
        for (size_t i = 0; i < json_count(value); i++)
            walk(json_element(value, i));
        break;
    default:
        break;
    }
}

static void test_every_reference_names_something(void **state)
{
    (void)state;
    walk(document);
}

static void test_every_operation_has_its_own_id(void **state)
{
    (void)state;
    for (size_t i = 0; i < app_route_count; i++) {
        struct json *id = json_member(operation_of(&app_routes[i]), "operationId");

        assert_non_null(id);
        for (size_t k = 0; k < i; k++)
            assert_false(bytes_equal(
                json_text_of(id),
                json_text_of(json_member(operation_of(&app_routes[k]), "operationId"))));
    }
}

static void test_the_tour_has_a_line_for_each_route(void **state)
{
    static const char *const methods[METHOD_COUNT] = {"GET", "POST", "PUT", "DELETE"};
    static char page[1 << 18];
    FILE *file = fopen("docs/reference/http.md", "r");
    size_t count = 0;

    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < app_route_count; i++) {
        const struct route *route = &app_routes[i];
        const char *scope = route->scope == SCOPE_READ       ? "read "
                            : route->scope == SCOPE_WRITE    ? "write "
                            : route->scope == SCOPE_ADMIN    ? "admin "
                            : route->scope == SCOPE_OPERATOR ? "operator "
                            : route->scope == SCOPE_ANY      ? "any "
                                                             : "";
        char line[128];

        snprintf(line, sizeof(line), "| `%s %s` | %s|", methods[route->method], route->path, scope);
        if (strstr(page, line) == NULL)
            fail_msg("docs/reference/http.md has no line %s", line);
    }
    for (const char *at = page; (at = strstr(at, " | `curl ")) != NULL; at++)
        count++;
    assert_int_equal(count, app_route_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_route_table_is_sound),
        cmocka_unit_test(test_exactly_the_routes_there_are_are_described),
        cmocka_unit_test(test_query_parameters_are_those_that_the_route_knows),
        cmocka_unit_test(test_every_code_that_an_answer_can_have_is_enumerated),
        cmocka_unit_test(test_what_needs_a_token_says_which_scope),
        cmocka_unit_test(test_every_reference_names_something),
        cmocka_unit_test(test_every_operation_has_its_own_id),
        cmocka_unit_test(test_the_tour_has_a_line_for_each_route),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
