/* Every unit test's main in one program: which one runs is the end of the name it is called by,
 * .../store/test_view.  What is between runs is a process's, as each is one of its own. */
#include <stdio.h>
#include <string.h>

#define MAIN(function, name) int function(int count, char **arguments);
#include "mains.h"
#undef MAIN

static const struct {
    int (*run)(int count, char **arguments);
    const char *name;
} mains[] = {
#define MAIN(function, name) {function, name},
#include "mains.h"
#undef MAIN
};

int main(int count, char **arguments)
{
    size_t called = count > 0 ? strlen(arguments[0]) : 0;

    for (size_t i = 0; i < sizeof(mains) / sizeof(mains[0]); i++) {
        size_t length = strlen(mains[i].name);

        if (length <= called && strcmp(arguments[0] + called - length, mains[i].name) == 0)
            return mains[i].run(count, arguments);
    }
    fprintf(stderr, "no unit test is called %s\n", count > 0 ? arguments[0] : "nothing");
    return 2;
}
