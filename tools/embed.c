/* embed OUT FILE... - writes the files as a C table, for know/embedded.h. Runs while the program is
 * built, on the machine that builds it.
 */
#include <stdio.h>
#include <string.h>

static int embed_bytes(FILE *out, const char *path, size_t number)
{
    FILE *in = fopen(path, "rb");
    unsigned long len = 0;

    if (!in) {
        perror(path);
        return -1;
    }
    fprintf(out, "static const unsigned char text_%zu[] = {", number);
    for (int c; (c = getc(in)) != EOF; len++)
        fprintf(out, "%s%d,", len % 24 ? "" : "\n", c);
    fprintf(out, "\n0};\n"); /* a NUL behind the text, so that an empty file is an array too */
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
        if (embed_bytes(out, argv[i + 2], i) != 0)
            return 1;
    fprintf(out, "\nstatic const struct knowledge_text texts[] = {\n");
    for (size_t i = 0; i < files; i++)
        fprintf(out, "{ \"%s\", { (const char *)text_%zu, sizeof text_%zu - 1 } },\n",
                base_name(argv[i + 2]), i, i);
    fprintf(out, "};\n\nconst struct knowledge_text *know_embedded(size_t *ret_count)\n{\n"
                 "    *ret_count = %zu;\n    return texts;\n}\n", files);
    return fclose(out) == 0 ? 0 : 1;
}
