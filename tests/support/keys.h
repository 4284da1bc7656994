/* Keys made for the tests, good for nothing else: RSA of 2048 bits and P-256, with certificates until 2126. */
#ifndef OUTPOST_TESTS_KEYS_H
#define OUTPOST_TESTS_KEYS_H

static const char __attribute__((unused)) rsa_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCd/LuAsttfenS4\n"
    "19XzPQyUog/W6i8pXxD2jsB4GZuNFwftJZk+dTnOo0rCpnKqQkC39RJDOPU31O1F\n"
    "w2a4h6W9bUVD9HP+2MwnNOcG8wbP0Y2jRuWDxpVM1PqhFritltdLQD8by8RAPWYP\n"
    "5o72V4UPQ2oWMICmaEJWTtTb2b8u67suOC5aPOex0heHjtFivzQpmYlsE33OUAYU\n"
    "oL9Z9CEv494atRUYfEx7F4mHbJ0Qw+PIv1o6IORKR8xCGQ6MVsc1aul9ihb152lD\n"
    "AAF6W1yfhCEhCzTErfCyVzOtHYswaoV7lmNM2WVJYRwXC7fR+2jEZnEu46E4a0Ug\n"
    "gbcXoqXnAgMBAAECggEAF+O9nqptDbUArWrFyXAz1M3kw0TKOOFNOVtAs2h74wvW\n"
    "gP+seotTYHHEvkZZFHHMQ4TlbBDS08x4zJHNmJ26bDh3vtzaJXE2/b68KIrbPtWb\n"
    "K1NvJUwEC4gxFebPqkAi8hgW8ucPF/+wzTq553o4fqRdCFnxOjiNv2tQOKZmiHuT\n"
    "vlno8Y6zCCnqGVK26boRvN1AVB/hL2UVpvx+gQN3d861AvGkMg/R9lAhUnjSz0RF\n"
    "6iv9pburYkDQIVOPTAV5ejlZnl1rkglquKbIm41ocjfxJdMIF8kU6JqOq8VkHozG\n"
    "/W+BeQwnZv5i60w08fftQAV/FQGJuN2EMF6WuMrKkQKBgQDfFTDlcgIinDztpFS7\n"
    "5JKsOouiQg/XaFz/0J92yoNh2ccwt99cjjK4DN8Vzctwp8fQzkNT1ytPnOyvLhYg\n"
    "F40lp6yBgKJnPiSjSEKJdtCjru06flGtfWsUdq/s6nw1YHqsBXMOax7RigOX609o\n"
    "lyztOPJglJiqhRgcLWdwFE5cbQKBgQC1TJlcI+lvF2sMxKv/yDx1J8HFB5mZgDAr\n"
    "NEuKCFZVi5SshEwBFeLED+3158M9QCQv83XhqO5sEgu/C1b5a4UIbSxnr26wTNcp\n"
    "VFcJSX7xXhv0YnLnj4/SvBs7OwIODRXIj8BELf74T0H7Kdi4Da42UKOr5Qk6HOVl\n"
    "c8ewRUQvIwKBgQDJvJ4lQD6SEfw/Y7aE3CWPvrn7mAY/ZE+Fv6IViPnbCVhKxF0n\n"
    "lChlrK4pR5vMWs4mFAFq1lCChIS9vs2fY+zuun0T98Hl35q+VmBlc58mBtDdbtJq\n"
    "M9sb/GEHvN1qX79PxPXReim6kDbDsbZz/RJRzIfTs02EFyxAfwbloldi2QKBgHAB\n"
    "Kp2p8gUXyqLQvhH/eppGPYej8ljKwPdwD1rvW6bt3KPX97yT8Mx/qttIm22zuqeF\n"
    "GUaYPvO1ElysfMcKjd1u1QgZcaCpWCPIXxz1st8a7NpGGAbGwmvGmmw1QEe9/b8y\n"
    "T+3PHL36+SBZ8fGDQiV8HCGOFe04/N94b92ObVlRAoGAHuhFmARYKdfCqZZ3n59j\n"
    "qOQads519qqH3PeTa+SKidk/ttPI8vTR/26UJnhH16rFJxl96rKQ6V/2TlT4OcOC\n"
    "CujA/Twi9ZGbYCwjM8zaP2HKCccNjwd45/Et0QqFexVRG+PmdL1jlWyeyoHtKihN\n"
    "U7agv6THPfogOGvMPW30XZQ=\n"
    "-----END PRIVATE KEY-----\n";

