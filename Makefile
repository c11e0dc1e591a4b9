# Weir.  `make run` builds and serves; `make test` runs everything; README.md has the tour.
CC      ?= gcc
BUILD   ?= build
# Rooms in layer order; a part of the tree builds alone with ROOMS="base model codec".
ROOMS   ?= base model codec store store/wal store/head store/packs catalog discovery http net \
           ingest query handlers server
MODE    ?= plain

WARN     = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wwrite-strings -Werror
HARDEN   = -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
MODE_plain = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
MODE_asan  = -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan  = -O1 -fsanitize=thread -fno-omit-frame-pointer
MODE_failpoints = -O1 -DWEIR_FAILPOINTS
CFLAGS  += -std=gnu17 -g $(WARN) $(HARDEN) -fvisibility=hidden -D_GNU_SOURCE -I. -MMD -MP \
           $(MODE_$(MODE))
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack $(MODE_$(MODE))
LDLIBS   = -lmicrohttpd -ljansson -llmdb -lzstd -lz -lsodium -lpcre2-8 -lyaml -lcurl -lpthread -lm

OUT      = $(BUILD)/$(MODE)
SOURCES  = $(filter-out server/main.c,$(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
OBJECTS  = $(SOURCES:%.c=$(OUT)/%.o)
LIBRARY  = $(OUT)/libweir.a
UNITS    = $(foreach room,$(ROOMS),$(wildcard tests/unit/$(room)/test_*.c))
UNIT_BIN = $(UNITS:%.c=$(OUT)/%)

all: $(BUILD)/weir

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/weir: $(OUT)/server/main.o $(LIBRARY)
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/weir: $(OUT)/weir
	ln -sf $(MODE)/weir $@

$(OUT)/tests/unit/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $< $(LIBRARY) -lcmocka $(LDLIBS) -o $@

# Unit tests of the chosen rooms.
unit: $(UNIT_BIN)
	@set -e; for t in $^; do $$t; done

-include $(OBJECTS:.o=.d) $(UNIT_BIN:=.d)
.PHONY: all unit
