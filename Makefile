# Two commands for a newcomer: `make demo` and `make test`. Each does all of its own set-up.
.PHONY: demo test soak web types bench bench-web clean

WEB := web-client
WEB_SOURCES := $(shell find $(WEB)/packages -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
LISTEN ?= 127.0.0.1:8080

demo: web
	scripts/need compiler
	cargo build --release --locked
	target/release/callpop demo --listen $(LISTEN)

test:
	scripts/test

# Refresh tokens through thousands of rotations, kills and faults; `make test` has a short form.
soak:
	scripts/soak

web: $(WEB)/dist/index.html

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json
	scripts/need node
	cd $(WEB) && npm ci --no-audit --no-fund
	touch $@

$(WEB)/dist/index.html: $(WEB)/node_modules/.installed $(WEB_SOURCES)
	cd $(WEB) && npm run build
	touch $@

# The TypeScript of the frames, from the Rust that speaks them.
types:
	CALLPOP_WRITE_TYPES=1 cargo test --lib --locked protocol::tests

# The hot path: parse, fold, encode.
bench:
	cargo bench --locked

# The web client in Chromium; with ARGS=--strict a missed goal fails.
bench-web: web
	scripts/need compiler chromium
	cargo build --release --locked
	node scripts/bench-web.mjs $(ARGS)

clean:
	cargo clean
	rm -rf $(WEB)/node_modules $(WEB)/dist $(WEB)/packages/*/dist