static const char __attribute__((unused)) ec_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJG4Pgz/U8D5yjjWp\n"
    "ptbkIIsH2mM0RTy/gSeTL6/rowShRANCAARPckayagZo4H+pBW8nN54OUj6IRb7N\n"
    "uh636L0TPNcvn7X+DCzG4ELIhDCw+sr9ZFUwKtOXOSV18f5x/MlTvwe4\n"
    "-----END PRIVATE KEY-----\n";

static const char __attribute__((unused)) ec_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcTCCARegAwIBAgIUQyanwplTGROaZ6VVEbD6r1ZI3IAwCgYIKoZIzj0EAwIw\n"
    "DTELMAkGA1UEAwwCZWMwIBcNMjYxMTI1MTgwMjU3WhgPMjEyNjExMDExODAyNTda\n"
    "MA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAET3JGsmoG\n"
    "aOB/qQVvJzeeDlI+iEW+zboet+i9EzzXL5+1/gwsxuBCyIQwsPrK/WRVMCrTlzkl\n"
    "dfH+cfzJU78HuKNTMFEwHQYDVR0OBBYEFE2ObKN+s/RlgqHh6UEubucFUFUZMB8G\n"
    "A1UdIwQYMBaAFE2ObKN+s/RlgqHh6UEubucFUFUZMA8GA1UdEwEB/wQFMAMBAf8w\n"
    "CgYIKoZIzj0EAwIDSAAwRQIhAOi/Dr+rHPIv3hBLHQ2dfq0/O0eNR7bERqgorphG\n"
    "XCD8AiARugN2WcoRrRA6+grsnFiF92l3XcnEjxTexwkIBjQOJg==\n"
    "-----END CERTIFICATE-----\n";

static const char __attribute__((unused)) rsa_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIC/zCCAeegAwIBAgIUSJUxjmOhsizXAGgIyaUmBV5NCe4wDQYJKoZIhvcNAQEL\n"
    "BQAwDjEMMAoGA1UEAwwDcnNhMCAXDTI2MTEyNTE4MDI1N1oYDzIxMjYxMTAxMTgw\n"
    "MjU3WjAOMQwwCgYDVQQDDANyc2EwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK\n"
    "AoIBAQCd/LuAsttfenS419XzPQyUog/W6i8pXxD2jsB4GZuNFwftJZk+dTnOo0rC\n"
    "pnKqQkC39RJDOPU31O1Fw2a4h6W9bUVD9HP+2MwnNOcG8wbP0Y2jRuWDxpVM1Pqh\n"
    "FritltdLQD8by8RAPWYP5o72V4UPQ2oWMICmaEJWTtTb2b8u67suOC5aPOex0heH\n"
    "jtFivzQpmYlsE33OUAYUoL9Z9CEv494atRUYfEx7F4mHbJ0Qw+PIv1o6IORKR8xC\n"
    "GQ6MVsc1aul9ihb152lDAAF6W1yfhCEhCzTErfCyVzOtHYswaoV7lmNM2WVJYRwX\n"
    "C7fR+2jEZnEu46E4a0UggbcXoqXnAgMBAAGjUzBRMB0GA1UdDgQWBBQIDiZexEgt\n"
    "dqH5wYoPfQgcGMJjRzAfBgNVHSMEGDAWgBQIDiZexEgtdqH5wYoPfQgcGMJjRzAP\n"
    "BgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQCd7cidPQXAbeunMGE5\n"
    "PrSiU3CvbbmtFI3vimkBKlYuSN+jMAY5GhNxOihBLMG29uIPuSAZReAhovBfjJIO\n"
    "erHwlNY71niR1siwiIxwS9qltU36BPtPWCO0yhmLdX3/S5OEH6iYAfDO0Oh6foEC\n"
    "6snQaDT7mc4YijDTUqPoY2VLZVmFrW4NmiArFB/YsFL+GSnoCOK+qChu+myc3wdC\n"
    "aaLhe3njSQt12EZhQkArkcHshYTbpob9L19yLVz4X0ZsQJ9/x6M4AwEiJPz0jIpk\n"
    "157UUG/o77gF5d84R0pNfAGxD8f99ClPyB7eEjvu3dEvjO45lY6k7BoS9pDX5rYA\n"
    "Vu6/\n"
    "-----END CERTIFICATE-----\n";

#endif
