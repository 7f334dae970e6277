# Two commands are all it takes: `make start` and `make test`. `make help` lists the others.
PYTHON ?=
PORT ?=
DATA ?=
ARGS ?=
ARCH ?= arm64
STAGE ?= dev
MODEL ?= rules
F ?= read
E ?= events/ping.json
SAM_CLI := aws-sam-cli==1.170.0
MEM0 := mem0ai==1.0.11
MEM0_CLI := mem0-cli==0.2.13
PEER_MEM0 := mem0ai==2.2.1 fastembed==0.9.1
PEER_LANGGRAPH := langgraph==1.2.22 langgraph-checkpoint-sqlite==3.1.2
PEER_LANCEDB := lancedb==0.40.0
# A list of words and an SQLite, added to the first two without what they depend on themselves.
STOP_WORDS := llama-index-core==0.14.25
SQLITE := pysqlite3==0.6.1
PEERS := benchmarks/peers_locked
INDEX := https://pypi.org/simple
BIN := .venv/bin
SETUP := PYTHON="$(PYTHON)" sh scripts/setup.sh
COMPILE = $(BIN)/uv pip compile --quiet --default-index $(INDEX) --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make lock"
COMPILE_ALONE = $(COMPILE) --no-deps --no-header
UNUSED_BY_MEM0 := jiter openai pytz sniffio sqlalchemy
GREMLIN37 := gremlinpython==3.7.3
GREMLIN38 := gremlinpython==3.8.2
# What gremlinpython brings, at the versions that are tested with it; idna is in the other layer.
COMPILE_GREMLIN = $(BIN)/uv pip compile --quiet --default-index $(INDEX) --universal --python-version 3.13 \
	--no-annotate --no-header --no-emit-package idna --constraint .venv/locked.txt

.PHONY: help setup start test lint format openapi fuzz soak faults clients conformance engines engines-stop start-engines bench bench-growth bench-peers eval-decisions eval-extras eval-ranking build invoke deploy lock clean
.PHONY: check-format check-lint check-types check-imports check-template check-sam check-build check-tests
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything the service and its checks need
	@$(SETUP) dev

start: ## run the service on this machine; PORT=8080 DATA=memories.db PYTHON=python3.12
	@$(SETUP) run
	@exec $(BIN)/recollect start $(if $(PORT),--port "$(PORT)") $(if $(DATA),--data "$(DATA)")

test: setup clients lint check-sam check-build check-tests ## run every check of the project
	@echo "test: every check passed"

lint: setup check-format check-lint check-types check-imports check-template ## run the checks that need no running code

check-format:
	@echo "check: format"
	@$(BIN)/ruff format --check --quiet . || { echo "check: not formatted, run 'make format'"; exit 1; }

check-lint:
	@echo "check: lint"
	@$(BIN)/ruff check --quiet .

check-types:
	@echo "check: types"
	@$(BIN)/mypy --no-error-summary

check-imports:
	@echo "check: imports"
	@PYTHONPATH=shared $(BIN)/lint-imports --no-logo

