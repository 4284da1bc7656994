#include "cli/options.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

const struct option everyday_options[] = {
    { 0, "config", OPTION_VALUE, "FILE", "use this configuration; the state stands beside it" },
    { 0, "state", OPTION_VALUE, "DIR", "keep the state here" },
    { 0, "user", OPTION_FLAG, NULL, "work with your own configuration" },
    { 0, "system", OPTION_FLAG, NULL, "work with the machine's configuration" },
    { 0, "json", OPTION_FLAG, NULL, "answer in JSON" },
    { 'q', "quiet", OPTION_FLAG, NULL, "say nothing but errors" },
    { 'v', "verbose", OPTION_FLAG, NULL, "show the conversation with the server, without secrets" },
    { 0, "no-input", OPTION_FLAG, NULL, "never ask; fail and name the missing option" },
    { 0, "connect-timeout", OPTION_NUMBER, "SECONDS", "patience for each connection and reply" },
    { 0, "timeout", OPTION_NUMBER, "SECONDS", "patience for the whole; a moving transfer is never cut" },
    { 0, "connect-to", OPTION_MANY, "HOST:PORT:HOST2:PORT2",
      "connect to HOST2:PORT2 where HOST:PORT is meant; names and certificates stay HOST's" },
    { 0, "ca-file", OPTION_VALUE, "FILE", "trust the authorities in this file instead of the system's" },
    { 0, "dns", OPTION_VALUE, "ADDRESS:PORT", "ask this name server" },
    { 'h', "help", OPTION_FLAG, NULL, "show this" },
    { 0, "version", OPTION_FLAG, NULL, "show the version" },
};
const size_t everyday_option_count = COUNT(everyday_options);

/* Finds a row by name or letter, the command's own first. */
static const struct option *find(const struct command *command, struct span name, char letter)
{
    const struct option *tables[] = { command->options, everyday_options };
    const size_t counts[] = { command->option_count, everyday_option_count };

    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < counts[t]; i++)
            if (letter ? tables[t][i].letter == letter : span_is(name, tables[t][i].name))
                return &tables[t][i];
    return NULL;
}

const struct option *option_find(const struct command *command, struct span name)
{
    return find(command, name, 0);
}

static const struct option *nearest(const struct command *command, const char *name)
{
    const struct option *tables[] = { command->options, everyday_options };
    const size_t counts[] = { command->option_count, everyday_option_count };
    const struct option *best = NULL;
    unsigned best_distance = 3;

    for (size_t t = 0; t < COUNT(tables); t++) {
        for (size_t i = 0; i < counts[t]; i++) {
            unsigned distance = str_distance(name, tables[t][i].name, 3);
            if (distance < best_distance) {
                best_distance = distance;
                best = &tables[t][i];
            }
        }
    }
    return best;
}

struct reader {
    const struct command *command;
    int argc, at;
    char **argv;
    struct arguments *arguments;
    struct err *err;
};

/* One option with its value, attached or the next word. */
static bool take(struct reader *r, const struct option *option, const char *attached)
{
    const char *value = NULL;
    uint64_t number;

    if (option->kind != OPTION_FLAG) {
        value = attached ? attached : r->at < r->argc ? r->argv[r->at++] : NULL;
        if (!value)
            return err_set(r->err, ERR_USAGE, "--%s needs a value: --%s %s", option->name,
                           option->name, option->value);
    } else if (attached) {
        return err_set(r->err, ERR_USAGE, "--%s takes no value", option->name);
    }
    if (option->kind == OPTION_NUMBER &&
        !str_to_u64(span_of(value), 0, UINT32_MAX, &number))
        return err_set(r->err, ERR_USAGE, "--%s takes a whole number, not \"%.40s\"", option->name,
                       value);
    r->arguments->given[r->arguments->given_count++] = (struct given){ option, value };
    return true;
}

static bool take_long(struct reader *r, const char *word)
{
    struct span name = span_of(word);
    size_t equals = span_find(name, '=');
    const char *attached = equals < name.len ? word + equals + 1 : NULL;
    const struct option *option = find(r->command, span_cut(name, 0, equals), 0);
    HELD(buf) bare = BUF(60);

    if (option)
        return take(r, option, attached);
    str_printable(&bare, span_cut(name, 0, equals), 40);
    option = nearest(r->command, buf_text(&bare));
    if (option)
        return err_set(r->err, ERR_USAGE, "there is no option --%s; did you mean --%s?",
                       buf_text(&bare), option->name);
    return err_set(r->err, ERR_USAGE, "there is no option --%s; see outpost help%s%s", buf_text(&bare),
                   *r->command->name ? " " : "", r->command->name);
}

