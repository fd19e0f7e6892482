//! Telsmart's calls to the client, server to server: a user has consented, or is gone.

use crate::simulator::sender::{self, SenderError};
use parking_lot::Mutex;
use reqwest::{
    Client, Url,
    header::{HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Where the client takes activations, below the gateway's base URL.
const ACTIVATE: &str = "/integrations/telsmart/activate";
const DEACTIVATE: &str = "/integrations/telsmart/deactivate";

/// The two URLs exchanged at onboarding, and the agreed header.
pub(crate) struct Callbacks {
    targets: Mutex<[Target; 2]>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// Which callback.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callback {
    Activation,
    Deactivation,
}

#[derive(Clone)]
struct Target {
    url: Url,
    client: Client,
}

impl Callback {
    /// Its URL at a gateway.
    pub(crate) fn at(self, gateway: &str) -> String {
        let path = match self {
            Self::Activation => ACTIVATE,
            Self::Deactivation => DEACTIVATE,
        };
        format!("{}{path}", gateway.trim_end_matches('/'))
    }
}

impl Callbacks {
    /// Without a secret, no header is sent: it is optional at onboarding.
    pub(crate) fn new(
        activation: &str,
        deactivation: &str,
        header: &str,
        secret: Option<&SecretString>,
    ) -> Result<Self, SenderError> {
        let header: HeaderName = header.parse().map_err(|_| SenderError::Header(header.to_owned()))?;
        let secret = secret.map(|secret| {
            let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(|_| SenderError::Secret)?;
            value.set_sensitive(true);
            Ok::<_, SenderError>((header, value))
        });
        let targets = [Target::new(activation)?, Target::new(deactivation)?];
        Ok(Self { targets: targets.into(), header: secret.transpose()? })
    }

    /// From now on those that are given go to other URLs; when one is bad, none does.
    pub(crate) fn redirect(
        &self,
        activation: Option<&str>,
        deactivation: Option<&str>,
    ) -> Result<(), SenderError> {
        let [activation, deactivation] =
            [activation, deactivation].map(|url| url.map(Target::new).transpose());
        let new = [activation?, deactivation?];
        for (target, new) in self.targets.lock().iter_mut().zip(new) {
            if let Some(new) = new {
                *target = new;
            }
        }
        Ok(())
    }

    /// Sends a body once; gives the status of the answer, or none when nobody answered in time.
    pub(crate) async fn call(&self, callback: Callback, body: &Value) -> Option<u16> {
        let Target { url, client } = self.targets.lock()[callback as usize].clone();
        let mut request = client.post(url).json(body);
        if let Some((name, secret)) = &self.header {
            request = request.header(name, secret);
        }
        match request.send().await {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    ?callback,
                    "a callback was not answered"
                );
                None
            }
        }
    }
}

impl Target {
    fn new(text: &str) -> Result<Self, SenderError> {
        let bad = || SenderError::Callback(text.to_owned());
        let url = Url::parse(text).map_err(|_| bad())?;
        let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(bad)?;
        let client = sender::client(host)?;
        Ok(Self { url, client })
    }
}
