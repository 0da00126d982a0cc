# Sealpost.  On a fresh Debian 12, `make demo` and `make test` are each enough.
#
#   make            build/sealpostd, build/sealpostd-http and build/sealpost
#   make test       everything, ends with "N passed, N failed";  T=name filters
#   make unit       the unit tests only;    make scenario: the real programs
#   make check      -Werror with gcc and clang, layers, headers, format, sanitizers
#   make demo       a small network on this machine;  KEEP=DIR keeps it
#   make bench      numbers;   make fuzz T=name N=seconds
#                   ENTRIES=10000000: of a longer log, minutes;  AGAINST=REV:
#                   stores per second beside those of revision REV
#   make fault-kill N=rounds     kill -9 at random moments, judged from outside
#   make install    PREFIX=/usr/local DESTDIR=
#   make deps       install what is missing (the targets above do it themselves)

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

B = build
PREFIX = /usr/local
N = 10
T =

HARDEN = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE \
    -fstack-clash-protection \
    $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
OPT = -O2 -g $(HARDEN)
WARN = -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wformat-security \
    -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS = -std=gnu11 $(OPT) $(WARN) $(WERROR) -pthread -I. $(LIB_CFLAGS)
LDFLAGS = $(OPT) -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed

comma = ,
objs = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))       # $(call objs,proto)
base = $(call objs,common) $(call objs,proto)
server = $(filter-out %/main.o %/http_main.o,$(call objs,server))
client = $(filter-out %/main.o,$(call objs,client)) \
    $(if $(profiles),$(B)/client/profiles/embedded.o)
profiles = $(sort $(wildcard client/profiles/*.json))
programs = $(addprefix $(B)/,sealpostd sealpostd-http sealpost)
unit = $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*$(T)*.c))
scenario = $(wildcard tests/scenario/*$(T)*.bats tests/*/test_*$(T)*.py)
fuzz = $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*$(T)*.c))
peers = $(patsubst %.c,$(B)/%,$(wildcard tests/peer/*.c tests/fault/*.c))
benches = $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
headers = $(wildcard common/*.h proto/*.h server/*.h client/*.h tests/lib/*.h)
sources = $(headers) $(wildcard common/*.c proto/*.c server/*.c client/*.c \
    tests/*/*.c)

.PHONY: all deps deps-demo deps-test deps-check deps-fuzz test unit scenario check demo \
    bench fuzz format install uninstall clean
.PHONY: programs unit-programs programs-beside werror-gcc werror-clang layers \
    fault-kill doors alone format-check sanitize fuzz-run
.SECONDARY:
.DELETE_ON_ERROR:

all: programs
programs: $(programs) ; @:
unit-programs: $(unit) ; @:
programs-beside: $(peers) $(benches) $(liar) ; @:

# --- what a build needs -----------------------------------------------------

ifneq ($(filter-out clean uninstall format layers,$(or $(MAKECMDGOALS),all)),)
include build/deps.mk
endif
build/deps.mk: tests/lib/deps.sh
	@mkdir -p $(@D)
	@sh $< build && sh $< --flags >$@.new && mv $@.new $@
deps:
	@mkdir -p build
	@sh tests/lib/deps.sh build && sh tests/lib/deps.sh --flags >build/deps.new
	@cmp -s build/deps.new build/deps.mk && rm build/deps.new || \
	    mv build/deps.new build/deps.mk
deps-demo deps-test deps-check deps-fuzz: deps-%:
	@sh tests/lib/deps.sh $*

# --- building ---------------------------------------------------------------

$(B)/%.o: %.c Makefile build/deps.mk
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

define archive
	@rm -f $@
	@ar rcs $@ $^
endef
$(B)/libbase.a: $(base) ; $(archive)
$(B)/libserver.a: $(server) ; $(archive)
$(B)/libclient.a: $(client) ; $(archive)
$(B)/libtests.a: $(call objs,tests/lib) ; $(archive)

define link
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) $(1) -o $@ $(filter %.o,$^) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIB_LIBS) $(2)
endef
$(B)/sealpostd: $(B)/server/main.o $(B)/libserver.a $(B)/libbase.a
	$(call link)
# The process without keys: HTTP, and nothing of the store.
$(B)/sealpostd-http: $(B)/server/http_main.o $(B)/libserver.a $(B)/libbase.a
	$(call link)
$(B)/sealpost: $(B)/client/main.o $(B)/libclient.a $(B)/libbase.a
	$(call link)

# A unit test gets the layers that it, or a fixture of tests/lib, includes.
wrap = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
# The disk stops at any step: each of these may fail.
$(patsubst %,$(B)/tests/unit/test_%,publish witness_dir): \
    wrap += $(addprefix -Wl$(comma)--wrap=,mkdir \
    chmod fchmod mkostemps write fsync rename unlink remove)
comma = ,
fixtures_of = $(shell grep -lE '"$(1)/' /dev/null tests/lib/*.[ch] | \
    sed 's/c$$/h/' | sort -u | tr '\n' '|')
tests_of = $(patsubst %.c,$(B)/%,$(shell grep -lE \
    '"($(call fixtures_of,$(1))$(1)/)' /dev/null \
    $(wildcard tests/[!l]*/*.c)))
$(filter-out $(B)/tests/fuzz/%,$(call tests_of,server)): $(B)/libserver.a
$(call tests_of,client): $(B)/libclient.a
$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(B)/libtests.a $(B)/libbase.a
	$(call link,$(wrap),-lcmocka)
