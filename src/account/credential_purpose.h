/* What a credential is for: a token is made for one thing. */
#ifndef OUTPOST_ACCOUNT_CREDENTIAL_PURPOSE_H
#define OUTPOST_ACCOUNT_CREDENTIAL_PURPOSE_H

enum credential_purpose {
    CREDENTIAL_SMTP,
    CREDENTIAL_HTTPS, /* the provider's HTTPS API */
    CREDENTIAL_IMAP,  /* these two for other programs, that fetch mail */
    CREDENTIAL_POP,
};

enum { CREDENTIAL_PURPOSES = 4 };

#endif
