/* What the files of this room share, and nobody else sees. */
#ifndef OUTPOST_KNOW_KNOWLEDGE_INT_H
#define OUTPOST_KNOW_KNOWLEDGE_INT_H

#include "base/ini.h"
#include "base/pool.h"
#include "know/cause.h"
#include "know/classify.h"
#include "know/evidence.h"
#include "know/knowledge.h"
#include "know/profile.h"

/* A reply rule. An empty list or 0 asks for nothing. */
struct rule {
    const char *name;
    size_t owner; /* of knowledge.owners */
    const struct ini_section *section; /* for its examples */
    const struct cause *cause;
    const struct cause *also[VERDICT_ALSO_MAX];
    size_t also_count;
    unsigned stages;      /* a bit for each */
    struct words texts;   /* patterns; one must be found */
    struct words frames;  /* or one of these: what is told behind it decides, where that is known */
    struct words nears;   /* groups of words; or one of these */
    struct words facts;   /* one must be the fact */
    struct words codes, enhanced, mechanisms, ports, securities, hosts; /* one of each must be it */
    struct words found;   /* all must be among the findings */
    bool has_scope, has_retry;
    enum scope scope;
    enum retry retry;
    uint64_t wait_ms;
    bool own;   /* only where the provider is known, for others say the same words */
    bool weak;  /* gives way to any other rule that knows the words */
    bool strict; /* fact and words, code and stage: all that it asks for must be known */
    bool guess; /* the last resort */
    bool unsure; /* as good as others, and said to be a guess */
    const char *says; /* the reply as the provider gives it, for whoever plays it; or NULL */
};

/* Whose rules: a provider or a family. */
struct owner {
    const char *id, *family; /* family may be another provider's id, or NULL */
    struct words markers;    /* words in a text that show it is theirs */
    bool generic;            /* its rules hold everywhere */
};

struct domain { /* of the index, sorted by name */
    const char *name;
    const struct profile *profile;
};

struct knowledge {
    struct pool pool; /* of everything but the inis */
    struct ini **inis;
    size_t ini_count;
    struct cause *causes; /* as in the file */
    size_t cause_count;
    struct profile *profiles; /* by id */
    size_t profile_count;
    struct owner *owners;
    size_t owner_count;
    struct rule *rules; /* in the order of the files */
    size_t rule_count;
    struct domain *domains;
    size_t domain_count;
};

enum { OWNERS_DEEP = 4 }; /* provider, family, the family's family */

/* Whatever the texts tell; families that they name need not be among them. */
MUST_USE bool knowledge_make(const struct knowledge_text *texts, size_t count,
                             struct knowledge **ret_know, struct err *err);

/* The owner with this id; owner_count where there is none. */
size_t owner_find(const struct knowledge *know, const char *id);

MUST_USE bool profile_read(struct knowledge *know, const struct ini *ini,
                           struct profile *ret_profile, struct err *err);
MUST_USE bool cause_read(const struct ini_section *section, struct cause *ret_cause,
                         struct err *err);
MUST_USE bool rule_read(struct knowledge *know, const struct ini_section *section, size_t owner,
                        struct rule *ret_rule, struct err *err);

/* hotmail.fr is of "hotmail.*", eu-1.example.com of "{region}.example.com". */
bool domain_fits(struct span domain, struct span pattern);
bool host_fits(struct span host, struct span server);

/* A key of a section and where its value goes: the tables of profile_read and rule_read. */
enum key_type {
    KEY_IGNORED,  /* told to people only */
    KEY_TEXT,     /* const char * */
    KEY_WORDS,    /* struct words, by blanks; the key may be repeated */
    KEY_LINES,    /* struct words, a line each; the key may be repeated */
    KEY_NUMBER,   /* uint64_t */
    KEY_DURATION, /* uint64_t, milliseconds: 30s 5m 2h 5d */
    KEY_YES,      /* bool: yes or no */
    KEY_CHOICE,   /* an enum, by the words of `choices` in its order */
    KEY_BITS,     /* unsigned, a bit for each word of `choices` */
};

struct key {
    const char *name;
    enum key_type type;
    size_t at; /* offsetof */
    const char *choices;
};

/* Fills *into by the table. An unknown key or a bad value is an error that names its line. */
MUST_USE bool keys_read(struct knowledge *know, const struct ini_section *section,
                        const struct key *keys, size_t count, void *into, struct err *err);

/* One list of words or lines, all its entries together; empty where the key isn't there. */
MUST_USE bool key_words(struct knowledge *know, const struct ini_section *section,
                        const struct key *key, struct words *ret_words, struct err *err);

/* Is the pattern somewhere in the text? '*' stands for any bytes ("**" for a star), ASCII case is put aside, and
 * where the pattern begins or ends with a digit, so does a number of the text: 5.7.1 is not
 * in 5.7.139. */
bool pattern_in(struct span text, const char *pattern);
/* ... and where it ends there. */
bool pattern_end(struct span text, const char *pattern, size_t *ret_end);

/* A text cut into words: at blanks and signs, at a capital within ("MailboxFull"), between letters and digits; the
 * digits of "192.0.2.7" are one. Borrowed from the text. */
enum { NEAR_MOST = 256 };
struct near_text {
    struct span words[NEAR_MOST];
    size_t count;
};
void near_cut(struct near_text *near, struct span text);

/* Are the groups of the line together somewhere, in any order and with few words between? "size|large exceed|=max"
 * are two groups, each with its stems: what begins a word; with = the whole word. ASCII case is put aside. The more
 * groups and the nearer, the higher is what it returns; -1 where they aren't together. */
int near_in(const struct near_text *near, const char *line);

/* A refusal quoted within the words of another ("... Error: 535 5.7.139 Authentication unsuccessful"):
 * the evidence as it would be for what is quoted. False where `words` quote none. */
MUST_USE bool quoted_refusal(const struct evidence *evidence, struct span words,
                             struct evidence *ret_quoted);

/* 535 and its like are said of a sign-in and of nothing else (RFC 4954, 4 and 6): is that the place, where the evidence
 * doesn't tell it? */
bool refusal_of_a_sign_in(const struct evidence *evidence);

/* A refusal in clear text where a TLS handshake was due: a server that is too busy, or will not have us,
 * says so before it speaks TLS, and that is no sign of the wrong port. The evidence as it would be for
 * that greeting. False where it is no such thing. */
MUST_USE bool refusal_in_clear(const struct evidence *evidence, struct evidence *ret_refusal);

/* How exactly the evidence was known: for choosing among several pieces of a text. */
enum sureness { SURE_NOTHING, SURE_GUESS, SURE_NEAR, SURE_HINT, SURE_CODES, SURE_WEAK, SURE_WORDS };
enum sureness classify_surely(const struct knowledge *know, const struct evidence *evidence,
                              struct verdict *ret_verdict);

#endif
