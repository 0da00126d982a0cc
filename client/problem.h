/*
 * problem.h - what is told to a person when something does not work: what
 * happened, why, and what to do next, under a stable code that scripts may
 * match.  The exit code belongs to the code, never to the place that raised
 * it (client/DESIGN.md).  Texts hold no secret and no case content.
 */
#ifndef SEALPOST_CLIENT_PROBLEM_H
#define SEALPOST_CLIENT_PROBLEM_H

#include "common/err.h"

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_PARTLY = 3,
    EXIT_CODE_NO_IDENTITY = 10,
    EXIT_CODE_LOCKED = 11,
    EXIT_CODE_UNREACHABLE = 12,
    EXIT_CODE_POLICY = 13,
    EXIT_CODE_VERIFY = 14,
    EXIT_CODE_AUDIT = 20,
};

/* X(id, "E-...", exit code, what to do when the caller knows no better) */
#define PROBLEM_TABLE(X)                                                       \
    X(P_USAGE, "E-USAGE", EXIT_CODE_USAGE,                                     \
      "see `sealpost help` or `sealpost help COMMAND`")                        \
    X(P_NO_IDENTITY, "E-NO-IDENTITY", EXIT_CODE_NO_IDENTITY,                   \
      "ask your registrar for an invite, then `sealpost join INVITE`")         \
    X(P_NOT_ADMITTED, "E-NOT-ADMITTED", EXIT_CODE_NO_IDENTITY,                 \
      "phone your registrar and compare the digits; drafting works meanwhile") \
    X(P_PASSPHRASE, "E-PASSPHRASE", EXIT_CODE_LOCKED,                          \
      "try again, or `sealpost key recover` with the paper key")               \
    X(P_VAULT_BUSY, "E-VAULT-BUSY", EXIT_CODE_LOCKED,                          \
      "wait for the other command to end, or add --wait")                      \
    X(P_VAULT_DAMAGED, "E-VAULT-DAMAGED", EXIT_CODE_VERIFY,                    \
      "keep the files as they are and restore your newest backup")             \
    X(P_VAULT_NEWER, "E-VAULT-NEWER", EXIT_CODE_FAILED,                        \
      "install the newer version of sealpost that made it")                    \
    X(P_VAULT_EXISTS, "E-VAULT-EXISTS", EXIT_CODE_USAGE,                       \
      "use another --home or --as NAME for a second identity")                 \
    X(P_DISK, "E-DISK", EXIT_CODE_FAILED,                                      \
      "free some room and run the same command again; nothing was lost")       \
    X(P_UNREACHABLE, "E-UNREACHABLE", EXIT_CODE_UNREACHABLE,                   \
      "check the network, then `sealpost sync`")                               \
    X(P_RELAY_KEY, "E-RELAY-KEY", EXIT_CODE_VERIFY,                            \
      "do not send; compare the relay's key with your registrar by phone")     \
    X(P_DEVICE, "E-DEVICE", EXIT_CODE_POLICY,                                  \
      "check this machine's clock, then ask whoever runs your agency's "       \
      "devices")                                                               \
    X(P_RELAY_ERROR, "E-RELAY", EXIT_CODE_FAILED, "run `sealpost sync` again") \
    X(P_SPLIT_VIEW, "E-SPLIT-VIEW", EXIT_CODE_VERIFY,                          \
      "stop sending and hand the saved proof file to your registrar")          \
    X(P_ROLLED_BACK, "E-ROLLED-BACK", EXIT_CODE_VERIFY,                        \
      "tell the relay's operator; nothing is lost: your outbox sends it "      \
      "again")                                                                 \
    X(P_HIDDEN, "E-HIDDEN", EXIT_CODE_VERIFY,                                  \
      "do not send: somebody may have been revoked; tell your registrar")      \
    X(P_ORIGIN, "E-ORIGIN", EXIT_CODE_VERIFY,                                  \
      "wait for the registrar's signed policy; do not send")                   \
    X(P_VERIFY, "E-VERIFY", EXIT_CODE_VERIFY,                                  \
      "keep the file and report it to your registrar")                         \
    X(P_STALE, "E-STALE", EXIT_CODE_POLICY,                                    \
      "run `sealpost sync`, or send with --override-stale")                    \
    X(P_TRUST, "E-TRUST", EXIT_CODE_USAGE,                                     \
      "mend the policy, or ask your registrar for the newest one")             \
    X(P_RECIPIENT_UNKNOWN, "E-RECIPIENT", EXIT_CODE_USAGE,                     \
      "`sealpost contacts` lists who can be written to")                       \
    X(P_RECIPIENT_SUSPENDED, "E-SUSPENDED", EXIT_CODE_POLICY,                  \
      "phone the agency or your registrar before you send anything")           \
    X(P_CLASS, "E-CLASS", EXIT_CODE_POLICY,                                    \
      "ask a first responder organisation to file it")                         \
    X(P_POLICY, "E-POLICY", EXIT_CODE_POLICY, "ask your registrar")            \
    X(P_NEWER_NEEDED, "E-NEWER-NEEDED", EXIT_CODE_POLICY,                      \
      "install the newest sealpost, then try again")                           \
    X(P_QUOTA, "E-QUOTA", EXIT_CODE_POLICY,                                    \
      "wait until packets are collected, or withdraw some")                    \
    X(P_FINAL, "E-FINAL", EXIT_CODE_POLICY, "`sealpost status ID` shows it")   \
    X(P_INVITE, "E-INVITE", EXIT_CODE_USAGE,                                   \
      "copy the whole invite again, or ask your registrar for a new one")      \
    X(P_INVITE_EXPIRED, "E-INVITE-EXPIRED", EXIT_CODE_POLICY,                  \
      "ask your registrar for a new invite")                                   \
    X(P_JSON, "E-JSON", EXIT_CODE_USAGE,                                       \
      "mend the file at that place and run the same command again")            \
    X(P_FIELDS, "E-FIELDS", EXIT_CODE_USAGE,                                   \
      "mend the fields named above and run the same command again")            \
    X(P_ATTACHMENT, "E-ATTACHMENT", EXIT_CODE_USAGE,                           \
      "check the file and run the same command again")                         \
    X(P_FILE, "E-FILE", EXIT_CODE_FAILED, "check the path and its rights")     \
    X(P_FILE_EXISTS, "E-FILE-EXISTS", EXIT_CODE_FAILED,                        \
      "name a file or directory that is not there yet")                        \
    X(P_NOT_FOUND, "E-NOT-FOUND", EXIT_CODE_USAGE,                             \
      "`sealpost inbox`, `sealpost outbox` and `sealpost drafts` list the "    \
      "ids")                                                                   \
    X(P_AMBIGUOUS, "E-AMBIGUOUS", EXIT_CODE_USAGE, "give more of the id")      \
    X(P_NEEDS_YES, "E-NEEDS-YES", EXIT_CODE_USAGE,                             \
      "run it again with --yes, or in a terminal")                             \
    X(P_PAPER_KEY, "E-PAPER-KEY", EXIT_CODE_USAGE,                             \
      "type it again, all 14 groups in one line")                              \
    X(P_STATE, "E-STATE", EXIT_CODE_FAILED, "`sealpost status` shows why")     \
    X(P_AUDIT, "E-AUDIT", EXIT_CODE_AUDIT,                                     \
      "keep this output and ask the relay's operator about each finding")      \
    X(P_PARTLY, "E-PARTLY", EXIT_CODE_PARTLY, "`sealpost status` shows more")  \
    X(P_QUORUM, "E-QUORUM", EXIT_CODE_VERIFY,                                  \
      "`sealpost receipt refresh` fetches cosignatures; if they stay away, "   \
      "ask the relay's operator")                                              \
    X(P_WITNESS, "E-WITNESS", EXIT_CODE_FAILED,                                \
      "mend that and run the same command again")                              \
    X(P_WITNESS_EXISTS, "E-WITNESS-EXISTS", EXIT_CODE_USAGE,                   \
      "name another directory: a witness's key is made once")                  \
    X(P_WITNESS_BUSY, "E-WITNESS-BUSY", EXIT_CODE_FAILED,                      \
      "stop `sealpost witness run`, run this, and start it again")             \
    X(P_WITNESS_DAMAGED, "E-WITNESS-DAMAGED", EXIT_CODE_VERIFY,                \
      "keep the directory as it is, and make a new witness with a new key")    \
    X(P_MEMORY, "E-MEMORY", EXIT_CODE_FAILED,                                  \
      "close other programs, try again")                                       \
    X(P_INTERNAL, "E-INTERNAL", EXIT_CODE_FAILED,                              \
      "report this with the command that you ran; nothing was lost")

enum problem_id {
    P_NONE,
#define PROBLEM_ENUM(id, code, exit_code, next) id,
    PROBLEM_TABLE(PROBLEM_ENUM)
#undef PROBLEM_ENUM
        P_COUNT
};

/* A problem on its way up.  Zero-initialised means none.  Texts are one line
 * each; NEXT empty means the table's. */
struct problem {
    enum problem_id id;
    char what[320];
    char why[480];
    char next[320];
};

/* First word wins: a problem that is set already is left alone, so that the
 * place that knows most (the deepest) is heard.  Gives ERR so that it can
 * stand in a return statement. */
enum err problem_set(struct problem *pb, enum problem_id id, enum err e,
                     const char *what, const char *why_fmt, ...)
    __attribute__((format(printf, 5, 6)));
void problem_next(struct problem *pb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The problem for an error that nobody explained (fills WHY from err_text). */
enum err problem_from_err(struct problem *pb, const char *what, enum err e);

const char *problem_code(enum problem_id id);
int problem_exit(enum problem_id id);
const char *problem_next_text(const struct problem *pb);

#endif