# Fuzzers take little: building all of it with sanitizers is slow.
fuzz_kit = audit_world bundle_fixture memtree net patch scratch witness_world
$(B)/libfuzz.a: $(patsubst %,$(B)/tests/lib/%.o,$(fuzz_kit)) ; $(archive)
$(B)/tests/fuzz/fuzz_http_path: $(B)/server/http_path.o
$(B)/tests/fuzz/fuzz_audit_fetch: fuzz_wrap = $(patsubst \
    %,-Wl$(comma)--wrap=upstream_%,call ask answer forget)
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/libfuzz.a $(B)/libbase.a
	$(call link,-fsanitize=fuzzer $(fuzz_wrap),-lcmocka)

# Programs that scenarios and benchmarks run beside ours: one file each.
$(peers) $(benches): %: %.o $(B)/libtests.a $(B)/libbase.a
	$(call link,,-lcmocka)

# The relay that lies: the real one, with what it says and writes wrapped.
lying = session_send session_push opening_make relay_sweep welcome_take \
    store_head store_heads store_leaves welcome_send handle_dir_get
liar = $(B)/tests/hostile/liar
$(liar): $(B)/server/main.o $(B)/tests/hostile/liar.o $(B)/libserver.a \
    $(B)/libbase.a
	$(call link,$(patsubst %,-Wl$(comma)--wrap=%,$(lying)))

# Reads the public logs as strangers do: Go, with Debian's packages alone.
$(B)/tests/tlog/check: $(wildcard tests/tlog/*.go) | deps-test
	@mkdir -p $(@D)
	@echo "  GO   $@"
	@GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= CGO_ENABLED=0 \
	    GOCACHE=$(abspath $(B))/gocache go build -o $@ ./tests/tlog

# The referral profiles travel inside the client.
$(B)/client/profiles/embedded.c: $(profiles) tests/lib/embed.sh
	@mkdir -p $(@D)
	@sh tests/lib/embed.sh $(profiles) >$@
$(B)/client/profiles/embedded.o: $(B)/client/profiles/embedded.c
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(base) $(server) $(client) \
    $(B)/server/main.o $(B)/server/http_main.o $(B)/client/main.o \
    $(call objs,tests/lib) \
    $(call objs,tests/unit) $(call objs,tests/fuzz)) \
    $(addsuffix .d,$(peers) $(benches))

# --- testing ----------------------------------------------------------------

run_tests = @SEALPOST_BUILD=$(abspath $(B)) sh tests/lib/run-tests $(B)/test-logs

test: deps-test programs unit-programs $(peers) $(liar) $(B)/tests/tlog/check
	$(run_tests) $(unit) $(scenario)
unit: deps-test unit-programs
	$(run_tests) $(unit)
scenario: deps-test programs $(peers) $(liar) $(B)/tests/tlog/check
	$(run_tests) $(scenario)

check: deps-test deps-check layers doors format-check werror-gcc werror-clang \
    alone sanitize

werror-gcc werror-clang: werror-%: deps-test deps-check
	@$(MAKE) --no-print-directory B=$(B)/$* CC=$* WERROR=-Werror \
	    programs unit-programs programs-beside
sanitize: deps-test
	@$(MAKE) --no-print-directory B=$(B)/sanitize CC=gcc unit \
	    OPT='-O1 -g -fno-omit-frame-pointer -fPIE \
	    -fsanitize=address,undefined -fno-sanitize-recover=all'

# common <- proto <- server, client; and proto stays pure.
layers:
	@! grep -snE '#include "(proto|server|client|tests)/' common/*.[ch]
	@! grep -snE '#include ("(server|client|tests)/|<(uv|sqlite3|time|fcntl|unistd)\.h>)' \
	    proto/*.[ch]
	@! grep -snE '#include "(client|tests)/' server/*.[ch] /dev/null
	@! grep -snE '#include "(server|tests)/' client/*.[ch] /dev/null

# One door per library: `door HEADER FILES` that alone may include it.
doors:
	@sh tests/lib/doors.sh

alone: deps-check
	@for h in $(headers); do \
	    $(CC) $(CFLAGS) -Werror -fsyntax-only -include $$h -x c /dev/null || \
	    { echo "$$h does not compile alone"; exit 1; }; done

format-check: deps-check
	@clang-format --dry-run -Werror $(sources)
format:
	@clang-format -i $(sources)

fuzz: deps-fuzz
	@$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang fuzz-run T=$(T) N=$(N) \
	    OPT='-O1 -g -fPIE -fsanitize=fuzzer-no-link,address,undefined \
	    -fno-sanitize-recover=all'
fuzz-run: $(fuzz)
	@sh tests/lib/run-fuzz $(N) $(B) $^

fault-kill: deps-test programs
	@SEALPOST_BUILD=$(abspath $(B)) \
	    KILLS=$(if $(filter command line,$(origin N)),$(N),20) \
	    /usr/bin/python3 tests/fault/test_kill.py

# --- showing, measuring, installing -------------------------------------------

demo: deps-demo programs
	@SEALPOST_BUILD=$(abspath $(B)) sh tests/demo.sh
bench: deps-test $(benches)
	@$(B)/tests/bench/bench $(PACKETS)
	@$(B)/tests/bench/bench_log $(ENTRIES)
	@$(B)/tests/bench/bench_audit $(AUDITED)
	$(if $(AGAINST),@sh tests/bench/against.sh $(B) $(AGAINST))

install: programs
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(programs) $(DESTDIR)$(PREFIX)/bin
uninstall:
	rm -f $(patsubst $(B)/%,$(DESTDIR)$(PREFIX)/bin/%,$(programs))
clean:
	rm -rf build
