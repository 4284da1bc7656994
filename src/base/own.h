/* Who owns a thing is said on the line where you get it.
 *
 *     OWN(account) account = NULL;             a pointer; account_free() at the end of the scope
 *     HELD(buf) line = BUF(512);               a value; buf_done() at the end of the scope
 *     *ret_account = GIVE(account);            handed over: NULL is left behind
 *
 * A type takes part with OWNED(account) or HOLDABLE(buf) once, after its free or done in its
 * header. T_free frees the thing, T_done only what it holds; both take what is NULL or half made.
 */
#ifndef OUTPOST_BASE_OWN_H
#define OUTPOST_BASE_OWN_H

/* Unused but for its end is used: clang needs to be told. */
#define OWN(type)  __attribute__((cleanup(type##_free_at), unused)) struct type *
#define HELD(type) __attribute__((cleanup(type##_done), unused)) struct type

#define OWNED(type)                                          \
    static inline void type##_free_at(struct type **at)      \
    {                                                        \
        type##_free(*at);                                    \
    }                                                        \
    struct type /* takes the semicolon */

#define GIVE(pointer)                                        \
    __extension__({                                          \
        __typeof__(pointer) given_ = (pointer);              \
        (pointer) = NULL;                                    \
        given_;                                              \
    })

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
