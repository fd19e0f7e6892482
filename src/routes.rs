//! Every route of every listener, and who may call it. What a route does is its handler's; that
//! only those are let in who are named here, too.
//!
//! `callpop demo` adds the routes of its page and of the simulator, for which see `demo.rs`.

use crate::{
    api::{self, DirectoryDoor, Reports},
    auth::Verifier,
    displays::{self, DisplayDoor},
    gateway::Gateway,
    http::{get_and_post, get_and_put, get_only, method_not_allowed, not_found},
    integrations::{self, Contacts},
    operator::{self, SidecarProcess},
    session::{self, Sessions},
    sidecar::{
        Sidecar, activation,
        users::{self, Users},
        vending,
    },
    summaries::{self, Summaries},
    web,
    webhook::{self, Webhooks},
};
use axum::{
    Router,
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    routing::{delete, get, post},
};
use std::{sync::Arc, time::Duration};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Of each source one: what is asked most often is found without a parameter.
const WEBHOOKS: &str = "/webhooks/{source}";
const BACKUP: &str = "/backup";
const ARCHIVE: &str = "/archive";
const LEG: &str = "/calls/{tenant}/{source}/{extension}/{leg}";
const NOTICE: &str = "/notices/{tenant}/{source}/{extension}/{notice}";

/// The public listener of a gateway (`listen`).
pub(crate) fn public(
    gateway: &Arc<Gateway>,
    sessions: &Arc<Sessions>,
    webhooks: &Arc<Webhooks>,
) -> anyhow::Result<Router> {
    let routes = webhooks
        .doors()
        // The provider of that source, by the agreed header, from allowed addresses.
        .fold(Router::new(), |routes, door| {
            let receive = post(webhook::receive).with_state(door.clone());
            routes.route(&WEBHOOKS.replace("{source}", door.source()), receive)
        })
        // A user, by a token, from an allowed origin.
        .route("/v1/stream", get_only(session::stream).with_state(sessions.clone()))
        // Anybody: balancers and probes.
        .route("/readyz", get_only(operator::in_rotation).with_state(gateway.clone()))
        // Anybody: the web client.
        .route("/assets/{*path}", get(web::asset))
        .route("/embed/{*path}", get(web::embed));
    let routes = routes.merge(directory_of(gateway)).merge(displays_of(gateway));
    let routes = routes.merge(summaries_of(gateway)).merge(reports_of(gateway));
    let routes = routes.merge(integrations_of(gateway)?);
    Ok(finished_for_users(routes, &gateway.verifier))
}

/// On the public listener of a gateway.
fn summaries_of(gateway: &Arc<Gateway>) -> Router {
    let summaries = Arc::new(Summaries::new(gateway.clone()));
    // A user of the extension, or a supervisor or a server of the tenant, by a token.
    let read = get_only(summaries::read).with_state(summaries);
    let routes = Router::new().route("/v1/summaries/{source}/{extension}/{leg}", read);
    across(routes, &gateway.config.auth.allowed_origins)
}

/// On the public listener of a gateway.
fn reports_of(gateway: &Arc<Gateway>) -> Router {
    // A user for their own calls, a supervisor or a server of the tenant for all of them, by a token.
    let routes = Router::new()
        .route("/v1/conversations", get_only(api::list))
        .route("/v1/conversations.csv", get_only(api::list_csv))
        .route("/v1/conversations/{named}", get_only(api::one))
        .route("/v1/figures", get_only(api::figures))
        .route("/v1/figures.csv", get_only(api::figures_csv));
    let reports = Arc::new(Reports::new(gateway.clone()));
    across(routes.with_state(reports), &gateway.config.auth.allowed_origins)
}

/// On the public listener of a gateway.
fn directory_of(gateway: &Arc<Gateway>) -> Router {
    let door = DirectoryDoor::new(gateway.clone());
    // A supervisor or a server of the tenant, by a token of that role.
    let routes = Router::new().route("/v1/directory", get_and_put(api::read_directory, api::write_directory));
    across(routes.with_state(Arc::new(door)), &gateway.config.auth.allowed_origins)
}

/// On the public listener of a gateway.
fn displays_of(gateway: &Arc<Gateway>) -> Router {
    let config = &gateway.config;
    let door = DisplayDoor::new(gateway.displays.clone(), gateway.verifier.clone(), &config.trusted_proxies);
    let routes = Router::new()
        // A supervisor of the tenant, by a token of that role.
        .route("/v1/displays", get_and_post(displays::list, displays::answer))
        .route("/v1/displays/{display}", delete(displays::revoke))
        // Anybody: a screen that is to become a display.
        .route("/v1/displays/pair", post(displays::pair))
        // Whoever began that pairing.
        .route("/v1/displays/pair/{poll}", get_only(displays::poll));
    across(routes.with_state(Arc::new(door)), &config.auth.allowed_origins)
}

