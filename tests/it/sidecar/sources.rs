//! Two sources with a portal each: one user consents at both, and what is the one's is never the other's.

use super::scene::{
    PATIENCE, audit, base, beside, http, integrations, is_in_order, journal, sent_to, with_portal,
    with_sidecar,
};
use crate::support::{
    Config, Engine, Gateway, Leg, Token, TokenServer, engine::on_redis, eventually, eventually_within,
    gateway::problem, new_tenant, proxy::Proxy, redis, soon, token::CALLBACK_SECRET,
    token_server::Activation,
};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

const USER: &str = "200";
const CLINIC_HEADER: &str = "X-Clinic-Callback";
const CLINIC_SECRET: &str = "callback-secret-two-0123456789";
/// By source, the header of its callbacks.
const HEADERS: [(&str, (&str, &str)); 2] =
    [("clinic", (CLINIC_HEADER, CLINIC_SECRET)), ("telsmart", ("X-Callback-Secret", CALLBACK_SECRET))];

/// A process with both, and their token servers.
struct Two {
    clinic: TokenServer,
    telsmart: TokenServer,
    gateway: Gateway,
    config: Config,
    tenant: String,
}

/// A second source of the same kind.
fn with_clinic(config: Config) -> Config {
    let config = config.set("sources.clinic.kind", "telsmart");
    config.set("sources.clinic.secrets", vec!["webhook-secret-two-0123456789"])
}

fn with_clinics_portal(config: Config, clinic: &TokenServer) -> Config {
    with_portal(with_clinic(config), "clinic", clinic)
        .set("sidecar.clinic.callback_header", CLINIC_HEADER)
        .set("sidecar.clinic.callback_secrets", vec![CLINIC_SECRET])
}

/// The token servers of both, with access tokens that live so long.
async fn servers(clinics_life: &str, telsmarts_life: &str) -> (TokenServer, TokenServer) {
    let options = format!("--callback-header {CLINIC_HEADER} --access-token-life {clinics_life}");
    let clinic = TokenServer::start_as(CLINIC_SECRET, &options).await;
    (clinic, TokenServer::start(&format!("--access-token-life {telsmarts_life}")).await)
}

impl Two {
    async fn begin(engine: Engine, clinics_life: &str, telsmarts_life: &str) -> Self {
        let (clinic, telsmart) = servers(clinics_life, telsmarts_life).await;
        let config = with_clinics_portal(with_sidecar(engine.config().await, &telsmart), &clinic);
        let gateway = config.start().await;
        Self { clinic, telsmart, gateway, config, tenant: new_tenant() }.called_back().await
    }

    async fn called_back(self) -> Self {
        self.clinic.call_back_as("clinic", &base(&self.gateway)).await;
        self.telsmart.call_back(&base(&self.gateway)).await;
        self
    }

    fn server(&self, source: &str) -> &TokenServer {
        if source == "clinic" { &self.clinic } else { &self.telsmart }
    }

    fn token(&self) -> Token {
        Token::agent(&self.tenant, &[USER])
    }

    async fn key(&self, source: &str) -> String {
        let request = http().get(format!("{}/integrations/{source}/connect", base(&self.gateway)));
        let answer = soon("the redirect", request.bearer_auth(self.token().mint()).send()).await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap();
        assert!(to.starts_with(&self.server(source).url("/mytelsmart/callpop?")), "{to}");
        sent_to(&answer).remove("confirmation_key").unwrap()
    }

    async fn activate(&self, source: &str) -> Activation {
        let consent = self.server(source).activate(&self.tenant, USER, &self.key(source).await).await;
        assert_eq!(consent.status, Some(200));
        consent
    }

    /// Source and status of all the user's integrations.
    async fn stands(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = integrations(&self.gateway, &self.token()).await;
        all.iter().map(|found| (text(&found["source"]), text(&found["status"]))).collect()
    }

    async fn vend(&self, source: &str) -> Response {
        let url = format!("http://{}/internal/{source}/access-token", self.gateway.private().await);
        let body = json!({"tenant_id": self.tenant, "user_extension": USER});
        http().post(url).bearer_auth(Token::service(&self.tenant).mint()).json(&body).send().await.unwrap()
    }

