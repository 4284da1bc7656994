/* embed-text OUT HEADER NAME FILE... - writes files as a C table of texts, `const char *const NAME[]`, and its length
 * NAME_count, as HEADER declares them. Runs while the program is built, on the machine that builds it.
 */
#include <stdio.h>

static int embed(FILE *out, const char *path, int number)
{
    FILE *in = fopen(path, "r");

    if (!in) {
        perror(path);
        return -1;
    }
    fprintf(out, "static const unsigned char text_%d[] = {\n", number);
    for (int c; (c = getc(in)) != EOF;)
        fprintf(out, "%d,%s", c, c == '\n' ? "\n" : "");
    fprintf(out, "0};\n");
    return fclose(in);
}

int main(int argc, char **argv)
{
    FILE *out = argc > 4 ? fopen(argv[1], "w") : NULL;

    if (!out) {
        fprintf(stderr, "usage: embed-text OUT HEADER NAME FILE...\n");
        return 1;
    }
    fprintf(out, "#include \"%s\"\n\n", argv[2]);
    for (int i = 4; i < argc; i++)
        if (embed(out, argv[i], i) != 0)
            return 1;
    fprintf(out, "\nconst char *const %s[] = {\n", argv[3]);
    for (int i = 4; i < argc; i++)
        fprintf(out, "    (const char *)text_%d,\n", i);
    fprintf(out, "};\nconst size_t %s_count = %d;\n", argv[3], argc - 4);
    return fclose(out) == 0 ? 0 : 1;
}
