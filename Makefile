# The front door. Every target sets up what it needs: uv, the Python packages, and for the lab its image and its hosts.

ESTATE      ?= lab
SERVICE     ?= all
TAG         ?=
PYTEST_ARGS ?=
FAULT       ?=
THING       ?=
FORMAT      ?= nagios
PARTS       ?=
PART        ?=
TURN        ?=

# What comes from outside is text and nothing else, before anything is run: make expands a variable, and so runs a $(shell ..) in
# it, wherever it is used, and for each command that it exports it to. So whatever stands on make's command line, and these
# ten from wherever they come, become simple variables of the text that they are; commands read them from their environment.
TYPED   := $(foreach any,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(any)))),$(any)))
OUTSIDE := ESTATE SERVICE TAG PYTEST_ARGS FAULT THING FORMAT PARTS PART TURN
$(foreach name,$(OUTSIDE) $(TYPED),\
  $(eval override $(name) := $$(value $(name))))
export $(OUTSIDE)

# What is typed wrong is refused before anything is run: else `make gate service=backend` would deploy all of the services, and
# `make gate backend` would say only afterwards that it knows no backend.
TARGETS := $(shell awk -F: '/^[a-z-]+:/{print $$1}' $(firstword $(MAKEFILE_LIST)))
KNOWN   := $(OUTSIDE) UV XDG_CACHE_HOME MAKEFLAGS
quoted   = '$(subst ','\'',$(1))'
# The one of the words $(2) that $(1) is nearest to, in the letters of these words; empty where none is near.
nearest  = $(shell python3 -c 'import difflib, sys; w = {o.lower(): o for o in sys.argv[2:]}; \
  print(*[w[o] for o in difflib.get_close_matches(sys.argv[1].lower(), list(w), 1)])' $(call quoted,$(1)) $(2))
define unknown
$(1): there is no such $(2)
  hint: say $(3)
endef
$(foreach name,$(filter-out $(KNOWN),$(TYPED)),\
  $(error $(call unknown,$(name)=,variable,$(or $(call nearest,$(name),$(OUTSIDE)),one of $(OUTSIDE)))))
$(foreach name,$(filter-out $(TARGETS) %/uv/bin/uv,$(MAKECMDGOALS)),$(error $(call unknown,$(name),target,$(or \
  $(if $(filter $(name),all backend fleet dialler console),SERVICE=$(name)),$(call nearest,$(name),$(TARGETS)),one that make help lists))))

CACHE := $(or $(value XDG_CACHE_HOME),$(value HOME)/.cache)/voxgate
UV    := $(or $(shell command -v uv 2>/dev/null),$(CACHE)/uv/bin/uv)
RUN   := $(UV) run --locked --quiet
LAB   := $(if $(filter lab,$(ESTATE)),lab-up,)
THERE := $(if $(filter lab,$(ESTATE)),lab-there,)
SUDO  := $(if $(filter 0,$(shell id -u)),,sudo)
export UV_PYTHON_DOWNLOADS := never
# A start that compiles everything anew takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

# The words of PYTEST_ARGS are taken as a shell takes them, but nothing in them is run.
TESTS   = $(RUN) python -m voxgate.cli.door
PYTEST  = $(TESTS) --estate "$$ESTATE"
DEPLOY  = --deploy "$$SERVICE$${TAG:+=$$TAG}"

