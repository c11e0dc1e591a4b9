# Weir.  `make run` builds and serves; `make test` proves; README.md has the tour.
#
#   run            install what is missing (Debian), build, serve; LISTEN=127.0.0.1:8090 DATA=weir-data say where
#   install        the program into DESTDIR/PREFIX/bin (PREFIX=/usr/local)
#   check          build + unit tests, under two minutes
#   test           everything that a change must pass; README.md says how long that takes
#   test-long      the full counts: TSan, clang, clang-tidy, more power cuts, simulator steps and fuzzing,
#                  ten minutes each of overload and soak
#   test-real DATA=DIR   the sample data through the HTTP API, compared with an independent computation; the questions of
#                  docs/questions.md and README.md as they stand there, with SQLite
#   asan tsan      unit tests and API scenarios under the sanitizers
#   archive delivery   the archive on MongoDB, and the product over it, with servers that are killed, stopped and lie
#   registry       what nodes agree on, in files and in ZooKeeper, with servers that are killed, paused and wiped
#   deploy         docker-compose.yml and what it starts, without containers
#   servers        a ZooKeeper and two databases on loopback, to try several nodes by hand; until Ctrl-C
#   loops          failing allocations, cut tails and turned bits, in the process (LOOP_STRIDE=1: all)
#   tidy fuzz      static checks; libFuzzer over all targets for FUZZ_SECONDS in total
#   bench bench-short [ROW=...]   Weir beside the databases of Debian, an hour or six minutes; bench/README.md
#   bench-query bench-query-short [ROW=...]   questions to them all; a quarter of an hour or four minutes
#   fault-peers    the same power cuts, full disks and flipped bits for Weir and three databases; six minutes
#   bench-delivery bench-delivery-short [ROW=...]   what a shard costs, and what is noticed when it is gone; fifteen minutes or five
#   bench-files bench-files-short   a file that grows at 1 GB a minute; two minutes or one
#   bench-cluster bench-cluster-short [ROW=...]   several nodes, shards and a registry; twenty minutes or three
#   bench-pull bench-pull-short [ROW=...]   collectors beside a simulated API; half an hour or seven minutes
#   bench-parts [PART=...]   decoders, mapper, records, blocks, questions, each alone
#   bench-core dist format clean
#
# A part of the tree builds alone: make unit ROOMS="base model codec" MODE=asan BUILD=/tmp/b
ifeq ($(origin CC),default)
CC       = gcc
endif
BUILD   ?= build
# Rooms in layer order.
ROOMS   ?= base model codec codec/tree store store/wal store/head store/packs store/delivery store/guests catalog discovery http net \
           ingest ingest/source ingest/rows ingest/pace ingest/pull ingest/follow query handlers server
MODE    ?= plain
JOBS    ?= $(shell nproc)
RESULT  ?= unit-$(MODE)
# Counts of a build of its own stay beside it.
COUNTS   = WEIR_RESULTS=$${WEIR_RESULTS:-$(BUILD)/results}
# V=1 shows whole commands.
SAY      = $(if $(V),,@echo "$(1) $@";)
VERSION  = 0.1.0
PREFIX  ?= /usr/local

WARN     = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wwrite-strings -Werror
HARDEN   = -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
MODE_plain = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
MODE_asan  = -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan  = -O1 -g1 -fsanitize=thread -fno-omit-frame-pointer
MODE_failpoints = -O1 -g1 -DWEIR_FAILPOINTS
# clang only: coverage for libFuzzer, whose main is added where a target is linked.
MODE_fuzz  = -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
             -fno-omit-frame-pointer
# Sums of squares are stored and checked to the last bit: no machine may round a product less often.
CFLAGS  += -std=gnu17 -g -ffp-contract=off $(WARN) $(HARDEN) -fvisibility=hidden -D_GNU_SOURCE -I. -MMD -MP \
           $(MODE_$(MODE))
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack $(MODE_$(MODE))
# libmongoc brings ten libraries more: only programs that use it, or libzookeeper, load them.
LDLIBS   = -lmicrohttpd -ljansson -llmdb -lzstd -lz -lsodium -lpcre2-8 -lyaml -lexpat -lcurl \
           -Wl,--push-state,--as-needed -lmongoc-1.0 -lbson-1.0 -lzookeeper_mt -Wl,--pop-state -lpthread -lm
