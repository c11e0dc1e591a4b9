/* An archive on the standard input, for tests/archive/run: one command a line, one answer a line.
 *
 *     open NAME safe|unsafe URI
 *     put DATABASE packs|manifests COUNT     and COUNT lines "ID HASH BODY", in hex but for the id
 *     get DATABASE packs|manifests ID
 *     remove DATABASE packs|manifests ID...
 *     list DATABASE packs|manifests
 *     close
 *
 * Answers are "ok ..." or "<slug of the code> <text of the error>".  What is no command ends it
 * with 2: it is a mistake in the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mongo.h"

enum { WORDS_MAX = 5000, DOCUMENTS_MAX = 10000, BODY_BYTES_MAX = 20 << 20 };

static struct archive *archive;

static void give_up(const char *why)
{
    fprintf(stderr, "drive: %s\n", why);
    exit(2);
}

static char *line_read(void)
{
    static char *line;
    static size_t room;
    ssize_t size = getline(&line, &room, stdin);

    if (size <= 0) {
        free(line);
        line = NULL;
        return NULL;
    }
    if (line[size - 1] == '\n')
        line[size - 1] = '\0';
    return line;
}

static size_t split(char *line, char **words, size_t room)
{
    size_t count = 0;
    char *rest = line, *word;

    while ((word = strsep(&rest, " ")) != NULL) {
        if (count == room)
            give_up("too many words");
        words[count++] = word;
    }
    return count;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c < 'a' || c > 'f')
        give_up("no hex");
    return (unsigned)(c - 'a') + 10;
}

static struct bytes from_hex(const char *text)
{
    size_t size = strlen(text) / 2;
    char *bytes;

    if (size == 0)
        return (struct bytes){NULL, 0}; /* which is a body, too */
    bytes = malloc(size);
    if (!bytes)
        give_up("no memory");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return (struct bytes){bytes, size};
}

static void say(enum code code, const struct error *err)
{
    if (code)
        printf("%s %s\n", code_row(code)->slug, err->text);
    else
        printf("ok\n");
    if (code && err->code != code)
        give_up("the error has another code");
}

static enum archive_collection collection_of(const char *word)
{
    if (strcmp(word, "packs") != 0 && strcmp(word, "manifests") != 0)
        give_up("no collection");
    return word[0] == 'p' ? ARCHIVE_PACKS : ARCHIVE_MANIFESTS;
}

static struct archive_document document_read(void)
{
    struct archive_document document = {0};
    char *words[3], *line = line_read();

    if (!line || split(line, words, 3) != 3)
        give_up("a document is ID HASH BODY");
    document.id = bytes_of(strdup(words[0]));
    document.body = from_hex(words[2]);
    if (!hash128_parse(bytes_of(words[1]), &document.hash))
        give_up("no hash");
    return document;
}

static void put(char **words)
{
    struct bytes database = bytes_of(strdup(words[1]));
    enum archive_collection which = collection_of(words[2]);
    size_t count = strtoul(words[3], NULL, 10);
    struct archive_document *documents;
    struct error err = {0};

    documents = calloc(count + 1, sizeof(*documents));
    if (!documents || count > DOCUMENTS_MAX)
        give_up("too many documents");
    for (size_t i = 0; i < count; i++)
        documents[i] = document_read();
    say(archive->operations->put(archive, database, which, documents, count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        free((char *)documents[i].id.data);
        free((char *)documents[i].body.data);
    }
    free(documents);
    free((char *)database.data);
}

static void get(char **words)
{
    struct buf body = BUF_INIT(BODY_BYTES_MAX);
    struct error err = {0};
    enum code code = archive->operations->get(archive, bytes_of(words[1]), collection_of(words[2]),
                                              bytes_of(words[3]), &body, &err);

    if (code) {
        say(code, &err);
    } else {
        printf("ok ");
        for (size_t i = 0; i < body.size; i++) {
            putc_unlocked("0123456789abcdef"[(unsigned char)body.data[i] >> 4], stdout);
            putc_unlocked("0123456789abcdef"[body.data[i] & 15], stdout);
        }
        printf("\n");
    }
    buf_release(&body);
}

static void take_away(char **words, size_t count)
{
    struct bytes ids[WORDS_MAX];
    struct error err = {0};

    for (size_t i = 3; i < count; i++)
        ids[i - 3] = bytes_of(words[i]);
    say(archive->operations->remove(archive, bytes_of(words[1]), collection_of(words[2]), ids,
                                    count - 3, &err),
        &err);
}

static enum code note_id(void *context, struct bytes id, struct error *err)
{
    struct buf *ids = context;

    (void)err;
    buf_put_char(ids, ' ');
    buf_put(ids, id);
    return OK;
}

static void list(char **words)
{
    struct buf ids = BUF_INIT(BODY_BYTES_MAX);
    struct error err = {0};
    enum code code = archive->operations->list(archive, bytes_of(words[1]), collection_of(words[2]),
                                               note_id, &ids, &err);

    if (code)
        say(code, &err);
    else
        printf("ok%.*s\n", BYTES_ARG(buf_bytes(&ids)));
    buf_release(&ids);
}

static void close_archive(void)
{
    if (archive)
        archive->operations->close(archive);
    archive = NULL;
}

static void open_archive(char **words)
{
    struct error err = {0};
    enum code code;

    close_archive();
    code = mongo_archive_open(bytes_of(words[3]), strcmp(words[2], "unsafe") == 0, words[1],
                              &archive, &err);
    say(code, &err);
}

int main(void)
{
    static char *words[WORDS_MAX];
    char *line;

    while ((line = line_read()) != NULL) {
        size_t count = split(line, words, WORDS_MAX);

        if (strcmp(words[0], "open") == 0 && count == 4)
            open_archive(words);
        else if (strcmp(words[0], "close") == 0 && count == 1)
            close_archive(), printf("ok\n");
        else if (!archive)
            give_up("no archive is open");
        else if (strcmp(words[0], "put") == 0 && count == 4)
            put(words);
        else if (strcmp(words[0], "get") == 0 && count == 4)
            get(words);
        else if (strcmp(words[0], "remove") == 0 && count >= 3)
            take_away(words, count);
        else if (strcmp(words[0], "list") == 0 && count == 3)
            list(words);
        else
            give_up("no command");
        fflush(stdout);
    }
    close_archive();
    return 0;
}
