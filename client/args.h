/*
 * args.h - a command's own arguments by a table: `--name VALUE`, `--name=VALUE`
 * or a flag; the rest are positional.  An unknown option gets a "did you mean".
 */
#ifndef SEALPOST_CLIENT_ARGS_H
#define SEALPOST_CLIENT_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/problem.h"

enum arg_kind {
    ARG_TEXT, /* TO is a const char **; the last one wins */
    ARG_FLAG, /* TO is a bool * */
    ARG_LIST, /* TO is a struct arg_list * */
};

enum { ARG_LIST_MAX = 128 };

struct arg_list {
    const char *item[ARG_LIST_MAX];
    size_t n;
};

struct arg {
    const char *name; /* with its dashes */
    enum arg_kind kind;
    void *to;
};

/* ARGV[0] is the command's name.  At most MAX positional ones go to REST (which
 * may be NULL when MAX is 0), their number to *N.  Texts are borrowed from
 * ARGV.  P_USAGE. */
enum err args_parse(int argc, char **argv, const struct arg *table,
                    size_t table_len, const char **rest, size_t max, size_t *n,
                    struct problem *pb);
/* A whole number from MIN to MAX.  NAME stands in the message. */
enum err args_number(const char *text, const char *name, unsigned long min,
                     unsigned long max, unsigned long *out, struct problem *pb);

/* Nothing but white space. */
bool args_is_blank(const char *text);
/* P_USAGE, "the command is not complete", and why. */
enum err args_missing(struct problem *pb, const char *why_fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define ARGS(t) (t), (sizeof(t) / sizeof((t)[0]))

#endif
