# The tasks of everyday work; `make` lists them.  The environment: source scripts/env.sh

.PHONY: help check quick test coverage docs reference lock hooks demo

help: ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: ## lint, types, documents
	ruff check .
	ruff format --check .
	mypy
	python -m pytest -q tests/guarantees/test_documents.py tests/guarantees/test_architecture.py

quick: ## the one-minute tests
	python -m pytest -q tests/rules tests/schemas tests/catalog tests/stages/test_shard.py tests/stages/test_spans.py

test: ## everything, as CI runs it
	bash scripts/test.sh

coverage: ## which lines the tests of TESTS run, child processes too (TESTS=tests/lint)
	mkdir -p build/coverage && coverage erase
	coverage run -m pytest -q $(TESTS)
	coverage combine -q && coverage report --skip-covered

docs: ## the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

reference: ## write derived pages and schemas anew
	python -m ver_pipeline.schemas.derive
	python -m ver_pipeline.reference

lock: ## lock dependencies anew
	bash scripts/lock.sh

hooks: ## install the pre-commit hooks
	pre-commit install

demo: ## the sample data set
	bash scripts/demo.sh
