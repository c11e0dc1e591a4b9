/* Feeds every file of the directories named on the command line to a fuzz target, in a plain
 * build: what a fuzzer once found stays found, without clang.  The last line counts the files. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is an allocation of exactly its size, so that ASan sees a read past its end. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *data = NULL;
    int result = -1;

    if (!file || fstat(fileno(file), &status))
        goto out;
    data = malloc((size_t)status.st_size);
    if (status.st_size > 0 &&
        (!data || fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size))
        goto out;
    LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
    result = 0;

out:
    if (result)
        perror(path);
    free(data);
    if (file)
        fclose(file);
    return result;
}

int main(int count, char **names)
{
    size_t files = 1;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < count; i++) {
        DIR *directory = opendir(names[i]);

        if (!directory)
            continue; /* no corpus yet */
        for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
            char path[4096];

            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", names[i], entry->d_name);
            fprintf(stderr, "%s\n", path); /* the last one told is the one that crashed */
            if (replay_file(path))
                return 1;
            files++;
        }
        closedir(directory);
    }
    printf("%zu inputs\n", files);
    return 0;
}