/// On the public listener of a gateway, where there is a sidecar.
fn integrations_of(gateway: &Arc<Gateway>) -> anyhow::Result<Router> {
    let Some(followed) = &gateway.integrations else { return Ok(Router::new()) };
    let (verifier, directories) = (gateway.verifier.clone(), gateway.directories.clone());
    let users = Users::new(followed.integrations.clone(), verifier, directories);
    let mut routes = of_users(&users);
    if let Some(contacts) = Contacts::new(&gateway.config, users, gateway.sidecar.clone(), &gateway.metrics)?
    {
        // A user, by a token.
        routes = routes.route("/v1/contacts", get_only(integrations::lookup).with_state(Arc::new(contacts)));
    }
    if let Some(sidecar) = &gateway.sidecar {
        routes = routes.merge(of_consents(sidecar));
    }
    // Anybody: the page, which asks for a token itself.
    let page = web::page_at("/integrations", "integrations.html");
    Ok(across(routes, &gateway.config.auth.allowed_origins).merge(page))
}

/// The public listener of a sidecar alone (`listen`).
pub(crate) fn sidecar(sidecar: &Arc<Sidecar>, process: &SidecarProcess, origins: &[String]) -> Router {
    // Anybody: balancers and probes.
    let ready = get_only(operator::sidecar_rotation).with_state(process.clone());
    let routes = across(of_users(&sidecar.users).merge(of_consents(sidecar)), origins);
    finished_for_users(routes.route("/readyz", ready), sidecar.users.verifier())
}

fn of_users(users: &Users) -> Router {
    Router::new()
        // A user, by a token.
        .route("/v1/integrations", get_only(users::list).with_state(users.clone()))
        .route("/v1/tickets", post(users::ticket).with_state(users.clone()))
}

fn of_consents(sidecar: &Arc<Sidecar>) -> Router {
    let sidecar = || sidecar.clone();
    Router::new()
        // A user, by a token or a ticket.
        .route("/integrations/{source}/connect", get_only(activation::connect).with_state(sidecar()))
        // A user, by a token.
        .route("/integrations/{source}/disconnect", post(activation::disconnect).with_state(sidecar()))
        // The provider of that source, by the agreed header of callbacks.
        .route("/integrations/{source}/activate", post(activation::activate).with_state(sidecar()))
        .route("/integrations/{source}/deactivate", post(activation::deactivate).with_state(sidecar()))
}

/// The private listener of a sidecar (`sidecar.listen`).
pub(crate) fn vending(sidecar: &Arc<Sidecar>) -> Router {
    // A server of the tenant, by a token of role `service`.
    let vend = post(vending::vend).with_state(sidecar.clone());
    finished(Router::new().route("/internal/{source}/access-token", vend))
}

/// The private listener of a gateway (`admin_listen`): whoever reaches it.
pub(crate) fn admin(gateway: &Arc<Gateway>) -> Router {
    let routes = Router::new()
        .route("/healthz", get_only(operator::healthy))
        .route("/readyz", get_only(operator::ready))
        .route("/metrics", get_only(operator::metrics))
        // For whoever looks for them here.
        .route(BACKUP, get_only(operator::moved))
        .route(ARCHIVE, get_only(operator::moved))
        .route(LEG, get_only(operator::moved))
        .route(NOTICE, get_only(operator::moved));
    finished(routes.with_state(gateway.clone()))
}

/// What shows personal data, or changes it (`operator_listen`): whoever reaches it.
pub(crate) fn lookups(gateway: &Arc<Gateway>) -> Router {
    let routes = Router::new()
        .route(BACKUP, get_only(operator::backup))
        .route(ARCHIVE, get_only(operator::archive))
        .route(LEG, get_only(operator::leg))
        .route(NOTICE, get_only(operator::notice));
    finished(routes.with_state(gateway.clone()))
}

/// The private listener of a sidecar alone (`admin_listen`): whoever reaches it.
pub(crate) fn sidecar_admin(process: SidecarProcess) -> Router {
    let routes = Router::new()
        .route("/healthz", get_only(operator::healthy))
        .route("/readyz", get_only(operator::sidecar_ready))
        .route("/metrics", get_only(operator::sidecar_metrics));
    finished(routes.with_state(process))
}

/// With the answers to what is not there.
fn finished(routes: Router) -> Router {
    routes.fallback(not_found).method_not_allowed_fallback(method_not_allowed)
}

/// The same of a public listener: what is below `/v1/` is for users, and a stranger is told so first.
fn finished_for_users(routes: Router, verifier: &Arc<Verifier>) -> Router {
    let verifier = verifier.clone();
    let nothing =
        |uri: Uri, headers: HeaderMap| async move { verifier.not_found(&headers, uri.path()).await };
    routes.fallback(nothing).method_not_allowed_fallback(method_not_allowed)
}

/// With what lets pages of these origins ask. The answer to another method goes inside: a browser asks by
/// OPTIONS first, and one that was added later would take that.
fn across(routes: Router, origins: &[String]) -> Router {
    routes.method_not_allowed_fallback(method_not_allowed).layer(cors(origins))
}

/// Pages of these origins may ask; a token goes in a header, never in a cookie.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG])
        .max_age(Duration::from_secs(600))
}
