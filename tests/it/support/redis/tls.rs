//! A server that is reached by TLS, with a certificate of a private authority that `openssl` makes.

use super::{Aof, Server};
use crate::support::process::run;
use std::{fs, path::Path, process::Command};

/// A server with a port for TLS beside the plain one, by which tests ask it.
pub struct TlsServer {
    pub server: Server,
    pub tls_port: u16,
    /// The authority's certificate, for `engine.redis_ca_file`.
    pub ca_file: String,
}

impl TlsServer {
    /// Makes the certificates and starts a server with them.
    pub async fn start(aof: Aof) -> Self {
        let server = Server::start_by(|folder, port| {
            make_certificates(folder);
            let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
            let tls_port = (port + 10_000).to_string();
            let mut options =
                vec!["--tls-port".to_owned(), tls_port, "--tls-auth-clients".to_owned(), "no".to_owned()];
            for (option, file) in [
                ("--tls-cert-file", "server.pem"),
                ("--tls-key-file", "server.key"),
                ("--tls-ca-cert-file", "ca.pem"),
            ] {
                options.extend([option.to_owned(), path(file)]);
            }
            options.extend(aof.options().map(str::to_owned));
            options
        })
        .await;
        let ca_file = server.folder.path().join("ca.pem").to_str().unwrap().to_owned();
        Self { tls_port: server.port + 10_000, ca_file, server }
    }

    /// For `engine.redis_url`.
    pub fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls_port)
    }
}

/// An authority, and a certificate of its for 127.0.0.1.
fn make_certificates(folder: &Path) {
    const NAMES: &str = "basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n";
    const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    fs::write(folder.join("names"), NAMES).unwrap();
    openssl(folder, &format!("req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 30 -subj /CN=authority"));
    openssl(folder, &format!("req {NEW_KEY} -keyout server.key -out server.csr -subj /CN=redis"));
    let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30";
    openssl(folder, &format!("{sign} -extfile names -out server.pem"));
}

fn openssl(folder: &Path, arguments: &str) {
    let output = run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