# For net/mongo.c alone; theirs are not held to our warnings.
MONGOC   = -isystem /usr/include/libmongoc-1.0 -isystem /usr/include/libbson-1.0

OUT      = $(BUILD)/$(MODE)
SOURCES  = $(filter-out server/main.c,$(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
OBJECTS  = $(SOURCES:%.c=$(OUT)/%.o)
LIBRARY  = $(OUT)/libweir.a
UNITS    = $(foreach room,$(ROOMS),$(wildcard tests/unit/$(room)/test_*.c))
UNIT_BIN = $(UNITS:%.c=$(OUT)/%)
LOOPS    = $(wildcard tests/loops/loop_*.c tests/loops/damage_*.c)
SIM      = $(wildcard tests/sim/*.c)
# What stands for a MongoDB server where there is none.
DATABASE = $(if $(shell command -v mongod),,$(BUILD)/ferretdb)
FUZZERS  = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# How much of each: `make test` takes the first, `make test-long` the second.
FUZZ_SECONDS ?= 60
SIM_STEPS    ?= 30000
LONG_STEPS   ?= 1000000
QUESTIONS    ?= 600
LONG_QUESTIONS ?= 100000
CUTS         ?= 40
LONG_CUTS    ?= 500
KILLS        ?= 10
LONG_KILLS   ?= 100
# Faults at nth system calls (0 = every n), and how often a small disk is filled.
FAULTS       ?= 60
FILLS        ?= 3
LONG_FILLS   ?= 50
LONG_FUZZ    ?= 300
# Hot backups under load, each restored.
RESTORES     ?= 3
LONG_RESTORES ?= 20
LOOP_STRIDE  ?= 5
# A program of unit tests, where not as tests/run_unit has it: six share two cores, and under TSan some take 50 s of one.
UNIT_SECONDS ?= $(if $(filter tsan,$(MODE)),600)
# What databases go through: seven kinds and none, so often each, and so many seconds at the most.
OUTAGES      ?= --outages 3 --longest 3
LONG_OUTAGES ?= --outages 8 --longest 60
# The short run goes the same way each time; 0 = another way each time.
FUZZ_SEED    ?= 1

all: $(BUILD)/weir

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,compile)$(CC) $(CFLAGS) -c $< -o $@

$(OUT)/net/mongo.o: CFLAGS += $(MONGOC)

# Assembled into it, which -MMD does not see.
$(OUT)/handlers/openapi_text.o: openapi/openapi.json
$(OUT)/handlers/errors_text.o: docs/reference/errors.md
$(OUT)/server/source_examples.o: $(wildcard examples/sources/*.yaml)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call SAY,archive)$(AR) qcs $@ $^

$(OUT)/weir: $(OUT)/server/main.o $(LIBRARY)
	$(call SAY,link)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# The name that people use; only the plain build takes it.
$(BUILD)/weir: $(BUILD)/plain/weir
	ln -sf plain/weir $@

program: $(OUT)/weir

# --- tests that link the rooms ---

# Some hundred mains in one program, each reached by its own name: linking as many programs took
# longer than all of their tests.  A test that stands in for functions of the library is a program
# of its own.  To optimise them takes four times as long as to run them, most of all under a
# sanitizer; the library they test is optimised.
QUICK    = -O0 -U_FORTIFY_SOURCE -g1
GOLD     = $(if $(shell command -v ld.gold),-fuse-ld=gold)
ALONE   := $(shell grep -lE '^\#include "tests/unit/query/(fixture|twin).c"|^/\* Stands in for' $(UNITS))
ALONE_BIN = $(ALONE:%.c=$(OUT)/%)
SHARED   = $(filter-out $(ALONE),$(UNITS))
MAIN_OF  = $(subst /,_,$(1))_main

$(ALONE_BIN): $(OUT)/%: %.c $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $(QUICK) $(GOLD) $< $(LIBRARY) -lcmocka $(LDLIBS) -o $@

$(OUT)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(call SAY,compile)$(CC) $(CFLAGS) $(QUICK) -c $< -o $@
	@tests/only_main $@ $(call MAIN_OF,$*)

$(OUT)/tests/unit/mains.h: FORCE
	@mkdir -p $(@D)
	@printf 'MAIN(%s, "/%s")\n' $(foreach unit,$(SHARED:tests/unit/%.c=%),$(call MAIN_OF,$(unit)) $(unit)) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else find $(@D) -type l -delete; mv $@.new $@; fi

$(OUT)/tests/unit/all.o: tests/unit/all.c $(OUT)/tests/unit/mains.h
	$(call SAY,compile)$(CC) $(CFLAGS) -I$(@D) -c $< -o $@

$(OUT)/tests/unit/all: $(OUT)/tests/unit/all.o $(SHARED:%.c=$(OUT)/%.o) $(LIBRARY)
	$(call SAY,link)$(CC) $(LDFLAGS) $(QUICK) $(GOLD) $^ -lcmocka $(LDLIBS) -o $@

$(SHARED:%.c=$(OUT)/%): $(OUT)/tests/unit/all
	@ln -sfr $< $@

# Like unit tests, with an allocator in front that fails when told to.
$(OUT)/tests/loops/%: tests/loops/%.c $(OUT)/tests/loops/faults.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $< $(OUT)/tests/loops/faults.o $(LIBRARY) -lcmocka $(LDLIBS) -o $@

# Every so manieth allocation fails, an eighth as many bits are turned; 1 = all of both.
loops: $(LOOPS:%.c=$(OUT)/%)
	@$(COUNTS) UNIT_SECONDS=1500 LOOP_STRIDE=$(LOOP_STRIDE) tests/run_unit loops-$(MODE) $^

# Unit tests of the chosen rooms.
units: $(UNIT_BIN)

unit: $(UNIT_BIN)
	@$(COUNTS) UNIT_SECONDS=$(UNIT_SECONDS) tests/run_unit $(RESULT) $^

$(OUT)/tests/archive/drive: tests/archive/drive.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $< $(LIBRARY) $(LDLIBS) -o $@

# The archive on MongoDB, against a server and against a peer that fails as it is told.
archive: $(OUT)/tests/archive/drive $(DATABASE)
	@$(COUNTS) tests/archive/run archive-$(MODE) $< $(BUILD)

$(OUT)/tests/registry/drive: tests/registry/drive.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $< $(LIBRARY) $(LDLIBS) -o $@

# The registry in files and in ZooKeeper, with servers that are killed, paused and wiped; REGISTRY=--long: the full counts.
registry: $(OUT)/tests/registry/drive $(OUT)/weir $(DATABASE)
	@$(COUNTS) tests/registry/nodes registry-nodes-$(MODE) $(OUT)/weir $(BUILD) $(REGISTRY) & nodes=$$!; \
	 $(COUNTS) tests/registry/run registry-$(MODE) $< $(BUILD) $(REGISTRY); own=$$?; \
	 wait $$nodes && exit $$own

$(OUT)/simulator: $(SIM:%.c=$(OUT)/%.o) $(LIBRARY)
	$(call SAY,link)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(OUT)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) $< tests/fuzz/replay.c $(LIBRARY) $(LDLIBS) -o $@

$(OUT)/fuzz/%: tests/fuzz/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -fsanitize=fuzzer $< $(LIBRARY) $(LDLIBS) -o $@

fuzzers: $(FUZZERS:%=$(OUT)/fuzz/%)

fuzzing: $(FUZZERS:%=$(OUT)/fuzz/%)
	@$(COUNTS) FUZZ_SEED=$(FUZZ_SEED) tests/fuzz/run $(FUZZ_SECONDS) $^

# Every corpus again, as plain tests.
replay: $(FUZZERS:%=$(OUT)/replay/%)
	@$(COUNTS) tests/fuzz/run replay $^

# The product over such servers, and what they do to it: nothing.
delivery: $(BUILD)/weir $(DATABASE)
	@$(COUNTS) tests/delivery/run delivery $(BUILD)/weir $(BUILD) $(OUTAGES) --jobs 6 # they wait, mostly

# What README's cluster wants.
servers: $(DATABASE)
	@tests/install build test
	@tests/servers $(BUILD)

# docker-compose.yml, Containerfile and deploy/, tried without containers.
deploy: $(BUILD)/weir $(DATABASE)
	@$(COUNTS) tests/deploy/run deploy $(BUILD)/weir $(BUILD)

$(BUILD)/ferretdb: tests/ferretdb/build tests/ferretdb/main.go tests/ferretdb/go.mod tests/ferretdb/go.sum
	@mkdir -p $(@D)
	$(call SAY,build)tests/ferretdb/build $@

# Servers and clients that tests use and no package of Debian installs: unpacked and built below BUILD, once.
needs: needs-clients needs-servers $(DATABASE)

needs-clients:
	@tests/clients/run clients $(BUILD)/weir $(BUILD) --install

needs-servers:
	@tests/zookeeper/unpack $(BUILD)
	@tests/deploy/unpack $(BUILD)

# --- tools that only talk HTTP: no room is linked ---

$(BUILD)/%: %.c
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $< -lpthread -lm -o $@

WRITER = $(BUILD)/tests/fault/writer $(BUILD)/tests/fault/faults.so
LOAD   = $(BUILD)/bench/load
ASK    = $(BUILD)/bench/ask

$(BUILD)/%.so: %.c
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) -std=gnu17 -g -O2 $(WARN) -Wno-missing-prototypes -D_GNU_SOURCE -fPIC -shared $< -o $@ -ldl

$(LOAD): bench/load.c bench/data.c bench/drive.c $(wildcard bench/*.h)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c,$^) -lm -o $@

$(OUT)/bench/%: bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $< $(LIBRARY) $(LDLIBS) -o $@

$(ASK): bench/ask.c bench/drive.c $(wildcard bench/*.h)
	@mkdir -p $(@D)
	$(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c,$^) -lm -o $@

# --- what people call ---

run:
	@tests/install build
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(BUILD)/weir serve --data $(or $(DATA),weir-data) --listen $(or $(LISTEN),127.0.0.1:8090)

install: all
	install -D -m 755 $(BUILD)/weir $(DESTDIR)$(PREFIX)/bin/weir

check:
	@tests/install build unit
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(MAKE) --no-print-directory -j$(JOBS) unit

test:
	@tests/install build unit test
	@rm -rf $(BUILD)/results
	-@$(MAKE) --no-print-directory -j needs # what failed is tried again, and told, by those who need it
	@mkdir -p $(BUILD)/results; touch $(BUILD)/results/begun
	@$(MAKE) --no-print-directory -j$(JOBS) all $(WRITER) $(LOAD)
	@tests/suite tidy tests/tidy
	@# Clocks, disks and sessions are waited for mostly: what computes and what is compiled goes beside, the latter with what nobody wants.
	@chrt -i 0 $(MAKE) --no-print-directory -j$(JOBS) units program MODE=asan >$(BUILD)/asan.log 2>&1 & \
	 { tests/suite pull tests/pull/run pull $(BUILD)/weir $(BUILD) --part others --jobs 8; \
	   tests/suite cli tests/cli/run cli $(BUILD)/weir; } >$(BUILD)/pull.log 2>&1 & \
	 { tests/suite simulator $(MAKE) -j$(JOBS) simulate STEPS=$(SIM_STEPS); \
	   tests/suite backup tests/backup/run $(BUILD) $(RESTORES); \
	   tests/suite clients tests/clients/run clients $(BUILD)/weir $(BUILD); \
	   tests/suite differential tests/differential/run $(BUILD)/weir $(QUESTIONS); } >$(BUILD)/simulator.log 2>&1 & \
	 tests/suite api-plain tests/api/run api-plain $(BUILD)/weir; \
	 tests/suite fault tests/fault/run $(BUILD) $(CUTS) $(KILLS) --faults $(FAULTS) --fills $(FILLS); \
	 tests/suite weirsim tests/weirsim/run weirsim; \
	 wait; cat $(BUILD)/simulator.log $(BUILD)/pull.log
	@{ tests/suite pull-apart tests/pull/run pull-apart $(BUILD)/weir $(BUILD) --part apart; \
	   tests/suite load-waits tests/load/run $(BUILD)/weir --waits; } >$(BUILD)/waits.log 2>&1 & \
	 tests/suite registry-plain $(MAKE) registry >$(BUILD)/registry.log 2>&1 & \
	 tests/suite unit-asan $(MAKE) -j$(JOBS) unit MODE=asan; \
	 tests/suite loops-asan $(MAKE) -j$(JOBS) loops MODE=asan; \
	 wait; cat $(BUILD)/waits.log $(BUILD)/registry.log
	@{ tests/suite archive-asan $(MAKE) -j$(JOBS) archive MODE=asan; \
	   tests/suite deploy $(MAKE) deploy; } >$(BUILD)/archive.log 2>&1 & \
	 { tests/suite replay chrt -i 0 $(MAKE) -j$(JOBS) replay MODE=asan; \
	   tests/suite fuzz chrt -i 0 $(MAKE) -j$(JOBS) fuzz; } >$(BUILD)/fuzz.log 2>&1 & \
	 tests/suite load tests/load/run $(BUILD)/weir --works; \
	 wait; cat $(BUILD)/archive.log $(BUILD)/fuzz.log
	@tests/suite delivery $(MAKE) delivery >$(BUILD)/delivery.log 2>&1 & \
	 $(MAKE) --no-print-directory -j$(JOBS) program MODE=asan; \
	 tests/suite api-asan tests/api/run api-asan $(BUILD)/asan/weir; \
	 wait; cat $(BUILD)/delivery.log
	@echo "$$(($$(date +%s) - $$(stat -c %Y $(BUILD)/results/begun))) s since everything that tests need was there"
	@tests/summary

# Nine promises broken on purpose, each noticed; FAULT=NAME...: only these.
sabotage:
	@$(MAKE) --no-print-directory -j$(JOBS) program $(BUILD)/failpoints/simulator MODE=failpoints
	@tests/suite sabotage tests/sabotage sabotage $(BUILD) $(FAULT)

test-long:
	@tests/install build unit test
	@rm -rf $(BUILD)/results
	@$(MAKE) --no-print-directory -j$(JOBS) all $(WRITER) $(LOAD)
	@tests/suite tidy $(MAKE) tidy
	@tests/suite unit-plain $(MAKE) -j$(JOBS) unit
	@tests/suite unit-clang $(MAKE) -j$(JOBS) unit CC=clang BUILD=$(BUILD)/clang RESULT=unit-clang
	@tests/suite simulator $(MAKE) -j$(JOBS) simulate STEPS=$(LONG_STEPS)
	@tests/suite differential tests/differential/run $(BUILD)/weir $(LONG_QUESTIONS) --jobs $(JOBS)
	@tests/suite cli tests/cli/run cli $(BUILD)/weir
	@tests/suite weirsim tests/weirsim/run weirsim
	@tests/suite pull tests/pull/run pull $(BUILD)/weir $(BUILD) --long
	@tests/suite fault tests/fault/run $(BUILD) $(LONG_CUTS) $(LONG_KILLS) --faults 0 --fills $(LONG_FILLS)
	@tests/suite backup tests/backup/run $(BUILD) $(LONG_RESTORES)
	@tests/suite archive-plain $(MAKE) -j$(JOBS) archive
	@tests/suite delivery $(MAKE) delivery OUTAGES="$(LONG_OUTAGES)"
	@tests/suite registry-plain $(MAKE) registry REGISTRY=--long
	@tests/suite deploy $(MAKE) deploy
	@tests/suite loops-plain $(MAKE) -j$(JOBS) loops LOOP_STRIDE=1
	@tests/suite loops-asan $(MAKE) -j$(JOBS) loops MODE=asan LOOP_STRIDE=1 \
		LOOPS="$(wildcard tests/loops/loop_*.c)" # of the bits plain turns all, within minutes
	@tests/suite load tests/load/run $(BUILD)/weir --long
	@$(MAKE) --no-print-directory sabotage
	@$(MAKE) --no-print-directory asan tsan
	@tests/suite fuzz $(MAKE) -j$(JOBS) fuzz FUZZ_SECONDS=$(LONG_FUZZ) FUZZ_SEED=0
	@tests/summary

fault-peers: all $(WRITER)
	@tests/install build test
	@tests/fault/peers $(BUILD)

test-real: all
	@tests/install build test
	@tests/suite real tests/real/run $(BUILD)/weir "$(DATA)"
	@tests/suite questions tests/real/questions.py $(BUILD)/weir "$(DATA)"

asan tsan:
	@tests/install build unit test
	@$(MAKE) --no-print-directory -j$(JOBS) program MODE=$@
	@tests/suite unit-$@ $(MAKE) -j$(JOBS) unit MODE=$@
	@tests/suite api-$@ tests/api/run api-$@ $(BUILD)/$@/weir
	@tests/suite archive-$@ $(MAKE) -j$(JOBS) archive MODE=$@
	@tests/suite registry-$@ $(MAKE) -j$(JOBS) registry MODE=$@

simulate: $(OUT)/simulator
	$(OUT)/simulator --steps $(STEPS)

fuzz:
	@tests/install build test
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzing CC=clang MODE=fuzz

tidy:
	@tests/install build test
	@tests/tidy
	@git ls-files '*.c' | grep -v '^tests/' | xargs -P$(JOBS) -n 4 tests/clang_tidy

# ROW=sparse, ROW="kill series": those rows alone.
bench bench-short: all $(LOAD)
	@tests/install build test
	@bench/peers $(BUILD)
	@bench/compare $(BUILD) $(if $(filter bench-short,$@),--short) $(ROW)

# Questions to all of them, ROW as above.
bench-query bench-query-short: all $(LOAD) $(ASK)
	@tests/install build test
	@bench/peers $(BUILD)
	@bench/query $(BUILD) $(if $(filter bench-query-short,$@),--short) $(ROW)

# Two and three nodes, with what they need on the same machine.
bench-cluster bench-cluster-short: all $(LOAD) $(DATABASE)
	@tests/install build test
	@bench/cluster $(BUILD) $(if $(filter bench-cluster-short,$@),--short) $(ROW)

bench-delivery bench-delivery-short: all $(LOAD)
	@bench/delivery $(BUILD) $(if $(filter bench-delivery-short,$@),--short) $(ROW)

bench-files bench-files-short: all $(LOAD)
	@bench/files $(BUILD) $(if $(filter bench-files-short,$@),--short)
bench-pull bench-pull-short: all
	@tests/install build test
	@bench/pull $(BUILD) $(if $(filter bench-pull-short,$@),--short) $(ROW)

# Single parts without a server, a line for each thing measured; PART=mapper: that one alone.
bench-parts: $(or $(PART:%=$(OUT)/bench/bench_%),$(patsubst %.c,$(OUT)/%,$(wildcard bench/bench_*.c)))
	@for part in $^; do echo "$${part##*/bench_}"; $$part || exit 1; done

# The core alone, half a minute.
bench-core: all $(LOAD)
	@tests/install build test
	@bench/core.sh $(BUILD)

# The same commit gives the same bytes.
dist:
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=weir-$(VERSION)/ HEAD | gzip -n9 >$(BUILD)/weir-$(VERSION).tar.gz
	@sha256sum $(BUILD)/weir-$(VERSION).tar.gz

# docs/reference/errors.md, from the tables of codes and statuses.
errors-page: $(OUT)/tests/unit/http/test_errors_page
	$< --print >docs/reference/errors.md

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(UNIT_BIN:=.d) $(OUT)/tests/unit/all.d $(OUT)/tests/archive/drive.d $(OUT)/tests/registry/drive.d $(LOOPS:%.c=$(OUT)/%.d) $(SIM:%.c=$(OUT)/%.d)
.PHONY: FORCE units servers needs needs-clients needs-servers archive delivery registry deploy sabotage fault-peers all program unit loops fuzzers fuzzing replay run install check test test-long test-real asan tsan simulate fuzz tidy \
        bench bench-short bench-query bench-query-short bench-delivery bench-delivery-short bench-files bench-files-short bench-cluster bench-cluster-short bench-pull bench-pull-short bench-parts bench-core dist errors-page format clean
