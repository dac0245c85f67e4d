# Every command of this repository: people, .ci/run and the workflows call these targets and nothing else.
# What NAME=1 switches on (also yes, true), NAME=0 switches off (no, false, nothing); anything else is refused (gitops/switch.py).

.DEFAULT_GOAL := help
.PHONY: help demo smoke doctor test test-all test-weekly test-machine test-manifests fuzz pythons lint types check diff ci-jobs ci-result comment pull-request pull-requests-allowed github-settings report bench bench-quick bench-start bench-check bench-diff seal seal-cert scan promote promote-aliases promotion-prepare promotion-patch promotion-apply new-overlay new-graph graph-answer train adopt up release-plan release-record pin unpin wait-for-check image image-seldon-core image-compare image-test image-push image-tag image-sign image-verify github-release cluster-test e2e e2e-cluster e2e-logs docs docs-site proto lock clean

# An empty value counts as none.
override PORT := $(or $(PORT),8080)
# What answers in the containers of demo and smoke: the server, or its component class in seldon-core-microservice.
override RUNTIME := $(or $(RUNTIME),server)

# What the targets image… build and run, with what engine, and more options for build and run (docs/image.md).
IMAGE ?= seldon-mlflow-server:dev
SELDON_CORE_IMAGE ?= seldon-mlflow-server-seldon-core:dev
override DOCKER := $(or $(DOCKER),docker)
export IMAGE SELDON_CORE_IMAGE DOCKER
# What makes a fork one's own beside its names (adopt, up). IMAGE only if somebody gave it.
own = $${NAMESPACE:+--namespace "$$NAMESPACE"} $(if $(filter file,$(origin IMAGE)),,$${IMAGE:+--image "$$IMAGE"}) \
	$${IMAGE_REPOSITORY:+--image-repository "$$IMAGE_REPOSITORY"} $${EXAMPLES:+--examples "$$EXAMPLES"}

# Interpreters are those of the machine, or brought by `make pythons`, or by tools/bootstrap.sh for .venv, which gets the
# user's own UV_PYTHON_DOWNLOADS; everything else lies in this folder.
uv := UV_PYTHON_DOWNLOADS='$(UV_PYTHON_DOWNLOADS)' sh tools/bootstrap.sh
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# What runs on this machine is asked without a proxy, whichever the machine has for all else.
comma := ,
unproxied := $(or $(NO_PROXY),$(no_proxy))
export NO_PROXY := $(if $(filter *,$(unproxied)),*,$(unproxied)$(if $(unproxied),$(comma))127.0.0.1,localhost,::1)
export no_proxy := $(NO_PROXY)
# Packages of another Python are none of this environment's.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH
# Hundreds of programs are started by the tests: without byte code each compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

python := .venv/bin/python
# What .venv holds: all that development needs, or one dependency group, such as gitops, which renders and compares.
override DEPENDENCIES := $(or $(DEPENDENCIES),dev)
# Made anew when what is locked changes; make compares times, so a warm start asks nobody.
environment := .venv/.synced-$(DEPENDENCIES)

help: ## print this list
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A target that is none, such as a folder: the one that was meant.
folders := $(filter-out docs,$(patsubst %/,%,$(wildcard */)))
.PHONY: $(folders)
.DEFAULT $(folders):
	@sh tools/bootstrap.sh --python -c 'import difflib, sys; name, *known = sys.argv[1:]; near = difflib.get_close_matches(name, known, 1); \
		sys.exit(f"error: there is no target {name!r}; " + (f"did you mean `make {near[0]}`?" if near else "`make help` lists all"))' \
		'$@' $$(sed -n 's/^\([a-z0-9-]*\):.*## .*/\1/p' Makefile)

##@ Run here

demo: $(environment) ## run the overlays on this machine until Ctrl-C, at http://127.0.0.1:8080 (or PORT=…; RUNTIME=seldon-core; MONITORING=1)
	@$(python) -m gitops demo --port $(PORT) --runtime $(RUNTIME) $${MONITORING:+--monitoring "$$MONITORING"}

