#include "cli/sendmail_flags.h"

#include "base/own.h"
#include "base/str.h"

#include "base/banned.h"

/* Where a flag's value stands. */
enum takes {
    TAKES_NOTHING,
    TAKES_VALUE,    /* the rest of the word, else the next word */
    TAKES_ATTACHED, /* the rest of the word, which may be empty */
};

struct reader {
    int argc, at;
    char **argv;
    const char *word; /* that is being read */
    struct sendmail_flags *flags;
    struct err *err;
};

struct flag {
    char letter;
    enum takes takes;
    bool (*set)(struct reader *r, const char *value); /* value NULL: it takes none */
};

static bool usage(struct reader *r, char letter, const char *value, const char *why)
{
    HELD(buf) shown = BUF(200);

    str_printable(&shown, span_of(value), 60);
    return err_set(r->err, ERR_USAGE, "-%c%s%s: %s", letter, value ? " " : "", buf_text(&shown), why);
}

/* -- values -- */

/* What ends up in an envelope or a header, or in front of one: one line, no more. */
static bool is_text(const char *value)
{
    size_t len = strlen(value);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 127)
            return false;
    return len <= SENDMAIL_TEXT_MAX;
}

static bool take_text(struct reader *r, char letter, const char *value, const char **ret)
{
    if (!is_text(value))
        return usage(r, letter, value, "one line of text is wanted");
    *ret = value;
    return true;
}

static bool set_sender(struct reader *r, const char *value)
{
    return take_text(r, 'f', strcmp(value, "<>") == 0 ? "" : value, &r->flags->sender);
}

static bool set_full_name(struct reader *r, const char *value)
{
    return take_text(r, 'F', value, &r->flags->full_name);
}

static bool set_account(struct reader *r, const char *value)
{
    return take_text(r, 'a', value, &r->flags->account);
}

static bool set_envid(struct reader *r, const char *value)
{
    if (strlen(value) > ENVELOPE_ENVID_MAX || !*value)
        return usage(r, 'V', value, "an id of 1 to 100 letters is wanted");
    return take_text(r, 'V', value, &r->flags->envid);
}

static bool set_notify(struct reader *r, const char *value)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        { "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS }, { "failure", NOTIFY_FAILURE },
        { "delay", NOTIFY_DELAY },
    };
    struct span rest = span_of(value), part;
    unsigned notify = 0;

    while (span_split(&rest, ',', &part)) {
        size_t i = 0;
        while (i < COUNT(words) && !span_is_word(span_trim(part), words[i].word))
            i++;
        if (i == COUNT(words))
            return usage(r, 'N', value, "never, or some of success, failure, delay");
        notify |= words[i].bit;
    }
    if (!notify || (notify & NOTIFY_NEVER && notify != NOTIFY_NEVER))
        return usage(r, 'N', value, "never, or some of success, failure, delay");
    r->flags->notify = notify;
    return true;
}

static bool set_ret(struct reader *r, const char *value)
{
    if (span_is_word(span_of(value), "full"))
        r->flags->ret = RET_FULL;
    else if (span_is_word(span_of(value), "hdrs"))
        r->flags->ret = RET_HEADERS;
    else
        return usage(r, 'R', value, "full or hdrs");
    return true;
}

static bool set_body(struct reader *r, const char *value)
{
    if (span_is_word(span_of(value), "8bitmime"))
        r->flags->body = BODY_8BIT;
    else if (!span_is_word(span_of(value), "7bit"))
        return usage(r, 'B', value, "7bit or 8bitmime");
    return true;
}

/* -- what is passed over, and what is refused -- */

/* The word it stands in: that is what a person looks for in a script. */
static bool pass_over(struct reader *r, const char *value)
{
    struct sendmail_flags *flags = r->flags;

    (void)value;
    if (flags->passed_over_count < SENDMAIL_PASSED_OVER_MAX)
        flags->passed_over[flags->passed_over_count++] = r->word;
    return true;
}

static bool take_silently(struct reader *r, const char *value)
{
    (void)r, (void)value;
    return true;
}

static bool refuse_config(struct reader *r, const char *value)
{
    return usage(r, 'C', value, "another configuration can't be chosen here");
}

