# Ostiary's commands for people who work on it. `just` without a name shows them.

set shell := ["bash", "-euo", "pipefail", "-c"]

export PATH := justfile_directory() / ".venv/bin" + ":" + env("PATH")

[private]
default:
    @just --list --unsorted

# install what is needed to work on Ostiary into .venv
[group('install')]
dev:
    @tools/install.sh dev

# write the hash-pinned locks anew (`just lock --upgrade` takes newer versions)
[group('install')]
lock *options:
    @tools/lock.sh {{ options }}

# everything that CI does, in the same order
[group('check')]
check: dev
    @tools/check.sh

# ruff: rules and format
[group('check')]
lint:
    @tools/check.sh lint

# mypy, strict
[group('check')]
types:
    @tools/check.sh types

# import-linter: the rooms stand in their order
[group('check')]
rooms:
    @tools/check.sh rooms

# deptry: what is imported is declared, what is declared is imported
[group('check')]
deps:
    @tools/check.sh deps

# the documentation builds and every link in it resolves
[group('check')]
docs:
    @tools/check.sh docs

# the tests, or those named: `just test tests/unit/policy`
[group('check')]
test *paths:
    @PYTEST_ARGS='{{ paths }}' tools/check.sh tests

# the tests, drawing more where they draw (an hour or so), or those named: `just long tests/stories`
[group('check')]
long *paths:
    @OSTIARY_LONG_TESTS=1 PYTEST_ARGS='{{ paths }}' tools/check.sh tests

# fuzz every parser of outside bytes, ten minutes each, or those named: `just fuzz --minutes 1 token dpop`
[group('check')]
fuzz *options:
    @python tools/fuzz.py {{ options }}

# ask every route of the server odd things for so many seconds
[group('check')]
fuzz-faces seconds='600':
    @OSTIARY_FACES_S={{ seconds }} OSTIARY_FACES_SEED=$RANDOM python -m pytest -q -o timeout=0 tests/conformance/test_faces_never_break.py

# a data directory of an older commit under this code, and old code on this schema (`just upgrade COMMIT`)
[group('check')]
upgrade *commit:
    @python tools/upgrade.py {{ commit }}

# pictures of every page of the console into docs/assets/screens: light, dark, and as a phone shows it
[group('write')]
screenshots *options:
    @python tools/screenshots.py {{ options }}

# mend what ruff can mend by itself
[group('write')]
format:
    ruff check --fix .
    ruff format .

# begin a new thing: `just new signal NAME` writes the file, its test, a docs row and a changelog fragment
[group('write')]
new kind name:
    @python tools/new_{{ kind }}.py {{ name }}

# a release into dist/: wheel and sdist (built twice and compared), SBOM; KEY=release.key signs it
[group('write')]
release:
    @tools/release.sh

# the pages that are made from the code: signals, configuration, mappings
[group('write')]
pages:
    @python tools/write_signal_docs.py
    @python tools/write_coverage_docs.py
    @python tools/write_config_docs.py
    @python tools/write_mapping_docs.py
    @python tools/write_session_docs.py
    @python tools/write_log_type_docs.py
    @python tools/sbom.py --licences
    @python tools/write_control_docs.py

# read the documentation at http://127.0.0.1:8000 while writing it
[group('write')]
read:
    mkdocs serve

# the changelog of the fragments so far
[group('write')]
changelog:
    towncrier build --draft --version next

# run Ostiary embedded
[group('run')]
up *options:
    @ostiary up {{ options }}

# measure a decision
[group('run')]
bench name='decide' *options:
    @ostiary bench {{ name }} {{ options }}
