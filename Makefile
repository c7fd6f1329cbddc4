# One Makefile, no recursion, no configure.  `make help` lists the targets.
MODE   ?= release
B      := build/$(MODE)
PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
CC     ?= cc
# where the ONNX backend tests are
ONNX_DATA ?= $(shell dpkg -L libonnx-testdata 2>/dev/null | sed -n 's,/node$$,,p')

# --- sources: what is not listed is taken from its folder ------------------
BASE     = $(patsubst base/%.c,%,$(wildcard base/*.c))
FORMATS  = $(patsubst formats/%.c,%,$(wildcard formats/*.c))
# an operator is a file engine/op_x.c and a line in engine/op.def
ENGINE   = $(patsubst engine/%.c,%,$(wildcard engine/*.c))
# Tools: TOOLS read hostile bytes or documents and link no OpenBLAS;
# BLAS_TOOLS link the engine.  A tool is its main plus the modules that
# $(name)_PARTS lists, all in one folder.
TOOLS      = audit/assay audit/assay-unpack audit/assay-inspect audit/assay-load \
             audit/assay-save report/assay-report report/assay-verify
assay_PARTS         = audit choose command data_spec early given policy_verb recovered signing summary
assay-unpack_PARTS  = manifest show
assay-load_PARTS    = data_spec load_data operand
assay-save_PARTS    = operand
# a check of assay-inspect is a file audit/check_x.c and a line in check.def
CHECKS              = $(patsubst audit/%.c,%,$(wildcard audit/check*.c))
INSPECT             = $(patsubst audit/%.c,%,$(wildcard audit/inspect_*.c))
assay-inspect_PARTS = $(CHECKS) $(INSPECT) show
assay-report_PARTS  = $(CASE_PARTS) brief bundle case chart checks compare $(DIAGRAM) envelope $(HTML) \
                      index $(OUTPUTS) overview page page_style pdf picture shown signer token
DIAGRAM             = diagram diagram_dot evidence svg
HTML                = $(patsubst report/%.c,%,$(wildcard report/html*.c))
OUTPUTS             = $(patsubst report/%.c,%,$(wildcard report/output*.c))
assay-verify_PARTS  = $(CASE_PARTS) case checks outcome trust verify_files verify_statement
CASE_PARTS          = cert dsse escape keys members oms parts require scope stamp statement \
                      subject waive
BLAS_TOOLS = audit/assay-eval audit/assay-grow audit/assay-scan \
             purify/assay-purify fixtures/assay-plant
METHODS             = $(patsubst purify/%.c,%,$(wildcard purify/method_*.c))
assay-grow_PARTS    = grow_doc grow_open grow_train
assay-scan_PARTS    = cache null profile scan_before scan_doc scan_ease scan_examples scan_grow scan_head scan_judge \
                      scan_measure scan_open scan_previous scan_print scan_reference scan_replay scan_self \
                      verdict verdict_spread
assay-purify_PARTS  = after attention budget checkpoint direction estimate guide guide_confirm guide_frames guide_pool harm head method mixture $(METHODS) \
                      neuron options push reactivate reactivate_json reactivate_print \
                      retune rounds sau trainer tuning
assay-plant_PARTS   = adaptive adversary arch attack compress options poison \
                      recipe truth
UNIT     = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
FUZZ     = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# --- flags -------------------------------------------------------------------
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
       -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wundef \
       -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
       -Wformat=2 -Wvla -Wswitch-enum -Wimplicit-fallthrough \
       -Wdouble-promotion -Wnull-dereference -Werror $(WARN.$(MODE))
# what clang alone says: glibc's NAN is a float, libseccomp's macros leave fields out; loops that it does not vectorise
WARN.fuzz = -Wno-pass-failed -Wno-double-promotion -Wno-missing-field-initializers
HARD = -fstack-protector-strong -fno-common -fPIE
OPT.release = -O2 -g -D_FORTIFY_SOURCE=2
OPT.debug   = -O0 -g3
OPT.asan    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
              -fno-omit-frame-pointer
OPT.fuzz    = $(OPT.asan) -fsanitize=fuzzer-no-link \
              -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
OPT.cov     = -O0 -g --coverage
CFLAGS_ALL  = -std=c11 -D_POSIX_C_SOURCE=200809L -I. $(OPT.$(MODE)) $(HARD) \
              $(WARN) -ffp-contract=off $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(OPT.$(MODE)) $(LDFLAGS)
# OpenBLAS starts threads before main(): only what uses the engine links it.
LDLIBS  = -lseccomp -ljansson -lcrypto -larchive -lyaml -lutf8proc -lpng -ljpeg -lwebp -lz -ldeflate -lbz2 -llzma -lm
BLAS    = -lopenblas -fopenmp
# several machines, where Open MPI is
ifneq ($(shell command -v mpicc),)
MPI       := $(patsubst -I%,-isystem %,$(shell mpicc --showme:compile)) -DHAVE_MPI
BLAS      += $(shell mpicc --showme:link)
endif
GVIZ    = -lgvc -lcgraph

# --- rules -------------------------------------------------------------------
LIBS    = $(B)/libformats.a $(B)/libbase.a
ELIBS   = $(B)/libengine.a $(LIBS)
PLAIN   = $(addprefix $(B)/bin/,$(notdir $(TOOLS)))
NUMERIC = $(addprefix $(B)/bin/,$(notdir $(BLAS_TOOLS)))
BINS    = $(PLAIN) $(NUMERIC)
TESTS   = $(UNIT:%=$(B)/tests/%)
FUZZB   = $(FUZZ:%=$(B)/tests/fuzz/%)
objs    = $(addprefix $(B)/$(1)/,$(addsuffix .o,$(2)))
# data that tools find beside their own folder, ../share/assay
SHARE   = $(B)/share/assay/taxonomy.json $(B)/share/assay/explain.json
# objects of tool assay-x in folder d: d/x.o and its parts
tool    = $(call objs,$(patsubst %/,%,$(dir $(1))),$(patsubst assay-%,%,$(notdir $(1))) $($(notdir $(1))_PARTS))

all: deps-check $(BINS) $(SHARE) ## build everything into build/release/bin

$(B)/share/assay/taxonomy.json: audit/taxonomy.json
	@mkdir -p $(@D); cp $< $@
$(B)/share/assay/explain.json: audit/explain.awk man/assay-findings.7
	@mkdir -p $(@D); awk -f $^ >$@.new; mv $@.new $@

$(B)/libbase.a:    $(call objs,base,$(BASE))
$(B)/libformats.a: $(call objs,formats,$(FORMATS))
$(B)/libengine.a:  $(call objs,engine,$(ENGINE))
$(B)/lib%.a:       ; @rm -f $@; $(AR) rcs $@ $^

define tool_rule
$(B)/bin/$(notdir $(1)): $(call tool,$(1))
endef
$(foreach t,$(TOOLS) $(BLAS_TOOLS),$(eval $(call tool_rule,$(t))))
$(PLAIN): $(LIBS)
	@mkdir -p $(@D); echo "LD $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIBS) $(GVIZ) $(LDLIBS)
$(NUMERIC): $(ELIBS)
	@mkdir -p $(@D); echo "LD $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ELIBS) $(BLAS) $(LDLIBS)
$(TESTS): %: %.o $(ELIBS)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ELIBS) -lcmocka $(BLAS) $(GVIZ) $(LDLIBS)
# what a suite or a fuzz target needs of a tool
LOOKING  = test_check_pickle test_container test_weight fuzz/fuzz_weight
$(LOOKING:%=$(B)/tests/%): $(call objs,audit,$(CHECKS))
$(B)/tests/test_diagram: $(call objs,report,$(DIAGRAM) chart escape html_cell html_flips page page_style picture)
$(B)/tests/test_dsse $(B)/tests/fuzz/fuzz_bundle: $(call objs,report,dsse keys)
$(B)/tests/fuzz/fuzz_cert: $(call objs,report,cert keys)
$(B)/tests/fuzz/fuzz_evidence: $(call objs,report,$(DIAGRAM) escape members)
$(B)/tests/fuzz/fuzz_oms: $(call objs,report,dsse keys oms subject)
$(B)/tests/fuzz/fuzz_stamp: $(call objs,report,stamp)
$(B)/tests/test_sau $(B)/tests/test_threads: $(call objs,purify,sau trainer)
$(B)/tests/test_method $(B)/tests/test_method_conv: $(B)/tests/method_world.o \
  $(call objs,purify,$(assay-purify_PARTS))
$(B)/tests/test_harm: $(call objs,purify,harm)
$(B)/tests/test_guide: $(call objs,purify,guide guide_confirm guide_frames guide_pool)
$(B)/tests/test_mixture: $(call objs,purify,mixture)
$(B)/tests/test_reactivate: $(call objs,purify,direction guide guide_confirm guide_frames guide_pool push reactivate reactivate_json retune)
$(B)/tests/test_regrow: $(B)/fixtures/arch.o
$(B)/tests/test_verdict $(B)/tests/test_verdict_blind $(B)/tests/test_verdict_spread: $(call objs,audit,null verdict verdict_spread)
$(B)/tests/test_plant: $(call objs,fixtures,adaptive adversary compress)
$(B)/tests/test_recipe: $(call objs,fixtures,attack poison recipe)
$(B)/tests/test_op: $(patsubst %.c,$(B)/%.o,$(wildcard tests/op_body*.c))
# static checks over bytes
LOOKS    = container gguf host inspect kerasconfig onnxops otheropen safetensors text \
           tfgraph tfliteops
$(LOOKS:%=$(B)/tests/fuzz/fuzz_%) $(B)/tests/test_loaders: \
  $(call objs,audit,$(CHECKS)) $(B)/tests/fuzz/look.o
# programs for tests/conformance-models.py, tests/bench.py and engine/MPI.md
$(B)/tests/bench: $(call objs,purify,sau trainer)
$(B)/tests/one_step $(B)/tests/bench $(B)/tests/bench_ranks: %: %.o $(ELIBS)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ELIBS) $(BLAS) $(LDLIBS)
$(B)/tests/conformance: %: %.o $(call objs,tests,conformance_case conformance_run) $(ELIBS)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ELIBS) $(BLAS) $(LDLIBS)
# the same fuzz target: replay main everywhere, libFuzzer main when MODE=fuzz
ifeq ($(MODE),fuzz)
$(FUZZB): %: %.o $(ELIBS)
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(ELIBS) $(BLAS) $(GVIZ) $(LDLIBS)
else
$(FUZZB): %: %.o $(B)/tests/fuzz/replay.o $(ELIBS)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ELIBS) $(BLAS) $(GVIZ) $(LDLIBS)
endif
$(B)/engine/%.o: CFLAGS_ALL += -O3 -fopenmp
$(B)/base/ranks.o: CFLAGS_ALL += $(MPI)
# tokens by p11-kit
$(B)/report/token.o: CFLAGS_ALL += -isystem /usr/include/p11-kit-1
$(B)/bin/assay-report: LDLIBS += -lp11-kit
# without fused multiply-add these kernels would be half as fast
$(B)/engine/wino%.o $(B)/engine/micro%.o: CFLAGS_ALL += -ffp-contract=fast
$(B)/tests/%.o $(B)/audit/%.o $(B)/purify/%.o $(B)/fixtures/%.o: CFLAGS_ALL += -fopenmp
# loops over all weights of a file
$(B)/audit/check_weight%.o: CFLAGS_ALL += -O3
$(B)/%.o: %.c Makefile
	@mkdir -p $(@D); echo "CC $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- developer targets -------------------------------------------------------
# Graphviz leaks at start-up; what is ours must not
export LSAN_OPTIONS = suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
# third parties' schemas and vectors, beside a checkout: without them their tests are skipped
export ASSAY_SCHEMAS ?= $(wildcard $(abspath ../shared/schemas))
JOBS := $(shell nproc)
check: deps-check ## everything a change must pass
	@$(MAKE) -s -j$(JOBS) all $(TESTS) $(FUZZB) $(B)/tests/conformance
	@$(MAKE) -s unit conformance cli replay lint
unit: deps-check $(TESTS) ## cmocka suites
	@sh tests/run-unit.sh $(TESTS)
cli: all ## black-box scripts, TAP
	@PATH="$(CURDIR)/$(B)/bin:$$PATH" prove -e sh tests/cli
replay: deps-check $(FUZZB) ## fuzz targets over the committed fixtures, any compiler
	@for f in $(FUZZ); do $(B)/tests/fuzz/$$f fixtures/$${f#fuzz_}/* || exit 1; done
fuzz: ## FUZZ_SECONDS (60) of libFuzzer per target
	@$(MAKE) MODE=fuzz CC=clang fuzz-bins
	@mkdir -p build/corpus/fuzz_net; cp fixtures/engine/*.safetensors build/corpus/fuzz_net
	@mkdir -p build/corpus/fuzz_graph; [ -z "$(ONNX_DATA)" ] || for d in $(ONNX_DATA)/node/*; do \
	  cp $$d/model.onnx build/corpus/fuzz_graph/$${d##*/}.onnx; done
	@for f in $(FUZZ); do mkdir -p build/corpus/$$f; build/fuzz/tests/fuzz/$$f \
	  -max_total_time=$${FUZZ_SECONDS:-60} -rss_limit_mb=6000 -timeout=20 \
	  -artifact_prefix=build/corpus/ -dict=tests/fuzz/names.dict build/corpus/$$f \
	  fixtures/$${f#fuzz_} || exit 1; done
fuzz-bins: $(FUZZB)
asan: ## check under ASan + UBSan
	@$(MAKE) -s -j$(JOBS) MODE=asan asan-bins
	@$(MAKE) -s MODE=asan unit conformance cli replay
asan-bins: $(BINS) $(SHARE) $(TESTS) $(FUZZB) $(B)/tests/conformance
conformance: $(B)/tests/conformance ## the ONNX backend tests (libonnx-testdata)
	@$< "$(ONNX_DATA)" tests/conformance.list tests/conformance.skip
conformance-list: $(B)/tests/conformance ## rewrite tests/conformance.list
	@(sed -n '/^#/p' tests/conformance.list; $< -u "$(ONNX_DATA)" tests/conformance.list \
	  tests/conformance.skip) >$(B)/list; mv $(B)/list tests/conformance.list
conformance-models: all $(B)/tests/one_step ## compare whole models with PyTorch and ONNX Runtime
	@/usr/bin/python3 -B tests/conformance-models.py $(B)
interop: all $(B)/tests/one_step ## compare readers with the frameworks that wrote the files (python3-torch, -torchvision)
	@for f in tests/interop/*.py; do echo "$$f"; /usr/bin/python3 -B $$f $(B) || exit 1; done
bench: all $(B)/tests/bench ## time the engine beside PyTorch and ONNX Runtime, and assay-inspect beside sha256sum
	@[ "$$BENCH" = inspect ] || /usr/bin/python3 -B tests/bench.py $(B)
	@case " $${BENCH-inspect} " in *" inspect "*) /usr/bin/python3 -B tests/bench_inspect.py $(B)/bin;; esac
lint: deps-check $(ELIBS) ## layering, names, headers, lengths, heap use, format, links of documents
	@for l in tests/lint/*.sh; do B=$(B) sh $$l || exit 1; done; echo "lint: clean"
format: ## clang-format in place
	@git ls-files '*.[ch]' | xargs clang-format -i
deps: ## install what is missing (Debian packages)
	@sh tests/deps.sh install
deps-check:
	@sh tests/deps.sh check || sh tests/deps.sh install
demo: deps-check ## plant, audit, purify, report, verify: the whole path on real models
	@$(MAKE) -s -j$(JOBS) all
	@sh fixtures/demo.sh
GENERATORS = bundle container data dataset engine external grad graph hdf5 hf host keras layout loaders lz4 net onnx pickles policy pytorch quant rdata report resize sau text tflite weight weights
fixtures: all ## regenerate the committed fixtures (python3-torch, -torchvision, -onnx, -h5py, -flatbuffers, -sklearn, -scipy, -pandas, -joblib)
	@for g in $(GENERATORS); do echo "fixtures/gen/$$g.py"; \
	  /usr/bin/python3 -B fixtures/gen/$$g.py || exit 1; done
	@PATH="$(CURDIR)/$(B)/bin:$$PATH" sh fixtures/gen/neutral.sh
	@/usr/bin/python3 -B fixtures/corpus/make.py --select fixtures/corpus/selected; git status --short fixtures
CORPUS_SEED ?= 1
corpus: all ## judge assay-inspect by generated files, as CORPUS_SEED draws them too
	@/usr/bin/python3 -B fixtures/corpus/make.py build/corpus-inspect
	@/usr/bin/python3 -B fixtures/corpus/make.py --vary $(CORPUS_SEED) build/corpus-vary 2>/dev/null
	@/usr/bin/python3 -B tests/corpus.py $(B)/bin build/corpus-inspect build/corpus-vary
zoo: all ## plant the models that the scan is measured on, build/zoo4 (four core hours, resumable)
	@sh fixtures/zoo.sh
scan-growth: all ## time a scan as classes, pixels and weights grow (an hour, resumable)
	@python3 -B audit/growth.py $(B)/bin build/growth
ZOO ?= build/zoo4
null-table: all ## measure audit/null.def on the zoo's calibration models (hours, resumable)
	@sh audit/zoo-scan.sh $(ZOO) build/scans given calib
	@sh audit/zoo-scan.sh $(ZOO) build/scans other calib
	@sh audit/zoo-scan.sh $(ZOO) build/scans home calib
	@/usr/bin/python3 -B audit/null-table.py build/scans/given build/scans/other build/scans/home
ARMS ?= given home
eval-scan: all ## evaluate the scan on the zoo, audit/EVALUATION-ZOO.md (hours, resumable)
	@for a in $(ARMS); do sh audit/zoo-scan.sh $(ZOO) build/scans $$a calib tune clean test || exit 1; done
	@/usr/bin/python3 -B audit/eval-scan.py $(ZOO) build/scans
eval-foreign: all ## the scan on models that PyTorch trained, of other architectures and triggers (python3-torch; an hour, resumable)
	@/usr/bin/python3 -B audit/foreign.py $(B)/bin build/foreign
eval-usual: all ## scan the literature's attacks on models that PyTorch trained (python3-torch; two hours, resumable)
	@/usr/bin/python3 -B audit/usual.py $(B)/bin build/usual
eval-signs: all ## scan models of coloured pictures of 43 classes (python3-torch, python3-pil; three hours, resumable)
	@/usr/bin/python3 -B audit/signs.py $(B)/bin build/signs
eval-purify: all ## purify the victims of the zoo by METHODS, as SCANS found them; the table of purify/EVALUATION.md; hours
	@sh purify/zoo-purify.sh $(ZOO) $${SCANS:-build/scans/given} $${OUT:-build/eval-purify} \
	  "$${METHODS:-guided sau ft ft-sam d3 anp fp i-bau nad}" "$${SEEDS:-0 1 2}" $${NAMES:-test-}
	@/usr/bin/python3 -B purify/eval-purify.py $${OUT:-build/eval-purify}
eval-usual-purify: all ## unlearn what eval-usual flagged, by METHODS, SEEDS; the table of purify/EVALUATION.md; hours
	@/usr/bin/python3 -B purify/usual-purify.py $(B)/bin build/usual build/usual-purify \
	  "$${METHODS:-guided ft-sam d3}" "$${SEEDS:-0 1 2}"
	@/usr/bin/python3 -B purify/eval-purify.py build/usual-purify each
other-images: all ## purify with images unlike the model's own; a table of purify/EVALUATION.md (an hour and a half)
	@/usr/bin/python3 -B purify/other-images.py $(B)/bin build/other-images
real-victims: all ## purify two PreAct-ResNet18 victims; the table of purify/EVALUATION.md (two hours)
	@/usr/bin/python3 -B purify/real-victims.py $(B)/bin build/real-victims "$${SEEDS:-0}" "$${METHODS:-guided}"
	@/usr/bin/python3 -B purify/eval-purify.py build/real-victims/purified each
real-sizes: all ## time a round of models of real size and their memory, the table of purify/README.md (python3-torch; minutes)
	@/usr/bin/python3 -B purify/real-sizes.py $(B)
sau-table: all ## measure the table of purify/README.md (an hour)
	@sh purify/table.sh
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20
clean: ## remove build/
	rm -rf build
install: all ## binaries, data and man pages
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(MANDIR)/man1 \
	  $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 \
	  $(DESTDIR)$(PREFIX)/share/assay
	install -m755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m644 $(SHARE) audit/*.schema.json report/*.schema.json $(DESTDIR)$(PREFIX)/share/assay
	for s in 1 5 7; do install -m644 man/*.$$s $(DESTDIR)$(MANDIR)/man$$s; done
.PHONY: all asan asan-bins bench check clean cli conformance conformance-list \
        conformance-models corpus demo deps \
        deps-check eval-foreign eval-purify eval-scan eval-signs eval-usual eval-usual-purify fixtures format fuzz fuzz-bins help install interop lint null-table \
        other-images real-sizes real-victims replay sau-table scan-growth unit zoo
