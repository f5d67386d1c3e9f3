# SPDX-License-Identifier: GPL-3.0-or-later
# Two commands matter: `make demo` and `make test`. `make help` lists the rest.

RUN := tests/tools/run
GATE := $(RUN) python tests/tools/gate.py
# LAB=no leaves out what needs root and real clusters.
LAB ?= yes

.DEFAULT_GOAL := help
.PHONY: help demo test nightly lint unit sanity emulator lab bench bench-modules env teardown down clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: ## build and start the lab, make a mesh of three clusters in it, show the page
	@$(RUN) sh tests/tools/demo.sh

test: ## every check there is, in this order: lint unit sanity emulator lab
	@$(GATE) test --lab=$(LAB)

lint: ## ruff, mypy, yamllint, ansible-lint, licences, changelog
unit: ## unit tests: seconds
sanity: ## ansible-test sanity; the artifact built, installed and documented
emulator: ## Google's clients against the emulated APIs, no root needed
lab: ## molecule and the playbooks on real clusters; needs root
lint unit sanity emulator lab:
	@$(GATE) $@

nightly: ## the properties of the modules with a thousand examples each: a quarter of an hour
	@HYPOTHESIS_PROFILE=nightly $(RUN) python -m pytest -q tests/unit tests/lab/modules

bench: ## measure the playbooks in the lab and print a table
	@$(RUN) python -m tests.bench.bench

bench-modules: ## measure gke_cluster and mesh_firewall on 100 clusters, beside google.cloud's; no root needed
	@$(RUN) python -m tests.bench.modules

env: ## what to evaluate in a shell to use ansible-playbook, gkelab and kubectl by hand
	@$(RUN) sh tests/tools/exports.sh

teardown: ## take the mesh in the lab apart; the lab stays up
	@$(RUN) ansible-playbook -i inventory/lab.yml playbooks/teardown.yml

down: ## take the lab down
	@$(RUN) gkelab down

clean: down ## take the lab down and forget the Python environment
	@$(RUN) python tests/tools/environment.py forget