smoke: $(environment) ## run the overlays, compare their answers with expected.json, stop
	@$(python) -m gitops smoke --runtime $(RUNTIME)

# Before .venv is there, any Python that is new enough looks at what it can.
doctor: ## say what is missing or needs care on this machine, in this fork and (KUBECONFIG) in this cluster, and what to do (JSON=1)
	@PORT=$(PORT) $(or $(wildcard $(python)),sh tools/bootstrap.sh --python) -m gitops doctor $${JSON:+--json "$$JSON"}

##@ Test, check and review

test: lint types scan check ## lint, types, scan, check and the quick tests
	$(python) -m pytest --quiet -m "not long and not image and not cluster" --numprocesses 3 --dist loadgroup

test-all: $(environment) ## the tests that take long (SHARD=1/3: the first of three parts that take equally long)
	$(python) -m pytest --quiet -m "long and not weekly and not image and not cluster" --numprocesses 3 --dist loadgroup --no-loadscope-reorder $${SHARD:+--shard "$$SHARD"} || test $$? -eq 5 # 5: there are none

# What makes up its input is run by `make fuzz`.
test-weekly: $(environment) ## the tests that take longest: every version of MLflow, the quick tests in a fork (SHARD=1/2)
	$(python) -m pytest --quiet -m "weekly and not hypothesis" --numprocesses 3 --dist loadgroup --no-loadscope-reorder $${SHARD:+--shard "$$SHARD"}

test-machine: $(environment) ## doctor, check, smoke, the promotion of an own model and the quick tests: all of it, and how long each takes
	@$(python) -m tests.machine

test-manifests: $(environment) ## write tests/manifests again, the copy of manifests and examples that the tests run on
	@$(python) -m tests.project

fuzz: $(environment) ## give parsers and codecs more, and other, input than `make test` does
	$(python) -m pytest --quiet -m "hypothesis and not image and not cluster" --hypothesis-profile fuzz --numprocesses 2 --dist loadgroup

pythons: $(environment) ## bring the Pythons that the tests run models on, where they are missing
	@$(python) -m tests.pythons

lint: $(environment) ## style of Python, YAML, the workflows and the Dockerfile
	$(python) -m ruff check --quiet .
	$(python) -m ruff format --quiet --check .
	$(python) -m yamllint --strict .
	$(python) -m gitops lint-workflows
	.venv/bin/hadolint Dockerfile

types: $(environment) ## mypy --strict, for Linux and for macOS
	$(python) -m mypy --no-error-summary
	$(python) -m mypy --no-error-summary --platform darwin --cache-dir .mypy_cache/darwin

check: $(environment) ## every kustomization builds, and what it renders is right (BASE=…: what that revision has too fails nothing; JSON=1)
	@$(python) -m gitops check $${BASE:+--base "$$BASE"} $${JSON:+--json "$$JSON"}

diff: $(environment) ## what this work tree renders otherwise than BASE=…, as Markdown (and whole in the file OUTPUT=…; CHECK=1: with what check finds, as SARIF in the file SARIF=…; JSON=1)
	@$(python) -m gitops diff --base "$$BASE" $${OUTPUT:+--output "$$OUTPUT"} $${LIMIT:+--limit "$$LIMIT"} $${CHECK:+--check "$$CHECK"} $${SARIF:+--sarif "$$SARIF"} $${JSON:+--json "$$JSON"}

##@ In workflows and on GitHub

ci-jobs: ## say what ci.yml runs for the event (in a workflow; needs python3 alone)
	@python3 -m gitops.github.ci jobs

ci-result: ## fail unless every job of NEEDS succeeded or had nothing to do (in a workflow)
	@python3 -m gitops.github.ci result

