# The tasks of everyday work; `make` lists them.  The environment: source scripts/env.sh

.PHONY: help check quick test docs reference lock hooks demo

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
