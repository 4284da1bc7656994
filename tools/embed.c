/* embed OUT FILE... - writes files of data/ as a C table, for know/embedded.h, and by which names their
 * profiles are asked for. Runs while the program is built, on the machine that builds it.
 */
#include <stdio.h>
#include <string.h>

enum { LINE_MOST = 64 * 1024, INDEX_MOST = 256 * 1024 };

/* Comments are of no use to the program, which reads all of this at each start. */
static int is_needed(const char *line)
{
    line += strspn(line, " \t");
    return *line != '#' && *line != '\n';
}

/* Lines "NAME FILE": of exact names, and of those with a '*' or a '{' in them. */
static struct index {
    char text[INDEX_MOST];
    size_t len;
} names, patterns;

static int note(const char *word, size_t len, size_t file)
{
    struct index *index = memchr(word, '*', len) || memchr(word, '{', len) ? &patterns : &names;
    size_t room = sizeof index->text - index->len;
    int added = snprintf(index->text + index->len, room, "%.*s %zu\n", (int)len, word, file);

    if (added < 0 || (size_t)added >= room)
        return -1;
    index->len += (size_t)added;
    return 0;
}

static int note_words(const char *value, size_t file)
{
    for (;;) {
        value += strspn(value, ", \t\n");
        size_t len = strcspn(value, ", \t\n");
        if (len == 0)
            return 0;
        if (note(value, len, file) != 0)
            return -1;
        value += len;
    }
}

/* The names in this line, if it has any: know/profile_read.c knows all keys. */
static int note_line(const char *line, size_t file)
{
    static const char *const lists[] = { "domains = ", "domain_patterns = ", "legacy_host = " };
    static const char provider[] = "[provider ", server[] = "server = ";

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strncmp(line, lists[i], strlen(lists[i])) == 0)
            return note_words(line + strlen(lists[i]), file);
    if (strncmp(line, provider, sizeof provider - 1) == 0)
        return note(line + sizeof provider - 1, strcspn(line + sizeof provider - 1, "]"), file);
    if (strncmp(line, server, sizeof server - 1) == 0)
        return note(line + sizeof server - 1, strcspn(line + sizeof server - 1, ":"), file);
    return 0;
}

static void embed_text(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++)
        fprintf(out, "%d,%s", (unsigned char)*c, *c == '\n' ? "\n" : "");
}

static int embed_lines(FILE *out, const char *path, size_t number)
{
    static char line[LINE_MOST + 2];
    FILE *in = fopen(path, "r");

    if (!in) {
        perror(path);
        return -1;
    }
    fprintf(out, "static const unsigned char text_%zu[] = {\n", number);
    while (fgets(line, sizeof line, in)) {
        if (!is_needed(line))
            continue;
        embed_text(out, line);
        if (note_line(line, number) != 0) {
            fprintf(stderr, "%s: too many names\n", path);
            return -1;
        }
    }
    fprintf(out, "0};\n"); /* a NUL behind the text, so that an empty file is an array too */
    return fclose(in);
}

static void embed_index(FILE *out, const char *name, const struct index *index)
{
    fprintf(out, "static const unsigned char %s[] = {\n10,", name); /* each line stands between line ends */
    embed_text(out, index->text);
    fprintf(out, "0};\n");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    FILE *out = argc > 2 ? fopen(argv[1], "w") : NULL;
    size_t files = argc > 2 ? (size_t)argc - 2 : 0;

    if (!out) {
        fprintf(stderr, "usage: embed OUT FILE...\n");
        return 1;
    }
    fprintf(out, "#include \"know/embedded.h\"\n\n");
    for (size_t i = 0; i < files; i++)
        if (embed_lines(out, argv[i + 2], i) != 0)
            return 1;
    embed_index(out, "names", &names);
    embed_index(out, "patterns", &patterns);
    fprintf(out, "\nstatic const struct knowledge_text texts[] = {\n");
    for (size_t i = 0; i < files; i++)
        fprintf(out, "{ \"%s\", { (const char *)text_%zu, sizeof text_%zu - 1 } },\n",
                base_name(argv[i + 2]), i, i);
    fprintf(out, "};\n\nconst struct knowledge_text *know_embedded(size_t *ret_count)\n{\n"
                 "    *ret_count = %zu;\n    return texts;\n}\n", files);
    fprintf(out, "\nstruct knowledge_index know_embedded_index(void)\n{\n"
                 "    return (struct knowledge_index){\n"
                 "        { (const char *)names, sizeof names - 1 },\n"
                 "        { (const char *)patterns, sizeof patterns - 1 },\n    };\n}\n");
    return fclose(out) == 0 ? 0 : 1;
}
