# Two commands for a newcomer: `make demo` and `make test`. Each does all of its own set-up.
.PHONY: demo crates test pictures soak web types licenses audit bench bench-speed bench-redis bench-web clean

SHELL := bash

# A web client of which a part failed is none.
.DELETE_ON_ERROR:

WEB := web-client
# Folders too: that a file went is seen by its folder.
WEB_SOURCES := $(shell find $(WEB)/packages \( -name node_modules -o -name dist \) -prune -o -print 2>/dev/null) $(WEB)/tsconfig.json
LISTEN ?= 127.0.0.1:8080

# The crates compile beside the web client, and the gateway after it, which has it inside.
demo:
	scripts/need compiler node
	$(MAKE) --no-print-directory -j2 web crates
	cargo build --profile demo --locked
	target/demo/callpop demo --listen $(LISTEN)

# All that the gateway is made of, without the gateway.
crates:
	tree=$$(cargo tree --locked --edges normal --depth 1 --prefix none) \
		&& cargo build --profile demo --locked --lib \
			$$(sed -n '2,$$ s/^\([^ ]*\) v\([^ ]*\).*/-p \1@\2/p' <<< "$$tree")

test:
	scripts/test

# What every state of every page looks like, in web-client/screenshots.
pictures: web
	scripts/need compiler chromium
	cargo build --locked
	cd $(WEB) && PICTURES=1 npm run test:browser -- popup-states alert-looks page integration-demo pip live-popup

# What `make test` has in a short form, thousands of times: damage, kills, slow clients, refresh tokens.
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

# What is bundled, and its terms, as `callpop --licenses` prints them.
licenses: $(WEB)/node_modules/.installed
	scripts/need compiler node
	node scripts/licenses.mjs

# Known advisories about what is bundled. It needs the internet.
audit:
	scripts/audit

# The hot path: parse, fold, encode.
bench:
	cargo bench --locked

# The whole gateway beside the floor and nchan; ARGS="1 floor,memory closed" for one pair, two columns, one table.
bench-speed:
	node scripts/bench.mjs $(ARGS)

# Many nodes on one Redis, beside socket.io and Centrifugo's library; ARGS as above.
bench-redis:
	node scripts/bench-redis.mjs $(ARGS)

# The web client in Chromium; with ARGS=--strict a missed goal fails.
bench-web: web
	scripts/need compiler chromium
	cargo build --release --locked
	node scripts/bench-web.mjs $(ARGS)

clean:
	cargo clean
	rm -rf $(WEB)/node_modules $(WEB)/dist $(WEB)/packages/*/dist
