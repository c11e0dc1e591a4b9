#include "tests/unit/handlers/serving.h"

#include "handlers/influx_query.h"

static void test_statements_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum influx_statement want;
    } cases[] = {
        {"CREATE DATABASE \"telegraf\"",                           INFLUX_CREATE_DATABASE},
        {"create database x",                                      INFLUX_CREATE_DATABASE},
        {" CREATE\n\tDATABASE  x WITH DURATION 1d REPLICATION 1;", INFLUX_CREATE_DATABASE},
        {"SHOW DATABASES",                                         INFLUX_SHOW_DATABASES },
        {"show databases ; ",                                      INFLUX_SHOW_DATABASES },
        {"CREATE DATABASE",                                        INFLUX_OTHER          },
        {"CREATE DATABASES x",                                     INFLUX_OTHER          },
        {"CREATE RETENTION POLICY x",                              INFLUX_OTHER          },
        {"SHOW DATABASES x",                                       INFLUX_OTHER          },
        {"SHOW DATABASES; DROP DATABASE x",                        INFLUX_OTHER          },
        {"SHOW MEASUREMENTS",                                      INFLUX_OTHER          },
        {"SHOWDATABASES",                                          INFLUX_OTHER          },
        {"DROP DATABASE x",                                        INFLUX_OTHER          },
        {"SELECT * FROM x",                                        INFLUX_OTHER          },
        {";",                                                      INFLUX_OTHER          },
        {"",                                                       INFLUX_OTHER          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (influx_statement_parse(bytes_of(cases[i].text)) != cases[i].want)
            fail_msg("%s: %d", cases[i].text, influx_statement_parse(bytes_of(cases[i].text)));
}

static void test_answers(void **state)
{
    static struct serving serving;
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    static const struct {
        const char *what, *body;
        int status;
        const char *text;
    } cases[] = {
        {"GET /query?q=SHOW%20DATABASES",                     NULL,                        200,
         "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"databases\",\"columns\":["
         "\"name\"],\"values\":"
         "[[\"default\"]]}]}]}"                                                                                                          },
        {"POST /query",                                       "q=CREATE+DATABASE+%22x%22", 200, "{\"results\":[{\"statement_id\":0}]}\n" },
        {"POST /query?q=create%20database%20x&u=a&p=b",       NULL,                        200,
         "{\"results\":[{\"statement_id\":0}]}\n"                                                                                        },
        {"GET /query?q=SELECT%201&db=x&epoch=ns&pretty=true", NULL,                        200,
         "\"statement_id\":0,\"error\":\"not sup"                                                                                        },
        {"GET /query",                                        NULL,                        400, "{\"error\":\"missing required parameter"},
        {"GET /query?q=%20;",                                 NULL,                        400, "{\"error\":\"missing required parameter"},
        {"POST /query?q=a",                                   "q=b",                       400, "q= is given twice"                      },
    };

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int got = ask(&serving, cases[i].what, cases[i].body == NULL ? "" : form, cases[i].body);

        if (got != cases[i].status || strstr(serving.answer, cases[i].text) == NULL ||
            strstr(serving.answer, "X-Influxdb-Version: ") == NULL)
            fail_msg("%s: want %d with %s, got:\n%s", cases[i].what, cases[i].status, cases[i].text,
                     serving.answer);
    }
    serving_stop(&serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_are_told_apart),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