static bool refuse_log(struct reader *r, const char *value)
{
    return usage(r, 'D', value, "no file is written for a flag");
}

/* -- flags of one letter -- */

static bool set_header_recipients(struct reader *r, const char *value)
{
    (void)value;
    r->flags->header_recipients = true;
    return true;
}

static bool set_dots(struct reader *r, const char *value)
{
    (void)value;
    r->flags->keeps_dots = true;
    return true;
}

static bool set_verbose(struct reader *r, const char *value)
{
    (void)value;
    r->flags->verbose = true;
    return true;
}

static bool set_aliases(struct reader *r, const char *value)
{
    (void)value;
    r->flags->mode = SENDMAIL_ALIASES;
    return true;
}

static bool set_run(struct reader *r, const char *value)
{
    (void)value;
    r->flags->mode = SENDMAIL_RUN;
    return true;
}

/* -e?, -oe?: mailed and "mailed, exit 0 always", or printed, quiet, written to a terminal. */
static bool set_errors(struct reader *r, const char *value)
{
    if (strlen(value) != 1 || !strchr("emepqw", *value))
        return usage(r, 'e', value, "one of m, e, p, q, w");
    r->flags->errors = *value == 'm' || *value == 'e' ? SENDMAIL_ERRORS_MAILED : SENDMAIL_ERRORS_PRINTED;
    return true;
}

static bool set_mode(struct reader *r, const char *value)
{
    static const struct {
        const char *letter;
        enum sendmail_mode mode;
    } modes[] = {
        { "m", SENDMAIL_SEND }, { "s", SENDMAIL_SMTP },    { "p", SENDMAIL_LIST },
        { "i", SENDMAIL_ALIASES }, { "v", SENDMAIL_VERIFY },
    };

    for (size_t i = 0; i < COUNT(modes); i++) {
        if (strcmp(value, modes[i].letter) != 0)
            continue;
        r->flags->mode = modes[i].mode;
        return true;
    }
    if (strcmp(value, "d") == 0 || strcmp(value, "D") == 0)
        return usage(r, 'b', value, "the daemon is started by: outpost serve");
    return usage(r, 'b', value, "one of m, s, p, i, v");
}

/* -oX VALUE, the old names of options; -O Name=VALUE, the new ones. Some mean what a flag means. */
static const struct old_option {
    const char *old, *name; /* NULL: has none */
    bool (*set)(struct reader *r, const char *value);
} old_options[] = {
    { "i", "IgnoreDots", set_dots },       { "e", "ErrorMode", set_errors },
    { "d", "DeliveryMode", take_silently }, { "m", "MeToo", take_silently },
    { "v", "Verbose", set_verbose },       { "f", NULL, take_silently },
    { "db", NULL, take_silently },         { "s", NULL, take_silently },
};

static bool refuse_queue(struct reader *r, char letter, const char *value)
{
    return usage(r, letter, value, "another queue can't be chosen here");
}

static bool set_old(struct reader *r, const char *value)
{
    if (*value == 'Q')
        return refuse_queue(r, 'o', value);
    for (size_t i = 0; i < COUNT(old_options); i++)
        if (old_options[i].old[0] == *value && !old_options[i].old[1])
            return old_options[i].set(r, value + 1);
    return pass_over(r, value);
}

static bool is_no(struct span value)
{
    return span_is_word(value, "false") || span_is_word(value, "no") || span_is_word(value, "0");
}

static bool set_option(struct reader *r, const char *value)
{
    struct span text = span_of(value);
    size_t equals = span_find(text, '=');
    struct span name = span_cut(text, 0, equals);

    if (span_is_word(name, "QueueDirectory"))
        return refuse_queue(r, 'O', value);
    for (size_t i = 0; i < COUNT(old_options); i++) {
        if (!old_options[i].name || !span_is_word(name, old_options[i].name))
            continue;
        const char *its = equals < text.len ? value + equals + 1 : "";
        return is_no(span_of(its)) || old_options[i].set(r, its);
    }
    return pass_over(r, value);
}