comment: $(environment) ## write BODY=file as the one comment of PULL_REQUEST=number (in a workflow)
	@$(python) -m gitops comment -- "$$PULL_REQUEST" "$$BODY"

pull-request: $(environment) ## propose what changed here: BRANCH=… TITLE=… BODY=file (VOID=close: or close the old one)
	@$(python) -m gitops pull-request $${VOID:+--void "$$VOID"} -- "$$BRANCH" "$$TITLE" "$$BODY"

pull-requests-allowed: $(environment) ## fail where this repository keeps GITHUB_TOKEN from making pull requests
	@$(python) -m gitops pull-requests-allowed

github-settings: $(environment) ## set the repository on GitHub as the workflows need it (DRY_RUN=1: say what differs; needs gh)
	@$(python) -m gitops github-settings

report: $(environment) ## say in the one issue of scheduled workflows which jobs of NEEDS failed (in a workflow)
	@$(python) -m gitops report

##@ Measure

bench: $(environment) ## how fast the server is beside its peers; writes docs/benchmark.md (needs h2load, 15 min, a quiet machine)
	@$(python) -m benchmarks.serving

bench-quick: $(environment) ## the same beside the stock wrapper only, in 2 min; writes nothing
	@$(python) -m benchmarks.serving --quick

bench-start: $(environment) ## how long a model's start takes, beside pip and a bare import of its library
	@$(python) -m benchmarks.start

bench-check: $(environment) ## how long check takes over 200 overlays; fails over 15 s
	@$(python) -m benchmarks.check

bench-diff: $(environment) ## how long diff takes over 200 overlays; fails over 15 s
	@$(python) -m benchmarks.diff

##@ Secrets

seal: $(environment) ## seal the secrets that the overlays need (or SECRET=…) to the committed certificate
	@$(python) -m gitops seal $(SECRET)

seal-cert: $(environment) ## fetch that certificate from the cluster of KUBECONFIG (or FROM=file or URL)
	@$(python) -m gitops seal-cert $${FROM:+--from "$$FROM"}

scan: $(environment) ## no secret lies in the tree (JSON=1)
	@$(python) -m gitops scan $${JSON:+--json "$$JSON"}

##@ Models

promote: $(environment) ## pin MODEL=models:/name@alias (or s3://…) in OVERLAY=… (EXAMPLE=file.json or none; FORCE=1: whatever its graph)
	@$(python) -m gitops promote $${EXAMPLE:+--example "$$EXAMPLE"} $${FORCE:+--force "$$FORCE"} -- "$$OVERLAY" "$$MODEL"

promote-aliases: $(environment) ## promote anew what came from an alias of the registry that has moved since
	@$(python) -m gitops promote-aliases

promotion-prepare: $(environment) ## fetch into FOLDER=… what moved, with VARIABLES and SECRETS; run none of it (in a workflow)
	@$(python) -m gitops promotion-prepare -- "$$FOLDER"

promotion-patch: $(environment) ## run and promote what is in FOLDER=…, and write that to PATCH=file (in a workflow)
	@$(python) -m gitops promotion-patch -- "$$FOLDER" "$$PATCH"

promotion-apply: $(environment) ## write what PATCH=file promotes into the overlays, and run nothing (in a workflow)
	@$(python) -m gitops promotion-apply -- "$$PATCH"

new-overlay: $(environment) ## add the deployment NAME=… of one node (TYPE=TRANSFORMER …; PROTOCOL=v2; MODEL=… and EXAMPLE=… to promote at once)
	@$(python) -m gitops new-overlay $${TYPE:+--type "$$TYPE"} $${PROTOCOL:+--protocol "$$PROTOCOL"} $${MODEL:+--model "$$MODEL"} $${EXAMPLE:+--example "$$EXAMPLE"} -- "$$NAME"

new-graph: $(environment) ## add the graph NAME=… of the overlays NODES=…,…, in the order that a request, then its answer, pass them
	@$(python) -m gitops new-graph -- "$$NAME" "$$NODES"

