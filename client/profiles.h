/*
 * profiles.h - the referral profiles (client/profiles/NAME.json) that the build
 * puts inside the program.  Static; sorted by name; JSON is followed by a zero
 * byte that LEN does not count.
 */
#ifndef SEALPOST_CLIENT_PROFILES_H
#define SEALPOST_CLIENT_PROFILES_H

#include <stddef.h>

struct profile_file {
    const char *name; /* the file's name without ".json" */
    const unsigned char *json;
    size_t len;
};

extern const struct profile_file profile_files[];
extern const size_t profile_files_count;

#endif