static const struct flag flags[] = {
    { 't', TAKES_NOTHING, set_header_recipients },
    { 'i', TAKES_NOTHING, set_dots },
    { 'v', TAKES_NOTHING, set_verbose },
    { 'f', TAKES_VALUE, set_sender },
    { 'r', TAKES_VALUE, set_sender },
    { 'F', TAKES_VALUE, set_full_name },
    { 'a', TAKES_VALUE, set_account },
    { 'B', TAKES_VALUE, set_body },
    { 'N', TAKES_VALUE, set_notify },
    { 'R', TAKES_VALUE, set_ret },
    { 'V', TAKES_VALUE, set_envid },
    { 'b', TAKES_VALUE, set_mode },
    { 'o', TAKES_VALUE, set_old },
    { 'O', TAKES_VALUE, set_option },
    { 'e', TAKES_VALUE, set_errors },
    { 'q', TAKES_ATTACHED, set_run },
    { 'I', TAKES_NOTHING, set_aliases },
    { 'A', TAKES_ATTACHED, take_silently }, /* of submission or of transport: there is one configuration */
    { 'G', TAKES_NOTHING, take_silently },
    { 'U', TAKES_NOTHING, take_silently },
    { 'n', TAKES_NOTHING, pass_over }, /* without aliases */
    { 'm', TAKES_NOTHING, take_silently },
    { 'h', TAKES_VALUE, pass_over },   /* hops so far: Received fields are counted */
    { 'L', TAKES_VALUE, pass_over },   /* the name in the log */
    { 'X', TAKES_VALUE, pass_over },   /* a transcript, into a file */
    { 'C', TAKES_VALUE, refuse_config },
    { 'D', TAKES_VALUE, refuse_log },
};

/* -- words -- */

static const struct flag *find_flag(char letter)
{
    for (size_t i = 0; i < COUNT(flags); i++)
        if (flags[i].letter == letter)
            return &flags[i];
    return NULL;
}

/* What people try who know outpost's own. */
static bool refuse_long(struct reader *r, const char *word)
{
    HELD(buf) shown = BUF(200);

    str_printable(&shown, span_of(word), 60);
    return err_set(r->err, ERR_USAGE, "%s: there is no such flag; outpost's own stand in front: outpost --user sendmail ...",
                   buf_text(&shown));
}

/* "-ti", "-oem", "-fme@example.org": letters, until one takes the rest. */
static bool read_word(struct reader *r, const char *letters)
{
    for (; *letters; letters++) {
        const struct flag *flag = find_flag(*letters);
        if (!flag)
            return usage(r, *letters, NULL, "there is no such flag");
        if (flag->takes == TAKES_NOTHING) {
            if (!flag->set(r, NULL))
                return false;
            continue;
        }
        const char *value = letters + 1;
        if (flag->takes == TAKES_VALUE && !*value) {
            if (r->at == r->argc)
                return usage(r, *letters, NULL, "a value is missing");
            value = r->argv[r->at++];
        }
        return flag->set(r, value);
    }
    return true;
}

static bool is_called(const char *path, const char *name)
{
    struct span whole = span_of(path);
    size_t slash = span_find_last(whole, '/');

    return span_is(slash < whole.len ? span_from(whole, slash + 1) : whole, name);
}

bool sendmail_flags_read(int argc, char **argv, const char **recipients, struct sendmail_flags *ret_flags,
                         struct err *err)
{
    struct sendmail_flags read = { .recipients = recipients };
    struct reader r = { .argc = argc, .at = 1, .argv = argv, .flags = &read, .err = err };
    bool only_recipients = false;

    if (argc > 0 && is_called(argv[0], "mailq"))
        read.mode = SENDMAIL_LIST;
    else if (argc > 0 && is_called(argv[0], "newaliases"))
        read.mode = SENDMAIL_ALIASES;
    while (r.at < argc) {
        const char *word = r.word = argv[r.at++];
        if (only_recipients || word[0] != '-' || !word[1])
            recipients[read.recipient_count++] = word;
        else if (strcmp(word, "--") == 0)
            only_recipients = true;
        else if (word[1] == '-')
            return refuse_long(&r, word);
        else if (!read_word(&r, word + 1))
            return false;
    }
    *ret_flags = read;
    return true;
}
