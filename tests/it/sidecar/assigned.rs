//! Integrations of users whose tokens name no extension: they have those of the extension that the directory
//! gives their `sub`.

use super::{
    contacts::look_up,
    scene::{Scene, USER, beside, connect, disconnect, integration, integrations, with_sidecar},
};
use crate::support::{
    Engine, Gateway, TokenServer,
    directory::{assign, user},
    eventually,
    gateway::problem,
    new_tenant,
};
use serde_json::Value;

#[tokio::test]
async fn a_user_has_the_integrations_of_what_the_directory_gives() {
    let scene = Scene::living(300).await;
    let ann = user(&scene.tenant, "ann");
    assert!(integrations(&scene.gateway, &ann).await.is_empty());
    problem(connect(&scene.gateway, "", Some(&ann)).await, 403).await;
    assert_eq!(disconnect(&scene.gateway, &ann, USER).await, 403);
    assign(&scene.gateway, &scene.tenant, &[("ann", USER)]).await;
    assert_eq!(connect(&scene.gateway, "", Some(&ann)).await.status(), 303);
    let request = scene.gateway.request("POST", "/v1/tickets").bearer_auth(ann.mint());
    let ticket: Value = request.send().await.unwrap().json().await.unwrap();
    let query = format!("?ticket={}", ticket["ticket"].as_str().unwrap());
    assert_eq!(connect(&scene.gateway, &query, None).await.status(), 303);
    scene.activate(USER).await;
    assert_eq!(integration(&scene.gateway, &ann).await["extension"], USER);
    let found: Value = look_up(&scene, "+3228992675", &ann).await.json().await.unwrap();
    assert_eq!(found["name"], "Sophie Lambert");

    // The same sub elsewhere, and the user once it is somebody else's.
    let elsewhere = user(&new_tenant(), "ann");
    assert!(integrations(&scene.gateway, &elsewhere).await.is_empty());
    assign(&scene.gateway, &scene.tenant, &[("bob", USER)]).await;
    assert!(integrations(&scene.gateway, &ann).await.is_empty());
    let found: Value = look_up(&scene, "+3228992675", &ann).await.json().await.unwrap();
    assert_eq!(found["name"], Value::Null);
    assert_eq!(disconnect(&scene.gateway, &ann, USER).await, 403);
    assert_eq!(disconnect(&scene.gateway, &user(&scene.tenant, "bob"), USER).await, 200);
}

#[tokio::test]
async fn a_sidecar_alone_goes_by_what_was_written_at_a_gateway() {
    let telsmart = TokenServer::start("").await;
    let config = with_sidecar(Engine::Redis.config().await, &telsmart).set("sidecar.mode", "separate");
    let sidecar = Gateway::start_sidecar(&config).await;
    let gateway = beside(&config).start().await;
    let scene = Scene::on(telsmart, config, sidecar).await;
    let ann = user(&scene.tenant, "ann");
    problem(connect(&scene.gateway, "", Some(&ann)).await, 403).await;
    assign(&gateway, &scene.tenant, &[("ann", USER)]).await;
    eventually("the sidecar to follow", async || {
        (connect(&scene.gateway, "", Some(&ann)).await.status() == 303).then_some(())
    })
    .await;
    scene.activate(USER).await;
    assert_eq!(integration(&gateway, &ann).await["status"], "active");
    assert_eq!(disconnect(&scene.gateway, &ann, USER).await, 200);
}
