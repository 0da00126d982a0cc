/*
 * bundle_tell.h - what an evidence bundle proves and what it does not, in plain
 * words and as JSON.
 */
#ifndef SEALPOST_CLIENT_BUNDLE_TELL_H
#define SEALPOST_CLIENT_BUNDLE_TELL_H

#include "client/app.h"
#include "proto/bundle_judge.h"

/* What the judgement rests on: goes into the first sentence. */
enum bundle_basis {
    BASIS_ITSELF,  /* nothing: the network that it names */
    BASIS_NETWORK, /* a network id that was given */
    BASIS_VAULT,   /* the network of this vault */
    BASIS_KEY,     /* the log's key that was given */
    BASIS_POLICY,  /* a policy file */
};

/* What the reader brought. */
struct bundle_reader {
    enum bundle_basis basis;
    const struct trust *trust; /* or NULL */
    bool is_own; /* TRUST is in use in the vault here, nobody named it: it is
                    told what it says, and no quorum is demanded */
    const struct directory *dir; /* of the vault here, or NULL: knows what the
                                    file leaves out */
};

/* Prints it, and puts it into APP's result. */
void bundle_tell(struct app *app, const struct bundle_proven *p,
                 const struct bundle_reader *r);

/* The sentences alone, JSON arrays of texts; each is whole and ends in a full
 * stop. */
json_t *bundle_proves(const struct bundle_proven *p,
                      const struct bundle_reader *r);
json_t *bundle_warnings(const struct bundle_proven *p,
                        const struct bundle_reader *r);
json_t *bundle_proves_not(const struct bundle_proven *p,
                          const struct bundle_reader *r);

#endif
