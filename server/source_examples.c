#include "server/source_examples.h"

#include <stddef.h>

/* The assembler reads the file, and ends it as C ends a text; the path is relative to where make
 * runs. */
#define EXAMPLE(symbol, file)                                                                      \
    __asm__(".section .rodata\n"                                                                   \
            "example_" #symbol ":\n"                                                               \
            ".incbin \"examples/sources/" file ".yaml\"\n"                                         \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char example_##symbol[]

EXAMPLE(ea_water_quality, "ea-water-quality");
EXAMPLE(eia_hourly_demand, "eia-hourly-demand");
EXAMPLE(elexon_fuelhh, "elexon-fuelhh");
EXAMPLE(entsoe_load, "entsoe-load");
EXAMPLE(growing_file, "growing-file");
EXAMPLE(met_norway, "met-norway");
EXAMPLE(octopus_consumption, "octopus-consumption");
EXAMPLE(open_meteo, "open-meteo");

const struct source_example source_examples[] = {
    {"ea-water-quality",    example_ea_water_quality   },
    {"eia-hourly-demand",   example_eia_hourly_demand  },
    {"elexon-fuelhh",       example_elexon_fuelhh      },
    {"entsoe-load",         example_entsoe_load        },
    {"growing-file",        example_growing_file       },
    {"met-norway",          example_met_norway         },
    {"octopus-consumption", example_octopus_consumption},
    {"open-meteo",          example_open_meteo         },
    {NULL,                  NULL                       },
};
