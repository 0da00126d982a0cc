#!/usr/bin/python3
"""One officer writes a referral offline, before joining anything: questions
one at a time, killed in the middle, taken up again, checked, shredded."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = os.environ.get("SEALPOST_BUILD", "build")
HOME = tempfile.mkdtemp(prefix="sealpost-drafts.")
SECRET = "The lamp above the third door was always green."
ENV = dict(os.environ, SEALPOST_HOME=os.path.join(HOME, "vault"),
           SEALPOST_PASSPHRASE_FILE=os.path.join(HOME, "pass"),
           SEALPOST_VAULT_COST="floor", SEALPOST_LANG="en")

# Answers up to the account's first line: value, back, wrong, reason, open.
ANSWERS = ["Harbour Light", "2", "Anna Pritchard", "Caseworker",
           "01632 960123", "+44 1632 960123", "anna@harbourlight.example",
           "1", "GB-WLS", "<", "<", "1", "3", "1", "2",
           "Amal", "/", "~1991", "1", "sudan, gb", "?", "3"]


def sealpost(*args, answers="", code=0):
    done = subprocess.run([os.path.join(BUILD, "sealpost"), *args], env=ENV,
                          input=answers, capture_output=True, text=True,
                          timeout=60)
    if code is not None and done.returncode != code:
        raise AssertionError(f"{args}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


def result(*args, code=0, answers=""):
    return json.loads(sealpost(*args, "--json", code=code,
                               answers=answers).stdout)


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")


def referral(draft):
    return result("draft", "show", draft)["referral"]


def must_not_lie_in_the_clear(*words):
    for root, _, files in os.walk(ENV["SEALPOST_HOME"]):
        for name in files:
            with open(os.path.join(root, name), "rb") as f:
                data = f.read()
            for word in words:
                if word.encode() in data:
                    raise AssertionError(f"{word} lies in {name}")


def drafting_works_before_there_is_any_identity():
    done = sealpost("new", answers="\n".join(ANSWERS) + "\n")
    assert "is no international phone number" in done.stderr
    same(len(result("drafts")["drafts"]), 1)


def each_answer_is_where_it_belongs():
    d = referral(result("drafts")["drafts"][0]["id"])
    same(d["type"], "referral")
    same(d["referrer"], {
        "org": "Harbour Light", "class": "non_statutory",
        "person": "Anna Pritchard", "role": "Caseworker",
        "phone": "+441632960123", "email": "anna@harbourlight.example"})
    same(d["referral"], {"mode": "identification", "place": "GB-WLS",
                         "urgency": "emergency"})
    same(d["age"], {"class_now": "adult", "child_at_time": "no"})
    same(d["id"], {"given": "Amal", "family": {"reason": "declined"},
                   "dob": {"date": "1991", "approx": True},
                   "gender": "female", "nationality": ["SD", "GB"]})


def a_program_that_is_killed_has_lost_no_answer():
    draft = result("drafts")["drafts"][0]["id"]
    p = subprocess.Popen([os.path.join(BUILD, "sealpost"), "new", "--draft",
                          draft], env=ENV, stdin=subprocess.PIPE, text=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    p.stdin.write("y\n1\n2024-05\n2025-01\n")
    p.stdin.flush()
    # It asks the fifth question only after the fourth answer is saved.
    for line in p.stderr:
        if "> Places" in line:
            break
    p.kill()
    p.wait()
    p.stdin.close()
    p.stderr.close()
    d = referral(draft)
    same(d["contact"], {"decision_to": "referrer"})
    same(d["episode"][0]["type"], "forced_labour")
    same(d["episode"][0]["from"], "2024-05")
    same(d["episode"][0]["to"], "2025-01")


def an_unfinished_draft_goes_on_where_it_stopped():
    draft = result("drafts")["drafts"][0]["id"]
    done = sealpost("new", "--draft", draft[:8],
                    answers="y\n3\nGB\nn\nA first line.\n" + SECRET + "\n\n")
    assert "Given name" not in done.stderr
    episode = referral(draft)["episode"][0]
    same(episode["places"], [{"phase": "exploitation", "country": "GB"}])
    same(episode["start"], "A first line.\n" + SECRET)


def scripts_write_fields_without_questions():
    r = result("new", "--type", "support_request",
               "--field", "referral.urgency=routine",
               "--field", "episode[1].type=sexual",
               "--field", "id.nationality=AL,XX")
    d = referral(r["draft"])
    same(d["referral"], {"mode": "support_only", "urgency": "routine"})
    same(d["referrer"]["org"], "Harbour Light")  # as written before
    same(d["id"]["nationality"], ["AL", "XX"])
    assert 0 < r["answered"] < r["questions"]
    bad = result("new", "--field", "id.givn=x", code=2)
    same(bad["error"]["next"], 'did you mean "id.given"?')
    bad = result("new", "--draft", r["draft"], "--field", "id.dob=soon",
                 code=2)
    same(bad["error"]["why"], 'id.dob: "soon" is not a date; write YYYY, '
                              'YYYY-MM or YYYY-MM-DD')
    same(len(result("drafts")["drafts"]), 2)


def checking_says_what_is_missing():
    draft = result("drafts")["drafts"][0]["id"]
    r = result("check", draft[:6], code=2)
    same(r["error"]["code"], "E-FIELDS")
    assert any(f["path"] == "consent.referral" and f["severity"] == "error"
               for f in r["findings"])
    sample = result("check", "tests/samples/child.json")
    same((sample["errors"], sample["warnings"]), (0, 0))
    fields = result("check", "--fields")["fields"]
    assert len(fields) > 150
    same([f["codes"] for f in fields if f["name"] == "referral.urgency"],
         [["routine", "urgent_24h", "emergency"]])


def a_draft_is_shredded_only_when_that_is_confirmed():
    draft = result("drafts")["drafts"][0]["id"]
    must_not_lie_in_the_clear(SECRET, "Amal", "Pritchard")
    sealpost("draft", "delete", draft, code=2)
    same(len(result("drafts")["drafts"]), 2)
    same(result("draft", "delete", draft, "--yes")["deleted"], True)
    same(len(result("drafts")["drafts"]), 1)
    sealpost("draft", "show", draft, code=2)
    must_not_lie_in_the_clear(SECRET, "Amal", "Pritchard")


TESTS = [drafting_works_before_there_is_any_identity,
         each_answer_is_where_it_belongs,
         a_program_that_is_killed_has_lost_no_answer,
         an_unfinished_draft_goes_on_where_it_stopped,
         scripts_write_fields_without_questions,
         checking_says_what_is_missing,
         a_draft_is_shredded_only_when_that_is_confirmed]


def main():
    failed = 0
    with open(ENV["SEALPOST_PASSPHRASE_FILE"], "w") as f:
        f.write("correct horse battery staple\n")
    os.chmod(ENV["SEALPOST_PASSPHRASE_FILE"], 0o600)
    print(f"1..{len(TESTS)}")
    for n, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {n} - {test.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {n} - {test.__name__}")
            print("# " + traceback.format_exc().replace("\n", "\n# "),
                  flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
