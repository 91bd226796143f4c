# Every verb does its own set-up: a fresh machine needs Python 3.11 or newer with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
# Processes the suite runs in, each with a broker of its own.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test suite bench bench-growth bench-e2e coverage lint format types restore scale telling simulate schemas fanout webhooks chain kafka kafka-stop chaos soak fuzz quality clean

help: ## say what each verb does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m monitor.cli.warm
	@touch $@

demo: $(READY) ## watch it work: a generated book on a recorded market, no Kafka needed
	@$(BIN)/liqmon demo $(ARGS)

test: lint types suite ## everything CI asks: lint, types, the whole suite; the last line tells what Kafka tests did

suite: $(READY)
	@$(BIN)/pytest --numprocesses=$(JOBS) --dist=worksteal $(ARGS)

simulate: $(READY) ## live through seeded stories on the embedded log: SEEDS=N or A..B, WORKERS=processes
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),300) --workers $(or $(WORKERS),1) $(ARGS)

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: $(BENCH_READY) ## the kernels beside C, numpy, polars, DuckDB, pandas, dicts, stream engines: ACCOUNTS, SEED, ROUNDS, PARTS, OUT, ARGS
	@$(BIN)/python -m bench $(if $(ACCOUNTS),--accounts $(ACCOUNTS)) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PARTS),--parts $(PARTS)) $(if $(OUT),--out $(OUT)) $(ARGS)

bench-growth: $(READY) ## how cost grows by accounts, positions, contracts, pace, shards; memory, churn: MOST, EVENTS, SEED, ROUNDS, PARTS, OUT, ARGS
	@$(BIN)/python -m bench.growth $(if $(MOST),--most $(MOST)) $(if $(EVENTS),--events $(EVENTS)) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PARTS),--parts $(PARTS)) $(if $(OUT),--out $(OUT)) $(ARGS)

bench-e2e: $(READY) ## bytes in to event readable on a real Kafka: PARTS, ACCOUNTS, RATE, SECONDS, CHANGES, SHARE, BOOTSTRAP, SHARDS, SEED, OUT, ARGS
	@$(BIN)/python -m bench.e2e $(if $(PARTS),--parts $(PARTS)) $(if $(ACCOUNTS),--accounts $(ACCOUNTS)) $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(CHANGES),--changes $(CHANGES)) $(if $(SHARE),--share $(SHARE)) $(if $(BOOTSTRAP),--bootstrap $(BOOTSTRAP)) $(if $(SHARDS),--shards $(SHARDS)) $(if $(SEED),--seed $(SEED)) $(if $(OUT),--out $(OUT)) $(ARGS)

coverage: $(READY) ## the suite with branch coverage, which slows it
	@$(BIN)/pytest --cov --cov-report=term $(ARGS)

lint: $(READY) ## style and format, without changing anything
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY) ## put every file into the house format, mending what can be mended
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

types: $(READY) ## mypy, strict over monitor/ and bench/
	@$(BIN)/mypy

scale: $(READY) ## 1 → 2 → 3 → 1 instances, leaves, kills, freezes, cold and warm: SEED, ROUNDS, ACCOUNTS, ARGS
	@$(BIN)/python -m tests.scaling --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),3) --accounts $(or $(ACCOUNTS),6000) $(ARGS)

telling: $(READY) ## count the CPU time a change of status costs, by stage, beside the plain way: ACCOUNTS, ARGS
	@$(BIN)/python -m tests.telling --accounts $(or $(ACCOUNTS),1000) $(ARGS)

restore: $(READY) ## restart from a snapshot and from the changelog on a Kafka of its own: ACCOUNTS, POSITIONS, SEED, ARGS
	@$(BIN)/python -m tests.restore --accounts $(or $(ACCOUNTS),20000) --positions $(or $(POSITIONS),5) --seed $(or $(SEED),1) $(ARGS)

schemas: $(READY) ## write docs/schemas/ from the message types
	@$(BIN)/python -m monitor.adapters.wire.schemas docs/schemas

soak: $(READY) ## steady load and a failover every few minutes; nothing may grow: MINUTES, SEED (Java 17, Maven)
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),40) --seed $(or $(SEED),1) $(ARGS)

quality: $(READY) ## the price quality gate: PART=incidents plays what venues have done, PART=recorded counts false alarms, PART=oracle compares it with an oracle, PART=cost times it
	@$(BIN)/python -m tests.quality $(or $(PART),incidents)

fuzz: $(READY) ## attack an instance with hostile messages: MESSAGES (1000000 for a report), SEED
	@$(BIN)/python -m tests.hostile --messages $(or $(MESSAGES),20000) --seed $(or $(SEED),1)

fanout: $(READY) ## how late an event reaches the last of many websocket clients: CLIENTS, DESKS=share that sees all, SEED, ARGS
	@$(BIN)/python -m tests.gateway.fanout --clients $(or $(CLIENTS),2000) --desks $(or $(DESKS),0.05) --seed $(or $(SEED),1) $(ARGS)

webhooks: $(READY) ## kill and freeze senders before targets that misbehave, on a Kafka of its own: SEED, EVENTS, FAULTS
	@$(BIN)/python -m tests.webhooks --seed $(or $(SEED),1) --events $(or $(EVENTS),400) --faults $(or $(FAULTS),12) $(ARGS)

chain: $(READY) ## feed, daemon, gateway, webhooks and a client on a real Kafka, each killed at random: SECONDS, SEED, RECORDING=file, ARGS
	@$(BIN)/python -m tests.chain --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1) $(if $(RECORDING),--recording $(RECORDING)) $(ARGS)

kafka: $(READY) ## start one Apache Kafka node on loopback, its data in a throw-away folder (Java 17, Maven)
	@deploy/kafka/start $(ARGS)

kafka-stop: ## stop what make kafka has started and throw its data away
	@deploy/kafka/stop

chaos: $(READY) ## break a real Kafka and its daemons: SECONDS= SEED= INSTANCES= NODES=; or SCENARIO=name, ARGS=--list
	@$(BIN)/python -m tests.chaos $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(NODES),--nodes $(NODES)) $(ARGS)

clean: ## remove what the other verbs made
	rm -rf $(VENV) build dist .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
