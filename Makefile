# Two commands: `make up` runs Ostiary, `make test` checks everything. Only python3 (3.11 or newer) is assumed.
# More for people who work on it: .venv/bin/just
.PHONY: help up test dev lock clean

help:
	@echo "make up     install into .venv and run everything in one process (ARGS=... goes to 'ostiary up')"
	@echo "make test   install with the tools and do everything that CI does"
	@echo "make dev    only install with the tools; then .venv/bin/just shows the rest"
	@echo "make lock   write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade for newer versions)"
	@echo "make clean  remove .venv and everything that was built"

up:
	@tools/install.sh run
	@exec .venv/bin/ostiary up $(ARGS)

test:
	@tools/packages.sh >/dev/null 2>&1 & tools/install.sh dev && tools/check.sh

dev:
	@tools/install.sh dev

lock:
	@tools/lock.sh $(ARGS)

clean:
	rm -rf .venv build dist site src/ostiary/_compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