graph-answer: $(environment) ## run the graph OVERLAY=… on this machine and write its answer to its expected.json
	@$(python) -m gitops graph-answer -- "$$OVERLAY"

train: $(environment) ## train the example models again and pin their digests in the overlays
	@$(python) -m gitops train

##@ Fork and cluster

adopt: $(environment) ## make a fork one's own: OWNER=… REPO=… on GitHub, BUCKET=… for models (NAMESPACE=…; IMAGE=…@sha256:… builds none; EXAMPLES=no)
	@$(python) -m gitops adopt $(own) -- "$$OWNER" "$$REPO" "$$BUCKET"

up: $(environment) ## all that leads from a fork to answers, again from where it stopped: BUCKET=… and what adopt takes (DRY_RUN=1: say it)
	@$(python) -m gitops up $(own) $${OWNER:+--owner "$$OWNER"} $${REPO:+--repo "$$REPO"} $${BUCKET:+--bucket "$$BUCKET"} $${DRY_RUN:+--dry-run "$$DRY_RUN"} $${UNSIGNED:+--unsigned "$$UNSIGNED"} $${MINUTES:+--minutes "$$MINUTES"}

##@ Release

release-plan: $(environment) ## say whether the image must be built anew (REBUILD=1: in any case; BRANCH=… has the proposal; JSON=1)
	@$(python) -m gitops release-plan $${BRANCH:+--branch "$$BRANCH"} $${JSON:+--json "$$JSON"}

release-record: $(environment) ## write into OUTPUT=file what the build of this checkout, MANIFESTS="OCI archives", is
	@$(python) -m gitops release-record -- "$$OUTPUT" $$MANIFESTS

pin: $(environment) ## verify the released image IMAGE_DIGEST=sha256:… (UNSIGNED=1: do not) and pin it; built elsewhere: RECORD=file (OVERLAY=…: there alone)
	@$(python) -m gitops pin $${UNSIGNED:+--unsigned "$$UNSIGNED"} $${REF:+--ref "$$REF"} $${RECORD:+--record "$$RECORD"} $${OVERLAY:+--overlay "$$OVERLAY"} $${BRANCH:+--branch "$$BRANCH"} -- "$$IMAGE_DIGEST"

unpin: $(environment) ## let OVERLAY=…, which pins an image of its own, follow base again
	@$(python) -m gitops unpin -- "$$OVERLAY"

wait-for-check: $(environment) ## wait until CHECK=… of COMMIT=… has succeeded, for MINUTES=60 at most (in a workflow)
	@$(python) -m gitops wait-for-check $${MINUTES:+--minutes "$$MINUTES"} -- "$$COMMIT" "$$CHECK"

image: ## build the image as IMAGE=… (OPTIONS="--build-arg …")
	DOCKER_BUILDKIT=1 $(DOCKER) build --tag $(IMAGE) $(OPTIONS) .

image-seldon-core: ## build the stock wrapper with the component class as SELDON_CORE_IMAGE=…
	DOCKER_BUILDKIT=1 $(DOCKER) build --target seldon-core --tag $(SELDON_CORE_IMAGE) $(OPTIONS) .

image-compare: $(environment) ## say which files IMAGE=… and OTHER=… hold otherwise, two builds of the same
	@$(python) -m tests.image "$$IMAGE" "$$OTHER"

image-test: $(environment) ## run both, locked down, against a store on loopback (OPTIONS=… for docker run)
	OPTIONS="$(OPTIONS)" $(python) -m pytest --quiet -m image

image-push: $(environment) ## push MANIFESTS="OCI archives" to the repository IMAGE=ghcr.io/… by digest, without a tag
	@$(python) -m gitops image-push -- "$$IMAGE" $$MANIFESTS

