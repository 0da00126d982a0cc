/*
 * policy_file.h - the trust policy that an operator names in the
 * configuration ([witness] policy), read at start by `run` and by `http`.
 */
#ifndef SEALPOST_SERVER_POLICY_FILE_H
#define SEALPOST_SERVER_POLICY_FILE_H

#include <stddef.h>

#include "common/err.h"
#include "proto/trust.h"

/* Gives *OUT, to be freed with trust_free().  WHY gets a sentence on failure,
 * with the line at fault.  ERR_NOTFOUND, ERR_MALFORMED, ERR_TOOBIG,
 * ERR_UNSUPPORTED, ERR_REFUSED, ERR_IO, ERR_NOMEM. */
enum err policy_file_read(const char *path, struct trust **out, char *why,
                          size_t why_len);

#endif