    async fn access_token(&self, source: &str) -> String {
        let answer = self.vend(source).await;
        assert_eq!(answer.status(), 200, "{source}");
        answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    fn post(&self, source: &str, what: &str) -> RequestBuilder {
        self.gateway.request("POST", &format!("/integrations/{source}/{what}"))
    }

    async fn family(&self, source: &str) -> Value {
        self.server(source).families(&self.tenant, USER).await.pop().expect("he consented")
    }

    async fn rotations(&self, source: &str, times: u64) {
        eventually_within(PATIENCE, "rotations", async || {
            (self.family(source).await["rotations"].as_u64().unwrap() >= times).then_some(())
        })
        .await;
    }

    /// Each token was presented where it came from only, and once at most.
    async fn is_in_order(&self) {
        for source in ["clinic", "telsmart"] {
            is_in_order(&self.family(source).await);
            let summary = self.server(source).summary().await;
            assert_eq!(
                (&summary["presented_unknown"], &summary["reuses"]),
                (&json!(0), &json!(0)),
                "{summary}"
            );
        }
    }
}

fn both(clinic: &str, telsmart: &str) -> Vec<(String, String)> {
    vec![("clinic".into(), clinic.into()), ("telsmart".into(), telsmart.into())]
}

macro_rules! on_each_store {
    ($($test:ident),*) => {
        mod on_embedded {
            $(#[tokio::test] async fn $test() { super::$test(crate::support::Engine::Embedded).await })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $test() { super::$test(crate::support::Engine::Redis).await })*
        }
    };
}

on_each_store!(
    one_user_consents_at_both,
    a_callback_is_good_at_its_own_source_only,
    what_ends_at_one_goes_on_at_the_other,
    each_refreshes_at_its_own_provider
);

async fn one_user_consents_at_both(engine: Engine) {
    let two = Two::begin(engine, "300s", "300s").await;
    let mut client = two.gateway.agent(&two.tenant, USER).await;
    let clinics = two.activate("clinic").await;
    assert_eq!(two.stands().await, [("clinic".to_owned(), "active".to_owned())]);
    assert_eq!(two.vend("telsmart").await.status(), 409);
    let telsmarts = two.activate("telsmart").await;
    assert_eq!(two.stands().await, both("active", "active"));
    for found in integrations(&two.gateway, &two.token()).await {
        assert_eq!((&found["provider"], &found["extension"]), (&json!("telsmart"), &json!(USER)));
    }
    for told in [("clinic", "pending"), ("clinic", "active"), ("telsmart", "pending"), ("telsmart", "active")]
    {
        let frame = client.next_of("integration").await;
        let says = (frame["source"].as_str().unwrap(), frame["status"].as_str().unwrap());
        assert_eq!((says, &frame["provider"]), (told, &json!("telsmart")));
    }
    let tokens = [two.access_token("clinic").await, two.access_token("telsmart").await];
    assert_eq!(tokens, [clinics.access_token(), telsmarts.access_token()]);
    assert_ne!(tokens[0], tokens[1]);
    // What was done is told apart by operators too.
    let log =
        eventually("the audit log", async || Some(audit(&two.config)).filter(|log| log.len() >= 4)).await;
    let at = |source: &str| -> Vec<_> {
        let own = log.iter().filter(|line| line["source"] == source);
        own.map(|line| line["event"].as_str().unwrap()).collect()
    };
    assert_eq!(
        [at("clinic"), at("telsmart")],
        [["connect_begun", "activated"], ["connect_begun", "activated"]]
    );
    for source in ["clinic", "telsmart"] {
        for labels in [
            format!("callpop_integrations{{source=\"{source}\",status=\"active\"}}"),
            format!(
                "callpop_activation_callbacks_total{{source=\"{source}\",kind=\"activate\",status=\"200\"}}"
            ),
            format!("callpop_access_tokens_vended_total{{source=\"{source}\",status=\"200\"}}"),
        ] {
            assert_eq!(two.gateway.metric(&labels).await, 1.0, "{labels}");
        }
    }
    // Nor are they mixed up by who begins anew.
    let two = Two { gateway: two.gateway.restart_after_kill().await, ..two }.called_back().await;
    assert_eq!([two.access_token("clinic").await, two.access_token("telsmart").await], tokens);
}

async fn a_callback_is_good_at_its_own_source_only(engine: Engine) {
    let two = Two::begin(engine, "300s", "300s").await;
    let keys = [("clinic", two.key("clinic").await), ("telsmart", two.key("telsmart").await)];
    let body = |key: &str| {
        json!({
            "tenant_id": two.tenant, "user_extension": USER, "confirmation_key": key, "expires_in": 300,
            "access_token": "tsa_made-up", "refresh_token": "tsr_made-up",
        })
    };
    for ((source, header), others) in HEADERS.into_iter().zip(HEADERS.into_iter().rev()) {
        let own = &keys.iter().find(|(of, _)| *of == source).unwrap().1;
        let theirs = &keys.iter().find(|(of, _)| *of != source).unwrap().1;
        for what in ["activate", "deactivate"] {
            let crossed = [others.1, (header.0, others.1.1), (others.1.0, header.1)];
            for (name, secret) in crossed {
                for text in ["not JSON".to_owned(), body(own).to_string()] {
                    let request = two.post(source, what).header(name, secret).body(text);
                    problem(request.send().await.unwrap(), 401).await;
                }
            }
        }
        let request = two.post(source, "activate").header(header.0, header.1).json(&body(theirs));
        problem(request.send().await.unwrap(), 403).await;
    }
    assert_eq!(two.stands().await, both("pending", "pending"), "nothing is stored");
    // Nobody is at a path of a source that is none.
    for (method, what) in
        [("GET", "connect"), ("POST", "activate"), ("POST", "deactivate"), ("POST", "disconnect")]
    {
        let path = format!("/integrations/other/{what}");
        let request = two.gateway.request(method, &path).header("X-Callback-Secret", CALLBACK_SECRET);
        problem(request.bearer_auth(two.token().mint()).json(&body("k")).send().await.unwrap(), 404).await;
    }
    problem(two.vend("other").await, 404).await;
    assert_eq!(two.gateway.metric("callpop_access_tokens_vended_total").await, 0.0);
    // Each key is still good where it belongs.
    for (source, key) in &keys {
        let (_, header) = HEADERS.iter().find(|(of, _)| of == source).unwrap();
        let request = two.post(source, "activate").header(header.0, header.1).json(&body(key));
        assert_eq!(request.send().await.unwrap().status(), 200, "{source}");
    }
}

async fn what_ends_at_one_goes_on_at_the_other(engine: Engine) {
    let two = Two::begin(engine, "300s", "300s").await;
    for source in ["clinic", "telsmart"] {
        two.activate(source).await;
    }
    let telsmarts = two.access_token("telsmart").await;
    let request = two.post("clinic", "disconnect").bearer_auth(two.token().mint());
    assert_eq!(request.json(&json!({"extension": USER})).send().await.unwrap().status(), 200);
    eventually("the tokens to be revoked", async || {
        (two.family("clinic").await["revoked"] == "client").then_some(())
    })
    .await;
    assert_eq!(two.stands().await, both("deactivated", "active"));
    assert_eq!(two.vend("clinic").await.status(), 409);
    assert_eq!(
        (two.access_token("telsmart").await, &two.family("telsmart").await["revoked"]),
        (telsmarts, &Value::Null)
    );
    // And the other way round, by the provider.
    two.activate("clinic").await;
    assert_eq!(two.telsmart.deactivate(&two.tenant, USER, true).await, Some(200));
    assert_eq!(two.stands().await, both("active", "deactivated"));
    let clinics = two.access_token("clinic").await;
    assert_eq!(two.clinic.contacts("", Some(&clinics)).await.status(), 200);
}

async fn each_refreshes_at_its_own_provider(engine: Engine) {
    let two = Two::begin(engine, "300s", "2s").await;
    let clinics = two.activate("clinic").await;
    let telsmarts = two.activate("telsmart").await;
    two.rotations("telsmart", 2).await;
    assert_ne!(two.access_token("telsmart").await, telsmarts.access_token());
    assert_eq!(two.access_token("clinic").await, clinics.access_token());
    assert_eq!(two.family("clinic").await["rotations"], 0);
    two.is_in_order().await;
    assert!(journal(&two.config).len() <= 1, "an answer that is stored is no longer kept");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_does_not_hold_up_the_other() {
    let two = Two::begin(Engine::Embedded, "2s", "4s").await;
    for source in ["clinic", "telsmart"] {
        two.activate(source).await;
    }
    two.telsmart.fault([json!({"fault": "hold"})]).await;
    two.telsmart.held(1).await;
    let before = two.family("clinic").await["rotations"].as_u64().unwrap();
    two.rotations("clinic", before + 2).await;
    is_in_order(&two.family("clinic").await);
    two.telsmart.release(true, true).await;
}

#[tokio::test]
async fn an_answer_that_was_kept_is_replayed_for_its_own_source() {
    let (clinic, telsmart) = servers("3s", "300s").await;
    let link = Proxy::to(&redis::shared().await.address()).await;
    let config = with_clinics_portal(with_sidecar(on_redis(link.url()), &telsmart), &clinic);
    let gateway = Gateway::start_sidecar(&config).await;
    let mut two = Two { clinic, telsmart, gateway, config, tenant: new_tenant() }.called_back().await;
    two.activate("clinic").await;
    let telsmarts = two.activate("telsmart").await;
    two.clinic.fault([json!({"fault": "hold"})]).await;
    two.clinic.held(1).await;
    link.cut();
    assert_eq!(two.clinic.release(true, true).await, [1, 0]);
    eventually("the answer to be kept", async || (!journal(&two.config).is_empty()).then_some(())).await;
    let kept = journal(&two.config).into_values().next().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap()["source"], "clinic");
    two.gateway.process.kill();
    link.heal();
    two = Two { gateway: two.gateway.restart_after_kill().await, ..two }.called_back().await;
    // There is a row of the same tenant and extension at the other: it stays as it is.
    two.rotations("clinic", 3).await;
    let replayed = "callpop_token_answers_replayed_total{source=\"clinic\"}";
    assert_eq!(two.gateway.metric(replayed).await, 1.0);
    assert_eq!(two.access_token("telsmart").await, telsmarts.access_token());
    two.is_in_order().await;
}

#[tokio::test]
async fn integrations_of_a_source_whose_portal_is_gone_are_left_alone() {
    let (clinic, telsmart) = servers("2s", "300s").await;
    let alone = with_clinic(with_sidecar(Config::new(), &telsmart));
    let config = with_clinics_portal(alone.clone(), &clinic);
    let gateway = config.start().await;
    let two = Two { clinic, telsmart, gateway, config, tenant: new_tenant() }.called_back().await;
    for source in ["clinic", "telsmart"] {
        two.activate(source).await;
    }
    let two = Two { gateway: two.gateway.restart_by(&alone).await, ..two };
    assert_eq!(two.stands().await, [("telsmart".to_owned(), "active".to_owned())]);
    problem(two.vend("clinic").await, 404).await;
    problem(two.post("clinic", "activate").send().await.unwrap(), 404).await;
    eventually("its access to be at risk", async || {
        (two.gateway.metric("callpop_integrations_at_risk{source=\"clinic\"}").await == 1.0).then_some(())
    })
    .await;
    two.gateway.process.logged("there is no [sidecar.NAME]").await;
    let rotations = two.family("clinic").await["rotations"].as_u64().unwrap();
    let two = Two { gateway: two.gateway.restart_by(&two.config).await, ..two };
    two.rotations("clinic", rotations + 1).await;
    eventually("both to be active", async || (two.stands().await == both("active", "active")).then_some(()))
        .await;
    two.is_in_order().await;
}

#[tokio::test]
async fn activation_is_required_at_sources_that_have_a_portal() {
    let (clinic, telsmart) = servers("300s", "300s").await;
    let required = with_sidecar(Config::new(), &telsmart).set("calls.require_activation", true);
    let deliver = async |gateway: &Gateway, leg: &Leg| {
        let request = gateway.request("POST", "/webhooks/clinic");
        let request = request.header("X-Webhook-Secret", "webhook-secret-two-0123456789");
        let answer = soon("the answer", request.json(&leg.ringing(0)).send()).await.unwrap();
        assert_eq!(answer.status(), 204);
    };
    let calls = async |gateway: &Gateway, leg: &Leg| -> Vec<_> {
        let first = gateway.agent(&leg.tenant, USER).await.first;
        let calls = first["calls"].as_array().unwrap().iter();
        calls.map(|call| call["source"].as_str().unwrap().to_owned()).collect()
    };
    let gateway = with_clinic(required.clone()).start().await;
    let leg = Leg::inbound(&new_tenant(), USER);
    gateway.deliver(&leg.ringing(0)).await;
    deliver(&gateway, &leg).await;
    assert_eq!(calls(&gateway, &leg).await, ["clinic"], "nobody can connect there");
    drop(gateway);
    // Where each has one, a consent counts for the calls of its own source.
    let config = with_clinics_portal(required.elsewhere(), &clinic);
    let data = config.data_dir();
    let config = config.set("engine.data_dir", data.to_str().unwrap());
    let config = config.set("sidecar.data_dir", data.join("sidecar").to_str().unwrap());
    let gateway = config.start().await;
    let two = Two { clinic, telsmart, gateway, config, tenant: new_tenant() }.called_back().await;
    two.activate("telsmart").await;
    let leg = Leg::inbound(&two.tenant, USER);
    deliver(&two.gateway, &leg).await;
    two.gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(calls(&two.gateway, &leg).await, ["telsmart"]);
    two.activate("clinic").await;
    deliver(&two.gateway, &leg).await;
    assert_eq!(calls(&two.gateway, &leg).await.len(), 2);
}

/// The name of a caller, by a query; and how often each phonebook was asked so far.
async fn name(two: &Two, gateway: &Gateway, more: &str) -> (Value, [u64; 2]) {
    let request = gateway.request("GET", &format!("/v1/contacts?number=%2B3228992675{more}"));
    let answer = soon("the name", request.bearer_auth(two.token().mint()).send()).await.unwrap();
    assert_eq!(answer.status(), 200, "{more}");
    let name = answer.json::<Value>().await.unwrap()["name"].take();
    let asked = async |server: &TokenServer| server.summary().await["contacts"]["answered"].as_u64().unwrap();
    (name, [asked(&two.clinic).await, asked(&two.telsmart).await])
}

#[tokio::test]
async fn a_name_is_asked_for_at_the_source_of_the_call() {
    let two = Two::begin(Engine::Embedded, "300s", "300s").await;
    let none = (Value::Null, [0, 0]);
    two.activate("telsmart").await;
    for elsewhere in ["&source=clinic", "&source=other"] {
        assert_eq!(name(&two, &two.gateway, elsewhere).await, none, "{elsewhere}");
    }
    let sophie = json!("Sophie Lambert");
    // Without a source it is the first where the user is connected.
    assert_eq!(name(&two, &two.gateway, "").await, (sophie.clone(), [0, 1]));
    two.activate("clinic").await;
    assert_eq!(name(&two, &two.gateway, "").await, (sophie.clone(), [1, 1]));
    assert_eq!(
        name(&two, &two.gateway, "&source=telsmart").await,
        (sophie.clone(), [1, 1]),
        "it is remembered"
    );
    for bad in ["&source=Clinic!", "&source=", "&source=clinic&source=clinic"] {
        let request = two.gateway.request("GET", &format!("/v1/contacts?number=200{bad}"));
        problem(request.bearer_auth(two.token().mint()).send().await.unwrap(), 422).await;
    }
}

#[tokio::test]
async fn a_gateway_beside_a_sidecar_asks_it_for_the_token_of_that_source() {
    let (clinic, telsmart) = servers("300s", "300s").await;
    let config = with_clinics_portal(with_sidecar(Engine::Redis.config().await, &telsmart), &clinic)
        .set("sidecar.mode", "separate");
    let sidecar = Gateway::start_sidecar(&config).await;
    let gateway =
        beside(&config).set("sidecar.url", format!("http://{}", sidecar.private().await)).start().await;
    let two = Two { clinic, telsmart, gateway: sidecar, config, tenant: new_tenant() }.called_back().await;
    for source in ["clinic", "telsmart"] {
        two.activate(source).await;
    }
    assert_eq!(name(&two, &gateway, "&source=telsmart").await.1, [0, 1]);
    assert_eq!(name(&two, &gateway, "&source=clinic").await.1, [1, 1]);
    assert_eq!(integrations(&gateway, &two.token()).await.len(), 2);
}