PINS    = $(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --output-file

# Debian's packages for the commands that are missing; $(1) = COMMAND:PACKAGE .. Java cannot be configured without man1, which
# Debian's images for containers leave out.
define debian
missing=''; for pair in $(1); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
if [ -n "$$missing" ]; then echo "installing$$missing (Debian)"; \
  if [ -n "$(SUDO)" ] && ! command -v sudo >/dev/null; then echo "make: that needs root or sudo" >&2; exit 2; fi; \
  $(SUDO) mkdir -p /usr/share/man/man1; $(SUDO) apt-get update -q >/dev/null; \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; fi
endef

.DEFAULT_GOAL := help
.PHONY: $(TARGETS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  ESTATE=lab|staging|..  SERVICE=all|backend|fleet|dialler|console|backend,fleet  TAG=vox-..|main  PYTEST_ARGS=..'

gate: setup $(LAB) ## deploy SERVICE at TAG (default: the newest release on main) to ESTATE, judge, promote or go back
	@$(PYTEST) $(DEPLOY)

plan: setup $(THERE) ## print what `make gate` would do: hosts, order, exact commands, way back, unknowns; touches nothing
	@$(PYTEST) $(DEPLOY) --plan -q

recover: setup $(THERE) ## bring to its end what a killed or cut-off run left open on ESTATE, and judge it
	@$(PYTEST) --recover --wait 600

history: setup $(THERE) ## what was deployed on ESTATE, when, by whom, with which verdict: from the hosts' own ledgers
	@$(PYTEST) --history -q

releases: setup $(THERE) ## what may be deployed on ESTATE: the releases on main, which of them runs where, which is last known good
	@$(PYTEST) --releases -q

verify: setup $(THERE) ## only look: judge what runs on ESTATE, change nothing
	@$(PYTEST)

rollback: setup $(THERE) ## put the release before the last known good of SERVICE back (or TAG), and judge it as any deploy
	@$(PYTEST) --rollback "$$SERVICE$${TAG:+=$$TAG}"

report: setup $(THERE) ## look at ESTATE and make the full report with its Allure page
	@$(PYTEST) --html always

docs: setup ## write what is made from the code: pages of docs/, the evidence's schema
	@$(RUN) pytest --invariants=markdown > docs/INVARIANTS.md
	@$(RUN) pytest --invariants=threats > docs/THREATS.md
	@$(RUN) lab faults --write >/dev/null
	@$(RUN) lab ordinary --write
	@$(RUN) --group stores python -m tests.messages > docs/MESSAGES.md
	@$(RUN) --group stores python -m tests.refused > docs/REFUSED.md
	@$(RUN) python -m tests.planned > docs/PLAN.md
	@$(RUN) python -m tests.limits > docs/LIMITS.md
	@$(RUN) python -m bench.page
	@$(RUN) python -m voxgate.survey.document > schemas/evidence.schema.json

invariants: setup ## print the catalogue of invariants from the code, and write docs/INVARIANTS.md
	@mkdir -p docs
	@$(RUN) pytest --invariants=markdown > docs/INVARIANTS.md
	@$(RUN) pytest --invariants

watch: setup $(THERE) ## look at ESTATE for a monitor: FORMAT=nagios|json|prometheus, and what changed since it last held
	@$(RUN) voxgate watch --estate "$$ESTATE" --format "$$FORMAT"

probe-update: setup $(THERE) ## bring this voxgate's probe and builder to the hosts of ESTATE, as its [estate] admin
	@$(RUN) voxgate enrol --update --estate "$$ESTATE"

attach: setup ## put the newest report and its verdict to its releases on Bitbucket (token: BITBUCKET_TOKEN)
	@$(RUN) voxgate attach

merge: setup ## join the runs in PARTS ('DIR DIR ..', made with --shard or --hosts) into one verdict and one report
	@$(RUN) voxgate merge "$$PARTS"

lab-up: setup ## build (once) and boot the embedded estate: real systemd hosts on this machine
	@$(RUN) lab up

lab-there: # what looks at the lab, or goes back on it, builds none: else it would take away what it is about
	@$(RUN) lab status --quiet

lab-down: setup ## take the embedded estate down, without a trace
	@$(RUN) lab down

faults: setup lab-up ## prove that each invariant can fail: break the lab, look, compare exactly, mend (FAULT=name: one; TURN=2/3: a part)
	@$(RUN) lab test-faults --turn "$$TURN" "$$FAULT"

ordinary: setup lab-up ## prove that all holds with what is ordinary on hosts: put it there, look, take it away (THING=name: one; TURN=2/3: a part)
	@$(RUN) lab ordinary --turn "$$TURN" "$$THING"

# Each word is a lane, a lab of its own; what several of them have they share, whoever is free takes the next. With two
# processors there are two: a third left none of them idle, and only raised the load (to 25 and more).
LANES = $(RUN) python -m tests.lab.lanes lane "$(MAKE)"
# Targets at once, which share two processors better than one after the other. What they install of Debian is there before.
AT_ONCE = $(MAKE) --no-print-directory --keep-going --jobs=3

proofs: setup ## the faults, the ordinary things and the drills, all of them, on two labs side by side
	@$(LANES) "faults ordinary drills" drills

# Of all that needs a lab a third, another one with each commit: the rest takes two hours more, in which whatever is red is not told.
ci: setup tools ## what CI runs: lint, all unit tests, and of all that needs a lab the third whose turn it is
	@$(AT_ONCE) lint unit
	@TURN="$${TURN:-$$(($$(git rev-list --count HEAD || echo 0) % 3 + 1))/3}" $(LANES) "end-to-end drills" "faults ordinary end-to-end drills"

test: setup tools ## everything: lint, types, layers, unit tests, and the lab end to end, on two labs side by side
	@$(AT_ONCE) lint unit end-to-end-shared

lint: setup ## ruff, mypy strict, import layers, the Jenkinsfiles
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(MAKE) --no-print-directory lint-groovy

lint-groovy: setup java ## the Jenkinsfiles by npm-groovy-lint, by the rules in .groovylintrc.json
	@$(RUN) python -m tests.groovy.lint

quick: setup ## the lint of Python, and the unit tests of what is changed since main
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports >/dev/null
	@$(RUN) --group stores python -m tests.quick

unit: setup tools ## voxgate's own tests that need no host
	@$(RUN) --group stores python -m voxgate.cli.door tests/unit -n 2 --assertions check

assertions: setup ## see each assertion of the rules failing, by the unit tests that judge: docs/ASSERTIONS.md has which
	@$(RUN) --group stores python -m voxgate.cli.door tests/unit/suites -n 2 --assertions write

mutants: setup tools ## put small mistakes into rules and deploy code, one at a time: reports/mutants.md (PART='--seed 1 --count 60')
	@$(RUN) --group stores python -m tests.mutants "$$PART"

drills: setup ## the gate killed, paused, cut off, raced at every point: reports/drills/drills.json (TURN=2/3: a part)
	@$(TESTS) tests/lab/drills

bench: setup tools lab-up ## how long it all takes, beside other tools: docs/PERFORMANCE.md (PART='tools judging', PART=--quick)
	@UV="$(UV)" $(RUN) python -m bench "$$PART"

end-to-end: setup ## voxgate's own tests against the lab: good and bad releases, look only, xdist, offline (TURN=2/3: a part)
	@$(TESTS) tests/lab --ignore=tests/lab/drills --durations=12 --durations-min=20

end-to-end-shared: setup # the same, by two labs
	@$(LANES) end-to-end end-to-end

tools: java # what voxgate's own tests use of Debian: a browser for the report, an SSH server for the transport
	@$(call debian,chromium:chromium /usr/sbin/sshd:openssh-server ssh-agent:openssh-client sudo:sudo git:git)

java: # what npm-groovy-lint runs in; Node comes with the Python packages
	@$(call debian,java:default-jre-headless)

# Packages of a group that a target beside this one runs with stay: with --exact they would go under its feet.
setup: $(UV) ## uv and the Python packages, as uv.lock says
	@$(UV) sync --locked --quiet --inexact

$(CACHE)/uv/bin/uv:
	@echo "installing uv into $(CACHE)/uv"
	@python3 -m venv $(CACHE)/uv 2>/dev/null || { \
	  echo "installing python3-venv (Debian)"; \
	  if [ -n "$(SUDO)" ] && ! command -v sudo >/dev/null; then \
	    echo "make: python3 -m venv does not work here, and without root or sudo python3-venv cannot be installed" >&2; exit 2; fi; \
	  $(SUDO) apt-get update -q >/dev/null; $(SUDO) apt-get install -y -q python3-venv >/dev/null; \
	  python3 -m venv --clear $(CACHE)/uv; }
	@$(CACHE)/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r uv-pin.txt
	@echo 'to type uv yourself: export PATH="$$PATH:$(CACHE)/uv/bin"'

pins: setup ## name uv anew, and the tools of the lab's image, by version and by the hashes of all platforms
	@echo 'uv>=0.9,<1' | $(PINS) uv-pin.txt -
	@for name in wheels stores; do $(PINS) lab/recipe/$$name.lock.txt lab/recipe/$$name.txt || exit; done

fresh: ## forget the runs of earlier builds, keep their history and the watch's: what stands in reports/ is this build's
	@rm -rf reports/20* reports/latest reports/latest-deploy

clean: ## remove what was made here: reports, caches of the tools, the environment
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/20* reports/latest reports/latest-deploy reports/history-*
