/* The documents of examples/sources, which the program has in it. */
#ifndef WEIR_SERVER_SOURCE_EXAMPLES_H
#define WEIR_SERVER_SOURCE_EXAMPLES_H

struct source_example {
    const char *name, *text; /* YAML */
};

/* In order of their names; behind the last is one without a name. */
extern const struct source_example source_examples[];

#endif
