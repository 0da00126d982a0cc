/*
 * help_evidence.h - what `sealpost help COMMAND` says about the commands that
 * check what the relay says.
 */
#ifndef SEALPOST_CLIENT_HELP_EVIDENCE_H
#define SEALPOST_CLIENT_HELP_EVIDENCE_H

extern const char help_evidence[], help_verify[], help_audit[], help_balance[],
    help_witness[], help_trust[];

#endif
