//! The web client is built into the binary: build anew when it changes.

fn main() {
    println!("cargo::rerun-if-changed=web-client/dist");
}