/* "-vq", "-sSubject": letters until one takes the rest of the word. */
static bool take_letters(struct reader *r, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = find(r->command, SPAN_NONE, *letters);
        if (!option)
            return err_set(r->err, ERR_USAGE, "there is no option -%c; see outpost help%s%s", *letters,
                           *r->command->name ? " " : "", r->command->name);
        if (option->kind != OPTION_FLAG)
            return take(r, option, letters[1] ? letters + 1 : NULL);
        if (!take(r, option, NULL))
            return false;
    }
    return true;
}

static bool check_operands(const struct arguments *arguments, struct err *err)
{
    const struct command *command = arguments->command;

    if (arguments_has(arguments, "help") || arguments_has(arguments, "version"))
        return true;
    if (arguments->operand_count < command->operands_least)
        return err_set(err, ERR_USAGE, "something is missing: outpost %s %s", command->name,
                       command->takes);
    if (arguments->operand_count > command->operands_most)
        return err_set(err, ERR_USAGE, "\"%.60s\" is one word too many: outpost %s%s%s",
                       arguments->operands[command->operands_most], command->name,
                       *command->takes ? " " : "", command->takes);
    return true;
}

static const struct option *everyday(struct span name, char letter)
{
    static const struct command none = { .name = "" };

    return find(&none, name, letter);
}

/* How many words this one and its value are; 0: it is no everyday option. */
static size_t words_of_option(const char *word)
{
    const struct option *option = NULL;
    struct span name = span_of(word);
    size_t equals = span_find(name, '=');

    if (word[0] != '-' || word[1] == '\0')
        return 0;
    if (word[1] == '-') {
        option = everyday(span_cut(name, 2, equals), 0);
        return !option ? 0 : option->kind != OPTION_FLAG && equals == name.len ? 2 : 1;
    }
    for (size_t i = 1; i < name.len; i++)
        if (!everyday(SPAN_NONE, word[i])) /* those with a letter take no value */
            return 0;
    return 1;
}

size_t options_in_front(int argc, char **argv)
{
    size_t at = 0, words;

    while (at < (size_t)argc && (words = words_of_option(argv[at])))
        at += words;
    return at < (size_t)argc ? at : (size_t)argc;
}

bool arguments_read(const struct command *command, int argc, char **argv, struct arguments *ret,
                    struct err *err)
{
    struct arguments arguments = { .command = command };
    struct reader r = { command, argc, 0, argv, &arguments, err };
    bool only_operands = false, good = true;
    size_t dashes = 0;
    size_t letters = 0;

    for (int i = 0; i < argc; i++)
        letters += strlen(argv[i]); /* a cluster gives as many options as it has letters */
    arguments.operands = mem_array((size_t)argc, sizeof *arguments.operands);
    arguments.given = mem_array(letters + (size_t)argc, sizeof *arguments.given);
    if (!arguments.operands || !arguments.given) {
        arguments_done(&arguments);
        return err_no_memory(err);
    }
    while (good && r.at < argc) {
        const char *word = argv[r.at++];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            arguments.operands[arguments.operand_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
            dashes = arguments.operand_count;
        } else {
            good = word[1] == '-' ? take_long(&r, word + 2) : take_letters(&r, word + 1);
        }
    }
    arguments.after_dashes = only_operands ? dashes : arguments.operand_count;
    if (!good || !check_operands(&arguments, err)) {
        arguments_done(&arguments);
        return false;
    }
    *ret = arguments;
    return true;
}

void arguments_done(struct arguments *arguments)
{
    mem_free(arguments->operands);
    mem_free(arguments->given);
    *arguments = (struct arguments){ 0 };
}

const char *arguments_next(const struct arguments *arguments, const char *name, size_t *at)
{
    while (*at < arguments->given_count) {
        const struct given *given = &arguments->given[(*at)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value ? given->value : "";
    }
    return NULL;
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
    size_t at = 0;
    return arguments_next(arguments, name, &at) != NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
    const char *last = NULL, *next;

    for (size_t at = 0; (next = arguments_next(arguments, name, &at));)
        last = next;
    return last;
}

/* A command may have an option of the same name for itself: `queue list --state held`. */
const char *arguments_everyday(const struct arguments *arguments, const char *name)
{
    const char *last = NULL;

    for (size_t i = 0; i < arguments->given_count; i++) {
        const struct given *given = &arguments->given[i];
        if (given->option >= everyday_options && given->option < everyday_options + COUNT(everyday_options) &&
            strcmp(given->option->name, name) == 0)
            last = given->value ? given->value : "";
    }
    return last;
}

uint64_t arguments_number(const struct arguments *arguments, const char *name, uint64_t otherwise)
{
    const char *text = arguments_text(arguments, name);
    uint64_t number;

    return text && str_to_u64(span_of(text), 0, UINT32_MAX, &number) ? number : otherwise;
}
