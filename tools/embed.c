/* embed OUT FILE... - writes files of data/ as a C table, for know/embedded.h. Runs while the program
 * is built, on the machine that builds it.
 */
#include <stdio.h>
#include <string.h>

enum { LINE_MOST = 64 * 1024 };

/* Comments are of no use to the program, which reads all of this at each start. */
static int is_needed(const char *line)
{
    line += strspn(line, " \t");
    return *line != '#' && *line != '\n';
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
        for (const char *c = line; *c; c++)
            fprintf(out, "%d,", (unsigned char)*c);
        fprintf(out, "\n");
    }
    fprintf(out, "0};\n"); /* a NUL behind the text, so that an empty file is an array too */
    return fclose(in);
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
    fprintf(out, "\nstatic const struct knowledge_text texts[] = {\n");
    for (size_t i = 0; i < files; i++)
        fprintf(out, "{ \"%s\", { (const char *)text_%zu, sizeof text_%zu - 1 } },\n",
                base_name(argv[i + 2]), i, i);
    fprintf(out, "};\n\nconst struct knowledge_text *know_embedded(size_t *ret_count)\n{\n"
                 "    *ret_count = %zu;\n    return texts;\n}\n", files);
    return fclose(out) == 0 ? 0 : 1;
}
