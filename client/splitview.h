/*
 * splitview.h - two heads under one key that cannot both be true: saved as a
 * file that proves it to anybody, and told.
 */
#ifndef SEALPOST_CLIENT_SPLITVIEW_H
#define SEALPOST_CLIENT_SPLITVIEW_H

#include "client/problem.h"
#include "proto/note.h"

struct app;

/* Writes HOME/split-view-ORIGIN-SIZE-SIZE.txt with both checkpoints and sets
 * P_SPLIT_VIEW; gives ERR_VERIFY.  Both heads verified under KEY. */
enum err splitview_raise(struct app *app, const struct vkey *key,
                         const struct head *a, const struct head *b,
                         struct problem *pb);
/* The same for two eras of one log: A under KEY_A, B under KEY_B. */
enum err splitview_raise_between(struct app *app, const struct vkey *key_a,
                                 const struct head *a, const struct vkey *key_b,
                                 const struct head *b, struct problem *pb);

#endif
