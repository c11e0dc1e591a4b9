#include <sodium.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "codec/json_doc.h"
#include "discovery/zookeeper.h"
#include "http/mhd.h"
#include "net/client.h"
#include "net/mongo.h"
#include "server/command_line.h"
#include "server/version.h"
#include "store/index.h"

static const char usage[] = "usage: weir version [--json]\n"
                            "\n"
                            "Prints the version, and those of the libraries it runs with.\n";

static const char *pcre2_version(void)
{
    static char text[64]; /* PCRE2's own needs 24 */

    return pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(text) &&
                   pcre2_config(PCRE2_CONFIG_VERSION, text) > 0
               ? text
               : "?";
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"curl",          client_library_version   },
    {"jansson",       json_doc_version         },
    {"libmicrohttpd", mhd_version              },
    {"lmdb",          index_lmdb_version       },
    {"mongoc",        mongo_library_version    },
    {"pcre2",         pcre2_version            },
    {"sodium",        sodium_version_string    },
    {"yaml",          yaml_get_version_string  },
    {"zlib",          zlibVersion              },
    {"zookeeper",     zookeeper_library_version},
    {"zstd",          ZSTD_versionString       },
};

int command_version(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        {"json", NULL, "Print one JSON object."},
    };
    const char *values[COUNT_OF(rows)] = {NULL};
    struct arguments own = {rows, COUNT_OF(rows), values};
    const struct command_line line = {usage, &own, NULL, false};
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    printf(values[0] ? "{\"weir\":\"%s\"" : "weir %s\n", WEIR_VERSION);
    for (size_t i = 0; i < COUNT_OF(libraries); i++)
        printf(values[0] ? ",\"%s\":\"%s\"" : "%-14s %s\n", libraries[i].name,
               libraries[i].version());
    if (values[0])
        puts("}");
    return COMMAND_DONE;
}
