# Two commands do everything on a fresh machine with Go: make run, make test.
GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
SHARED      ?= ../shared
FUZZTIME    ?= 2s

.PHONY: run demo build test check deps lint race quality fuzz eval chaos soak bench bench-peers demo-publish bench-push push-kills docs clean

run: build
	./bin/mingbai serve

# demo starts the bot against a simulated QQ platform, all on this machine; try
# it in a browser. Ctrl-C stops it.
demo: build
	@./bin/mingbai demo

# demo-office fills the records of a made-up county with 2,000 cases and opens
# the office's console on this machine. Ctrl-C stops it and deletes them.
.PHONY: demo-office
demo-office: build
	@./bin/mingbai demo-office

# demo-publish plays a publication from the draft to the recall: the page, a
# bucket and the simulated QQ, all on this machine. It takes two minutes.
demo-publish: build
	@./bin/mingbai demo-publish

build:
	$(GO) build -o bin/mingbai ./cmd/mingbai

# test installs what the tests need (redis-server, PostgreSQL, Chromium) and
# runs everything.
test: deps check

deps:
	@scripts/deps.sh

check: lint docs-fresh race quality fuzz

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt these files:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod verify

# race runs the packages' tests under the race detector; those of cmd run whole
# programs of them, five times slower under it, and go without.
race:
	$(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v /cmd/)
	$(GO) test -skip Hostile_Own -timeout 15m ./cmd/...

# quality holds the figures of finding and answering to those in git.
quality:
	$(GO) test -run 'Retrieval|Themselves|Blind' ./knowledge
	$(GO) test -run 'Hostile_Own' ./cmd/mingbai

# fuzz runs each target for FUZZTIME; the corpus of each is kept in testdata.
fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

# docs writes the parts of the documents that are generated; docs-fresh fails if
# they are stale.
docs: build
	@scripts/docs.sh

.PHONY: docs-fresh
docs-fresh: build
	@scripts/docs.sh --check

# eval measures quality on the question sets beside the checkout; without them
# it says so and does nothing.
eval: build
	@scripts/eval.sh $(SHARED)

bench-peers: ## the same questions through another engine: make bench-peers LAWS=… QUERIES=…
	@cd bench/peers && go run . -laws "$(abspath $(LAWS))" -queries "$(abspath $(QUERIES))"

bench-push: ## deliveries a second beside asynq on a Redis with appendfsync always
	@cd bench/push && go run .

# push-kills kills the publisher 120 times for each of three seeds while it sends
# to 2,000 targets of each sort, and has two processes fire 200 slots.
push-kills:
	MINGBAI_PUSH_KILLS=120 MINGBAI_PUSH_SEEDS=3 MINGBAI_PUSH_TO=2000 MINGBAI_SLOTS=200 go test ./jobs -run 'KilledWhile|TwoProcesses' -timeout 40m -v

# chaos kills the program KILLS times at each place it is tested on.
KILLS       ?= 500
chaos:
	MINGBAI_KILLS=$(KILLS) $(GO) test -count 1 -timeout 2h -v -run 'Crash_KilledAtRandom|QQCrash' ./bot ./office

# soak answers 50 messages a second with faults at random for SOAK.
SOAK        ?= 30m
soak:
	$(GO) run ./bench/soak -for $(SOAK)

bench: build
	@scripts/bench.sh

clean:
	rm -rf bin