image-tag: $(environment) ## give the pushed IMAGE=…@sha256:… the TAGS="…" (MOVE=1: even those of another image)
	@$(python) -m gitops image-tag $${MOVE:+--move "$$MOVE"} -- "$$IMAGE" $$TAGS

image-sign: ## sign the pushed IMAGE=…@sha256:… in the name of the workflow (needs cosign; PRIVATE=1: only with SIGN_IN_PUBLIC_LOG=1)
	@private=$$(python3 -m gitops.switch PRIVATE) && public=$$(python3 -m gitops.switch SIGN_IN_PUBLIC_LOG) && \
	if [ "$$private $$public" = "on off" ]; then \
		echo "not signed: repository and commit of a private repository would stand in the public transparency log (SIGN_IN_PUBLIC_LOG=1 signs)"; \
	else \
		cosign sign --yes "$$(printf %s "$$IMAGE" | tr A-Z a-z)"; \
	fi

image-verify: $(environment) ## verify that the release workflow made the pinned images (or IMAGE=…@sha256:…; REF=refs/tags/v…)
	@$(python) -m gitops image-verify $${REF:+--ref "$$REF"} -- $(if $(filter file,$(origin IMAGE)),,"$$IMAGE")

github-release: ## make the GitHub release of TAG=… with notes, and its image IMAGE_DIGEST=… (in a workflow)
	owner=$$(printf %s "$$GITHUB_REPOSITORY_OWNER" | tr A-Z a-z) && gh release create "$$TAG" --verify-tag --generate-notes \
		--notes "The image is \`ghcr.io/$$owner/seldon-mlflow-server@$$IMAGE_DIGEST\`."

##@ On a cluster

cluster-test: $(environment) ## run IMAGE=…@sha256:… on the cluster of KUBECONFIG (docs/cluster.md)
	$(python) -m pytest --quiet -m cluster

# IMAGE only if somebody gave it: the cluster pulls no image of this machine.
e2e: $(environment) ## try the overlays on the cluster of KUBECONFIG, in a namespace of its own (docs/cluster.md)
	@IMAGE="$(if $(filter file,$(origin IMAGE)),,$(IMAGE))" $(python) -m tests.e2e

e2e-cluster: $(environment) ## make a kind cluster for e2e, with IMAGE and NEXT_IMAGE in it (needs docker, helm, kubectl)
	@$(python) -m tests.e2e.kind

e2e-logs: $(environment) ## write the logs of that cluster to the folder OUTPUT=…
	@$(python) -m tests.e2e.kind logs "$$OUTPUT"

##@ Develop

docs: $(environment) ## write docs/commands.md, settings.md, errors.md and policies.md again from the code
	@$(python) docs/generate.py

docs-site: $(environment) ## build docs/ as a site in .cache/docs-site/html; a broken link fails it
	@UV_PROJECT_ENVIRONMENT=.cache/docs $(uv) sync --quiet --locked --only-group docs
	@$(python) docs/build_site.py .cache/docs/bin/zensical

proto: $(environment) ## make the code of the messages from the .proto files of server/protocol
	$(python) -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. server/protocol/*/*.proto

lock: ## resolve the dependencies again: uv.lock, and from it tools/bootstrap.txt
	$(uv) lock
	$(uv) lock --project tools/seldon-core
	for peer in limit mlflow mlserver; do $(uv) lock --project benchmarks/peers/$$peer || exit; done
	$(uv) export --quiet --locked --only-group bootstrap --output-file tools/bootstrap.txt

clean: ## remove all that was made in this folder
	@test ! -d .cache || chmod -R u+w .cache # Go's module cache is read-only
	rm -rf .venv .cache .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(environment): pyproject.toml uv.lock
	@echo "Installing the locked Python environment in .venv (once, and when uv.lock changes)" >&2
	@$(uv) sync --locked $(if $(filter-out dev,$(DEPENDENCIES)),--only-group $(DEPENDENCIES))
	@rm -f .venv/.synced-* && touch $@