check-template:
	@echo "check: template"
	@$(BIN)/cfn-lint template.yaml stacks/*.yaml

check-sam:
	@echo "check: sam validate"
	@SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint >/dev/null

check-build:
	@echo "check: sam build"
	@$(BIN)/python -m scripts.build --check

check-tests:
	@echo "check: tests"
	@$(BIN)/python -m scripts.engines test $(BIN)/pytest --quiet -n 2 --cov --cov-report=
	@echo "check: every branch of the domain and the use cases is tested"
	@$(BIN)/coverage report --include='*/recollect/domain/*,*/recollect/usecases/*' --fail-under=100

format: setup ## format the code and make the safe fixes
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

openapi: setup ## write docs/openapi.json from the routers, and the schema of messages
	@RECOLLECT_EDITION=local $(BIN)/python -m recollect.entrypoints.openapi docs/openapi.json
	@RECOLLECT_EDITION=local $(BIN)/python -m recollect.entrypoints.ingest_message docs/ingest-message.schema.json

fuzz: setup ## send thousands of generated requests to the handlers
	@$(BIN)/pytest -m fuzz $(ARGS)

soak: engines ## ingest thousands of messages and objects while workers are killed; an hour
	@$(BIN)/pytest -m soak -s $(ARGS)

faults: engines ## let every request to every engine fail, and write docs/faults.md; 20 minutes
	@$(BIN)/python -m tests.faults.table docs/faults.md

clients: setup ## install the mem0 clients that are tried here; needs Node.js 20
	@$(SETUP) clients

conformance: clients engines ## have every mem0 client make every call, and write docs/compatibility.md
	@$(BIN)/python -m tests.conformance.page docs/compatibility.md

engines: setup ## start the engines that the AWS edition is tested on; needs Java 17 and Maven
	@$(BIN)/python -m scripts.engines start wait

engines-stop: setup ## stop them
	@$(BIN)/python -m scripts.engines stop

start-engines: engines ## run the AWS edition on this machine, before the engines; PORT=8080
	@exec $(BIN)/python -m tests.aws_edition $(if $(PORT),--port "$(PORT)")

bench: setup ## measure, into benchmarks/results; ARGS="--data FILE"
	@$(BIN)/python -m benchmarks.run $(ARGS)

bench-peers: setup ## measure mem0, LangGraph and LanceDB beside ours; ARGS="--data FILE"
	@$(BIN)/python -m benchmarks.peers $(ARGS)

bench-growth: setup ## measure searches of 1,000 to a million memories; ARGS="--sizes 1000 10000"
	@$(BIN)/python -m benchmarks.growth $(ARGS)

eval-decisions: setup ## let a model decide about facts by hand-written cases; MODEL=rules
	@$(BIN)/python -m evals.decisions "$(MODEL)"

eval-ranking: setup ## learn the weights of the score from conversations; ARGS=locomo.json
	@$(BIN)/python -m evals.ranking $(ARGS)

eval-extras: setup ## try on conversations what else might order results; ARGS=locomo.json
	@$(BIN)/python -m evals.extras $(ARGS)

build: setup ## build the functions for AWS; ARCH=x86_64 instead of arm64
	@$(BIN)/python -m scripts.build $(ARCH)

invoke: setup ## run a built function on this machine; F=add E=events/add.json
	@$(BIN)/python -m scripts.invoke "$(F)" "$(E)"

deploy: build ## deploy to the AWS account in use; STAGE=prod ARCH=x86_64
	@SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam deploy --template-file .aws-sam/$(ARCH)/build/template.yaml \
		--config-file "$(CURDIR)/samconfig.toml" --config-env $(STAGE) $(ARGS)

lock: ## choose dependency versions anew and write every locked file; ARGS=--upgrade
	@$(SETUP) tools
	@$(BIN)/uv lock --default-index $(INDEX) $(ARGS)
	@echo "# Written by make lock." >layers/dependencies/requirements.txt
	@$(BIN)/uv export --frozen --only-group layer --no-hashes --no-annotate --no-header \
		--no-emit-package opensearch-protobufs --no-emit-package grpcio --no-emit-package protobuf 2>/dev/null \
		>>layers/dependencies/requirements.txt
	@$(BIN)/uv export --frozen --extra neptune --no-default-groups --no-hashes --no-annotate --no-header \
		--no-emit-project --no-emit-package gremlinpython 2>/dev/null >.venv/locked.txt
	@{ echo "# Written by make lock."; echo "$(GREMLIN37)" | $(COMPILE_GREMLIN) -; } >layers/gremlin37/requirements.txt
	@{ echo "# Written by make lock."; echo "$(GREMLIN38)" | $(COMPILE_GREMLIN) -; } >layers/gremlin38/requirements.txt
	@echo "$(SAM_CLI)" | $(COMPILE) --output-file scripts/sam-requirements.txt - >/dev/null
	@echo "$(MEM0)" | $(COMPILE) $(addprefix --no-emit-package ,$(UNUSED_BY_MEM0)) --output-file scripts/mem0-requirements.txt - >/dev/null
	@echo "$(MEM0_CLI)" | $(COMPILE) --output-file scripts/mem0-cli-requirements.txt - >/dev/null
	@$(COMPILE) --output-file scripts/langgraph-requirements.txt - <examples/langgraph_agent/requirements.txt >/dev/null
	@echo "$(GREMLIN38)" | $(COMPILE) --output-file scripts/gremlin38-requirements.txt - >/dev/null
	@printf '%s\n' $(PEER_MEM0) | $(COMPILE) --output-file $(PEERS)/mem0.txt - >/dev/null
	@echo "$(STOP_WORDS)" | $(COMPILE_ALONE) - >>$(PEERS)/mem0.txt
	@printf '%s\n' $(PEER_LANGGRAPH) | $(COMPILE) --output-file $(PEERS)/langgraph.txt - >/dev/null
	@echo "$(SQLITE)" | $(COMPILE_ALONE) - >>$(PEERS)/langgraph.txt
	@echo "$(PEER_LANCEDB)" | $(COMPILE) --output-file $(PEERS)/lancedb.txt - >/dev/null
	@for each in tests/conformance/node-*; do npm install --package-lock-only --prefix "$$each" >/dev/null; done

clean: ## delete everything these commands made, but no data
	@[ ! -d .engines ] || $(or $(wildcard $(BIN)/python),python3) -m scripts.engines remove
	@rm -rf .node-mem0 .venv .venv-gremlin38 .venv-langgraph .venv-mem0 .venv-mem0-cli .venv-peers .venv-sam .aws-sam .setup.log build dist .coverage .coverage.* \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find shared functions tests benchmarks evals -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
